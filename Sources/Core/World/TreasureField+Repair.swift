internal import Bounded
public import Pages

// Edits of edges. The algorithm is that of Ramalingam and Reps ("An incremental algorithm for a
// generalization of the shortest-path problem", 1996) with three changes that positive integer
// costs allow: support is looked up in the neighbours' keys and not counted; the region grows in
// any order, because support cannot run in circles; and a region's nodes are marked by the zero key
// itself, so nothing has to be reset.
extension TreasureField {
  /// Repairs the field after `change`, which the world holds already.
  ///
  /// - Complexity: O(1) when the edge lies on no cheapest way before or after, otherwise O(c log c)
  ///   for the c nodes whose every cheapest way it lay on, or whose new one it lies on.
  public func repair(
    _ change: EdgeChange, _ space: inout PageSpace, _ scratch: inout FieldScratch
  ) {
    begin(space, &scratch)
    switch shape(hasAdded: scratch.hasAdded) {
    case .four: repair(change, GridGround<4>(), &space, &scratch)
    case .eight: repair(change, GridGround<8>(), &space, &scratch)
    case .any: repair(change, EveryGround(hasAdded: scratch.hasAdded), &space, &scratch)
    }
  }

  private func repair(
    _ change: EdgeChange, _ ground: some FieldGround, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) {
    if scratch.isBeside {
      if !change.isIncrease { lower(change, ground, &space, &scratch) }
      notice(&scratch, space)
      raiseUnsupported(change, ground, &space, &scratch)
      repairRegion(pushesTies: true, ground, &space, &scratch)
    } else if !change.isIncrease {
      lower(change, ground, &space, &scratch)
    } else if hasLostSupport(change, ground, space) {
      raise(Int(change.tail), &space, &scratch)
      repairRegion(pushesTies: false, ground, &space, &scratch)
    }
  }

  /// Repairs the field after all of `changes`, which the world holds already.
  ///
  /// - Parameter continues: Whether the work is of one event with the last call's, and what that
  ///   left of its allowance is all there is.
  public func repair(
    _ changes: inout EdgeChanges, continues: Bool = false, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) {
    begin(continues: continues, space, &scratch)
    switch shape(hasAdded: scratch.hasAdded) {
    case .four: repair(&changes, GridGround<4>(), &space, &scratch)
    case .eight: repair(&changes, GridGround<8>(), &space, &scratch)
    case .any: repair(&changes, EveryGround(hasAdded: scratch.hasAdded), &space, &scratch)
    }
  }

  private func repair(
    _ changes: inout EdgeChanges, _ ground: some FieldGround, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) {
    var (increases, decreases) = (false, false)
    for at in 0..<changes.count {
      let isIncrease = changes[at].isIncrease
      increases = increases || isIncrease
      decreases = decreases || !isIncrease
    }
    if scratch.isBeside || (increases && decreases) {
      return repairMixed(changes, ground, &space, &scratch)
    }
    if decreases {
      for at in 0..<changes.count { lower(changes[at], ground, &space, &scratch) }
      return
    }
    // First who lost support, while all keys are the old ones.
    for at in 0..<changes.count {
      changes.setLost(hasLostSupport(changes[at], ground, space), at)
    }
    for at in 0..<changes.count where changes.hasLost(at) {
      raise(Int(changes[at].tail), &space, &scratch)
    }
    repairRegion(pushesTies: false, ground, &space, &scratch)
  }

  /// Repairs the field after `changes`, some dearer and some cheaper, or while some of the field is
  /// waiting to be repaired.
  ///
  /// What got cheaper comes first: every key that is given up then was owed by the very sum, or is
  /// known to be loose. (The other way round a node that an edit gives a new way over a node which
  /// the same edit cuts off would keep the key that this way promised.)
  private func repairMixed(
    _ changes: borrowing EdgeChanges, _ ground: some FieldGround, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) {
    for at in 0..<changes.count where !changes[at].isIncrease {
      lower(changes[at], ground, &space, &scratch)
    }
    notice(&scratch, space)
    for at in 0..<changes.count {
      raiseUnsupported(changes[at], ground, &space, &scratch)
    }
    repairRegion(pushesTies: true, ground, &space, &scratch)
  }

  /// Takes notice of what lowering left for later.
  private func notice(_ scratch: inout FieldScratch, _ space: borrowing PageSpace) {
    scratch.isBeside = backlog.isPending(space)
    scratch.isLoose = scratch.isBeside && backlog.load(space).isLoose
  }

