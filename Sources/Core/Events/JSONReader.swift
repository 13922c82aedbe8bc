import Bounded

/// A pull reader of JSON text, strict to RFC 8259: no comments, no trailing commas, no byte-order
/// mark, valid UTF-8 only, at most 32 levels deep.
///
/// It is a place in bytes that the caller owns and passes to every call; it copies and allocates
/// nothing. Every fault of syntax is a `Rejection` with code `malformed` and the byte at fault, and
/// leaves `at` at or before that byte. After a fault of content `at` may be moved back to the start
/// of the value, and `skip` goes on from there.
///
/// Values begin where `at` stands, so callers skip white space first; the calls that go from one
/// member or element to the next do it themselves.
@frozen public struct JSONReader: BitwiseCopyable, Equatable, Sendable {
  /// Next byte to read.
  public var at: Int
  /// A newline is not white space but the end of the text: one value a line.
  public var newlineEnds: Bool

  /// Deepest nesting of objects and arrays.
  public static let depthMax = 32

  @inlinable public init(at: Int = 0, newlineEnds: Bool = false) {
    self.at = at
    self.newlineEnds = newlineEnds
  }

  /// Checks that `bytes` are one JSON value and nothing else.
  public static func check(_ bytes: RawSpan) throws(Rejection) {
    var reader = JSONReader()
    reader.skipSpace(bytes)
    try reader.skip(bytes)
    reader.skipSpace(bytes)
    guard reader.at == bytes.byteCount else { throw reader.malformed }
  }

  /// The rejection of the byte at `at`.
  @inline(__always) var malformed: Rejection { Rejection(.malformed, position: at) }

  // MARK: Moving

  /// Moves over white space.
  @inline(__always)
  public mutating func skipSpace(_ bytes: RawSpan) {
    while true {
      switch bytes.byteOrZero(at) {
      case 0x20, 0x09, 0x0d: break
      case 0x0a where !newlineEnds: break
      default: return
      }
      at &+= 1
    }
  }

  /// Takes the `{` or `[` at `at`; true when a member or an element follows, false when `close`
  /// did.
  @inline(__always)
  mutating func open(_ bytes: RawSpan, close: UInt8) -> Bool {
    at &+= 1
    skipSpace(bytes)
    guard bytes.byteOrZero(at) == close else { return true }
    at &+= 1
    return false
  }

  /// After a member or an element: true at the next one, false when `close` ended the list.
  @inline(__always)
  mutating func another(_ bytes: RawSpan, close: UInt8) throws(Rejection) -> Bool {
    skipSpace(bytes)
    let byte = bytes.byteOrZero(at)
    guard byte == UInt8(ascii: ",") || byte == close else { throw malformed }
    at &+= 1
    guard byte != close else { return false }
    skipSpace(bytes)
    return true
  }

  /// Takes the colon between a key and its value.
  @inline(__always)
  mutating func colon(_ bytes: RawSpan) throws(Rejection) {
    skipSpace(bytes)
    guard bytes.byteOrZero(at) == UInt8(ascii: ":") else { throw malformed }
    at &+= 1
    skipSpace(bytes)
  }

  /// Moves over one value of any kind, checking all of its syntax.
  ///
  /// - Parameter depth: levels of nesting that the value already stands in.
  public mutating func skip(_ bytes: RawSpan, depth base: Int = 0) throws(Rejection) {
    var depth = base
    var isObject: UInt64 = 0  // bit 0: the innermost level is an object; bit 1: the one around it
    value: while true {
      switch bytes.byteOrZero(at) {
      case UInt8(ascii: "{"):
        guard depth < Self.depthMax else { throw malformed }
        if open(bytes, close: UInt8(ascii: "}")) {
          (depth, isObject) = (depth &+ 1, isObject &<< 1 | 1)
          try skipKey(bytes)
          continue value
        }
      case UInt8(ascii: "["):
        guard depth < Self.depthMax else { throw malformed }
        if open(bytes, close: UInt8(ascii: "]")) {
          (depth, isObject) = (depth &+ 1, isObject &<< 1)
          continue value
        }
      case UInt8(ascii: "\""): try skipString(bytes)
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try number(bytes)
      case UInt8(ascii: "t"): try literal(bytes, "true")
      case UInt8(ascii: "f"): try literal(bytes, "false")
      case UInt8(ascii: "n"): try literal(bytes, "null")
      default: throw malformed
      }
      while depth > base {
        let inObject = isObject & 1 != 0
        if try another(bytes, close: UInt8(ascii: inObject ? "}" : "]")) {
          if inObject { try skipKey(bytes) }
          continue value
        }
        (depth, isObject) = (depth &- 1, isObject &>> 1)
      }
      return
    }
  }

