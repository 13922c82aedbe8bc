import Simulation
import Testing

// Seeds that once failed, each with the story of its bug. A seed stands for a run only as long as
// the simulation itself does not change; what a bug was is therefore also held by a test of its
// own where it could be said without a seed.

private func holds(_ seed: UInt64, _ steps: Int, _ faults: Set<SimulationFault>) -> Bool {
  let result = SimulationRun(SimulationOptions(seed: seed, steps: steps, faults: faults)).run()
  if let violation = result.violation { print("\(result.options.command): \(violation)") }
  return result.violation == nil
}

/// A flush failed, the hunt stopped, and it was started again. The kernel still held in its cache
/// what it had given up writing; the start read that, flushed once more (which succeeds, as
/// nothing is dirty any more), and called it durable. The next power cut took it. What no later
/// frame proves to be flushed is now written again.
@Test func aFailedFlushIsMadeGoodAtTheNextStart() {
  #expect(holds(71, 6_000, [.lost, .flushFails, .stop, .limits]))
  #expect(holds(77, 6_000, [.lost, .flushFails, .kill, .power]))
}

/// A hunt's manifest got its name, the flush of the folder failed, and the process was killed. The next
/// start found the manifest, played on the hunt and wrote its journal; a power cut took the name, and
/// the one after that refused a journal without a manifest. A start flushes the names that it finds.
@Test func aNameThatIsFoundIsMadeDurable() {
  #expect(holds(40_000_810, 312, [.lost, .flushFails, .kill, .power]))
}

/// A shadow had pages kept for its state and none for its books, and for a small hunt too few of
/// the state: it trapped, and the whole engine with it, when forks had taken the rest.
@Test func aShadowNeverTrapsForWantOfPages() {
  for seed: UInt64 in [13, 15, 16] { #expect(holds(seed, 20_000, Set(SimulationFault.allCases))) }
}

/// A fork without any change was said to differ from its hunt in a page: one of a board's order,
/// whose bytes depend on how it came about.
@Test func anUnchangedForkDiffersInNoPage() {
  #expect(holds(1, 20_000, [.power, .cut, .split, .duplicate, .clock, .limits]))
}

/// A gateway that took no replies made the hunt's thread turn without rest: it found that the oldest
/// reply might go, had no room to send it, and called that work. It sleeps until it is rung for room.
@Test func aHuntWithoutRoomForRepliesSleeps() {
  #expect(holds(466_718_732, 20_000, Set(SimulationFault.allCases)))
}

/// A mistake of the checker: a fork whose deletion was asked for was taken for gone, while the fork
/// thread had not got to it, and its pages were called leaked. It counts until the deletion is answered.
@Test func aForkCountsUntilItsDeletionIsAnswered() {
  #expect(
    holds(
      10_000_603, 2_500,
      [.rot, .slow, .cut, .delay, .split, .duplicate, .garbage, .lie, .clock, .limits]))
}
