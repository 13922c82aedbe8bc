internal import Bounded
public import Pages

/// How an exploration ended.
public enum Exploration: Equatable, Sendable {
  /// Everything within the cost was visited.
  case done
  /// The visitor had enough.
  case stopped
  /// The budget of nodes was spent: all that is nearer than what was not looked at was visited.
  case budgetSpent
}

extension PathFinder {
  /// Visits the nodes that can be walked to from `start`, nearest first, by Dijkstra's algorithm
  /// (1959).
  ///
  /// - Parameters:
  ///   - costMax: The dearest walk, at most `distanceMax`, in the world's unit.
  ///   - nodeBudget: Most nodes labelled, at most `nodeBudgetMax`.
  ///   - visit: Gets a node and the cost of walking there; false ends the exploration. Nodes as far
  ///     come in any order, which is a function of the edges alone.
  ///   - ahead: Gets each node when it is first come to, some time before it is visited if it ever
  ///     is, to ask for the memory that `visit` will read.
  /// - Complexity: O(n log n) for the n nodes labelled; no allocation.
  public mutating func explore(
    from start: UInt32, costMax: UInt32 = distanceMax, nodeBudget: Int,
    _ world: WorldGraph, _ space: borrowing PageSpace, ahead: (UInt32) -> Void = { _ in },
    visit: (UInt32, UInt32) -> Bool
  ) -> Exploration {
    precondition(Int(start) < world.nodeCount && costMax <= distanceMax)
    precondition(nodeBudget > 0 && nodeBudget <= nodeBudgetMax)
    begin()
    if Self.isForRing(world, space) {
      let limits = ExplorationLimits(costMax: costMax, nodeBudget: nodeBudget)
      var progress = RingProgress()
      if let end = exploreNear(from: start, limits, &progress, world, space, ahead, visit) {
        return end
      }
      return exploreRing(limits, progress, world, space, ahead, visit)
    }
    append(Label(node: start, cost: 0, estimate: 0), find(start).slot)
    heap.push(UInt64(~UInt32(0)))
    // The least cost of a node that found no room.
    var dropped = UInt64.max
    while let entry = heap.popFirst() {
      let label = label(Int(~UInt32(truncatingIfNeeded: entry)))
      if UInt64(label.cost) != entry >> 32 { continue }  // stale
      if UInt64(label.cost) >= dropped { return .budgetSpent }
      if !visit(label.node, label.cost) { return .stopped }
      walkOn(from: label, costMax, nodeBudget, &dropped, world, space, ahead)
    }
    return dropped == .max ? .done : .budgetSpent
  }

  /// Improves the nodes to which one step leads from `label`'s.
  @inline(__always)
  private mutating func walkOn(
    from label: Label, _ costMax: UInt32, _ nodeBudget: Int, _ dropped: inout UInt64,
    _ world: WorldGraph, _ space: borrowing PageSpace, _ ahead: (UInt32) -> Void
  ) {
    var edges = OutEdges(Int(label.node), world, space)
    while let edge = edges.next(world, space) {
      let cost = UInt64(label.cost) &+ edge.cost
      if cost > UInt64(costMax) { continue }
      let beside = UInt32(truncatingIfNeeded: edge.head)
      let (index, slot) = find(beside)
      if let index {
        var known = self.label(index)
        if UInt64(known.cost) <= cost { continue }
        known.cost = UInt32(truncatingIfNeeded: cost)
        relabel(known, index)
      } else if labelCount == nodeBudget {
        dropped = min(dropped, cost)
      } else {
        let known = Label(node: beside, cost: UInt32(truncatingIfNeeded: cost), estimate: 0)
        append(known, slot)
        push(known, labelCount &- 1)
        world.prefetch(beside, space)
        ahead(beside)
      }
    }
  }
}
