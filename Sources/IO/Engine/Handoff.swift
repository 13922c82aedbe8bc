import Bus
import Synchronization

/// One value from one thread to another that waits for it.
final class Handoff<Value: Sendable>: @unchecked Sendable {
  private let bell = Doorbell()
  private let held = Mutex<Value?>(nil)

  func put(_ value: Value) {
    held.withLock { $0 = value }
    bell.ring()
  }

  /// The value, or nil when none has come within the time.
  func take(withinMs: Int) -> Value? {
    for _ in 0..<max(1, withinMs / 10) {
      if let value = held.withLock({ $0.take() }) { return value }
      bell.wait(timeoutNs: 10_000_000) { held.withLock { $0 != nil } }
    }
    return held.withLock { $0.take() }
  }
}
