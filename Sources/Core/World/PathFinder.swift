internal import Bounded
public import Pages

/// Exact cheapest walks between two nodes, by A* (Hart, Nilsson and Raphael, 1968) run from the
/// goal.
///
/// The estimate is the cost over an open map (octile or Manhattan), which no multiplier undercuts,
/// so it is admissible and consistent; in a network, and where edges were added, there is none and
/// it is Dijkstra's algorithm (1959). All memory is taken at boot and reset in O(1): a search
/// costs what it explores, whatever the size of the map. It reads a space and never writes it, so
/// it runs on a fork as well. Nothing is kept between searches but the last path. Paths over whole
/// grids of four ways are `TileSearch`'s.
public struct PathFinder: ~Copyable {
  /// Most nodes that one search may label.
  public let nodeBudgetMax: Int
  /// Nodes labelled by the last search.
  public internal(set) var labelCount = 0

  /// Heap, labels and slots, in this order; or tiles.
  let memory: SlabView
  var heap: DistanceHeap
  /// Labels in order of discovery, 12 bytes each: node, cost to the goal, estimate from the start.
  let labels: SlabView
  /// An open-addressing table from a node to its label, 8 bytes a slot: label, generation. A slot
  /// of another generation is empty.
  let slots: SlabView
  let slotMask: Int
  var generation: UInt32 = 0
  /// Whether the least cost between two places of the world is known.
  var hasEstimate = false
  /// The edges of the last path, 4 bytes each.
  let steps: SlabView
  var stepCount = 0
  /// For paths over whole grids of four ways; it lies where heap, labels and slots do.
  var tiles: TileSearch
  private let hasTiles: Bool
  /// Where in `memory` the slots begin.
  private let slotsAt: Int
  /// Where in `memory` an exploration's square lies, behind the links of its ring; nil without
  /// room, with less than some 27,000 nodes.
  let nearAt: Int?
  /// Whether the tiles' search used the memory last.
  private var isTiled = false

  /// Takes the memory for searches that label at most `nodeBudgetMax` nodes, `1...16,777,216`:
  /// 42 to 58 bytes a node.
  ///
  /// - Parameter wholeGrids: Paths over grids of four ways are searched for in tiles of 2 KiB for
  ///   1,024 nodes, as many as the same memory has room for; `nodeBudgetMax` must be 150,000 or
  ///   more.
  public init(nodeBudgetMax: Int, wholeGrids: Bool = false) {
    self.init(
      nodeBudgetMax: nodeBudgetMax, heapCapacity: DistanceHeap.capacity(liveMax: nodeBudgetMax),
      wholeGrids: wholeGrids)
  }

  /// For tests: a heap without slack, at least `nodeBudgetMax` entries; and room for few tiles.
  package init(
    nodeBudgetMax: Int, heapCapacity: Int, wholeGrids: Bool = false, tileMax: Int = .max
  ) {
    precondition(nodeBudgetMax > 0 && nodeBudgetMax <= Topology.cellCountMax)
    precondition(heapCapacity >= nodeBudgetMax)
    self.nodeBudgetMax = nodeBudgetMax
    var slotCount = 64
    while slotCount < nodeBudgetMax * 2 { slotCount *= 2 }
    slotMask = slotCount - 1
    // The slots last: what tiles write there must be cleared before they are used again.
    let stepBytes = (nodeBudgetMax * 4 + 63) & ~63
    let heapBytes = (DistanceHeap.byteCount(capacity: heapCapacity) + 63) & ~63
    let labelBytes = (nodeBudgetMax * 12 + 63) & ~63
    let all = SlabView(Slab(byteCount: stepBytes + heapBytes + labelBytes + slotCount * 8))
    steps = SlabView(all, at: 0, byteCount: nodeBudgetMax * 4)
    memory = SlabView(all, at: stepBytes, byteCount: all.byteCount - stepBytes)
    heap = DistanceHeap(capacity: heapCapacity, memory, at: 0)
    labels = SlabView(memory, at: heapBytes, byteCount: nodeBudgetMax * 12)
    slotsAt = heapBytes + labelBytes
    let linkBytes = (nodeBudgetMax * 4 + 63) & ~63
    nearAt = linkBytes + NearSquare.byteCount <= heapBytes ? linkBytes : nil
    slots = SlabView(memory, at: slotsAt, byteCount: slotCount * 8)
    hasTiles = wholeGrids
    tiles = TileSearch(
      hasTiles ? memory : SlabView(memory, at: 0, byteCount: 0), slotMax: tileMax)
  }

  /// Takes the memory for labels, or for tiles.
  mutating func share(withTiles isForTiles: Bool) {
    if isTiled == isForTiles { return }
    isTiled = isForTiles
    if isForTiles {
      tiles.enter()
    } else {
      let spoiled = min(max(tiles.usedBytes - slotsAt, 0), slots.byteCount)
      slots.zero(0, count: spoiled)
    }
  }

