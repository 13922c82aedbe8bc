import Bounded

/// Why a fork was not made, or gets no more pages.
public enum ForkRefusal: Error, Equatable, Sendable {
  /// The pages that would then be promised are more than are free.
  case poolTooSmall(neededPages: Int, freePages: Int)
}

extension PageSpace {
  /// A copy-on-write branch of this space, for any thread to use and to drop.
  ///
  /// The fork of a primary space is refused unless every page that the space may then have to copy
  /// is free; that of another space never is.
  ///
  /// - Parameter writable: Whether the fork may be written, as a `branch`, or is `frozen`.
  /// - Complexity: O(pages / 64): a count a node. No page and no node is copied.
  public mutating func fork(writable: Bool = false) throws(ForkRefusal) -> PageSpace {
    if kind == .primary {
      guard pool.promise(ownCount) else { throw refusal(of: ownCount) }
    }
    ownCount = 0
    seal(clearing: PageNode.flags)
    return PageSpace(sharing: self, isWritable: writable)
  }

  private func refusal(of count: Int) -> ForkRefusal {
    let free = pool.freeCount
    return .poolTooSmall(neededPages: free - pool.roomCount + count, freePages: free)
  }

  // MARK: Room

  /// Has the pool keep `count` pages for this branch instead of those kept so far: so many pages
  /// may then be written for the first time and will be there. Writes behind what was kept take
  /// pages while there is room, and trap where there is none.
  ///
  /// - Throws: When there is no room for so many; what was kept so far is still kept.
  public mutating func reserve(pages count: Int) throws(ForkRefusal) {
    precondition(count >= 0)
    switch kind {
    case .primary: return
    case .frozen: precondition(count == 0, "a frozen fork takes no pages")
    case .branch:
      guard pool.promise(count - promisedCount) else { throw refusal(of: count - promisedCount) }
      promisedCount = count
    }
  }

  /// Whether `count` more pages may be written for the first time; they are then kept for that.
  public mutating func hasRoom(pages count: Int) -> Bool {
    do throws(ForkRefusal) { try reserve(pages: count) } catch { return false }
    return true
  }

  /// Makes this branch the primary space and `old`, which was it, a branch.
  ///
  /// - Throws: When the pages that this space may still have to copy are not free; nothing changed.
  /// - Complexity: O(1).
  public mutating func takeOver(from old: inout PageSpace) throws(ForkRefusal) {
    precondition(pool === old.pool && pageCount == old.pageCount)
    precondition(kind == .branch && old.kind == .primary, "\(kind) takes over from \(old.kind)")
    let needed = old.ownCount - ownCount - promisedCount
    guard pool.promise(needed) else { throw refusal(of: needed) }
    promisedCount = 0
    kind = .primary
    old.kind = .branch
  }

  // MARK: Differences

  /// Calls `body` with each logical page whose bytes differ from those of `other`, in order.
  ///
  /// - Complexity: O(pages / 64), a look at each page below nodes that the two do not share, and up
  ///   to 4 KiB of comparing for each page that they do not share.
  public func forEachDifference(from other: borrowing PageSpace, _ body: (Int) -> Void) {
    precondition(pageCount == other.pageCount, "spaces of different layouts")
    let isSamePool = pool === other.pool
    for index in 0..<rootCount {
      let mine = node(index)
      let theirs = other.node(index)
      if isSamePool && mine == theirs { continue }
      for slot in 0..<PageNode.pageCount {
        let left = page(mine, slot)
        let right = other.page(theirs, slot)
        if left == right && isSamePool { continue }
        if !memory.equals(left << 12, other.memory, right << 12, count: pageBytes) {
          body(index << PageNode.shift | slot)
        }
      }
    }
  }

  /// As without `inRegions`; each page comes with the region that it lies in.
  public func forEachDifference(
    from other: borrowing PageSpace, inRegions body: (Int, PageLayout.Region) -> Void
  ) {
    forEachDifference(from: other) { body($0, region(of: $0)) }
  }

  /// The container's region that a logical page lies in; `rows(on:)` tells which of its rows.
  ///
  /// - Complexity: O(1).
  public func region(of page: Int) -> PageLayout.Region { places.region(of: page) }

  // MARK: Image

  /// Calls `body` with the number and the bytes of each page that was ever written, in order.
  public func forEachWrittenPage<Failure: Error>(
    _ body: (Int, RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    for index in 0..<rootCount {
      let node = node(index)
      if node == 0 { continue }
      for slot in 0..<PageNode.pageCount {
        let page = page(node, slot)
        if page == 0 { continue }
        try memory.withBytes(page << 12, count: pageBytes) { bytes throws(Failure) in
          try body(index << PageNode.shift | slot, bytes)
        }
      }
    }
  }

  /// Lends the bytes of one logical page.
  public func withPage<Result, Failure: Error>(
    _ page: Int, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(page >= 0 && page < pageCount)
    return try memory.withBytes(physical(page) << 12, count: pageBytes, body)
  }

  /// Overwrites one page with 4,096 bytes of an image.
  public mutating func restore(page: Int, from bytes: RawSpan) {
    precondition(page >= 0 && page < pageCount && bytes.byteCount == pageBytes)
    let offset = writableOffset(page << 12)
    memory.copy(from: bytes, to: offset)
  }

  // MARK: Nodes

  /// The number of a node of the root.
  func node(_ index: Int) -> Int { PageNode.number(rootSlab.load(index &* 4, as: UInt32.self)) }

  /// The physical page of an entry of a node.
  func page(_ node: Int, _ slot: Int) -> Int {
    PageNode.number(nodes.load(PageNode.at(node, slot), as: UInt32.self))
  }
}
