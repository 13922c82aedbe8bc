import Bounded
import CMallocCount
import Events
import Hunt
import Pages
import Partitions
import Testing
import Testkit
import World

/// A batch as it lies in a ring, made before anything is counted.
private struct Laid {
  var header: Batch
  var lines: Slab
  var tick: Int64
}

private func laid(_ batches: [TestBatch]) -> [Laid] {
  batches.map { batch in
    var lineCount = 2
    while lineCount < batch.header.lineCount { lineCount *= 2 }
    let lines = Slab(byteCount: lineCount * 64)
    for (at, event) in batch.events.enumerated() { lines.store(event, at * 64) }
    for (at, name) in batch.names.enumerated() {
      guard let row = NameRow(Array(name.utf8).span) else { preconditionFailure(name) }
      lines.store(row, (batch.events.count + 2 * at) * 64)
    }
    return Laid(header: batch.header, lines: lines, tick: batch.tick)
  }
}

/// Every kind of event, named players and keys, repeats, timers, digests, held and released replies:
/// judging, journalling, applying and answering allocate nothing once the pages in use were written.
///
/// Counts every malloc of this thread, in debug and release. Not counted: rejected events, because the
/// test runner itself allocates for every error thrown.
@Test func stepsDoNotAllocate() {
  var random = TestRandom(seed: 7)
  let (definition, map) = smallHunt(&random)
  var partition = Partition(
    definition, map: map, number: 3, digestEvery: 2_560, heldLines: 4_096,
    pool: PagePool(pageCount: Partition.pagesNeeded(definition, map)))
  var maker = BatchMaker(producers: 8)
  maker.numbersItself = true
  let batches = laid((0..<600).map { _ in maker.next(&random) })
  let journal = Slab(byteCount: 1_024 * 64)
  let replies = Slab(byteCount: 1_024 * 64)
  var effects: EffectBuffer? = EffectBuffer(capacity: 64)
  var events = 0
  var applied: UInt64 = 0
  var released = 0
  for at in 0..<batches.count {
    // The first third warms up: it writes the pages that the rest touches.
    if at == batches.count / 3 {
      vx_malloc_count_start()
      applied = partition.state.counts.events
    }
    if at > batches.count / 3 { events += Int(batches[at].header.count) }
    guard var seen = effects.take() else { return }
    seen.isWanted = at % 2 == 0
    var output = StepOutput(
      journal: LineTarget(journal, first: 0, capacity: 1_024),
      replies: LineTarget(replies, first: 0, capacity: 1_024), effects: seen)
    partition.step(
      batches[at].header,
      LineRun(batches[at].lines, first: 0, count: batches[at].header.lineCount),
      tick: batches[at].tick, isStopped: false, &output)
    output.effects.removeAll()
    effects = output.takeEffects()
    if at % 3 == 0 {
      partition.release(durable: partition.nextOffset) { run in
        released &+= run.count
        return true
      }
    }
  }
  let allocations = vx_malloc_count()
  applied = partition.state.counts.events - applied
  #expect(allocations == 0, "\(allocations) allocations over \(events) events")
  #expect(events > 5_000 && applied > 3_000 && released > 0)
}
