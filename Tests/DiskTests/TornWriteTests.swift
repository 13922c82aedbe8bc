import Bounded
import Disk
import Glibc
import Journal
import Testing
import Testkit

// Power cuts while a journal is written, and what recovery makes of them: nothing flushed is lost,
// nothing half-written is read, and the journal goes on as if the torn write had never been begun.

/// A write torn at any sectors is there as a whole or not at all; everything before it is read. Then
/// the journal goes on, over several cuts and segments, and every later recovery reads it all.
@Test func tornWritesAreCutAndForgotten() {
  var cuts: Set<String> = []
  #expect(
    forAll(cases: 8) { random in
      let folder = Folder()
      let segments = Segments(
        folder: folder.path, identity: random.next(), segmentBytes: segmentBytesMin)
      var disk = try JournalOnDisk(segments)
      for _ in 0..<4 {
        for _ in 0..<random.below(6) { try disk.writeFlushed(&random) }
        let before = disk.written
        let count = randomCount(&random, room: disk.room)
        try disk.write(count)
        try disk.cut(keeps: tear(&random, sectors: 1 + count / 8))
        let read = try ReadBack(segments)
        guard read.isInOrder, read.count == before || read.count == disk.written else {
          return false
        }
        cuts.insert(
          read.count == disk.written ? "whole" : read.journal.tornBytes > 0 ? "torn" : "nothing")
        // What recovery did not cut would be read as damage once the journal has grown past it.
        let again = try ReadBack(segments)
        guard again.journal.tornBytes == 0, again.count == read.count else { return false }
        disk = try JournalOnDisk(segments, from: read.journal)
      }
      for _ in 0..<6 { try disk.writeFlushed(&random) }
      let all = try ReadBack(segments)
      return all.isInOrder && all.count == disk.written
    })
  #expect(cuts == ["whole", "torn", "nothing"], "the cuts no longer reach every outcome")
}

/// A torn write of which the first block was lost looked like the journal's end: its later blocks
/// stayed on the disk. A journal that then grew to the segment's last block, and rolled over, met
/// them there: a frame should have stood where an old event did, frames followed in the next segment,
/// and a whole journal was refused as damaged.
@Test func remainsOfATornWriteBehindAnEmptyBlockAreCut() throws {
  let folder = Folder()
  let segments = Segments(folder: folder.path, identity: 3, segmentBytes: segmentBytesMin)
  var disk = try JournalOnDisk(segments)
  try disk.write(63)  // to the end of its block
  try disk.flush()
  try disk.write(disk.room)  // to the end of the segment
  try disk.cut { $0 / 8 != 0 }
  let read = try ReadBack(segments)
  #expect(read.count == 63 && read.journal.tornBytes > 0)
  disk = try JournalOnDisk(segments, from: read.journal)
  try disk.write(disk.room - 64)  // up to the last block
  try disk.flush()
  #expect(disk.segment == 2)
  try disk.write(5)
  try disk.flush()
  #expect(try ReadBack(segments).count == disk.written)
}

/// With `durability: interval` a power cut may cost what was written since the last flush, and nothing
/// else: frames are lost in any order, and the journal is read up to the first one lost.
@Test func anIntervalCostsOnlyWhatWasNotFlushed() {
  var outcomes: Set<String> = []
  #expect(
    forAll(cases: 12) { random in
      let folder = Folder()
      let segments = Segments(
        folder: folder.path, identity: random.next(), segmentBytes: segmentBytesMin)
      var disk = try JournalOnDisk(segments)
      for _ in 0..<5 {
        for _ in 0..<(1 + random.below(12)) {
          try disk.write(randomCount(&random, room: min(disk.room, random.chance(90) ? 300 : .max)))
          if random.chance(15) { try disk.flush() }
        }
        let flushed = disk.flushed
        try disk.cut(keeps: tear(&random, sectors: 40))
        let read = try ReadBack(segments)
        guard read.isInOrder, read.count >= flushed, read.count <= disk.written else {
          return false
        }
        // What is lost and was whole is counted: it is not lost in silence.
        guard read.count + UInt64(read.journal.cutEvents) <= disk.written else { return false }
        if read.journal.cutEvents > 0 { outcomes.insert("counted") }
        outcomes.insert(
          read.count == disk.written ? "all" : read.count == flushed ? "flushed" : "some")
        guard try ReadBack(segments).journal.tornBytes == 0 else { return false }
        disk = try JournalOnDisk(segments, from: read.journal)
      }
      return true
    })
  #expect(
    outcomes == ["all", "flushed", "some", "counted"], "the cuts no longer reach every outcome")
}

/// Turns a bit of a file over.
private func flip(_ bit: UInt8, _ path: String, at: Int) throws(DiskFault) {
  let file = try File(path, O_RDWR)
  let byte = Slab(byteCount: 1)
  _ = try file.read(byte, to: 0, count: 1, at: at)
  byte.store(byte.load(0, as: UInt8.self) ^ bit, 0)
  try file.write(byte, from: 0, count: 1, at: at)
}

/// A start writes what no frame proves to be flushed once more. It read that a second time, unchecked: a
/// bit that turned over since the first, or zeros that the disk had put at the wrong place, were made to
/// stand there for good, and the next start refused the journal (simulation, seeds 20003270 and 10000952).
/// What is written is what was checked, and of what stands beside it nothing.
@Test func whatIsWrittenAgainIsWhatWasChecked() throws {
  #expect(
    forAll(cases: 40) { random in
      let folder = Folder()
      let segments = Segments(
        folder: folder.path, identity: random.next(), segmentBytes: segmentBytesMin)
      let disk = try JournalOnDisk(segments)
      for _ in 0..<random.below(4) { try disk.writeFlushed(&random) }
      let proven = try ReadBack(segments, repairTail: false)
      for _ in 0..<(1 + random.below(4)) { try disk.write(1 + random.below(60)) }
      try disk.cut { _ in true }
      let frames = disk.places.dropFirst(proven.frames)
      let unproven = frames.filter { $0.segment == disk.places.last?.segment }
      let place = unproven[unproven.startIndex + random.below(unproven.count)]
      let at = place.at + random.below(place.frameBytes)
      let path = segments.path(place.segment)
      let bit = UInt8(1) << UInt8(random.below(8))
      var seen = 0
      _ = try segments.recover(repairTail: true) { _ throws(InconsistentJournal) in
        seen += 1
        if seen < disk.places.count { return }
        // All of it was read and is good.
        do throws(DiskFault) { try flip(bit, path, at: at) } catch {
          throw InconsistentJournal("\(error)")
        }
      }
      let read = try ReadBack(segments)
      return read.isInOrder && read.count == disk.written
    })
}
