import CSystem

/// A line of execution on a stack of its own, which runs on the thread that resumes it.
@safe public final class Fiber {
  private let body: () -> Void
  private var raw: OpaquePointer?
  public private(set) var isDone = false

  /// - Parameter stackBytes: Taken from the machine as it is touched; too deep a call traps.
  public init(stackBytes: Int = 1 << 20, _ body: @escaping () -> Void) {
    self.body = body
    unsafe raw = vx_fiber_make(
      stackBytes,
      { argument in
        guard let argument = unsafe argument else { return }
        unsafe Unmanaged<Fiber>.fromOpaque(argument).takeUnretainedValue().body()
      }, Unmanaged.passUnretained(self).toOpaque())
    unsafe precondition(raw != nil, "no memory for a stack of \(stackBytes) bytes")
  }

  deinit {
    precondition(isDone, "a fiber was dropped before its body had returned")
    if let raw = unsafe raw { unsafe vx_fiber_free(raw) }
  }

  /// Runs it until it pauses or ends.
  public func resume() {
    precondition(!isDone, "a fiber that has ended")
    if let raw = unsafe raw, unsafe vx_fiber_enter(raw) == 1 { isDone = true }
  }

  /// From inside: back to whoever resumed it.
  public func pause() { if let raw = unsafe raw { unsafe vx_fiber_leave(raw) } }
}

/// Says `text` on stderr when the process dies of a trap; nil for nothing.
@safe public enum LastWords {
  public static func set(_ text: String) {
    let bytes = Array(text.utf8) + [0]
    let held = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
    for (at, byte) in bytes.enumerated() {
      unsafe held[at] = CChar(bitPattern: byte)
    }
    let old = current.exchange(UInt(bitPattern: held.baseAddress))
    unsafe vx_say_on_trap(held.baseAddress)
    if let old = unsafe UnsafeMutablePointer<CChar>(bitPattern: old) { unsafe old.deallocate() }
  }

  private static let current = Held()

  private final class Held: @unchecked Sendable {
    var word: UInt = 0
    func exchange(_ new: UInt) -> UInt {
      defer { word = new }
      return word
    }
  }
}
