import Bounded
import Disk
import Events
import Foundation
import Glibc
import Hunt
import Journal
import Pages
import Partitions
import Testing
import Testkit

@testable import Engine

// A backup is what a crash at that moment would have left; what is restored from it goes on as the hunt
// did. Damage to any file of a data folder or of a backup is refused by name, or costs nothing.

/// A hunt with a journal of several segments, some compressed, and snapshots; closed.
///
/// - Parameter promotes: Whether its line was left early on.
private func manySegments(
  _ random: inout TestRandom, promotes: Bool = false
) throws -> (HuntOnDisk, [SnapshotHeader]) {
  let (definition, map) = smallHunt(&random)
  let hunt = try HuntOnDisk(definition, map)
  var maker = BatchMaker(producers: 5)
  maker.numbersItself = true
  var headers: [SnapshotHeader] = []
  if promotes {
    _ = run(hunt.stand, &maker, &random, batches: 40)
    try hunt.promote([Omission(from: 9, players: [1, 2, 3])], 1, time: maker.clock)
  }
  while hunt.stand.journal.count < 20_000 {
    _ = run(hunt.stand, &maker, &random, batches: 400)
    hunt.write()
    headers.append(try hunt.snapshotNow())
  }
  hunt.close()
  let needed = headers[headers.count - 1].segment
  for header in headers.dropLast() { try Files.remove(hunt.files.path(header.offset)) }
  for number in try hunt.segments.numbers() where number < needed {
    _ = try hunt.segments.compress(number, bytesPerSecond: 0)
  }
  return (hunt, headers)
}

private func restored(_ backup: String, _ data: String, like hunt: HuntOnDisk) throws -> Stand {
  _ = try Backup.restore(from: backup, to: data)
  return try recovered(data, like: hunt)
}

private func recovered(
  _ data: String, like hunt: HuntOnDisk, _ warn: (String) -> Void = { _ in }
) throws -> Stand {
  let folder = HuntFolder(data: data, name: hunt.stand.definition.name)
  let (definition, map, manifest) = try folder.open()
  let stand = Stand(definition, map)
  stand.partition = try HuntRecovery.run(
    folder, definition, map, manifest,
    pool: PagePool(pageCount: Partition.pagesNeeded(definition, map)),
    HuntRecovery.Wish(digestEvery: hunt.stand.partition.digestEvery), warn: warn
  ).takePartition()
  return stand
}

/// Backed up and restored, a hunt is the same hunt, with its compressed segments and its snapshots; and
/// neither a backup nor a restore touches a folder that holds anything.
@Test func whatIsRestoredIsTheHunt() throws {
  var random = TestRandom(seed: runSeed)
  let (hunt, _) = try manySegments(&random)
  try Files.createFolder(hunt.folder.branchesPath)
  try Files.replace(hunt.folder.branchesPath + "/7.vb", [1, 2, 3])
  let backup = hunt.data + "/backup"
  let entries = try Backup.make(data: hunt.data, to: backup, only: nil, bytesPerSecond: 0)
  #expect(entries.map(\.offset) == [UInt64(hunt.stand.journal.count)])
  #expect(entries[0].snapshots == 1 && entries[0].first == 0)
  let data = hunt.data + "/restored"
  let live = try hunt.stand.replayed()
  #expect(sameState(try restored(backup, data, like: hunt), live))
  let folder = HuntFolder(data: data, name: "small")
  #expect(try Files.read(folder.branchesPath + "/7.vb") == [1, 2, 3])
  for offset in try SnapshotFiles(
    folder, live.definition, live.map, hunt.manifest
  ).offsets() { try Files.remove(folder.snapshotsPath + "/\(offset).vs") }
  #expect(sameState(try recovered(data, like: hunt), live), "from the compressed journal alone")
  #expect(throws: BackupFault.self) {
    try Backup.make(data: hunt.data, to: backup, only: nil, bytesPerSecond: 0)
  }
  #expect(throws: BackupFault.self) { try Backup.restore(from: backup, to: data) }
}

