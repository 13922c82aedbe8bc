internal import Bounded
internal import Pages

/// How the field's repairs look around a node: which edges lead onto it and away, what they cost,
/// and which keys lie at their other ends.
///
/// The repairs are written once, over this; each way of looking is a type, so that the loops over a
/// grid's few directions are compiled on their own. All of them say the same of the same world, in
/// the same order.
protocol FieldGround {
  /// Calls `body` with each edge onto `node` at whose tail there is a key that `isWanted`: tail,
  /// key and cost, 0 of a closed one. It may give the tail another key.
  ///
  /// - Parameter isWanted: Asked with the tail's key and no more than the edge's cost; depends on
  ///   these alone.
  /// - Returns: The work that it was.
  func forEachTail<State: ~Copyable>(
    of node: Int, _ field: TreasureField, _ space: inout PageSpace, _ state: inout State,
    where isWanted: (UInt64, UInt64) -> Bool,
    do body: (Int, UInt64, UInt64, inout PageSpace, inout State) -> Void
  ) -> Int

  /// As `forEachTail`, but for the cost; and besides the best key that the node's neighbours offer
  /// it, those left out that are wanted, or were.
  ///
  /// - Parameter body: Gives the tail the key 0.
  func takeTails<State: ~Copyable>(
    of node: Int, _ field: TreasureField, _ space: inout PageSpace, _ state: inout State,
    where isWanted: (UInt64) -> Bool,
    do body: (Int, UInt64, inout PageSpace, inout State) -> Void
  ) -> (offer: UInt64, work: Int)

  /// The best key that the neighbours of a node offer it; 0 when none does.
  func bestOffer(_ node: Int, _ field: TreasureField, _ space: borrowing PageSpace) -> UInt64

  /// Whether some neighbour's key plus the edge to it gives `key`, or less where it has not been
  /// handed on yet.
  func isSupported(
    _ node: Int, _ key: UInt64, _ field: TreasureField, _ space: borrowing PageSpace
  ) -> Bool
}

/// Any world: edges by cursor.
struct EveryGround: FieldGround {
  /// Whether the world has edges that were added.
  let hasAdded: Bool

  @inline(__always)
  func forEachTail<State: ~Copyable>(
    of node: Int, _ field: TreasureField, _ space: inout PageSpace, _ state: inout State,
    where isWanted: (UInt64, UInt64) -> Bool,
    do body: (Int, UInt64, UInt64, inout PageSpace, inout State) -> Void
  ) -> Int {
    var edges = InEdges(node, field.world, space, hasAdded: hasAdded)
    var seen = 0
    while let edge = edges.next(field.world, space) {
      seen &+= 1
      let key = field.rows.load(edge.tail, space)
      if !isWanted(key, edge.least) { continue }
      body(edge.tail, key, field.world.cost(edge, space), &space, &state)
    }
    return Self.work(edges: seen)
  }

  @inline(__always)
  func takeTails<State: ~Copyable>(
    of node: Int, _ field: TreasureField, _ space: inout PageSpace, _ state: inout State,
    where isWanted: (UInt64) -> Bool,
    do body: (Int, UInt64, inout PageSpace, inout State) -> Void
  ) -> (offer: UInt64, work: Int) {
    var edges = InEdges(node, field.world, space, hasAdded: hasAdded)
    var seen = 0
    while let edge = edges.next(field.world, space) {
      seen &+= 1
      let key = field.rows.load(edge.tail, space)
      if isWanted(key) { body(edge.tail, key, &space, &state) }
    }
    var away = OutEdges(node, field.world, space, hasAdded: hasAdded)
    var best: UInt64 = 0
    while let edge = away.next(field.world, space) {
      let key = field.rows.load(edge.head, space)
      if key == 0 || isWanted(key) { continue }
      best = TreasureField.nearer(best, field.offer(key, edge.cost))
    }
    return (best, Self.work(edges: seen))
  }

  @inline(__always)
  func bestOffer(_ node: Int, _ field: TreasureField, _ space: borrowing PageSpace) -> UInt64 {
    var edges = OutEdges(node, field.world, space, hasAdded: hasAdded)
    var best: UInt64 = 0
    while let edge = edges.next(field.world, space) {
      let key = field.rows.load(edge.head, space)
      if key == 0 { continue }
      best = TreasureField.nearer(best, field.offer(key, edge.cost))
    }
    return best
  }

  @inline(__always)
  func isSupported(
    _ node: Int, _ key: UInt64, _ field: TreasureField, _ space: borrowing PageSpace
  ) -> Bool {
    var edges = OutEdges(node, field.world, space, hasAdded: hasAdded)
    while let edge = edges.next(field.world, space) {
      let beside = field.rows.load(edge.head, space)
      if TreasureField.supports(beside, key, edge.cost) { return true }
    }
    return false
  }

  /// Work is counted in nodes; one with many edges counts as more, so that no event adds more than
  /// eight nodes to a region or a queue for each that it may look at, and those of one last node.
  @inline(__always)
  private static func work(edges: Int) -> Int { 1 &+ max(0, edges &- 1) &>> 3 }
}

/// A grid of four or eight directions to which no edge was added. A step leads back where it came
/// from, so one look at the keys around a node serves the edges of both ways; it has few edges, so
/// each look is one node of work.
struct GridGround<let degree: Int>: FieldGround {
  @inline(__always)
  func forEachTail<State: ~Copyable>(
    of node: Int, _ field: TreasureField, _ space: inout PageSpace, _ state: inout State,
    where isWanted: (UInt64, UInt64) -> Bool,
    do body: (Int, UInt64, UInt64, inout PageSpace, inout State) -> Void
  ) -> Int {
    let keys = keys(around: node, field, space)
    var wanted = 0
    for direction in 0..<degree where isWanted(keys[direction], Self.cost(direction)) {
      wanted |= 1 &<< direction
    }
    wanted &= field.world.inside(node)
    while wanted != 0 {
      let direction = wanted.trailingZeroBitCount
      wanted &= wanted &- 1
      let tail = node &+ field.world.compass.delta(direction)
      let cost = cost(from: tail, (direction &+ degree &>> 1) & (degree &- 1), field, space)
      body(tail, keys[direction], cost, &space, &state)
    }
    return 1
  }

