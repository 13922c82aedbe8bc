public import Pages

// Treasures that open and close. Both repair exactly the nodes whose nearest treasure changes, now
// or, as far as it is more than one call may do, in `catchUp`.
extension TreasureField {
  /// Adds a treasure at `node`. Several may lie on one node, where the lowest id is the one seen;
  /// and one may lie on several nodes.
  ///
  /// - Parameter treasure: `1...`; opening one that is open at the same node changes nothing.
  /// - Complexity: O(c log c) for the c nodes that become nearest to it.
  public func open(
    _ treasure: UInt32, at node: UInt32, _ space: inout PageSpace, _ scratch: inout FieldScratch
  ) {
    precondition(treasure != 0)
    begin(space, &scratch)
    prefetchCell(around: Int(node), space)
    let key = UInt64(treasure)
    if rows.load(Int(node), space) &- 1 <= key &- 1 { return }  // a lower id, or itself, is here
    rows.store(key, Int(node), &space)
    scratch.queue.push(UInt64(node))
    scratch.isLowering = true
    // Where the wave meets nodes that are to be raised, it goes on later; and there may still be
    // keys that name the treasure where it lay before.
    if scratch.isBeside { backlog.doubt(from: 0, &space) }
    switch shape(hasAdded: scratch.hasAdded) {
    case .four: settle(pushesTies: true, GridGround<4>(), &space, &scratch)
    case .eight: settle(pushesTies: true, GridGround<8>(), &space, &scratch)
    case .any:
      settle(pushesTies: true, EveryGround(hasAdded: scratch.hasAdded), &space, &scratch)
    }
  }

  /// Removes a treasure from `node`.
  ///
  /// Every node whose nearest treasure it was loses its key, and no other does, because the id is
  /// part of the key. So the region is found by flooding over equal ids, without looking at an
  /// edge; the rim's keys then flow back in (Dijkstra).
  ///
  /// - Parameters:
  ///   - treasure: Open at `node`; traps when the field shows that it cannot be.
  ///   - next: The lowest id among the other treasures open at `node`, 0 when there is none.
  /// - Complexity: O(c log c) for the c nodes that were nearest to it.
  public func close(
    _ treasure: UInt32, at node: UInt32, next: UInt32, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) {
    begin(space, &scratch)
    prefetchCell(around: Int(node), space)
    let held = rows.load(Int(node), space)
    precondition(
      held != 0 && held <= UInt64(treasure), "treasure \(treasure) is not open at node \(node)")
    if held < UInt64(treasure) { return }  // a lower id is the one seen
    precondition(next == 0 || next > treasure, "treasure \(next) should have been seen first")
    scratch.append(Int(node), held)
    rows.store(UInt64(next), Int(node), &space)
    if next != 0 { scratch.queue.push(UInt64(node)) }
    switch shape(hasAdded: scratch.hasAdded) {
    case .four: clear(treasure, GridGround<4>(), &space, &scratch)
    case .eight: clear(treasure, GridGround<8>(), &space, &scratch)
    case .any: clear(treasure, EveryGround(hasAdded: scratch.hasAdded), &space, &scratch)
    }
  }

  /// Gives new keys to all that `treasure`, whose place is the region's first node, was nearest to.
  private func clear(
    _ treasure: UInt32, _ ground: some FieldGround, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) {
    if scratch.isLoose { return repairRegion(pushesTies: true, ground, &space, &scratch) }
    var position = 0
    while position < scratch.count {
      if scratch.workLeft <= 0 { return carryRegion(byEdges: false, &space, &scratch) }
      scratch.workLeft &-= flood(treasure, position, ground, &space, &scratch)
      position &+= 1
    }
    seed(&space, &scratch)
    settle(pushesTies: scratch.isBeside, ground, &space, &scratch)
  }

  /// Takes the neighbours owned by `treasure` into the region, and finds the best key that the
  /// other neighbours offer to the region's node at `position`.
  ///
  /// - Returns: The work that it was.
  @inline(__always)
  private func flood(
    _ treasure: UInt32, _ position: Int, _ ground: some FieldGround, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) -> Int {
    let (offer, work) = ground.takeTails(
      of: scratch.node(position), self, &space, &scratch,
      // Distance 0 is another place of a treasure that lies on several nodes: it stays.
      where: { UInt32(truncatingIfNeeded: $0) == treasure && $0 &>> 32 != 0 },
      do: { tail, key, space, scratch in
        rows.store(0, tail, &space)
        scratch.append(tail, key)
      })
    scratch.setKey(offer, position)
    return work
  }

