import CSystem
import Machine
import Synchronization

/// Where one thread sleeps until another has something for it.
///
/// The sleeper announces itself, looks once more at its rings, then waits; a ringer pays a fence
/// and a load unless somebody sleeps. A ring between the announcement and the wait is never lost.
@safe public final class Doorbell: @unchecked Sendable {
  private let word: UnsafeMutablePointer<Atomic<UInt32>>

  public init() {
    unsafe word = .allocate(capacity: 1)
    unsafe word.initialize(to: Atomic(0))
  }

  deinit {
    unsafe word.deinitialize(count: 1)
    unsafe word.deallocate()
  }

  /// Wakes the sleeper, if there is one. Call after publishing.
  public func ring() {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if unsafe word.pointee.load(ordering: .relaxed) == 0 { return }
    let was = unsafe word.pointee.exchange(0, ordering: .acquiringAndReleasing)
    if was == 1 && ThisMachine.simulated == nil {
      unsafe vx_futex_wake(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self))
    }
  }

  /// Sleeps until rung, at most `timeoutNs` nanoseconds (negative: for ever), unless `hasWork`.
  public func wait(timeoutNs: Int64, unless hasWork: () -> Bool) {
    unsafe word.pointee.store(1, ordering: .relaxed)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if hasWork() {
      unsafe word.pointee.store(0, ordering: .relaxed)
      return
    }
    if let machine = ThisMachine.simulated {
      machine.wait(timeoutNs: timeoutNs) { [self] in
        unsafe word.pointee.load(ordering: .relaxed) == 0
      }
    } else {
      unsafe vx_futex_wait(
        UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), 1, timeoutNs)
    }
    unsafe word.pointee.store(0, ordering: .relaxed)
  }
}
