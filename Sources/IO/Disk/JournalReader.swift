import Bounded
import Glibc
public import Journal

/// The frames of a journal from one offset to another, in order, each whole and in its chain; also
/// on another thread or in another process while the engine writes, as long as `end` is at most
/// what is durable. Segments may be compressed.
///
/// It reads 4 MiB at a time and holds no more of the journal than that. Every frame that it gives
/// was checked; of those before the first, which it skips, only headers are looked at.
public struct JournalReader: ~Copyable {
  private static let bufferBytes = 4 << 20

  /// Frames are given while they hold events below this offset. It may be raised while reading.
  public var end: UInt64
  /// Where the frame given last stands.
  public private(set) var place = JournalPlace()
  /// Where the next frame must stand in the order; known once a frame was given, or from the start
  /// when the reader was made with a place.
  public private(set) var position: JournalPosition
  /// Bytes read so far of the segment that is being read, those for finding the first frame among
  /// them.
  public var bytesRead: Int { source.bytesRead }
  /// Whether the file that is being read is a compressed one.
  public var isCompressed: Bool { source.isCompressed }

  private let segments: Segments
  private let from: UInt64
  private let buffer = Slab(byteCount: JournalReader.bufferBytes, zeroed: false)
  private var source: SegmentSource
  /// Byte of the segment at the buffer's start, a multiple of 4,096; bytes in the buffer.
  private var base = 0
  private var filled = 0
  /// Byte of the segment where the next frame starts.
  private var at = SegmentHeader.blockBytes
  /// The chain is checked from the first frame on, whose own link is taken as it stands.
  private var isChained: Bool

  /// Starts at the frame that holds event `offset`; the segments before its own are not read.
  ///
  /// - Throws: `removed` when the journal does not reach back so far.
  /// - Complexity: O(log segments) files opened, then the headers of one segment up to the frame;
  ///   all bytes up to it where the segment is compressed.
  public init(
    _ segments: Segments, from offset: UInt64 = 0, to end: UInt64 = .max
  ) throws(JournalFault) {
    let source = try Self.find(segments, offset)
    let start = try Self.find(offset, in: source, identity: segments.identity)
    self.segments = segments
    self.source = source
    from = offset
    self.end = end
    isChained = false
    position = JournalPosition()
    at = start
  }

  /// The last segment whose first event is not behind `offset`.
  private static func find(
    _ segments: Segments, _ offset: UInt64
  ) throws(JournalFault) -> SegmentSource {
    let numbers = try segments.disk { () throws(DiskFault) in try segments.numbers() }
    guard let oldest = numbers.first else { throw .missingSegment(path: segments.path(1)) }
    var low = 0
    var high = numbers.count
    while high - low > 1 {
      let middle = (low + high) / 2
      let first = try segments.firstOffset(numbers[middle])
      if first.map({ $0 <= offset }) ?? false { low = middle } else { high = middle }
    }
    let source = try SegmentSource(segments, numbers[low])
    if low == 0, let first = try segments.firstOffset(oldest), first > offset {
      throw .removed(path: source.path, before: first, wanted: offset)
    }
    return source
  }

  /// Starts at a known frame and checks that it is that one.
  public init(
    _ segments: Segments, at place: JournalPlace, to end: UInt64 = .max
  ) throws(JournalFault) {
    let source = try SegmentSource(segments, place.segment)
    self.segments = segments
    self.source = source
    from = place.position.offset
    self.end = end
    isChained = true
    position = place.position
    at = place.fileOffset
  }