  // MARK: From scratch

  /// Forgets every treasure.
  ///
  /// - Complexity: O(nodes)
  public func clear(_ space: inout PageSpace, _ scratch: inout FieldScratch) {
    precondition(scratch.nodeCount >= world.nodeCount)
    scratch.begin(
      isBeside: false, isLoose: false, leastCost: world.leastCost(space), continues: false)
    scratch.hasAdded = !world.added.isEmpty(space)
    backlog.clear(&space)
    for node in 0..<rows.count where rows.load(node, space) != 0 { rows.store(0, node, &space) }
  }

  /// After `clear`: adds a treasure without spreading it; `spread` does that for all of them.
  public func place(
    _ treasure: UInt32, at node: UInt32, _ space: inout PageSpace, _ scratch: inout FieldScratch
  ) {
    precondition(treasure != 0)
    let held = rows.load(Int(node), space)
    precondition(held &>> 32 == 0, "place follows clear")
    if held != 0 && held <= UInt64(treasure) { return }
    rows.store(UInt64(treasure), Int(node), &space)
    if held == 0 { scratch.queue.push(UInt64(node)) }
  }

  /// After `clear` and any number of `place`: computes the field by Dijkstra's algorithm (1959)
  /// from all treasures at once.
  ///
  /// - Complexity: O(nodes log nodes)
  public func spread(_ space: inout PageSpace, _ scratch: inout FieldScratch) {
    switch shape(hasAdded: scratch.hasAdded) {
    case .four: spread(GridGround<4>(), &space, &scratch)
    case .eight: spread(GridGround<8>(), &space, &scratch)
    case .any: spread(EveryGround(hasAdded: scratch.hasAdded), &space, &scratch)
    }
  }

  private func spread(
    _ ground: some FieldGround, _ space: inout PageSpace, _ scratch: inout FieldScratch
  ) {
    if !world.isGrid || scratch.queue.count * Self.nodesATreasure < rows.count {
      return settleAll(pushesTies: false, within: 0..<rows.count, ground, &space, &scratch)
    }
    // Treasures everywhere: a search from all at once would jump about in the whole world. So first
    // a strip of it at a time, as if there were no other, and then what comes over the seams.
    scratch.queue.removeAll(leastCost: world.leastCost(space))
    let width = world.topology.width
    let strip = width * Self.stripHeight
    for first in stride(from: 0, to: rows.count, by: strip) {
      let nodes = first..<min(first + strip, rows.count)
      for node in nodes {
        let key = rows.load(node, space)
        if key != 0 && key >> 32 == 0 { push(key, node, space, &scratch) }
      }
      settleAll(pushesTies: false, within: nodes, ground, &space, &scratch)
    }
    for seam in stride(from: strip, to: rows.count, by: strip) {
      for node in seam - width..<min(seam + width, rows.count) {
        let held = rows.load(node, space)
        let offer = ground.bestOffer(node, self, space)
        if held &- 1 <= offer &- 1 { continue }
        rows.store(offer, node, &space)
        push(offer, node, space, &scratch)
      }
    }
    settleAll(pushesTies: true, within: 0..<rows.count, ground, &space, &scratch)
  }

  /// Rows of blocks that a strip has: what a search in it touches is within reach of the processor.
  private static var stripHeight: Int { 64 }
  /// Most nodes a treasure for which that pays.
  private static var nodesATreasure: Int { 1_024 }

  /// Computes the field from nothing but the open treasures.
  public func rebuild<Treasures: Sequence>(
    _ treasures: Treasures, _ space: inout PageSpace, _ scratch: inout FieldScratch
  ) where Treasures.Element == (treasure: UInt32, node: UInt32) {
    clear(&space, &scratch)
    for (treasure, node) in treasures { place(treasure, at: node, &space, &scratch) }
    spread(&space, &scratch)
  }
}
