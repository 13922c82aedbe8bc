import CSystem
import Glibc
import Synchronization

/// Interrupts a loop's sleep from any thread. Copies are cheap and stay valid after the loop ended.
public struct Waker: Sendable {
  let bell: Bell

  /// Makes the loop call every application's `woken()` soon.
  ///
  /// Whatever this thread wrote before is visible in `woken()`. Calls before the loop got round to
  /// it count as one and cost one atomic exchange; the first costs a system call.
  public func wake() { bell.ring() }

  /// Makes `Loop.run()` return soon.
  public func stop() {
    bell.isStopping.store(true, ordering: .releasing)
    bell.ring()
  }
}

/// The eventfd behind a `Waker`, closed with its last owner.
final class Bell: Sendable {
  /// -1 when the process had no descriptor for it; `Loop.init` reports that.
  let descriptor = vx_eventfd()
  let isStopping = Atomic(false)
  private let isRinging = Atomic(false)

  deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

  func ring() {
    // The exchange orders the caller's writes before the flag, also when it was set already: a
    // plain load could be reordered before those writes and lose the wake-up.
    if isRinging.exchange(true, ordering: .acquiringAndReleasing) { return }
    var one: UInt64 = 1
    // The counter cannot overflow: there is at most one unit in it.
    _ = unsafe Glibc.write(descriptor, &one, 8)
  }

  /// Called by the loop before it tells anyone, so that a ring during the telling is not lost.
  func silence() {
    var count: UInt64 = 0
    _ = unsafe Glibc.read(descriptor, &count, 8)
    _ = isRinging.exchange(false, ordering: .acquiringAndReleasing)
  }
}
