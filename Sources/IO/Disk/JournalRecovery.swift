public import Bounded
import CSystem
import Glibc
public import Journal

/// A journal read back: where to go on.
public struct RecoveredJournal {
  public var position = JournalPosition()
  /// Segment and byte of the next frame.
  public var segment: UInt64 = 1
  public var fileOffset = SegmentHeader.blockBytes
  /// Clock of the last frame, ms since 1970.
  public var tick: Int64 = 0
  /// The last, partly filled block (4,096 bytes).
  public var tail = Slab(byteCount: 4096)
  /// Bytes from the last whole frame to the segment's end when writes were torn there; they were
  /// never flushed, and are cut.
  public var tornBytes = 0
  /// Events of whole frames among what is cut: written and not flushed when the power went, so
  /// nobody was told that they were. Only where each write is not flushed.
  public var cutEvents = 0
  public var frames = 0
  /// Whole frames, in the last segment that has any, that no later frame says were flushed: where
  /// they stand, and the segment as it was read and checked. Gone once recovery is done.
  fileprivate var unproven: (segment: UInt64, range: Range<Int>, bytes: Slab)?

  /// A journal without a frame.
  public init() {}
}

/// One frame as recovery hands it on: its events lie in `bytes` from `eventsAt`.
public struct RecoveredFrame {
  public let bytes: Slab
  public let eventsAt: Int
  public let header: JournalFrame
}

extension Segments {
  /// Reads every frame in order, checking checksum, identity, offsets and chain.
  ///
  /// A bad end of the last segment is what a power cut leaves of writes that were not flushed,
  /// unless a frame after it was made when they were: it is cut, because nobody was told that it is
  /// safe. Bad bytes anywhere else are refused, and so are segments that are missing, foreign or of
  /// another length than they were made with.
  ///
  /// - Parameters:
  ///   - place: The frame to begin with, as a snapshot says; what lies before it is not read.
  ///   - through: The journal reached at least so far once: where it ends before, it is refused.
  ///   - repairTail: Whether to zero a torn end on disk (false: leave the files as they are).
  ///   - apply: Called for each frame; its error ends recovery as `inconsistent`.
  /// - Complexity: O(bytes); holds two segments in memory at most.
  public func recover(
    from place: JournalPlace = JournalPlace(), through: UInt64 = 0, repairTail: Bool,
    _ apply: (RecoveredFrame) throws(InconsistentJournal) -> Void
  ) throws(JournalFault) -> RecoveredJournal {
    var found = RecoveredJournal()
    found.position = place.position
    found.segment = place.segment
    found.fileOffset = place.fileOffset
    let all = try disk { () throws(DiskFault) in try self.numbers() }
    if all.isEmpty && through == 0 { return found }
    // Older segments may have been removed, all up to some number; a gap is damage all the same.
    if let first = all.first, first < place.segment {
      for (at, number) in all.enumerated() where number != first + UInt64(at) {
        throw .missingSegment(path: path(first + UInt64(at)))
      }
    }
    let numbers = all.filter { $0 >= place.segment }
    if numbers.isEmpty { throw .missingSegment(path: path(place.segment)) }
    var ended = false
    var torn: (path: String, size: Int)?
    // A journal begins with segment 1: without it a prepared, empty one behind would read as a
    // journal that never had a frame.
    var previousNumber = place.segment - 1
    for number in numbers {
      guard number == previousNumber + 1 else {
        throw .missingSegment(path: self.path(previousNumber + 1))
      }
      previousNumber = number
      let (bytes, size, path, isClosed) = try readSegment(number)
      if ended {
        // A prepared segment after the journal's end holds no frame.
        if let at = JournalFrame.anyFrame(
          bytes, from: SegmentHeader.blockBytes, byteCount: size, identity: identity,
          offset: found.position.offset)
        {
          throw damage(
            path, at, found, "a frame stands after the journal's end in \(self.path(found.segment))"
          )
        }
        if let at = firstNonZero(bytes, from: SegmentHeader.blockBytes, to: size) {
          throw damage(
            path, at, found, "bytes after the journal's end in \(self.path(found.segment))")
        }
        continue
      }
      let start = number == place.segment ? place.fileOffset : SegmentHeader.blockBytes
      let (end, isEnded) = try readFrames(bytes, size, path, number, from: start, &found, apply)
      // A segment that was rolled over says so, or ends before its last 64 slots; the journal goes
      // on in the next.
      let isLeft = isEnded || end + 65 * JournalFrame.byteCount > size
      if isLeft && number != numbers.last { continue }
      // Only closed segments are compressed, and writing goes on in no such one.
      if isClosed {
        throw damage(
          path, end, found, "the journal ends in a compressed segment; what followed is missing")
      }
      ended = true
      if isEnded {
        found.segment = number + 1
        found.fileOffset = SegmentHeader.blockBytes
        continue
      }
      found.segment = number
      found.fileOffset = end
      found.tail.copy(from: bytes, at: end & ~4095, to: 0, count: end & 4095)
      if found.tornBytes > 0 { torn = (path, size) }
    }
    guard found.position.offset >= through else {
      throw .damaged(
        path: path(found.segment), byte: found.fileOffset, offset: found.position.offset,
        fault: "the journal ends here, and a snapshot knows it up to offset \(through)")
    }
    let unproven = found.unproven.take()
    guard repairTail else { return found }
    if let (path, size) = torn {
      let end = found.fileOffset
      try disk { () throws(DiskFault) in try self.zeroTail(path, from: end, size: size) }
    }
    if let (segment, range, bytes) = unproven { try rewrite(bytes, range, segment) }
    try disk { () throws(DiskFault) in try Files.flushFolder(folder) }
    return found
  }

