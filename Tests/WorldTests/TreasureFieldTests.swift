import Bounded
import Pages
import Testing
import Testkit
import World

/// A world with a field, the model of both, and what is needed to change them together.
struct FieldPair: ~Copyable {
  let world: WorldGraph
  let field: TreasureField
  let pool: PagePool
  var space: PageSpace
  var scratch: FieldScratch
  var changes = EdgeChanges()
  var model: Model
  /// Treasures closed somewhere since nothing was left to repair.
  var closed: Set<UInt32> = []

  init(
    _ rows: [String], eight: Bool, radiusMax: UInt32 = distanceMax, workMax: Int? = nil,
    backlogRoom: Int? = nil
  ) {
    let map = blockMap(rows, eight: eight)
    var layout = PageLayout()
    world = WorldGraph("world", map, addedMax: 8, in: &layout)
    field = TreasureField(
      "field", over: world, radiusMax: radiusMax, backlogRoom: backlogRoom, in: &layout)
    pool = PagePool(pageCount: layout.pageCount * 12 + 1)
    space = PageSpace(layout, pool: pool)
    // Without slack, so that stale entries get dropped.
    scratch =
      workMax.map { FieldScratch(nodeCount: map.nodeCount, workMax: $0, degreeMax: 8) }
      ?? FieldScratch(nodeCount: map.nodeCount, heapCapacity: map.nodeCount)
    model = Model(eight: eight, width: map.width, rows: rows)
  }

  /// Whether edges, field and hints are those of `model`.
  func agrees(_ space: borrowing PageSpace, _ model: Model) -> Bool {
    let wanted = model.field(radiusMax: field.radiusMax)
    for node in 0..<world.nodeCount {
      for direction in 0..<model.degree {
        let multiplier = world.multiplier(UInt32(node), UInt8(direction), space)
        if Int(multiplier) != model.edges[node][direction] { return false }
      }
      if world.isOpen(UInt32(node), space) != model.open[node] { return false }
      let (distance, treasure) = wanted[node]
      if field.distance(UInt32(node), space) != distance { return false }
      if field.treasure(UInt32(node), space) != treasure { return false }
      guard let hint = field.hint(UInt32(node), space) else {
        if treasure != 0 { return false }
        continue
      }
      if hint.distance != distance || hint.treasure != treasure { return false }
      if !leads(UInt32(node), hint, space) { return false }
    }
    return true
  }

  /// Whether following hints from `node` reaches the treasure at exactly the promised cost, each
  /// step being the lowest direction that keeps the promise.
  func leads(_ start: UInt32, _ first: Hint, _ space: borrowing PageSpace) -> Bool {
    var node = start
    var left = first.distance
    for _ in 0...world.nodeCount {
      guard let hint = field.hint(node, space) else { return false }
      if hint.distance != left || hint.treasure != first.treasure { return false }
      if hint.direction == Hint.here { return left == 0 }
      guard let cost = world.cost(node, hint.direction, space) else { return false }
      for lower in 0..<hint.direction {
        guard let other = world.cost(node, lower, space) else { continue }
        let beside = world.neighbour(node, lower)!
        if field.treasure(beside, space) == hint.treasure
          && UInt64(field.distance(beside, space)) + UInt64(other) == UInt64(left)
        {
          return false
        }
      }
      node = world.neighbour(node, hint.direction)!
      left -= cost
    }
    return false
  }

  /// One random change made to both; false when they answer differently.
  mutating func change(_ random: inout TestRandom) -> Bool {
    let node = random.below(world.nodeCount)
    if !field.isSettling(space) { closed = [] }
    switch random.below(10) {
    case 0..<3:
      let treasure = UInt32(random.below(40) + 1)
      model.treasures[node, default: []].insert(treasure)
      field.open(treasure, at: UInt32(node), &space, &scratch)
    case 3..<6:
      let nodes = model.treasures.keys.sorted()
      if nodes.isEmpty { return true }
      let node = nodes[random.below(nodes.count)]
      let ids = model.treasures[node]!.sorted()
      let treasure = ids[random.below(ids.count)]
      model.treasures[node]!.remove(treasure)
      closed.insert(treasure)
      let next = model.treasures[node]!.min() ?? 0
      if next == 0 { model.treasures[node] = nil }
      field.close(treasure, at: UInt32(node), next: next > treasure ? next : 0, &space, &scratch)
    case 6..<9:
      return setEdge(
        node, random.below(model.degree), random.below(5) * random.below(30), random.next())
    default:
      let open = !model.open[node]
      if !world.setBlock(UInt32(node), open: open, &space, &changes) { return false }
      if changes.count != model.setBlock(node, open: open) { return false }
      field.repair(&changes, &space, &scratch)
    }
    return true
  }

  private mutating func setEdge(
    _ node: Int, _ direction: Int, _ multiplier: Int, _ chance: UInt64
  ) -> Bool {
    let multiplier = chance % 16 == 0 ? 255 : multiplier
    let edit = world.setEdge(UInt32(node), UInt8(direction), multiplier: UInt8(multiplier), &space)
    let held = model.edges[node][direction]
    if !model.allowed(node, direction) {
      if case .refused = edit { return true }
      return edit == .unchanged && multiplier == 0
    }
    if held == multiplier { return edit == .unchanged }
    model.edges[node][direction] = multiplier
    let cost = model.cost(direction)
    let change = EdgeChange(
      tail: UInt32(node), head: UInt32(model.neighbour(node, direction)!),
      old: UInt32(held * cost), new: UInt32(multiplier * cost))
    field.repair(change, &space, &scratch)
    return edit == .changed(change)
  }
}

