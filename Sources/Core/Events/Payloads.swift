/// First frame of a connection: who speaks, for which hunt; 64 bytes, little-endian.
///
/// | offset | bytes | field    | valid values                                                  |
/// |-------:|------:|----------|---------------------------------------------------------------|
/// |      0 |     8 | producer | 1...2^63-1                                                    |
/// |      8 |     1 | ack      | `AckLevel`                                                    |
/// |      9 |     1 | rights   | bit 0 ingest, bit 1 operate                                   |
/// |     10 |     1 | nameSize | bytes of the hunt's name, 1...48                              |
/// |     11 |     1 | options  | bit 0: acknowledgements only, no outcomes                     |
/// |     12 |     4 | reserved | 0                                                             |
/// |     16 |    48 | name     | UTF-8, the rest zero                                          |
@frozen public struct Hello: BitwiseCopyable, Sendable {
  public var producer: UInt64
  public var ack: UInt8
  public var rights: UInt8
  public var nameSize: UInt8
  public var options: UInt8
  public var reserved: UInt32
  public var name: InlineArray<48, UInt8>

  public static let rightIngest: UInt8 = 1
  public static let rightOperate: UInt8 = 2
  public static let optionAckOnly: UInt8 = 1

  /// Nil when `name` is empty or longer than 48 bytes.
  public init?(
    producer: UInt64, ack: AckLevel, rights: UInt8, hunt name: String, options: UInt8 = 0
  ) {
    let bytes = Array(name.utf8)
    guard bytes.count >= 1, bytes.count <= 48 else { return nil }
    self.producer = producer
    self.ack = ack.rawValue
    self.rights = rights
    nameSize = UInt8(bytes.count)
    self.options = options
    reserved = 0
    self.name = InlineArray(repeating: 0)
    for at in 0..<bytes.count { self.name[at] = bytes[at] }
  }

  /// The hunt's name, or nil when its bytes are not UTF-8 or its size is out of range.
  public var hunt: String? {
    guard nameSize >= 1, nameSize <= 48 else { return nil }
    return String(validating: (0..<Int(nameSize)).map { name[$0] }, as: UTF8.self)
  }
}

/// Answer to a hello; 64 bytes, little-endian.
///
/// | offset | bytes | field          | meaning                                                   |
/// |-------:|------:|----------------|-----------------------------------------------------------|
/// |      0 |     8 | highSequence   | highest sequence seen from the producer, 0 none           |
/// |      8 |     8 | offset         | the journal's end                                         |
/// |     16 |     8 | time           | the hunt's clock, ms since 1970                           |
/// |     24 |     4 | hunt           | the hunt's number, for events                             |
/// |     28 |     4 | eventCountMax  | most events in a frame                                    |
/// |     32 |     1 | rights         | granted, as in the hello                                  |
/// |     33 |    31 | reserved       | 0                                                         |
@frozen public struct Welcome: BitwiseCopyable, Sendable {
  public var highSequence: UInt64
  public var offset: UInt64
  public var time: Int64
  public var hunt: UInt32
  public var eventCountMax: UInt32
  public var rights: UInt8
  public var reserved: InlineArray<31, UInt8>

  public init(highSequence: UInt64, offset: UInt64, time: Int64, hunt: UInt32, rights: UInt8) {
    self.highSequence = highSequence
    self.offset = offset
    self.time = time
    self.hunt = hunt
    eventCountMax = UInt32(FrameHeader.eventCountMax)
    self.rights = rights
    reserved = InlineArray(repeating: 0)
  }
}

/// A batch is as safe as its sender asked; 64 bytes, little-endian.
///
/// | offset | bytes | field     | meaning                                                        |
/// |-------:|------:|-----------|----------------------------------------------------------------|
/// |      0 |     8 | head      | the journal's end when the batch was applied                   |
/// |      8 |     8 | durable   | everything below this offset is flushed                        |
/// |     16 |     4 | applied   | events of the batch, by disposition                            |
/// |     20 |     4 | duplicate |                                                                |
/// |     24 |     4 | rejected  |                                                                |
/// |     28 |     4 | late      |                                                                |
/// |     32 |     4 | shed      |                                                                |
/// |     36 |     1 | level     | `AckLevel` that holds; never more than was done                |
/// |     37 |    27 | reserved  | 0                                                              |
@frozen public struct Acknowledgement: BitwiseCopyable, Sendable {
  public var head: UInt64 = 0
  public var durable: UInt64 = 0
  public var applied: UInt32 = 0
  public var duplicate: UInt32 = 0
  public var rejected: UInt32 = 0
  public var late: UInt32 = 0
  public var shed: UInt32 = 0
  public var level: UInt8 = 0
  public var reserved: InlineArray<27, UInt8> = InlineArray(repeating: 0)

  @inlinable public init() {}

  /// Counts one outcome.
  @inlinable public mutating func count(_ disposition: Disposition) {
    switch disposition {
    case .applied: applied += 1
    case .duplicate: duplicate += 1
    case .rejected: rejected += 1
    case .late: late += 1
    case .shed: shed += 1
    }
  }
}

/// Why a frame was not taken; 64 bytes, little-endian.
///
/// | offset | bytes | field    | meaning                                                         |
/// |-------:|------:|----------|-----------------------------------------------------------------|
/// |      0 |     2 | result   | `ResultCode`                                                    |
/// |      2 |     1 | field    | `EventField`, 0 when the frame itself is at fault               |
/// |      3 |     1 | closing  | 1 when the engine closes the connection after this              |
/// |      4 |     4 | position | byte of the frame at fault                                      |
/// |      8 |     4 | retryMs  | when to send again, 0 never                                     |
/// |     12 |     4 | count    | events of the frame that were counted as shed or rejected       |
/// |     16 |    48 | reserved | 0                                                               |
@frozen public struct Refusal: BitwiseCopyable, Sendable {
  public var result: UInt16
  public var field: UInt8
  public var closing: UInt8
  public var position: UInt32
  public var retryMs: UInt32
  public var count: UInt32
  public var reserved: InlineArray<48, UInt8>

  public init(
    _ result: ResultCode, field: EventField = .none, closing: Bool = false, position: Int = 0,
    retryMs: UInt32 = 0, count: Int = 0
  ) {
    self.result = result.rawValue
    self.field = field.rawValue
    self.closing = closing ? 1 : 0
    self.position = UInt32(clamping: position)
    self.retryMs = retryMs
    self.count = UInt32(clamping: count)
    reserved = InlineArray(repeating: 0)
  }
}
