public import Bounded
import Glibc

/// Asks the kernel to back a slab with 2 MiB pages: random accesses over a large state then miss the
/// processor's address cache less. A hint: where the kernel has none to give, nothing changes.
public func adviseHugePages(_ slab: Slab) {
  unsafe slab.withMemory { memory in
    _ = unsafe madvise(memory.baseAddress, memory.count, 14)  // MADV_HUGEPAGE
  }
}
