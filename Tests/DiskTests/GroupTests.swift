import Bounded
import Bus
import CSystem
import Disk
import Events
import Glibc
import Journal
import Testing
import Testkit

// Groups: events that a crash must take all or none of, as the body of an atomic request is. The real
// thread writes the journal; then it is brought to what each crash could have left of it.

/// A journal as it was written: every frame, and where each group ends.
private struct WrittenJournal {
  struct Frame {
    var segment: UInt64
    var at: Int
    var header: JournalFrame
    var end: Int { at + header.frameBytes }
  }
  /// What of the sectors not flushed is lost.
  enum Tears: CaseIterable { case none, end, any }

  var frames: [Frame] = []
  var segments: [UInt64: Slab] = [:]

  init(_ source: Segments) throws {
    for number in try source.numbers() {
      let bytes = Slab(byteCount: source.segmentBytes)
      let file = try File(source.path(number), O_RDONLY)
      _ = try file.read(bytes, to: 0, count: bytes.byteCount, at: 0)
      segments[number] = bytes
      var at = SegmentHeader.blockBytes
      while at + 64 <= bytes.byteCount {
        let header = bytes.load(at, as: JournalFrame.self)
        if header.magic != JournalFrame.magicValue { break }
        frames.append(Frame(segment: number, at: at, header: header))
        at += header.frameBytes
      }
    }
  }

  /// Puts into `target` what a power cut leaves when frame `last` was the last to be written: of what
  /// was not flushed by then each sector as it was at some time, behind it zeros.
  func put(
    cutAt last: Int, into target: Segments, tears: Tears, _ random: inout TestRandom
  ) throws {
    let frame = frames[last]
    // A segment is flushed before the next one is written to.
    let torn = frames[...last].filter {
      $0.segment == frame.segment && $0.header.firstOffset >= frame.header.flushed
    }
    for (number, bytes) in segments where number <= frame.segment + 1 {
      let copy = Slab(copying: bytes, byteCount: bytes.byteCount)
      if number == frame.segment {
        copy.zero(frame.end, count: copy.byteCount - frame.end)
        let ends = [torn[0].at] + torn.map(\.end)
        let first = torn[0].at & ~511
        let cut = first + random.below(frame.end - first)
        for sector in stride(from: first, to: frame.end, by: 512) {
          let newest =
            switch tears {
            case .none: ends.count - 1
            case .end: sector < cut ? ends.count - 1 : 0
            case .any: random.below(ends.count)
            }
          let end = max(sector, ends[newest])
          if end < sector + 512 { copy.zero(end, count: sector + 512 - end) }
        }
      } else if number > frame.segment {
        copy.zero(SegmentHeader.blockBytes, count: copy.byteCount - SegmentHeader.blockBytes)
      }
      let file = try File(target.path(number), O_RDWR | O_CREAT)
      try file.write(copy, from: 0, count: copy.byteCount, at: 0)
    }
  }
}

/// Writes groups of these sizes from event `first` on with the journal's own thread, several of them
/// published at once, so that frames and segments end where groups do not.
private func write(
  _ groups: [Int], from journal: RecoveredJournal, _ segments: Segments,
  _ durability: Disk.Durability, publishAt: Int
) throws {
  let disk = try JournalDisk(
    segments, from: journal, durability: durability, ringLines: 65_536, groupNs: 0,
    reserveBytes: 0, owner: Doorbell())
  var next = journal.position.offset
  var queued = 0
  for (number, size) in groups.enumerated() {
    while !disk.ring.hasRoom(queued + size) {
      guard !disk.hasFailed else { break }
      usleep(100)
    }
    for at in 0..<size {
      var event = numbered(next + UInt64(at))
      if at < size - 1 { event.flags.insert(.joined) }
      disk.ring.store(event, disk.ring.writeIndex + queued + at)
    }
    next += UInt64(size)
    queued += size
    if queued >= publishAt || number == groups.count - 1 {
      disk.ring.publish(queued)
      disk.ringBell()
      queued = 0
    }
  }
  disk.stop()
  #expect(disk.fault == nil && disk.durableThrough == next)
}

