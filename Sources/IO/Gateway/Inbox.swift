import Engine
import Net
import Synchronization

/// Slow work that other threads have finished, to be answered on the gateway's.
final class Inbox: Sendable {
  enum Done: Sendable {
    case created(Result<HuntEntry, CreateRefusal>, ConnectionID)
    /// With what went wrong, if anything did.
    case deleted(String?, ConnectionID)
  }
  private let done = Mutex<[Done]>([])

  func put(_ work: Done) { done.withLock { $0.append(work) } }

  /// What has come since the last call, oldest first.
  func take() -> [Done] {
    done.withLock { held in
      let taken = held
      held.removeAll(keepingCapacity: true)
      return taken
    }
  }
}
