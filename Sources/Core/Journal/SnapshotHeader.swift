public import Bounded

/// First block of a snapshot, 4,096 bytes of which 256 are used, little-endian; it is written last,
/// when everything else is there, and says so by `content`.
///
/// | offset | bytes | field       | meaning                                                       |
/// |-------:|------:|-------------|---------------------------------------------------------------|
/// |      0 |     4 | magic       | bytes `V` `X` `S` `1`                                         |
/// |      4 |     4 | version     | 1                                                             |
/// |      8 |     4 | crc         | CRC-32C of the 256 bytes with this field 0                    |
/// |     12 |     4 | flags       | 1 incremental, 2 with derived pages, 4 with a digest mark     |
/// |     16 |    16 | identity    | digest of the hunt's definition and world (low, high)         |
/// |     32 |    16 | layout      | hash of the layouts of state and books (low, high)            |
/// |     48 |     8 | offset      | journal offset: everything below it is in the snapshot        |
/// |     56 |     8 | base        | offset of the snapshot that this one changes; 0 when full     |
/// |     64 |     8 | frameOffset | first offset of the frame that holds event `offset - 1`       |
/// |     72 |    16 | previous    | hash of the frame before that one (low, high)                 |
/// |     88 |     8 | segment     | segment of that frame, 1...                                   |
/// |     96 |     8 | fileOffset  | byte of that frame in its segment                             |
/// |    104 |     8 | tick        | clock of that frame, ms since 1970                            |
/// |    112 |     8 | now         | the hunt's clock, ms since 1970                               |
/// |    120 |     8 | eventCount  | events judged                                                 |
/// |    128 |    16 | digest      | root digest of the state (low, high)                          |
/// |    144 |    16 | markDigest  | last slice's digest that was journalled (low, high)           |
/// |    160 |     8 | markEvents  | events judged when it was                                     |
/// |    168 |     4 | markSlice   | its slice                                                     |
/// |    172 |     4 | branches    | promoted branches that the state contains                     |
/// |    176 |     4 | number      | the hunt's number                                             |
/// |    180 |     4 | chunkCount  | chunks behind this block                                      |
/// |    184 |     8 | pageCount   | pages in all chunks                                           |
/// |    192 |     8 | byteCount   | length of the file                                            |
/// |    200 |    16 | content     | rolling hash of the chunks' headers (low, high)               |
/// |    216 |    16 | baseContent | `content` of the base; 0 when full (low, high)                |
/// |    232 |    24 | reserved    | 0                                                             |
@frozen public struct SnapshotHeader: BitwiseCopyable, Equatable, Sendable {
  public var magic: UInt32 = SnapshotHeader.magicValue
  public var version: UInt32 = 1
  public var crc: UInt32 = 0
  public var flags: UInt32 = 0
  public var identity = LowHigh()
  public var layout = LowHigh()
  public var offset: UInt64 = 0
  public var base: UInt64 = 0
  public var frameOffset: UInt64 = 0
  public var previous = LowHigh()
  public var segment: UInt64 = 0
  public var fileOffset: UInt64 = 0
  public var tick: Int64 = 0
  public var now: Int64 = 0
  public var eventCount: UInt64 = 0
  public var digest = LowHigh()
  public var markDigest = LowHigh()
  public var markEvents: UInt64 = 0
  public var markSlice: UInt32 = 0
  public var branches: UInt32 = 0
  public var number: UInt32 = 0
  public var chunkCount: UInt32 = 0
  public var pageCount: UInt64 = 0
  public var byteCount: UInt64 = 0
  public var content = LowHigh()
  public var baseContent = LowHigh()
  public var reserved0: UInt64 = 0
  public var reserved1: UInt64 = 0
  public var reserved2: UInt64 = 0

  public static let byteCount = 256
  public static let blockBytes = 4096
  public static let magicValue: UInt32 = 0x3153_5856
  public static let incrementalFlag: UInt32 = 1
  public static let markFlag: UInt32 = 2

