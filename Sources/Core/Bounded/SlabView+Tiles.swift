public import CIntrinsics

/// What settling a tile changed.
@frozen public struct TileChange {
  /// A bit a row, and a bit a lane of the rows.
  public let rows: UInt32
  public let lanes: UInt32
  /// The greatest cost in the tile below 65,535.
  public let greatest: UInt32

  @inlinable init(_ tile: vx_tile) {
    (rows, lanes, greatest) = (tile.rows, tile.lanes, tile.greatest)
  }
}

// Squares of 32 x 32 costs, see `vx_tile_settle`: `tileBytes` each, and their planes four times so
// many.
extension SlabView {
  /// Bytes of a tile.
  public static var tileBytes: Int { 2_048 }

  /// Settles the tile at `offset` over the planes at `planes`; what changed.
  @inlinable
  public func settleTile(_ offset: Int, planes: Int, rows: UInt32) -> TileChange {
    checkTile(offset, count: 1)
    checkTile(planes, count: 4)
    return unsafe TileChange(vx_tile_settle(base + offset, base + planes, rows))
  }

  /// For tests: has tiles settled by registers no wider than 16 bytes (0), 32 (1) or 64 (2), as far
  /// as the processor has them; what it is then. Only speed depends on it.
  package static func limitTiles(toWidth most: Int) -> Int { Int(vx_tile_limit(Int32(most))) }

  /// The least sum of a block's costs in the tiles at two offsets; 65,535 or more when there is
  /// none.
  @inlinable
  public func leastSum(ofTiles left: Int, _ right: Int) -> Int {
    checkTile(left, count: 1)
    checkTile(right, count: 1)
    return unsafe Int(vx_tile_meet(base + left, base + right))
  }

  /// Sets every cost of the tile at `offset` to 65,535.
  @inlinable
  public func clearTile(_ offset: Int) {
    checkTile(offset, count: 1)
    unsafe (base + offset).initializeMemory(
      as: UInt8.self, repeating: 0xff, count: Self.tileBytes)
  }

  /// Lays row `y`, `-1...32`, of the planes at `planes` from 34 words at `edges`.
  @inlinable
  public func layTile(planes: Int, edges: Int, row y: Int, isBack: Bool) {
    checkTile(planes, count: 4)
    precondition(edges >= 0 && edges <= byteCount &- 34 &* 4 && y >= -1 && y <= 32)
    precondition(isBack || y >= 0 && y < 32)
    unsafe vx_tile_lay(
      base + planes, (base + edges).assumingMemoryBound(to: UInt32.self), Int32(y), isBack ? 1 : 0)
  }

  /// Adds to the planes' steps along a row that lead from a column of `columns` to the next
  /// `across`, `-1...1`, and takes as much from those that lead back; so for `rows` and `along`.
  /// Columns and rows are the tile's and may lie outside it.
  @inlinable
  public func leanTile(
    planes: Int, columns: Range<Int>, by across: Int, rows: Range<Int>, by along: Int
  ) {
    checkTile(planes, count: 4)
    precondition(abs(across) <= 1 && abs(along) <= 1)
    unsafe vx_tile_lean(
      base + planes, Int32(clamping: max(columns.lowerBound, -1)),
      Int32(clamping: min(columns.upperBound, 33)), Int32(across),
      Int32(clamping: max(rows.lowerBound, -1)), Int32(clamping: min(rows.upperBound, 33)),
      Int32(along))
  }

  /// XORs into `count` words at `edges` what the map gives: words of `weights` from `first` on, or,
  /// where it is empty, a byte of 1 for each of the four low bits of the halves in `steps`.
  @inlinable
  public func addMap(
    toEdges edges: Int, count: Int, first: Int, weights: SlabView, steps: SlabView
  ) {
    precondition(edges >= 0 && count >= 0 && first >= 0 && edges <= byteCount &- count &* 4)
    precondition(first <= steps.byteCount / 2 &- count)
    let words = unsafe (base + edges).assumingMemoryBound(to: UInt32.self)
    let halves = unsafe (steps.base + first &* 2).assumingMemoryBound(to: UInt16.self)
    if weights.byteCount == 0 { return unsafe vx_tile_edges(words, nil, halves, count) }
    precondition(first <= weights.byteCount / 4 &- count)
    let bytes = unsafe (weights.base + first &* 4).assumingMemoryBound(to: UInt32.self)
    unsafe vx_tile_edges(words, bytes, halves, count)
  }

  /// Sets `count` bytes from `offset` to zero.
  @inlinable
  public func zero(_ offset: Int, count: Int) {
    precondition(offset >= 0 && count >= 0 && offset <= byteCount &- count)
    unsafe (base + offset).initializeMemory(as: UInt8.self, repeating: 0, count: count)
  }

  /// Copies `count` bytes of `other`.
  @inlinable
  public func copy(from other: Slab, at source: Int, to target: Int, count: Int) {
    precondition(source >= 0 && target >= 0 && count >= 0)
    precondition(source <= other.byteCount &- count && target <= byteCount &- count)
    unsafe (base + target).copyMemory(from: other.base + source, byteCount: count)
  }

  @inlinable @inline(__always)
  func checkTile(_ offset: Int, count: Int) {
    precondition(offset >= 0 && offset & 1 == 0 && offset <= byteCount &- count &* Self.tileBytes)
  }
}