  /// The next frame; its bytes are lent until the next call. Nil at `end`, or where an unbounded
  /// journal ends. The first and the last frame may hold events outside the bounds too.
  public mutating func next() throws(JournalFault) -> RecoveredFrame? {
    var isFresh = false
    while position.offset < end {
      if at + JournalFrame.byteCount > source.byteCount {
        guard try nextSegment() else { return nil }
        continue
      }
      if try fill(again: false) { isFresh = true }
      switch reading() {
      case .frame(let header, let hash):
        if !isChained && header.firstOffset > from { throw fault("a frame of a later offset") }
        isChained = true
        position = JournalPosition(
          offset: header.firstOffset + UInt64(header.count), previous: hash)
        if header.isEnd {
          at = source.byteCount
          continue
        }
        place = JournalPlace(
          segment: source.number, fileOffset: at,
          position: JournalPosition(offset: header.firstOffset, previous: header.previous))
        defer { at += header.frameBytes }
        if position.offset <= from { continue }
        return RecoveredFrame(
          bytes: buffer, eventsAt: at - base + JournalFrame.byteCount, header: header)
      case .end where isFresh:
        // A full segment ends before its last 64 slots.
        if at + 65 * JournalFrame.byteCount > source.byteCount {
          guard try nextSegment() else { return nil }
        } else {
          if end == .max { return nil }
          throw fault("the journal ends here, though it should reach offset \(end)")
        }
      case .damaged(let damage) where isFresh:
        throw fault("\(damage)")
      default:
        // Perhaps it was written since the buffer was filled.
        _ = try fill(again: true)
        isFresh = true
      }
    }
    return nil
  }

  /// What stands at `at`, of which the buffer holds all there is.
  private func reading() -> FrameReading {
    let start = at - base
    var expected = position
    if !isChained {
      let header = buffer.load(start, as: JournalFrame.self)
      expected = JournalPosition(offset: header.firstOffset, previous: header.previous)
    }
    return JournalFrame.read(
      buffer, at: start, byteCount: filled, identity: segments.identity, position: expected)
  }

  /// Brings the whole frame at `at` into the buffer; whether anything had to be read.
  private mutating func fill(again: Bool) throws(JournalFault) -> Bool {
    let left = source.byteCount - at
    if !again && at >= base && at + JournalFrame.byteCount <= base + filled {
      let header = buffer.load(at - base, as: JournalFrame.self)
      let isWhole = at + min(left, header.frameBytes) <= base + filled
      if header.magic != JournalFrame.magicValue || header.count > JournalFrame.countMax
        || isWhole
      {
        return false
      }
    }
    let start = at & ~4095
    var kept = 0
    // A compressed segment is read forwards only, and does not change.
    if !again || source.isCompressed, start >= base, start < base + filled {
      kept = base + filled - start
      buffer.move(from: start - base, to: 0, count: kept)
    }
    base = start
    filled = kept
    filled += try source.read(
      buffer, to: kept, count: min(buffer.byteCount, source.byteCount - base) - kept,
      at: base + kept)
    return true
  }

  /// Goes on in the next segment; false where an unbounded journal ends.
  private mutating func nextSegment() throws(JournalFault) -> Bool {
    let number = source.number + 1
    if end == .max && !segments.exists(number) { return false }
    source = try SegmentSource(segments, number)
    at = SegmentHeader.blockBytes
    base = 0
    filled = 0
    return true
  }

  private func fault(_ text: String) -> JournalFault {
    .damaged(path: source.path, byte: at, offset: position.offset, fault: text)
  }
}

extension Segments {
  /// The first frame that exists: of the journal, or of what retention left of it.
  public func begin() throws(JournalFault) -> JournalPlace {
    guard let number = try firstNumber(), number > 1, let offset = try firstOffset(number) else {
      return JournalPlace()
    }
    var reader = try JournalReader(self, from: offset)
    _ = try reader.next()
    return reader.place
  }

  /// Offset of the first event of segment `number`, as its first frame says; nil when it has none.
  public func firstOffset(_ number: UInt64) throws(JournalFault) -> UInt64? {
    let source = try SegmentSource(self, number)
    let block = Slab(byteCount: SegmentHeader.blockBytes)
    let got = try source.read(block, to: 0, count: block.byteCount, at: SegmentHeader.blockBytes)
    guard got >= JournalFrame.byteCount else { return nil }
    let header = block.load(0, as: JournalFrame.self)
    return header.magic == JournalFrame.magicValue ? header.firstOffset : nil
  }
}
