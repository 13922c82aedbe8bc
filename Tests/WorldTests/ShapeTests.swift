import Bounded
import Pages
import Testing
import World

/// One block, a corridor, a column, islands and a map of walls alone: the shapes at the edge of
/// every index calculation.
@Test(arguments: [true, false]) func oddShapes(eight: Bool) {
  let straight: UInt32 = eight ? 13_860 : 1
  let shapes: [(rows: [String], treasure: UInt32, distances: [UInt32])] = [
    (["."], 0, [0]),
    (["@"], 0, [0]),
    (["....."], 4, [4, 3, 2, 1, 0].map { $0 * straight }),
    ([".", ".", ".", "."], 0, [0, 1, 2, 3].map { $0 * straight }),
    ([".@.", ".@."], 0, [0, unreachable, unreachable, straight, unreachable, unreachable]),
    (["@@", "@@"], 3, [unreachable, unreachable, unreachable, 0]),
  ]
  for (rows, treasure, distances) in shapes {
    var layout = PageLayout()
    let world = WorldGraph("world", blockMap(rows, eight: eight), addedMax: 8, in: &layout)
    let field = TreasureField("field", over: world, in: &layout)
    let pool = PagePool(pageCount: layout.pageCount + 1)
    var space = PageSpace(layout, pool: pool)
    var scratch = FieldScratch(nodeCount: world.nodeCount)
    var finder = PathFinder(nodeBudgetMax: 16)
    let nodes = 0..<UInt32(world.nodeCount)
    #expect(nodes.allSatisfy { field.hint($0, space) == nil })
    field.open(7, at: treasure, &space, &scratch)
    #expect(nodes.map { field.distance($0, space) } == distances)
    for node in nodes {
      let reach = finder.cost(from: node, to: treasure, nodeBudget: 16, world, space)
      let distance = distances[Int(node)]
      #expect(reach == (distance == unreachable ? .beyond : .within(cost: distance)))
    }
    field.close(7, at: treasure, next: 0, &space, &scratch)
    #expect(nodes.allSatisfy { field.distance($0, space) == unreachable })
  }
}

/// Nodes farther than the longest distance are out of reach, and no sum wraps: a corridor of 1,000
/// steps at multiplier 255 is longer than 2^32.
@Test func distancesEndAtTheirMaximum() {
  var layout = PageLayout()
  let world = WorldGraph(
    "world", blockMap([String(repeating: ".", count: 1300)]), addedMax: 8, in: &layout)
  let field = TreasureField("field", over: world, in: &layout)
  let pool = PagePool(pageCount: layout.pageCount + 1)
  var space = PageSpace(layout, pool: pool)
  var scratch = FieldScratch(nodeCount: world.nodeCount)
  field.open(1, at: 0, &space, &scratch)
  for node in 1..<1300 as Range<UInt32> {
    guard case .changed(let change) = world.setEdge(node, 4, multiplier: 255, &space) else {
      Issue.record("edge \(node) was not set")
      return
    }
    field.repair(change, &space, &scratch)
  }
  let step: UInt32 = 255 * 13_860
  let last = distanceMax / step
  #expect(field.distance(last, space) == last * step)
  #expect(field.distance(last + 1, space) == unreachable)
  var finder = PathFinder(nodeBudgetMax: 4096)
  #expect(
    finder.cost(from: last, to: 0, nodeBudget: 4096, world, space) == .within(cost: last * step))
  #expect(finder.cost(from: last + 1, to: 0, nodeBudget: 4096, world, space) == .beyond)
}

/// A heap without slack fills up with stale entries, drops them, and the answers stay right: the
/// ring around the middle is first reached over its dearest edges, then again round the ring.
@Test func fullHeapsDropStaleEntries() {
  let rows = ["...", "...", "..."]
  var layout = PageLayout()
  let world = WorldGraph("world", blockMap(rows), addedMax: 8, in: &layout)
  let field = TreasureField("field", over: world, in: &layout)
  let pool = PagePool(pageCount: layout.pageCount + 1)
  var space = PageSpace(layout, pool: pool)
  var scratch = FieldScratch(nodeCount: 9, heapCapacity: 9)
  var finder = PathFinder(nodeBudgetMax: 9, heapCapacity: 9)
  var model = Model(eight: true, width: 3, rows: rows)
  for direction in 1..<8 as Range<UInt8> {
    let tail = world.neighbour(4, direction)!
    let back = (direction + 4) & 7
    _ = world.setEdge(tail, back, multiplier: 255, &space)
    model.edges[Int(tail)][Int(back)] = 255
  }
  field.open(1, at: 4, &space, &scratch)
  model.treasures = [4: [1]]
  let truth = model.field().map { $0.0 }
  for node in 0..<9 as Range<UInt32> {
    #expect(field.distance(node, space) == truth[Int(node)])
    let reach = finder.cost(from: node, to: 4, nodeBudget: 9, world, space)
    #expect(reach == .within(cost: truth[Int(node)]))
  }
}
