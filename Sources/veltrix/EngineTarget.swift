import Authoring
import CSystem
import Client
import Disk

/// Which engine and hunt a command asks, and how it answers.
struct EngineTarget {
  var address = ListenAddress(loopbackPort: 7400)
  var hunt = ""
  var isJSON = false

  static let help = """
      --hunt <name>             the hunt                                                   required
      --target http://<h:p>     the engine's HTTP port, loopback      default http://127.0.0.1:7400
      --json                    prints one JSON object instead of tables
    """

  /// Flags without a value, of every command here.
  static let switches: Set<String> = ["--json"]

  /// Takes the flags that all these commands have.
  init(_ arguments: inout Arguments) throws(Arguments.Fault) {
    if let text = arguments.take("--target") {
      var place = text.hasPrefix("http://") ? text.dropFirst(7) : text[...]
      if place.hasSuffix("/") { place.removeLast() }
      guard let address = ListenAddress(String(place)), address.port > 0 else {
        throw Arguments.Fault(
          message: "--target \(printable(text)): expected http://host:port on loopback: "
            + "127.x.y.z, [::1] or localhost")
      }
      self.address = address
    }
    guard let name = arguments.take("--hunt") else {
      throw Arguments.Fault(message: "--hunt: required")
    }
    guard (1...48).contains(name.utf8.count), name.utf8.allSatisfy(Self.isNameByte) else {
      throw Arguments.Fault(
        message: "--hunt \(printable(name)): expected 1...48 bytes of a-z 0-9 -")
    }
    hunt = name
    isJSON = arguments.take("--json") != nil
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
  }

  /// The flags that name this engine and hunt again.
  var flags: String {
    address == ListenAddress(loopbackPort: 7400)
      ? "--hunt \(hunt)" : "--hunt \(hunt) --target http://\(address)"
  }

  /// Opens a session and runs `body` on it; the command's exit status.
  func run(
    _ command: String, _ body: (ForkRun) throws(ForkSessionFault) -> Int32
  ) -> Int32 {
    do throws(ForkSessionFault) {
      let session = try ForkSession(target: address, hunt: hunt) { vx_wait_signal(0) != 0 }
      return try body(ForkRun(target: self, session: session, command: command))
    } catch {
      if Terminal.isErrorOnScreen { Terminal.progress("") }
      Terminal.error("veltrix \(command): \(error)")
      return ExitCode.failedCheck
    }
  }
}

extension Arguments {
  /// The number of the fork that a command is about.
  mutating func requireFork() throws(Fault) -> UInt64 {
    guard let id = try takeFork("--fork") else { throw Fault(message: "--fork: required") }
    return id
  }

  /// A fork's number; nil when the flag does not occur.
  mutating func takeFork(_ name: String) throws(Fault) -> UInt64? {
    guard let text = take(name) else { return nil }
    guard let id = UInt32(text), id > 0 else {
      throw Fault(
        message: "\(name) \(printable(text)): expected a fork's number, 1...4,294,967,295")
    }
    return UInt64(id)
  }

  /// The words of every occurrence of a flag, which commas part; nil when it does not occur.
  mutating func takeList(_ name: String) throws(Fault) -> [String]? {
    let values = takeAll(name)
    if values.isEmpty { return nil }
    var words: [String] = []
    for value in values {
      for word in value.split(separator: ",", omittingEmptySubsequences: false) {
        guard !word.isEmpty else {
          throw Fault(message: "\(name) \(printable(value)): an empty word between commas")
        }
        words.append(String(word))
      }
    }
    return words
  }

  /// A place in a hunt's history.
  mutating func takePlace(_ name: String) throws(Fault) -> String? {
    guard let text = take(name) else { return nil }
    guard HistoryPlace(text) != nil else {
      throw Fault(message: "\(name) \(printable(text)): expected \(HistoryPlace.form)")
    }
    return text
  }
}
