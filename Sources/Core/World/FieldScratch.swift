internal import Bounded

/// Working memory for repairing fields, taken at boot; it keeps nothing between two calls.
///
/// One scratch serves any number of fields and forks over worlds of at most `nodeCount` nodes, one
/// call at a time. Memory: 22 bytes a node, touched only as far as the largest region repaired.
public struct FieldScratch: ~Copyable {
  /// Most nodes of a world it serves.
  public let nodeCount: Int
  /// Nodes that the last call gave a new distance or owner, an exact measure of its work.
  public internal(set) var settledCount = 0

  var heap: DistanceHeap
  /// The nodes of the region whose keys the event made invalid.
  private let nodes: Slab
  /// For each of them first its old key, then the best key that the region's surroundings offer.
  private let keys: Slab
  private(set) var count = 0

  public init(nodeCount: Int) {
    self.init(
      nodeCount: nodeCount, heapCapacity: DistanceHeap.capacity(liveMax: nodeCount))
  }

  /// For tests: a heap without slack, at least `nodeCount` entries.
  package init(nodeCount: Int, heapCapacity: Int) {
    precondition(nodeCount > 0 && nodeCount <= BlockMap.cellCountMax && heapCapacity >= nodeCount)
    self.nodeCount = nodeCount
    heap = DistanceHeap(capacity: heapCapacity)
    nodes = Slab(byteCount: nodeCount * 4, zeroed: false)
    keys = Slab(byteCount: nodeCount * 8, zeroed: false)
  }

  /// Bytes that `FieldScratch(nodeCount:)` takes.
  public static func byteCount(nodeCount: Int) -> Int {
    nodeCount * 12 + DistanceHeap.capacity(liveMax: nodeCount) * 8 + 24
  }

  mutating func begin() {
    count = 0
    settledCount = 0
    heap.removeAll()
  }

  @inline(__always) mutating func append(_ node: Int, _ key: UInt64) {
    nodes.store(UInt32(truncatingIfNeeded: node), count &* 4)
    keys.store(key, count &* 8)
    count &+= 1
  }

  @inline(__always) func node(_ position: Int) -> Int {
    Int(nodes.load(position &* 4, as: UInt32.self))
  }

  @inline(__always) func key(_ position: Int) -> UInt64 {
    keys.load(position &* 8, as: UInt64.self)
  }

  @inline(__always) func setKey(_ key: UInt64, _ position: Int) { keys.store(key, position &* 8) }
}