private func randomGroups(_ random: inout TestRandom, lines: Int) -> [Int] {
  var groups: [Int] = []
  var left = lines
  while left > 0 {
    let size =
      switch random.below(20) {
      case 0...9: 1
      case 10...15: 2 + random.below(200)
      case 16...18: 200 + random.below(4_000)
      default: random.chance(30) ? JournalWriter.groupMax : 1 + random.below(13_000)
      }
    groups.append(size)
    left -= size
  }
  return groups
}

/// What a journal is after the power went during the write of a frame; nil where it is not what it
/// should be.
///
/// - Parameter ends: Offsets at which groups end.
private func outcome(
  of journal: WrittenJournal, cutAt last: Int, _ tears: WrittenJournal.Tears, _ ends: Set<UInt64>,
  _ durability: Disk.Durability, _ random: inout TestRandom
) throws -> [String]? {
  let own = Folder()
  let cut = Segments(folder: own.path, identity: 7, segmentBytes: segmentBytesMin)
  try journal.put(cutAt: last, into: cut, tears: tears, &random)
  let read = try ReadBack(cut)
  let frame = journal.frames[last]
  guard read.isInOrder, ends.contains(read.count), read.count >= frame.header.flushed else {
    print("frame \(last), \(frame.header): \(read.count) events are left")
    return nil
  }
  let isWhole = read.count == frame.header.firstOffset + UInt64(frame.header.count)
  let part = (frame.header.isEnd ? "end " : "frame ") + (isWhole ? "whole" : "torn")
  guard try readsAlike(cut, read.count, &random) else { return nil }
  guard random.chance(20) else { return [part] }
  let more = randomGroups(&random, lines: 3_000)
  try write(more, from: read.journal, cut, durability, publishAt: 2_000)
  let all = try ReadBack(cut)
  guard all.isInOrder, all.count == read.count + UInt64(more.reduce(0, +)) else { return nil }
  return [part, "went on"]
}

/// Whatever groups are written and whichever write is the last before the power goes, however it is
/// torn: each group is there whole or not at all, everything flushed is there, a reader of any part
/// sees what recovery saw, and the journal goes on. Before frames ended where groups do, the end of a
/// segment cut a group in two frames, and the power between them cut it for good.
@Test(arguments: [Disk.Durability.batch, .interval(ms: 5), .os])
func aCrashTakesAGroupWholeOrNotAtAll(_ durability: Disk.Durability) throws {
  var outcomes: Set<String> = []
  #expect(
    forAll(cases: 4) { random in
      let folder = Folder()
      let written = Segments(folder: folder.path, identity: 7, segmentBytes: segmentBytesMin)
      let groups = randomGroups(&random, lines: 36_000)
      try write(
        groups, from: RecoveredJournal(), written, durability,
        publishAt: 1 + random.below(30_000))
      var ends: Set<UInt64> = [0]
      var lines: UInt64 = 0
      for size in groups {
        lines += UInt64(size)
        ends.insert(lines)
      }
      let journal = try WrittenJournal(written)
      let every = max(1, journal.frames.count / 16)
      for last in journal.frames.indices
      where last % every == 0 || journal.frames[last].header.isEnd {
        // Ends are few, and each way to tear one is a case of its own.
        let isEnd = journal.frames[last].header.isEnd
        let all = WrittenJournal.Tears.allCases
        for tears in isEnd ? all : [all[random.below(3)]] {
          guard
            let outcome = try outcome(
              of: journal, cutAt: last, tears, ends, durability, &random)
          else { return false }
          outcomes.formUnion(outcome)
        }
      }
      return true
    })
  #expect(
    outcomes.isSuperset(of: ["end whole", "frame whole", "frame torn", "went on"]), "\(outcomes)")
}

