public import Bounded
public import Pages

/// A block world whose edges can be edited: an immutable map, and edge rows in pages.
///
/// A row holds one byte for each directed edge that leaves the node, in the order of directions:
///
///     neighbourhood   row bytes   byte k
///     eight           8           multiplier of the edge in direction k: 0 closed, 1...255
///     four            4           the same
///
/// Walking an edge costs its multiplier times the neighbourhood's straight or diagonal cost. Pages
/// hold each row XOR the row that the map gives (1 where a step is open), so a world that was never
/// edited takes no page. One more bit a node tells blocks closed or opened since, XOR the map.
///
/// Rule: an edge can be open only if both its blocks are open and, if diagonal, the two blocks
/// beside it too. Closing a block closes every edge that needs it and forgets their multipliers;
/// opening it opens with multiplier 1 those that the rule then allows.
///
/// It is a place, not memory: the space is passed to every call.
public struct GridWorld: Sendable {
  public let map: BlockMap
  @usableFromInline let compass: Compass
  @usableFromInline let rowAddress: Int
  @usableFromInline let rowShift: Int
  @usableFromInline let blocks: PagedArray<UInt64>

  /// Reserves the rows and the block bits of `map` in `layout`: 8 1/8 or 4 1/8 bytes a node.
  public init(_ name: String, _ map: BlockMap, in layout: inout PageLayout) {
    self.map = map
    compass = Compass(map.neighbourhood, width: map.width)
    rowShift = map.neighbourhood == .eight ? 3 : 2
    rowAddress = layout.reserve(
      "\(name).edges", rowCount: map.nodeCount, rowBytes: 1 << rowShift)
    blocks = PagedArray("\(name).blocks", count: (map.nodeCount + 63) / 64, in: &layout)
  }

  @inlinable public var nodeCount: Int { map.nodeCount }

  /// Asks for the lines that a step onto `node` reads: the map there, and the edges.
  @inlinable @inline(__always)
  public func prefetch(_ node: UInt32, _ space: borrowing PageSpace) {
    map.topology.prefetch(Int(node) &* 2)
    space.prefetch(rowAddress &+ Int(node) &<< rowShift)
  }

  /// Multiplier of the edge that leaves `node` in `direction`, 0 when it is closed or leaves the
  /// map.
  @inlinable public func multiplier(
    _ node: UInt32, _ direction: UInt8, _ space: borrowing PageSpace
  ) -> UInt8 {
    precondition(Int(node) < nodeCount && Int(direction) < compass.degree)
    return UInt8(truncatingIfNeeded: multiplier(Int(node), Int(direction), space))
  }

  /// The node that `direction` leads to, or nil off the map.
  @inlinable public func neighbour(_ node: UInt32, _ direction: UInt8) -> UInt32? {
    precondition(Int(node) < nodeCount && Int(direction) < compass.degree)
    guard inside(Int(node)) &>> Int(direction) & 1 == 1 else { return nil }
    return UInt32(truncatingIfNeeded: Int(node) &+ compass.deltas[Int(direction)])
  }

  /// Cost of walking the edge that leaves `node` in `direction`, or nil when it is closed.
  @inlinable public func cost(
    _ node: UInt32, _ direction: UInt8, _ space: borrowing PageSpace
  ) -> UInt32? {
    let multiplier = multiplier(node, direction, space)
    if multiplier == 0 { return nil }
    return UInt32(multiplier) &* UInt32(truncatingIfNeeded: compass.costs[Int(direction)])
  }

  /// Whether `node` is an open block.
  @inlinable @inline(__always)
  public func isOpen(_ node: UInt32, _ space: borrowing PageSpace) -> Bool {
    let word = blocks.load(Int(node) &>> 6, space)
    // What a step leads to is passable; only of what none leads to is the character asked.
    let isPassable = map.directions(Int(node)) & 0xff != 0 || map.isPassable(node)
    return isPassable != (word &>> UInt64(node & 63) & 1 == 1)
  }

  /// Cost of the edge that leads onto `node` from `dx` columns and `dy` rows before it, `-1...1`
  /// each; nil where no edge of multiplier 1 does, be it closed, slow or none.
  ///
  /// The map's part is read at `node`, since the map opens a step and the step back together: who
  /// walks on needs that line anyway.
  @inlinable @inline(__always)
  public func plainCost(
    onto node: UInt32, dx: Int, dy: Int, _ space: borrowing PageSpace
  ) -> UInt32? {
    let direction = compass.direction(dx, dy)
    if direction >= compass.degree { return nil }
    let bits = map.directions(Int(node))
    let back = compass.opposite(direction)
    if bits &>> (back &+ 8) & 1 == 0 { return nil }
    let start = Int(node) &- compass.deltas[direction]
    let edited = space.load(rowAddress &+ start &<< rowShift &+ direction, as: UInt8.self)
    if edited != UInt8(truncatingIfNeeded: bits &>> back & 1 ^ 1) { return nil }
    return UInt32(truncatingIfNeeded: compass.costs[direction])
  }

  // MARK: Rows

  /// The eight (or four) multipliers of the edges leaving `node`, direction 0 lowest.
  @inlinable @inline(__always)
  func row(_ node: Int, _ space: borrowing PageSpace) -> UInt64 {
    let edited =
      rowShift == 3
      ? space.load(rowAddress &+ node &<< 3, as: UInt64.self)
      : UInt64(space.load(rowAddress &+ node &<< 2, as: UInt32.self))
    return edited ^ Self.spread(map.directions(node) & 0xff)
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
  @inlinable @inline(__always) func inside(_ node: Int) -> Int { map.directions(node) &>> 8 }

  /// Bit k of `bits` as byte k, 0 or 1.
  @inlinable @inline(__always) static func spread(_ bits: Int) -> UInt64 {
    let copies = UInt64(truncatingIfNeeded: bits) &* 0x0101_0101_0101_0101
    // Byte k keeps bit k alone; adding 0x7f carries it, whichever it was, into the byte's top bit.
    let single = (copies & 0x8040_2010_0804_0201) &+ 0x7f7f_7f7f_7f7f_7f7f
    return single &>> 7 & 0x0101_0101_0101_0101
  }
}
