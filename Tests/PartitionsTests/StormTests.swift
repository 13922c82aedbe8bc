import Events
import Hunt
import Partitions
import Testing
import Testkit

// What must leave no trace: storms of garbage and repeats, and crashes with resends.

/// A storm of malformed events, duplicates, corrupt frames and shed counts between the same valid
/// batches changes no digest, only the books.
@Test func stormsChangeNoDigest() {
  #expect(
    forAll(cases: 12) { random in
      let (definition, map) = smallHunt(&random)
      let calm = Stand(definition, map)
      let stormy = Stand(definition, map)
      var maker = BatchMaker(producers: 5)
      maker.numbersItself = true
      for _ in 0..<40 {
        let batch = maker.next(&random)
        for _ in 0..<random.below(3) {
          stormy.step(BatchMaker.storm(&random, journal: stormy.journal, tick: maker.clock))
          stormy.flush()
        }
        calm.step(batch)
        stormy.step(batch)
        guard calm.partition.state.digest() == stormy.partition.state.digest() else {
          return false
        }
      }
      let calmSum = calm.partition.books.sum
      let sum = stormy.partition.books.sum
      return sum.applied == calmSum.applied && sum.late == calmSum.late
        && sum.duplicate > calmSum.duplicate && sum.rejected > calmSum.rejected
        && stormy.partition.books.isBalanced && stormy.complaints.isEmpty
    })
}

/// A crash at any line of the journal, then a resend of everything by every producer, ends in the
/// state without the crash: what was journalled is a duplicate, the rest is applied, nothing twice.
@Test func aCrashAndAResendLeaveNoTrace() {
  #expect(
    forAll(cases: 8) { random in
      let (definition, map) = smallHunt(&random)
      let whole = Stand(definition, map)
      var maker = BatchMaker(producers: 6)
      maker.malformedPercent = 5
      maker.isControlled = false
      let batches = run(whole, &maker, &random, batches: 25)
      let digest = whole.partition.state.digest()
      let events = whole.partition.state.counts.events
      for _ in 0..<12 {
        let cut = random.below(whole.journal.count + 1)
        let after = try whole.replayed(prefix: cut)
        for batch in batches {
          after.step(batch)
          if random.chance(50) { after.flush() }
        }
        guard after.partition.state.digest() == digest,
          after.partition.state.counts.events == events, after.partition.books.isBalanced,
          after.complaints.isEmpty
        else {
          print("cut at line \(cut) of \(whole.journal.count)")
          return false
        }
        var seen: Set<[UInt64]> = []
        for event in after.journal where event.kind?.isSupported == true {
          let isKey: UInt64 = event.flags.contains(.idempotencyKey) ? 1 : 0
          guard seen.insert([isKey, isKey == 1 ? 0 : event.producer, event.sequence]).inserted
          else { return false }
        }
        let again = try after.replayed()
        guard again.partition.state.digest() == digest, again.books == after.books else {
          return false
        }
      }
      return true
    })
}
