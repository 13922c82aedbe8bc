import Bus
import Synchronization

/// The thread for slow, rare work that touches the disk: making and deleting hunts.
final class ControlThread: @unchecked Sendable {
  private let bell = Doorbell()
  private let jobs = Mutex<[@Sendable () -> Void]>([])
  private let stopping = Atomic<Bool>(false)
  private var thread: OSThread?

  init() {
    thread = OSThread(name: "vx-control") { [self] in
      while true {
        let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if let job {
          job()
        } else if stopping.load(ordering: .acquiring) {
          return
        } else {
          bell.wait(timeoutNs: 1_000_000_000) {
            jobs.withLock { !$0.isEmpty } || stopping.load(ordering: .acquiring)
          }
        }
      }
    }
  }

  /// Queues a job; false when too many wait or the thread is stopping.
  func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
    if stopping.load(ordering: .acquiring) { return false }
    let taken = jobs.withLock { waiting in
      if waiting.count >= 256 { return false }
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
