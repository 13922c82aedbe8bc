public import Bounded
public import Bus
import Events
import Glibc
import Journal
import Machine
import Synchronization

/// The thread that makes one journal durable: takes event lines from a ring, writes one frame at a
/// time, and says how far it has come.
///
/// A frame is whatever queued up while the last one was written, at most one a `groupNs` when
/// events keep coming; after a pause the first event is written at once. Events that are `joined`
/// are written in one frame, and published to the ring at once. The first failed call is
/// the last: the journal stops for good, `fault` says why, and nothing more becomes durable.
public final class JournalDisk: @unchecked Sendable {
  /// Event lines on their way to the disk; the partition's thread produces.
  public let ring: LineRing
  /// What became durable last.
  public let feed: JournalFeed
  private let segments: Segments
  private let durability: Durability
  private let groupNs: Int64
  private let reserveBytes: Int
  private let durable: Atomic<UInt64>
  private let flushed: Atomic<UInt64>
  private let stopping = Atomic<Bool>(false)
  private let finished = Atomic<Bool>(false)
  private let failed = Atomic<Bool>(false)
  private let faultText = Mutex<String?>(nil)
  private let bell = Doorbell()
  private let owner: Doorbell
  private var thread: OSThread?

  // Preparing the next segment, on a thread of its own.
  private let wanted: Atomic<UInt64>
  private let prepared: Atomic<UInt64>
  private let urgent = Atomic<Bool>(false)
  private let preparerBell = Doorbell()
  private var preparer: OSThread?

  private let flushHistogram = Mutex<Histogram>(Histogram())

  /// - Parameters:
  ///   - journal: Where recovery ended.
  ///   - ringLines: Events that may queue for the disk.
  ///   - groupNs: Shortest time between the starts of two writes, nanoseconds.
  ///   - reserveBytes: Free space that preparing a segment must leave.
  ///   - priority: Of the thread that writes.
  ///   - owner: Rung whenever `durableThrough` has moved or the journal has failed.
  public init(
    _ segments: Segments, from journal: RecoveredJournal, durability: Durability, ringLines: Int,
    groupNs: Int64, reserveBytes: Int, priority: ThreadPriority = .normal, owner: Doorbell
  ) throws(DiskFault) {
    self.segments = segments
    self.durability = durability
    self.groupNs = groupNs
    self.reserveBytes = reserveBytes
    self.owner = owner
    ring = LineRing(capacity: ringLines)
    feed = JournalFeed(lines: ringLines)
    durable = Atomic(journal.position.offset)
    flushed = Atomic(journal.position.offset)

    var writer = JournalWriter(
      identity: segments.identity, segmentBytes: segments.segmentBytes, segment: journal.segment,
      fileOffset: journal.fileOffset, position: journal.position)
    writer.restoreTail(from: journal.tail, at: 0)
    prepared = Atomic(writer.segment)
    wanted = Atomic(writer.segment + 1)
    try checkSpace()
    try segments.prepare(writer.segment)
    let start = StartBox(writer: writer)
    preparer = OSThread(name: "vx-prepare") { [self] in prepareSegments() }
    let tick = journal.tick
    thread = OSThread(name: "vx-journal", priority: priority) { [self] in
      guard let writer = start.take() else { return }
      run(writer, tick)
    }
  }

  /// Events below this offset are as durable as the journal's mode promises.
  public var durableThrough: UInt64 { durable.load(ordering: .acquiring) }
  /// Events below this offset are flushed to the device.
  public var flushedThrough: UInt64 { flushed.load(ordering: .acquiring) }
  /// Why the journal stopped; nil while it runs.
  public var fault: String? {
    failed.load(ordering: .acquiring) ? faultText.withLock { $0 } : nil
  }
  public var hasFailed: Bool { failed.load(ordering: .acquiring) }

  /// Durations of the writes so far, nanoseconds.
  public var flushTimes: Histogram {
    // Not the value itself: its buffer would be shared, and the journal's next write would copy it.
    flushHistogram.withLock { held in
      var copy = Histogram()
      copy.merge(held)
      return copy
    }
  }

  /// Tells the thread that lines were published.
  public func ringBell() { bell.ring() }

