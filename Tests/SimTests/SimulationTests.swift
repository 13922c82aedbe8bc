import Foundation
import Simulation
import Testing
import Testkit

// A handful of runs of the whole engine against faults; `scripts/test` runs a hundred by the
// release program. What a run checks stands at the top of `HuntChecker` and `SimulationRun`.

/// New seeds, every fault: nothing is wrong.
@Test func newSeedsFindNothing() {
  for at in 0..<UInt64(4) {
    let result = SimulationRun(SimulationOptions(seed: runSeed &+ at, steps: 4_000)).run()
    #expect(result.violation == nil, "\(result.options.command)")
    #expect(result.events > 0)
  }
}

/// A seed repeats a run: the same steps, the same journals, the same switches between threads.
@Test func aSeedRepeatsARun() {
  for seed in runSeed..<(runSeed + 3) {
    let options = SimulationOptions(seed: seed, steps: 3_000)
    let first = SimulationRun(options).run()
    let second = SimulationRun(options).run()
    #expect(first.trace == second.trace && first.steps == second.steps, "\(options.command)")
    #expect(first.violation == second.violation)
    let other = SimulationRun(SimulationOptions(seed: seed + 1_000, steps: 3_000)).run()
    #expect(other.trace != first.trace, "another seed gave the same run")
  }
}

/// Without faults nothing crashes, and everything is acknowledged.
@Test func withoutFaultsNothingHappens() {
  let result = SimulationRun(SimulationOptions(seed: runSeed, steps: 4_000, faults: [])).run()
  #expect(result.violation == nil, "\(result.options.command)")
  #expect(result.coverage.faults.isEmpty)
  #expect(result.coverage.milestones[.journalFailed] == nil)
}

/// Every bug that can be planted is listed by the command's help, from which `scripts/check-plants.py`
/// takes them: one was missing there, and was never looked for.
@Test func helpListsEveryPlant() throws {
  let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
  let help = try String(
    contentsOf: root.appending(path: "docs/operating/help/simulate.txt"), encoding: .utf8)
  let words = Set(help.split { $0 == " " || $0 == "\n" })
  for canary in SimulationCanary.allCases {
    #expect(words.contains(Substring(canary.rawValue)), "\(canary.rawValue)")
  }
}

/// A run that fails is made smaller and still fails.
@Test func aFailingRunIsShrunk() {
  let options = SimulationOptions(seed: 1, steps: 6_000, canary: .wrongOutcome)
  let result = SimulationRun(options).run()
  guard result.violation != nil else {
    Issue.record("the planted bug was not found")
    return
  }
  let smaller = SimulationShrinker.shrink(result)
  #expect(smaller.violation != nil)
  #expect(smaller.options.faults.count < options.faults.count)
  #expect(smaller.options.steps < options.steps)
}
