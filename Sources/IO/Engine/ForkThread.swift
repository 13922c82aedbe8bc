import Bus
import Synchronization

/// The thread that builds forks, promotes them and explains scores: whatever replays a journal.
///
/// One after the other, and at most `waitingMax` wait, so that a flood of requests takes bounded
/// memory and at most one core.
final class ForkThread: @unchecked Sendable {
  static let waitingMax = 512
  private let bell = Doorbell()
  private let jobs = Mutex<[@Sendable () -> Void]>([])
  private let stopping = Atomic<Bool>(false)
  private var thread: OSThread?

  init() {
    thread = OSThread(name: "vx-fork") { [self] in
      while !isStopping {
        let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if let job {
          job()
        } else {
          bell.wait(timeoutNs: 1_000_000_000) { jobs.withLock { !$0.isEmpty } || isStopping }
        }
      }
    }
  }

  /// Whether a job under way should end early.
  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  /// Queues a job; false when too many wait.
  func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
    let taken = jobs.withLock { waiting in
      if waiting.count >= Self.waitingMax { return false }
      waiting.append(job)
      return true
    }
    if taken { bell.ring() }
    return taken
  }

  func stop() {
    stopping.store(true, ordering: .releasing)
    bell.ring()
    thread?.join()
    thread = nil
  }
}
