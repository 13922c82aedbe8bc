import Bounded
import CSystem
import Disk
import Events
import Glibc
import Journal
import Testing
import Testkit

// Reading a journal from anywhere to anywhere, through compressed segments, gives what was written.

/// Events of `from..<end` as the reader gives them, in order and as they were written; nil when they
/// are not.
func eventsRead(
  _ segments: Segments, from: UInt64, to end: UInt64
) throws(JournalFault) -> UInt64? {
  var reader = try JournalReader(segments, from: from, to: end)
  var next = from
  while let frame = try reader.next() {
    for at in 0..<Int(frame.header.count) {
      let number = frame.header.firstOffset + UInt64(at)
      if number < from || number >= end { continue }
      let event = frame.bytes.load(frame.eventsAt + at * 64, as: Event.self)
      if number != next || !isNumbered(event, number) { return nil }
      next += 1
    }
  }
  return next - from
}

/// Any range of any journal is read exactly, whichever closed segments are compressed; from a place
/// too, and past the end only when no end was asked for.
@Test func anyRangeIsRead() {
  #expect(
    forAll(cases: 6) { random in
      let folder = Folder()
      let disk = try JournalOnDisk(
        Segments(folder: folder.path, identity: 7, segmentBytes: segmentBytesMin))
      let last = UInt64(1 + random.below(3))
      while disk.segment < last { try disk.writeFlushed(&random) }
      for _ in 0..<4 { try disk.writeFlushed(&random) }
      try disk.segments.prepare(disk.segment)
      try disk.segments.prepare(disk.segment + 1)
      for number in 1..<disk.segment where random.chance(60) {
        _ = try disk.segments.compress(number, bytesPerSecond: 0)
      }
      guard try ReadBack(disk.segments).count == disk.written else { return false }
      for _ in 0..<10 {
        let from = UInt64(random.below(Int(disk.written)))
        let end = from + UInt64(random.below(Int(disk.written - from) + 1))
        guard try eventsRead(disk.segments, from: from, to: end) == end - from else {
          return false
        }
      }
      guard try eventsRead(disk.segments, from: 0, to: .max) == disk.written else { return false }
      let at = random.below(disk.places.count)
      let before = at > 0 ? disk.places[at - 1].through : 0
      var search = try JournalReader(disk.segments, from: before)
      guard try search.next()?.header.firstOffset == before else { return false }
      var reader = try JournalReader(disk.segments, at: search.place, to: disk.written)
      var seen = before
      while let frame = try reader.next() { seen += UInt64(frame.header.count) }
      guard seen == disk.written, reader.position.offset == seen else { return false }
      do throws(JournalFault) {
        _ = try eventsRead(disk.segments, from: before, to: disk.written + 1)
        return false
      } catch {
        guard case .damaged(_, _, disk.written, _) = error else { return false }
        return true
      }
    })
}

/// A reader goes on where it stood when its end is raised while the journal grows.
@Test func aReaderFollowsTheWriter() throws {
  var random = TestRandom(seed: runSeed)
  let folder = Folder()
  let disk = try JournalOnDisk(
    Segments(folder: folder.path, identity: 7, segmentBytes: segmentBytesMin))
  try disk.writeFlushed(&random)
  var reader = try JournalReader(disk.segments, from: 0, to: 0)
  var seen: UInt64 = 0
  for _ in 0..<60 {
    reader.end = disk.written
    while let frame = try reader.next() {
      #expect(frame.header.firstOffset == seen)
      seen += UInt64(frame.header.count)
    }
    #expect(seen == disk.written)
    try disk.writeFlushed(&random)
  }
  #expect(disk.segment > 1)
}

/// What was removed is said to be removed; a journal without its first segments is read from where it
/// begins.
@Test func removedSegmentsAreSaid() throws {
  var random = TestRandom(seed: runSeed)
  let folder = Folder()
  let disk = try JournalOnDisk(
    Segments(folder: folder.path, identity: 7, segmentBytes: segmentBytesMin))
  while disk.segment < 3 { try disk.writeFlushed(&random) }
  try disk.writeFlushed(&random)
  let begin = try #require(try disk.segments.firstOffset(2))
  try Files.remove(disk.segments.path(1))
  #expect(try eventsRead(disk.segments, from: begin, to: .max) == disk.written - begin)
  #expect(
    throws: JournalFault.removed(path: disk.segments.path(2), before: begin, wanted: begin - 1)
  ) { try eventsRead(disk.segments, from: begin - 1, to: .max) }
}

/// A frame is found by the headers before it: damage to earlier events does not matter to whoever
/// reads later ones; damage to a header that leads there is named as the place where it is.
@Test func aFrameIsFoundByHeaders() {
  #expect(
    forAll(cases: 20) { random in
      let folder = Folder()
      let disk = try JournalOnDisk(
        Segments(folder: folder.path, identity: 7, segmentBytes: segmentBytesMin))
      for _ in 0..<12 { try disk.write(1 + random.below(400)) }
      try disk.flush()
      let early = disk.places[1 + random.below(5)]
      let before = disk.places[6 + random.below(5)].through
      let path = disk.segments.path(early.segment)
      guard disk.places[11].segment == early.segment else { return true }
      try flip(path, at: early.at + 64 + random.below(early.frameBytes - 64), bit: 3)
      guard
        try eventsRead(disk.segments, from: before, to: disk.written) == disk.written - before
      else { return false }
      // Its count, the offset of its first event, or its magic.
      try flip(path, at: early.at + [24, 8, 0][random.below(3)], bit: random.below(8))
      do throws(JournalFault) {
        _ = try eventsRead(disk.segments, from: before, to: disk.written)
        return false
      } catch {
        guard case .damaged(path, let byte, _, _) = error else { return false }
        return byte == early.at
      }
    })
}

