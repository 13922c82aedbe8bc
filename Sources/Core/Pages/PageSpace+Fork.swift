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
    if kind == .primary { try promise(ownCount) }
    tree.ownCount = 0
    tree.own.zero(0, count: tree.own.byteCount)
    tree.seal()
    return PageSpace(sharing: tree, isWritable: writable)
  }

  private func promise(_ count: Int) throws(ForkRefusal) {
    if tree.pool.promise(count) { return }
    let free = tree.pool.freeCount
    throw .poolTooSmall(neededPages: free - tree.pool.roomCount + count, freePages: free)
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
      try promise(count - tree.promisedCount)
      tree.promisedCount = count
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
    precondition(
      tree.pool === old.tree.pool && pageCount == old.pageCount, "spaces of different hunts")
    precondition(kind == .branch && old.kind == .primary, "\(kind) takes over from \(old.kind)")
    try promise(old.ownCount - ownCount - tree.promisedCount)
    if tree.taking != old.tree.taking || !old.tree.isWrittenKnown { tree.isWrittenKnown = false }
    tree.promisedCount = 0
    tree.kind = .primary
    old.tree.kind = .branch
  }

  // MARK: Image

  /// Calls `body` with the number and the bytes of each page that was ever written, in order.
  public func forEachWrittenPage<Failure: Error>(
    _ body: (Int, RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    for index in 0..<tree.rootCount {
      let node = tree.node(index)
      if node == 0 { continue }
      for slot in 0..<PageNode.pageCount {
        let page = tree.page(node, slot)
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
    return try memory.withBytes(tree.page(page) << 12, count: pageBytes, body)
  }

  /// Overwrites one page with 4,096 bytes of an image.
  public mutating func restore(page: Int, from bytes: RawSpan) {
    precondition(page >= 0 && page < pageCount && bytes.byteCount == pageBytes)
    let offset = writableOffset(page << 12)
    memory.copy(from: bytes, to: offset)
  }
}