/// After any sequence of treasures opened and closed, edges and blocks edited, the field equals one
/// computed from nothing, on small maps of both neighbourhoods, near and far sighted.
@Test func fieldEqualsFromScratch() {
  #expect(
    forAll(cases: 60) { random in
      let eight = random.chance(60)
      let width = random.below(9) + 1
      let height = random.below(9) + 1
      let rows = randomRows(
        &random, width: width, height: height, wallPercent: [0, 20, 45][random.below(3)])
      let radius = random.chance(25) ? UInt32(random.below(eight ? 80_000 : 6)) : distanceMax
      var pair = FieldPair(rows, eight: eight, radiusMax: radius)
      for _ in 0..<60 {
        if !pair.change(&random) || !pair.agrees(pair.space, pair.model) { return false }
      }
      return true
    })
}

/// Forks keep the world and the field of their moment, and go on by themselves when written.
@Test func forksKeepTheirOwnField() {
  #expect(
    forAll(cases: 12) { random in
      let rows = randomRows(&random, width: 8, height: 7, wallPercent: 20)
      var pair = FieldPair(rows, eight: random.chance(50))
      for _ in 0..<20 { if !pair.change(&random) { return false } }
      let kept = pair.model
      var fork: PageSpace
      do throws(ForkRefusal) { fork = try pair.space.fork(writable: true) } catch { return false }
      for _ in 0..<20 { if !pair.change(&random) { return false } }
      if !pair.agrees(pair.space, pair.model) || !pair.agrees(fork, kept) { return false }
      let live = pair.model
      swap(&fork, &pair.space)
      pair.model = kept
      for _ in 0..<20 { if !pair.change(&random) { return false } }
      return pair.agrees(pair.space, pair.model) && pair.agrees(fork, live)
    })
}

/// Rebuilding gives the bytes that repairing gave.
@Test func rebuildChangesNothing() {
  #expect(
    forAll(cases: 20) { random in
      let rows = randomRows(&random, width: 12, height: 9, wallPercent: 25)
      var pair = FieldPair(rows, eight: random.chance(50))
      for _ in 0..<40 { if !pair.change(&random) { return false } }
      let before = pair.space.digest()
      let open = pair.model.treasures.flatMap { node, ids in
        ids.map { (treasure: $0, node: UInt32(node)) }
      }
      pair.field.rebuild(open, &pair.space, &pair.scratch)
      return pair.agrees(pair.space, pair.model) && pair.space.digest() == before
    })
}

/// History leaves no trace: a world set up straight to the same blocks, edges and treasures has the
/// same digest as one that got there by opening, closing and editing.
@Test func historyLeavesNoTrace() {
  #expect(
    forAll(cases: 20) { random in
      let eight = random.chance(50)
      let rows = randomRows(&random, width: 12, height: 9, wallPercent: 25)
      var lived = FieldPair(rows, eight: eight)
      for _ in 0..<60 { if !lived.change(&random) { return false } }
      var fresh = FieldPair(rows, eight: eight)
      for node in 0..<UInt32(lived.world.nodeCount) {
        _ = fresh.world.setBlock(
          node, open: lived.model.open[Int(node)], &fresh.space, &fresh.changes)
      }
      for (node, multipliers) in lived.model.edges.enumerated() {
        for (direction, multiplier) in multipliers.enumerated() {
          _ = fresh.world.setEdge(
            UInt32(node), UInt8(direction), multiplier: UInt8(multiplier), &fresh.space)
        }
      }
      for (node, ids) in lived.model.treasures {
        for treasure in ids {
          fresh.field.open(treasure, at: UInt32(node), &fresh.space, &fresh.scratch)
        }
      }
      return fresh.space.digest() == lived.space.digest()
    })
}

/// A world of several strips, each of which is computed for itself first, has the field that opening
/// its treasures one by one gives.
@Test func seamsLeaveNoTrace() {
  #expect(
    forAll(cases: 8) { random in
      let rows = randomRows(
        &random, width: 3 + random.below(6), height: 60 + random.below(150),
        wallPercent: random.below(40))
      var pair = FieldPair(rows, eight: random.chance(50))
      let count = pair.world.nodeCount
      for _ in 0..<count {
        let multiplier = UInt8(1 + random.below(16))
        _ = pair.world.setEdge(
          UInt32(random.below(count)), UInt8(random.below(pair.model.degree)),
          multiplier: multiplier, &pair.space)
      }
      var treasures: [(treasure: UInt32, node: UInt32)] = []
      for id in 1...UInt32(1 + random.below(20)) {
        treasures.append((treasure: id, node: UInt32(random.below(count))))
      }
      for (treasure, node) in treasures {
        pair.field.open(treasure, at: node, &pair.space, &pair.scratch)
      }
      let opened = pair.space.digest()
      pair.field.rebuild(treasures, &pair.space, &pair.scratch)
      return pair.space.digest() == opened
    })
}
