public import Pages

/// A world whose edges can be edited: an immutable topology, and edits in pages.
///
/// What the pages hold depends on the form of the world:
///
///     form       edges of the world                              whole blocks
///     grid       a byte for each direction of each node:         a bit a node, XOR the map's
///                its multiplier, XOR the map's
///     voxels     a table of those whose multiplier is not 1      a bit a cell, XOR the map's
///     network    four bytes an edge: its weight, XOR the file's  none
///
/// so a world that was never edited takes no page. A multiplier is 0 for a closed edge or 1...255
/// times the cost of its direction; a weight is 0 or 1...2^31-1. Beside these there are edges that
/// were added since, between any two nodes, with a weight of their own.
///
/// Rule: an edge of a grid or of voxels can be open only if both its blocks are open and, if
/// diagonal, the blocks beside it too. Closing a block closes every edge that needs it and forgets
/// their multipliers; opening it gives those that the rule then allows what the world was built
/// with.
///
/// It is a place, not memory: the space is passed to every call.
public struct WorldGraph: Sendable {
  public let topology: Topology
  @usableFromInline let compass: Compass
  @usableFromInline let isGrid: Bool
  @usableFromInline let rowAddress: Int
  @usableFromInline let rowShift: Int
  @usableFromInline let blocks: PagedArray<UInt64>
  /// Voxels: (node << 5 | direction) + 1 -> multiplier + 1, where that is not 1.
  let multipliers: PagedTable
  @usableFromInline let added: AddedEdges

  /// Most edges that can be added to a world.
  public static var addedMax: Int { 1 << 24 }

  /// Reserves the edges and block bits of `topology` in `layout`: 8 1/8 or 4 1/8 bytes a node of a
  /// grid, 1/8 of voxels, 4 bytes an edge of a network, and 1/8 byte a node and some 80 bytes an
  /// edge that can be added.
  ///
  /// - Parameter addedMax: Most edges added at a time, and of voxels most with a multiplier other
  ///   than 1; `1...addedMax`.
  public init(_ name: String, _ topology: Topology, addedMax: Int, in layout: inout PageLayout) {
    self.topology = topology
    compass = Compass(
      topology.neighbourhood, width: topology.width, height: topology.height)
    isGrid = topology.form == .grid
    let rowCount: Int
    switch topology.form {
    case .grid:
      rowShift = topology.neighbourhood == .eight ? 3 : 2
      rowCount = topology.nodeCount
    case .voxels:
      (rowShift, rowCount) = (2, 1)
    case .network:
      (rowShift, rowCount) = (2, max(topology.edgeCount, 1))
    }
    rowAddress = layout.reserve("\(name).edges", rowCount: rowCount, rowBytes: 1 << rowShift)
    let hasBlocks = topology.form != .network
    blocks = PagedArray(
      "\(name).blocks", count: hasBlocks ? (topology.nodeCount + 63) / 64 : 1, in: &layout)
    multipliers = PagedTable(
      "\(name).multipliers", capacity: topology.form == .voxels ? addedMax : 1, in: &layout)
    added = AddedEdges(
      "\(name).added", nodeCount: topology.nodeCount, capacity: addedMax, in: &layout)
  }

  @inlinable public var nodeCount: Int { topology.nodeCount }

  /// The node at a place as events and rows tell it: column, row and level, the level being of no
  /// matter in a flat world; or a network's label.
  @inlinable @inline(__always)
  public func node(_ x: Int32, _ y: Int32, _ z: Int32) -> UInt32? {
    topology.node(x: Int(x), y: Int(y), z: isGrid ? 0 : Int(z))
  }

  /// Most edges that can lead onto one node.
  public var degreeMax: Int { topology.degreeMax + added.rows.count }

  /// The edges of the world itself that a node can have, by id: `node * degree + direction`, or the
  /// network's own. Those that were added follow.
  @inlinable public var degree: Int { compass.degree }

  /// The least that an edge can cost.
  @inline(__always)
  func leastCost(_ space: borrowing PageSpace) -> UInt64 {
    let least = topology.form == .network ? 1 : UInt64(topology.neighbourhood.straightCost)
    return added.isEmpty(space) ? least : min(least, added.leastCost(space))
  }

  /// Asks for the lines that a step onto `node` reads: the map there, and the edges.
  @inlinable @inline(__always)
  public func prefetch(_ node: UInt32, _ space: borrowing PageSpace) {
    topology.prefetch(Int(node))
    if isGrid { space.prefetch(rowAddress &+ Int(node) &<< rowShift) }
  }

  /// Whether `node` is an open block; every node of a network is.
  @inlinable @inline(__always)
  public func isOpen(_ node: UInt32, _ space: borrowing PageSpace) -> Bool {
    if !isGrid { return isOpenElsewhere(node, space) }
    let word = blocks.load(Int(node) &>> 6, space)
    // What a step leads to is passable; only of what none leads to is the character asked.
    let isPassable = topology.directions(Int(node)) & 0xff != 0 || topology.isPassable(node)
    return isPassable != (word &>> UInt64(node & 63) & 1 == 1)
  }

  @usableFromInline @inline(never)
  func isOpenElsewhere(_ node: UInt32, _ space: borrowing PageSpace) -> Bool {
    switch topology.neighbourhood {
    case .network: true
    case .walk: isStandable(topology.place(node), space)
    default: !isSolid(Int(node), space)
    }
  }