  /// Writes what is queued, then ends both threads.
  public func stop() {
    stopping.store(true, ordering: .releasing)
    bell.ring()
    thread?.join()
    // Only now: what was queued may have needed a segment that was not prepared yet.
    finished.store(true, ordering: .releasing)
    preparerBell.ring()
    preparer?.join()
    thread = nil
    preparer = nil
  }

  // MARK: The journal's thread

  /// How far the thread has come.
  private struct Progress {
    /// Events below are written.
    var written: UInt64
    var lastFlush: Int64
    /// Events written that the feed holds and nobody may read yet.
    var unfed = 0
  }

  private func run(_ initial: consuming JournalWriter, _ lastTick: Int64) {
    var writer = initial
    var tick = lastTick
    do throws(DiskFault) {
      var files = try OpenSegment(segments, writer.segment, durability)
      var lastStart: Int64 = 0
      var progress = Progress(written: durableThrough, lastFlush: ThisMachine.monotonicNs)
      while !hasFailed {
        if ring.availableNow == 0 {
          if stopping.load(ordering: .acquiring) { break }
          try flushIfDue(files, &progress)
          let isDirty = flushedThrough < progress.written
          let untilFlush = isDirty ? progress.lastFlush + flushNs - ThisMachine.monotonicNs : .max
          bell.wait(timeoutNs: max(0, min(untilFlush, 1_000_000_000))) {
            ring.availableNow > 0 || stopping.load(ordering: .acquiring)
          }
          continue
        }
        let rest = lastStart + groupNs - ThisMachine.monotonicNs
        if rest > 0 { ThisMachine.sleep(ns: rest) }
        if writer.segment != files.number {
          if durability != .batch { try flush(files, &progress) }
          guard waitForSegment(writer.segment) else { return }
          files = try OpenSegment(segments, writer.segment, durability)
        }
        let taken = take(into: &writer, &tick, &progress)
        lastStart = ThisMachine.monotonicNs
        let request =
          taken > 0
          ? writer.seal(tick: tick, flushed: flushedThrough)
          : writer.sealEnd(tick: tick, flushed: flushedThrough)
        try files.file.write(writer.buffer, from: 0, count: request.count, at: request.fileOffset)
        if durability == .batch && !files.isDirect { try files.file.flushData() }
        writer.wrote()
        let took = ThisMachine.monotonicNs - lastStart
        flushHistogram.withLock { $0.record(took) }
        progress.written = request.through
        if case .interval = durability {} else { claim(&progress) }
        try flushIfDue(files, &progress)
      }
      if hasFailed { return }
      try flush(files, &progress)
    } catch {
      fail("\(error)")
    }
  }

  /// Says that everything written is as durable as promised, and feeds it; nothing is said when the
  /// journal has failed meanwhile.
  private func claim(_ progress: inout Progress) {
    let through = progress.written
    let isSaid = faultText.withLock { fault in
      guard fault == nil else { return false }
      if durability == .batch { flushed.store(through, ordering: .releasing) }
      durable.store(through, ordering: .releasing)
      return true
    }
    guard isSaid else { return }
    if progress.unfed > 0 {
      feed.publish(progress.unfed, first: through - UInt64(progress.unfed))
      progress.unfed = 0
    }
    owner.ring()
  }

  /// Moves queued lines into the open frame, whole groups only, and into the feed where it takes
  /// them; how many. None when the first group needs the next segment.
  private func take(
    into writer: inout JournalWriter, _ tick: inout Int64, _ progress: inout Progress
  ) -> Int {
    let available = ring.availableNow
    precondition(!isJoined(ring.readIndex + available - 1), "a group was published in part")
    let count = writer.countThatFits(available) { isJoined(ring.readIndex + $0) }
    if count == 0 { return 0 }
    let isFed = feed.accepts(progress.unfed + count)
    // What the feed holds has to lie in order without a gap: its reader goes to the files then.
    if !isFed { progress.unfed = 0 }
    let first = ring.readIndex
    for at in first..<(first + count) {
      var event = ring.load(at, as: Event.self)
      event.flags.remove(.joined)
      if event.kindByte == EventKind.tick.rawValue { tick = event.time }
      writer.append(event)
      if isFed { feed.store(event, progress.unfed + at - first) }
    }
    ring.release(count)
    if isFed { progress.unfed += count }
    return count
  }

