import Synchronization

/// Closures from other threads, to be run on the gateway's.
final class Inbox: Sendable {
  private struct Job: @unchecked Sendable {
    let run: () -> Void
  }
  private let jobs = Mutex<[Job]>([])

  func put(_ job: @escaping @Sendable () -> Void) {
    jobs.withLock { $0.append(Job(run: job)) }
  }

  func run() {
    let taken = jobs.withLock { held in
      let jobs = held
      held.removeAll(keepingCapacity: true)
      return jobs
    }
    for job in taken { job.run() }
  }
}
