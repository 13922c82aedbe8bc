import Bounded
import Events
import Testing

@testable import Simulation

// What the checker of a hunt believes where a run alone would show it seldom. What it verifies stands at
// its own top; SimulationTests run it, and check-plants.py asks that it finds planted bugs.

/// A mark was on its way to the disk when the promotion was answered as failed, as the journal had: it
/// came there after all, and was called a promotion that nobody asked for (seed 10003432 at b1fe8d5). A
/// promotion that the hunt knows of may still come; one that it does not know of may not.
@Test(arguments: [1, 0]) func aMarkMayFollowAFailedPromotion(known: Int) {
  var random = SimulationRandom(seed: 7, stream: 1)
  let watch = JournalWatch()
  let journal = watch.journal("/journal")
  let checker = HuntChecker(
    SimulatedHunt("small", &random, isTight: false), journal, SimulationCoverage(), canary: nil)
  checker.pendingEdit = HuntChecker.Edit(kind: .rollback(to: 0))
  checker.dropPendingEdit(unlessPromoted: known)

  // A frame of one event.
  let frame = Slab(byteCount: 128)
  frame.store(UInt32(0x3146_4a56), 0)
  frame.store(UInt32(1), 24)
  frame.store(PromotionMark(number: 1, high: 1, low: 2, time: 3).event, 64)
  watch.written(
    "/journal/00000001.vj", SimulatedDisk.Node(id: 1), frame, from: 0, count: 128, at: 4_096)
  #expect(journal.written == 1)
  checker.judge(to: 1)
  #expect((checker.violation == nil) == (known == 1), "\(checker.violation ?? "nothing")")
  #expect(checker.promotions == known)
}
