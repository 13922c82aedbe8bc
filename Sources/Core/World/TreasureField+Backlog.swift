public import Pages

// One event does no more than its scratch allows, counted in nodes and never in time, so every
// replay stops at the same node. The rest goes on in `catchUp`.
extension TreasureField {
  /// Whether repairs are left to `catchUp`; distances may then be those of a moment ago.
  @inlinable @inline(__always)
  public func isSettling(_ space: borrowing PageSpace) -> Bool { backlog.isPending(space) }

  /// Whether what the field says at `node` is sure to be exact, provided that the treasure it
  /// names is open. Always when nothing is left to repair.
  ///
  /// - Complexity: O(1).
  public func isCertain(_ node: UInt32, _ space: borrowing PageSpace) -> Bool {
    backlog.isCertain(Int(node), rows.load(Int(node), space), space)
  }

  /// Does up to `work` nodes of what earlier calls left to repair.
  ///
  /// - Complexity: O(work log n); no allocation.
  public func catchUp(work: Int, _ space: inout PageSpace) {
    var row = backlog.load(space)
    if row.isPending == 0 { return }
    let hasAdded = !world.added.isEmpty(space)
    var left = work
    while left > 0 {
      left -= 1
      if row.rimFirst < row.rimEnd {
        let (node, key) = backlog.takeRim(&row, space)
        left -= raiseDependants(of: node, key, hasAdded, &row, &space) - 1
      } else if row.isSeekingRim {
        seekUnsupported(hasAdded, &row, &space)
      } else if row.raised > 0 {
        if let node = backlog.takeRaised(&row, &space) {
          improve(node, hasAdded, &row, &space)
        }
      } else if row.queued > 0 {
        left -= settleNext(hasAdded, &row, &space) - 1
      } else if row.isSeekingQueue {
        seekImproved(hasAdded, &row, &space)
      } else if !backlog.wipe(&row, &space) {
        return backlog.store(FieldBacklog.Row(), &space)
      }
    }
    backlog.store(row, &space)
  }

  /// Raises the neighbours whose last support was `node` with its old `key`; the work that it was.
  @inline(__always)
  private func raiseDependants(
    of node: Int, _ key: UInt64, _ hasAdded: Bool, _ row: inout FieldBacklog.Row,
    _ space: inout PageSpace
  ) -> Int {
    var edges = InEdges(node, world, space, hasAdded: hasAdded)
    var seen = 0
    while let edge = edges.next(world, space) {
      seen &+= 1
      let theirs = rows.load(edge.tail, space)
      if theirs <= key || theirs &>> 32 == 0 { continue }
      let cost = world.cost(edge, space)
      if !Self.mayOwe(theirs, to: key, cost, isLoose: row.isLoose) { continue }
      if isSupported(edge.tail, theirs, space, hasAdded: hasAdded) { continue }
      rows.store(0, edge.tail, &space)
      backlog.raise(edge.tail, theirs, &row, &space)
    }
    return Self.work(edges: seen)
  }

  /// Gives a node the best that its neighbours offer.
  @inline(__always)
  private func improve(
    _ node: Int, _ hasAdded: Bool, _ row: inout FieldBacklog.Row, _ space: inout PageSpace
  ) {
    let offer = bestOffer(node, space, hasAdded: hasAdded)
    if rows.load(node, space) &- 1 <= offer &- 1 { return }
    rows.store(offer, node, &space)
    queue(offer, node, &row, &space)
  }

  /// Lets the nearest queued node improve the nodes from which it can be walked to; the work that
  /// it was.
  @inline(__always)
  private func settleNext(
    _ hasAdded: Bool, _ row: inout FieldBacklog.Row, _ space: inout PageSpace
  ) -> Int {
    let entry = backlog.popFirst(&row, &space)
    let node = Int(truncatingIfNeeded: entry & 0xffff_ffff)
    let key = rows.load(node, space)
    if key &>> 32 != entry &>> 32 || key == 0 { return 1 }  // stale
    var edges = InEdges(node, world, space, hasAdded: hasAdded)
    var seen = 0
    while let edge = edges.next(world, space) {
      seen &+= 1
      let theirs = rows.load(edge.tail, space)
      let least = key &+ edge.least &<< 32
      if theirs &- 1 <= least &- 1 && least > key { continue }
      let offer = self.offer(key, world.cost(edge, space))
      if theirs &- 1 <= offer &- 1 { continue }
      rows.store(offer, edge.tail, &space)
      queue(offer, edge.tail, &row, &space)
    }
    return Self.work(edges: seen)
  }

