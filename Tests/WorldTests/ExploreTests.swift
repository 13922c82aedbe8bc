import Bounded
import Pages
import Testing
import Testkit
import World

/// An exploration visits every node within the cost once, nearest first, each at the cost that the
/// model finds; with less room than that, the nearest of them and no other.
@Test func explorationsVisitTheNearest() {
  var ends: Set<String> = []
  #expect(
    forAll(cases: 80) { random in
      let eight = random.chance(50)
      let rows = randomRows(
        &random, width: random.below(9) + 1, height: random.below(9) + 1,
        wallPercent: [0, 25, 50][random.below(3)])
      var pair = FieldPair(rows, eight: eight)
      for _ in 0..<20 { if !pair.change(&random) { return false } }
      let count = pair.world.nodeCount
      let start = random.below(count)
      let wanted = (0..<count).map { goal in pair.model.costs(to: goal)[start] }
      let costMax = random.chance(40) ? UInt32(random.below(eight ? 100_000 : 12)) : distanceMax
      let budget = random.chance(40) ? 1 + random.below(count) : count
      let most = random.chance(30) ? random.below(count) : count
      var finder = PathFinder(nodeBudgetMax: count)
      var seen: [(node: Int, cost: UInt32)] = []
      let end = finder.explore(
        from: UInt32(start), costMax: costMax, nodeBudget: budget, pair.world, pair.space
      ) { node, cost in
        if seen.count == most { return false }
        seen.append((Int(node), cost))
        return true
      }
      ends.insert("\(end)")
      if Set(seen.map(\.node)).count != seen.count { return false }
      if seen.contains(where: { wanted[$0.node] != $0.cost || $0.cost > costMax }) { return false }
      if seen.map(\.cost) != seen.map(\.cost).sorted() { return false }
      let all = wanted.compactMap { $0 }.filter { $0 <= costMax }.sorted()
      if seen.map(\.cost) != Array(all.prefix(seen.count)) { return false }
      switch end {
      case .done: return seen.count == all.count
      case .stopped: return seen.count == most
      case .budgetSpent: return budget < count
      }
    })
  #expect(ends == ["done", "stopped", "budgetSpent"])
}
