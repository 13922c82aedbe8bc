public import Bounded
import Glibc

/// Asks the kernel to back a slab with 2 MiB pages: random accesses over a large state then miss
/// the processor's address cache less. A hint: where the kernel has none to give, nothing changes.
public func adviseHugePages(_ slab: Slab) {
  unsafe slab.withMemory { memory in
    _ = unsafe madvise(memory.baseAddress, memory.count, 14)  // MADV_HUGEPAGE
  }
}

/// Makes the kernel hand over the first `byteCount` bytes of a slab now, so that no event pays for
/// the zeroing of a page. Where the kernel cannot (before 5.14) the first writes pay, as always.
public func touchPages(_ slab: Slab, byteCount: Int) {
  precondition(byteCount >= 0 && byteCount <= slab.byteCount)
  unsafe slab.withMemory { memory in
    _ = unsafe madvise(memory.baseAddress, byteCount, 23)  // MADV_POPULATE_WRITE
  }
}