  private mutating func skipKey(_ bytes: RawSpan) throws(Rejection) {
    guard bytes.byteOrZero(at) == UInt8(ascii: "\"") else { throw malformed }
    try skipString(bytes)
    try colon(bytes)
  }

  // MARK: Values

  /// The `true` or `false` at `at`, or nil, without moving, when another value stands there.
  @inline(__always)
  public mutating func bool(_ bytes: RawSpan) throws(Rejection) -> Bool? {
    switch bytes.byteOrZero(at) {
    case UInt8(ascii: "t"):
      try literal(bytes, "true")
      return true
    case UInt8(ascii: "f"):
      try literal(bytes, "false")
      return false
    default: return nil
    }
  }

  /// The number at `at`, or nil, without moving, when another value stands there.
  @inline(__always)
  public mutating func numberIfPresent(_ bytes: RawSpan) throws(Rejection) -> JSONNumber? {
    let first = bytes.byteOrZero(at)
    guard first == UInt8(ascii: "-") || first &- UInt8(ascii: "0") <= 9 else { return nil }
    return try number(bytes)
  }

  private mutating func literal(_ bytes: RawSpan, _ word: StaticString) throws(Rejection) {
    for index in 0..<word.utf8CodeUnitCount {
      guard bytes.byteOrZero(at) == word.byte(index) else { throw malformed }
      at &+= 1
    }
  }
}

/// A JSON number, exact where it is a plain integer of at most 64 bits.
@frozen public struct JSONNumber: BitwiseCopyable, Equatable, Sendable {
  public var isNegative: Bool
  /// No fraction and no exponent was written; `1.0` and `1e3` are not plain.
  public var isPlain: Bool
  /// The integer part is at most 2^64-1, so that `magnitude` is exact.
  public var fits: Bool
  public var magnitude: UInt64
}

extension JSONReader {
  @inline(__always)
  mutating func number(_ bytes: RawSpan) throws(Rejection) -> JSONNumber {
    let isNegative = bytes.byteOrZero(at) == UInt8(ascii: "-")
    if isNegative { at &+= 1 }
    let first = at
    var magnitude: UInt64 = 0
    if bytes.byteOrZero(at) == UInt8(ascii: "0") {
      at &+= 1
    } else {
      magnitude = digits(bytes)
      guard at > first else { throw malformed }
    }
    var fits = true
    if at &- first >= 20 { fits = Self.fits(bytes, first..<at) }
    let isPlain = try !fraction(bytes)
    return JSONNumber(isNegative: isNegative, isPlain: isPlain, fits: fits, magnitude: magnitude)
  }

  /// Moves over digits; their value, modulo 2^64.
  @inline(__always)
  private mutating func digits(_ bytes: RawSpan) -> UInt64 {
    var magnitude: UInt64 = 0
    while true {
      let digit = bytes.byteOrZero(at) &- UInt8(ascii: "0")
      guard digit <= 9 else { return magnitude }
      magnitude = magnitude &* 10 &+ UInt64(digit)
      at &+= 1
    }
  }

  /// Moves over a fraction and an exponent; false when there is neither.
  @inline(__always)
  private mutating func fraction(_ bytes: RawSpan) throws(Rejection) -> Bool {
    switch bytes.byteOrZero(at) {
    case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): break
    default: return false
    }
    if bytes.byteOrZero(at) == UInt8(ascii: ".") {
      at &+= 1
      try someDigits(bytes)
    }
    if bytes.byteOrZero(at) | 0x20 == UInt8(ascii: "e") {
      at &+= 1
      let sign = bytes.byteOrZero(at)
      if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { at &+= 1 }
      try someDigits(bytes)
    }
    return true
  }

  private mutating func someDigits(_ bytes: RawSpan) throws(Rejection) {
    let first = at
    _ = digits(bytes)
    guard at > first else { throw malformed }
  }

  /// Whether the digits of `range`, the first of them not 0, are at most 2^64-1.
  private static func fits(_ bytes: RawSpan, _ range: Range<Int>) -> Bool {
    guard range.count == 20 else { return false }
    var value: UInt64 = 0
    for place in range {
      let (tens, over) = value.multipliedReportingOverflow(by: 10)
      let digit = UInt64(bytes.byte(place) &- UInt8(ascii: "0"))
      let (sum, carry) = tens.addingReportingOverflow(digit)
      guard !over, !carry else { return false }
      value = sum
    }
    return true
  }
}
