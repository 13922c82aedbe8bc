import Bus
import CSystem
import Synchronization
import Testing
import Testkit

// Checks that no wake-up is lost in the interleavings that a real machine happens to make. The
// reasoning for all of them stands in `Doorbell`: announce, fence, look; publish, fence, look.

/// Longest that a thread sleeps for one ring before the test calls the ring lost; a lost one would
/// otherwise show only as a pause of this length.
private let patienceNs: Int64 = 20_000_000_000

/// Takes turns with another thread: waits until `turn` is `mine`, says whether a ring was lost.
private func await(
  _ turn: borrowing Atomic<Int>, _ mine: Int, _ bell: Doorbell
) -> Bool {
  let start = vx_monotonic_ns()
  while turn.load(ordering: .acquiring) != mine {
    bell.wait(timeoutNs: patienceNs) { turn.load(ordering: .acquiring) == mine }
    if vx_monotonic_ns() - start > patienceNs / 2 { return false }
  }
  return true
}

private final class Table: Sendable {
  let turn = Atomic<Int>(0)
  let lost = Atomic<Bool>(false)
  let bells = [Doorbell(), Doorbell()]
}

/// Two threads wake each other 200,000 times, with random short work between so that a ring falls
/// before, into and after the other's way to sleep: no ring is lost.
@Test func noRingIsLost() {
  let table = Table()
  let rounds = 100_000
  let other = OSThread(name: "pong") {
    var random = TestRandom(seed: runSeed &+ 1)
    for round in 0..<rounds {
      if !await(table.turn, round * 2 + 1, table.bells[1]) {
        table.lost.store(true, ordering: .releasing)
        table.turn.store(.max, ordering: .releasing)
        table.bells[0].ring()
        return
      }
      for _ in 0..<random.below(64) { vx_pause() }
      table.turn.store(round * 2 + 2, ordering: .releasing)
      table.bells[0].ring()
    }
  }
  var random = TestRandom(seed: runSeed)
  for round in 0..<rounds {
    table.turn.store(round * 2 + 1, ordering: .releasing)
    table.bells[1].ring()
    for _ in 0..<random.below(64) { vx_pause() }
    if !await(table.turn, round * 2 + 2, table.bells[0]) {
      table.lost.store(true, ordering: .releasing)
      break
    }
  }
  let lost = table.lost.load(ordering: .acquiring)
  #expect(!lost, "a ring was lost; SEED=\(runSeed)")
  if !lost { other.join() }
}

/// A wait ends by its timeout when nobody rings, and at once when there is work already.
@Test func waitEndsWithoutARing() {
  let bell = Doorbell()
  var start = vx_monotonic_ns()
  bell.wait(timeoutNs: 20_000_000) { false }
  #expect(vx_monotonic_ns() - start >= 19_000_000)
  start = vx_monotonic_ns()
  bell.wait(timeoutNs: 60_000_000_000) { true }
  #expect(vx_monotonic_ns() - start < 30_000_000_000)
  bell.ring()  // nobody sleeps: remembered by nobody, harms nobody
  start = vx_monotonic_ns()
  bell.wait(timeoutNs: 20_000_000) { false }
  #expect(vx_monotonic_ns() - start >= 19_000_000)
}

/// Many ringers, one sleeper who counts what they did: all of it is seen.
@Test func manyRingersWakeOneSleeper() {
  final class Work: Sendable {
    let done = Atomic<Int>(0)
    let bell = Doorbell()
  }
  let work = Work()
  let ringers = (0..<4).map { number in
    OSThread(name: "ringer-\(number)") {
      var random = TestRandom(seed: runSeed &+ UInt64(number))
      for _ in 0..<5_000 {
        _ = work.done.wrappingAdd(1, ordering: .releasing)
        work.bell.ring()
        for _ in 0..<random.below(200) { vx_pause() }
      }
    }
  }
  var seen = 0
  let start = vx_monotonic_ns()
  while seen < 20_000, vx_monotonic_ns() - start < patienceNs {
    work.bell.wait(timeoutNs: patienceNs) { work.done.load(ordering: .acquiring) != seen }
    seen = work.done.load(ordering: .acquiring)
  }
  #expect(seen == 20_000)
  for ringer in ringers { ringer.join() }
}