  /// Reads the frames of one segment: the byte after the last, and whether that one says that the
  /// segment ends there.
  private func readFrames(
    _ bytes: Slab, _ size: Int, _ path: String, _ number: UInt64, from start: Int,
    _ found: inout RecoveredJournal, _ apply: (RecoveredFrame) throws(InconsistentJournal) -> Void
  ) throws(JournalFault) -> (end: Int, isEnded: Bool) {
    var at = start
    var isEnded = false
    // Frames of this segment not yet said to be flushed: where each stands, and the offset behind.
    var unproven: [(at: Int, end: UInt64)] = []
    while true {
      switch JournalFrame.read(
        bytes, at: at, byteCount: size, identity: identity, position: found.position)
      {
      case .frame(let header, let hash):
        if isEnded { throw damage(path, at, found, "a frame behind the one that ends the segment") }
        isEnded = header.isEnd
        if !isEnded {
          do throws(InconsistentJournal) {
            try apply(
              RecoveredFrame(bytes: bytes, eventsAt: at + JournalFrame.byteCount, header: header))
          } catch {
            throw .inconsistent(
              path: path, byte: at, offset: header.firstOffset, reason: error.reason)
          }
          found.frames += 1
        }
        found.position.offset += UInt64(header.count)
        found.position.previous = hash
        found.tick = header.tick
        let proven = unproven.prefix { $0.end <= header.flushed }.count
        unproven.removeFirst(proven)
        unproven.append((at, found.position.offset))
        at += header.frameBytes
        found.unproven = unproven.first.map { (number, $0.at..<at, bytes) }
      case .end:
        if let later = JournalFrame.anyFrame(
          bytes, from: at, byteCount: size, identity: identity, offset: found.position.offset)
        {
          throw damage(
            path, at, found, "zeros where a frame should be; a frame follows at byte \(later)")
        }
        // A torn write may have lost its first block and kept later ones.
        guard let rest = firstNonZero(bytes, from: at, to: size) else { return (at, isEnded) }
        if try hasFrames(after: number) {
          throw damage(
            path, rest, found,
            "bytes behind the segment's last frame, though the next segment goes on")
        }
        guard !isEnded, at + 65 * JournalFrame.byteCount <= size else {
          throw damage(path, rest, found, "bytes where no frame can begin any more")
        }
        cut(bytes, at, size, &found)
        return (at, false)
      case .damaged(let fault):
        let later = JournalFrame.anyFrame(
          bytes, from: at + 64, byteCount: size, identity: identity,
          offset: found.position.offset)
        let goesOn = try hasFrames(after: number)
        // No frame begins in the last 64 slots or behind an end, so no write was torn there.
        let isBehindLast = isEnded || at + 65 * JournalFrame.byteCount > size
        if fault.isWholeElsewhere || later != nil || goesOn || isBehindLast {
          throw damage(
            path, at, found, "\(fault)" + (later.map { "; a frame follows at byte \($0)" } ?? ""))
        }
        cut(bytes, at, size, &found)
        return (at, false)
      }
    }
  }

