import Bounded
import Pages
import Testing
import Testkit
import World

/// East, south-east, south and so on, as the map is read.
private enum Way {
  static let east: UInt8 = 0, southEast: UInt8 = 1, south: UInt8 = 2, west: UInt8 = 4
}

private struct Ground: ~Copyable {
  let world: WorldGraph
  var space: PageSpace

  init(_ rows: [String]) {
    var layout = PageLayout()
    world = WorldGraph("world", blockMap(rows), addedMax: 8, in: &layout)
    space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 1))
  }

  /// How many edges it changed; nil when the block was so already.
  mutating func setBlock(_ node: UInt32, open: Bool) -> Int? {
    var changes = EdgeChanges()
    return world.setBlock(node, open: open, &space, &changes) ? changes.count : nil
  }
}

/// What each refused edge lacks is named, and closing what is closed changes nothing.
@Test func edgesObeyTheRule() {
  var ground = Ground(["..@", "...", "@.."])
  let world = ground.world
  #expect(world.setEdge(0, Way.west, multiplier: 1, &ground.space) == .refused(.offMap))
  #expect(world.setEdge(0, Way.west, multiplier: 0, &ground.space) == .refused(.offMap))
  #expect(world.setEdge(1, Way.east, multiplier: 3, &ground.space) == .refused(.blockClosed))
  #expect(world.setEdge(1, Way.east, multiplier: 0, &ground.space) == .unchanged)
  #expect(world.setEdge(1, Way.southEast, multiplier: 3, &ground.space) == .refused(.cornerClosed))
  #expect(world.setEdge(0, Way.southEast, multiplier: 1, &ground.space) == .unchanged)
  let change = EdgeChange(tail: 0, head: 4, old: 19_601, new: 176_409)
  #expect(world.setEdge(0, Way.southEast, multiplier: 9, &ground.space) == .changed(change))
  #expect(world.cost(0, Way.southEast, ground.space) == UInt32(176_409))
  #expect(world.multiplier(4, 5, ground.space) == 1, "the way back is an edge of its own")
  #expect(world.cost(1, Way.east, ground.space) == nil)
}

/// Closing a block closes the ways in, out and past its corners; opening it undoes just that.
@Test func blocksCloseAndOpen() {
  var ground = Ground(["...", "...", "..."])
  let world = ground.world
  _ = world.setEdge(4, Way.east, multiplier: 7, &ground.space)
  #expect(ground.setBlock(4, open: true) == nil, "it is open")
  #expect(ground.setBlock(4, open: false) == 24)
  #expect(!world.isOpen(4, ground.space) && world.multiplier(1, Way.southEast, ground.space) == 0)
  #expect(ground.setBlock(5, open: false) == 4, "to and from 2 and 8")
  #expect(ground.setBlock(4, open: true) == 14, "what needs 5 stays")
  #expect(ground.setBlock(5, open: true) == 14)
  #expect(world.multiplier(4, Way.east, ground.space) == 1, "its edges were forgotten")
  for node in 0..<9 as Range<UInt32> {
    for direction in 0..<8 as Range<UInt8> {
      let multiplier = world.multiplier(node, direction, ground.space)
      #expect(multiplier == (world.neighbour(node, direction) == nil ? 0 : 1))
    }
  }
  // Edges are stored XOR the map, so undoing everything leaves zeros.
  var written = 0
  ground.space.forEachWrittenPage { _, bytes in
    if bytes.withUnsafeBytes({ $0.contains { $0 != 0 } }) { written += 1 }
  }
  #expect(written == 0)
}

/// A step onto a node is told with its cost just when its edge is open, whatever was
/// edited, in either neighbourhood and at every rim; and open blocks are those of the model.
@Test func stepsOntoANodeAreThoseOfTheEdges() {
  #expect(
    forAll(cases: 100) { random in
      let eight = random.chance(60)
      let width = random.below(6) + 1
      let height = random.below(6) + 1
      let rows = randomRows(
        &random, width: width, height: height, wallPercent: [0, 20, 40][random.below(3)])
      let map = blockMap(rows, eight: eight)
      var layout = PageLayout()
      let world = WorldGraph("world", map, addedMax: 8, in: &layout)
      var space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 1))
      var open = rows.flatMap { $0.map { ".GS".contains($0) } }
      var changes = EdgeChanges()
      for _ in 0..<random.below(30) {
        let node = UInt32(random.below(world.nodeCount))
        if random.chance(20) {
          open[Int(node)].toggle()
          _ = world.setBlock(node, open: open[Int(node)], &space, &changes)
        } else {
          _ = world.setEdge(
            node, UInt8(random.below(map.neighbourhood.degree)),
            multiplier: UInt8(random.below(4)), &space)
        }
      }
      for start in 0..<UInt32(world.nodeCount) {
        if world.isOpen(start, space) != open[Int(start)] { return false }
        let (x, y, _) = map.place(start)
        for dy in -1...1 {
          for dx in -1...1 {
            guard let goal = map.node(x: x + dx, y: y + dy) else { continue }
            let direction = (0..<UInt8(map.neighbourhood.degree)).first {
              map.neighbourhood.step($0) == (dx, dy)
            }
            let step = world.step(onto: goal, dx: dx, dy: dy, space)
            guard let direction, let cost = world.cost(start, direction, space) else {
              if step != nil { return false }
              continue
            }
            let isLeast = world.multiplier(start, direction, space) == 1
            if step?.cost != cost || step?.isLeast != isLeast { return false }
          }
        }
      }
      return true
    })
}
