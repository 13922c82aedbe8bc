internal import Bounded
internal import Pages

// Reading the walk. Costs of either end are exact below what waited there when the search ended,
// and those of nodes one step on. What waited adds up to more than the cheapest walk, so every such
// walk comes to a node where both costs are exact. From such nodes those on cheapest walks are
// marked back to the start.
extension TileSearch {
  /// Writes down the edges of the cheapest walk, of several the one with the lowest id at every
  /// node, after a search that found `cost`; how many.
  ///
  /// - Parameter steps: Four bytes an edge from its first byte on; the marking uses it before.
  mutating func walk(
    from start: UInt32, to goal: UInt32, cost: UInt32, steps: SlabView, _ world: WorldGraph,
    _ space: borrowing PageSpace
  ) throws(Fault) -> Int {
    if start == goal { return 0 }
    markMeetings(cost, steps, world, space)
    let stepMax = steps.byteCount / 4
    var node = start
    var gone: UInt32 = 0
    var count = 0
    while node != goal {
      if count == stepMax { throw .spent }
      let direction = step(from: node, gone: gone, of: cost, world, space)
      steps.store(node &* 4 &+ UInt32(direction), count * 4)
      count += 1
      gone += UInt32(world.multiplier(Int(node), direction, space))
      node = UInt32(Int(node) + world.compass.delta(direction))
    }
    return count
  }

  /// The lowest direction from a node on a cheapest walk that stays on one.
  private func step(
    from node: UInt32, gone: UInt32, of cost: UInt32, _ world: WorldGraph,
    _ space: borrowing PageSpace
  ) -> Int {
    for direction in 0..<4 {
      let step = UInt32(world.multiplier(Int(node), direction, space))
      if step == 0 || step > cost - gone { continue }
      let head = UInt32(Int(node) + world.compass.delta(direction))
      let (at, block) = place(head)
      let reduction = reduction(head)
      let (known, isMarked) = known(at, block, .start)
      if isMarked, let known, known + reduction == gone + step { return direction }
      if let back = self.known(at, block, .goal).cost,
        back + UInt32(apart) - reduction == cost - gone - step
      {
        return direction
      }
    }
    preconditionFailure("no step from node \(node) keeps a cost of \(cost), \(gone) gone")
  }

  /// By how much the cost of walking from the start to a node is reduced, `0...apart`; that of
  /// walking on to the goal is by the rest.
  @inline(__always) private func reduction(_ node: UInt32) -> UInt32 {
    let (x, y) = (Int(node) % worldWidth, Int(node) / worldWidth)
    let done = abs(x - startX) + abs(y - startY)
    let left = abs(x - goalX) + abs(y - goalY)
    return UInt32((apart + done - left) / 2)
  }

  /// The reduced cost of a node from one end, and whether it is marked; nil where none is known.
  @inline(__always)
  private func known(_ at: Int, _ block: Int, _ end: End) -> (cost: UInt32?, isMarked: Bool) {
    let tile = tile(at, end)
    if tile.slot == 0 { return (nil, false) }
    let held = UInt32(memory.load(costs(tile.slot) &+ block &* 2, as: UInt16.self))
    if held == Self.none { return (nil, false) }
    return (tile.base &+ held & ~Self.marked, held & Self.marked != 0)
  }

  private func mark(_ at: Int, _ block: Int) {
    memory.update(costs(tile(at, .start).slot) + block * 2, as: UInt16.self) { held in
      held |= UInt16(Self.marked)
    }
  }

  /// Marks every node, with a cost from the start, where cheapest walks may be met, and what leads
  /// to them.
  private func markMeetings(
    _ cost: UInt32, _ stack: SlabView, _ world: WorldGraph, _ space: borrowing PageSpace
  ) {
    var hasRoom = true
    let cost = cost - UInt32(apart)
    for slot in 0..<slotCount {
      let owner = Int(memory.load(ownersAt + slot * 4, as: UInt32.self))
      if owner & 1 != End.start.rawValue { continue }
      let at = owner / 2
      let (mine, theirs) = (tile(at, .start), tile(at, .goal))
      if theirs.slot == 0 { continue }
      // A cost marked already counts as a greater one, and needs no second look.
      let least = UInt64(memory.leastSum(ofTiles: costs(mine.slot), costs(theirs.slot)))
      if least + UInt64(mine.base) + UInt64(theirs.base) > UInt64(cost) { continue }
      for block in 0..<Self.side * Self.side {
        let (there, isMarked) = known(at, block, .start)
        guard let there, !isMarked, let back = known(at, block, .goal).cost,
          UInt64(there) + UInt64(back) == UInt64(cost)
        else { continue }
        mark(at, block)
        if !markBack(from: node(at, block), stack, world, space) { hasRoom = false }
      }
    }
    // What found no room on the stack is marked but not what leads to it: look at all once more.
    while !hasRoom {
      hasRoom = true
      for slot in 0..<slotCount {
        let owner = Int(memory.load(ownersAt + slot * 4, as: UInt32.self))
        if owner & 1 != End.start.rawValue { continue }
        for block in 0..<Self.side * Self.side where known(owner / 2, block, .start).isMarked {
          if !markBack(from: node(owner / 2, block), stack, world, space) { hasRoom = false }
        }
      }
    }
  }

  private func node(_ at: Int, _ block: Int) -> UInt32 {
    let (x, y) = (at % across * Self.side + block & 31, at / across * Self.side + block >> 5)
    return UInt32(y * worldWidth + x)
  }

  /// Marks the nodes from which the start's end came to `node`, and so on; false when the stack was
  /// too small for it.
  private func markBack(
    from node: UInt32, _ stack: SlabView, _ world: WorldGraph, _ space: borrowing PageSpace
  ) -> Bool {
    let room = stack.byteCount / 4
    var hasRoom = true
    var count = 1
    stack.store(node, 0)
    while count > 0 {
      count -= 1
      let head = stack.load(count * 4, as: UInt32.self)
      let (at, block) = place(head)
      guard var cost = known(at, block, .start).cost else { continue }
      cost += reduction(head)
      let inside = world.inside(Int(head))
      for direction in 0..<4 where inside >> direction & 1 == 1 {
        let tail = Int(head) + world.compass.delta(direction)
        let (tailAt, tailBlock) = place(UInt32(tail))
        let (before, isMarked) = known(tailAt, tailBlock, .start)
        guard let before, !isMarked else { continue }
        let step = UInt32(world.multiplier(tail, world.compass.opposite(direction), space))
        let gone = UInt64(before) + UInt64(reduction(UInt32(tail)))
        if step == 0 || gone + UInt64(step) != UInt64(cost) { continue }
        mark(tailAt, tailBlock)
        if count == room {
          hasRoom = false
        } else {
          stack.store(UInt32(tail), count * 4)
          count += 1
        }
      }
    }
    return hasRoom
  }
}