  public init() {}

  /// A hash as it lies in a file.
  @frozen public struct LowHigh: BitwiseCopyable, Equatable, Sendable {
    public var low: UInt64 = 0
    public var high: UInt64 = 0
    public init() {}
    public init(_ hash: Hash128) {
      low = hash.low
      high = hash.high
    }
    public var hash: Hash128 { Hash128(high: high, low: low) }
  }

  public var isIncremental: Bool { flags & Self.incrementalFlag != 0 }

  /// Where reading of the journal goes on: at the last frame that the snapshot knows of.
  public var place: JournalPlace {
    get {
      JournalPlace(
        segment: segment, fileOffset: Int(clamping: fileOffset),
        position: JournalPosition(offset: frameOffset, previous: previous.hash))
    }
    set {
      segment = newValue.segment
      fileOffset = UInt64(newValue.fileOffset)
      frameOffset = newValue.position.offset
      previous = LowHigh(newValue.position.previous)
    }
  }

  /// The CRC-32C that belongs to the other fields.
  public var expectedCRC: UInt32 {
    var blank = self
    blank.crc = 0
    return crc32c(of: blank, byteCount: Self.byteCount)
  }

  /// What is wrong with the header, whatever file it stands in; nil when nothing is.
  public var fault: String? {
    if magic != Self.magicValue { return "not a snapshot" }
    if version != 1 { return "version \(version), 1 is known" }
    if crc != expectedCRC { return "the header's checksum is wrong" }
    guard offset > 0, frameOffset < offset, segment > 0, fileOffset >= 4096,
      fileOffset % 64 == 0, fileOffset < 1 << 40, isIncremental == (base != 0),
      base == 0 || base < offset, byteCount >= 4096, byteCount < 1 << 50
    else { return "the header contradicts itself" }
    return nil
  }
}

/// Header of a chunk of a snapshot, 4,096 bytes, followed by `count` pages of 4,096 bytes.
///
/// | offset | bytes | field    | meaning                                                          |
/// |-------:|------:|----------|------------------------------------------------------------------|
/// |      0 |     4 | magic    | bytes `V` `X` `C` `1`                                            |
/// |      4 |     4 | part     | 0 pages of the state, 1 pages of the books                       |
/// |      8 |     4 | index    | 0..., its place among the chunks                                 |
/// |     12 |     4 | count    | pages, 1...255                                                   |
/// |     16 |    16 | hash     | XXH3-128 of the pages (low, high)                                |
/// |     32 |    32 | reserved | 0                                                                |
/// |     64 | 4 x n | pages    | their numbers, ascending; the rest of the block is 0             |
@frozen public struct SnapshotChunk: BitwiseCopyable, Equatable, Sendable {
  public var magic: UInt32 = SnapshotChunk.magicValue
  public var part: UInt32
  public var index: UInt32
  public var count: UInt32
  public var hash: SnapshotHeader.LowHigh

  public static let magicValue: UInt32 = 0x3143_5856
  public static let blockBytes = 4096
  /// Header and pages of a full chunk are one MiB.
  public static let pagesMax = 255
  /// Where the page numbers begin.
  public static let numbersAt = 64

  public enum Part: UInt32, Sendable { case state, books }

  public init(_ part: Part, index: UInt32, count: Int, hash: Hash128) {
    self.part = part.rawValue
    self.index = index
    self.count = UInt32(count)
    self.hash = SnapshotHeader.LowHigh(hash)
  }

  /// The rolling hash of the chunks' headers, gone on by the block at byte `at` of `bytes`.
  public static func roll(_ content: Hash128, _ bytes: Slab, at: Int) -> Hash128 {
    let own = bytes.hash(at, count: blockBytes, seed: content.low)
    return Hash128(high: mixed(content.high ^ own.high), low: own.low)
  }
}
