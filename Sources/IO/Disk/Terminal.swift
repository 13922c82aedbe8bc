import CSystem
import Glibc

/// Lines for people: written at once, whole, whatever stdout is connected to.
public enum Terminal {
  public static func out(_ line: String) { write(1, line + "\n") }
  public static func error(_ line: String) { write(2, line + "\n") }
  /// Text without a line's end.
  public static func raw(_ text: String) { write(1, text) }

  /// Whether stderr is somebody's screen.
  public static var isErrorOnScreen: Bool { isatty(2) == 1 }
  /// Replaces the last line on stderr, which has to be a screen; an empty text clears it.
  public static func progress(_ text: String) { write(2, "\r\u{1b}[K" + text) }

  private static func write(_ descriptor: Int32, _ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let wrote = unsafe Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if wrote <= 0 { return }
        done += wrote
      }
    }
  }
}
