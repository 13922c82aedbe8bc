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

/// The costs of walks from a node over a grid of four ways, from the definitions alone.
private func costs(
  from start: UInt32, _ world: WorldGraph, _ space: borrowing PageSpace
) -> [UInt32?] {
  var costs = [UInt32?](repeating: nil, count: world.nodeCount)
  var queue = [start]
  costs[Int(start)] = 0
  var at = 0
  while at < queue.count {
    let tail = queue[at]
    at += 1
    for direction in 0..<4 as Range<UInt8> {
      guard let head = world.neighbour(tail, direction),
        let step = world.cost(tail, direction, space), let cost = costs[Int(tail)]
      else { continue }
      if cost + step < costs[Int(head)] ?? .max {
        costs[Int(head)] = cost + step
        queue.append(head)
      }
    }
  }
  return costs
}

/// An exploration of a grid of four ways begins in a square of 128 x 128 blocks and goes on behind it,
/// where there is room for both: on worlds that are wider, higher, both or neither, with dear steps,
/// walls and edits, with limits of every kind, it visits what costs least.
@Test func explorationsGoOnBehindTheSquare() {
  var ends: Set<String> = []
  var beyond = 0
  var finder = PathFinder(nodeBudgetMax: 40_000)
  #expect(
    forAll(cases: 60) { random in
      let width = [1, 40, 127, 128, 129, 200, 300][random.below(7)]
      let height = 1 + random.below(min(250, 36_000 / width))
      let costMax = [1, 16, 255][random.below(3)]
      let map = fourWays(&random, width: width, height: height, costMax: costMax)
      var layout = PageLayout()
      let world = WorldGraph("world", map, addedMax: 8, in: &layout)
      var space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount * 2 + 1))
      edit(random.below(400), costMax, world, &space, &random)
      let count = world.nodeCount
      let start = UInt32(random.below(count))
      let wanted = costs(from: start, world, space)
      let dearest = random.chance(30) ? UInt32(random.below(100 * costMax)) : distanceMax
      let all = wanted.compactMap { $0 }.filter { $0 <= dearest }.sorted()
      let budget = random.chance(30) ? 1 + random.below(count) : count
      let most = random.chance(30) ? random.below(all.count + 1) : count
      var seen: [UInt32] = []
      var nodes: Set<UInt32> = []
      var (isRight, came) = (true, 0)
      let end = finder.explore(
        from: start, costMax: dearest, nodeBudget: budget, world, space,
        ahead: { _ in came += 1 },
        visit: { node, cost in
          if seen.count == most { return false }
          seen.append(cost)
          isRight = isRight && wanted[Int(node)] == cost && nodes.insert(node).inserted
          return true
        })
      ends.insert("\(end)")
      if seen.count > 16_384 { beyond += 1 }
      guard isRight, seen == Array(all.prefix(seen.count)), finder.labelCount <= budget,
        came >= seen.count - 1
      else { return false }
      switch end {
      case .done: return seen.count == all.count
      case .stopped: return seen.count == most
      case .budgetSpent: return budget < count
      }
    })
  #expect(ends == ["done", "stopped", "budgetSpent"])
  #expect(beyond > 3, "hardly any exploration went beyond what the square holds")
}
