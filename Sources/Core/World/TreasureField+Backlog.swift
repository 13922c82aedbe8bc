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
    if !backlog.isPending(space) { return }
    let hasAdded = !world.added.isEmpty(space)
    switch shape(hasAdded: hasAdded) {
    case .four: catchUp(work: work, GridGround<4>(), &space)
    case .eight: catchUp(work: work, GridGround<8>(), &space)
    case .any: catchUp(work: work, EveryGround(hasAdded: hasAdded), &space)
    }
  }

  private func catchUp(work: Int, _ ground: some FieldGround, _ space: inout PageSpace) {
    var row = backlog.load(space)
    var left = work
    while left > 0 {
      left -= 1
      if row.rimFirst < row.rimEnd {
        let (node, key) = backlog.takeRim(&row, space)
        left -= raiseDependants(of: node, key, ground, &row, &space) - 1
      } else if row.isSeekingRim {
        seekUnsupported(ground, &row, &space)
      } else if row.raised > 0 {
        if let node = backlog.takeRaised(&row, &space) {
          improve(node, ground, &row, &space)
        }
      } else if row.queued > 0 {
        left -= settleNext(ground, &row, &space) - 1
      } else if row.isSeekingQueue {
        seekImproved(ground, &row, &space)
      } else if !backlog.wipe(&row, &space) {
        return backlog.store(FieldBacklog.Row(), &space)
      }
    }
    backlog.store(row, &space)
  }

  /// Raises the neighbours whose last support was `node` with its old `key`; the work that it was.
  @inline(__always)
  private func raiseDependants(
    of node: Int, _ key: UInt64, _ ground: some FieldGround, _ row: inout FieldBacklog.Row,
    _ space: inout PageSpace
  ) -> Int {
    let isLoose = row.isLoose
    return ground.forEachTail(
      of: node, self, &space, &row,
      where: { theirs, _ in Self.mayDepend(theirs, on: key, isLoose: isLoose) },
      do: { tail, theirs, cost, space, row in
        if !Self.mayOwe(theirs, to: key, cost, isLoose: isLoose) { return }
        if ground.isSupported(tail, theirs, self, space) { return }
        rows.store(0, tail, &space)
        backlog.raise(tail, theirs, &row, &space)
      })
  }

  /// Gives a node the best that its neighbours offer.
  @inline(__always)
  private func improve(
    _ node: Int, _ ground: some FieldGround, _ row: inout FieldBacklog.Row, _ space: inout PageSpace
  ) {
    let offer = ground.bestOffer(node, self, space)
    if rows.load(node, space) &- 1 <= offer &- 1 { return }
    rows.store(offer, node, &space)
    queue(offer, node, &row, &space)
  }

  /// Lets the nearest queued node improve the nodes from which it can be walked to; the work that
  /// it was.
  @inline(__always)
  private func settleNext(
    _ ground: some FieldGround, _ row: inout FieldBacklog.Row, _ space: inout PageSpace
  ) -> Int {
    let entry = backlog.popFirst(&row, &space)
    let node = Int(truncatingIfNeeded: entry & 0xffff_ffff)
    let key = rows.load(node, space)
    if key &>> 32 != entry &>> 32 || key == 0 { return 1 }  // stale
    return ground.forEachTail(
      of: node, self, &space, &row,
      where: { theirs, least in Self.mayImprove(theirs, by: key, least) },
      do: { tail, theirs, cost, space, row in
        let offer = self.offer(key, cost)
        if theirs &- 1 <= offer &- 1 { return }
        rows.store(offer, tail, &space)
        queue(offer, tail, &row, &space)
      })
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
    _ ground: some FieldGround, _ row: inout FieldBacklog.Row, _ space: inout PageSpace
  ) {
    if row.seekingRim == 0 { (row.isRimLost, row.seekingRim) = (0, 1) }
    let node = Int(row.seekingRim) - 1
    row.seekingRim = node + 1 == world.nodeCount ? 0 : row.seekingRim + 1
    let key = rows.load(node, space)
    if key &>> 32 == 0 || ground.isSupported(node, key, self, space) { return }
    rows.store(0, node, &space)
    backlog.raise(node, key, &row, &space)
  }

  /// Looks at the next node for whether its neighbours offer more, as they may where one of them
  /// was lost from the queue.
  private func seekImproved(
    _ ground: some FieldGround, _ row: inout FieldBacklog.Row, _ space: inout PageSpace
  ) {
    if row.seekingQueue == 0 { (row.isQueueLost, row.seekingQueue) = (0, 1) }
    let node = Int(row.seekingQueue) - 1
    row.seekingQueue = node + 1 == world.nodeCount ? 0 : row.seekingQueue + 1
    improve(node, ground, &row, &space)
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
