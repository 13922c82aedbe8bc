import Bounded
import Glibc
import Journal
import Testing
import Testkit

@testable import Disk

// Journals changed behind the engine's back: whatever is wrong is refused with the file and the
// byte, and never read as a shorter journal. What looks exactly like a torn write at the very end
// cannot be told from one; that is the one change that is not refused.

/// A flushed journal of `segmentCount` segments and some frames in the last.
private func journal(
  _ folder: Folder, _ random: inout TestRandom, segments segmentCount: UInt64, identity: UInt64 = 7
) throws -> JournalOnDisk {
  let disk = try JournalOnDisk(
    Segments(folder: folder.path, identity: identity, segmentBytes: segmentBytesMin))
  while disk.segment < segmentCount { try disk.writeFlushed(&random) }
  for _ in 0..<3 {
    try disk.write(1 + random.below(20))
    try disk.flush()
  }
  return disk
}

private func change(_ path: String, at: Int, _ change: (UInt8) -> UInt8) throws {
  let file = try File(path, O_RDWR)
  let byte = Slab(byteCount: 1)
  guard try file.read(byte, to: 0, count: 1, at: at) == 1 else { throw DiskFault("read", path) }
  byte.update(0, as: UInt8.self) { $0 = change($0) }
  try file.write(byte, from: 0, count: 1, at: at)
}

/// One flipped bit anywhere in any frame but the last is refused, naming the segment and the
/// frame's first byte.
@Test func aFlippedBitIsNamed() {
  #expect(
    forAll(cases: 12) { random in
      let folder = Folder()
      let disk = try journal(folder, &random, segments: UInt64(1 + random.below(3)))
      for _ in 0..<12 {
        let frame = disk.places[random.below(disk.places.count - 1)]
        let path = disk.segments.path(frame.segment)
        let at = frame.at + (random.chance(40) ? random.below(64) : random.below(frame.frameBytes))
        let bit = UInt8(1) << UInt8(random.below(8))
        try change(path, at: at) { $0 ^ bit }
        guard case .damaged(let named, let byte, _, _) = faultOfReading(disk.segments),
          named == path, byte == frame.at
        else { return false }
        try change(path, at: at) { $0 ^ bit }
      }
      return try ReadBack(disk.segments).count == disk.written
    })
}

/// Whole sectors of an older frame zeroed, as a lost write would, are refused as well.
@Test func lostSectorsAreRefused() {
  #expect(
    forAll(cases: 12) { random in
      let folder = Folder()
      let disk = try journal(folder, &random, segments: UInt64(1 + random.below(2)))
      let frame = disk.places[random.below(disk.places.count - 1)]
      let last = disk.places[disk.places.count - 1]
      let first = (frame.at + random.below(frame.frameBytes)) & ~511
      // The last frame stays whole, or its loss could not be told from a torn write.
      let end = frame.segment == last.segment ? last.at & ~511 : segmentBytesMin
      let count = min((1 + random.below(16)) * 512, end - first)
      if count <= 0 { return true }
      let file = try File(disk.segments.path(frame.segment), O_RDWR)
      try file.write(Slab(byteCount: count), from: 0, count: count, at: first)
      guard case .damaged = faultOfReading(disk.segments) else { return false }
      return true
    })
}

/// Segments that are missing, of another hunt, swapped, shortened or lengthened are refused by
/// name; in the middle, at the front and at the end. Losing the first segment beside a prepared,
/// empty one once read as a hunt without a single event.
@Test func segmentsThatDoNotBelongAreRefused() throws {
  var random = TestRandom(seed: runSeed)
  for segmentCount in [1, 2, 3] as [UInt64] {
    for victim in 1...segmentCount {
      let folder = Folder()
      let disk = try journal(folder, &random, segments: segmentCount)
      let segments = disk.segments
      let path = segments.path(victim)
      // The next segment is prepared ahead and empty.
      try segments.prepare(segmentCount + 1)
      #expect(try ReadBack(segments).count == disk.written)

      let aside = folder.path + "/aside"
      try Files.rename(path, aside)
      #expect(faultOfReading(segments) == .missingSegment(path: path))

      // A whole segment of another hunt, or of another number of this one.
      let other = Folder()
      let foreign = try journal(other, &random, segments: segmentCount, identity: 8)
      try Files.rename(foreign.segments.path(victim), path)
      #expect(faultOfReading(segments) == .segmentHeader(path: path))
      try Files.remove(path)
      try Files.rename(segments.path(segmentCount + 1), path)
      #expect(faultOfReading(segments) == .segmentHeader(path: path))
      try Files.remove(path)
      try segments.prepare(segmentCount + 1)

      // The bytes of another length: cut at a frame's end or anywhere, or grown.
      let ends = disk.places.filter { $0.segment == victim }.map { $0.at + $0.frameBytes }
      for size in [ends[0], ends[ends.count - 1], 4096, 4097, 4095, segmentBytesMin + 4096]
      where size != segmentBytesMin {
        try Files.rename(aside, path)
        guard truncate(path, size) == 0 else { throw DiskFault("truncate", path) }
        let expected: JournalFault =
          size < 4096
          ? .segmentHeader(path: path)
          : .segmentLength(path: path, expected: segmentBytesMin, found: size)
        #expect(faultOfReading(segments) == expected)
        try Files.rename(path, aside)
        guard truncate(aside, segmentBytesMin) == 0 else { throw DiskFault("truncate", aside) }
      }
    }
    guard segmentCount > 1 else { continue }
    // Two segments swapped.
    let folder = Folder()
    let segments = try journal(folder, &random, segments: segmentCount).segments
    try Files.rename(segments.path(1), folder.path + "/aside")
    try Files.rename(segments.path(2), segments.path(1))
    try Files.rename(folder.path + "/aside", segments.path(2))
    #expect(faultOfReading(segments) == .segmentHeader(path: segments.path(1)))
  }
}

