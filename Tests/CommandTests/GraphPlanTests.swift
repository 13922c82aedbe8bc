import Testing
import Testkit
import World

@testable import veltrix

// Not verified here: how long anything takes, and what other programs answer to the same plan;
// Benchmarks/peers/graph/run.py compares them.

/// A square of blocks with four neighbours, all steps of cost 1.
private func square(_ side: Int) throws -> Topology {
  let text =
    "type octile\nheight \(side)\nwidth \(side)\nmap\n"
    + String(repeating: String(repeating: ".", count: side) + "\n", count: side)
  return try Topology(parsing: Array(text.utf8).span, neighbourhood: .four)
}

/// A line that is no step is named, whatever is wrong with it, and nothing traps.
@Test(arguments: [
  "x", "t", "t 1 2", "t 64", "t -1", "f 1", "e 1 4 1", "e 1 0 0", "e 1 0 256", "p 1", "p 1 64",
  "n 1 0", "n 64 1", "tt 1", "e 1 0 1 x",
])
func planNamesItsBadLine(_ line: String) {
  do throws(GraphPlan.Fault) {
    _ = try GraphPlan(Array("t 1\nf\n\(line)\n".utf8), nodeCount: 64, degree: 4)
    Issue.record("accepted")
  } catch { #expect(error.line == 3) }
}

/// A plan's ways cost what plain Dijkstra finds, with its changes; its fields are the same computed
/// again as repaired; the nearest treasures come in the order of their costs and ids.
@Test func planIsDone() throws {
  #expect(
    forAll(cases: 20) { random in
      let side = 8 + random.below(12)
      guard let map = try? square(side) else { return false }
      var plain = PlainGraph(side: side)
      for node in 0..<UInt32(side * side) {
        for direction in 0..<4 as Range<UInt8>
        where map.directions(Int(node)) >> Int(direction) & 1 == 1 {
          plain.set(node, direction, 1)
        }
      }
      var text = ""
      var spots = Set<Int>()
      while spots.count < 5 { spots.insert(random.below(side * side)) }
      for spot in spots.sorted() { text += "t \(spot)\n" }
      text += "f\n"
      for _ in 0..<40 {
        let node = (1 + random.below(side - 2)) * side + 1 + random.below(side - 2)
        let (direction, multiplier) = (random.below(4), 1 + random.below(16))
        plain.set(UInt32(node), UInt8(direction), UInt8(multiplier))
        text += "e \(node) \(direction) \(multiplier)\n"
      }
      text += "c\nf\n"
      let (start, goal) = (random.below(side * side), random.below(side * side))
      text += "p \(start) \(goal)\nw \(start) \(goal)\nn \(start) 5\n"
      guard let plan = try? GraphPlan(Array(text.utf8), nodeCount: side * side, degree: 4) else {
        return false
      }
      var bench = PlannedGraphBench(map, work: 64)
      let fault = bench.run(plan)
      let answers = bench.answers
      let way = "cost \(plain.cost(from: UInt32(start), to: UInt32(goal)))"
      let near = spots.sorted().enumerated().map { at, spot in
        (plain.cost(from: UInt32(start), to: UInt32(spot)), at + 1)
      }.sorted { $0 < $1 }.reduce("near") { $0 + " \($1.1):\($1.0)" }
      return fault == nil && answers.count == 6 && answers[1] == answers[2]
        && answers[3] == way && answers[4] == way && answers[5] == near
        && bench.times["edge"]?.count == 40 && bench.times["field"]?.count == 2
    })
}