/// What is restored has its promoted lines too, also where the journal that named them was removed; and
/// a line that is missing or damaged is refused, by its name, when the backup is made.
@Test func promotionsAreBackedUp() throws {
  var random = TestRandom(seed: runSeed)
  let (hunt, headers) = try manySegments(&random, promotes: true)
  let backup = hunt.data + "/backup"
  func refusal() -> String {
    let fault = #expect(throws: BackupFault.self) {
      try Backup.make(data: hunt.data, to: backup, only: nil, bytesPerSecond: 0)
    }
    try? Files.removeTree(backup)  // the next one says when it is still there
    return fault.map { "\($0)" } ?? ""
  }
  for removes in [false, true] {
    if removes {
      for number in try hunt.segments.numbers() where number < headers[headers.count - 1].segment {
        try Files.remove(hunt.segments.compressedPath(number))
      }
    }
    let path = hunt.folder.branchesPath + "/1.vb"
    let good = try Files.read(path)
    try Files.remove(path)
    #expect(refusal().contains("/branches/1.vb: missing"))
    try Files.replace(path, Array(good.dropLast()) + [good[good.count - 1] ^ 1])
    #expect(refusal().contains("/branches/1.vb: not the lineage"))
    try Files.replace(path, good)
    _ = try Backup.make(data: hunt.data, to: backup, only: nil, bytesPerSecond: 0)
    let stand = try restored(backup, hunt.data + "/restored", like: hunt)
    #expect(stand.partition.line.history == hunt.stand.partition.line.history)
    #expect(stand.partition.state.digest() == hunt.stand.partition.state.digest())
    for folder in [backup, hunt.data + "/restored"] { try Files.removeTree(folder) }
  }
}

/// Backups made while the journal is written, and retention puts segments away, are each a prefix of it
/// that ends at or behind what was durable before.
@Test func backupsOfARunningHuntArePrefixes() throws {
  var random = TestRandom(seed: runSeed)
  let (definition, map) = smallHunt(&random)
  let hunt = try HuntOnDisk(definition, map)
  var maker = BatchMaker(producers: 5)
  maker.numbersItself = true
  var offset: UInt64 = 0
  for round in 0..<5 {
    _ = run(hunt.stand, &maker, &random, batches: 250)
    hunt.write()
    let header = try hunt.snapshotNow()
    let durable = try #require(hunt.disk?.durableThrough)
    // The journal's thread writes while the backup reads.
    _ = run(hunt.stand, &maker, &random, batches: 250)
    let writer = Thread { hunt.write() }
    writer.start()
    let putter = Thread {
      for number in (try? hunt.segments.numbers()) ?? [] where number < header.segment {
        if Files.exists(hunt.segments.path(number)) {
          _ = try? hunt.segments.compress(number, bytesPerSecond: 0)
        }
      }
    }
    putter.start()
    let backup = hunt.data + "/backup-\(round)"
    let entry = try Backup.make(data: hunt.data, to: backup, only: nil, bytesPerSecond: 0)[0]
    while !writer.isFinished || !putter.isFinished { usleep(500) }
    #expect(entry.offset >= durable && entry.offset >= offset)
    offset = entry.offset
    let live = try hunt.stand.replayed(prefix: Int(offset))
    #expect(sameState(try restored(backup, hunt.data + "/restored-\(round)", like: hunt), live))
  }
}

/// Files of a folder, by their paths in it.
private func files(_ folder: String, _ prefix: String = "") throws -> [String] {
  var found: [String] = []
  for name in try Files.list(folder + "/" + prefix) {
    let path = prefix + name
    var stats = stat()
    guard stat(folder + "/" + path, &stats) == 0 else { continue }
    if stats.st_mode & S_IFMT == S_IFDIR {
      found += try files(folder, path + "/")
    } else {
      found.append(path)
    }
  }
  return found
}

