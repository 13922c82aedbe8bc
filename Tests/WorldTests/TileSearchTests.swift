import Bounded
import Pages
import Testing
import Testkit
import World

// Searches in tiles. Not verified here: how long they take (`veltrix bench graph`).

/// Costs to one node and the walk with the lowest directions, from the definitions alone.
private struct Oracle {
  let costs: [UInt64]
  let world: WorldGraph
  let goal: UInt32

  init(to goal: UInt32, _ world: WorldGraph, _ space: borrowing PageSpace) {
    var costs = [UInt64](repeating: .max, count: world.nodeCount)
    var queue = [goal]
    costs[Int(goal)] = 0
    var at = 0
    while at < queue.count {
      let head = queue[at]
      at += 1
      for direction in 0..<4 as Range<UInt8> {
        // Who lies behind `head` as seen in this direction.
        guard let tail = world.neighbour(head, (direction + 2) & 3),
          let step = world.cost(tail, direction, space)
        else { continue }
        let offer = costs[Int(head)] + UInt64(step)
        if offer < costs[Int(tail)] {
          costs[Int(tail)] = offer
          queue.append(tail)
        }
      }
    }
    (self.costs, self.world, self.goal) = (costs, world, goal)
  }

  /// Ids of the edges of the walk; nil where there is none.
  func path(from start: UInt32, _ space: borrowing PageSpace) -> [UInt32]? {
    if costs[Int(start)] == .max { return nil }
    var ids: [UInt32] = []
    var node = start
    while node != goal {
      for direction in 0..<4 as Range<UInt8> {
        guard let step = world.cost(node, direction, space),
          let head = world.neighbour(node, direction), costs[Int(head)] != .max,
          costs[Int(head)] + UInt64(step) == costs[Int(node)]
        else { continue }
        ids.append(node * 4 + UInt32(direction))
        node = head
        break
      }
    }
    return ids
  }
}

/// A grid of four ways with walls; its steps cost what `weights` draws, or what the map says.
func fourWays(
  _ random: inout TestRandom, width: Int, height: Int, costMax: Int
) -> Topology {
  let wallPercent = [0, 0, 10, 35][random.below(4)]
  let cells = Slab(byteCount: width * height)
  for node in 0..<width * height {
    let cell: Character = random.chance(wallPercent) ? "@" : "."
    cells.store(cell.asciiValue!, node)
  }
  if random.chance(30) {
    return Topology(grid: cells, width: width, height: height, neighbourhood: .four)
  }
  let weights = (0..<width * height * 4).map { _ in UInt8(random.below(costMax) + 1) }
  return Topology(
    grid: cells, width: width, height: height, neighbourhood: .four,
    weights: { weights[$0 * 4 + $1] })
}

func edit(
  _ count: Int, _ costMax: Int, _ world: WorldGraph, _ space: inout PageSpace,
  _ random: inout TestRandom
) {
  var changes = EdgeChanges()
  for _ in 0..<count {
    let node = UInt32(random.below(world.nodeCount))
    if random.chance(10) {
      _ = world.setBlock(node, open: !world.isOpen(node, space), &space, &changes)
    } else {
      let multiplier = random.chance(15) ? 0 : random.below(costMax) + 1
      _ = world.setEdge(
        node, UInt8(random.below(4)), multiplier: UInt8(multiplier), &space)
    }
  }
}

private func found(_ finder: borrowing PathFinder, _ answer: PathAnswer) -> [UInt32]? {
  guard case .found(let path) = answer else { return nil }
  return (0..<path.stepCount).map { finder.step($0) }
}

private func cost(_ answer: PathAnswer) -> UInt32? {
  guard case .found(let path) = answer else { return nil }
  return path.cost
}

