internal import Bounded
internal import Pages

extension PathFinder {
  struct Query {
    let start: UInt32
    let goal: UInt32
    let costMax: UInt32
    let nodeBudget: Int
    /// Whether to go on until every node on a cheapest walk has its exact cost.
    let exploresTies: Bool
  }

  struct Label: BitwiseCopyable {
    var node: UInt32
    /// Cost of the cheapest walk known from the node to the goal.
    var cost: UInt32
    /// Least cost that any walk from the start to the node can have.
    var estimate: UInt32
  }

  /// Labels nodes with their cost to the goal until the start's is known to be exact.
  mutating func search(
    _ query: Query, _ world: WorldGraph, _ space: borrowing PageSpace
  ) -> Reach {
    precondition(Int(query.start) < world.nodeCount && Int(query.goal) < world.nodeCount)
    precondition(query.nodeBudget > 0 && query.nodeBudget <= nodeBudgetMax)
    precondition(query.costMax <= distanceMax)
    begin()
    let start = world.topology.place(query.start)
    hasEstimate = world.topology.form != .network && world.added.isEmpty(space)
    let far = estimate(world.topology.place(query.goal), start, world)
    if far > UInt64(query.costMax) { return .beyond }
    let first = Label(node: query.goal, cost: 0, estimate: UInt32(far))
    let slot = find(query.goal).slot
    append(first, slot)
    heap.push(far << 32 | UInt64(~UInt32(0)))
    var best: UInt32?
    while let entry = heap.first {
      if let best, entry >> 32 > UInt64(best) { break }
      _ = heap.popFirst()
      let label = label(Int(~UInt32(truncatingIfNeeded: entry)))
      if UInt64(label.cost) + UInt64(label.estimate) != entry >> 32 { continue }  // stale
      if label.node == query.start {
        best = label.cost
        if !query.exploresTies { break }
        continue
      }
      if !expand(label, start, query, world, space) { return .budgetSpent }
    }
    if let best { return .within(cost: best) }
    return .beyond
  }

  /// Improves the nodes from which one step leads to `label`'s node; false when the budget is
  /// spent.
  @inline(__always)
  private mutating func expand(
    _ label: Label, _ start: (x: Int, y: Int, z: Int), _ query: Query, _ world: WorldGraph,
    _ space: borrowing PageSpace
  ) -> Bool {
    var edges = InEdges(Int(label.node), world, space)
    while let edge = edges.next(world, space) {
      let beside = edge.tail
      let walk = world.cost(edge, space)
      if walk == 0 { continue }
      let cost = UInt64(label.cost) &+ walk
      let (index, slot) = find(UInt32(truncatingIfNeeded: beside))
      var known: Label
      if let index {
        known = self.label(index)
        if UInt64(known.cost) <= cost { continue }
        known.cost = UInt32(truncatingIfNeeded: cost)
        relabel(known, index)
      } else {
        let there = world.topology.place(UInt32(truncatingIfNeeded: beside))
        let far = hasEstimate ? estimate(there, start, world) : 0
        if cost &+ far > UInt64(query.costMax) { continue }
        if labelCount == query.nodeBudget { return false }
        known = Label(
          node: UInt32(truncatingIfNeeded: beside), cost: UInt32(truncatingIfNeeded: cost),
          estimate: UInt32(truncatingIfNeeded: far))
        append(known, slot)
        push(known, labelCount &- 1)
      }
    }
    return true
  }

  /// Writes down the steps of the path once all nodes on cheapest walks are labelled exactly.
  mutating func walk(
    from start: UInt32, to goal: UInt32, cost: UInt32, _ world: WorldGraph,
    _ space: borrowing PageSpace
  ) -> Path {
    var path = Path(cost: cost)
    var node = start
    var left = cost
    while node != goal {
      let step = step(from: node, left: left, world, space)
      steps.store(world.id(Int(node), slot: step.slot, space), stepCount * 4)
      stepCount += 1
      if step.slot < world.degree {
        let (x, y, z) = world.topology.neighbourhood.offset(step.slot)
        let axes = abs(x) + abs(y) + abs(z)
        if axes == 2 { path.diagonalCount += 1 }
        if axes == 3 { path.cornerCount += 1 }
      }
      node = step.head
      left = step.left
    }
    path.stepCount = stepCount
    return path
  }

  /// The edge with the lowest id from `node` that stays on a cheapest walk, and the cost left after
  /// it.
  private func step(
    from node: UInt32, left: UInt32, _ world: WorldGraph, _ space: borrowing PageSpace
  ) -> (slot: Int, head: UInt32, left: UInt32) {
    var edges = OutEdges(Int(node), world, space)
    while let edge = edges.next(world, space) {
      let head = UInt32(edge.head)
      guard let index = find(head).index else { continue }
      let theirs = label(index).cost
      if UInt64(theirs) + edge.cost == UInt64(left) { return (edge.slot, head, theirs) }
    }
    preconditionFailure("no step from node \(node) keeps a cost of \(left)")
  }

