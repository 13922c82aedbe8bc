import CSystem
import Glibc

/// The standard streams, written to at once and whole.
public enum Terminal {
  /// Writes `text` and a line's end to standard error.
  public static func error(_ text: String) { write(text + "\n", to: 2) }

  /// Writes `text` and a line's end to standard output.
  public static func output(_ text: String) { write(text + "\n", to: 1) }

  private static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let wrote = unsafe bytes.withUnsafeBytes { memory in
        unsafe Glibc.write(descriptor, memory.baseAddress!, memory.count)
      }
      if wrote < 0 && vx_errno() == EINTR { continue }
      // Nobody is there to be told that nobody reads.
      if wrote <= 0 { return }
      bytes = bytes.dropFirst(wrote)
    }
  }
}