/// Bytes where there can be none are refused: in a segment prepared for later, and behind the last
/// frame of a segment that was rolled over. Behind the journal's end they are what a torn write
/// leaves.
@Test func trailingGarbageIsRefused() throws {
  var random = TestRandom(seed: runSeed)
  let folder = Folder()
  let disk = try journal(folder, &random, segments: 2)
  let segments = disk.segments
  try segments.prepare(3)
  for at in [4096, 4097, 9_000, segmentBytesMin - 1] {
    try change(segments.path(3), at: at) { _ in 0x45 }
    guard case .damaged(segments.path(3), let byte, disk.written, _) = faultOfReading(segments)
    else {
      Issue.record("byte \(at): \(String(describing: faultOfReading(segments)))")
      return
    }
    #expect(byte == at & ~7)
    try change(segments.path(3), at: at) { _ in 0 }
  }
  let first = disk.places.last { $0.segment == 1 }
  let end = first.map { $0.at + $0.frameBytes } ?? 0
  if end < segmentBytesMin {
    try change(segments.path(1), at: segmentBytesMin - 1) { _ in 1 }
    guard case .damaged(segments.path(1), _, _, _) = faultOfReading(segments) else {
      Issue.record("\(String(describing: faultOfReading(segments)))")
      return
    }
    try change(segments.path(1), at: segmentBytesMin - 1) { _ in 0 }
  }
  try change(segments.path(2), at: segmentBytesMin - 1) { _ in 1 }
  let read = try ReadBack(segments, repairTail: false)
  #expect(read.count == disk.written && read.journal.tornBytes > 0)
}

/// A frame that the engine could not have written ends recovery with its place and the reason
/// given.
@Test func anInconsistentFrameIsNamed() throws {
  var random = TestRandom(seed: runSeed)
  let folder = Folder()
  let disk = try journal(folder, &random, segments: 2)
  let frame = disk.places[disk.places.count - 2]
  var fault: JournalFault?
  do throws(JournalFault) {
    _ = try disk.segments.recover(repairTail: false) { found throws(InconsistentJournal) in
      if found.header.firstOffset + UInt64(found.header.count) == frame.through {
        throw InconsistentJournal("told so")
      }
    }
  } catch { fault = error }
  let offset = disk.places[disk.places.count - 3].through
  #expect(
    fault
      == .inconsistent(
        path: disk.segments.path(frame.segment), byte: frame.at, offset: offset,
        reason: "told so"))
  #expect("\(fault!)".contains("byte \(frame.at): journal offset \(offset): told so"))
}

/// A journal of which nothing is left behind a compressed segment is refused, and its file left as
/// it is. What was torn in it was "cut" by writing zeros over the compressed file, and a journal
/// that ended in it went on in a new, empty segment that hid it (found by Fuzz/Journals).
@Test func aJournalDoesNotEndInACompressedSegment() throws {
  var random = TestRandom(seed: runSeed)
  for isTorn in [false, true] {
    let folder = Folder()
    let segments = try JournalOnDisk.closingOne(folder, &random).segments
    if isTorn {
      let file = try File(segments.path(1), O_RDWR)
      let zeros = Slab(byteCount: segmentBytesMin / 2)
      try file.write(zeros, from: 0, count: zeros.byteCount, at: zeros.byteCount)
    }
    // As it was when damage was compressed too.
    _ = try segments.replace(1, 0)
    try Files.remove(segments.path(2))
    if segments.exists(3) { try Files.remove(segments.path(3)) }
    let before = try Files.read(segments.compressedPath(1))
    let fault = faultOfReading(segments)
    guard case .damaged(let path, _, _, _)? = fault else {
      Issue.record("\(String(describing: fault))")
      continue
    }
    #expect(path == segments.compressedPath(1))
    #expect(try Files.read(segments.compressedPath(1)) == before, "the file was changed")
  }
}
