public import Bounded

/// The address space of one hunt's state: logical pages mapped to physical ones.
///
/// `fork()` copies the table; from then on the first write to a shared page copies that page. All
/// containers are places in a space (`PagedArray`, `PagedTable`, `PagedTree`); they hold no memory,
/// so a fork of the space is a fork of everything.
///
/// Byte layout of a table entry: bits 0...29 physical page (0: never written, all zero); bit 31 set
/// when this space alone refers to the page and has written it since it was last sealed. A seal (a
/// fork or a digest) clears the bit on the pages listed as unsealed, so that the next write to each
/// passes through `makeWritable` once.
public struct PageSpace: ~Copyable {
  @usableFromInline let memory: Slab
  @usableFromInline let table: Slab  // UInt32 a logical page
  @usableFromInline let unsealed: Slab  // UInt32 a logical page, the first `unsealedCount` used
  @usableFromInline let pool: PagePool
  /// Logical pages.
  public let pageCount: Int
  /// Pages written since the last seal.
  public internal(set) var unsealedCount = 0
  /// Logical pages that were ever written; the others are zero and cost nothing.
  public internal(set) var writtenCount = 0
  let pinned: Int
  /// The runs of pages that digests hold, ascending: see `PageLayout`.
  let digestedPages: [Range<Int>]

  @usableFromInline static var writable: UInt32 { 1 << 31 }

  /// An all-zero space of `layout.pageCount` pages drawn from `pool`.
  public init(_ layout: borrowing PageLayout, pool: PagePool) {
    self.pool = pool
    memory = pool.memory
    pageCount = layout.pageCount
    table = Slab(byteCount: max(pageCount, 1) * 4)
    unsealed = Slab(byteCount: max(pageCount, 1) * 4)
    pinned = pageCount
    digestedPages = layout.digestedPages
    pool.pinnedCount += pinned
  }

  init(forking parent: borrowing PageSpace, pinned: Int) {
    pool = parent.pool
    memory = parent.memory
    pageCount = parent.pageCount
    writtenCount = parent.writtenCount
    self.pinned = pinned
    digestedPages = parent.digestedPages
    table = Slab(copying: parent.table, byteCount: parent.table.byteCount)
    unsealed = Slab(byteCount: parent.unsealed.byteCount, zeroed: false)
    pool.pinnedCount += pinned
    for page in 0..<pageCount { pool.retain(physical(page)) }
  }

  deinit {
    for page in 0..<pageCount { pool.release(physical(page)) }
    pool.pinnedCount -= pinned
  }

  // MARK: Access

  /// The value at a logical byte address; a value never straddles a page.
  @inlinable @inline(__always)
  public func load<Value: BitwiseCopyable>(_ address: Int, as: Value.Type) -> Value {
    let entry = table.load((address &>> 12) &* 4, as: UInt32.self)
    let page = Int(entry & 0x3fff_ffff)
    return memory.load((page &<< 12) | (address & 4095), as: Value.self)
  }

  /// Stores `value` at a logical byte address; the first write to a shared page copies it.
  @inlinable @inline(__always)
  public mutating func store<Value: BitwiseCopyable>(_ value: Value, _ address: Int) {
    // The offset first: as an argument it would keep `memory` retained over a mutation of the
    // space.
    let offset = writableOffset(address)
    memory.store(value, offset)
  }

  /// Runs `body` on the value at a logical byte address, in place.
  @inlinable @inline(__always)
  public mutating func update<Value: BitwiseCopyable, Result>(
    _ address: Int, as: Value.Type, _ body: (inout Value) -> Result
  ) -> Result {
    let offset = writableOffset(address)
    return memory.update(offset, as: Value.self, body)
  }

  /// Moves `count` bytes inside one logical page; the ranges may overlap.
  @inlinable @inline(__always)
  public mutating func move(from source: Int, to target: Int, count: Int) {
    precondition(source &>> 12 == target &>> 12)
    precondition((source & 4095) &+ count <= pageBytes && (target & 4095) &+ count <= pageBytes)
    let page = writableOffset(target) & ~4095
    memory.move(from: page | (source & 4095), to: page | (target & 4095), count: count)
  }

  /// Copies `count` bytes from one place to another; neither range straddles a page.
  @inlinable @inline(__always)
  public mutating func copy(from source: Int, to target: Int, count: Int) {
    precondition((source & 4095) &+ count <= pageBytes && (target & 4095) &+ count <= pageBytes)
    let to = writableOffset(target)
    memory.move(from: offset(source), to: to, count: count)
  }

  @inlinable @inline(__always)
  public func prefetch(_ address: Int) { memory.prefetch(offset(address)) }

  @inlinable @inline(__always)
  func offset(_ address: Int) -> Int {
    let entry = table.load((address &>> 12) &* 4, as: UInt32.self)
    return (Int(entry & 0x3fff_ffff) &<< 12) | (address & 4095)
  }

  @inlinable @inline(__always)
  mutating func writableOffset(_ address: Int) -> Int {
    let logical = address &>> 12
    var entry = table.load(logical &* 4, as: UInt32.self)
    if entry & Self.writable == 0 { entry = makeWritable(logical, entry) }
    return (Int(entry & 0x3fff_ffff) &<< 12) | (address & 4095)
  }

  @usableFromInline @inline(never)
  mutating func makeWritable(_ logical: Int, _ entry: UInt32) -> UInt32 {
    var page = Int(entry & 0x3fff_ffff)
    if page == 0 {
      page = pool.allocate()
      memory.zero(page * pageBytes, count: pageBytes)
      writtenCount += 1
    } else if pool.isShared(page) {
      let copy = pool.allocate()
      memory.copy(from: memory, at: page * pageBytes, to: copy * pageBytes, count: pageBytes)
      pool.release(page)
      page = copy
    } else {
      pool.hashed.store(UInt8(0), page)
    }
    unsealed.store(UInt32(logical), unsealedCount * 4)
    unsealedCount += 1
    let fresh = UInt32(page) | Self.writable
    table.store(fresh, logical * 4)
    return fresh
  }

  @usableFromInline func physical(_ logical: Int) -> Int {
    Int(table.load(logical &* 4, as: UInt32.self) & 0x3fff_ffff)
  }
}