  private func damage(
    _ path: String, _ byte: Int, _ found: borrowing RecoveredJournal, _ fault: String
  ) -> JournalFault {
    .damaged(path: path, byte: byte, offset: found.position.offset, fault: fault)
  }

  /// Counts what is cut behind the last whole frame.
  private func cut(_ bytes: Slab, _ end: Int, _ size: Int, _ found: inout RecoveredJournal) {
    found.tornBytes = size - end
    var at = end
    while let next = JournalFrame.anyFrame(
      bytes, from: at, byteCount: size, identity: identity, offset: 0)
    {
      let header = bytes.load(next, as: JournalFrame.self)
      found.cutEvents += Int(header.count)
      at = next + header.frameBytes
    }
  }

  /// The first of the eight-byte words between two bytes that is not zero.
  private func firstNonZero(_ bytes: Slab, from start: Int, to end: Int) -> Int? {
    var at = start
    while at < end {
      if bytes.load(at, as: UInt64.self) != 0 { return at }
      at += 8
    }
    return nil
  }

  /// Whether the segment after `number` holds frames: then nothing in `number` can be a torn write.
  private func hasFrames(after number: UInt64) throws(JournalFault) -> Bool {
    guard exists(number + 1) else { return false }
    let (bytes, size, _, _) = try readSegment(number + 1)
    return JournalFrame.anyFrame(
      bytes, from: SegmentHeader.blockBytes, byteCount: size, identity: identity, offset: 0) != nil
  }

  /// A whole segment, its length, the file that it was read from, and whether that is a compressed
  /// one.
  private func readSegment(
    _ number: UInt64
  ) throws(JournalFault) -> (Slab, Int, String, isClosed: Bool) {
    let source = try SegmentSource(self, number)
    let size = source.byteCount
    if size > 1 << 30 { throw .disk(DiskFault("read", source.path, errno: EFBIG)) }
    let slab = Slab(byteCount: max(size, 4096), zeroed: false)
    let got = try source.read(slab, to: 0, count: size, at: 0)
    guard got == size else {
      throw .segmentLength(path: source.path, expected: size, found: got)
    }
    try source.finish()
    return (slab, got, source.path, source.isCompressed)
  }

  /// Writes what no frame proves to be flushed once more, and flushes it.
  ///
  /// Where a flush failed, the kernel may hold bytes in its cache that it will never write, and
  /// call a second flush a success. They were read as if they were on the disk; now they are.
  ///
  /// What is written is what was checked, and nothing beside it: a second read might give something
  /// else, which would then stand there for good.
  private func rewrite(
    _ bytes: Slab, _ range: Range<Int>, _ segment: UInt64
  ) throws(JournalFault) {
    let path = path(segment)
    guard Files.exists(path) else { return }
    try disk { () throws(DiskFault) in
      let file = try File(path, O_RDWR)
      try file.write(bytes, from: range.lowerBound, count: range.count, at: range.lowerBound)
      try file.flush()
    }
  }

  private func zeroTail(_ path: String, from: Int, size: Int) throws(DiskFault) {
    let file = try File(path, O_WRONLY)
    let zeros = Slab(byteCount: 1 << 20)
    var at = from
    while at < size {
      let count = min(zeros.byteCount, size - at)
      try file.write(zeros, from: 0, count: count, at: at)
      at += count
    }
    try file.flush()
  }

  func disk<Result: ~Copyable>(
    _ body: () throws(DiskFault) -> Result
  ) throws(JournalFault) -> Result {
    do throws(DiskFault) { return try body() } catch { throw .disk(error) }
  }
}

extension FrameFault {
  /// The frame is whole, and stands where another should.
  fileprivate var isWholeElsewhere: Bool {
    switch self {
    case .offset, .chain, .foreignHunt, .unsupportedVersion: true
    default: false
    }
  }
}

/// A frame is whole but cannot have been written by the engine.
public struct InconsistentJournal: Error, Sendable {
  public let reason: String
  public init(_ reason: String) { self.reason = reason }
}
