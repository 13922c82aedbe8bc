import Bounded

/// What the first bytes of a stream are.
@frozen public enum FrameReading: Equatable, Sendable {
  /// The start of a frame; at least this many more bytes are needed to tell more.
  case needMore(Int)
  /// A whole frame, checked; its payload are these bytes, and the next frame starts where they end.
  case frame(FrameHeader, payload: Range<Int>)
  /// A frame whose payload is damaged: reject its `count` events as `corruptFrame`, go on at `end`.
  case corrupt(FrameHeader, end: Int)
  /// No frame: where the next one starts is unknown, so the connection has to be closed.
  case fatal(Rejection)
}

/// Finds frames in received bytes, which may end anywhere; see `FrameHeader` for the layout.
///
/// It keeps nothing between calls: keep the bytes until their frame is whole, at most
/// `FrameReader.byteCountMax` of them, and ask again. Any bytes give an answer; nothing traps.
///
/// | fault                                  | code               | field   | position |
/// |----------------------------------------|--------------------|---------|---------:|
/// | magic, as soon as one byte of it tells | malformed          | none    |    0...3 |
/// | version                                | unsupportedVersion | version |        4 |
/// | header CRC                             | corruptFrame       | none    |       28 |
/// | type                                   | unknownKind        | kind    |        5 |
/// | flags not 0                            | reservedFlag       | flags   |        6 |
/// | count above 2048 (events, outcomes)    | tooLong            | none    |       16 |
/// | count not what the type holds          | outOfRange         | none    |       16 |
/// | length above 131,072                   | tooLong            | none    |       20 |
/// | length not what type and count need    | outOfRange         | none    |       20 |
///
/// - Complexity: O(1) and, for a whole frame, one pass over the payload for its CRC; no allocation.
public enum FrameReader {
  /// Bytes of the largest frame.
  public static let byteCountMax = FrameHeader.byteCount + FrameHeader.lengthMax

  /// Reads the frame that starts at `start`, `0...bytes.byteCount`; ranges are offsets into
  /// `bytes`, positions of rejections count from `start`.
  public static func read(_ bytes: RawSpan, from start: Int = 0) -> FrameReading {
    precondition(start >= 0 && start <= bytes.byteCount)
    let available = bytes.byteCount - start
    for offset in 0..<min(4, available) {
      let magic = UInt8(truncatingIfNeeded: FrameHeader.magicValue &>> UInt32(offset &* 8))
      guard bytes.byte(start + offset) == magic else {
        return .fatal(Rejection(.malformed, position: offset))
      }
    }
    guard available >= FrameHeader.byteCount else {
      return .needMore(FrameHeader.byteCount - available)
    }
    let header = bytes.load(start, as: FrameHeader.self)
    do throws(Rejection) { try header.validate() } catch { return .fatal(error) }

    let payloadAt = start + FrameHeader.byteCount
    let end = payloadAt + Int(header.length)
    guard end <= bytes.byteCount else { return .needMore(end - bytes.byteCount) }
    guard crc32c(bytes.extracting(payloadAt..<end)) == header.payloadCRC else {
      return .corrupt(header, end: end)
    }
    return .frame(header, payload: payloadAt..<end)
  }
}

extension FrameHeader {
  /// Checks everything that the header alone can show; see `FrameReader` for the codes.
  public func validate() throws(Rejection) {
    guard magic == Self.magicValue else { throw Rejection(.malformed, position: 0) }
    guard version == 1 else { throw Rejection(.unsupportedVersion, .version, position: 4) }
    guard headerCRC == checksum else { throw Rejection(.corruptFrame, position: 28) }
    guard let type else { throw Rejection(.unknownKind, .kind, position: 5) }
    guard flags == 0 else { throw Rejection(.reservedFlag, .flags, position: 6) }
    if let fixed = type.itemCount {
      guard count == fixed else { throw Rejection(.outOfRange, position: 16) }
    } else {
      guard count <= Self.eventCountMax else { throw Rejection(.tooLong, position: 16) }
    }
    guard length <= Self.lengthMax else { throw Rejection(.tooLong, position: 20) }
    guard length == count * 64 else { throw Rejection(.outOfRange, position: 20) }
  }
}

extension FrameType {
  /// Items of 64 bytes that a frame of this type holds; nil when `count` says how many.
  public var itemCount: UInt32? {
    switch self {
    case .events, .outcomes: nil
    case .hello, .welcome, .acknowledgement, .busy, .fault: 1
    case .ping, .pong: 0
    }
  }
}
