import CIntrinsics

/// A 128-bit digest (XXH3). Not proof against an adversary who can choose both inputs.
@frozen public struct Hash128: Equatable, Sendable, BitwiseCopyable {
  public var high: UInt64
  public var low: UInt64

  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  public static let zero = Hash128(high: 0, low: 0)

  /// XXH3-128 of `bytes`.
  public init(of bytes: RawSpan, seed: UInt64 = 0) {
    let hash = unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else {
        return unsafe withUnsafeBytes(of: UInt8(0)) {
          unsafe vx_xxh3_128($0.baseAddress!, 0, seed)
        }
      }
      return unsafe vx_xxh3_128(start, raw.count, seed)
    }
    self.init(high: hash.high, low: hash.low)
  }

  /// 32 lower-case hexadecimal digits, high half first.
  public var hex: String {
    func digits(_ value: UInt64) -> String {
      let text = String(value, radix: 16)
      return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
    return digits(high) + digits(low)
  }
}

/// XXH3-64 of `bytes`.
public func hash64(_ bytes: RawSpan, seed: UInt64 = 0) -> UInt64 {
  unsafe bytes.withUnsafeBytes { raw in
    guard let start = raw.baseAddress else {
      return unsafe withUnsafeBytes(of: UInt8(0)) {
        unsafe vx_xxh3_64($0.baseAddress!, 0, seed)
      }
    }
    return unsafe vx_xxh3_64(start, raw.count, seed)
  }
}

/// CRC-32C of `bytes`, continuing from `crc`.
public func crc32c(_ bytes: RawSpan, continuing crc: UInt32 = 0) -> UInt32 {
  unsafe bytes.withUnsafeBytes { raw in
    guard let start = raw.baseAddress else { return crc }
    return unsafe vx_crc32c(crc, start, raw.count)
  }
}

/// CRC-32C of the first `byteCount` bytes of a value as it lies in memory.
public func crc32c<Value: BitwiseCopyable>(of value: Value, byteCount: Int) -> UInt32 {
  precondition(byteCount >= 0 && byteCount <= MemoryLayout<Value>.size)
  return unsafe withUnsafeBytes(of: value) { raw in
    guard let start = raw.baseAddress else { return 0 }
    return unsafe vx_crc32c(0, start, byteCount)
  }
}

/// A well-mixed 64-bit value of `key` (the finaliser of SplitMix64, Steele et al. 2014).
@inlinable @inline(__always)
public func mixed(_ key: UInt64) -> UInt64 {
  var value = key &+ 0x9e37_79b9_7f4a_7c15
  value = (value ^ (value &>> 30)) &* 0xbf58_476d_1ce4_e5b9
  value = (value ^ (value &>> 27)) &* 0x94d0_49bb_1331_11eb
  return value ^ (value &>> 31)
}

/// SplitMix64: a small, seeded, reproducible generator. Not for secrets.
@frozen public struct SplitMix64: RandomNumberGenerator, Sendable {
  @usableFromInline var state: UInt64
  @inlinable public init(seed: UInt64) { state = seed }
  @inlinable public mutating func next() -> UInt64 {
    let value = mixed(state)
    state &+= 0x9e37_79b9_7f4a_7c15
    return value
  }
  /// A value in `0..<bound` (`bound >= 1`), by Lemire's multiplication, bias below 2^-32.
  @inlinable public mutating func below(_ bound: UInt64) -> UInt64 {
    next().multipliedFullWidth(by: bound).high
  }
}
