import Bounded
import CMallocCount
import Pages
import Testing
import World

/// Ten thousand field operations, hints and searches allocate nothing.
///
/// Counts every malloc of this thread. The space is written once before, so that its pages exist;
/// pages come from the pool and would not count, but the pool's own memory would.
@Test func fieldAndPathsDoNotAllocate() {
  var layout = PageLayout()
  let side = 128
  let rows = [String](repeating: String(repeating: ".", count: side), count: side)
  let world = WorldGraph("world", blockMap(rows), addedMax: 8, in: &layout)
  let field = TreasureField("field", over: world, in: &layout)
  let pool = PagePool(pageCount: layout.pageCount + 1)
  var space = PageSpace(layout, pool: pool)
  var scratch = FieldScratch(nodeCount: world.nodeCount)
  var finder = PathFinder(nodeBudgetMax: 4096)
  var changes = EdgeChanges()
  var random = SplitMix64(seed: 11)
  let places = Slab(byteCount: 400)
  for treasure in 0..<100 {
    places.store(UInt32(random.below(UInt64(world.nodeCount))), treasure * 4)
    field.open(
      UInt32(treasure + 1), at: places.load(treasure * 4, as: UInt32.self), &space, &scratch)
  }
  for round in 0..<2 {
    vx_malloc_count_start()
    for _ in 0..<(round == 0 ? 100 : 10_000) {
      mix(world, field, places, &random, &finder, &changes, &space, &scratch)
    }
    let count = vx_malloc_count()
    if round == 1 { #expect(count == 0) }
  }
}

private func mix(
  _ world: WorldGraph, _ field: TreasureField, _ places: Slab, _ random: inout SplitMix64,
  _ finder: inout PathFinder, _ changes: inout EdgeChanges, _ space: inout PageSpace,
  _ scratch: inout FieldScratch
) {
  let node = UInt32(random.below(UInt64(world.nodeCount)))
  switch random.below(6) {
  case 0:
    let treasure = UInt32(random.below(100))
    let place = places.load(Int(treasure) * 4, as: UInt32.self)
    // Two treasures on one node would need the next one's id; this mix moves the others only.
    for other in 0..<100 where other != Int(treasure) {
      let held = places.load(other * 4, as: UInt32.self)
      if held == place || held == node { return }
    }
    field.close(treasure + 1, at: place, next: 0, &space, &scratch)
    field.open(treasure + 1, at: node, &space, &scratch)
    places.store(node, Int(treasure) * 4)
  case 1, 2:
    let multiplier = UInt8(random.below(4))
    let direction = UInt8(random.below(8))
    if case .changed(let change) = world.setEdge(node, direction, multiplier: multiplier, &space) {
      field.repair(change, &space, &scratch)
    }
  case 3:
    if world.setBlock(node, open: !world.isOpen(node, space), &space, &changes) {
      field.repair(&changes, &space, &scratch)
    }
  case 4:
    _ = field.hint(node, space)
  default:
    let goal = UInt32(min(Int(node) + Int(random.below(300)), world.nodeCount - 1))
    _ = finder.reachableWithin(
      from: node, to: goal, costMax: 60_000, nodeBudget: 256, world, space)
    _ = finder.path(from: node, to: goal, nodeBudget: 4096, world, space)
  }
}
