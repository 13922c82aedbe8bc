import Authoring
import Bounded
import Disk
import Events
import Hunt
import Journal
import Partitions
import Testing
import Testkit

@testable import Engine

// What is put away of a hunt's past, and what stays because a restart or a reader needs it. Not verified
// here: what it costs, and readers in other processes (BackupTests, SpareTests).

/// A hunt whose journal has several segments, and what its engine would keep of it.
private struct LongHunt {
  let hunt: HuntOnDisk
  let entry: HuntEntry
  var maker = BatchMaker(producers: 4)
  var settings = Settings()
  var headers: [SnapshotHeader] = []

  init(_ random: inout TestRandom) throws {
    let (definition, map) = smallHunt(&random)
    hunt = try HuntOnDisk(definition, map)
    entry = try hunt.entry()
    settings.snapshotKeep = 2
    settings.journalRetention = .remove
  }

  /// Plays until the journal goes on in the next segment, and takes a snapshot there.
  mutating func playSegment(_ random: inout TestRandom) throws {
    try play(past: headers.last?.segment ?? 0, &random)
    headers.append(try hunt.snapshotNow())
  }

  /// The same; the snapshot builds on the last one.
  mutating func playSegmentOnBase(_ random: inout TestRandom) throws {
    // What is written from here on is what the increment holds.
    _ = try hunt.stand.partition.image()
    let base = try #require(headers.last)
    try play(past: base.segment, &random)
    var image = try hunt.stand.partition.image()
    headers.append(try hunt.snapshot(&image, .incremental(base: base)))
  }

  /// Plays until the journal goes on behind a segment.
  mutating func play(past before: UInt64, _ random: inout TestRandom) throws {
    repeat {
      _ = run(hunt.stand, &maker, &random, batches: 100)
      hunt.write()
      try #require(hunt.stand.journal.count < 1_000_000, "no segment is ever full")
    } while try lastSegment() <= before
  }

  private func lastSegment() throws -> UInt64 {
    var reader = try JournalReader(hunt.segments, from: hunt.stand.partition.nextOffset - 1)
    _ = try reader.next()
    return reader.place.segment
  }

  func putAway() throws { try entry.retention.putAway(settings, entry.snapshots) }

