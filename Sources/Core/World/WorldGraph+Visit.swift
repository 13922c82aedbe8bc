public import Pages

/// An edge as met at its tail.
@frozen @usableFromInline struct OutEdge {
  @usableFromInline let head: Int
  @usableFromInline let cost: UInt64
  /// Its place among the edges of its tail by id: the direction, the place in a network's list, and
  /// then those that were added.
  @usableFromInline let slot: Int

  @inlinable @inline(__always) init(head: Int, cost: UInt64, slot: Int) {
    (self.head, self.cost, self.slot) = (head, cost, slot)
  }
}

/// An edge as met at its head; it may be closed.
@frozen @usableFromInline struct InEdge {
  @usableFromInline let tail: Int
  /// No more than its cost; its cost unless it is of a grid.
  @usableFromInline let least: UInt64
  /// Of a grid, the edge's direction; otherwise -1.
  @usableFromInline let direction: Int

  @inlinable @inline(__always) init(tail: Int, least: UInt64, direction: Int) {
    (self.tail, self.least, self.direction) = (tail, least, direction)
  }
}

/// The open edges that leave a node, by id.
///
/// It borrows nothing, so that the space can be written between two of them, but for the edges.
@frozen @usableFromInline struct OutEdges {
  /// Of a grid: the multipliers of the edges still to come.
  @usableFromInline var row: UInt64
  @usableFromInline let node: Int
  /// Nothing follows the row.
  @usableFromInline var isPlain: Bool
  /// Of voxels: a bit for each direction still to come; of a network: the next edge and the last's.
  @usableFromInline var at: Int
  @usableFromInline var end: Int
  /// One more than the row of the next that was added, 0 none.
  @usableFromInline var added: UInt32
  @usableFromInline var addedSlot: Int

  @inlinable @inline(__always)
  init(_ node: Int, _ world: WorldGraph, _ space: borrowing PageSpace) {
    self.init(node, world, space, hasAdded: !world.added.isEmpty(space))
  }

  /// - Parameter hasAdded: Whether the world has edges that were added, for whoever asks of many
  ///   nodes.
  @inlinable @inline(__always)
  init(_ node: Int, _ world: WorldGraph, _ space: borrowing PageSpace, hasAdded: Bool) {
    self.node = node
    added = hasAdded ? world.added.firstOfChain(node, isIn: false, space) : 0
    (at, end, addedSlot) = (0, 0, world.compass.degree)
    if world.isGrid {
      row = world.row(node, space)
      isPlain = added == 0
    } else {
      (row, isPlain) = (0, false)
      beginElsewhere(world, space)
    }
  }

  @usableFromInline @inline(never)
  mutating func beginElsewhere(_ world: WorldGraph, _ space: borrowing PageSpace) {
    if world.topology.form == .network {
      at = world.topology.firstEdge(node)
      end = world.topology.firstEdge(node + 1)
      addedSlot = end - at
    } else {
      at = world.openDirections(node, space)
    }
  }

  @inlinable @inline(__always)
  mutating func next(_ world: WorldGraph, _ space: borrowing PageSpace) -> OutEdge? {
    if row != 0 {
      let shift = UInt64(truncatingIfNeeded: row.trailingZeroBitCount & ~7)
      let direction = Int(truncatingIfNeeded: shift &>> 3)
      let multiplier = row &>> shift & 0xff
      row &= ~(0xff &<< shift)
      return OutEdge(
        head: node &+ world.compass.delta(direction),
        cost: multiplier &* world.compass.cost(direction), slot: direction)
    }
    return isPlain ? nil : nextElsewhere(world, space)
  }

  @usableFromInline @inline(never)
  mutating func nextElsewhere(_ world: WorldGraph, _ space: borrowing PageSpace) -> OutEdge? {
    switch world.topology.form {
    case .grid: break
    case .voxels:
      while at != 0 {
        let direction = at.trailingZeroBitCount
        at &= at - 1
        let cost = world.cost(node, direction, space)
        if cost == 0 { continue }
        return OutEdge(
          head: world.head(node, direction, space), cost: cost, slot: direction)
      }
    case .network:
      while at < end {
        let edge = at
        at += 1
        let weight = world.weight(edge, space)
        if weight == 0 { continue }
        return OutEdge(
          head: Int(world.topology.head(edge)), cost: UInt64(weight),
          slot: edge - world.topology.firstEdge(node))
      }
    }
    while added != 0 {
      let edge = world.added.rows.load(Int(added - 1), space)
      let slot = addedSlot
      added = edge.nextOut
      addedSlot += 1
      if edge.cost == 0 { continue }
      return OutEdge(head: Int(edge.head), cost: UInt64(edge.cost), slot: slot)
    }
    return nil
  }
}

