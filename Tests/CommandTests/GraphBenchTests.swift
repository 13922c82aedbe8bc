import Foundation
import Testing

@testable import veltrix

// Not verified here: how long anything takes. The bench runs small, so that it does not rot.

/// The bench of the graph finds the field and the paths that plain Dijkstra finds, and gives every
/// figure once, on the screen and as JSON.
@Test func graphBenchRuns() throws {
  var plan = GraphBench.Plan()
  (plan.side, plan.treasures, plan.fewTreasures, plan.runs) = (80, 50, 3, 2)
  (plan.operations, plan.searches, plan.work, plan.players) = (300, 20, 64, 500)
  var bench = GraphBench(plan)
  var figures: [GraphBench.Figure] = []
  bench.measure { figures.append($0) }
  #expect(bench.faults.isEmpty)
  #expect(Set(figures.map(\.name)).count == figures.count)
  #expect(figures.count == 30)
  for figure in figures {
    let read = try JSONSerialization.jsonObject(with: Data(figure.json.utf8)) as? [String: Any]
    #expect(read?["name"] as? String == figure.name)
    #expect(read?["median"] as? Double != nil)
    #expect(figure.line.hasPrefix(figure.name) && figure.line.utf8.count <= 100)
  }
}
