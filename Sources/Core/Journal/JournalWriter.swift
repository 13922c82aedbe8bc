public import Bounded
public import Events

/// Composes frames: takes events, says which bytes to write where, and goes on when told that they
/// are durable. It does no I/O and knows no clock.
///
/// Writes are whole 4 KiB blocks at block boundaries of a pre-zeroed segment, as direct I/O needs.
/// A frame that ends inside a block leaves a tail; the next write repeats the tail's bytes
/// unchanged before its own, so that a low rate of small frames does not cost a block each. One
/// write is outstanding at a time, and it is one frame: hence, where each write is flushed, a torn
/// write damages the last frame only. Where writes are flushed later, each frame says how far they
/// were when it was made, so that what a power cut took can be told from what was damaged.
///
/// A frame is there after a crash as a whole or not at all, so events that must share their fate, a
/// group, share a frame. A group that does not fit what is left of a segment goes into the next
/// one, and a frame without events ends the segment before it is full.
public struct JournalWriter: ~Copyable {
  /// Bytes to write: `count` bytes of `buffer` from 0, at `fileOffset` of segment `segment`.
  public struct Request: Equatable, Sendable {
    public var segment: UInt64
    public var fileOffset: Int
    public var count: Int
    /// Journal offset after the frame: durable through here once written.
    public var through: UInt64
  }

  /// Lent to the disk for the length of a write; a tail of at most one block, then the frame.
  public let buffer: Slab
  /// Most events of a group: what fits a segment of the smallest size, and so a frame.
  public static let groupMax = min(
    JournalFrame.countMax, (segmentBytesMin - SegmentHeader.blockBytes) / 64 - 1)
  /// Smallest length of a segment.
  public static let segmentBytesMin = 1 << 20

  /// Length of every segment file.
  public let segmentBytes: Int
  public let identity: UInt64
  /// Segment of the next frame, 1...
  public private(set) var segment: UInt64
  /// Offset of the next event, and the chain so far.
  public private(set) var position: JournalPosition

  private var fileOffset: Int  // where the next frame starts
  private var count = 0  // events in the open frame
  private var isWriting = false

  /// - Parameter segmentBytes: A multiple of 4,096, at least 1 MiB.
  public init(
    identity: UInt64, segmentBytes: Int, segment: UInt64 = 1,
    fileOffset: Int = SegmentHeader.blockBytes, position: JournalPosition = JournalPosition()
  ) {
    precondition(segmentBytes % 4096 == 0 && segmentBytes >= Self.segmentBytesMin)
    precondition(fileOffset % JournalFrame.byteCount == 0 && fileOffset <= segmentBytes)
    self.identity = identity
    self.segmentBytes = segmentBytes
    self.segment = segment
    self.fileOffset = fileOffset
    self.position = position
    buffer = Slab(byteCount: 8192 + JournalFrame.byteCount + JournalFrame.countMax * 64)
    rollIfFull()
  }

  /// Where in its block the next frame starts: the bytes before it must be in `buffer` when a
  /// writer goes on in a segment that it did not write (`restoreTail`).
  public var tailBytes: Int { fileOffset & 4095 }

  /// Gives back the bytes of the last block after a restart.
  public mutating func restoreTail(from block: Slab, at offset: Int) {
    buffer.copy(from: block, at: offset, to: 0, count: tailBytes)
  }

  /// Events that the open frame still takes: 0 when it is full or its segment is.
  public var room: Int {
    let inSegment = (segmentBytes - fileOffset) / 64 - 1
    return max(0, min(JournalFrame.countMax, inSegment) - count)
  }

  /// How many of `count` queued events, of which the last ends a group, go into the open frame: as
  /// many whole groups as it takes. 0 says that the first group needs the next segment: `sealEnd`.
  ///
  /// - Parameter isJoined: Whether the event at an index is of one group with the event behind it.
  /// - Complexity: O(length of the group that does not fit).
  @inlinable public func countThatFits(_ count: Int, isJoined: (Int) -> Bool) -> Int {
    let room = room
    if count <= room { return count }
    var fitting = room
    while fitting > 0, isJoined(fitting - 1) { fitting -= 1 }
    return fitting
  }

  /// Whether the open frame has events.
  public var hasEvents: Bool { count > 0 }

  /// Adds an event to the open frame, which must have room and no write outstanding.
  @inlinable public mutating func append(_ event: Event) {
    buffer.store(event, nextSlot())
  }

  @usableFromInline mutating func nextSlot() -> Int {
    precondition(!isWriting && room > 0)
    count += 1
    return tailBytes + JournalFrame.byteCount + (count - 1) * 64
  }

  /// Goes on in the next segment when the rest of this one is too small to bother with.
  private mutating func rollIfFull() {
    if room < 64 { roll() }
  }

  private mutating func roll() {
    segment += 1
    fileOffset = SegmentHeader.blockBytes
  }

  /// Closes the open frame, which must have events.
  ///
  /// - Parameter flushed: Everything below this offset is flushed, at most `position.offset`; nil
  ///   where all of it is.
  public mutating func seal(tick: Int64, flushed: UInt64? = nil) -> Request {
    precondition(count > 0)
    return request(tick: tick, flushed: flushed)
  }

  /// Ends the segment before it is full: the next frame is the next segment's first. The open frame
  /// must be empty, and not a segment's first: it holds any group.
  ///
  /// - Parameter flushed: As for `seal`.
  public mutating func sealEnd(tick: Int64, flushed: UInt64? = nil) -> Request {
    precondition(count == 0 && fileOffset > SegmentHeader.blockBytes)
    return request(tick: tick, flushed: flushed)
  }

  private mutating func request(tick: Int64, flushed: UInt64?) -> Request {
    precondition(!isWriting)
    precondition(flushed ?? 0 <= position.offset)
    isWriting = true
    let start = tailBytes
    var header = JournalFrame(
      firstOffset: position.offset, identity: identity, count: count,
      previous: position.previous, tick: tick, flushed: flushed ?? position.offset)
    let first = crc32c(of: header, byteCount: JournalFrame.byteCount)
    header.crc = buffer.crc32c(
      start + JournalFrame.byteCount, count: count * 64, continuing: first)
    buffer.store(header, start)
    let end = start + header.frameBytes
    let padded = (end + 4095) & ~4095
    buffer.zero(end, count: padded - end)
    return Request(
      segment: segment, fileOffset: fileOffset - start, count: padded,
      through: position.offset + UInt64(count))
  }

  /// The write of the sealed frame is durable.
  public mutating func wrote() {
    precondition(isWriting)
    let start = tailBytes
    let bytes = JournalFrame.byteCount + count * 64
    position.previous = buffer.hash(start, count: bytes)
    position.offset += UInt64(count)
    isWriting = false
    if count == 0 { return roll() }
    fileOffset += bytes
    let lastBlock = (start + bytes) & ~4095
    buffer.move(from: lastBlock, to: 0, count: tailBytes)
    count = 0
    rollIfFull()
  }
}
