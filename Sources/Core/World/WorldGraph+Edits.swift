public import Pages

// Every edit names the edges it changed, so that the fields over the world can be repaired.
extension WorldGraph {
  /// Sets the multiplier of the edge that leaves `node` of a grid or of voxels in `direction`: 0
  /// closes it; nil gives it what the world was built with, open.
  ///
  /// - Complexity: O(1).
  public func setEdge(
    _ node: UInt32, _ direction: UInt8, multiplier: UInt8?, _ space: inout PageSpace
  ) -> EdgeEdit {
    precondition(Int(node) < nodeCount && Int(direction) < degree && degree > 0)
    if !isGrid { return setVoxelEdge(Int(node), Int(direction), multiplier ?? 1, &space) }
    if let broken = brokenRule(Int(node), Int(direction), space) {
      // What the rule forbids is closed already.
      return multiplier == 0 && broken != .offMap ? .unchanged : .refused(broken)
    }
    let multiplier = multiplier ?? built(Int(node), Int(direction))
    let change = replace(Int(node), Int(direction), multiplier, &space)
    return change.old == change.new ? .unchanged : .changed(change)
  }

  /// Sets what an edge of a network costs, `0...Topology.weightMax`: 0 closes it; nil gives it what
  /// the world was built with.
  ///
  /// - Complexity: O(1).
  public func setWeight(
    edge: UInt32, _ weight: UInt32?, _ space: inout PageSpace
  ) -> EdgeEdit {
    precondition(topology.form == .network && weight ?? 0 <= Topology.weightMax)
    guard Int(edge) < topology.edgeCount else { return .refused(.unknown) }
    let old = self.weight(Int(edge), space)
    let new = weight ?? topology.weight(Int(edge))
    if old == new { return .unchanged }
    space.update(rowAddress + Int(edge) << 2, as: UInt32.self) { $0 ^= old ^ new }
    return .changed(
      EdgeChange(
        tail: topology.tail(Int(edge)), head: topology.head(Int(edge)), old: old, new: new))
  }

  // MARK: Blocks

  /// Opens or closes a whole block of a grid or of voxels: every edge that leads in or out, or cuts
  /// its corner, and whatever a walker can now do or no longer.
  ///
  /// - Parameter changes: Gets the edges changed.
  /// - Returns: False when the block was so already, which changes nothing.
  /// - Complexity: O(1), at most `EdgeChanges.capacity` edges.
  public func setBlock(
    _ node: UInt32, open: Bool, _ space: inout PageSpace, _ changes: inout EdgeChanges
  ) -> Bool {
    precondition(Int(node) < nodeCount && topology.form != .network)
    changes.removeAll()
    if !isGrid { return setVoxel(Int(node), open: open, &space, &changes) }
    if isOpen(node, space) == open { return false }
    blocks.update(Int(node) >> 6, &space) { $0 ^= 1 << UInt64(node & 63) }
    let centre = Int(node)
    let inside = inside(centre)
    let degree = compass.degree
    for direction in 0..<degree where inside >> direction & 1 == 1 {
      restore(centre, direction, &space, &changes)
      restore(centre + compass.delta(direction), compass.opposite(direction), &space, &changes)
    }
    if degree == 4 { return true }
    // The steps between the straight neighbours in directions k and k + 2 pass this corner.
    for straight in stride(from: 0, to: 8, by: 2) {
      let next = (straight + 2) & 7
      guard inside >> straight & 1 == 1 && inside >> next & 1 == 1 else { continue }
      restore(centre + compass.delta(straight), (straight + 3) & 7, &space, &changes)
      restore(centre + compass.delta(next), (straight + 7) & 7, &space, &changes)
    }
    return true
  }

  /// Gives an edge what the rule gives it: closed where broken, otherwise open.
  private func restore(
    _ node: Int, _ direction: Int, _ space: inout PageSpace, _ changes: inout EdgeChanges
  ) {
    let allowed = brokenRule(node, direction, space) == nil
    let held = multiplier(node, direction, space)
    if allowed == (held != 0) { return }
    changes.append(replace(node, direction, allowed ? built(node, direction) : 0, &space))
  }

  /// The multiplier that an edge of a grid was built with; 1 where it was built closed.
  private func built(_ node: Int, _ direction: Int) -> UInt8 {
    UInt8(max(Self.multiplier(topology.weights(node), direction), 1))
  }

  /// The rule that an open edge of a grid would break, if any.
  private func brokenRule(
    _ node: Int, _ direction: Int, _ space: borrowing PageSpace
  ) -> EdgeRule? {
    guard inside(node) >> direction & 1 == 1 else { return .offMap }
    func isOpen(_ direction: Int) -> Bool {
      self.isOpen(UInt32(node + compass.delta(direction & 7)), space)
    }
    guard self.isOpen(UInt32(node), space) && isOpen(direction) else { return .blockClosed }
    if compass.degree == 8 && direction & 1 == 1 {
      guard isOpen(direction - 1) && isOpen(direction + 1) else { return .cornerClosed }
    }
    return nil
  }

