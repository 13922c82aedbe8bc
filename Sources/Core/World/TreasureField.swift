public import Pages

/// For every node, the nearest open treasure and how far it is to walk there.
///
/// The key of a node is (distance, treasure id) and the smallest wins, so the field is a pure
/// function of the edges and of the open treasures, never of history. Distances are costs of
/// walking *from* the node along directed edges, in units of the neighbourhood, at most
/// `radiusMax`.
///
/// Row of a node, 8 bytes, zero where no treasure is in reach:
///
///     offset   bytes   field
///     0        4       treasure id, 1...
///     4        4       distance, 0...radiusMax
///
/// It is a place, not memory: the space is passed to every call, and a fork of the space forks the
/// field. After an edit of the world call `repair` before anything else reads the field.
public struct TreasureField: Sendable {
  public let world: WorldGraph
  /// Farthest a treasure is seen, in the neighbourhood's unit; also bounds the work of an event.
  public let radiusMax: UInt32
  @usableFromInline let rows: PagedArray<UInt64>
  @usableFromInline let backlog: FieldBacklog

  /// Reserves 8 bytes a node of `world` in `layout`, and 2 for work that is put off.
  ///
  /// - Parameter radiusMax: `0...distanceMax`, in the neighbourhood's unit.
  public init(
    _ name: String, over world: WorldGraph, radiusMax: UInt32 = distanceMax,
    in layout: inout PageLayout
  ) {
    self.init(name, over: world, radiusMax: radiusMax, backlogRoom: nil, in: &layout)
  }

  /// For tests: a backlog whose rim has room for `backlogRoom` nodes.
  package init(
    _ name: String, over world: WorldGraph, radiusMax: UInt32, backlogRoom: Int?,
    in layout: inout PageLayout
  ) {
    precondition(radiusMax <= distanceMax)
    self.world = world
    self.radiusMax = radiusMax
    rows = PagedArray(name, count: world.nodeCount, in: &layout)
    backlog = FieldBacklog(name, nodeCount: world.nodeCount, room: backlogRoom, in: &layout)
  }

  /// Where a walker at `node` should go.
  ///
  /// - Returns: The nearest treasure, or nil when none is in reach. Of the steps that lie on a
  ///   cheapest way to it, the one with the lowest id.
  /// - Complexity: O(degree); no more than 10 loads in a grid.
  @inlinable @inline(__always)
  public func hint(_ node: UInt32, _ space: borrowing PageSpace) -> Hint? {
    if !world.isGrid || !world.added.isEmpty(space) { return hintElsewhere(node, space) }
    let (west, key, east) = rows.loadAround(Int(node), space)
    if key == 0 { return nil }
    var hint = Hint(
      distance: UInt32(truncatingIfNeeded: key &>> 32), treasure: UInt32(truncatingIfNeeded: key),
      direction: Hint.here)
    if hint.distance == 0 { return hint }
    let width = world.topology.width
    let above = rows.loadAround(max(Int(node) &- width, 0), space)
    let below = rows.loadAround(min(Int(node) &+ width, rows.count &- 1), space)
    let multipliers = world.row(Int(node), space)
    // Every direction is looked at and none branched on: which one it is cannot be foreseen. What
    // lies beyond the map's rim is not its neighbour's key, and no edge leads there.
    var steps = Step(key: key, multipliers: multipliers, cost: world.compass.cost(0))
    if world.compass.degree == 8 {
      steps.look(0, at: east)
      steps.look(2, at: below.at)
      steps.look(4, at: west)
      steps.look(6, at: above.at)
      steps.cost = world.compass.cost(1)
      steps.look(1, at: below.after)
      steps.look(3, at: below.before)
      steps.look(5, at: above.before)
      steps.look(7, at: above.after)
    } else {
      steps.look(0, at: east)
      steps.look(1, at: below.at)
      steps.look(2, at: west)
      steps.look(3, at: above.at)
    }
    precondition(
      steps.found != 0, "a node's field does not fit its edges; was a repair left out?")
    hint.direction = UInt8(truncatingIfNeeded: steps.found.trailingZeroBitCount)
    return hint
  }

  @usableFromInline @inline(never)
  func hintElsewhere(_ node: UInt32, _ space: borrowing PageSpace) -> Hint? {
    let key = rows.load(Int(node), space)
    if key == 0 { return nil }
    let distance = UInt32(truncatingIfNeeded: key >> 32)
    var hint = Hint(
      distance: distance, treasure: UInt32(truncatingIfNeeded: key), direction: Hint.here)
    if distance == 0 { return hint }
    guard let slot = slotOfStep(node, space) else {
      preconditionFailure("a node's field does not fit its edges; was a repair left out?")
    }
    hint.direction = world.direction(of: world.id(Int(node), slot: slot, space))
    return hint
  }

