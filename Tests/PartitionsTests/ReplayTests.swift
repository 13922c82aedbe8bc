import Events
import Hunt
import Partitions
import Testing
import Testkit

// What a partition journals is all that it is: another one that reads the journal is equal to it.

/// Steps `count` random batches, with the disk now here, now there.
func run(
  _ stand: Stand, _ maker: inout BatchMaker, _ random: inout TestRandom, batches count: Int
) -> [TestBatch] {
  var batches: [TestBatch] = []
  for _ in 0..<count {
    let batch = maker.next(&random)
    batches.append(batch)
    stand.step(batch, at: random.below(1_024))
    let end = stand.partition.nextOffset
    if random.chance(40) { stand.flush(through: end - min(end, UInt64(random.below(9)))) }
  }
  return batches
}

/// Whether a replayed partition is equal to the live one and nobody complained; prints what differs.
func sameState(_ replayed: Stand, _ live: Stand) -> Bool {
  let checks = [
    ("complaints", live.complaints.isEmpty),
    ("digest", replayed.partition.state.digest() == live.partition.state.digest()),
    ("next offset", replayed.partition.nextOffset == live.partition.nextOffset),
    ("clock", replayed.partition.state.now == live.partition.state.now),
    ("last digest", replayed.partition.lastDigest == live.partition.lastDigest),
    ("books", replayed.books == live.books),
  ]
  for (name, holds) in checks where !holds { print("differs: \(name); \(live.complaints)") }
  return checks.allSatisfy(\.1)
}

/// Replaying the journal gives the same digest, the same next offset, the same clock, the same last
/// digest mark and the same books, row by row.
@Test func replayEqualsLive() {
  var marks = 0
  #expect(
    forAll(cases: 20) { random in
      let (definition, map) = smallHunt(&random)
      let stand = Stand(definition, map)
      var maker = BatchMaker(producers: 5)
      maker.numbersItself = true
      maker.malformedPercent = 10
      _ = run(stand, &maker, &random, batches: 40)
      let replayed = try stand.replayed()
      marks += stand.journal.filter { $0.kind == .digest }.count
      return sameState(replayed, stand)
    })
  #expect(marks > 10, "hardly any digest was journalled")
}

/// A recovery, which keeps no board in order on its way, ends with the live state, every rank and the
/// books; and goes on as the live partition does, outcome by outcome.
@Test func recoveryEqualsLive() {
  #expect(
    forAll(cases: 20) { random in
      var (definition, map) = smallHunt(&random)
      definition.boards.append(BoardSpec(name: "moment", windowMs: 1_000))
      let stand = Stand(definition, map)
      var maker = BatchMaker(producers: 5)
      maker.numbersItself = true
      _ = run(stand, &maker, &random, batches: 40)
      let recovered = try stand.recovered(&random)
      guard sameState(recovered, stand), recovered.standings == stand.standings else {
        return false
      }
      stand.flush()
      let before = stand.sent.count
      for _ in 0..<20 {
        let batch = maker.next(&random)
        stand.step(batch)
        recovered.step(batch)
      }
      stand.flush()
      recovered.flush()
      let live = stand.sent[before...].flatMap(\.outcomes)
      return sameState(recovered, stand) && recovered.standings == stand.standings
        && recovered.sent.flatMap(\.outcomes) == live
    })
}

/// Two partitions given the same batches are equal in every byte they give out, whatever the disk did.
@Test func theSameBatchesGiveTheSameJournal() {
  #expect(
    forAll(cases: 5) { random in
      let (definition, map) = smallHunt(&random)
      let one = Stand(definition, map)
      let two = Stand(definition, map)
      var maker = BatchMaker(producers: 4)
      maker.malformedPercent = 10
      for _ in 0..<30 {
        let batch = maker.next(&random)
        one.step(batch, at: random.below(1_024))
        two.step(batch, at: random.below(1_024))
        if random.chance(50) { one.flush() }
      }
      guard one.journal.count == two.journal.count else { return false }
      return zip(one.journal, two.journal).allSatisfy { left, right in
        withUnsafeBytes(of: left) { left in
          withUnsafeBytes(of: right) { left.elementsEqual($0) }
        }
      }
    })
}

