public import Bounded

extension PageSpace {
  /// A hash over the hashes of the digested pages, in order: equal spaces have equal
  /// digests, whatever their history. Only what was written since its last digest is hashed again.
  ///
  /// - Complexity: O(pages / 64), a look at each page below the nodes written, 4 KiB of hashing a
  ///   page written.
  public mutating func digest() -> Hash128 {
    tree.seal()
    let hashes = Slab(byteCount: max(tree.rootCount, 1) * 16)
    let scratch = Slab(byteCount: PageNode.pageCount * 16)
    for index in 0..<tree.rootCount {
      let node = tree.node(index)
      if node == 0 { continue }
      hashes.store(hash(node, index, scratch), index * 16)
    }
    return hashes.hash(0, count: tree.rootCount * 16)
  }

  /// The hash of the pages of a node: zero where all are zero or in no digest.
  private func hash(_ node: Int, _ index: Int, _ scratch: Slab) -> Hash128 {
    if let known = tree.pool.hash(node: node) { return known }
    let undigested = tree.places.undigested(index)
    var isZero = true
    for slot in 0..<PageNode.pageCount {
      var hash = Hash128.zero
      let page = tree.page(node, slot)
      if page != 0 && undigested >> UInt64(slot) & 1 == 0 {
        // Pages lie anywhere, so the processor does not know which one comes next.
        if slot < PageNode.pageCount - 1 { fetch(tree.page(node, slot + 1)) }
        hash = tree.pool.hash(page: page)
        // A page of zeros, written or not, hashes as zero: undoing a first write undoes the digest.
        if hash == Self.zeroPageHash { hash = .zero }
        isZero = isZero && hash == .zero
      }
      scratch.store(hash, slot * 16)
    }
    let hash = isZero ? .zero : scratch.hash(0, count: scratch.byteCount)
    tree.pool.remember(hash, node: node)
    return hash
  }

  /// Has the start of a physical page fetched if it is to be hashed; its rest follows by itself.
  private func fetch(_ page: Int) {
    if tree.pool.isHashed(page: page) { return }
    for line in stride(from: 0, to: 2048, by: 64) { memory.prefetch(page << 12 + line) }
  }

  /// A digest of those of `pages` that digests hold, of their bytes as they are: nothing is
  /// sealed or remembered, so it costs the pages' hashing each time and nothing later.
  ///
  /// - Complexity: 4 KiB of hashing a written page; no allocation.
  public func digest(pages: Range<Int>) -> Hash128 {
    precondition(pages.lowerBound >= 0 && pages.upperBound <= pageCount)
    var digest = Hash128.zero
    for page in pages where !tree.places.isUndigested(page) {
      let physical = tree.page(page)
      if physical == 0 { continue }
      let hash = memory.hash(physical << 12, count: pageBytes)
      // A page of zeros counts as one never written.
      if hash == Self.zeroPageHash { continue }
      digest.high = mixed(digest.high ^ hash.high ^ UInt64(page))
      digest.low = mixed(digest.low ^ hash.low)
    }
    return digest
  }

  private static let zeroPageHash = Slab(byteCount: pageBytes).hash(0, count: pageBytes)
}
