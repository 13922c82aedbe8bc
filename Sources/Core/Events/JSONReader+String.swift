import Bounded

/// Takes the bytes of a decoded string one by one.
protocol ByteSink: ~Copyable {
  mutating func append(_ byte: UInt8)
}

/// A short string as a number: the first 16 bytes, the first byte lowest, the rest zero.
///
/// Keys and words are compared as whole numbers: one comparison where a string takes ten.
@frozen public struct JSONWord: BitwiseCopyable, Equatable, Sendable, ByteSink {
  public var low: UInt64 = 0
  public var high: UInt64 = 0
  /// Bytes of the string, also those after the sixteenth.
  public var count = 0

  @inlinable public init() {}

  mutating func append(_ byte: UInt8) {
    if count < 8 {
      low |= UInt64(byte) &<< UInt64(count &* 8)
    } else if count < 16 {
      high |= UInt64(byte) &<< UInt64((count &- 8) &* 8)
    }
    count &+= 1
  }
}

/// Drops what it is given.
private struct NoSink: ByteSink {
  mutating func append(_ byte: UInt8) {}
}

extension JSONReader {
  /// Reads the string at `at`, whose opening quote the caller has seen, as a word.
  @inline(__always)
  public mutating func word(_ bytes: RawSpan) throws(Rejection) -> JSONWord {
    if let word = shortWord(bytes) { return word }
    var word = JSONWord()
    try string(bytes, into: &word)
    return word
  }

  /// Moves over the string at `at`, checking it.
  mutating func skipString(_ bytes: RawSpan) throws(Rejection) {
    var none = NoSink()
    try string(bytes, into: &none)
  }

  /// A string of at most 8 plain characters, read eight bytes at a time; nil, without moving, for
  /// any other and near the end of the bytes.
  @inline(__always)
  private mutating func shortWord(_ bytes: RawSpan) -> JSONWord? {
    guard at &+ 10 <= bytes.byteCount else { return nil }
    let chunk = bytes.load(at &+ 1, as: UInt64.self)
    let quotes = Self.zeroBytes(chunk ^ 0x2222_2222_2222_2222)
    var word = JSONWord()
    if quotes != 0 {
      word.count = quotes.trailingZeroBitCount &>> 3
      word.low = chunk & ((1 &<< UInt64(word.count &* 8)) &- 1)
    } else {
      guard bytes.byte(at &+ 9) == UInt8(ascii: "\"") else { return nil }
      word.count = 8
      word.low = chunk
    }
    // Lower-case letters only: bits 5 and 6 set, bit 7 clear. All else takes the careful way.
    let mask: UInt64 = word.count == 8 ? .max : (1 &<< UInt64(word.count &* 8)) &- 1
    guard word.low & 0xe0e0_e0e0_e0e0_e0e0 == 0x6060_6060_6060_6060 & mask else { return nil }
    at &+= word.count &+ 2
    return word
  }

