import Bounded

// The first write to a page since the last fork or digest.
extension PageSpace {
  /// Opens the page of `address` for writing; where the address lies in `memory`.
  @usableFromInline @inline(never)
  mutating func makeWritable(_ address: Int) -> Int {
    let logical = address >> 12
    precondition(kind != .frozen, "page \(logical) of a frozen fork is written")
    precondition(logical >= 0 && logical < pageCount, "page \(logical) of \(pageCount) is written")
    let node = openNode(logical >> PageNode.shift)
    let page = openPage(PageNode.at(node, logical & (PageNode.pageCount - 1)))
    unsealedCount += 1
    let bit: UInt64 = 1 << UInt64(logical & (PageNode.pageCount - 1))
    written.update((logical >> PageNode.shift) * 8, as: UInt64.self) { $0 |= bit }
    return page << 12 | (address & 4095)
  }

  /// Makes a node of the root this space's own and open; its number.
  private func openNode(_ index: Int) -> Int {
    let entry = rootSlab.load(index * 4, as: UInt32.self)
    if entry & PageNode.open != 0 { return PageNode.number(entry) }
    var node = PageNode.number(entry)
    if entry & PageNode.own != 0 {
      clear(PageNode.open, node)
      pool.nodes.unmarkSole(node)
    } else if node != 0 && pool.nodes.isSole(node) {
      // Whoever shared it is gone, and may have left its pages shared.
      clear(PageNode.flags, node)
      pool.nodes.unmarkSole(node)
    } else {
      node = copyNode(node)
    }
    rootSlab.store(PageNode.entry(node, PageNode.flags), index * 4)
    return node
  }

  /// Clears flags in all entries of a node.
  private func clear(_ flags: UInt32, _ node: Int) {
    let mask = SIMD16<UInt32>(repeating: ~flags)
    for at in stride(from: 0, to: PageNode.byteCount, by: 64) {
      pool.nodeMemory.update(PageNode.at(node, 0) &+ at, as: SIMD16<UInt32>.self) { $0 &= mask }
    }
  }

  /// A node of one's own with the pages of `node`, which is referred to once less.
  private func copyNode(_ node: Int) -> Int {
    let copy = pool.takeNode()
    let from = PageNode.at(node, 0)
    let to = PageNode.at(copy, 0)
    if node == 0 {
      pool.nodeMemory.zero(to, count: PageNode.byteCount)
      return copy
    }
    for at in stride(from: 0, to: PageNode.byteCount, by: 4) {
      let entry = pool.nodeMemory.load(from &+ at, as: UInt32.self) & ~PageNode.flags
      pool.nodeMemory.store(entry, to &+ at)
      if entry != 0 { pool.pages.retain(PageNode.number(entry)) }
    }
    pool.release(node: node)
    return copy
  }

  /// Makes the page of an entry this space's own and open; its number.
  private mutating func openPage(_ at: Int) -> Int {
    let entry = pool.nodeMemory.load(at, as: UInt32.self)
    var page = PageNode.number(entry)
    if entry & PageNode.own != 0 {
      pool.pages.unmarkSole(page)
    } else {
      if page == 0 {
        page = takePage()
        memory.zero(page << 12, count: pageBytes)
        writtenCount += 1
      } else if pool.pages.isSole(page) {
        pool.pages.unmarkSole(page)
        // It needs no other page any more.
        if kind == .primary { pool.unpromise(1) }
      } else {
        let copy = takePage()
        memory.copy(from: memory, at: page << 12, to: copy << 12, count: pageBytes)
        pool.release(page: page)
        page = copy
      }
      ownCount += 1
    }
    pool.nodeMemory.store(PageNode.entry(page, PageNode.flags), at)
    return page
  }

  private mutating func takePage() -> Int {
    if kind == .branch {
      if promisedCount > 0 {
        promisedCount -= 1
      } else {
        precondition(pool.promise(1), "a branch found no room for a page: ask with `reserve` first")
      }
    }
    return pool.takePage()
  }

  // MARK: Written pages

  /// Makes the next write to every page be noticed.
  mutating func seal(clearing flags: UInt32 = PageNode.open) {
    let mask = ~flags
    for at in 0..<rootCount { rootSlab.update(at &* 4, as: UInt32.self) { $0 &= mask } }
    unsealedCount = 0
  }

  /// The pages written since this was last called, here or, before it was forked from there, in the
  /// space it was forked from; perhaps some that were not.
  ///
  /// For an image of what changed since the last image: fork, then take the pages, and write those
  /// of the fork. After a promotion the fork knows nothing of what was taken from the other space
  /// since it left: the next image is a whole one.
  ///
  /// - Complexity: O(pages / 64).
  public mutating func takeWrittenPages() -> WrittenPages {
    precondition(kind != .frozen, "nothing is written in a frozen fork")
    let taken = WrittenPages(Slab(copying: written, byteCount: written.byteCount), pageCount)
    written.zero(0, count: written.byteCount)
    seal()
    return taken
  }
}

/// A set of logical pages.
public struct WrittenPages: ~Copyable, Sendable {
  private let bits: Slab  // UInt64 for each 64 pages
  /// Logical pages of the space; the set's numbers are below.
  public let pageCount: Int

  init(_ bits: Slab, _ pageCount: Int) {
    self.bits = bits
    self.pageCount = pageCount
  }

  /// Pages in the set.
  public var count: Int {
    var count = 0
    for at in stride(from: 0, to: bits.byteCount, by: 8) {
      count += bits.load(at, as: UInt64.self).nonzeroBitCount
    }
    return count
  }

  public func contains(_ page: Int) -> Bool {
    precondition(page >= 0 && page < pageCount)
    return bits.load(page / 64 * 8, as: UInt64.self) >> UInt64(page & 63) & 1 == 1
  }

  /// Adds the pages of another set, as when an image of them could not be written.
  public mutating func formUnion(_ other: borrowing WrittenPages) {
    precondition(pageCount == other.pageCount)
    for at in stride(from: 0, to: bits.byteCount, by: 8) {
      let more = other.bits.load(at, as: UInt64.self)
      bits.update(at, as: UInt64.self) { $0 |= more }
    }
  }

  /// Calls `body` with each page of the set, ascending.
  public func forEachPage<Failure: Error>(
    _ body: (Int) throws(Failure) -> Void
  ) throws(Failure) {
    for at in stride(from: 0, to: bits.byteCount, by: 8) {
      var word = bits.load(at, as: UInt64.self)
      while word != 0 {
        try body(at * 8 + word.trailingZeroBitCount)
        word &= word - 1
      }
    }
  }
}