/// The edges that lead onto a node, in an order that depends on the world alone.
///
/// As `OutEdges`, it borrows nothing.
@frozen @usableFromInline struct InEdges {
  /// Of a grid: a bit for each direction still to be gone back to.
  @usableFromInline var mask: Int
  @usableFromInline let node: Int
  @usableFromInline var isPlain: Bool
  /// Of voxels, directions or places; of a network, the next edge and the last's.
  @usableFromInline var at: Int
  @usableFromInline var end: Int
  @usableFromInline var added: UInt32

  @inlinable @inline(__always)
  init(_ node: Int, _ world: WorldGraph, _ space: borrowing PageSpace) {
    self.init(node, world, space, hasAdded: !world.added.isEmpty(space))
  }

  /// - Parameter hasAdded: As in `OutEdges`.
  @inlinable @inline(__always)
  init(_ node: Int, _ world: WorldGraph, _ space: borrowing PageSpace, hasAdded: Bool) {
    self.node = node
    added = hasAdded ? world.added.firstOfChain(node, isIn: true, space) : 0
    (at, end) = (0, 0)
    if world.isGrid {
      mask = world.inside(node)
      isPlain = added == 0
    } else {
      (mask, isPlain) = (0, false)
      beginElsewhere(world, space)
    }
  }

  @usableFromInline @inline(never)
  mutating func beginElsewhere(_ world: WorldGraph, _ space: borrowing PageSpace) {
    switch world.topology.neighbourhood {
    case .network:
      at = world.topology.firstIn(node)
      end = world.topology.firstIn(node + 1)
    case .walk:
      end = world.isOpen(UInt32(node), space) ? 4 * world.walkLevels : 0
    default:
      at = world.openDirections(node, space)
    }
  }

  @inlinable @inline(__always)
  mutating func next(_ world: WorldGraph, _ space: borrowing PageSpace) -> InEdge? {
    if mask != 0 {
      let direction = mask.trailingZeroBitCount
      mask &= mask &- 1
      return InEdge(
        tail: node &+ world.compass.delta(direction), least: world.compass.cost(direction),
        direction: world.compass.oppositeOnGrid(direction))
    }
    return isPlain ? nil : nextElsewhere(world, space)
  }

  @usableFromInline @inline(never)
  mutating func nextElsewhere(_ world: WorldGraph, _ space: borrowing PageSpace) -> InEdge? {
    switch world.topology.neighbourhood {
    case .four, .eight: break
    case .network:
      while at < end {
        let edge = world.topology.inEdge(at)
        at += 1
        let weight = world.weight(edge, space)
        if weight == 0 { continue }
        return InEdge(
          tail: Int(world.topology.tail(edge)), least: UInt64(weight), direction: -1)
      }
    case .walk:
      while at < end {
        let place = at
        at += 1
        guard let (tail, direction) = world.walker(place, onto: node, space) else { continue }
        let cost = world.cost(tail, direction, space)
        if cost != 0 { return InEdge(tail: tail, least: cost, direction: -1) }
      }
    default:
      while at != 0 {
        let direction = at.trailingZeroBitCount
        at &= at - 1
        let tail = node + world.compass.delta(direction)
        let cost = world.cost(tail, world.compass.opposite(direction), space)
        if cost != 0 { return InEdge(tail: tail, least: cost, direction: -1) }
      }
    }
    while added != 0 {
      let edge = world.added.rows.load(Int(added - 1), space)
      added = edge.nextIn
      if edge.cost != 0 {
        return InEdge(tail: Int(edge.tail), least: UInt64(edge.cost), direction: -1)
      }
    }
    return nil
  }
}

extension WorldGraph {
  /// The cost of an edge met at its head, 0 when it is closed.
  @inlinable @inline(__always)
  func cost(_ edge: InEdge, _ space: borrowing PageSpace) -> UInt64 {
    if edge.direction < 0 { return edge.least }
    return multiplier(edge.tail, edge.direction, space) &* edge.least
  }

  /// Calls `body` with the head and the cost of each open edge that leaves `node`, by id.
  public func forEachEdge(
    from node: UInt32, _ space: borrowing PageSpace, _ body: (UInt32, UInt32) -> Void
  ) {
    var edges = OutEdges(Int(node), self, space)
    while let edge = edges.next(self, space) {
      body(UInt32(edge.head), UInt32(truncatingIfNeeded: edge.cost))
    }
  }

  /// Whether any way leads from `start` to `goal`, whatever it costs.
  ///
  /// - Complexity: O(nodes + edges); allocates a byte a node.
  public func isConnected(
    from start: UInt32, to goal: UInt32, _ space: borrowing PageSpace
  ) -> Bool {
    var seen = [Bool](repeating: false, count: nodeCount)
    var stack = [start]
    seen[Int(start)] = true
    while let node = stack.popLast() {
      if node == goal { return true }
      var edges = OutEdges(Int(node), self, space)
      while let edge = edges.next(self, space) {
        if seen[edge.head] { continue }
        seen[edge.head] = true
        stack.append(UInt32(edge.head))
      }
    }
    return false
  }
}
