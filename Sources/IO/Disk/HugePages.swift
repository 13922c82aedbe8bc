public import Bounded
import Glibc
import Machine

/// Asks the kernel to back a slab with 2 MiB pages: random accesses over a large state then miss
/// the processor's address cache less. A hint: where the kernel has none to give, nothing changes.
public func adviseHugePages(_ slab: Slab) {
  if ThisMachine.simulated != nil { return }
  unsafe slab.withMemory { memory in
    _ = unsafe madvise(memory.baseAddress, memory.count, 14)  // MADV_HUGEPAGE
  }
}

/// Makes the kernel hand over bytes of a slab now, so that no event pays for the zeroing of a page.
/// Where the kernel cannot (before 5.14) the first writes pay, as always.
///
/// It asks for 2 MiB at a time, as the process's other threads cannot map memory meanwhile.
public func touchPages(_ slab: Slab) {
  unsafe slab.withMemory { memory in
    guard let base = memory.baseAddress else { return }
    for start in stride(from: 0, to: memory.count, by: 2 << 20) {
      // MADV_POPULATE_WRITE
      _ = unsafe madvise(base + start, min(2 << 20, memory.count - start), 23)
    }
  }
}
