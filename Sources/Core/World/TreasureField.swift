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
  public let world: GridWorld
  /// Farthest a treasure is seen, in the neighbourhood's unit; also bounds the work of an event.
  public let radiusMax: UInt32
  @usableFromInline let rows: PagedArray<UInt64>

  /// Reserves 8 bytes a node of `world` in `layout`.
  ///
  /// - Parameter radiusMax: `0...distanceMax`, in the neighbourhood's unit.
  public init(
    _ name: String, over world: GridWorld, radiusMax: UInt32 = distanceMax,
    in layout: inout PageLayout
  ) {
    precondition(radiusMax <= distanceMax)
    self.world = world
    self.radiusMax = radiusMax
    rows = PagedArray(name, count: world.nodeCount, in: &layout)
  }

  /// Where a walker at `node` should go.
  ///
  /// - Returns: The nearest treasure, or nil when none is in reach. Of the steps that lie on a
  ///   cheapest way to it, the one with the lowest direction.
  /// - Complexity: O(degree), no more than 10 loads.
  @inlinable public func hint(_ node: UInt32, _ space: borrowing PageSpace) -> Hint? {
    let key = rows.load(Int(node), space)
    if key == 0 { return nil }
    var hint = Hint(
      distance: UInt32(truncatingIfNeeded: key &>> 32), treasure: UInt32(truncatingIfNeeded: key),
      direction: Hint.here)
    if hint.distance == 0 { return hint }
    let deltas = world.compass.deltas.span
    let costs = world.compass.costs.span
    let multipliers = world.row(Int(node), space)
    for direction in 0..<world.compass.degree {
      let multiplier = GridWorld.multiplier(multipliers, direction)
      if multiplier == 0 { continue }
      let next = rows.load(Int(node) &+ deltas[direction], space)
      if Self.owes(key, to: next, multiplier &* costs[direction]) {
        hint.direction = UInt8(truncatingIfNeeded: direction)
        return hint
      }
    }
    preconditionFailure("field at node \(node) does not fit its edges; was a repair left out?")
  }

  /// The distance to the nearest open treasure, `unreachable` when none is in reach.
  @inlinable public func distance(_ node: UInt32, _ space: borrowing PageSpace) -> UInt32 {
    let key = rows.load(Int(node), space)
    return key == 0 ? unreachable : UInt32(truncatingIfNeeded: key &>> 32)
  }

  /// The nearest open treasure, 0 when none is in reach.
  @inlinable public func treasure(_ node: UInt32, _ space: borrowing PageSpace) -> UInt32 {
    UInt32(truncatingIfNeeded: rows.load(Int(node), space))
  }

  /// Asks for the lines that a hint at `node` reads: the rows above, at and below it.
  @inlinable public func prefetch(around node: UInt32, _ space: borrowing PageSpace) {
    var at = Int(node) &- world.map.width
    for _ in 0..<3 {
      rows.prefetch(at, space)
      at &+= world.map.width
    }
  }

  @inlinable public func prefetch(_ node: UInt32, _ space: borrowing PageSpace) {
    rows.prefetch(Int(node), space)
  }
}

/// What the field knows at one node.
@frozen public struct Hint: Equatable, Sendable, BitwiseCopyable {
  /// The `direction` of a walker who stands on the treasure.
  public static var here: UInt8 { 0xff }

  /// Cost of walking to the treasure.
  public var distance: UInt32
  /// The nearest treasure; of several as near, the lowest id.
  public var treasure: UInt32
  /// The next step, or `here`.
  public var direction: UInt8

  @inlinable public init(distance: UInt32, treasure: UInt32, direction: UInt8) {
    self.distance = distance
    self.treasure = treasure
    self.direction = direction
  }
}
