public import Bounded

/// Header of one journal frame: everything that one flush made durable.
///
/// 64 bytes, little-endian, followed by `count` events of 64 bytes. A frame of version 2 has none:
/// it ends its segment before that is full, and the next frame is the next segment's first.
///
/// | offset | bytes | field       | meaning                                                       |
/// |-------:|------:|-------------|---------------------------------------------------------------|
/// |      0 |     4 | magic       | bytes `V` `J` `F` `1`                                         |
/// |      4 |     4 | version     | 1; 2 for a frame that ends its segment                        |
/// |      8 |     8 | firstOffset | journal offset of the first event                             |
/// |     16 |     8 | identity    | low half of the digest of the hunt's definition               |
/// |     24 |     4 | count       | events, 1...16,384; 0 where the version is 2                  |
/// |     28 |     4 | crc         | CRC-32C of header (with this field 0) and events              |
/// |     32 |    16 | previous    | hash of the frame before (low, high); 0 for the first         |
/// |     48 |     8 | tick        | the hunt's clock when the frame was made, ms since 1970       |
/// |     56 |     8 | flushed     | everything below this offset was flushed when it was made      |
@frozen public struct JournalFrame: BitwiseCopyable, Equatable, Sendable {
  public var magic: UInt32
  public var version: UInt32
  public var firstOffset: UInt64
  public var identity: UInt64
  public var count: UInt32
  public var crc: UInt32
  public var previousLow: UInt64
  public var previousHigh: UInt64
  public var tick: Int64
  public var flushed: UInt64

  public static let byteCount = 64
  public static let magicValue: UInt32 = 0x3146_4a56
  /// Most events in a frame: what one flush writes at once.
  public static let countMax = 16_384

  /// - Parameter count: 0 for a frame that ends its segment.
  public init(
    firstOffset: UInt64, identity: UInt64, count: Int, previous: Hash128, tick: Int64,
    flushed: UInt64
  ) {
    magic = Self.magicValue
    version = count == 0 ? Self.endVersion : 1
    self.firstOffset = firstOffset
    self.identity = identity
    self.count = UInt32(count)
    crc = 0
    previousLow = previous.low
    previousHigh = previous.high
    self.tick = tick
    self.flushed = flushed
  }

  public var previous: Hash128 { Hash128(high: previousHigh, low: previousLow) }
  private static let endVersion: UInt32 = 2
  /// Whether the frame ends its segment: the journal goes on in the next one.
  public var isEnd: Bool { version == Self.endVersion }
  /// Bytes of header and events.
  public var frameBytes: Int { Self.byteCount + Int(count) * 64 }
}

/// What stands at one place of a segment.
public enum FrameReading: Equatable, Sendable {
  /// A whole frame whose checksum, identity, offset and chain are right, and its own hash.
  case frame(JournalFrame, hash: Hash128)
  /// Zeros to the end of the block: nothing was written here.
  case end
  /// Bytes that are neither.
  case damaged(FrameFault)
}

/// What is wrong with the bytes where a frame should stand.
public enum FrameFault: Error, Equatable, Sendable {
  case notAFrame
  case unsupportedVersion(UInt32)
  case countOutOfRange(UInt32)
  /// Its last event's offset would not fit 64 bits.
  case offsetOutOfRange(UInt64)
  case cutOff(needed: Int, available: Int)
  case checksum
  case foreignHunt(UInt64)
  case offset(expected: UInt64, found: UInt64)
  case chain
}

/// The position of a reader or writer in a journal.
public struct JournalPosition: Equatable, Sendable {
  /// Offset of the next event.
  public var offset: UInt64
  /// Hash of the last frame.
  public var previous: Hash128

  public init(offset: UInt64 = 0, previous: Hash128 = .zero) {
    self.offset = offset
    self.previous = previous
  }
}

extension JournalFrame {
  /// Reads the frame at byte `at` of a segment lying in `bytes`, which is `byteCount` long.
  ///
  /// - Complexity: O(frame bytes).
  public static func read(
    _ bytes: Slab, at: Int, byteCount: Int, identity: UInt64, position: JournalPosition
  ) -> FrameReading {
    guard at + Self.byteCount <= byteCount else { return .end }
    let header = bytes.load(at, as: JournalFrame.self)
    if header.magic == 0 {
      // A torn first sector may be zero while later ones hold the rest of the frame.
      let blockEnd = min((at | 4095) + 1, byteCount)
      for offset in stride(from: at, to: blockEnd, by: 8)
      where bytes.load(offset, as: UInt64.self) != 0 { return .damaged(.notAFrame) }
      return .end
    }
    if let fault = header.fault(in: bytes, at: at, byteCount: byteCount, identity: identity) {
      return .damaged(fault)
    }
    guard header.firstOffset == position.offset else {
      return .damaged(.offset(expected: position.offset, found: header.firstOffset))
    }
    guard header.previous == position.previous else { return .damaged(.chain) }
    return .frame(header, hash: bytes.hash(at, count: header.frameBytes))
  }

  /// What is wrong with this header or its events, whatever came before.
  func fault(in bytes: Slab, at: Int, byteCount: Int, identity: UInt64) -> FrameFault? {
    guard magic == Self.magicValue else { return .notAFrame }
    guard version == 1 || isEnd else { return .unsupportedVersion(version) }
    guard isEnd ? count == 0 : count >= 1 && Int(count) <= Self.countMax else {
      return .countOutOfRange(count)
    }
    guard firstOffset <= UInt64.max - UInt64(count) else { return .offsetOutOfRange(firstOffset) }
    guard at + frameBytes <= byteCount else {
      return .cutOff(needed: frameBytes, available: byteCount - at)
    }
    var blank = self
    blank.crc = 0
    let start = crc32c(of: blank, byteCount: Self.byteCount)
    let whole = bytes.crc32c(
      at + Self.byteCount, count: frameBytes - Self.byteCount, continuing: start)
    guard whole == crc else { return .checksum }
    guard self.identity == identity else { return .foreignHunt(self.identity) }
    return nil
  }

  /// Where, from byte `from` on, a frame stands that proves the loss of what should stand at
  /// journal offset `offset`; nil when there is none.
  ///
  /// What was never flushed may be lost to a power cut, and frames written after it may be there
  /// all the same. A frame that was made when more than `offset` was flushed says that what lies
  /// before it was damaged later; and so does the very frame of `offset`, at a place where it does
  /// not belong.
  public static func anyFrame(
    _ bytes: Slab, from: Int, byteCount: Int, identity: UInt64, offset: UInt64
  ) -> Int? {
    var at = from
    while at + Self.byteCount <= byteCount {
      let header = bytes.load(at, as: JournalFrame.self)
      if header.magic == Self.magicValue,
        header.flushed > offset || header.firstOffset == offset,
        header.fault(in: bytes, at: at, byteCount: byteCount, identity: identity) == nil
      {
        return at
      }
      at += Self.byteCount
    }
    return nil
  }
}
