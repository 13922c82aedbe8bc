/// The methods Veltrix tells apart.
public enum HTTPMethod: Sendable, Equatable {
  case get, head, post, put, patch, delete, options
  /// Any other method that the parser knows; see `HTTPRequest.methodName`.
  case other
}

/// The head of a request that obeys RFC 9112: one Host (in HTTP/1.1), one way to know the body's
/// length, no control characters, a target that decodes.
///
/// Lookups compare bytes and build a `String` only for what they return.
public struct HTTPRequest: ~Copyable {
  /// One header line: offsets into `bytes`.
  struct Field {
    var nameStart = 0, nameCount = 0, valueStart = 0, valueCount = 0
  }

  /// The head as received, and nothing after it.
  var bytes: ByteBuffer
  var fields: [Field] = []
  /// The request target as received.
  var target = 0..<0
  /// The parts of `target` that name something here: what precedes is an absolute form's authority,
  /// what follows is a fragment.
  var pathRange = 0..<0
  var queryRange = 0..<0
  var wantsContinue = false

  public internal(set) var method = HTTPMethod.other
  /// The method as received, such as "GET".
  public internal(set) var methodName = ""
  /// 0 or 1: the request is HTTP/1.0 or HTTP/1.1.
  public internal(set) var minorVersion = 1
  /// Whether the connection stays open after the answer.
  public internal(set) var keepsAlive = false
  /// Whether `acceptWebSocket` would succeed: GET, HTTP/1.1, version 13 and a valid key.
  public internal(set) var wantsUpgrade = false

  init(bytes: consuming ByteBuffer) {
    self.bytes = bytes
  }

  /// The path as received: percent-escapes stand, the query is left out. "*" for `OPTIONS *`.
  public var path: String { string(pathRange) }

  /// The path's segments, percent-decoded one by one, so that an escaped slash stays in its
  /// segment: "/a%2Fb/c/" gives "a/b", "c" and "". "/" gives none. Bytes that are not UTF-8 become
  /// U+FFFD.
  public var pathSegments: [String] {
    guard pathRange.count > 1, self[byte: pathRange.lowerBound] == UInt8(ascii: "/") else {
      return []
    }
    var segments: [String] = []
    var from = pathRange.lowerBound + 1
    for at in from...pathRange.upperBound
    where at == pathRange.upperBound || self[byte: at] == UInt8(ascii: "/") {
      segments.append(decoded(from..<at, plusIsSpace: false))
      from = at + 1
    }
    return segments
  }

  /// The value of the first query parameter called `name`, percent-decoded with "+" as space; ""
  /// when it stands without "=", nil when it is missing. A "%" that starts no escape stands for
  /// itself.
  public func query(_ name: String) -> String? {
    var from = queryRange.lowerBound
    while from < queryRange.upperBound {
      var to = from
      var equals = -1
      while to < queryRange.upperBound, self[byte: to] != UInt8(ascii: "&") {
        if equals < 0, self[byte: to] == UInt8(ascii: "=") { equals = to }
        to += 1
      }
      if decoded(from..<(equals < 0 ? to : equals), plusIsSpace: true) == name {
        return equals < 0 ? "" : decoded((equals + 1)..<to, plusIsSpace: true)
      }
      from = to + 1
    }
    return nil
  }

  /// The value of the first header line called `name` (in any case), without spaces around it.
  ///
  /// - Complexity: O(header lines).
  public func header(_ name: StaticString) -> String? {
    for field in fields where isNamed(field, name) { return string(value(of: field)) }
    return nil
  }

  /// Whether some header line called `name` lists `token`, both in any case: the rule of lists such
  /// as `Connection` and `Accept-Encoding` without weights.
  public func header(_ name: StaticString, lists token: StaticString) -> Bool {
    for field in fields where isNamed(field, name) {
      let value = value(of: field)
      var from = value.lowerBound
      for at in value.lowerBound...value.upperBound
      where at == value.upperBound || self[byte: at] == UInt8(ascii: ",") {
        if equals(trimmed(from..<at), token) { return true }
        from = at + 1
      }
    }
    return false
  }

  /// Number of header lines.
  public var headerCount: Int { fields.count }

  /// The header line at `index`, `0..<headerCount`, in the order received.
  public func header(at index: Int) -> (name: String, value: String) {
    let field = fields[index]
    return (string(field.nameStart..<(field.nameStart + field.nameCount)), string(value(of: field)))
  }

  // MARK: bytes

  subscript(byte offset: Int) -> UInt8 { unsafe bytes.bytes[offset] }

  func isNamed(_ field: Field, _ name: StaticString) -> Bool {
    equals(field.nameStart..<(field.nameStart + field.nameCount), name)
  }

  func value(of field: Field) -> Range<Int> {
    trimmed(field.valueStart..<(field.valueStart + field.valueCount))
  }

  /// Whether the bytes of `range` are `text` in any case; `text` is ASCII.
  func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for at in 0..<range.count {
      let wanted = unsafe text.utf8Start[at]
      if lowered(self[byte: range.lowerBound + at]) != lowered(wanted) { return false }
    }
    return true
  }

  func string(_ range: Range<Int>) -> String {
    unsafe String(decoding: UnsafeRawBufferPointer(rebasing: bytes.bytes[range]), as: UTF8.self)
  }

  /// `range` without spaces and tabs around it.
  func trimmed(_ range: Range<Int>) -> Range<Int> {
    var (from, to) = (range.lowerBound, range.upperBound)
    while from < to, isBlank(self[byte: from]) { from += 1 }
    while from < to, isBlank(self[byte: to - 1]) { to -= 1 }
    return from..<to
  }

  private func decoded(_ range: Range<Int>, plusIsSpace: Bool) -> String {
    var plain: [UInt8] = []
    plain.reserveCapacity(range.count)
    var at = range.lowerBound
    while at < range.upperBound {
      let byte = self[byte: at]
      if byte == UInt8(ascii: "%"), at + 2 < range.upperBound,
        let high = hexValue(self[byte: at + 1]), let low = hexValue(self[byte: at + 2])
      {
        plain.append(high << 4 | low)
        at += 3
      } else {
        plain.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        at += 1
      }
    }
    return String(decoding: plain, as: UTF8.self)
  }
}

func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

func lowered(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }

func hexValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