  /// Raises the tail of a changed edge if it has no support: the edge may have been that, or a head
  /// may have lost a key that the tail still owes it.
  private func raiseUnsupported(
    _ change: EdgeChange, _ ground: some FieldGround, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) {
    let head = Int(change.head)
    // What is still to come over a key in doubt may now come farther.
    if scratch.isBeside && (backlog.isMarked(head, space) || rows.load(head, space) == 0) {
      backlog.doubt(from: 0, &space)
    }
    let tail = Int(change.tail)
    let key = rows.load(tail, space)
    if key >> 32 != 0 && !ground.isSupported(tail, key, self, space) {
      raise(tail, &space, &scratch)
    }
  }

  // MARK: Decrease

  /// Lets a cheaper or newly opened edge improve its tail, and all that follows.
  ///
  /// Everything it improves gets the same owner. So a node can be improved at an equal distance
  /// only once, and the heap holds each node once at most besides stale entries.
  private func lower(
    _ change: EdgeChange, _ ground: some FieldGround, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) {
    let tail = Int(change.tail)
    let head = rows.load(Int(change.head), space)
    if head == 0 { return }
    let offer = self.offer(head, UInt64(change.new))
    let held = rows.load(tail, space)
    if held &- 1 <= offer &- 1 || !take(offer, tail, held, &space, scratch) { return }
    push(offer, tail, space, &scratch)
    scratch.isLowering = true
    settle(pushesTies: true, ground, &space, &scratch)
  }

  /// Gives a node that holds the key `held` a better one; false where the backlog will.
  @inline(__always)
  func take(
    _ key: UInt64, _ node: Int, _ held: UInt64, _ space: inout PageSpace,
    _ scratch: borrowing FieldScratch
  ) -> Bool {
    if scratch.isBeside {
      if held == 0 && backlog.isRaised(node, space) { return false }
      backlog.mark(node, &space)
    }
    rows.store(key, node, &space)
    return true
  }

  // MARK: Increase

  /// Whether the tail of a changed edge owed its key to the edge and has no other edge to owe it
  /// to.
  private func hasLostSupport(
    _ change: EdgeChange, _ ground: some FieldGround, _ space: borrowing PageSpace
  ) -> Bool {
    let tail = Int(change.tail)
    let key = rows.load(tail, space)
    if key >> 32 == 0 { return false }  // out of reach, or on a treasure
    let head = rows.load(Int(change.head), space)
    if !Self.owes(key, to: head, UInt64(change.old)) { return false }
    return !ground.isSupported(tail, key, self, space)
  }

  /// Takes a node without support into the region.
  @inline(__always)
  private func raise(_ node: Int, _ space: inout PageSpace, _ scratch: inout FieldScratch) {
    let key = rows.load(node, space)
    if key == 0 { return }
    scratch.append(node, key)
    rows.store(0, node, &space)
  }

  /// Grows the region by all that lose support with it, and gives its nodes their new keys; leaves
  /// to the backlog what is more than the call may do.
  func repairRegion(
    pushesTies: Bool, _ ground: some FieldGround, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) {
    var position = 0
    while position < scratch.count {
      if scratch.workLeft <= 0 { return carryRegion(byEdges: true, &space, &scratch) }
      scratch.workLeft &-= raiseDependants(position, ground, &space, &scratch)
      position &+= 1
    }
    // Offers come from outside the region only, so all are found before any is taken.
    for position in 0..<scratch.count {
      scratch.setKey(ground.bestOffer(scratch.node(position), self, space), position)
    }
    seed(&space, &scratch)
    settle(pushesTies: pushesTies, ground, &space, &scratch)
  }

  /// Takes into the region the neighbours whose last support was its node at `position`.
  ///
  /// While better keys are still to be handed on a neighbour may owe its key to a node that has
  /// become nearer, to another treasure even; otherwise it owes it by the very sum.
  ///
  /// - Returns: The work that it was.
  @inline(__always)
  private func raiseDependants(
    _ position: Int, _ ground: some FieldGround, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) -> Int {
    let key = scratch.oldKey(position)
    let isLoose = scratch.isLoose
    return ground.forEachTail(
      of: scratch.node(position), self, &space, &scratch,
      where: { theirs, _ in Self.mayDepend(theirs, on: key, isLoose: isLoose) },
      do: { tail, theirs, cost, space, scratch in
        if !Self.mayOwe(theirs, to: key, cost, isLoose: isLoose) { return }
        if !ground.isSupported(tail, theirs, self, space) { raise(tail, &space, &scratch) }
      })
  }