  /// The high bit of every byte of `word` that is zero; the lowest one set is exact.
  @inline(__always)
  private static func zeroBytes(_ word: UInt64) -> UInt64 {
    (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
  }

  /// Decodes the string at `at`, whose opening quote the caller has seen, into `sink`.
  mutating func string<Sink: ByteSink & ~Copyable>(
    _ bytes: RawSpan, into sink: inout Sink
  ) throws(Rejection) {
    at &+= 1
    while true {
      let byte = bytes.byteOrZero(at)
      switch byte {
      case UInt8(ascii: "\""):
        at &+= 1
        return
      case UInt8(ascii: "\\"): try escape(bytes, into: &sink)
      case 0..<0x20: throw malformed  // a control character, or the end
      case 0..<0x80:
        sink.append(byte)
        at &+= 1
      default:
        let size = Self.scalarSize(bytes, at)
        guard size > 0 else { throw malformed }
        for offset in 0..<size { sink.append(bytes.byte(at &+ offset)) }
        at &+= size
      }
    }
  }

  /// Bytes of the UTF-8 sequence at `at` that starts outside ASCII, or 0 when it is not well formed
  /// (Unicode 16, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
  static func scalarSize(_ bytes: RawSpan, _ at: Int) -> Int {
    let first = bytes.byteOrZero(at)
    let second = bytes.byteOrZero(at &+ 1)
    let size: Int
    let seconds: ClosedRange<UInt8>
    switch first {
    case 0xc2...0xdf: (size, seconds) = (2, 0x80...0xbf)
    case 0xe0: (size, seconds) = (3, 0xa0...0xbf)
    case 0xed: (size, seconds) = (3, 0x80...0x9f)
    case 0xe1...0xef: (size, seconds) = (3, 0x80...0xbf)
    case 0xf0: (size, seconds) = (4, 0x90...0xbf)
    case 0xf1...0xf3: (size, seconds) = (4, 0x80...0xbf)
    case 0xf4: (size, seconds) = (4, 0x80...0x8f)
    default: return 0
    }
    guard seconds.contains(second) else { return 0 }
    for offset in 2..<4 where offset < size {
      guard bytes.byteOrZero(at &+ offset) & 0xc0 == 0x80 else { return 0 }
    }
    return size
  }

  private mutating func escape<Sink: ByteSink & ~Copyable>(
    _ bytes: RawSpan, into sink: inout Sink
  ) throws(Rejection) {
    at &+= 1
    let byte = bytes.byteOrZero(at)
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): sink.append(byte)
    case UInt8(ascii: "b"): sink.append(0x08)
    case UInt8(ascii: "f"): sink.append(0x0c)
    case UInt8(ascii: "n"): sink.append(0x0a)
    case UInt8(ascii: "r"): sink.append(0x0d)
    case UInt8(ascii: "t"): sink.append(0x09)
    case UInt8(ascii: "u"): return try unicodeEscape(bytes, into: &sink)
    default: throw malformed
    }
    at &+= 1
  }

  /// Decodes `uXXXX`, or `uXXXX\uXXXX` for a scalar beyond U+FFFF; half of a pair is malformed.
  private mutating func unicodeEscape<Sink: ByteSink & ~Copyable>(
    _ bytes: RawSpan, into sink: inout Sink
  ) throws(Rejection) {
    let start = at
    at &+= 1
    var scalar = try hexDigits(bytes)
    switch scalar {
    case 0xd800..<0xdc00:
      guard bytes.byteOrZero(at) == UInt8(ascii: "\\") else { throw malformed }
      at &+= 1
      guard bytes.byteOrZero(at) == UInt8(ascii: "u") else { throw malformed }
      at &+= 1
      let low = try hexDigits(bytes)
      guard (0xdc00..<0xe000).contains(low) else {
        throw Rejection(.malformed, position: at &- 4)
      }
      scalar = 0x10000 &+ (scalar &- 0xd800) &<< 10 | (low &- 0xdc00)
    case 0xdc00..<0xe000: throw Rejection(.malformed, position: start)
    default: break
    }
    Self.encode(scalar, into: &sink)
  }

  private mutating func hexDigits(_ bytes: RawSpan) throws(Rejection) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let byte = bytes.byteOrZero(at)
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        value = value &<< 4 | UInt32(byte &- UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
        value = value &<< 4 | UInt32((byte | 0x20) &- UInt8(ascii: "a") &+ 10)
      default: throw malformed
      }
      at &+= 1
    }
    return value
  }

  /// Appends the UTF-8 of `scalar`, which is no surrogate and at most U+10FFFF.
  private static func encode<Sink: ByteSink & ~Copyable>(_ scalar: UInt32, into sink: inout Sink) {
    func continuation(_ shift: UInt32) -> UInt8 { UInt8(scalar &>> shift & 0x3f) | 0x80 }
    switch scalar {
    case 0..<0x80:
      sink.append(UInt8(scalar))
    case 0x80..<0x800:
      sink.append(UInt8(scalar &>> 6) | 0xc0)
      sink.append(continuation(0))
    case 0x800..<0x10000:
      sink.append(UInt8(scalar &>> 12) | 0xe0)
      sink.append(continuation(6))
      sink.append(continuation(0))
    default:
      sink.append(UInt8(scalar &>> 18) | 0xf0)
      sink.append(continuation(12))
      sink.append(continuation(6))
      sink.append(continuation(0))
    }
  }
}