  /// The cost of the cheapest walk from `start` to `goal`.
  ///
  /// - Parameters:
  ///   - costMax: The dearest walk looked for, at most `distanceMax`, in the world's unit.
  ///   - nodeBudget: Most nodes labelled, at most `nodeBudgetMax`.
  /// - Complexity: O(n log n) for the n nodes labelled; no allocation.
  public mutating func cost(
    from start: UInt32, to goal: UInt32, costMax: UInt32 = distanceMax, nodeBudget: Int,
    _ world: WorldGraph, _ space: borrowing PageSpace
  ) -> Reach {
    search(
      Query(
        start: start, goal: goal, costMax: costMax, nodeBudget: nodeBudget, exploresTies: false),
      world, space)
  }

  /// Whether a walker can have come from `start` to `goal` at a cost of at most `costMax`; for
  /// checking one move, so it answers in a few loads when the nodes touch or lie too far apart. The
  /// cost is that of a walk within `costMax`: of the edge between them where there is one, else of
  /// the cheapest.
  ///
  /// - Complexity: as `cost`; no allocation.
  public mutating func reachableWithin(
    from start: UInt32, to goal: UInt32, costMax: UInt32, nodeBudget: Int,
    _ world: WorldGraph, _ space: borrowing PageSpace
  ) -> Reach {
    precondition(Int(start) < world.nodeCount && Int(goal) < world.nodeCount)
    if start == goal { return .within(cost: 0) }
    // Most steps lead to a neighbour: where the edge to it is within the cost, what it is, is no
    // matter.
    var edges = OutEdges(Int(start), world, space)
    while let edge = edges.next(world, space) {
      if edge.head == Int(goal), edge.cost <= UInt64(costMax) {
        return .within(cost: UInt32(truncatingIfNeeded: edge.cost))
      }
    }
    return cost(from: start, to: goal, costMax: costMax, nodeBudget: nodeBudget, world, space)
  }

  /// The cheapest walk from `start` to `goal`; its steps are then read with `step`.
  ///
  /// Of several as cheap, the one that takes at every node, from the start on, the edge with the
  /// lowest id that stays on a cheapest walk: a function of the edges alone.
  ///
  /// With `wholeGrids`, a grid of four ways without added edges is searched in tiles, whatever
  /// `nodeBudget`: the budget is spent when there is no room for another tile. Where costs in a
  /// tile lie too far apart, and in other worlds, nodes are labelled.
  ///
  /// - Complexity: as `cost`, but all nodes on walks as cheap are explored; in tiles O(n) for the n
  ///   nodes of tiles within half the cost of either end; no allocation.
  public mutating func path(
    from start: UInt32, to goal: UInt32, costMax: UInt32 = distanceMax, nodeBudget: Int,
    _ world: WorldGraph, _ space: borrowing PageSpace
  ) -> PathAnswer {
    stepCount = 0
    if hasTiles && TileSearch.isFor(world, space) {
      if let answer = pathOverTiles(from: start, to: goal, costMax: costMax, world, space) {
        return answer
      }
    }
    switch search(
      Query(
        start: start, goal: goal, costMax: costMax, nodeBudget: nodeBudget, exploresTies: true),
      world, space)
    {
    case .within(let cost): return .found(walk(from: start, to: goal, cost: cost, world, space))
    case .beyond: return .beyond
    case .budgetSpent: return .budgetSpent
    }
  }

  /// What the last search for a path had no room for when its budget was spent, in words.
  public var spentReason: String {
    if !isTiled { return "the search looked at \(labelCount) blocks without an end" }
    if tiles.slotCount < tiles.slotMax {
      return "there is a way, but it has more than \(nodeBudgetMax) steps"
    }
    return "the search came to \(tiles.slotCount) squares of 32 x 32 blocks without an end"
  }

  /// The id of an edge of the last path found, `0..<stepCount` of it.
  public func step(_ index: Int) -> UInt32 {
    precondition(index >= 0 && index < stepCount)
    return steps.load(index * 4, as: UInt32.self)
  }
}

/// Whether, and at what cost, a node can be walked to.
public enum Reach: Equatable, Sendable {
  /// The cheapest walk, exactly.
  case within(cost: UInt32)
  /// No walk costs at most `costMax`.
  case beyond
  /// The budget of nodes was spent before the answer was known.
  case budgetSpent
}

/// What became of a search for a path.
public enum PathAnswer: Equatable, Sendable {
  case found(Path)
  /// No walk costs at most `costMax`.
  case beyond
  /// The budget of nodes was spent before the answer was known.
  case budgetSpent
}

/// A cheapest walk in numbers.
public struct Path: Equatable, Sendable {
  /// In the world's unit.
  public var cost: UInt32
  public var stepCount = 0
  /// Steps along two axes of a grid or of voxels, and along three.
  public var diagonalCount = 0
  public var cornerCount = 0
  /// All others.
  public var straightCount: Int { stepCount - diagonalCount - cornerCount }
}
