internal import Bounded

/// What somebody who made a world may want to know of it: nothing here is a fault.
public struct WorldReport: Equatable, Sendable {
  /// Nodes that somebody can be at.
  public private(set) var passableCount = 0
  /// Sets of nodes between any two of which there is a way, there and back.
  public private(set) var regionCount = 0
  /// Nodes in the largest of them.
  public private(set) var largestRegion = 0
  /// Nodes that no edge leads to.
  public private(set) var unreachedCount = 0
  /// Greatest cost of an edge.
  public private(set) var costMax: UInt32 = 0

  /// Nodes from which, or to which, there is no way for those in the largest region.
  public var outsideCount: Int { passableCount - largestRegion }

  /// Whether a cheapest way may cost more than `distanceMax`: what lies farther counts as
  /// unreachable.
  public var mayOverflow: Bool {
    UInt64(max(0, passableCount - 1)) * UInt64(costMax) > UInt64(distanceMax)
  }

  /// Looks at every edge twice; strongly connected components by D. Pearce's algorithm
  /// ("A space-efficient algorithm for finding strongly connected components", 2016).
  ///
  /// - Complexity: O(nodes + edges); 13 bytes a node.
  public init(of world: Topology) {
    var search = RegionSearch(world)
    for node in 0..<UInt32(world.nodeCount) where world.isPassable(node) {
      passableCount += 1
      search.visit(node)
    }
    (regionCount, largestRegion) = (search.regionCount, search.largestRegion)
    costMax = search.costMax
    for node in 0..<UInt32(world.nodeCount) where world.isPassable(node) {
      if !search.isReached(node) { unreachedCount += 1 }
    }
  }
}

/// The largest set of a world's nodes between any two of which there is a way as built, there and
/// back.
public struct LargestRegion: Sendable {
  private let ranks: Slab
  private let label: UInt32
  /// Nodes in it; 0 where nobody can be anywhere.
  public let count: Int

  /// - Complexity: O(nodes + edges); 13 bytes a node, of which 4 stay.
  public init(_ world: Topology) {
    var search = RegionSearch(world)
    for node in 0..<UInt32(world.nodeCount) where world.isPassable(node) { search.visit(node) }
    ranks = search.ranks
    label = search.largestLabel
    count = search.largestRegion
  }

  public func contains(_ node: UInt32) -> Bool {
    count > 0 && ranks.load(Int(node) * 4, as: UInt32.self) == label
  }
}

extension Topology {
  /// Slots for edges at `node`: some may be empty.
  func slotCount(_ node: UInt32) -> Int {
    form == .network
      ? firstEdge(Int(node) + 1) - firstEdge(Int(node)) : neighbourhood.degree
  }

  /// Where the edge in a slot of `node` leads as built, and what it costs; nil when there is none.
  func edge(_ node: UInt32, slot: Int, _ compass: Compass) -> (head: UInt32, cost: UInt32)? {
    switch form {
    case .grid:
      let multiplier = weights(Int(node)) >> UInt64(slot * 8) & 0xff
      if multiplier == 0 { return nil }
      return (
        UInt32(Int(node) + compass.delta(slot)), UInt32(multiplier * compass.cost(slot))
      )
    case .voxels: return voxelStep(node, slot).map { ($0.node, $0.cost) }
    case .network:
      let edge = firstEdge(Int(node)) + slot
      return (head(edge), weight(edge))
    }
  }
}

/// Pearce's search, without recursion.
private struct RegionSearch {
  private let world: Topology
  private let compass: Compass
  /// For each node when it was first seen, or the least such of those it leads back to; regions
  /// that are found count down from the greatest number.
  let ranks: Slab
  /// Nodes on the way to where the search is, from the front; nodes of regions not yet whole, from
  /// the back. A node is in one of them at most.
  private let stacks: Slab
  /// The next slot of each node on the way.
  private let slots: Slab
  /// Bit 0: the node leads back to no node before it; bit 1: an edge leads to it.
  private let marks: Slab
  private var wayCount = 0
  private var waiting: Int
  private var nextRank: UInt32 = 1
  private var nextRegion = UInt32.max
  private(set) var regionCount = 0
  private(set) var largestRegion = 0
  /// The rank of its nodes.
  private(set) var largestLabel = UInt32.max
  private(set) var costMax: UInt32 = 0

  init(_ world: Topology) {
    self.world = world
    compass = Compass(world.neighbourhood, width: world.width, height: world.height)
    ranks = Slab(byteCount: world.nodeCount * 4)
    stacks = Slab(byteCount: world.nodeCount * 4, zeroed: false)
    slots = Slab(byteCount: world.nodeCount * 4, zeroed: false)
    marks = Slab(byteCount: world.nodeCount)
    waiting = world.nodeCount
  }

  func isReached(_ node: UInt32) -> Bool { marks.load(Int(node), as: UInt8.self) & 2 != 0 }

  private func rank(_ node: UInt32) -> UInt32 { ranks.load(Int(node) * 4, as: UInt32.self) }

  mutating func visit(_ start: UInt32) {
    if rank(start) != 0 { return }
    begin(start)
    while wayCount > 0 {
      let node = stacks.load((wayCount - 1) * 4, as: UInt32.self)
      if !advance(node) { finish(node) }
    }
  }

  private mutating func begin(_ node: UInt32) {
    stacks.store(node, wayCount * 4)
    slots.store(UInt32(0), wayCount * 4)
    wayCount += 1
    ranks.store(nextRank, Int(node) * 4)
    nextRank += 1
    marks.update(Int(node), as: UInt8.self) { $0 |= 1 }
  }

  /// Goes on with the edges of the last node on the way; false when it has no more.
  private mutating func advance(_ node: UInt32) -> Bool {
    var slot = Int(slots.load((wayCount - 1) * 4, as: UInt32.self))
    let end = world.slotCount(node)
    let open = world.slotsOpen(node)
    while slot < end {
      if world.form == .voxels && open >> slot & 1 == 0 {
        slot += 1
        continue
      }
      if let (head, cost) = world.edge(node, slot: slot, compass) {
        if rank(head) == 0 {
          // This edge is looked at again when the search has come back.
          slots.store(UInt32(slot), (wayCount - 1) * 4)
          marks.update(Int(head), as: UInt8.self) { $0 |= 2 }
          begin(head)
          return true
        }
        marks.update(Int(head), as: UInt8.self) { $0 |= 2 }
        costMax = max(costMax, cost)
        if rank(head) < rank(node) {
          ranks.store(rank(head), Int(node) * 4)
          marks.update(Int(node), as: UInt8.self) { $0 &= ~1 }
        }
      }
      slot += 1
    }
    return false
  }

  /// Takes the last node off the way: its region is whole, or it waits for the rest of it.
  private mutating func finish(_ node: UInt32) {
    wayCount -= 1
    if marks.load(Int(node), as: UInt8.self) & 1 == 0 {
      waiting -= 1
      stacks.store(node, waiting * 4)
      return
    }
    var size = 1
    let least = rank(node)
    while waiting < world.nodeCount {
      let other = stacks.load(waiting * 4, as: UInt32.self)
      if rank(other) < least { break }
      ranks.store(nextRegion, Int(other) * 4)
      waiting += 1
      size += 1
    }
    nextRank -= UInt32(size)
    ranks.store(nextRegion, Int(node) * 4)
    nextRegion -= 1
    regionCount += 1
    if size > largestRegion { (largestRegion, largestLabel) = (size, nextRegion + 1) }
  }
}
