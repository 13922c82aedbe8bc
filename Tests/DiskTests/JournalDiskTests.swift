import Bounded
import Bus
import CSystem
import Disk
import Events
import Foundation
import Glibc
import Journal
import Synchronization
import Testing
import Testkit

// The journal's thread on real files: what it says is durable is there after a restart, and after its
// first failed call nothing more becomes durable. Power cuts are simulated in TornWriteTests.

private func start(
  _ segments: Segments, from journal: RecoveredJournal, _ durability: Disk.Durability,
  groupNs: Int64 = 0, ringLines: Int = 4_096
) throws -> JournalDisk {
  try JournalDisk(
    segments, from: journal, durability: durability, ringLines: ringLines, groupNs: groupNs,
    reserveBytes: 0, owner: Doorbell())
}

/// Puts `count` events into the ring, waiting for room; false when there is none for a minute or, with
/// `orFailure`, the journal has failed.
private func put(_ count: Int, _ next: inout UInt64, _ disk: JournalDisk) -> Bool {
  var left = count
  let start = vx_monotonic_ns()
  while left > 0 {
    let free = min(left, disk.ring.free)
    if free == 0 {
      if disk.hasFailed || vx_monotonic_ns() - start > 60_000_000_000 { return false }
      disk.ringBell()
      usleep(100)
      continue
    }
    for at in 0..<free {
      disk.ring.store(numbered(next + UInt64(at)), disk.ring.writeIndex + at)
    }
    disk.ring.publish(free)
    next += UInt64(free)
    left -= free
  }
  disk.ringBell()
  return true
}

/// Waits until `condition` holds; false when it does not within a minute.
private func wait(_ condition: () -> Bool) -> Bool {
  let start = vx_monotonic_ns()
  while !condition() {
    if vx_monotonic_ns() - start > 60_000_000_000 { return false }
    usleep(200)
  }
  return true
}

/// Stops the journal; false when that takes more than a minute.
private func stops(_ disk: JournalDisk) -> Bool {
  final class Flag: Sendable { let isSet = Atomic<Bool>(false) }
  let flag = Flag()
  let thread = OSThread(name: "stopper") {
    disk.stop()
    flag.isSet.store(true, ordering: .releasing)
  }
  guard wait({ flag.isSet.load(ordering: .acquiring) }) else { return false }
  thread.join()
  return true
}

