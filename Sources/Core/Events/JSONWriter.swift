import Bounded

/// Appends JSON text to one buffer, which grows only when a text does not fit what was reserved.
///
/// The writer places commas and colons; the caller opens, names and closes in the right order. What
/// it writes is valid UTF-8 whatever it is given.
public struct JSONWriter: Sendable {
  /// The text so far.
  public private(set) var bytes: [UInt8] = []
  /// A value stands before: the next one in the same object or array needs a comma.
  private var needsComma = false

  /// Reserves `capacity` bytes; for outcomes `OutcomeWriter.byteCountMax` each.
  public init(capacity: Int) { bytes.reserveCapacity(capacity) }

  /// Forgets the text, keeps the memory.
  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    needsComma = false
  }

  // MARK: Structure

  public mutating func beginObject() { begin(UInt8(ascii: "{")) }
  public mutating func endObject() { end(UInt8(ascii: "}")) }
  public mutating func beginArray() { begin(UInt8(ascii: "[")) }
  public mutating func endArray() { end(UInt8(ascii: "]")) }

  /// The name of the next value; plain ASCII without quotes or backslashes.
  public mutating func key(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(name)
    bytes.append("\":")
    needsComma = false
  }

  /// Ends a line between two texts (NDJSON, server-sent events).
  public mutating func newline() {
    bytes.append(UInt8(ascii: "\n"))
    needsComma = false
  }

  // MARK: Values

  public mutating func number(_ value: UInt64) {
    separate()
    digits(value)
    needsComma = true
  }

  public mutating func number(_ value: Int64) {
    separate()
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    digits(value.magnitude)
    needsComma = true
  }

  /// `value` thousandths, with three decimals.
  public mutating func thousandths(_ value: UInt64) {
    number(value / 1_000)
    bytes.append(UInt8(ascii: "."))
    for part in [100, 10, 1] as [UInt64] {
      bytes.append(UInt8(ascii: "0") + UInt8(value / part % 10))
    }
  }

  public mutating func bool(_ value: Bool) {
    separate()
    bytes.append(value ? "true" : "false")
    needsComma = true
  }

  public mutating func null() {
    separate()
    bytes.append("null")
    needsComma = true
  }

  /// A word of the protocol: plain ASCII without quotes or backslashes.
  public mutating func word(_ word: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(word)
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  /// Any text, escaped.
  public mutating func string(_ text: String) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 { escape(byte) }
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  /// Any bytes as text, escaped; what is not UTF-8 becomes U+FFFD, byte by byte.
  public mutating func string(utf8 text: RawSpan) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    var at = 0
    while at < text.byteCount {
      let size = text.byte(at) < 0x80 ? 1 : JSONReader.scalarSize(text, at)
      if size == 0 { bytes.append("\u{fffd}") }
      for offset in 0..<size { escape(text.byte(at + offset)) }
      at += max(1, size)
    }
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  /// A value that is JSON already.
  public mutating func value(json text: RawSpan) {
    separate()
    bytes.append(text)
    needsComma = true
  }

  // MARK: Bytes

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  private mutating func begin(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func end(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func digits(_ value: UInt64) {
    var text = InlineArray<20, UInt8>(repeating: 0)
    var (rest, at) = (value, 20)
    repeat {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      at -= 1
      text[at] = UInt8(digit) + UInt8(ascii: "0")
      rest = quotient
    } while rest != 0
    for place in at..<20 { bytes.append(text[place]) }
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): bytes.append("\\\"")
    case UInt8(ascii: "\\"): bytes.append("\\\\")
    case 0x0a: bytes.append("\\n")
    case 0x0d: bytes.append("\\r")
    case 0x09: bytes.append("\\t")
    case 0..<0x20, 0x7f:
      bytes.append("\\u00")
      bytes.append(Self.hexDigit(byte >> 4))
      bytes.append(Self.hexDigit(byte & 0xf))
    default: bytes.append(byte)
    }
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? value + UInt8(ascii: "0") : value - 10 + UInt8(ascii: "a")
  }
}
