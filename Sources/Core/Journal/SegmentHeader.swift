import Bounded

/// First block of a segment file, 4,096 bytes of which 64 are used, little-endian.
///
/// | offset | bytes | field       | meaning                                                       |
/// |-------:|------:|-------------|---------------------------------------------------------------|
/// |      0 |     4 | magic       | bytes `V` `J` `S` `1`                                         |
/// |      4 |     4 | version     | 1                                                             |
/// |      8 |     8 | number      | 1..., consecutive                                             |
/// |     16 |     8 | identity    | low half of the digest of the hunt's definition               |
/// |     24 |     8 | byteCount   | length of the file, a multiple of 4,096                       |
/// |     32 |     4 | crc         | CRC-32C of the 64 bytes with this field 0                     |
/// |     36 |    28 | reserved    | 0                                                             |
@frozen public struct SegmentHeader: BitwiseCopyable, Equatable, Sendable {
  public var magic: UInt32
  public var version: UInt32
  public var number: UInt64
  public var identity: UInt64
  public var byteCount: UInt64
  public var crc: UInt32
  public var reserved0: UInt32
  public var reserved1: UInt64
  public var reserved2: UInt64
  public var reserved3: UInt64

  /// Bytes before the first frame.
  public static let blockBytes = 4096
  public static let magicValue: UInt32 = 0x3153_4a56

  public init(number: UInt64, identity: UInt64, byteCount: Int) {
    magic = Self.magicValue
    version = 1
    self.number = number
    self.identity = identity
    self.byteCount = UInt64(byteCount)
    crc = 0
    reserved0 = 0
    reserved1 = 0
    reserved2 = 0
    reserved3 = 0
    crc = crc32c(of: self, byteCount: 64)
  }

  /// Whether the header is whole, belongs to this hunt and number, and gives a length that a
  /// segment can have.
  public func isValid(number: UInt64, identity: UInt64) -> Bool {
    let bytes = Int(clamping: byteCount)
    guard bytes >= Self.blockBytes, bytes % 4096 == 0 else { return false }
    return self == SegmentHeader(number: number, identity: identity, byteCount: bytes)
  }
}
