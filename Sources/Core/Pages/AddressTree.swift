public import Bounded

/// What a page space consists of: the root, the sets of pages it may write, and its counts.
@usableFromInline final class AddressTree: @unchecked Sendable {
  let memory: Slab
  @usableFromInline let pages: SlabView
  @usableFromInline let nodes: SlabView
  /// The name of a node for each 64 logical pages.
  @usableFromInline let root: SlabView
  let rootSlab: Slab
  let rootCount: Int
  let pageCount: Int
  let places: PagePlaces
  @usableFromInline let pool: PagePool

  // Sets of logical pages: a `UInt64` for each node of the root, a bit a page.

  /// Pages that may be written without asking.
  @usableFromInline let open: SlabView
  let openSlab: Slab
  /// Pages that are the space's alone for sure, and so are the nodes that have any: those written
  /// since it was last forked.
  let own: Slab
  /// Pages written since these were last taken.
  let written: Slab
  /// The number of that taking; see `takeWrittenPages`.
  var taking: UInt64
  /// Whether `written` is all that was written since the taking.
  var isWrittenKnown = true

  var kind: PageSpace.Kind
  var unsealedCount = 0
  var writtenCount = 0
  var ownCount = 0
  /// Pages promised to a branch and not used yet.
  var promisedCount = 0

  init(_ layout: borrowing PageLayout, pool: PagePool, isBranch: Bool) {
    self.pool = pool
    memory = pool.memory
    pages = SlabView(pool.memory)
    nodes = SlabView(pool.nodeMemory)
    pageCount = layout.pageCount
    places = PagePlaces(layout)
    rootCount = (pageCount + PageNode.pageCount - 1) / PageNode.pageCount
    rootSlab = Slab(byteCount: max(rootCount, 1) * 4)
    root = SlabView(rootSlab)
    openSlab = Slab(byteCount: max(rootCount, 1) * 8)
    open = SlabView(openSlab)
    own = Slab(byteCount: openSlab.byteCount)
    written = Slab(byteCount: openSlab.byteCount)
    taking = pool.nextTaking()
    kind = isBranch ? .branch : .primary
    precondition(
      isBranch || pool.promise(pageCount),
      "a pool with room for \(pool.roomCount) pages is too small for a space of \(pageCount)")
  }

  /// A tree that shares every node with `parent`, which has no page open.
  init(sharing parent: AddressTree, isWritable: Bool) {
    pool = parent.pool
    memory = parent.memory
    pages = parent.pages
    nodes = parent.nodes
    pageCount = parent.pageCount
    places = parent.places
    rootCount = parent.rootCount
    rootSlab = Slab(copying: parent.rootSlab, byteCount: parent.rootSlab.byteCount)
    root = SlabView(rootSlab)
    openSlab = Slab(byteCount: parent.openSlab.byteCount)
    open = SlabView(openSlab)
    // A frozen fork has no page of its own nor one that is open, ever.
    own = isWritable ? Slab(byteCount: openSlab.byteCount) : openSlab
    written = Slab(copying: parent.written, byteCount: openSlab.byteCount)
    taking = parent.taking
    isWrittenKnown = parent.isWrittenKnown
    writtenCount = parent.writtenCount
    kind = isWritable ? .branch : .frozen
    for index in 0..<rootCount {
      let node = node(index)
      if node != 0 { pool.nodes.retain(node) }
    }
  }

  deinit {
    pool.release(root: rootSlab, count: rootCount)
    pool.unpromise(kind == .primary ? pageCount - ownCount : promisedCount)
  }

  // MARK: Numbers

  /// The number of a node of the root.
  func node(_ index: Int) -> Int { PageNode.number(rootSlab.load(index &* 4, as: UInt32.self)) }

  /// The physical page of an entry of a node.
  func page(_ node: Int, _ slot: Int) -> Int {
    Int(nodes.load(PageNode.at(node, slot), as: UInt32.self))
  }