  @inline(__always)
  func takeTails<State: ~Copyable>(
    of node: Int, _ field: TreasureField, _ space: inout PageSpace, _ state: inout State,
    where isWanted: (UInt64) -> Bool,
    do body: (Int, UInt64, inout PageSpace, inout State) -> Void
  ) -> (offer: UInt64, work: Int) {
    var keys = keys(around: node, field, space)
    let inside = field.world.inside(node)
    var (wanted, others) = (0, 0)
    for direction in 0..<degree {
      wanted |= (isWanted(keys[direction]) ? 1 : 0) &<< direction
      others |= (keys[direction] != 0 ? 1 : 0) &<< direction
    }
    wanted &= inside
    others &= inside & ~wanted
    while wanted != 0 {
      let direction = wanted.trailingZeroBitCount
      wanted &= wanted &- 1
      body(node &+ field.world.compass.delta(direction), keys[direction], &space, &state)
      keys[direction] = 0
    }
    return (others == 0 ? 0 : bestOffer(node, keys, field, space), 1)
  }

  @inline(__always)
  func bestOffer(_ node: Int, _ field: TreasureField, _ space: borrowing PageSpace) -> UInt64 {
    bestOffer(node, keys(around: node, field, space), field, space)
  }

  @inline(__always)
  func isSupported(
    _ node: Int, _ key: UInt64, _ field: TreasureField, _ space: borrowing PageSpace
  ) -> Bool {
    let keys = keys(around: node, field, space)
    let row = row(node, field, space)
    var found = 0
    for direction in 0..<degree {
      let cost = WorldGraph.multiplier(row, direction) &* Self.cost(direction)
      let supports = TreasureField.supports(keys[direction], key, cost)
      found |= (supports ? 1 : 0) & (cost != 0 ? 1 : 0)
    }
    return found != 0
  }

  // MARK: Around a node

  /// The keys of the neighbours; beyond the map's rim, any.
  @inline(__always)
  private func keys(
    around node: Int, _ field: TreasureField, _ space: borrowing PageSpace
  ) -> InlineArray<degree, UInt64> {
    var keys = InlineArray<degree, UInt64>(repeating: 0)
    let width = field.world.topology.width
    let (north, south) = (max(node &- width, 0), min(node &+ width, field.rows.count &- 1))
    let (west, _, east) = field.rows.loadAround(node, space)
    if degree == 4 {
      keys[0] = east
      keys[1] = field.rows.load(south, space)
      keys[2] = west
      keys[3] = field.rows.load(north, space)
    } else {
      let above = field.rows.loadAround(north, space)
      let below = field.rows.loadAround(south, space)
      keys[0] = east
      keys[1] = below.after
      keys[2] = below.at
      keys[3] = below.before
      keys[4] = west
      keys[5] = above.before
      keys[6] = above.at
      keys[7] = above.after
    }
    return keys
  }

  /// Where no edge leads, no key is an offer.
  @inline(__always)
  private func bestOffer(
    _ node: Int, _ keys: InlineArray<degree, UInt64>, _ field: TreasureField,
    _ space: borrowing PageSpace
  ) -> UInt64 {
    let row = row(node, field, space)
    var best: UInt64 = 0
    for direction in 0..<degree {
      let key = keys[direction]
      let cost = WorldGraph.multiplier(row, direction) &* Self.cost(direction)
      let offer = field.offer(key, cost)
      best = TreasureField.nearer(best, key == 0 ? 0 : offer)
    }
    return best
  }

  /// The multipliers of the edges that leave a node, direction 0 lowest.
  @inline(__always)
  private func row(
    _ node: Int, _ field: TreasureField, _ space: borrowing PageSpace
  ) -> UInt64 {
    let (world, topology) = (field.world, field.world.topology)
    let edited =
      degree == 8
      ? space.load(world.rowAddress &+ node &<< 3, as: UInt64.self)
      : UInt64(space.load(world.rowAddress &+ node &<< 2, as: UInt32.self))
    if topology.hasWeights { return edited ^ topology.weights(node) }
    return edited ^ WorldGraph.spread(topology.directions(node) & 0xff)
  }

  /// The cost of the edge that leaves `tail` in a direction, 0 when it is closed.
  @inline(__always)
  private func cost(
    from tail: Int, _ direction: Int, _ field: TreasureField, _ space: borrowing PageSpace
  ) -> UInt64 {
    let topology = field.world.topology
    let at = tail &<< (degree == 8 ? 3 : 2) &+ direction
    let edited = UInt64(space.load(field.world.rowAddress &+ at, as: UInt8.self))
    let built =
      topology.hasWeights
      ? UInt64(topology.rows.load(at, as: UInt8.self))
      : UInt64(truncatingIfNeeded: topology.directions(tail) &>> direction & 1)
    return (edited ^ built) &* Self.cost(direction)
  }

  /// The cost of a step in a direction over an edge with multiplier 1.
  @inline(__always)
  private static func cost(_ direction: Int) -> UInt64 {
    if degree == 4 { return UInt64(Neighbourhood.four.straightCost) }
    let eight = Neighbourhood.eight
    return UInt64(direction & 1 == 0 ? eight.straightCost : eight.diagonalCost)
  }
}
