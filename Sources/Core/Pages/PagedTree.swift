/// What came of an insertion.
@frozen public enum TreeInsertion: Equatable, Sendable {
  case inserted
  /// The key was there already; nothing changed.
  case present
  /// The tree holds as many keys as it was declared for; nothing changed.
  case full
}

/// An ordered set of 128-bit keys that knows the rank of each: a B+tree in a page space.
///
/// It is a place, not memory: the root, the counts and the free list lie in the pages too, so a
/// fork of the space forks the tree. The same operations in the same order give the same bytes.
///
/// The region is an array of nodes of `nodeBytes`, which never straddle a page. Node 0 is the
/// header; an all-zero header is an empty tree.
///
///     header  offset  bytes  field
///                  0      4  root     node number, 0: no node yet
///                  4      4  height   inner levels above the leaves, 0...16
///                  8      4  count    keys held, 0...capacity
///                 12      4  used     nodes ever taken; node `used` + 1 is the first untouched one
///                 16      4  free     node number of the first given back, 0: none
///                 20      4  withheld 1 until it is filled again, see `withhold`
///
///     leaf    offset  bytes  field
///                  0      4  count    keys here, 0...leafCapacity
///                  4      4  next     next free node; has meaning on the free list only
///                 16   16 L  keys     ascending (`TreeKey`)
///
///     inner   offset  bytes  field
///                  0      4  count    children here, 2...innerCapacity
///                 16   16 M  lowers   no key of child i is below lower i; lower 0 has no meaning
///          16 + 16 M    4 M  counts   keys below child i
///          16 + 20 M    4 M  children node numbers
///
/// With 1,024-byte nodes L = 63 and M = 42. Every node but the root is at least half full, so a key
/// takes at most 34.7 bytes of region (1,024 / 31 for leaves, a twentieth of it for inner nodes),
/// which is what the layout reserves; random keys settle at 20 to 22, and pages never reached cost
/// nothing.
@frozen public struct PagedTree: BitwiseCopyable, Sendable {
  @usableFromInline let address: Int
  /// Base-2 logarithm of the bytes a node.
  @usableFromInline let nodeShift: Int
  /// Keys a leaf, children an inner node.
  @usableFromInline let leafCapacity: Int
  @usableFromInline let innerCapacity: Int
  /// Nodes of the region, the header included.
  @usableFromInline let nodeCount: Int
  /// Most keys it holds; below that no order of operations makes it full.
  public let capacity: Int

  /// Bytes of a node unless told otherwise.
  public static var nodeBytes: Int { 1024 }

  /// Reserves room for `capacity` keys, `0...2^31`.
  ///
  /// - Parameter isDerived: Whether the keys can be made again from other rows; see `PageLayout`.
  public init(
    _ name: String, capacity: Int, nodeBytes: Int = PagedTree.nodeBytes, isDerived: Bool = false,
    in layout: inout PageLayout
  ) {
    self.init(
      name, capacity: capacity, nodeBytes: nodeBytes,
      leafCapacity: (nodeBytes - PagedTree.fieldsAt) / 16,
      innerCapacity: (nodeBytes - PagedTree.fieldsAt) / 24, isDerived: isDerived, in: &layout)
  }

  /// A tree whose nodes hold fewer entries than they have room for, so that tests reach deep
  /// shapes.
  init(
    _ name: String, capacity: Int, nodeBytes: Int, leafCapacity: Int, innerCapacity: Int,
    isDerived: Bool = false, in layout: inout PageLayout
  ) {
    precondition(capacity >= 0 && capacity <= 1 << 31, "tree of \(capacity) keys")
    precondition(nodeBytes <= pageBytes && nodeBytes & (nodeBytes - 1) == 0)
    precondition(leafCapacity >= 4 && PagedTree.fieldsAt + leafCapacity * 16 <= nodeBytes)
    precondition(innerCapacity >= 4 && PagedTree.fieldsAt + innerCapacity * 24 <= nodeBytes)
    self.capacity = capacity
    self.leafCapacity = leafCapacity
    self.innerCapacity = innerCapacity
    nodeShift = nodeBytes.trailingZeroBitCount
    let (nodes, height) = Self.nodes(keys: capacity, leafCapacity, innerCapacity)
    precondition(height <= TreePath.levelsMax, "tree of \(capacity) keys is \(height) levels high")
    nodeCount = nodes
    address = layout.reserve(
      name, rowCount: nodes, rowBytes: nodeBytes, isDerived: isDerived)
  }

  /// Nodes of a tree of `keys` keys at most, the header included, and its levels above the leaves.
  private static func nodes(
    keys: Int, _ leafCapacity: Int, _ innerCapacity: Int
  ) -> (count: Int, height: Int) {
    var levelNodes = max(keys / (leafCapacity / 2), 1)
    var (count, height) = (1 + levelNodes, 0)
    while levelNodes > 1 {
      levelNodes = max(levelNodes / (innerCapacity / 2), 1)
      count += levelNodes
      height += 1
    }
    return (count, height)
  }

  /// Pages that `fill` writes for `keys` keys at most.
  public func pagesOfFill(keys: Int) -> Int {
    let nodes = Self.nodes(keys: min(keys, capacity), leafCapacity, innerCapacity).count
    // They may begin within a page.
    return (nodes << nodeShift) / pageBytes + 2
  }

  /// Keys held.
  @inlinable public func count(_ space: borrowing PageSpace) -> Int {
    precondition(space.load(address &+ 20, as: UInt32.self) == 0, "tree used while withheld")
    return Int(space.load(address &+ 8, as: UInt32.self))
  }

  /// Removes every key.
  ///
  /// - Complexity: O(1); nodes keep their bytes until they are taken again.
  public func removeAll(_ space: inout PageSpace) {
    if space.load(address, as: UInt32.self) != 0 { space.store(Header(), address) }
  }

  struct Header: BitwiseCopyable {
    var root: UInt32 = 0
    var height: UInt32 = 0
    var count: UInt32 = 0
    var used: UInt32 = 0
    var free: UInt32 = 0
    var withheld: UInt32 = 0
  }

  @inline(__always)
  func header(_ space: borrowing PageSpace) -> Header {
    let header = space.load(address, as: Header.self)
    precondition(header.withheld == 0, "tree used while withheld")
    return header
  }

  var leafMinimum: Int { leafCapacity / 2 }
  var innerMinimum: Int { innerCapacity / 2 }
}

/// The inner nodes from the root to a leaf, and the child taken at each.
struct TreePath {
  static var levelsMax: Int { 16 }
  private var steps = InlineArray<16, UInt64>(repeating: 0)

  @inline(__always)
  mutating func set(_ level: Int, node: UInt32, index: Int) {
    steps[level] = UInt64(node) &<< 32 | UInt64(truncatingIfNeeded: index)
  }

  @inline(__always)
  func node(_ level: Int) -> UInt32 { UInt32(truncatingIfNeeded: steps[level] &>> 32) }

  @inline(__always)
  func index(_ level: Int) -> Int { Int(steps[level] & 0xffff_ffff) }
}
