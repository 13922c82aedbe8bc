internal import Bounded
internal import Pages

// Exploring where no step costs 256 or more: a ring of 256 lists of labels by cost (Dial 1969), so
// that nothing is compared and nothing is stale. The next label of a list is where the estimate is,
// which exploring has no use for; the one before it lies in the heap's memory.
extension PathFinder {
  /// Labels by the lowest eight bits of their cost, one more than the first of each list; 0 none.
  struct Ring {
    var firsts = InlineArray<256, UInt32>(repeating: 0)
    /// A bit a list that is not empty.
    var filled = InlineArray<4, UInt64>(repeating: 0)

    /// The list with the least cost that is no less than `cost`, less than 256 above it.
    @inline(__always) func nearest(_ cost: UInt32) -> UInt32? {
      let start = Int(cost & 255)
      let here = filled[start &>> 6] &>> UInt64(truncatingIfNeeded: start & 63)
      if here != 0 { return cost &+ UInt32(truncatingIfNeeded: here.trailingZeroBitCount) }
      for step in 1...4 {
        let word = (start &>> 6 &+ step) & 3
        if filled[word] == 0 { continue }
        let list = word &<< 6 | filled[word].trailingZeroBitCount
        return cost &+ UInt32(truncatingIfNeeded: (list &- start) & 255)
      }
      return nil
    }
  }

  /// How dear an exploration may become, and how large.
  struct ExplorationLimits {
    let costMax: UInt32
    let nodeBudget: Int
  }

  /// How far it has come: everything cheaper than `cost` was visited.
  struct RingProgress {
    var ring = Ring()
    var cost: UInt32 = 0
    /// The least cost of a node that found no room.
    var dropped = UInt64.max
  }

  /// Whether `exploreRing` knows the world.
  static func isForRing(_ world: WorldGraph, _ space: borrowing PageSpace) -> Bool {
    world.topology.neighbourhood == .four && world.added.isEmpty(space)
  }

  /// `explore`, of a grid of four ways without other edges, from where it has come to.
  mutating func exploreRing(
    _ limits: ExplorationLimits, _ progress: RingProgress, _ world: WorldGraph,
    _ space: borrowing PageSpace, _ ahead: (UInt32) -> Void, _ visit: (UInt32, UInt32) -> Bool
  ) -> Exploration {
    var ring = progress.ring
    var (cost, dropped) = (progress.cost, progress.dropped)
    while let next = ring.nearest(cost) {
      cost = next
      if UInt64(cost) >= dropped { return .budgetSpent }
      let index = Int(ring.firsts[Int(cost & 255)]) &- 1
      let label = label(index)
      unlink(index, label, &ring)
      if !visit(label.node, cost) { return .stopped }
      var edges = OutEdges(Int(label.node), world, space, hasAdded: false)
      while let edge = edges.next(world, space) {
        let offer = UInt64(cost) &+ edge.cost
        if offer > UInt64(limits.costMax) { continue }
        let beside = UInt32(truncatingIfNeeded: edge.head)
        let (known, slot) = find(beside)
        let whole = UInt32(truncatingIfNeeded: offer)
        if let known {
          let held = self.label(known)
          if held.cost <= whole { continue }
          unlink(known, held, &ring)
          labels.store(whole, known &* 12 &+ 4)
          link(known, whole, &ring)
        } else if labelCount == limits.nodeBudget {
          dropped = min(dropped, offer)
        } else {
          append(Label(node: beside, cost: whole, estimate: 0), slot)
          link(labelCount &- 1, whole, &ring)
          world.prefetch(beside, space)
          ahead(beside)
        }
      }
    }
    return dropped == .max ? .done : .budgetSpent
  }

  /// Puts a label first in the list of its cost.
  @inline(__always)
  func link(_ index: Int, _ cost: UInt32, _ ring: inout Ring) {
    let list = Int(cost & 255)
    let next = ring.firsts[list]
    labels.store(next, index &* 12 &+ 8)
    memory.store(0 as UInt32, index &* 4)
    let mine = UInt32(truncatingIfNeeded: index &+ 1)
    if next != 0 { memory.store(mine, (Int(next) &- 1) &* 4) }
    ring.firsts[list] = mine
    ring.filled[list &>> 6] |= UInt64(1) &<< UInt64(truncatingIfNeeded: list & 63)
  }

  @inline(__always)
  private func unlink(_ index: Int, _ label: Label, _ ring: inout Ring) {
    let next = label.estimate
    let before = memory.load(index &* 4, as: UInt32.self)
    if next != 0 { memory.store(before, (Int(next) &- 1) &* 4) }
    if before != 0 { return labels.store(next, (Int(before) &- 1) &* 12 &+ 8) }
    let list = Int(label.cost & 255)
    ring.firsts[list] = next
    if next == 0 {
      ring.filled[list &>> 6] &= ~(UInt64(1) &<< UInt64(truncatingIfNeeded: list & 63))
    }
  }
}
