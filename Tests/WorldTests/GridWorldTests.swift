import Bounded
import Pages
import Testing
import World

/// East, south-east, south and so on, as the map is read.
private enum Way {
  static let east: UInt8 = 0, southEast: UInt8 = 1, south: UInt8 = 2, west: UInt8 = 4
}

private struct Ground: ~Copyable {
  let world: GridWorld
  var space: PageSpace

  init(_ rows: [String]) {
    var layout = PageLayout()
    world = GridWorld("world", blockMap(rows), in: &layout)
    space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 1))
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
  let change = EdgeChange(node: 0, direction: Way.southEast, old: 1, new: 9)
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
  #expect(world.setBlock(4, open: true, &ground.space).count == 0, "it is open")
  #expect(world.setBlock(4, open: false, &ground.space).count == 24)
  #expect(!world.isOpen(4, ground.space) && world.multiplier(1, Way.southEast, ground.space) == 0)
  #expect(
    world.setBlock(5, open: false, &ground.space).count == 4, "to and from 2 and 8")
  #expect(world.setBlock(4, open: true, &ground.space).count == 14, "what needs 5 stays")
  #expect(world.setBlock(5, open: true, &ground.space).count == 14)
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