  private func isJoined(_ at: Int) -> Bool { ring.load(at, as: Event.self).flags.contains(.joined) }

  /// Time between two flushes where not every write is flushed, nanoseconds.
  private var flushNs: Int64 {
    switch durability {
    case .batch: 0
    case .interval(let ms): Int64(ms) * 1_000_000
    case .os: 30_000_000_000
    }
  }

  /// Most events written and not flushed where their answers wait for the flush: a quarter of the
  /// replies that a hunt holds at the least, or these would stand still until the time is up.
  private static let unflushedMax: UInt64 = 8_192

  private func flushIfDue(
    _ files: borrowing OpenSegment, _ progress: inout Progress
  ) throws(DiskFault) {
    let unflushed = progress.written - flushedThrough
    if unflushed == 0 { return }
    var isDue = ThisMachine.monotonicNs - progress.lastFlush >= flushNs
    if case .interval = durability, unflushed >= Self.unflushedMax { isDue = true }
    if isDue { try flush(files, &progress) }
  }

  private func flush(
    _ files: borrowing OpenSegment, _ progress: inout Progress
  ) throws(DiskFault) {
    try files.file.flushData()
    progress.lastFlush = ThisMachine.monotonicNs
    let through = progress.written
    let isSaid = faultText.withLock { fault in
      guard fault == nil else { return false }
      flushed.store(through, ordering: .releasing)
      return true
    }
    if isSaid && durableThrough < through { claim(&progress) }
  }

  private func fail(_ text: String) {
    faultText.withLock { if $0 == nil { $0 = text } }
    failed.store(true, ordering: .releasing)
    owner.ring()
  }

  // MARK: Preparing segments

  /// Waits until a segment is prepared; false when it never will be.
  private func waitForSegment(_ number: UInt64) -> Bool {
    wanted.store(number + 1, ordering: .releasing)
    while prepared.load(ordering: .acquiring) < number {
      if hasFailed { return false }
      urgent.store(true, ordering: .releasing)
      preparerBell.ring()
      bell.wait(timeoutNs: 10_000_000) { prepared.load(ordering: .acquiring) >= number }
    }
    urgent.store(false, ordering: .releasing)
    preparerBell.ring()
    return true
  }

  private func prepareSegments() {
    while !finished.load(ordering: .acquiring) {
      let next = prepared.load(ordering: .acquiring) + 1
      if next > wanted.load(ordering: .acquiring) {
        preparerBell.wait(timeoutNs: 1_000_000_000) {
          prepared.load(ordering: .acquiring) < wanted.load(ordering: .acquiring)
            || finished.load(ordering: .acquiring)
        }
        continue
      }
      do throws(DiskFault) {
        try checkSpace()
        // 256 KiB each 2 ms, 125 MB/s, unless the journal is waiting for it.
        try segments.prepare(next) {
          urgent.load(ordering: .acquiring) || stopping.load(ordering: .acquiring) ? 0 : 2_000_000
        }
        prepared.store(next, ordering: .releasing)
        bell.ring()
      } catch {
        fail("\(error)")
        bell.ring()
        return
      }
    }
  }

  private func checkSpace() throws(DiskFault) {
    let free = try Files.freeBytes(segments.folder)
    if free < reserveBytes + segments.segmentBytes {
      throw DiskFault("prepare (disk_reserve reached)", segments.folder, errno: ENOSPC)
    }
  }
}

/// The segment being written.
private struct OpenSegment: ~Copyable {
  let number: UInt64
  let file: File
  /// Written past the page cache, each write durable when it returns.
  let isDirect: Bool

  init(_ segments: Segments, _ number: UInt64, _ durability: Durability) throws(DiskFault) {
    self.number = number
    let path = segments.path(number)
    if durability == .batch, let direct = try File(direct: path, create: false) {
      file = direct
      isDirect = true
    } else {
      file = try File(path, O_RDWR)
      isDirect = false
    }
  }
}

/// Carries the noncopyable writer into its thread.
private final class StartBox: @unchecked Sendable {
  private var writer: JournalWriter?
  init(writer: consuming JournalWriter) { self.writer = consume writer }
  func take() -> JournalWriter? { writer.take() }
}