  /// The physical page of a logical one.
  func page(_ logical: Int) -> Int {
    page(node(logical >> PageNode.shift), logical & (PageNode.pageCount - 1))
  }

  /// Whether the node of a logical page is also that of another space of the same pool.
  @usableFromInline
  func isNode(of logical: Int, sharedWith other: AddressTree) -> Bool {
    node(logical >> PageNode.shift) == other.node(logical >> PageNode.shift)
  }

  // MARK: First writes

  /// Opens the page of `address` for writing.
  @usableFromInline @inline(never)
  func makeWritable(_ address: Int) {
    let logical = address >> 12
    precondition(kind != .frozen, "page \(logical) of a frozen fork is written")
    precondition(logical >= 0 && logical < pageCount, "page \(logical) of \(pageCount) is written")
    let index = logical >> PageNode.shift
    let bit: UInt64 = 1 << UInt64(logical & (PageNode.pageCount - 1))
    let mine = own.load(index * 8, as: UInt64.self)
    let node = ownNode(index, isKnown: mine != 0)
    ownPage(PageNode.at(node, logical & (PageNode.pageCount - 1)), isKnown: mine & bit != 0)
    own.store(mine | bit, index * 8)
    openSlab.update(index * 8, as: UInt64.self) { $0 |= bit }
    written.update(index * 8, as: UInt64.self) { $0 |= bit }
    unsealedCount += 1
  }

  /// Makes a node of the root this space's own; its number.
  private func ownNode(_ index: Int, isKnown: Bool) -> Int {
    let node = node(index)
    // If it is the last reference, whoever shared the node is gone.
    if isKnown || (node != 0 && pool.nodes.isSole(node)) {
      // With a page open it was not hashed: a digest closes all.
      if openSlab.load(index * 8, as: UInt64.self) == 0 { pool.nodes.unmarkSole(node) }
      return node
    }
    let copy = copyNode(node)
    rootSlab.store(PageNode.name(copy), index * 4)
    return copy
  }

  /// A node of one's own with the pages of `node`, which is referred to once less.
  private func copyNode(_ node: Int) -> Int {
    let copy = pool.takeNode()
    let from = PageNode.at(node, 0)
    let to = PageNode.at(copy, 0)
    pool.nodeMemory.move(from: from, to: to, count: PageNode.byteCount)
    if node == 0 { return copy }
    for at in stride(from: 0, to: PageNode.byteCount, by: 4) {
      let page = Int(pool.nodeMemory.load(to &+ at, as: UInt32.self))
      if page != 0 { pool.pages.retain(page) }
    }
    pool.release(node: node)
    return copy
  }

  /// Makes the page of an entry this space's own.
  private func ownPage(_ at: Int, isKnown: Bool) {
    let page = Int(pool.nodeMemory.load(at, as: UInt32.self))
    if isKnown { return pool.pages.unmarkSole(page) }
    ownCount += 1
    if page != 0 && pool.pages.isSole(page) {
      pool.pages.unmarkSole(page)
      // It needs no other page any more.
      if kind == .primary { pool.unpromise(1) }
      return
    }
    let fresh = takePage()
    pool.nodeMemory.store(UInt32(fresh), at)
    if page == 0 {
      memory.zero(fresh << 12, count: pageBytes)
      writtenCount += 1
    } else {
      memory.copy(from: memory, at: page << 12, to: fresh << 12, count: pageBytes)
      pool.release(page: page)
    }
  }

  private func takePage() -> Int {
    if kind == .branch {
      if promisedCount > 0 {
        promisedCount -= 1
      } else {
        precondition(pool.promise(1), "a branch found no room for a page: ask with `reserve` first")
      }
    }
    return pool.takePage()
  }

  /// Makes the next write to every page be noticed.
  func seal() {
    openSlab.zero(0, count: openSlab.byteCount)
    unsealedCount = 0
  }
}