/// Several generations of a journal over several segments, in every mode: what was put in comes back
/// in order, `durableThrough` reaches the end and never goes back nor, but for `os`, beyond what is
/// flushed, a stop writes what is queued, and a flush is never claimed beyond what is written.
@Test(arguments: [Disk.Durability.batch, .interval(ms: 5), .os])
func generationsGoOn(_ durability: Disk.Durability) throws {
  let folder = Folder(onDisk: durability == .batch)
  let segments = Segments(folder: folder.path, identity: 1, segmentBytes: segmentBytesMin)
  var random = TestRandom(seed: runSeed)
  var next: UInt64 = 0
  for generation in 0..<4 {
    let read = try ReadBack(segments)
    #expect(read.isInOrder && read.count == next, "generation \(generation), SEED=\(runSeed)")
    let disk = try start(
      segments, from: read.journal, durability, groupNs: generation == 1 ? 1_000_000 : 0)
    #expect(disk.durableThrough == next)
    var seen = next
    for _ in 0..<40 {
      let burst = random.chance(10) ? 4_000 : 1 + random.below(300)
      #expect(put(burst, &next, disk))
      let durable = disk.durableThrough
      let flushed = disk.flushedThrough
      #expect(durable >= seen && durable <= next && flushed <= next)
      // With `interval` events were once called durable when they were written.
      if durability != .os { #expect(flushed >= durable) }
      seen = durable
      if random.chance(20) { #expect(wait { disk.durableThrough == next }) }
    }
    if generation == 2 {
      #expect(wait { disk.durableThrough == next })
      if case .interval = durability { #expect(wait { disk.flushedThrough == next }) }
    }
    #expect(stops(disk))
    #expect(disk.durableThrough == next && disk.flushedThrough == next && disk.fault == nil)
    #expect(disk.flushTimes.count > 0)
  }
  let read = try ReadBack(segments)
  #expect(read.isInOrder && read.count == next)
  #expect(try segments.numbers().count >= 2, "too few events to roll over")
}

/// A frame carries the hunt's clock also when no tick came since the restart, and what was flushed:
/// everything before it where each write is flushed.
@Test func framesCarryClockAndFlush() throws {
  let folder = Folder()
  let segments = Segments(folder: folder.path, identity: 1, segmentBytes: segmentBytesMin)
  for generation in 0..<3 {
    var ticks: [Int64] = []
    var isFlushed = true
    let journal = try segments.recover(repairTail: true) { frame in
      ticks.append(frame.header.tick)
      if frame.header.flushed != frame.header.firstOffset { isFlushed = false }
    }
    #expect(isFlushed)
    #expect(ticks == [Int64](repeating: 77, count: generation))
    let disk = try start(segments, from: journal, .batch)
    disk.ring.store(
      generation == 0 ? Event(kind: .tick, time: 77) : numbered(UInt64(generation)),
      disk.ring.writeIndex)
    disk.ring.publish(1)
    disk.ringBell()
    #expect(stops(disk))
  }
}

/// A stop while more is queued than the segment holds, and the next one is not prepared yet, writes it
/// all and ends: the thread that prepares segments once left first, and the stop waited for ever.
@Test func aStopWaitsForTheNextSegment() throws {
  let folder = Folder()
  let segments = Segments(folder: folder.path, identity: 1, segmentBytes: segmentBytesMin)
  for _ in 0..<5 {
    let read = try ReadBack(segments)
    let disk = try start(segments, from: read.journal, .batch, ringLines: 65_536)
    var next = read.count
    #expect(put(60_000, &next, disk))
    guard stops(disk) else {
      Issue.record("the stop did not end")
      return
    }
    #expect(disk.durableThrough == next && disk.fault == nil)
    let after = try ReadBack(segments)
    #expect(after.isInOrder && after.count == next)
  }
}

// MARK: Disks that fail

/// What every failed journal owes: it says why, rings, and from then on nothing more becomes durable,
/// whatever is put in; it stops; and what it said was durable is there afterwards.
private func expectStoppedForGood(
  _ disk: JournalDisk, _ segments: Segments, _ next: inout UInt64, says words: [String]
) throws {
  #expect(wait { disk.hasFailed })
  let fault = disk.fault ?? ""
  for word in words { #expect(fault.contains(word), "\(fault)") }
  let durable = disk.durableThrough
  let flushed = disk.flushedThrough
  for _ in 0..<20 {
    _ = put(min(50, disk.ring.free), &next, disk)
    usleep(2_000)
    #expect(disk.durableThrough == durable && disk.flushedThrough == flushed)
  }
  #expect(disk.fault == fault, "the first fault is the one that counts")
  #expect(stops(disk))
  #expect(disk.durableThrough == durable && disk.flushedThrough == flushed)
  let read = try ReadBack(segments)
  // A frame may be on disk of which nobody was told.
  #expect(read.isInOrder && read.count >= durable && read.count <= next)
}

/// The next segment cannot be prepared, because a folder stands where its temporary file goes: the
/// journal stops at once, with most of its segment still free. It once went on writing and claiming.
@Test func aSegmentThatCannotBePreparedStopsTheJournal() throws {
  for isEarly in [true, false] {
    let folder = Folder()
    let segments = Segments(folder: folder.path, identity: 1, segmentBytes: segmentBytesMin)
    let obstacle = segments.path(isEarly ? 2 : 3) + ".new"
    try Files.createFolder(obstacle)
    let disk = try start(segments, from: RecoveredJournal(), .batch)
    var next: UInt64 = 0
    if !isEarly {
      // Into segment 2, whose successor is then wanted.
      #expect(put(20_000, &next, disk))
    }
    try expectStoppedForGood(disk, segments, &next, says: ["open", obstacle, "directory"])
  }
}

/// A write that fails, here on a device that is always full, is not tried again.
@Test(arguments: [Disk.Durability.batch, .interval(ms: 5), .os])
func aFailedWriteStopsTheJournal(_ durability: Disk.Durability) throws {
  let folder = Folder()
  let segments = Segments(folder: folder.path, identity: 1, segmentBytes: segmentBytesMin)
  guard symlink("/dev/full", segments.path(1)) == 0 else {
    print("aFailedWriteStopsTheJournal: skipped, no symbolic links here")
    return
  }
  let disk = try start(segments, from: RecoveredJournal(), durability)
  var next: UInt64 = 0
  #expect(put(10, &next, disk))
  #expect(wait { disk.hasFailed })
  #expect(disk.durableThrough == 0)
  let fault = disk.fault ?? ""
  #expect(
    fault.contains("pwrite") && fault.contains("00000001.vj") && fault.contains("28"), "\(fault)")
  #expect(stops(disk))
  #expect(disk.durableThrough == 0 && disk.flushedThrough == 0)
}

/// On a disk that runs full the journal stops before a write can fail, because segments are prepared
/// ahead; all that it called durable is there, and it does not start again before there is room.
@Test func aFullDiskStopsTheJournal() throws {
  let folder = Folder()
  guard mount("tmpfs", folder.path, "tmpfs", 0, "size=3500k") == 0 else {
    print("aFullDiskStopsTheJournal: skipped, needs the right to mount a small file system")
    return
  }
  defer { umount(folder.path) }
  let segments = Segments(folder: folder.path, identity: 1, segmentBytes: segmentBytesMin)
  let disk = try start(segments, from: RecoveredJournal(), .batch)
  var next: UInt64 = 0
  while put(500, &next, disk), !disk.hasFailed, next < 200_000 {}
  try expectStoppedForGood(disk, segments, &next, says: ["disk_reserve", folder.path, "28"])
  #expect(disk.durableThrough > 0)
  let read = try ReadBack(segments)
  #expect(throws: DiskFault.self) { try start(segments, from: read.journal, .batch) }
}

// MARK: Files

/// A lock is held once, by whoever has the file, until it is let go; another process sees it too.
@Test func aFolderIsLockedOnce() throws {
  let folder = Folder()
  let path = folder.path + "/lock"
  func otherProcessGetsIt() throws -> Bool {
    let tool = "/usr/bin/flock"
    guard FileManager.default.isExecutableFile(atPath: tool) else { return false }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = ["-n", path, "true"]
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
  func isFree() throws -> Bool {
    if let file = try Files.lock(path) { return file.descriptor >= 0 }
    return false
  }
  do {
    guard let held = try Files.lock(path) else {
      Issue.record("nobody has the lock, and it is not given")
      return
    }
    #expect(try !isFree())
    #expect(try !otherProcessGetsIt())
    #expect(held.descriptor >= 0)
  }
  #expect(try isFree())
  #expect(throws: DiskFault.self) { _ = try Files.lock(folder.path + "/missing/lock") }
}

/// Replacing a file leaves the old or the new bytes and no other file; folders are made with their
/// parents, listed sorted and removed whole.
@Test func filesAreReplacedAndRemovedWhole() throws {
  let folder = Folder()
  let deep = folder.path + "/a/b/c"
  try Files.createFolder(deep)
  try Files.createFolder(deep)
  for bytes in [[], [1, 2, 3], [UInt8](repeating: 7, count: 10_000)] {
    try Files.replace(deep + "/file", bytes)
    #expect(try Files.read(deep + "/file") == bytes)
  }
  try Files.replace(deep + "/early", [1])
  #expect(try Files.list(deep) == ["early", "file"])
  #expect(throws: DiskFault("read", deep + "/file", errno: EFBIG)) {
    _ = try Files.read(deep + "/file", byteCountMax: 9_999)
  }
  try Files.removeTree(folder.path + "/a")
  #expect(!Files.exists(folder.path + "/a"))
  #expect(throws: DiskFault.self) { _ = try Files.list(deep) }
  #expect(Files.parent("/a") == "/" && Files.parent("a") == "." && Files.parent("/a/b/") == "/a")
}

/// A reader that takes what is fed, and reads the files where nothing is, sees each durable event once
/// and in order: also one that falls behind for a while, or begins in the middle.
@Test func theFeedAndTheFilesAreTheJournal() throws {
  let folder = Folder()
  let segments = Segments(folder: folder.path, identity: 1, segmentBytes: segmentBytesMin)
  var random = TestRandom(seed: runSeed)
  let disk = try start(segments, from: try ReadBack(segments).journal, .os, ringLines: 1_024)
  var next: UInt64 = 0
  var seen: UInt64 = 0
  var fed = 0
  var filed = 0
  for round in 0..<300 {
    #expect(put(1 + random.below(200), &next, disk))
    // Now and then it sleeps until more was written than the feed holds.
    if round % 50 < 20 { continue }
    if random.chance(50) { #expect(wait { disk.durableThrough == next }) }
    let durable = disk.durableThrough
    while seen < durable {
      var isRight = true
      let isFed = disk.feed.read(from: seen, limit: 1 + random.below(300)) { run in
        for at in 0..<run.count where !isNumbered(run.load(at, as: Event.self), seen + UInt64(at)) {
          isRight = false
        }
        seen += UInt64(run.count)
        fed += run.count
      }
      if !isFed {
        var reader = try JournalReader(segments, from: seen, to: min(seen + 50, durable))
        while let frame = try reader.next() {
          for at in 0..<Int(frame.header.count)
          where frame.header.firstOffset + UInt64(at) == seen {
            if !isNumbered(frame.bytes.load(frame.eventsAt + at * 64, as: Event.self), seen) {
              isRight = false
            }
            seen += 1
            filed += 1
          }
        }
      }
      #expect(isRight, "SEED=\(runSeed)")
      if !isRight { return }
    }
  }
  #expect(stops(disk))
  #expect(fed > 1_000 && filed > 1_000, "one way was hardly taken: \(fed) fed, \(filed) from files")
}
