import Events
import Hunt
import Partitions
import Testing
import Testkit

// A partition whose journal has failed: it admits nothing, says so, and claims nothing.

/// A batch of moves, one for each of `producers`.
private func batch(
  producers: [UInt64], sequence: UInt64 = 1, ack: AckLevel = .durable, number: UInt64 = 1
) -> TestBatch {
  var header = Batch(.submit)
  header.connection = 9
  header.ack = ack
  header.batch = number
  header.producer = producers[0]
  header.count = UInt32(producers.count)
  let events = producers.map {
    Event(kind: .move, producer: $0, sequence: sequence, player: $0, time: 0, x: 1, y: 1)
  }
  return TestBatch(header: header, events: events, tick: BatchMaker.base)
}

/// Whatever comes after the failure is shed as `stopped` (or rejected for what it is), changes no state,
/// journals nothing, is answered at once, and is counted; nothing in an answer calls it durable.
@Test func aStoppedPartitionShedsEverything() {
  #expect(
    forAll(cases: 20) { random in
      let (definition, map) = smallHunt(&random)
      let stand = Stand(definition, map)
      var maker = BatchMaker(producers: 30)
      maker.malformedPercent = 20
      _ = run(stand, &maker, &random, batches: 15)
      stand.flush()
      let digest = stand.partition.state.digest()
      let journal = stand.journal.count
      for _ in 0..<20 {
        let batch =
          random.chance(70)
          ? maker.next(&random)
          : BatchMaker.storm(&random, journal: stand.journal, tick: maker.clock)
        let before = stand.sent.count
        let received = stand.partition.books.sum.received
        stand.step(batch, isStopped: true, at: random.below(1_024))
        guard stand.sent.count == before + 1, let sent = stand.sent.last else { return false }
        guard sent.reply.ack == .applied else {
          print("called durable: \(sent.reply)")
          return false
        }
        for outcome in sent.outcomes {
          let isStopped = outcome.result == .stopped && outcome.disposition == .shed
          guard isStopped || outcome.disposition == .rejected else { return false }
        }
        guard stand.partition.books.isBalanced,
          stand.partition.books.sum.received == received + UInt64(batch.header.count)
        else { return false }
      }
      return stand.complaints.isEmpty && stand.journal.count == journal
        && stand.partition.state.digest() == digest
    })
}

/// More producers than a tally holds kept sending to a stopped partition: it tried to journal its
/// tallies into a ring that nobody empties any more, and the whole process, with every other hunt,
/// stopped at a precondition.
@Test func manyProducersCannotBringAStoppedPartitionDown() {
  var random = TestRandom(seed: 1)
  let (definition, map) = smallHunt(&random)
  let stand = Stand(definition, map)
  for round in 0..<3 {
    let producers = (1...40).map { UInt64($0 + round * 40) }
    stand.step(batch(producers: producers), isStopped: true)
    for kind in [BatchKind.rejectAll, .shedAll] {
      for producer in 1...20 {
        var header = Batch(kind)
        header.producer = UInt64(producer)
        header.count = 5
        stand.step(TestBatch(header: header, tick: BatchMaker.base), isStopped: true)
      }
    }
  }
  #expect(stand.journal.isEmpty)
  let unbalanced = stand.books.filter { !$0.isBalanced }
  #expect(unbalanced.isEmpty)
  let received = stand.books.reduce(0) { $0 + $1.received }
  #expect(received == 3 * (40 + 2 * 20 * 5))
}

/// Replies that waited for the disk when it failed go out before those of later batches, as applied
/// only, their outcomes provisional.
@Test func repliesKeepTheirOrderOverAFailure() {
  var random = TestRandom(seed: 1)
  let (definition, map) = smallHunt(&random)
  let stand = Stand(definition, map)
  for number in 1...3 as ClosedRange<UInt64> {
    stand.step(batch(producers: [1, 2], sequence: number, number: number))
  }
  #expect(stand.sent.isEmpty)
  stand.step(batch(producers: [1], sequence: 4, number: 4), isStopped: true)
  stand.partition.abandonHeld()
  stand.release(limit: 2, isStopped: true)
  stand.step(batch(producers: [1], sequence: 5, number: 5), isStopped: true)
  stand.release(isStopped: true)
  stand.step(batch(producers: [1], sequence: 6, number: 6), isStopped: true)
  stand.release(isStopped: true)
  let order: [UInt64] = [1, 2, 3, 4, 5, 6]
  #expect(stand.sent.map(\.reply.batch) == order)
  for sent in stand.sent {
    #expect(sent.reply.ack == .applied)
    if sent.reply.batch <= 3 {
      #expect(sent.outcomes.count == 2)
      let provisional = sent.outcomes.filter { $0.flags.contains(.provisional) }
      #expect(provisional.count == 2)
    } else {
      #expect(sent.reply.shed == 1 && sent.reply.applied == 0)
    }
  }
  #expect(!stand.partition.isHolding && stand.complaints.isEmpty)
}
