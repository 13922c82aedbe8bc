public import Pages

/// An edge that two states of one world do not share.
public struct EdgeDifference: Equatable, Sendable {
  public var id: UInt32
  public var tail: UInt32
  /// Nil where voxels decide it, which need not be the same in both.
  public var head: UInt32?
  /// Multiplier of an edge of a grid or of voxels, otherwise cost; 0 where it is closed or not
  /// there.
  public var before: UInt32
  public var after: UInt32
}

/// What two states of one world do not share.
extension WorldGraph {
  /// Calls `body` with each edge that differs here and in `other`, by id; of voxels only those with
  /// a multiplier of their own, as what else changes follows from the blocks.
  ///
  /// - Complexity: As `PageSpace.forEachDifferingRow`, a row of which is a node's edges.
  public func forEachDifferingEdge(
    _ space: borrowing PageSpace, from other: borrowing PageSpace, _ body: (EdgeDifference) -> Void
  ) {
    switch topology.form {
    case .grid: forEachDifferingStep(space, from: other, body)
    case .network: forEachDifferingWeight(space, from: other, body)
    case .voxels:
      multipliers.forEachDifference(space, from: other) { key, held in
        let there = multipliers.find(key, other) ?? 2
        if there != held { body(difference(key, held, there)) }
      }
      multipliers.forEachDifference(other, from: space) { key, held in
        if held != 2 && multipliers.find(key, space) == nil { body(difference(key, 2, held)) }
      }
    }
    forEachDifferingAdded(space, from: other, body)
  }

  /// Calls `body` with each cell of voxels that is solid in one of the two and free in the other,
  /// and whether it is free here; by node.
  public func forEachDifferingCell(
    _ space: borrowing PageSpace, from other: borrowing PageSpace, _ body: (UInt32, Bool) -> Void
  ) {
    if topology.form != .voxels { return }
    blocks.forEachDifferingRow(space, from: other) { word in
      var differing = blocks.load(word, space) ^ blocks.load(word, other)
      while differing != 0 {
        let node = word << 6 | differing.trailingZeroBitCount
        body(UInt32(node), !isSolid(node, space))
        differing &= differing - 1
      }
    }
  }

  private func forEachDifferingStep(
    _ space: borrowing PageSpace, from other: borrowing PageSpace, _ body: (EdgeDifference) -> Void
  ) {
    let region = space.region(of: rowAddress >> 12)
    space.forEachDifferingRow(of: region, from: other) { node in
      let (here, there) = (row(node, space), row(node, other))
      var differing = here ^ there
      while differing != 0 {
        let direction = differing.trailingZeroBitCount >> 3
        body(
          EdgeDifference(
            id: UInt32(node * degree + direction), tail: UInt32(node),
            head: UInt32(node + compass.delta(direction)),
            before: UInt32(Self.multiplier(here, direction)),
            after: UInt32(Self.multiplier(there, direction))))
        differing &= ~(0xff << UInt64(direction << 3))
      }
    }
  }

  private func forEachDifferingWeight(
    _ space: borrowing PageSpace, from other: borrowing PageSpace, _ body: (EdgeDifference) -> Void
  ) {
    if topology.edgeCount == 0 { return }
    let region = space.region(of: rowAddress >> 12)
    space.forEachDifferingRow(of: region, from: other) { edge in
      body(
        EdgeDifference(
          id: UInt32(edge), tail: topology.tail(edge), head: topology.head(edge),
          before: weight(edge, space), after: weight(edge, other)))
    }
  }

  private func difference(_ key: UInt64, _ before: UInt64, _ after: UInt64) -> EdgeDifference {
    let (node, direction) = Self.edge(ofMultiplier: key)
    return EdgeDifference(
      id: UInt32(node * degree + direction), tail: UInt32(node), head: nil,
      before: UInt32(before - 1), after: UInt32(after - 1))
  }

  private func forEachDifferingAdded(
    _ space: borrowing PageSpace, from other: borrowing PageSpace, _ body: (EdgeDifference) -> Void
  ) {
    added.rows.forEachDifferingRow(space, from: other) { row in
      let (here, there) = (added.edge(row, space), added.edge(row, other))
      let id = Self.id(added: row)
      if let here, let there, here.tail == there.tail && here.head == there.head {
        if here.cost == there.cost { return }
        return body(
          EdgeDifference(
            id: id, tail: here.tail, head: here.head, before: here.cost, after: there.cost))
      }
      if let here, here.cost != 0 {
        body(
          EdgeDifference(id: id, tail: here.tail, head: here.head, before: here.cost, after: 0))
      }
      if let there, there.cost != 0 {
        body(
          EdgeDifference(id: id, tail: there.tail, head: there.head, before: 0, after: there.cost))
      }
    }
  }
}
