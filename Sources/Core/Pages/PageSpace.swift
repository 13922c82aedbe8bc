public import Bounded

/// The address space of one hunt's state: logical pages mapped to physical ones.
///
/// A tree two levels high: a root of its own names nodes, a node names 64 pages (`PageNode`);
/// which pages may be written without asking is a set of bits beside it (`AddressTree`). A fork
/// copies the root; from then on the first write below a shared node copies the node, and the first
/// write to a shared page copies the page. All containers are places in a space (`PagedArray`,
/// `PagedTable`, `PagedTree`); they hold no memory, so a fork forks everything.
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

  // Two words and no more: a call that borrows a space held in a larger value copies it.

  /// All physical pages, for containers that look at whole pages: see `offset`, `writableOffset`.
  @usableFromInline let memory: Slab
  @usableFromInline let tree: AddressTree

  /// An all-zero primary space of `layout.pageCount` pages, all of which `pool` must have.
  public init(_ layout: borrowing PageLayout, pool: PagePool) {
    memory = pool.memory
    tree = AddressTree(layout, pool: pool, isBranch: false)
  }

  /// An all-zero branch of `layout.pageCount` pages, all of which are kept for it until it asks for
  /// another number with `reserve(pages:)`.
  ///
  /// - Throws: When they are not free.
  public init(_ layout: borrowing PageLayout, branchOn pool: PagePool) throws(ForkRefusal) {
    memory = pool.memory
    tree = AddressTree(layout, pool: pool, isBranch: true)
    try reserve(pages: layout.pageCount)
  }

  init(sharing parent: AddressTree, isWritable: Bool) {
    memory = parent.memory
    tree = AddressTree(sharing: parent, isWritable: isWritable)
  }

  /// Logical pages.
  public var pageCount: Int { tree.pageCount }
  /// Pages opened for writing since the last fork, digest or `takeWrittenPages`.
  public var unsealedCount: Int { tree.unsealedCount }
  /// Logical pages that were ever written; the others are zero and cost nothing.
  public var writtenCount: Int { tree.writtenCount }
  /// Logical pages that are this space's alone for sure: written since it was last forked.
  public var ownCount: Int { tree.ownCount }
  public var kind: Kind { tree.kind }

  // MARK: Access

  /// The value at a logical byte address; a value never straddles a page.
  @inlinable @inline(__always)
  public func load<Value: BitwiseCopyable>(_ address: Int, as: Value.Type) -> Value {
    tree.pages.load(offset(address), as: Value.self)
  }

  /// Stores `value` at a logical byte address; the first write to a shared page copies it.
  @inlinable @inline(__always)
  public mutating func store<Value: BitwiseCopyable>(_ value: Value, _ address: Int) {
    // The offset first: as an argument it would keep `tree` retained over a mutation of the space.
    let offset = writableOffset(address)
    tree.pages.store(value, offset)
  }

  /// Runs `body` on the value at a logical byte address, in place.
  @inlinable @inline(__always)
  public mutating func update<Value: BitwiseCopyable, Result>(
    _ address: Int, as: Value.Type, _ body: (inout Value) -> Result
  ) -> Result {
    let offset = writableOffset(address)
    return tree.pages.update(offset, as: Value.self, body)
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

  /// Asks for the line of a logical byte address and for the lines right before and after it, as
  /// far as they are of the same page.
  @inlinable @inline(__always)
  public func prefetchAround(_ address: Int) {
    let offset = offset(address)
    memory.prefetch(offset)
    if offset & 4095 >= 64 { memory.prefetch(offset &- 64) }
    if offset & 4095 < 4096 &- 64 { memory.prefetch(offset &+ 64) }
  }

  /// Where a logical byte address lies in `memory`, to read; traps past the root.
  @inlinable @inline(__always)
  func offset(_ address: Int) -> Int {
    // Unsigned, so that one comparison bounds both ends.
    let place = UInt(bitPattern: address)
    let node = tree.root.load(Int(place &>> 18) &<< 2, as: UInt32.self)
    let page = tree.nodes.load(Int(node) &<< 3 &+ Int((place &>> 12) & 63) &<< 2, as: UInt32.self)
    return Int(page) &<< 12 &+ Int(place & 4095)
  }

  /// Where a logical byte address lies in `memory`, to write until the next fork or digest.
  @inlinable @inline(__always)
  mutating func writableOffset(_ address: Int) -> Int {
    let place = UInt(bitPattern: address)
    let isOpen = tree.open.load(Int(place &>> 18) &<< 3, as: UInt64.self)
    if (isOpen &>> UInt64(place &>> 12)) & 1 == 0 { tree.makeWritable(address) }
    return offset(address)
  }
}
