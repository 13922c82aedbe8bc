import Foundation
import Testing

@testable import veltrix

// Not verified here: how long anything takes. The bench runs small, so that it does not rot.

/// The bench of pages finds the answers that it must and gives every figure once, on the screen and
/// as JSON.
@Test func pagesBenchRuns() throws {
  var plan = PagesBench.Plan()
  (plan.players, plan.edges, plan.runs) = (2_000, 60_000, 2)
  (plan.rows, plan.accesses) = (500, 5_000)
  var bench = PagesBench(plan)
  var figures: [PagesBench.Figure] = []
  bench.measure { figures.append($0) }
  #expect(bench.faults.isEmpty)
  #expect(bench.check != 0)
  #expect(Set(figures.map(\.name)).count == 19)
  #expect(figures.count == 19)
  #expect(figures.filter { $0.target != nil }.count == 10)
  for figure in figures {
    let read = try JSONSerialization.jsonObject(with: Data(figure.json.utf8)) as? [String: Any]
    #expect(read?["name"] as? String == figure.name)
    #expect(read?["median"] as? Double != nil)
    #expect(figure.line.hasPrefix(figure.name) && figure.line.utf8.count <= 100)
  }
}