/// The digest of one slice of the state is journalled right behind the event that makes it due, the
/// slices one after the other; it is the replay's digest at that place, whatever cadence the replay
/// runs at itself, and one that is not ends the replay with its place.
@Test func digestsAreJournalledAtTheirCadence() throws {
  var random = TestRandom(seed: runSeed)
  var (definition, map) = smallHunt(&random)
  definition.rules.latenessMs = 0
  let every: UInt64 = 7
  let stand = Stand(definition, map, digestEvery: every * UInt64(Partition.digestSlices))
  var maker = BatchMaker(producers: 3)
  _ = run(stand, &maker, &random, batches: 60)
  let events = stand.partition.state.counts.events
  #expect(events > 400)
  let marks = stand.journal.filter { $0.kind == .digest }.map { DigestMark($0) }
  let due = (1...events / every).map { $0 * every }
  #expect(marks.map(\.eventCount) == due)
  #expect(marks.map(\.slice) == due.map { UInt32($0 / every % UInt64(Partition.digestSlices)) })
  #expect(stand.partition.lastDigest == marks.last)
  for cadence in [every * 256, 1, 1 << 40] {
    let replica = Stand(definition, map, digestEvery: cadence)
    for (at, event) in stand.journal.enumerated() {
      if event.kind == .digest, at % 5 == 0 {
        for change in 0..<3 {
          var spoilt = event
          switch change {
          case 0: spoilt.sequence ^= 1 << 40
          case 1: spoilt.player += 1
          default: spoilt.treasure = 256
          }
          let other = try stand.replayed(prefix: at, digestEvery: cadence)
          #expect(
            throws: ReplayFault(
              offset: UInt64(at), .digest(DigestMark(spoilt)))
          ) { try other.replay(spoilt) }
        }
      }
      try replica.replay(event)
    }
    #expect(replica.partition.nextOffset == stand.partition.nextOffset)
  }
}

/// A journal's line that the engine cannot have written ends the replay: an unknown kind, a kind that
/// is never journalled, a sequence or a key that was there before.
@Test func whatCannotHaveBeenJournalledIsRefused() throws {
  var random = TestRandom(seed: runSeed)
  let (definition, map) = smallHunt(&random)
  let stand = Stand(definition, map)
  var maker = BatchMaker(producers: 4)
  while !stand.journal.contains(where: { $0.flags.contains(.idempotencyKey) }) {
    _ = run(stand, &maker, &random, batches: 10)
  }
  let end = UInt64(stand.journal.count)
  var unknown = Event(kind: .move, player: 1)
  unknown.kindByte = 99
  for (event, reason) in [
    (unknown, ReplayFault.Reason.unknownKind(99)),
    (Event(kind: .season, sequence: 1 << 40), .unknownKind(EventKind.season.rawValue)),
    // Each of these trapped, or was applied (found by Fuzz/Replays).
    (
      Event(kind: .score, producer: 1, sequence: .max, player: 1),
      .invalid(Rejection(.outOfRange, .sequence, position: 16))
    ),
    (
      Tally(producer: 1, duplicate: .max, rejected: .max, shed: 1).event,
      .invalid(Rejection(.outOfRange, .value, position: 16))
    ),
    (Event(kind: .tick, time: .max), .invalid(Rejection(.outOfRange, .time, position: 32))),
    (Event(kind: .control, value: 77), .invalid(Rejection(.outOfRange, .value, position: 56))),
    (
      Event(kind: .score, producer: 0, sequence: 1 << 40, player: 1),
      .invalid(Rejection(.missingField, .producer, position: 8))
    ),
    (
      Event(kind: .move, producer: 1, sequence: 1 << 40, player: 0),
      .invalid(Rejection(.missingField, .player, position: 24))
    ),
  ] {
    let replica = try stand.replayed()
    #expect(throws: ReplayFault(offset: end, reason)) { try replica.replay(event) }
  }
  for isKey in [false, true] {
    let repeated = stand.journal.last {
      $0.kind?.isSupported == true && $0.flags.contains(.idempotencyKey) == isKey
    }
    guard let repeated else { continue }
    let replica = try stand.replayed()
    #expect(throws: ReplayFault(offset: end, .repeatedSequence(repeated.sequence))) {
      try replica.replay(repeated)
    }
  }
}
