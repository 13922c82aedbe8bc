public import Bounded
import CSystem
public import Synchronization

/// A machine that stands in for the kernel on the one thread that uses it.
///
/// Calls about files answer as system calls do: 0 or more, or the negated errno. Whatever such a
/// machine starts as a thread runs on the same thread; it switches between them where one of them
/// waits or calls it, and nowhere else.
public protocol Machine: AnyObject {
  // MARK: Time
  /// ns of a clock that only goes forward.
  var monotonicNs: Int64 { get }
  /// ms since 1970; may jump.
  var wallMs: Int64 { get }

  // MARK: Threads
  /// Starts a thread; a number for `join`.
  func spawn(_ name: String, _ body: @escaping () -> Void) -> Int
  /// Waits until the thread has ended.
  func join(_ thread: Int)
  /// Waits until `isOver`, at most `timeoutNs` (negative: for ever).
  func wait(timeoutNs: Int64, until isOver: @escaping () -> Bool)

  // MARK: Files
  func open(_ path: String, _ mode: OpenMode) -> Int
  func close(_ file: Int)
  func size(_ file: Int) -> Int
  func write(_ file: Int, _ slab: Slab, from: Int, count: Int, at: Int) -> Int
  func read(_ file: Int, _ slab: Slab, to: Int, count: Int, at: Int) -> Int
  /// Makes a file's bytes durable, or a folder's entries.
  func flush(_ file: Int) -> Int
  func reserve(_ file: Int, _ byteCount: Int) -> Int
  func truncate(_ file: Int, _ byteCount: Int) -> Int
  /// Takes the file's exclusive lock.
  func lock(_ file: Int) -> Int
  func rename(_ from: String, _ to: String) -> Int
  func remove(_ path: String) -> Int
  func makeFolder(_ path: String) -> Int
  func removeFolder(_ path: String) -> Int
  func exists(_ path: String) -> Bool
  /// Whether somebody has the file open as `held`.
  func isHeld(_ path: String) -> Bool
  /// Names in a folder; nil when there is no such folder.
  func list(_ path: String) -> [String]?
  func freeBytes(_ path: String) -> Int
}

/// What a file is opened for.
public enum OpenMode: Equatable, Sendable {
  case reading
  /// As `reading`, and as long as it is open nobody takes its bytes for another file.
  case held
  case writing
  /// Made where missing, and emptied where `truncates`.
  case making(truncates: Bool)
  /// Past the page cache, each write durable when it returns.
  case direct(creates: Bool)
  case folder
}

/// The machine of the calling thread.
public enum ThisMachine {
  /// Nil where it is the real one.
  @inline(__always)
  public static var simulated: (any Machine)? {
    guard let raw = unsafe vx_thread_machine() else { return nil }
    return unsafe Unmanaged<Box>.fromOpaque(raw).takeUnretainedValue().machine
  }

  @usableFromInline final class Box {
    @usableFromInline let machine: any Machine
    init(_ machine: any Machine) { self.machine = machine }
  }

  /// Runs `body` with `machine` in the kernel's place on this thread.
  public static func with<Result>(_ machine: any Machine, _ body: () -> Result) -> Result {
    let box = Box(machine)
    unsafe precondition(vx_thread_machine() == nil, "a machine within a machine")
    unsafe vx_set_thread_machine(Unmanaged.passUnretained(box).toOpaque())
    defer { vx_set_thread_machine(nil) }
    return withExtendedLifetime(box, body)
  }

  public static var monotonicNs: Int64 { simulated?.monotonicNs ?? vx_monotonic_ns() }
  public static var wallMs: Int64 { simulated?.wallMs ?? vx_wall_ms() }

  /// Sleeps at least so long.
  public static func sleep(ns: Int64) {
    guard let machine = simulated else { return vx_sleep_ns(ns) }
    machine.wait(timeoutNs: max(1, ns), until: { false })
  }

  /// The calling thread runs on processor time that no other thread wants.
  public static func runWhenIdle() { if simulated == nil { vx_run_when_idle() } }
}

extension Mutex where Value: ~Copyable {
  /// Before a lock that its holder keeps while it waits for the disk: on a simulated machine the
  /// holder runs on this very thread, and must be let run until it is done.
  public borrowing func letHolderRun() {
    guard let machine = ThisMachine.simulated else { return }
    while withLockIfAvailable({ _ in true }) == nil {
      machine.wait(timeoutNs: 1_000_000, until: { false })
    }
  }
}