private func damage(_ path: String, _ way: Int, _ random: inout TestRandom) throws -> [UInt8] {
  let whole = try Files.read(path)
  var bytes = whole
  switch way {
  case 0: bytes[random.below(bytes.count)] ^= UInt8(1) << UInt8(random.below(8))
  case 1: bytes.removeLast(1 + random.below(bytes.count))
  case 2: bytes[random.below(min(bytes.count, 8_192))] ^= UInt8(1) << UInt8(random.below(8))
  default:
    try Files.remove(path)
    return whole
  }
  try Files.replace(path, bytes)
  return whole
}

/// A flipped bit in, a cut of, or the loss of any file of a data folder: what is recovered is exactly the
/// hunt, or it is refused with the file's name. Only zeros behind the journal's end may change unnoticed
/// (they are cut as a torn write), and the loss of all that is behind the newest snapshot, which nothing
/// but the journal knows of.
@Test func damageIsRefusedOrCostsNothing() throws {
  var random = TestRandom(seed: runSeed)
  let (hunt, _) = try manySegments(&random)
  let live = try hunt.stand.replayed()
  let huntFolder = hunt.folder.path
  var outcomes = [0, 0]
  for name in try files(huntFolder) {
    for way in 0..<4 {
      for _ in 0..<(name.hasSuffix(".vj") ? 1 : 3) {
        let whole = try damage(huntFolder + "/" + name, way, &random)
        var said: [String] = []
        do {
          let stand = try recovered(hunt.data, like: hunt) { said.append($0) }
          #expect(sameState(stand, live), "\(name), way \(way), \(said), SEED=\(runSeed)")
          outcomes[0] += 1
        } catch {
          let text = "\(error)"
          let parent = huntFolder + "/" + (name.split(separator: "/").dropLast().first ?? "")
          #expect(
            text.contains(name) || text.contains(parent) || text.contains(huntFolder),
            "\(name), way \(way): \(text)")
          outcomes[1] += 1
        }
        try Files.replace(huntFolder + "/" + name, whole)
      }
    }
  }
  #expect(outcomes[0] > 5 && outcomes[1] > 5, "\(outcomes)")
}

/// The same for a backup: restore refuses every change of every file, by its name.
@Test func aDamagedBackupIsRefused() throws {
  var random = TestRandom(seed: runSeed)
  let (hunt, _) = try manySegments(&random)
  let backup = hunt.data + "/backup"
  _ = try Backup.make(data: hunt.data, to: backup, only: nil, bytesPerSecond: 0)
  for name in try files(backup) {
    for way in 0..<4 {
      let whole = try damage(backup + "/" + name, way, &random)
      let data = hunt.data + "/restored"
      let fault = #expect(throws: BackupFault.self, "\(name), way \(way)") {
        try Backup.restore(from: backup, to: data)
      }
      #expect(fault.map { "\($0)".contains(name) } ?? false, "\(name): \(fault as Any)")
      if Files.exists(data) { try Files.removeTree(data) }
      try Files.replace(backup + "/" + name, whole)
    }
  }
}

/// An index with a line of spaces is damaged, and said to be: restoring trapped (found by Fuzz/Backups).
@Test func anIndexWithABlankLineIsRefused() throws {
  let folder = NSTemporaryDirectory() + "/veltrix-index-\(UUID().uuidString)"
  defer { try? Files.removeTree(folder) }  // what is left is in a folder for temporary files
  try Files.createFolder(folder)
  let lines = Array("veltrix backup 1\n  \n".utf8)
  let slab = Slab(byteCount: lines.count)
  slab.copy(from: lines.span, to: 0)
  let text = lines + Array("crc \(slab.crc32c(0, count: lines.count))\n".utf8)
  try Files.replace(folder + "/" + BackupIndex.name, text)
  do throws(BackupFault) {
    _ = try BackupIndex(folder)
    Issue.record("an index with a blank line was read")
  } catch {
    #expect("\(error)" == "\(folder)/\(BackupIndex.name): its crc is not that of its lines")
  }
}