  private func replace(
    _ node: Int, _ direction: Int, _ multiplier: UInt8, _ space: inout PageSpace
  ) -> EdgeChange {
    let old = UInt8(truncatingIfNeeded: self.multiplier(node, direction, space))
    if old != multiplier {
      // Pages hold the row XOR the map's, so a change is its own XOR.
      space.update(rowAddress + node << rowShift + direction, as: UInt8.self) {
        $0 ^= old ^ multiplier
      }
    }
    let cost = UInt32(compass.cost(direction))
    return EdgeChange(
      tail: UInt32(node), head: UInt32(node + compass.delta(direction)),
      old: UInt32(old) * cost, new: UInt32(multiplier) * cost)
  }

  // MARK: Edges that were added

  /// Adds an edge between any two nodes, beside what there is.
  ///
  /// - Parameter cost: `1...Topology.weightMax`, in units of the world.
  /// - Returns: What was changed, and the new edge's id.
  /// - Complexity: O(edges added at the two nodes).
  public func addEdge(
    from tail: UInt32, to head: UInt32, cost: UInt32, _ space: inout PageSpace
  ) -> (edit: EdgeEdit, id: UInt32?) {
    precondition(Int(tail) < nodeCount && Int(head) < nodeCount)
    precondition(cost >= 1 && cost <= Topology.weightMax)
    guard let row = added.add(from: tail, to: head, cost: cost, &space) else {
      return (.refused(.noRoom), nil)
    }
    return (.changed(EdgeChange(tail: tail, head: head, old: 0, new: cost)), Self.id(added: row))
  }

  /// Sets what an added edge costs: 0 closes it, nil gives it what it was added with.
  public func setAdded(
    edge: UInt32, cost: UInt32?, _ space: inout PageSpace
  ) -> EdgeEdit {
    guard let row = Self.addedRow(edge), let held = added.edge(row, space) else {
      return .refused(.unknown)
    }
    let cost = cost ?? held.costAdded
    if held.cost == cost { return .unchanged }
    added.setCost(row, cost, &space)
    return .changed(EdgeChange(tail: held.tail, head: held.head, old: held.cost, new: cost))
  }

  /// Removes an added edge; one that the world was built with is only closed.
  ///
  /// - Returns: `unchanged` where it was closed already: it is gone all the same.
  public func removeAdded(edge: UInt32, _ space: inout PageSpace) -> EdgeEdit {
    guard let row = Self.addedRow(edge), let held = added.edge(row, space) else {
      return .refused(.unknown)
    }
    added.remove(row, &space)
    if held.cost == 0 { return .unchanged }
    return .changed(EdgeChange(tail: held.tail, head: held.head, old: held.cost, new: 0))
  }

  // MARK: Ids

  /// Ids of added edges begin here.
  public static var addedIds: UInt32 { 1 << 31 }

  static func id(added row: Int) -> UInt32 { addedIds | UInt32(row) }

  /// The row of an added edge; nil for an id of the world's own edges.
  static func addedRow(_ edge: UInt32) -> Int? {
    edge >= addedIds ? Int(edge & ~addedIds) : nil
  }

  /// The id of an edge by its place among those that leave `tail`.
  @usableFromInline func id(_ tail: Int, slot: Int, _ space: borrowing PageSpace) -> UInt32 {
    let own: Int
    let first: Int
    if topology.form == .network {
      first = topology.firstEdge(tail)
      own = topology.firstEdge(tail + 1) - first
    } else {
      (first, own) = (tail * degree, degree)
    }
    if slot < own { return UInt32(first + slot) }
    var next = added.first(tail, isIn: false, space)
    for _ in own..<slot where next != 0 {
      next = added.rows.load(Int(next - 1), space).nextOut
    }
    precondition(next != 0, "no edge leaves \(tail) in place \(slot)")
    return Self.id(added: Int(next - 1))
  }

  /// What a hint says of the edge with an id: its place among those that leave its tail, `Hint.far`
  /// for a later one and for one that was added.
  public func direction(of id: UInt32) -> UInt8 {
    if Self.addedRow(id) != nil { return Hint.far }
    if topology.form != .network { return UInt8(Int(id) % degree) }
    return UInt8(min(Int(id) - topology.firstEdge(Int(topology.tail(Int(id)))), Int(Hint.far)))
  }

  /// Where an open edge begins and ends, and what it costs; nil where none has the id, or it is
  /// closed.
  public func edge(
    _ id: UInt32, _ space: borrowing PageSpace
  ) -> (tail: UInt32, head: UInt32, cost: UInt32)? {
    if let row = Self.addedRow(id) {
      guard let held = added.edge(row, space), held.cost != 0 else { return nil }
      return (held.tail, held.head, held.cost)
    }
    if topology.form == .network {
      guard Int(id) < topology.edgeCount else { return nil }
      let weight = weight(Int(id), space)
      if weight == 0 { return nil }
      return (topology.tail(Int(id)), topology.head(Int(id)), weight)
    }
    let (tail, slot) = Int(id).quotientAndRemainder(dividingBy: degree)
    guard tail < nodeCount else { return nil }
    var edges = OutEdges(tail, self, space)
    while let edge = edges.next(self, space) {
      if edge.slot == slot {
        return (UInt32(tail), UInt32(edge.head), UInt32(truncatingIfNeeded: edge.cost))
      }
    }
    return nil
  }
}
