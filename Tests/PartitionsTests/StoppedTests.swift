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