  /// Whether a neighbour can owe its key to one with `key` at all: only with the same owner and a
  /// step more, so that most edges are not looked at. A node that holds a treasure owes its key to
  /// nobody: no distance is below 0.
  @inline(__always)
  static func mayDepend(_ theirs: UInt64, on key: UInt64, isLoose: Bool) -> Bool {
    if theirs <= key || theirs &>> 32 == 0 { return false }
    return isLoose || UInt32(truncatingIfNeeded: theirs &- key) == 0
  }

  /// Whether a neighbour can owe its key to `head`, over an edge of a cost.
  @inline(__always)
  static func mayOwe(_ key: UInt64, to head: UInt64, _ cost: UInt64, isLoose: Bool) -> Bool {
    if !isLoose { return owes(key, to: head, cost) }
    return cost != 0 && head < key && key &- head >= cost &<< 32
  }

  // MARK: Shared

  /// Which ground an event's repairs are for.
  enum Shape {
    case four
    case eight
    case any
  }

  @inline(__always)
  func shape(hasAdded: Bool) -> Shape {
    if !world.isGrid || hasAdded { return .any }
    return world.compass.degree == 4 ? .four : .eight
  }

  @inline(__always)
  func begin(
    continues: Bool = false, _ space: borrowing PageSpace, _ scratch: inout FieldScratch
  ) {
    precondition(scratch.nodeCount >= world.nodeCount)
    let isBeside = backlog.isPending(space)
    scratch.begin(
      isBeside: isBeside, isLoose: isBeside && backlog.load(space).isLoose,
      leastCost: world.leastCost(space), continues: continues)
    scratch.hasAdded = !world.added.isEmpty(space)
  }

  /// Whether `key` is `head` plus the cost of an edge between them. A closed edge (cost 0) and a
  /// node out of reach (`head` 0) fail by themselves, as no key has the owner 0.
  @inlinable @inline(__always)
  static func owes(_ key: UInt64, to head: UInt64, _ cost: UInt64) -> Bool {
    head < key && key &- head == cost &<< 32
  }

  /// Whether `key` can be owed to a neighbour that has the key `beside`, over an edge of a cost
  /// that is open.
  @inline(__always)
  static func supports(_ beside: UInt64, _ key: UInt64, _ cost: UInt64) -> Bool {
    beside &- 1 < key &- 1 && key &- beside >= cost &<< 32
  }

  /// The lower of two keys, any being lower than none.
  @inline(__always)
  static func nearer(_ a: UInt64, _ b: UInt64) -> UInt64 { b &- 1 < a &- 1 ? b : a }

  /// A key without its owner, as in an entry of the heap.
  @inline(__always)
  static func distanceHalf(_ key: UInt64) -> UInt64 { key & 0xffff_ffff_0000_0000 }

  /// The key that a neighbour's `key` gives over an edge of a cost; 0 when the edge is closed (cost
  /// 0) or leads beyond the radius.
  @inline(__always)
  func offer(_ key: UInt64, _ cost: UInt64) -> UInt64 {
    let distance = key &>> 32 &+ cost
    if cost == 0 || distance > UInt64(radiusMax) { return 0 }
    return distance &<< 32 | key & 0xffff_ffff
  }

  /// Gives the region's nodes what its surroundings offer.
  func seed(_ space: inout PageSpace, _ scratch: inout FieldScratch) {
    for position in 0..<scratch.count {
      let key = scratch.key(position)
      if key == 0 { continue }
      let node = scratch.node(position)
      // What another treasure at a node gave it is no dearer than any offer.
      let held = rows.load(node, space)
      if held &- 1 <= key &- 1 || !take(key, node, held, &space, scratch) { continue }
      push(key, node, space, &scratch)
    }
  }

  /// Queues a node by the distance of its `key`.
  @inline(__always)
  func push(
    _ key: UInt64, _ node: Int, _ space: borrowing PageSpace, _ scratch: inout FieldScratch
  ) {
    if scratch.queue.isFull { dropStale(space, &scratch) }
    scratch.queue.push(Self.distanceHalf(key) | UInt64(truncatingIfNeeded: node))
  }

  /// Lets the queued nodes improve the nodes from which they can be walked to, nearest first
  /// (Dijkstra 1959, Denardo and Fox 1979); leaves to the backlog what is more than the call may
  /// do.
  ///
  /// - Parameter pushesTies: Whether a node improved in owner alone has to be queued. It has if its
  ///   key was final before this call (a wave of one owner), and has not if it was queued at that
  ///   distance in this call (a region that was cleared first).
  func settle(
    pushesTies: Bool, _ ground: some FieldGround, _ space: inout PageSpace,
    _ scratch: inout FieldScratch
  ) {
    while let entry = scratch.queue.popFirst() {
      let node = Int(truncatingIfNeeded: entry & 0xffff_ffff)
      let key = rows.load(node, space)
      if key &>> 32 != entry &>> 32 { continue }  // stale: improved since
      if scratch.workLeft <= 0 {
        push(key, node, space, &scratch)
        return carryQueue(&space, &scratch)
      }
      scratch.settledCount &+= 1
      scratch.workLeft &-= handOn(
        key, of: node, within: nil, pushesTies, ground, &space, &scratch)
    }
  }

