/// An address of the loopback interface that a server listens on.
///
/// Only loopback: there are no keys and no TLS yet, and whoever can connect can act.
public struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
  /// A number, never a name: `127.x.y.z` or `::1`.
  public let host: String
  /// 0...65,535; with 0 the kernel picks a free one.
  public let port: UInt16

  /// The address that `text` writes as `host:port`, where host is `127.x.y.z`, `[::1]` or
  /// `localhost`; nil for anything else.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"),
      let port = Self.number(text[text.index(after: colon)...], as: UInt16.self)
    else { return nil }
    let host = text[..<colon]
    switch host {
    case "localhost": self.host = "127.0.0.1"
    case "[::1]": self.host = "::1"
    default:
      let parts = host.split(separator: ".", omittingEmptySubsequences: false)
      let octets = parts.compactMap { Self.number($0, as: UInt8.self) }
      guard parts.count == 4, octets.count == 4, octets[0] == 127 else { return nil }
      self.host = octets.map { "\($0)" }.joined(separator: ".")
    }
    self.port = port
  }

  /// A number in digits alone, as addresses are written.
  private static func number<Number: FixedWidthInteger>(
    _ text: Substring, as: Number.Type
  ) -> Number? {
    guard text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return parseWhole(text).flatMap(Number.init(exactly:))
  }

  /// 127.0.0.1 and `port`.
  public init(loopbackPort port: UInt16) {
    host = "127.0.0.1"
    self.port = port
  }

  public var description: String { host == "::1" ? "[::1]:\(port)" : "\(host):\(port)" }
}
