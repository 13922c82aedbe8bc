import CSystem
import Glibc
import Machine

/// A named system thread that runs one closure; `join` waits for it to end.
@safe public final class OSThread: @unchecked Sendable {
  private final class Start {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private var thread: pthread_t = 0
  /// Its number on a simulated machine.
  private var simulated: Int?

  /// Starts the thread. The kernel shows at most 15 bytes of `name`.
  public init(name: String, _ body: @escaping @Sendable () -> Void) {
    if let machine = ThisMachine.simulated {
      simulated = machine.spawn(name, body)
      return
    }
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body)).toOpaque()
    let failed = unsafe pthread_create(
      &thread, nil,
      { raw in
        guard let raw = unsafe raw else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
        _ = unsafe vx_set_thread_name(String(start.name.prefix(15)))
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