  /// As `settle`, for a large part of the world at once: improves none but `nodes`, does all there
  /// is to do, and asks ahead for what it will read, as what is near in the queue lies anywhere.
  func settleAll(
    pushesTies: Bool, within nodes: Range<Int>, _ ground: some FieldGround,
    _ space: inout PageSpace, _ scratch: inout FieldScratch
  ) {
    var batch = InlineArray<16, UInt64>(repeating: 0)
    while true {
      let count = scratch.queue.popFirst(&batch)
      if count == 0 { return }
      if scratch.queue.count > 4_096 {
        for at in 0..<count { prefetch(around: batch[at], space) }
      }
      for at in 0..<count {
        let node = Int(truncatingIfNeeded: batch[at] & 0xffff_ffff)
        let key = rows.load(node, space)
        if key &>> 32 != batch[at] &>> 32 { continue }  // stale: improved since
        scratch.settledCount &+= 1
        _ = handOn(key, of: node, within: nodes, pushesTies, ground, &space, &scratch)
      }
    }
  }

  /// Lets a node with its key improve the nodes from which one step leads to it.
  ///
  /// - Returns: The work that it was.
  @inline(__always)
  private func handOn(
    _ key: UInt64, of node: Int, within nodes: Range<Int>?, _ pushesTies: Bool,
    _ ground: some FieldGround, _ space: inout PageSpace, _ scratch: inout FieldScratch
  ) -> Int {
    ground.forEachTail(
      of: node, self, &space, &scratch,
      where: { theirs, least in Self.mayImprove(theirs, by: key, least) },
      do: { tail, theirs, cost, space, scratch in
        if let nodes, tail < nodes.lowerBound || tail >= nodes.upperBound { return }
        let offer = self.offer(key, cost)
        if theirs &- 1 <= offer &- 1 || !take(offer, tail, theirs, &space, scratch) { return }
        if pushesTies || theirs == 0 || offer &>> 32 < theirs &>> 32 {
          push(offer, tail, space, &scratch)
        }
      })
  }

  /// Whether a neighbour's key can become better by `key` over an edge that costs `least` or more:
  /// most are passed over without loading what their edge costs.
  @inline(__always)
  static func mayImprove(_ theirs: UInt64, by key: UInt64, _ least: UInt64) -> Bool {
    let offer = key &+ least &<< 32
    return theirs &- 1 > offer &- 1 || offer <= key
  }

  /// Asks for what handing on the key of an entry's node will touch.
  @inline(__always)
  private func prefetch(around entry: UInt64, _ space: borrowing PageSpace) {
    let node = Int(truncatingIfNeeded: entry & 0xffff_ffff)
    if !world.isGrid { return rows.prefetch(node, space) }
    let width = world.topology.width
    world.topology.prefetch(node)
    var near = node &- width
    for _ in 0..<3 {
      defer { near &+= width }
      if near < 0 || near >= rows.count { continue }
      rows.prefetch(near, space)
      space.prefetch(world.rowAddress &+ near &<< world.rowShift)
    }
  }

  /// Asks for what a treasure's cell of an ordinary size touches, before any of it is needed: all
  /// of it comes at once then, and not a line after the other.
  @inline(__always)
  func prefetchCell(around node: Int, _ space: borrowing PageSpace) {
    if !world.isGrid { return }
    let width = world.topology.width
    for distance in 0...Self.cellRadius {
      var near = node &- distance &* width
      for _ in 0..<(distance == 0 ? 1 : 2) {
        defer { near = node &+ distance &* width }
        if near < 0 || near >= rows.count { continue }
        rows.prefetchAround(near, space)
        space.prefetchAround(world.rowAddress &+ near &<< world.rowShift)
        world.topology.prefetch(near)
      }
    }
  }

  /// Rows of blocks to either side of a treasure that are asked for at once.
  private static var cellRadius: Int { 8 }

  /// Makes room in a full heap; at most one entry a node is not stale.
  @inline(never)
  private func dropStale(_ space: borrowing PageSpace, _ scratch: inout FieldScratch) {
    scratch.queue.keep { entry in
      rows.load(Int(truncatingIfNeeded: entry & 0xffff_ffff), space) &>> 32 == entry &>> 32
    }
  }
}
