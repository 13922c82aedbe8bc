internal import Bounded

/// Working memory for repairing fields, taken at boot; it keeps nothing between two calls.
///
/// One scratch serves any number of fields and forks over worlds of at most `nodeCount` nodes, one
/// call at a time.
public struct FieldScratch: ~Copyable {
  /// Most nodes of a world it serves.
  public let nodeCount: Int
  /// Most work that one call does, in nodes looked at; what is left goes on in `settle(budget:)`.
  public let workMax: Int
  /// Nodes that the last call gave a new distance or owner, an exact measure of its work.
  public internal(set) var settledCount = 0

  var queue: BucketQueue
  /// Nodes that the call may still look at.
  var workLeft = 0
  /// Whether the call gives nodes outside the region better keys.
  var isLowering = false
  /// Whether the field has a backlog, and whether that has keys to hand on.
  var isBeside = false
  var isLoose = false
  /// Whether the world has edges that were added.
  var hasAdded = false
  /// The nodes of the region whose keys the event made invalid, the keys that they had, and the
  /// best that the region's surroundings offer.
  private let nodes: Slab
  private let oldKeys: Slab
  private let keys: Slab
  private(set) var count = 0

  /// For work of any size at once. Memory: 46 bytes a node, touched only as far as the largest
  /// region repaired.
  public init(nodeCount: Int) {
    self.init(
      nodeCount: nodeCount, workMax: .max, degreeMax: 0,
      heapCapacity: DistanceHeap.capacity(liveMax: nodeCount))
  }

  /// For work of at most `workMax` nodes at once, `1...workLimit`.
  ///
  /// Memory: 370 bytes a unit of work, and no more than 46 bytes a node.
  /// - Parameter degreeMax: Most edges that lead onto one node.
  public init(nodeCount: Int, workMax: Int, degreeMax: Int) {
    precondition(workMax > 0 && workMax <= Self.workLimit, "work of \(workMax) nodes")
    self.init(
      nodeCount: nodeCount, workMax: workMax, degreeMax: degreeMax,
      heapCapacity: DistanceHeap.capacity(
        liveMax: min(nodeCount, Self.touchedMax(workMax, degreeMax))))
  }

  /// For tests: a heap without slack, at least `nodeCount` entries.
  package init(nodeCount: Int, heapCapacity: Int) {
    precondition(heapCapacity >= nodeCount)
    self.init(nodeCount: nodeCount, workMax: .max, degreeMax: 0, heapCapacity: heapCapacity)
  }

  private init(nodeCount: Int, workMax: Int, degreeMax: Int, heapCapacity: Int) {
    precondition(nodeCount > 0 && nodeCount <= Topology.cellCountMax)
    self.nodeCount = nodeCount
    self.workMax = workMax
    queue = BucketQueue(capacity: heapCapacity)
    let room = min(nodeCount, Self.touchedMax(workMax, degreeMax))
    nodes = Slab(byteCount: room * 4, zeroed: false)
    oldKeys = Slab(byteCount: room * 8, zeroed: false)
    keys = Slab(byteCount: room * 8, zeroed: false)
  }

  /// Most work that a call may be allowed.
  public static var workLimit: Int { 1 << 16 }

  /// Most nodes that get a place in the region or the queue before so much work is done: a unit of
  /// it adds eight, the last node all its neighbours, and an edit what it changes to begin with.
  private static func touchedMax(_ workMax: Int, _ degreeMax: Int) -> Int {
    workMax > workLimit ? .max : (workMax + 1) * 8 + degreeMax + EdgeChanges.capacity
  }

  /// - Parameter leastCost: Of an edge of the world.
  mutating func begin(isBeside: Bool, isLoose: Bool, leastCost: UInt64, continues: Bool) {
    count = 0
    queue.removeAll(leastCost: leastCost)
    settledCount = 0
    if !continues { workLeft = workMax }
    isLowering = false
    self.isBeside = isBeside
    self.isLoose = isLoose
  }

  /// Forgets the region.
  mutating func removeRegion() { count = 0 }

  @inline(__always) mutating func append(_ node: Int, _ oldKey: UInt64) {
    nodes.store(UInt32(truncatingIfNeeded: node), count &* 4)
    oldKeys.store(oldKey, count &* 8)
    count &+= 1
  }

  @inline(__always) func node(_ position: Int) -> Int {
    Int(nodes.load(position &* 4, as: UInt32.self))
  }

  @inline(__always) func oldKey(_ position: Int) -> UInt64 {
    oldKeys.load(position &* 8, as: UInt64.self)
  }

  @inline(__always) func key(_ position: Int) -> UInt64 {
    keys.load(position &* 8, as: UInt64.self)
  }

  @inline(__always) mutating func setKey(_ key: UInt64, _ position: Int) {
    keys.store(key, position &* 8)
  }
}