  /// The place, among the edges that leave `node`, of the lowest on a cheapest way to its treasure;
  /// nil where it has none, or is there.
  private func slotOfStep(_ node: UInt32, _ space: borrowing PageSpace) -> Int? {
    let key = rows.load(Int(node), space)
    var edges = OutEdges(Int(node), world, space)
    while let edge = edges.next(world, space) {
      if Self.owes(key, to: rows.load(edge.head, space), edge.cost) { return edge.slot }
    }
    return nil
  }

  /// The id of the edge that a hint at `node` names, and the node that it leads to; nil where there
  /// is no hint, or the treasure is here.
  ///
  /// - Complexity: O(degree).
  public func step(
    from node: UInt32, _ space: borrowing PageSpace
  ) -> (edge: UInt32, head: UInt32)? {
    guard let slot = slotOfStep(node, space) else { return nil }
    let id = world.id(Int(node), slot: slot, space)
    return world.edge(id, space).map { (id, $0.head) }
  }

  /// The steps from a node that lie on a cheapest way.
  @usableFromInline struct Step {
    @usableFromInline let key: UInt64
    @usableFromInline let multipliers: UInt64
    @usableFromInline var cost: UInt64
    /// Bit k: direction k.
    @usableFromInline var found: UInt64 = 0

    @inlinable @inline(__always)
    init(key: UInt64, multipliers: UInt64, cost: UInt64) {
      self.key = key
      self.multipliers = multipliers
      self.cost = cost
    }

    @inlinable @inline(__always)
    mutating func look(_ direction: Int, at neighbour: UInt64) {
      let owed = WorldGraph.multiplier(multipliers, direction) &* cost
      found |=
        (TreasureField.owes(key, to: neighbour, owed) ? 1 : 0)
        &<< UInt64(truncatingIfNeeded: direction)
    }
  }

  /// The distance to the nearest open treasure, `unreachable` when none is in reach.
  @inlinable @inline(__always)
  public func distance(_ node: UInt32, _ space: borrowing PageSpace) -> UInt32 {
    let key = rows.load(Int(node), space)
    return key == 0 ? unreachable : UInt32(truncatingIfNeeded: key &>> 32)
  }

  /// The nearest open treasure, 0 when none is in reach.
  @inlinable public func treasure(_ node: UInt32, _ space: borrowing PageSpace) -> UInt32 {
    UInt32(truncatingIfNeeded: rows.load(Int(node), space))
  }

  /// Asks for the lines that a hint at `node` reads: the rows above, at and below it.
  @inlinable @inline(__always)
  public func prefetch(around node: UInt32, _ space: borrowing PageSpace) {
    if !world.isGrid { return rows.prefetch(Int(node), space) }
    rows.prefetch(Int(node) &- world.topology.width, space)
    rows.prefetch(Int(node), space)
    // Eight nodes share a line, and both neighbours are looked at.
    if node & 7 == 0 { rows.prefetch(Int(node) &- 1, space) }
    if node & 7 == 7 { rows.prefetch(Int(node) &+ 1, space) }
    rows.prefetch(Int(node) &+ world.topology.width, space)
  }

  /// Asks for the line that a distance at `node` reads.
  @inlinable @inline(__always)
  public func prefetch(_ node: UInt32, _ space: borrowing PageSpace) {
    rows.prefetch(Int(node), space)
  }
}

/// What the field knows at one node.
@frozen public struct Hint: Equatable, Sendable, BitwiseCopyable {
  /// The `direction` of a walker who stands on the treasure.
  public static var here: UInt8 { 0xff }
  /// The `direction` of an edge that was added, or whose place among those that leave the node is
  /// this or a later one.
  public static var far: UInt8 { 0xfe }

  /// Cost of walking to the treasure.
  public var distance: UInt32
  /// The nearest treasure; of several as near, the lowest id.
  public var treasure: UInt32
  /// The next step's place among the edges that leave the node by id, so its direction in a grid
  /// or voxels; or `far`, or `here`.
  public var direction: UInt8

  @inlinable public init(distance: UInt32, treasure: UInt32, direction: UInt8) {
    self.distance = distance
    self.treasure = treasure
    self.direction = direction
  }
}
