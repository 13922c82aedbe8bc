import Machine
import Synchronization

/// Why a job was not taken.
public enum JobRefusal: Error, Equatable, Sendable {
  /// As many wait as may.
  case full(waitingMax: Int)
  case stopping
}

/// A thread that does jobs one after the other, in the order in which they were given.
///
/// At most `waitingMax` wait, so that a flood of jobs takes bounded memory and at most one core.
public final class JobThread: Sendable {
  public typealias Job = @Sendable () -> Void

  /// What becomes of the jobs that wait when the thread is stopped.
  public enum Ending: Sendable {
    case done, dropped
  }

  public let waitingMax: Int
  private let ending: Ending
  private let bell = Doorbell()
  private let waiting = Mutex<[Job]>([])
  private let stopping = Atomic<Bool>(false)
  private let thread = Mutex<OSThread?>(nil)

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - waitingMax: 1..., without the job that is being done.
  ///   - isIdle: Whether it runs on time that no other thread wants.
  public init(name: String, waitingMax: Int, atStop ending: Ending, isIdle: Bool = false) {
    precondition(waitingMax > 0)
    self.waitingMax = waitingMax
    self.ending = ending
    let started = OSThread(name: name) { [self] in
      if isIdle { ThisMachine.runWhenIdle() }
      while let job = next() { job() }
    }
    thread.withLock { $0 = started }
  }

  /// Whether the thread is to end; a long job looks here now and then.
  public var isStopping: Bool { stopping.load(ordering: .acquiring) }

  /// Has the thread do `job` behind those that wait; from any thread.
  public func submit(_ job: @escaping Job) throws(JobRefusal) {
    try waiting.withLock { waiting throws(JobRefusal) in
      // Under the lock: what is taken before the stop is what the ending speaks of.
      if isStopping { throw .stopping }
      if waiting.count >= waitingMax { throw .full(waitingMax: waitingMax) }
      waiting.append(job)
    }
    bell.ring()
  }

  /// Ends the thread, and returns when it has ended: after the job under way, and after those that
  /// wait unless they are dropped. Not from a job.
  public func stop() {
    waiting.withLock { _ in stopping.store(true, ordering: .releasing) }
    bell.ring()
    thread.withLock { $0.take() }?.join()
    waiting.withLock { $0.removeAll() }
  }

  /// Waits for the next job; nil when the thread is to end.
  private func next() -> Job? {
    while true {
      if ending == .dropped && isStopping { return nil }
      let (job, isLast) = waiting.withLock { waiting in
        waiting.isEmpty ? (nil, isStopping) : (waiting.removeFirst(), false)
      }
      if let job { return job }
      if isLast { return nil }
      bell.wait(timeoutNs: -1) { waiting.withLock { !$0.isEmpty } || isStopping }
    }
  }
}
