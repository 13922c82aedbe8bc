import Bounded
import Pages
import Testing
import Testkit
import World

/// Changes random edges and blocks of a world and of its model alike.
private func edit(
  _ count: Int, _ model: inout Model, _ world: WorldGraph, _ space: inout PageSpace,
  _ random: inout TestRandom
) {
  var changes = EdgeChanges()
  for _ in 0..<count {
    let node = random.below(world.nodeCount)
    let direction = random.below(model.degree)
    if random.chance(10) {
      let open = !model.open[node]
      _ = world.setBlock(UInt32(node), open: open, &space, &changes)
      _ = model.setBlock(node, open: open)
    } else if model.allowed(node, direction) {
      let multiplier = random.chance(20) ? 0 : random.below(4) + 1
      _ = world.setEdge(UInt32(node), UInt8(direction), multiplier: UInt8(multiplier), &space)
      model.edges[node][direction] = multiplier
    }
  }
}

/// Costs and paths are those of the model between any two nodes of small edited worlds, also on a
/// fork; limits of cost and of nodes never change an answer but to "beyond" or "spent".
@Test func pathsEqualTheModel() {
  var outcomes: Set<Int> = []
  #expect(
    forAll(cases: 60) { random in
      let eight = random.chance(60)
      let width = random.below(8) + 1
      let height = random.below(8) + 1
      let rows = randomRows(
        &random, width: width, height: height, wallPercent: [0, 20, 40][random.below(3)])
      var model = Model(eight: eight, width: width, rows: rows)
      var layout = PageLayout()
      let world = WorldGraph("world", blockMap(rows, eight: eight), addedMax: 8, in: &layout)
      let pool = PagePool(pageCount: layout.pageCount * 3 + 1)
      var space = PageSpace(layout, pool: pool)
      edit(random.below(60), &model, world, &space, &random)
      let kept = model
      let fork: PageSpace
      do throws(ForkRefusal) { fork = try space.fork() } catch { return false }
      edit(random.below(20), &model, world, &space, &random)
      var finder = PathFinder(nodeBudgetMax: 64, heapCapacity: 64)
      for _ in 0..<20 {
        let start = UInt32(random.below(world.nodeCount))
        let goal = UInt32(random.below(world.nodeCount))
        let tight = UInt32(random.below(eight ? 120_000 : 9))
        let budget = random.below(64) + 1
        guard
          agrees(&finder, model, world, space, start, goal, tight, budget, &outcomes),
          agrees(&finder, kept, world, fork, start, goal, tight, budget, &outcomes)
        else { return false }
      }
      return true
    })
  #expect(outcomes == [0, 1, 2, 3, 4, 5], "the generator no longer reaches every outcome")
}

private func agrees(
  _ finder: inout PathFinder, _ model: Model, _ world: WorldGraph, _ space: borrowing PageSpace,
  _ start: UInt32, _ goal: UInt32, _ costMax: UInt32, _ budget: Int, _ outcomes: inout Set<Int>
) -> Bool {
  let truth = model.costs(to: Int(goal))[Int(start)]
  let reach = finder.cost(from: start, to: goal, nodeBudget: 64, world, space)
  if reach != (truth.map { .within(cost: $0) } ?? .beyond) { return false }
  let near = finder.reachableWithin(
    from: start, to: goal, costMax: costMax, nodeBudget: budget, world, space)
  switch near {
  case .within(let cost):
    outcomes.insert(0)
    let direct = model.edges[Int(start)].indices.first { direction in
      model.neighbour(Int(start), direction) == Int(goal)
    }
    let edge = direct.map { UInt32(model.edges[Int(start)][$0] * model.cost($0)) } ?? 0
    if cost != truth && cost != edge || cost > costMax { return false }
  case .beyond:
    outcomes.insert(1)
    if let truth, truth <= costMax { return false }
  case .budgetSpent: outcomes.insert(2)
  }
  if case .budgetSpent = finder.path(from: start, to: goal, nodeBudget: budget, world, space) {
    outcomes.insert(3)
  }
  let steps = model.path(from: Int(start), to: Int(goal))
  switch finder.path(from: start, to: goal, nodeBudget: 64, world, space) {
  case .found(let path):
    outcomes.insert(4)
    let diagonals = steps?.count { model.eight && $0 % 2 == 1 }
    return path.cost == truth && path.diagonalCount == diagonals
      && (0..<path.stepCount).map { UInt8(Int(finder.step($0)) % world.degree) } == steps
  case .beyond:
    outcomes.insert(5)
    return steps == nil
  case .budgetSpent: return false
  }
}

/// Integer costs order paths as real lengths do: whether fewer
/// than 13,860 diagonals are longer than so many straights is decided alike, at every close call.
@Test func costsOrderAsLengthsDo() {
  // d diagonals against s straights: 19,601 d < 13,860 s exactly when 2 d² < s².
  for diagonals in 1..<13_860 {
    let straights = diagonals * 19_601 / 13_860
    for straights in straights...(straights + 1) {
      let byCost = 19_601 * diagonals < 13_860 * straights
      #expect(byCost == (2 * diagonals * diagonals < straights * straights))
    }
  }
}

/// The queue gives entries back in order, whatever was dropped from it in between.
@Test func heapLeavesInOrder() {
  #expect(
    forAll(cases: 300) { random in
      var heap = DistanceHeap(capacity: 64)
      var model: [UInt64] = []
      for _ in 0..<200 {
        if random.chance(60) && !heap.isFull {
          let entry = random.next() % 100
          heap.push(entry)
          model.append(entry)
        } else if random.chance(5) {
          let kept = (0..<heap.count).map { heap[$0] }.filter { $0 % 3 != 0 }
          for (at, entry) in kept.enumerated() { heap[at] = entry }
          heap.keepFirst(kept.count)
          model.removeAll { $0 % 3 == 0 }
        } else {
          model.sort(by: >)
          if heap.first != model.last || heap.popFirst() != model.popLast() { return false }
        }
        if heap.count != model.count { return false }
      }
      return true
    })
}
