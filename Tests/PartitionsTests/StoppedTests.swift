import Events
import Hunt
import Partitions
import Testing
import Testkit

/// A partition whose journal has failed journals nothing, keeps every event in the books, and says of
/// nothing that it is durable.
///
/// Counts that waited for the journal once had room for 16 producers; a damaged frame of a 17th trapped.
@Test func aStoppedPartitionOnlyCounts() {
  var random = TestRandom(seed: runSeed)
  let (definition, map) = smallHunt(&random)
  let stand = Stand(definition, map)
  for producer in 1...40 as ClosedRange<UInt64> {
    for kind in [BatchKind.rejectAll, .shedAll] {
      var header = Batch(kind)
      header.producer = producer
      header.count = 3
      stand.step(TestBatch(header: header, tick: 1_000), isStopped: true)
    }
    var header = Batch(.submit)
    header.producer = producer
    header.count = 1
    let event = Event(kind: .score, sequence: 1, player: 1, value: 1)
    stand.step(TestBatch(header: header, events: [event], tick: 1_000), isStopped: true)
  }
  #expect(stand.complaints.isEmpty)
  #expect(stand.journal.isEmpty && stand.partition.nextOffset == 0)
  #expect(stand.sent.count == 120)
  #expect(stand.sent.allSatisfy { $0.reply.ack == .applied })
  let sum = stand.partition.books.sum
  #expect(sum.received == 280 && sum.rejected == 120 && sum.shed == 160)
  #expect(stand.partition.books.isBalanced)
}