/// Looking for a frame reads no byte twice, and of frames longer than 16 KiB a block of 4 KiB each.
@Test(arguments: [(1, 60), (255, 256), (256, 600), (2_000, 2_000)])
func lookingForAFrameReadsLittle(events: (least: Int, most: Int)) throws {
  var random = TestRandom(seed: runSeed)
  let folder = Folder()
  let disk = try JournalOnDisk(
    Segments(folder: folder.path, identity: 7, segmentBytes: 4 << 20))
  // Three quarters of a segment.
  while disk.segment == 1, (disk.places.last.map { $0.at + $0.frameBytes } ?? 0) < 3 << 20 {
    try disk.write(events.least + random.below(events.most - events.least + 1))
  }
  try disk.flush()
  let last = try #require(disk.places.last)
  try #require(last.segment == 1)
  let before = disk.places[disk.places.count - 2].through
  let reader = try JournalReader(disk.segments, from: before)
  let skipped = disk.places.count - 1
  // The segment's first block, what is read at the first frame, and a read that meets the last.
  let others = 3 * (16 << 10)
  #expect(reader.bytesRead <= last.at + others)
  if events.least * 64 + 64 > 16 << 10 {
    #expect(reader.bytesRead <= skipped * (4 << 10) + others)
  }
}

/// A segment with a damaged frame is not compressed: its file stays as it is, and the fault names it.
@Test func aDamagedSegmentIsNotCompressed() {
  #expect(
    forAll(cases: 10) { random in
      let folder = Folder()
      let disk = try JournalOnDisk.closingOne(folder, &random)
      let path = disk.segments.path(1)
      // In an event of the first frame.
      try flip(path, at: 4_096 + 64 + random.below(64), bit: random.below(8))
      let damaged = try Files.read(path)
      do throws(JournalFault) {
        _ = try disk.segments.compress(1, bytesPerSecond: 0)
        return false
      } catch {
        guard case .damaged(path, _, _, _) = error else { return false }
      }
      return try Files.read(path) == damaged
        && !Files.exists(disk.segments.compressedPath(1))
    })
}

/// A bit flipped anywhere in a compressed segment is refused by name, and never read as a shorter
/// journal; so is a file cut anywhere.
@Test func damagedCompressionIsNamed() {
  #expect(
    forAll(cases: 10) { random in
      let folder = Folder()
      let disk = try JournalOnDisk.closingOne(folder, &random)
      let size = try disk.segments.compress(1, bytesPerSecond: 0)
      let path = disk.segments.compressedPath(1)
      for isCut in [false, true] {
        let at = random.below(size)
        if isCut {
          guard truncate(path, at) == 0 else { return false }
        } else {
          try flip(path, at: at, bit: random.below(8))
        }
        let faults = [
          faultOfReading(disk.segments),
          { () -> JournalFault? in
            do throws(JournalFault) {
              _ = try eventsRead(disk.segments, from: 0, to: disk.written)
              return nil
            } catch { return error }
          }(),
        ]
        for fault in faults {
          // A flipped bit may stand in a field that says nothing (a frame's unused bits).
          if fault == nil && isCut { return false }
          if let fault, !"\(fault)".contains(path) { return false }
        }
        if !isCut { try flip(path, at: at, bit: 0) }
      }
      return true
    })
}

/// Flips one bit of a file.
func flip(_ path: String, at: Int, bit: Int) throws {
  let file = try File(path, O_RDWR)
  let byte = Slab(byteCount: 1)
  guard try file.read(byte, to: 0, count: 1, at: at) == 1 else { throw DiskFault("read", path) }
  byte.update(0, as: UInt8.self) { $0 ^= UInt8(1) << UInt8(bit) }
  try file.write(byte, from: 0, count: 1, at: at)
}

/// How fast a journal is read from the page cache; a report, not a gate.
@Test func readingSpeed() throws {
  let folder = Folder()
  let segments = Segments(folder: folder.path, identity: 7, segmentBytes: 16 << 20)
  let disk = try JournalOnDisk(segments)
  while disk.segment < 3 { try disk.write(min(8_000, disk.room)) }
  try disk.flush()
  let start = vx_monotonic_ns()
  var reader = try JournalReader(segments, from: 0, to: disk.written)
  var count: UInt64 = 0
  while let frame = try reader.next() { count += UInt64(frame.header.count) }
  let seconds = Double(vx_monotonic_ns() - start) / 1e9
  #expect(count == disk.written)
  print("read \(count) events in \(Int(seconds * 1e6)) us, \(Int(Double(count) / seconds))/s")
}