  @inline(__always)
  private func queue(
    _ key: UInt64, _ node: Int, _ row: inout FieldBacklog.Row, _ space: inout PageSpace
  ) {
    queue(entry: Self.distanceHalf(key) | UInt64(truncatingIfNeeded: node), &row, &space)
  }

  @inline(__always)
  private func queue(
    entry: UInt64, _ row: inout FieldBacklog.Row, _ space: inout PageSpace
  ) {
    if backlog.isQueueFull(row) {
      row.isQueueLost = 1
      return
    }
    backlog.push(entry, &row, &space)
  }

  // MARK: What was lost

  // A node at a time; whatever is found goes its way before the next is looked at. What is lost
  // again meanwhile has all nodes looked at again.

  /// Looks at the next node for whether it owes its key to a node that was lost from the rim.
  private func seekUnsupported(
    _ hasAdded: Bool, _ row: inout FieldBacklog.Row, _ space: inout PageSpace
  ) {
    if row.seekingRim == 0 { (row.isRimLost, row.seekingRim) = (0, 1) }
    let node = Int(row.seekingRim) - 1
    row.seekingRim = node + 1 == world.nodeCount ? 0 : row.seekingRim + 1
    let key = rows.load(node, space)
    if key &>> 32 == 0 || isSupported(node, key, space, hasAdded: hasAdded) { return }
    rows.store(0, node, &space)
    backlog.raise(node, key, &row, &space)
  }

  /// Looks at the next node for whether its neighbours offer more, as they may where one of them
  /// was lost from the queue.
  private func seekImproved(
    _ hasAdded: Bool, _ row: inout FieldBacklog.Row, _ space: inout PageSpace
  ) {
    if row.seekingQueue == 0 { (row.isQueueLost, row.seekingQueue) = (0, 1) }
    let node = Int(row.seekingQueue) - 1
    row.seekingQueue = node + 1 == world.nodeCount ? 0 : row.seekingQueue + 1
    improve(node, hasAdded, &row, &space)
  }

  // MARK: Carrying over

  /// Leaves a region that is too large for one call to the backlog, where its nodes are asked once
  /// more from the first on.
  ///
  /// - Parameter byEdges: Whether it is an edit's: which keys it will still reach is not known
  ///   then. A treasure's is known by its name.
  @inline(never)
  func carryRegion(byEdges: Bool, _ space: inout PageSpace, _ scratch: inout FieldScratch) {
    var row = backlog.load(space)
    row.isPending = 1
    var least = UInt64.max
    for position in 0..<scratch.count {
      let node = scratch.node(position)
      // One that is there already held a treasure; it was asked before all others.
      if backlog.isRaised(node, space) { continue }
      backlog.raise(node, scratch.oldKey(position), &row, &space)
      least = min(least, scratch.oldKey(position))
    }
    moveQueue(&row, &space, &scratch)
    backlog.store(row, &space)
    if byEdges { backlog.doubt(from: least, &space) }
    scratch.removeRegion()
  }

  /// Leaves the queued nodes to the backlog.
  @inline(never)
  func carryQueue(_ space: inout PageSpace, _ scratch: inout FieldScratch) {
    // What was raised is known by the region; what is lowered may be anything from here on.
    for position in 0..<scratch.count { backlog.mark(scratch.node(position), &space) }
    var row = backlog.load(space)
    row.isPending = 1
    let least = scratch.queue.leastDistance << 32
    moveQueue(&row, &space, &scratch)
    backlog.store(row, &space)
    if scratch.isLowering { backlog.doubt(from: least, &space) }
  }

  private func moveQueue(
    _ row: inout FieldBacklog.Row, _ space: inout PageSpace, _ scratch: inout FieldScratch
  ) {
    scratch.queue.visit { queue(entry: $0, &row, &space) }
    scratch.queue.removeAll(leastCost: world.leastCost(space))
  }
}
