import Bounded
import Events
import Hunt
import Journal
import Pages
import Partitions
import Testing
import Testkit

// Batches that are taken whole or not at all, and keys that name one body.

/// A text batch, all events or none.
private func atomic(
  _ events: [Event], names: [String] = [], producer: UInt64 = 7
) -> TestBatch {
  var header = Batch(.submit)
  header.flags = [.fromText, .atomic]
  header.ack = .applied
  header.producer = producer
  header.count = UInt32(events.count)
  header.nameCount = UInt32(names.count)
  return TestBatch(header: header, events: events, names: names, tick: BatchMaker.base)
}

/// However near its tables are to being full, a partition takes an atomic batch whole (each event
/// applied, late, or known already) or refuses each of its events and changes nothing.
@Test func atomicBatchesAreWholeOrNothing() {
  var outcomes: Set<String> = []
  #expect(
    forAll(cases: 60) { random in
      var (definition, map) = smallHunt(&random)
      definition.limits.producers = 3
      definition.limits.gaps = 3
      definition.limits.names = 6
      let stand = Stand(definition, map)
      for _ in 0..<40 {
        // With each name twice at times, as a reader of text gives them.
        let names = (0..<random.below(5)).map { _ in "player \(random.below(9))" }
        let events = (0..<(1 + random.below(5))).map { _ -> Event in
          var event = Event(
            kind: .score, producer: random.chance(60) ? 0 : UInt64(1 + random.below(5)),
            sequence: UInt64(random.below(30)), player: UInt64(1 + random.below(9)), value: 1)
          if !names.isEmpty, random.chance(50) {
            event.flags.insert(.playerIsName)
            event.player = UInt64(random.below(names.count))
          }
          if random.chance(20) {
            event.flags.insert(.idempotencyKey)
            event.sequence = random.next() >> 1
          }
          if random.chance(3) { event.time = -1 }
          return event
        }
        let batch = atomic(events, names: names)
        let digest = stand.partition.state.digest()
        let before = stand.journal.count
        stand.step(batch)
        // What the batch brought is one group, without the clock before it and the tallies behind.
        let lines = stand.journal[before...].map(\.kind)
        let own = lines.filter { $0 != .tick && $0 != .tally }.count
        let start = before + (lines.first == .tick ? 1 : 0)
        let joined = start..<max(start, start + own - 1)
        for at in before..<stand.journal.count where stand.joined[at] != joined.contains(at) {
          return false
        }
        guard let sent = stand.sent.last, sent.outcomes.count == events.count else { return false }
        let taken = sent.outcomes.filter {
          [.applied, .late, .duplicate].contains($0.disposition)
        }
        if taken.count == events.count {
          outcomes.insert("whole")
        } else {
          outcomes.insert("nothing")
          guard taken.isEmpty, stand.partition.state.digest() == digest,
            sent.outcomes.allSatisfy({ $0.disposition == .rejected })
          else {
            print("\(events)\n\(names)\n\(sent.outcomes)")
            return false
          }
        }
      }
      return stand.complaints.isEmpty && stand.partition.books.isBalanced
    })
  #expect(outcomes == ["whole", "nothing"])
}

/// The largest body that the engine takes, 4,096 events with as many new names and the shortest
/// cadence of digests (1,000 events), fits a frame and the smallest segment; one that does not is
/// rejected whole.
@Test func theLargestBodyFitsAFrame() {
  var largest = Batch(.submit)
  largest.flags = [.fromText, .atomic, .ackOnly]
  largest.ack = .applied
  largest.producer = 7
  largest.count = 4_096
  largest.nameCount = 4_096
  #expect(JournalWriter.groupMax == 16_319)
  #expect(Partition.groupLines(largest, digestEvery: 1_000) == 13_654)
  #expect(Partition.groupLines(largest, digestEvery: 1) > JournalWriter.groupMax)
  var random = TestRandom(seed: 1)
  let (definition, map) = smallHunt(&random)
  let pool = PagePool(pageCount: Partition.pagesNeeded(definition, map))
  var partition = Partition(
    definition, map: map, number: 3, digestEvery: 1, heldLines: 4_096, pool: pool)
  // The same event 4,096 times; nobody looks at the names.
  let event = Event(kind: .score, player: 1, value: 1)
  let lines = Slab(byteCount: 2 * 64)
  lines.store(event, 0)
  lines.store(event, 64)
  var output = StepOutput(
    journal: LineTarget(Slab(byteCount: 64 * 64), first: 0, capacity: 64),
    replies: LineTarget(Slab(byteCount: 64 * 64), first: 0, capacity: 64),
    effects: EffectBuffer(capacity: 1))
  partition.step(
    largest, LineRun(lines, first: 0, count: largest.lineCount), tick: BatchMaker.base,
    isStopped: false, &output)
  #expect(output.replies.load(0, as: Reply.self).rejected == 4_096)
  #expect(output.journal.count == 2, "the clock and a tally")
}

/// The same key with the same body is a repeat; with another body, another request under a name that is
/// taken: all of it is refused, and nothing is changed.
@Test func aKeyNamesOneBody() {
  var random = TestRandom(seed: 1)
  var (definition, map) = smallHunt(&random)
  definition.rules.joinImplicitly = true
  let stand = Stand(definition, map)
  func batch(body: UInt64, count: Int) -> TestBatch {
    var batch = atomic(
      (0..<count).map { at in
        var event = Event(
          kind: .score, flags: .idempotencyKey, sequence: 1_000 + UInt64(at), player: 1, value: 2)
        event.flags.formUnion(.body(body))
        return event
      })
    batch.header.flags = .fromText
    return batch
  }
  func results() -> [ResultCode] { stand.sent.last?.outcomes.compactMap(\.result) ?? [] }
  stand.step(batch(body: 5, count: 3))
  #expect(results() == [.ok, .ok, .ok])
  stand.step(batch(body: 5, count: 3))
  #expect(results() == [.duplicate, .duplicate, .duplicate])
  let digest = stand.partition.state.digest()
  stand.step(batch(body: 6, count: 4))
  #expect(results() == [ResultCode](repeating: .idempotencyConflict, count: 4))
  let after = stand.partition.state.digest()
  #expect(after == digest)
  let balanced = stand.books.allSatisfy { $0.isBalanced }
  #expect(balanced)
}
