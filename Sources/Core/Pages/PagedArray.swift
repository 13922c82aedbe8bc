public import Bounded

/// A fixed number of rows in a page space, each of a power-of-two stride, all zero at first.
///
/// It is a place, not memory: the space is passed to every access, and a fork of the space forks
/// the rows.
@frozen public struct PagedArray<Row: BitwiseCopyable>: Sendable {
  @usableFromInline let address: Int
  @usableFromInline let shift: Int
  /// Rows.
  public let count: Int

  /// Bytes a row takes: its stride rounded up to a power of two, at most 4096.
  public static var rowBytes: Int {
    var bytes = 1
    while bytes < MemoryLayout<Row>.stride { bytes *= 2 }
    return bytes
  }

  public init(
    _ name: String, count: Int, isDigested: Bool = true, in layout: inout PageLayout
  ) {
    precondition(MemoryLayout<Row>.alignment <= 16)
    address = layout.reserve(
      name, rowCount: count, rowBytes: Self.rowBytes, isDigested: isDigested)
    shift = Self.rowBytes.trailingZeroBitCount
    self.count = count
  }

  @inlinable @inline(__always)
  public func load(_ index: Int, _ space: borrowing PageSpace) -> Row {
    precondition(index >= 0 && index < count)
    return space.load(address &+ (index &<< shift), as: Row.self)
  }

  /// The value at byte `offset` (a multiple of its alignment) of row `index`.
  @inlinable @inline(__always)
  public func load<Field: BitwiseCopyable>(
    _ index: Int, byte offset: Int, as: Field.Type, _ space: borrowing PageSpace
  ) -> Field {
    precondition(index >= 0 && index < count && offset >= 0 && offset < MemoryLayout<Row>.size)
    return space.load(address &+ (index &<< shift) &+ offset, as: Field.self)
  }

  /// Row `index` and the rows right before and after it, with one walk of the page table where they
  /// share a page; beyond either end of the array, row `index` again.
  @inlinable @inline(__always)
  public func loadAround(
    _ index: Int, _ space: borrowing PageSpace
  ) -> (before: Row, at: Row, after: Row) {
    precondition(index >= 0 && index < count)
    let offset = space.offset(address &+ (index &<< shift))
    let stride = 1 &<< shift
    let inPage = offset & 4095
    let at = space.memory.load(offset, as: Row.self)
    if inPage >= stride && inPage <= 4096 &- 2 &* stride && index > 0 && index &+ 1 < count {
      return (
        space.memory.load(offset &- stride, as: Row.self), at,
        space.memory.load(offset &+ stride, as: Row.self)
      )
    }
    let before = index > 0 ? load(index &- 1, space) : at
    return (before, at, index &+ 1 < count ? load(index &+ 1, space) : at)
  }

  /// Rows `index`, a multiple of four, to `index + 3` with one walk of the page table, which they
  /// share; all four are there, and take no more than a page.
  @inlinable @inline(__always)
  public func loadFour(_ index: Int, _ space: borrowing PageSpace) -> (Row, Row, Row, Row) {
    precondition(index >= 0 && index & 3 == 0 && index &+ 3 < count && shift <= 10)
    let offset = space.offset(address &+ (index &<< shift))
    let stride = 1 &<< shift
    return (
      space.memory.load(offset, as: Row.self), space.memory.load(offset &+ stride, as: Row.self),
      space.memory.load(offset &+ 2 &* stride, as: Row.self),
      space.memory.load(offset &+ 3 &* stride, as: Row.self)
    )
  }

  @inlinable @inline(__always)
  public func store(_ row: Row, _ index: Int, _ space: inout PageSpace) {
    precondition(index >= 0 && index < count)
    space.store(row, address &+ (index &<< shift))
  }

  @inlinable @inline(__always)
  public func update<Result>(
    _ index: Int, _ space: inout PageSpace, _ body: (inout Row) -> Result
  ) -> Result {
    precondition(index >= 0 && index < count)
    return space.update(address &+ (index &<< shift), as: Row.self, body)
  }

  @inlinable @inline(__always)
  public func prefetch(_ index: Int, _ space: borrowing PageSpace) {
    if index >= 0 && index < count { space.prefetch(address &+ (index &<< shift)) }
  }

  /// Asks for row `index` and the lines beside it: see `PageSpace.prefetchAround`.
  @inlinable @inline(__always)
  public func prefetchAround(_ index: Int, _ space: borrowing PageSpace) {
    if index >= 0 && index < count { space.prefetchAround(address &+ (index &<< shift)) }
  }

  /// Calls `body` with each row whose bytes differ between two spaces, ascending.
  ///
  /// - Complexity: As `PageSpace.forEachDifferingRow`.
  @inlinable
  public func forEachDifferingRow(
    _ space: borrowing PageSpace, from other: borrowing PageSpace, _ body: (Int) -> Void
  ) {
    if count == 0 { return }
    space.forEachDifferingRow(of: space.region(of: address &>> 12), from: other, body)
  }
}
