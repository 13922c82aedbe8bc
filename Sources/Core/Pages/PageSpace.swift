public import Bounded

/// The address space of one hunt's state: logical pages mapped to physical ones.
///
/// A tree two levels high: a root of its own names nodes, a node names 64 pages (`PageNode`). A
/// fork copies the root; from then on the first write below a shared node copies the node, and the
/// first write to a shared page copies the page. All containers are places in a space
/// (`PagedArray`, `PagedTable`, `PagedTree`); they hold no memory, so a fork forks everything.
///
/// One thread at a time uses a space; spaces of one pool may be on different threads.
public struct PageSpace: ~Copyable, Sendable {
  /// What a space may do when it needs a page.
  public enum Kind: Sendable {
    /// It always gets one: the pool keeps every page it may still need. The live state.
    case primary
    /// It gets one while there is room; it asks with `reserve(pages:)`.
    case branch
    /// It is never written.
    case frozen
  }

  /// All physical pages, for containers that look at whole pages: see `offset`, `writableOffset`.
  @usableFromInline let memory: Slab
  @usableFromInline let pages: SlabView
  @usableFromInline let nodes: SlabView  // 64 entries a node
  @usableFromInline let root: SlabView  // an entry for each 64 logical pages
  let rootSlab: Slab
  let rootCount: Int
  /// Logical pages written since they were last taken, a bit each.
  let written: Slab
  let places: PagePlaces
  @usableFromInline let pool: PagePool

  /// Logical pages.
  public let pageCount: Int
  /// Pages opened for writing since the last fork, digest or `takeWrittenPages`.
  public internal(set) var unsealedCount = 0
  /// Logical pages that were ever written; the others are zero and cost nothing.
  public internal(set) var writtenCount = 0
  /// Logical pages that are this space's alone for sure: written since it was last forked.
  public internal(set) var ownCount = 0
  public internal(set) var kind: Kind
  /// Pages promised to a branch and not used yet.
  var promisedCount = 0

  /// An all-zero space of `layout.pageCount` pages drawn from `pool`.
  ///
  /// - Parameter isBranch: Whether it takes pages as a branch does, while there is room; a primary
  ///   space must find room for all at once.
  public init(_ layout: borrowing PageLayout, pool: PagePool, isBranch: Bool = false) {
    self.pool = pool
    memory = pool.memory
    pages = SlabView(pool.memory)
    nodes = SlabView(pool.nodeMemory)
    pageCount = layout.pageCount
    places = PagePlaces(layout)
    rootCount = (pageCount + PageNode.pageCount - 1) / PageNode.pageCount
    rootSlab = Slab(byteCount: max(rootCount, 1) * 4)
    root = SlabView(rootSlab)
    written = Slab(byteCount: max(rootCount, 1) * 8)
    kind = isBranch ? .branch : .primary
    precondition(
      isBranch || pool.promise(pageCount),
      "a pool with room for \(pool.roomCount) pages is too small for a space of \(pageCount)")
  }

  /// A space that shares everything with `parent`.
  init(sharing parent: borrowing PageSpace, isWritable: Bool) {
    pool = parent.pool
    memory = parent.memory
    pages = parent.pages
    nodes = parent.nodes
    pageCount = parent.pageCount
    places = parent.places
    rootCount = parent.rootCount
    rootSlab = Slab(copying: parent.rootSlab, byteCount: parent.rootSlab.byteCount)
    root = SlabView(rootSlab)
    written = Slab(copying: parent.written, byteCount: parent.written.byteCount)
    writtenCount = parent.writtenCount
    kind = isWritable ? .branch : .frozen
    for at in 0..<rootCount {
      let node = PageNode.number(rootSlab.load(at &* 4, as: UInt32.self))
      if node != 0 { pool.nodes.retain(node) }
    }
  }

  deinit {
    pool.release(root: rootSlab, count: rootCount)
    pool.unpromise(kind == .primary ? pageCount - ownCount : promisedCount)
  }

  // MARK: Access

  /// The value at a logical byte address; a value never straddles a page.
  @inlinable @inline(__always)
  public func load<Value: BitwiseCopyable>(_ address: Int, as: Value.Type) -> Value {
    pages.load(offset(address), as: Value.self)
  }

  /// Stores `value` at a logical byte address; the first write to a shared page copies it.
  @inlinable @inline(__always)
  public mutating func store<Value: BitwiseCopyable>(_ value: Value, _ address: Int) {
    // The offset first: as an argument it would keep `pages` retained over a mutation of the space.
    let offset = writableOffset(address)
    pages.store(value, offset)
  }

  /// Runs `body` on the value at a logical byte address, in place.
  @inlinable @inline(__always)
  public mutating func update<Value: BitwiseCopyable, Result>(
    _ address: Int, as: Value.Type, _ body: (inout Value) -> Result
  ) -> Result {
    let offset = writableOffset(address)
    return pages.update(offset, as: Value.self, body)
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

  /// Where a logical byte address lies in `memory`, to read; traps past the root.
  @inlinable @inline(__always)
  func offset(_ address: Int) -> Int {
    let (top, at) = path(address)
    let entry = nodes.load(PageNode.number(top) &<< 8 | at, as: UInt32.self)
    return PageNode.number(entry) &<< 12 | (address & 4095)
  }

  /// Where a logical byte address lies in `memory`, to write until the next fork or digest.
  @inlinable @inline(__always)
  mutating func writableOffset(_ address: Int) -> Int {
    let (top, at) = path(address)
    let entry = nodes.load(PageNode.number(top) &<< 8 | at, as: UInt32.self)
    if top & entry & PageNode.open == 0 { return makeWritable(address) }
    return PageNode.number(entry) &<< 12 | (address & 4095)
  }

  /// The root's entry for an address, and where in its node the page's entry lies.
  @inlinable @inline(__always)
  func path(_ address: Int) -> (top: UInt32, at: Int) {
    // Unsigned, so that one comparison bounds both ends.
    let place = UInt(bitPattern: address)
    let top = root.load(Int(place &>> 18) &<< 2, as: UInt32.self)
    return (top, Int((place &>> 12) & 63) &<< 2)
  }

  /// The physical page of a logical one.
  func physical(_ page: Int) -> Int { offset(page << 12) >> 12 }
}
