import CSystem
import Glibc
import Machine

/// Which thread goes first when several want a processor. Threads that one of them starts do not
/// inherit it: each asks for its own.
public enum ThreadPriority: Sendable {
  case normal
  /// Works in short turns and is to have each soon.
  case prompt
  /// As `prompt`; where the process may ask for it (root, or a limit `RLIMIT_RTPRIO`) before all
  /// threads of the machine that are not realtime, and before realtime ones of lower rank. Such a
  /// thread must never spin. Rank 1...99.
  case realtime(rank: Int)
}

/// A named system thread that runs one closure; `join` waits for it to end.
@safe public final class OSThread: @unchecked Sendable {
  private final class Start {
    let name: String
    let priority: ThreadPriority
    let body: @Sendable () -> Void
    init(
      name: String, priority: ThreadPriority, body: @escaping @Sendable () -> Void
    ) {
      self.name = name
      self.priority = priority
      self.body = body
    }
  }

  private var thread: pthread_t = 0
  /// Its number on a simulated machine.
  private var simulated: Int?

  /// Starts the thread. The kernel shows at most 15 bytes of `name`.
  public init(
    name: String, priority: ThreadPriority = .normal, _ body: @escaping @Sendable () -> Void
  ) {
    if let machine = ThisMachine.simulated {
      simulated = machine.spawn(name, body)
      return
    }
    let start = unsafe Unmanaged.passRetained(Start(name: name, priority: priority, body: body))
      .toOpaque()
    let failed = unsafe pthread_create(
      &thread, nil,
      { raw in
        guard let raw = unsafe raw else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
        _ = unsafe vx_set_thread_name(String(start.name.prefix(15)))
        switch start.priority {
        case .normal: break
        case .prompt: vx_run_promptly(0)
        case .realtime(let rank): vx_run_promptly(Int32(rank))
        }
        start.body()
        return nil
      }, start)
    precondition(failed == 0, "pthread_create: errno \(failed)")
  }

  /// Waits until the closure has returned. Call once.
  public func join() {
    if let simulated {
      ThisMachine.simulated?.join(simulated)
      return
    }
    _ = pthread_join(thread, nil)
  }
}
