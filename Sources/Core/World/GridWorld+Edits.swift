public import Pages

// Every edit names the edges it changed, so that the fields over the world can be repaired.
extension GridWorld {
  /// Sets the multiplier of the edge that leaves `node` in `direction`: 0 closes it.
  ///
  /// - Complexity: O(1).
  public func setEdge(
    _ node: UInt32, _ direction: UInt8, multiplier: UInt8, _ space: inout PageSpace
  ) -> EdgeEdit {
    precondition(Int(node) < nodeCount && Int(direction) < compass.degree)
    if let broken = brokenRule(Int(node), Int(direction), space) {
      // What the rule forbids is closed already.
      return multiplier == 0 && broken != .offMap ? .unchanged : .refused(broken)
    }
    let change = replace(Int(node), Int(direction), multiplier, &space)
    return change.old == change.new ? .unchanged : .changed(change)
  }

  /// Opens or closes a whole block: every edge that leads in or out, or cuts its corner.
  ///
  /// - Returns: The edges changed; none when the block was so already.
  /// - Complexity: O(1), at most 24 edges.
  public func setBlock(
    _ node: UInt32, open: Bool, _ space: inout PageSpace
  ) -> EdgeChanges {
    precondition(Int(node) < nodeCount)
    var changes = EdgeChanges()
    if isOpen(node, space) == open { return changes }
    blocks.update(Int(node) >> 6, &space) { $0 ^= 1 << UInt64(node & 63) }
    let centre = Int(node)
    let inside = inside(centre)
    let degree = compass.degree
    for direction in 0..<degree where inside >> direction & 1 == 1 {
      restore(centre, direction, &space, &changes)
      restore(centre + compass.deltas[direction], compass.opposite(direction), &space, &changes)
    }
    if degree == 4 { return changes }
    // The steps between the straight neighbours in directions k and k + 2 pass this corner.
    for straight in stride(from: 0, to: 8, by: 2) {
      let next = (straight + 2) & 7
      guard inside >> straight & 1 == 1 && inside >> next & 1 == 1 else { continue }
      restore(centre + compass.deltas[straight], (straight + 3) & 7, &space, &changes)
      restore(centre + compass.deltas[next], (straight + 7) & 7, &space, &changes)
    }
    return changes
  }

  /// Gives an edge what the rule gives it: closed where broken, otherwise open.
  private func restore(
    _ node: Int, _ direction: Int, _ space: inout PageSpace, _ changes: inout EdgeChanges
  ) {
    let allowed = brokenRule(node, direction, space) == nil
    let held = multiplier(node, direction, space)
    if allowed == (held != 0) { return }
    changes.append(replace(node, direction, allowed ? 1 : 0, &space))
  }

  /// The rule that an open edge would break, if any.
  private func brokenRule(
    _ node: Int, _ direction: Int, _ space: borrowing PageSpace
  ) -> EdgeRule? {
    guard inside(node) >> direction & 1 == 1 else { return .offMap }
    func isOpen(_ direction: Int) -> Bool {
      self.isOpen(UInt32(node + compass.deltas[direction & 7]), space)
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
    return EdgeChange(
      node: UInt32(node), direction: UInt8(direction), old: old, new: multiplier)
  }
}