  /// The cost of a walk from `to` to `from`, both places of a grid or of voxels, where nothing is
  /// in the way and every multiplier is 1; 0 where nothing is known.
  @inline(__always)
  private func estimate(
    _ from: (x: Int, y: Int, z: Int), _ to: (x: Int, y: Int, z: Int), _ world: WorldGraph
  ) -> UInt64 {
    if !hasEstimate { return 0 }
    let dx = abs(from.x &- to.x)
    let dy = abs(from.y &- to.y)
    switch world.topology.neighbourhood {
    case .four: return UInt64(truncatingIfNeeded: dx &+ dy)
    case .eight:
      let straight = UInt64(Neighbourhood.eight.straightCost)
      let diagonal = UInt64(Neighbourhood.eight.diagonalCost)
      let both = UInt64(truncatingIfNeeded: min(dx, dy))
      return UInt64(truncatingIfNeeded: max(dx, dy)) &* straight &+ both &* (diagonal &- straight)
    case .walk:
      // A level climbed costs one more, a level fallen nothing.
      return UInt64(truncatingIfNeeded: dx &+ dy &+ max(0, from.z &- to.z))
    default: return Self.estimateFlying(dx, dy, abs(from.z &- to.z), world)
    }
  }

  private static func estimateFlying(
    _ dx: Int, _ dy: Int, _ dz: Int, _ world: WorldGraph
  ) -> UInt64 {
    let neighbourhood = world.topology.neighbourhood
    if neighbourhood == .six { return UInt64(dx + dy + dz) }
    let (least, most) = (min(dx, dy, dz), max(dx, dy, dz))
    let middle = dx + dy + dz - least - most
    let (straight, diagonal, corner) = (
      Int(neighbourhood.straightCost), Int(neighbourhood.diagonalCost),
      Int(neighbourhood.cornerCost)
    )
    return UInt64(
      least * corner + (middle - least) * diagonal + (most - middle) * straight)
  }

  // MARK: Tiles

  /// The path found in tiles; nil where such a search gives up.
  mutating func pathOverTiles(
    from start: UInt32, to goal: UInt32, costMax: UInt32, _ world: WorldGraph,
    _ space: borrowing PageSpace
  ) -> PathAnswer? {
    precondition(Int(start) < world.nodeCount && Int(goal) < world.nodeCount)
    precondition(costMax <= distanceMax)
    share(withTiles: true)
    do throws(TileSearch.Fault) {
      let cost = try tiles.search(from: start, to: goal, costMax: costMax, world, space)
      guard let cost else { return .beyond }
      stepCount = try tiles.walk(
        from: start, to: goal, cost: cost, steps: steps, world, space)
      return .found(Path(cost: cost, stepCount: stepCount))
    } catch {
      return error == .spent ? .budgetSpent : nil
    }
  }

  // MARK: Labels

  mutating func begin() {
    share(withTiles: false)
    heap.removeAll()
    labelCount = 0
    generation &+= 1
    if generation == 0 {  // once in 2^32 searches
      slots.zero(0, count: slots.byteCount)
      generation = 1
    }
  }

  @inline(__always) func label(_ index: Int) -> Label {
    labels.load(index &* 12, as: Label.self)
  }

  @inline(__always) mutating func append(_ label: Label, _ slot: Int) {
    labels.store(label, labelCount &* 12)
    slots.store(UInt64(truncatingIfNeeded: labelCount) | UInt64(generation) &<< 32, slot &* 8)
    labelCount &+= 1
  }

  @inline(__always) mutating func relabel(_ label: Label, _ index: Int) {
    labels.store(label, index &* 12)
    push(label, index)
  }

  /// The label of `node`, and its slot or the empty one where it would go. Sixteen nodes in a row
  /// share two cache lines, and whole groups are scattered. Probing goes on in the next group; its
  /// stride is odd, so it comes to every slot.
  @inline(__always) func find(_ node: UInt32) -> (index: Int?, slot: Int) {
    let group = Int(truncatingIfNeeded: mixed(UInt64(node &>> 4))) &<< 4
    var slot = (group | Int(node & 15)) & slotMask
    while true {
      let held = slots.load(slot &* 8, as: UInt64.self)
      if UInt32(truncatingIfNeeded: held &>> 32) != generation { return (nil, slot) }
      let index = Int(truncatingIfNeeded: held & 0xffff_ffff)
      if label(index).node == node { return (index, slot) }
      slot = (slot &+ 17) & slotMask
    }
  }

  /// Queues a label. Of equal sums the label found last leaves first, which walks straight on over
  /// open ground; the result does not depend on it.
  @inline(__always) mutating func push(_ label: Label, _ index: Int) {
    if heap.isFull { dropStale() }
    let sum = UInt64(label.cost) &+ UInt64(label.estimate)
    heap.push(sum &<< 32 | UInt64(~UInt32(truncatingIfNeeded: index)))
  }

  /// Makes room in a full heap; at most one entry a label is not stale.
  @inline(never) private mutating func dropStale() {
    var kept = 0
    for position in 0..<heap.count {
      let entry = heap[position]
      let label = label(Int(~UInt32(truncatingIfNeeded: entry)))
      if UInt64(label.cost) + UInt64(label.estimate) == entry >> 32 {
        heap[kept] = entry
        kept += 1
      }
    }
    heap.keepFirst(kept)
  }
}
