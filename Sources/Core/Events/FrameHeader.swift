import Bounded

/// The 32 bytes before every payload of the stream protocol, little-endian.
///
/// | offset | bytes | field      | values                                                        |
/// |-------:|------:|------------|---------------------------------------------------------------|
/// |      0 |     4 | magic      | bytes `V` `T` `X` `1`                                         |
/// |      4 |     1 | version    | 1                                                             |
/// |      5 |     1 | type       | `FrameType`                                                   |
/// |      6 |     2 | flags      | 0                                                             |
/// |      8 |     8 | batch      | the sender's number for the frame; answers repeat it          |
/// |     16 |     4 | count      | items in the payload                                          |
/// |     20 |     4 | length     | payload bytes                                                 |
/// |     24 |     4 | payloadCRC | CRC-32C of the payload                                        |
/// |     28 |     4 | headerCRC  | CRC-32C of bytes 0...27                                       |
@frozen public struct FrameHeader: BitwiseCopyable, Equatable, Sendable {
  public var magic: UInt32
  public var version: UInt8
  public var typeByte: UInt8
  public var flags: UInt16
  public var batch: UInt64
  public var count: UInt32
  public var length: UInt32
  public var payloadCRC: UInt32
  public var headerCRC: UInt32

  public static let byteCount = 32
  public static let magicValue: UInt32 = 0x3158_5456
  /// Most events in a frame.
  public static let eventCountMax = 2048
  /// Most bytes in a payload.
  public static let lengthMax = eventCountMax * Event.byteCount

  /// A header ready to send for `payload`.
  public init(_ type: FrameType, batch: UInt64, count: Int, payload: RawSpan) {
    magic = Self.magicValue
    version = 1
    typeByte = type.rawValue
    flags = 0
    self.batch = batch
    self.count = UInt32(count)
    length = UInt32(payload.byteCount)
    payloadCRC = crc32c(payload)
    headerCRC = 0
    headerCRC = checksum
  }

  /// CRC-32C of the first 28 bytes.
  public var checksum: UInt32 {
    crc32c(of: self, byteCount: 28)
  }

  public var type: FrameType? { FrameType(rawValue: typeByte) }
}

/// What a frame of the stream protocol says. Numbers are never reused.
public enum FrameType: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// Client: who it is, which hunt, which acknowledgement; 64 bytes, `Hello`.
  case hello = 1
  /// Engine: the hunt's number and what the producer was last seen with; 64 bytes, `Welcome`.
  case welcome = 2
  /// Client: `count` events of 64 bytes.
  case events = 3
  /// Engine: `count` outcomes of 64 bytes, one an event of the batch, in its order.
  case outcomes = 4
  /// Engine: the batch is as safe as was asked; 64 bytes, `Acknowledgement`.
  case acknowledgement = 5
  /// Engine: the batch was not taken; 64 bytes, `Refusal`. Send it again after `retryMs`.
  case busy = 6
  /// Engine: what is wrong with the frame or the hello; 64 bytes, `Refusal`; may be followed by a
  /// close.
  case fault = 7
  case ping = 8
  case pong = 9
}

/// How safe an event must be before its sender hears of it.
public enum AckLevel: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// Applied in memory; the outcome is marked provisional.
  case applied = 0
  /// Flushed to disk as the hunt's `durability` says.
  case durable = 1
}