/// A reader that begins anywhere, by offset or at the place of a frame, reads on through segments that
/// were ended early, plain or compressed.
private func readsAlike(
  _ segments: Segments, _ count: UInt64, _ random: inout TestRandom
) throws -> Bool {
  if count == 0 { return true }
  let from = UInt64(random.below(Int(count)))
  if random.chance(30), segments.exists(2), try segments.firstOffset(2) != nil {
    _ = try segments.compress(1, bytesPerSecond: 0)
  }
  var reader = try JournalReader(segments, from: from, to: random.chance(50) ? count : .max)
  var next: UInt64?
  var place: JournalPlace?
  while let frame = try reader.next() {
    if next == nil, frame.header.firstOffset > from || frame.header.isEnd { return false }
    if let next, next != frame.header.firstOffset { return false }
    for at in 0..<Int(frame.header.count) {
      let event = frame.bytes.load(frame.eventsAt + at * 64, as: Event.self)
      guard event.sequence == frame.header.firstOffset + UInt64(at) else { return false }
    }
    next = frame.header.firstOffset + UInt64(frame.header.count)
    if place == nil || random.chance(20) { place = reader.place }
  }
  guard next == count, let place else { return false }
  var behind = try JournalReader(segments, from: count)
  if try behind.next() != nil { return false }
  var again = try JournalReader(segments, at: place)
  var last = place.position.offset
  while let frame = try again.next() {
    last = frame.header.firstOffset + UInt64(frame.header.count)
  }
  return last == count
}

/// Copies of a journal that was just ended early hold it whole, and go on in the next segment.
@Test func aCopyOfAnEndedSegmentIsWhole() throws {
  let folder = Folder()
  let segments = Segments(folder: folder.path, identity: 7, segmentBytes: segmentBytesMin)
  try write([9_000, 9_000], from: RecoveredJournal(), segments, .batch, publishAt: 18_000)
  let journal = try WrittenJournal(segments)
  #expect(journal.frames.map(\.header.count) == [9_000, 0, 9_000])
  #expect(journal.frames.map(\.segment) == [1, 1, 2])
  var random = TestRandom(seed: runSeed)
  for (last, count): (Int, UInt64) in [(1, 9_000), (2, 18_000)] {
    let cut = Folder()
    let source = Segments(folder: cut.path, identity: 7, segmentBytes: segmentBytesMin)
    try journal.put(cutAt: last, into: source, tears: .none, &random)
    let target = Folder()
    let pinned = try #require(try source.pin())
    try source.copy(pinned, to: target.path, bytesPerSecond: 0) { _, _ in }
    let copy = Segments(folder: target.path, identity: 7, segmentBytes: segmentBytesMin)
    #expect(try copy.numbers() == (1...journal.frames[last].segment).map { $0 })
    let read = try ReadBack(copy)
    #expect(read.count == count && read.isInOrder && read.journal.segment == 2)
    try write([5], from: read.journal, copy, .batch, publishAt: 1)
    #expect(try ReadBack(copy).count == count + 5)
  }
}

/// Behind the frame that ends a segment nothing may stand: what does is named, not cut.
@Test func nothingStandsBehindAnEnd() throws {
  let folder = Folder()
  let segments = Segments(folder: folder.path, identity: 7, segmentBytes: segmentBytesMin)
  try write([9_000, 9_000], from: RecoveredJournal(), segments, .batch, publishAt: 18_000)
  let end = try WrittenJournal(segments).frames[1]
  let file = try File(segments.path(1), O_RDWR)
  let bytes = Slab(byteCount: 64)
  bytes.store(UInt64(1), 8)
  try file.write(bytes, from: 0, count: 64, at: end.end + 640)
  let behind = "\(try #require(faultOfReading(segments)))"
  #expect(behind.contains("\(segments.path(1)): byte \(end.end):"), "\(behind)")
  bytes.zero(0, count: 64)
  try file.write(bytes, from: 0, count: 64, at: end.end + 640)
  #expect(faultOfReading(segments) == nil)
  // The end itself lost: the next segment says that the journal went on.
  try file.write(bytes, from: 0, count: 64, at: end.at)
  let lost = "\(try #require(faultOfReading(segments)))"
  #expect(lost.contains(segments.path(2)), "\(lost)")
}