  /// The edge that leads onto `node` of a grid from `dx` columns and `dy` rows before it, `-1...1`
  /// each: what it costs, and whether no way around it can be cheaper, as for one of multiplier 1;
  /// nil where there is none, or it is closed.
  ///
  /// As far as the map has no weights its part is read at `node`, since it opens a step and the
  /// step back together: who walks on needs that line anyway.
  @inlinable @inline(__always)
  public func step(
    onto node: UInt32, dx: Int, dy: Int, _ space: borrowing PageSpace
  ) -> (cost: UInt32, isLeast: Bool)? {
    if !isGrid { return nil }
    let direction = compass.direction(dx, dy)
    if direction >= compass.degree { return nil }
    let bits = topology.directions(Int(node))
    let back = compass.opposite(direction)
    if bits &>> (back &+ 8) & 1 == 0 { return nil }
    let start = Int(node) &- compass.delta(direction)
    let edited = space.load(rowAddress &+ start &<< rowShift &+ direction, as: UInt8.self)
    let built =
      topology.hasWeights
      ? Self.multiplier(topology.weights(start), direction)
      : UInt64(truncatingIfNeeded: bits &>> back & 1)
    let multiplier = UInt64(edited) ^ built
    if multiplier == 0 { return nil }
    let cost = UInt32(truncatingIfNeeded: multiplier &* compass.cost(direction))
    return (cost, multiplier == 1 && added.isEmpty(space))
  }

  // MARK: One edge

  /// The node beside `node` in `direction`, or nil outside the world; of a walker, on the same
  /// level. Not of a network.
  public func neighbour(_ node: UInt32, _ direction: UInt8) -> UInt32? {
    precondition(Int(node) < nodeCount && Int(direction) < degree)
    let (x, y, z) = topology.place(node)
    let (dx, dy, dz) = topology.neighbourhood.offset(Int(direction))
    return topology.node(x: x + dx, y: y + dy, z: z + dz)
  }

  /// Multiplier of the edge that leaves `node` of a grid or of voxels in `direction`, 0 when it is
  /// closed or there is none.
  public func multiplier(
    _ node: UInt32, _ direction: UInt8, _ space: borrowing PageSpace
  ) -> UInt8 {
    precondition(Int(node) < nodeCount && Int(direction) < degree)
    if isGrid {
      return UInt8(truncatingIfNeeded: multiplier(Int(node), Int(direction), space))
    }
    if openDirections(Int(node), space) >> Int(direction) & 1 == 0 { return 0 }
    return voxelMultiplier(Int(node), Int(direction), space)
  }

  /// Cost of walking that edge, or nil when it is closed.
  public func cost(
    _ node: UInt32, _ direction: UInt8, _ space: borrowing PageSpace
  ) -> UInt32? {
    let multiplier = multiplier(node, direction, space)
    if multiplier == 0 { return nil }
    if isGrid {
      return UInt32(multiplier) * UInt32(truncatingIfNeeded: compass.cost(Int(direction)))
    }
    return UInt32(truncatingIfNeeded: cost(Int(node), Int(direction), space))
  }

  // MARK: Rows of a grid

  /// The eight (or four) multipliers of the edges leaving `node`, direction 0 lowest.
  @inlinable @inline(__always)
  func row(_ node: Int, _ space: borrowing PageSpace) -> UInt64 {
    let edited =
      rowShift == 3
      ? space.load(rowAddress &+ node &<< 3, as: UInt64.self)
      : UInt64(space.load(rowAddress &+ node &<< 2, as: UInt32.self))
    if topology.hasWeights { return edited ^ topology.weights(node) }
    return edited ^ Self.spread(topology.directions(node) & 0xff)
  }

  @inlinable @inline(__always)
  func multiplier(_ node: Int, _ direction: Int, _ space: borrowing PageSpace) -> UInt64 {
    Self.multiplier(row(node, space), direction)
  }

  /// Byte `direction` of a row.
  @inlinable @inline(__always)
  static func multiplier(_ row: UInt64, _ direction: Int) -> UInt64 {
    row &>> UInt64(truncatingIfNeeded: direction &<< 3) & 0xff
  }

  /// Bit k set: direction k does not leave the map.
  @inlinable @inline(__always) func inside(_ node: Int) -> Int {
    topology.directions(node) &>> 8
  }

  /// Bit k of `bits` as byte k, 0 or 1.
  @inlinable @inline(__always) static func spread(_ bits: Int) -> UInt64 {
    let copies = UInt64(truncatingIfNeeded: bits) &* 0x0101_0101_0101_0101
    // Byte k keeps bit k alone; adding 0x7f carries it, whichever it was, into the byte's top bit.
    let single = (copies & 0x8040_2010_0804_0201) &+ 0x7f7f_7f7f_7f7f_7f7f
    return single &>> 7 & 0x0101_0101_0101_0101
  }

  // MARK: Weights of a network

  /// The weight of an edge of a network, 0 when it is closed.
  @inlinable @inline(__always)
  func weight(_ edge: Int, _ space: borrowing PageSpace) -> UInt32 {
    space.load(rowAddress &+ edge &<< 2, as: UInt32.self) ^ topology.weight(edge)
  }
}