/// Whole paths, edge by edge, are the oracle's: on odd shapes, with one-way edges, many ways as
/// cheap, terrain and walls, after edits, on forks, and with other searches in the same memory
/// between; whatever registers the processor has.
@Test(.serialized, arguments: [0, 1, 2]) func tilesFindTheOraclesPaths(width: Int) {
  defer { _ = SlabView.limitTiles(toWidth: 2) }
  if SlabView.limitTiles(toWidth: width) != width {
    return print("tilesFindTheOraclesPaths: the processor has no registers of \(16 << width) bytes")
  }
  var finder = PathFinder(nodeBudgetMax: 150_000, wholeGrids: true)
  var outcomes: Set<String> = []
  #expect(
    forAll(cases: 60) { random in
      let shapes = [(random.below(120) + 1, random.below(120) + 1), (1, 200), (300, 1), (33, 32)]
      let (width, height) = shapes[random.below(4)]
      let costMax = [1, 2, 16, 255][random.below(4)]
      var layout = PageLayout()
      let map = fourWays(&random, width: width, height: height, costMax: costMax)
      let world = WorldGraph("world", map, addedMax: 8, in: &layout)
      let pool = PagePool(pageCount: layout.pageCount * 3 + 1)
      var space = PageSpace(layout, pool: pool)
      edit(random.below(400), costMax, world, &space, &random)
      let fork: PageSpace
      do throws(ForkRefusal) { fork = try space.fork() } catch { return false }
      edit(random.below(400), costMax, world, &space, &random)
      for turn in 0..<6 {
        let start = UInt32(random.below(world.nodeCount))
        let goal =
          random.chance(20)
          ? UInt32(min(Int(start) + random.below(3), world.nodeCount - 1))
          : UInt32(random.below(world.nodeCount))
        let isNow = turn % 2 == 0
        let ids: [UInt32]?
        let truth: UInt64
        if isNow {
          let oracle = Oracle(to: goal, world, space)
          (ids, truth) = (oracle.path(from: start, space), oracle.costs[Int(start)])
        } else {
          let oracle = Oracle(to: goal, world, fork)
          (ids, truth) = (oracle.path(from: start, fork), oracle.costs[Int(start)])
        }
        // The limit is of no matter but for walks that cost more.
        let costMax = random.chance(70) ? distanceMax : UInt32(random.below(800))
        let answer =
          isNow
          ? finder.path(from: start, to: goal, costMax: costMax, nodeBudget: 1, world, space)
          : finder.path(from: start, to: goal, costMax: costMax, nodeBudget: 1, world, fork)
        if truth > UInt64(costMax) {
          outcomes.insert(ids == nil ? "none" : "too dear")
          if answer != .beyond { return false }
        } else {
          outcomes.insert("found")
          guard case .found(let path) = answer, UInt64(path.cost) == truth,
            path.diagonalCount == 0, found(finder, answer) == ids
          else { return false }
        }
        if random.chance(30) {
          outcomes.insert("labelled")
          let reach = finder.cost(from: start, to: goal, nodeBudget: 150_000, world, space)
          let now = Oracle(to: goal, world, space).costs[Int(start)]
          if reach != (now == .max ? .beyond : .within(cost: UInt32(now))) { return false }
        }
      }
      return true
    })
  #expect(outcomes == ["found", "none", "too dear", "labelled"])
}

/// Where costs in a tile lie too far apart, as in a winding corridor of dear steps, and where edges
/// were added, nodes are labelled instead, and the answer is the same.
@Test func tilesGiveUpWhereCostsDoNotFit() {
  // A corridor that winds through every second row.
  let side = 31
  let rows = (0..<side).map { y -> String in
    if y % 2 == 0 { return String(repeating: ".", count: side) }
    let wall = String(repeating: "@", count: side - 1)
    return y % 4 == 1 ? wall + "." : "." + wall
  }
  let cells = Slab(byteCount: side * side)
  for (at, byte) in rows.joined().utf8.enumerated() { cells.store(byte, at) }
  for dear in [58, 255] as [UInt8] {
    var layout = PageLayout()
    let map = Topology(
      grid: cells, width: side, height: side, neighbourhood: .four, weights: { _, _ in dear })
    let world = WorldGraph("world", map, addedMax: 8, in: &layout)
    var space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 1))
    var finder = PathFinder(nodeBudgetMax: 150_000, wholeGrids: true)
    let goal = UInt32(side * side - 1)
    let steps = UInt32(15 * (side - 1) + 30)
    let answer = finder.path(from: 0, to: goal, nodeBudget: 150_000, world, space)
    #expect(cost(answer) == steps * UInt32(dear))
    #expect(found(finder, answer) == Oracle(to: goal, world, space).path(from: 0, space))
    // The walk has more labels than one: only the labelled search minds the budget.
    let few = finder.path(from: 0, to: goal, nodeBudget: 9, world, space)
    #expect((few == .budgetSpent) == (dear == 255))
    let added = world.addEdge(from: 0, to: goal, cost: 7, &space).id
    let portal = finder.path(from: 0, to: goal, nodeBudget: 9_999, world, space)
    #expect(cost(portal) == 7 && found(finder, portal) == added.map { [$0] })
  }
}

/// A search that finds no room for another tile, or for another step, says so, and the next one is
/// none the worse for it.
@Test func tilesWithoutRoomAreSpent() {
  let side = 200
  let rows = [String](repeating: String(repeating: ".", count: side), count: side)
  var layout = PageLayout()
  let world = WorldGraph("world", blockMap(rows, eight: false), addedMax: 8, in: &layout)
  let space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 1))
  var finder = PathFinder(
    nodeBudgetMax: 150_000, heapCapacity: 150_000, wholeGrids: true, tileMax: 8)
  let last = UInt32(side * side - 1)
  for _ in 0..<3 {
    #expect(finder.path(from: 0, to: last, nodeBudget: 150_000, world, space) == .budgetSpent)
    let near = finder.path(from: 0, to: 40, nodeBudget: 150_000, world, space)
    #expect(cost(near) == 40 && found(finder, near) == (0..<40).map { UInt32($0 * 4) })
  }
}

/// Over open ground all ways within a rectangle are as cheap; the one told has the lowest ids.
@Test func tilesOverOpenGroundGoEastFirst() {
  let (width, height) = (700, 500)
  let rows = [String](repeating: String(repeating: ".", count: width), count: height)
  var layout = PageLayout()
  let world = WorldGraph("world", blockMap(rows, eight: false), addedMax: 8, in: &layout)
  let space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 1))
  var finder = PathFinder(nodeBudgetMax: 150_000, wholeGrids: true)
  let goal = UInt32(width * height - 1)
  let answer = finder.path(from: 0, to: goal, nodeBudget: 1, world, space)
  let east = (0..<width - 1).map { UInt32($0 * 4) }
  let south = (0..<height - 1).map { UInt32(($0 * width + width - 1) * 4 + 1) }
  #expect(found(finder, answer) == east + south)
}