  func first() throws -> UInt64 { try #require(try hunt.segments.firstNumber()) }

  /// A fork that leaves everything from an offset on out, known to the hunt.
  func fork(from offset: UInt64) throws -> ForkRecord {
    let text = try #require(ForkText.parse(Array("{}".utf8), .fork, rules: HuntRules()).value)
    let record = try #require(entry.forks.add(ForkSpec(text: text), nowMs: 0))
    var lineage = entry.forks.history.current
    lineage.omissions.append(Omission(from: offset, players: [1]))
    try entry.retention.keep(Line(lineage, entry.forks.history), for: record)
    return record
  }

  /// Makes a fork's line the hunt's, as a promotion does.
  mutating func promote(_ record: ForkRecord) throws {
    let line = try #require(record.now.line)
    let offset = hunt.stand.partition.nextOffset
    try hunt.promote(
      line.lineage.omissions, entry.forks.history.count + 1, time: maker.clock, notesPlace: false)
    entry.forks.append(History.Promotion(offset: offset, lineage: line.lineage))
    record.drop()
  }
}

private func flip(_ path: String, at: Int) throws {
  var bytes = try Files.read(path)
  bytes[at] ^= 4
  try Files.replace(path, bytes)
}

/// With `retention: remove` a fork that was built before segments went could be promoted after: no
/// snapshot that was left lay on its line, the journal's beginning was gone, and after a crash the hunt
/// did not open any more (simulation, seed 790490499). What a restart needs to go along the line of a
/// living fork stays, also once it is promoted, until snapshots of the new line take its place.
@Test func whatAForksPromotionNeedsStays() throws {
  var random = TestRandom(seed: runSeed)
  var long = try LongHunt(&random)
  try long.playSegment(&random)
  let early = try long.fork(from: 10)
  let late = try long.fork(from: long.headers[0].offset + 10)
  for _ in 0..<4 { try long.playSegment(&random) }
  try long.putAway()
  #expect(try long.first() == 1, "the early fork can be begun at the journal's beginning alone")
  early.drop()
  try long.putAway()
  #expect(try long.first() == long.headers[0].segment)
  #expect(try long.hunt.files.offsets() == [0, 3, 4].map { long.headers[$0].offset })

  try long.promote(late)
  try long.putAway()
  #expect(try sameState(long.hunt.recovered(), long.hunt.stand))
  for _ in 0..<2 { try long.playSegment(&random) }
  try long.putAway()
  #expect(try long.hunt.files.offsets() == long.headers.suffix(2).map(\.offset))
  #expect(try long.first() == long.headers[5].segment)
  // The mark of the promotion was in a segment that is gone, and its place had not been noted.
  #expect(try sameState(long.hunt.recovered(), long.hunt.stand))

  // Nor had that of the next; it stands in what is left, though the search for it began where the first
  // promotion was (seed 4001373).
  let again = try long.fork(from: long.headers[6].offset)
  try long.promote(again)
  try long.playSegment(&random)
  #expect(try sameState(long.hunt.recovered(), long.hunt.stand))
}

/// With `retention: remove` and `keep: 1` an increment was kept whose base could not be read, and the
/// last good snapshot went; the journal before it was gone already, and the hunt did not open any more
/// (simulation, seed 371724394, at the commit 92f47ca). A snapshot that cannot be begun with takes the
/// place of none.
@Test func aDamagedSnapshotTakesThePlaceOfNone() throws {
  var random = TestRandom(seed: runSeed)
  var long = try LongHunt(&random)
  long.settings.snapshotKeep = 1
  for _ in 0..<2 { try long.playSegment(&random) }
  try long.putAway()
  #expect(try long.hunt.files.offsets() == [long.headers[1].offset])
  #expect(try long.first() == long.headers[1].segment)

  try long.playSegment(&random)
  try long.playSegmentOnBase(&random)
  let (good, base, newest) = (long.headers[1], long.headers[2], long.headers[3])
  #expect(newest.isIncremental && newest.base == base.offset)
  try flip(long.hunt.files.path(base.offset), at: 24)
  try long.putAway()
  #expect(try long.hunt.files.offsets() == [good.offset, newest.offset])
  #expect(try long.first() == good.segment)
  #expect(try sameState(long.hunt.recovered(), long.hunt.stand))

  try long.playSegment(&random)
  try long.putAway()
  #expect(try long.hunt.files.offsets() == [long.headers[4].offset])
  #expect(try long.first() == long.headers[4].segment)
}

/// A fork that differs before everything that is left keeps nothing, and is known not to.
@Test func aForkOfWhatIsGoneKeepsNothing() throws {
  var random = TestRandom(seed: runSeed)
  var long = try LongHunt(&random)
  for _ in 0..<3 { try long.playSegment(&random) }
  try long.putAway()
  #expect(try long.first() == long.headers[1].segment)
  #expect(try long.fork(from: 10).now.line == nil)
  #expect(try long.fork(from: long.headers[1].offset).now.line != nil)
  try long.playSegment(&random)
  try long.putAway()
  #expect(try long.hunt.files.offsets().count == 3)
  for record in long.entry.forks.records { record.drop() }
  try long.putAway()
  #expect(try long.first() == long.headers[2].segment)
}

/// Where the journal no longer reaches back and no snapshot is good, there is nothing to begin with: the
/// refusal names the snapshot that cannot be used, or the segment that the journal begins with.
@Test func whatIsGoneIsSaid() throws {
  var random = TestRandom(seed: runSeed)
  var long = try LongHunt(&random)
  for _ in 0..<3 { try long.playSegment(&random) }
  try long.putAway()
  let (files, live) = (long.hunt.files, long.hunt.stand)
  #expect(try sameState(long.hunt.recovered(), live))
  let offsets = try files.offsets()
  for offset in offsets { try flip(files.path(offset), at: 4_096 + 100) }
  let newest = try #require(offsets.last)
  let damaged = #expect(throws: HuntFolderFault.self) { _ = try long.hunt.recover() }
  #expect(damaged.map { "\($0)".contains(files.path(newest)) } ?? false, "\(damaged as Any)")
  for offset in offsets { try Files.remove(files.path(offset)) }
  let gone = #expect(throws: HuntFolderFault.self) { _ = try long.hunt.recover() }
  let first = long.hunt.segments.path(try long.first())
  #expect(gone.map { "\($0)".contains(first) } ?? false, "\(gone as Any)")
}

/// A shadow that had begun at the journal's beginning found the segment that it went on to removed, and
/// followed no more for good (simulation, seed 900054). What it has not read stays.
@Test func whatTheShadowHasNotReadStays() throws {
  var random = TestRandom(seed: runSeed)
  var long = try LongHunt(&random)
  try long.playSegment(&random)
  let shadow = long.entry.forks.shadow
  _ = try shadow.follow(long.entry, nowNs: 0) { _ in false }
  let reached = shadow.offset
  #expect(reached > 0)
  for _ in 0..<3 { try long.playSegment(&random) }
  let durable = long.hunt.stand.partition.nextOffset
  try long.putAway()
  while shadow.offset < durable {
    _ = try shadow.follow(long.entry, nowNs: 0) { _ in false }
    try long.putAway()
  }
  #expect(!shadow.hasFailed)
  #expect(try long.first() == long.headers[2].segment, "and what it has read goes")
}

/// A shadow that had to begin at the journal's beginning met a rotten bit there, and followed no more
/// for good, though the hunt itself had begun at a snapshot behind it (simulation, seed 2000113). It
/// begins behind the damage where a snapshot lies there, and says what it met once.
@Test func aShadowBeginsBehindDamage() throws {
  var random = TestRandom(seed: runSeed)
  var long = try LongHunt(&random)
  for _ in 0..<2 { try long.playSegment(&random) }
  let path = long.hunt.segments.path(1)
  try flip(path, at: 4_096 + 64 + 17)
  let shadow = long.entry.forks.shadow
  do throws(ForkFault) {
    _ = try shadow.follow(long.entry, nowNs: 0) { _ in false }
    Issue.record("the damage went unnoticed")
  } catch { #expect(error.message.contains(path), "\(error.message)") }
  let durable = long.hunt.stand.partition.nextOffset
  while shadow.offset < durable { _ = try shadow.follow(long.entry, nowNs: 0) { _ in false } }
  #expect(!shadow.hasFailed)
  let image = try #require(try shadow.lastImage(long.entry, unless: nil))
  let live = long.hunt.stand.partition.state.digest()
  try image.read { image in #expect(image.digest() == live) }

  // Behind the last snapshot, and behind what is still in memory, there is nothing to begin with.
  let last = try #require(long.headers.last)
  try long.play(past: last.segment + 1, &random)
  var reader = try JournalReader(long.hunt.segments, from: last.offset + 12_000)
  _ = try reader.next()
  try flip(long.hunt.segments.path(reader.place.segment), at: reader.place.fileOffset + 64 + 17)
  shadow.restart()
  var faults = 0
  for _ in 0..<20 where !shadow.hasFailed {
    do throws(ForkFault) {
      _ = try shadow.follow(long.entry, nowNs: 0) { _ in false }
    } catch { faults += 1 }
  }
  #expect(faults == 2 && shadow.hasFailed, "\(faults) faults")
}

/// What is held stays whole, and goes once it is let go of.
@Test func whatIsHeldStays() throws {
  var random = TestRandom(seed: runSeed)
  var long = try LongHunt(&random)
  for _ in 0..<4 { try long.playSegment(&random) }
  var all: PastHold? = long.entry.retention.holdAll()
  let some = long.entry.retention.hold(from: long.headers[1].offset)
  try long.putAway()
  #expect(try long.first() == 1)
  all = nil
  try long.putAway()
  let kept = try long.first()
  #expect(kept > 1 && kept <= long.headers[1].segment)
  some.move(to: .max)
  try long.putAway()
  #expect(try long.first() == long.headers[2].segment)
  withExtendedLifetime((all, some)) {}
}
