public import Bounded

/// Why a fork was not made.
public enum ForkRefusal: Error, Equatable, Sendable {
  /// The pages that the fork could keep from being reused would not leave enough for the hunt.
  case poolTooSmall(neededPages: Int, freePages: Int)
}

extension PageSpace {
  /// A copy-on-write branch of this space.
  ///
  /// - Parameter writable: Whether the branch may be written; its worst case is then counted too.
  /// - Returns: The branch. Destroy it on the thread that owns the pool.
  /// - Complexity: O(pages) to copy the table and count the references; no page is copied.
  public mutating func fork(writable: Bool = false) throws(ForkRefusal) -> PageSpace {
    let pins = writtenCount + (writable ? pageCount : 0)
    let room = pool.pageCount - 1 - pool.pinnedCount
    guard pins <= room else { throw .poolTooSmall(neededPages: pins, freePages: room) }
    seal()
    return PageSpace(forking: self, pinned: pins)
  }

  /// Clears the writable mark of every page, so that the next write to each is noticed.
  mutating func seal() {
    for at in 0..<unsealedCount {
      let logical = Int(unsealed.load(at * 4, as: UInt32.self))
      table.update(logical * 4, as: UInt32.self) { $0 &= 0x3fff_ffff }
    }
    unsealedCount = 0
  }

  /// A hash over the hashes of the digested pages, in order: equal spaces have equal
  /// digests, whatever their history. Only pages written since their last digest are hashed again.
  ///
  /// - Complexity: O(pages) to combine, 4 KiB of hashing a page written.
  public mutating func digest() -> Hash128 {
    seal()
    let hashes = Slab(byteCount: max(pageCount, 1) * 16)
    let zeros = pool.hash(0)
    for run in digestedPages {
      for page in run {
        // A page of zeros, written or not, hashes as zero: undoing a first write undoes the digest.
        let physical = physical(page)
        if physical == 0 { continue }
        let hash = pool.hash(physical)
        if hash != zeros { hashes.store(hash, page * 16) }
      }
    }
    return hashes.hash(0, count: pageCount * 16)
  }

  /// A digest of those of `pages` that digests hold, of their bytes as they are: nothing is
  /// sealed or remembered, so it costs the pages' hashing each time and nothing later.
  ///
  /// - Complexity: 4 KiB of hashing a written page; no allocation.
  public func digest(pages: Range<Int>) -> Hash128 {
    precondition(pages.lowerBound >= 0 && pages.upperBound <= pageCount)
    var digest = Hash128.zero
    var index = 0
    while index < digestedPages.count {
      let run = digestedPages[index]
      index += 1
      let first = max(run.lowerBound, pages.lowerBound)
      let end = min(run.upperBound, pages.upperBound)
      if first >= end { continue }
      for page in first..<end {
        let physical = physical(page)
        if physical == 0 { continue }
        let hash = memory.hash(physical << 12, count: pageBytes)
        // A page of zeros counts as one never written.
        if hash == Self.zeroPageHash { continue }
        digest.high = mixed(digest.high ^ hash.high ^ UInt64(page))
        digest.low = mixed(digest.low ^ hash.low)
      }
    }
    return digest
  }

  private static let zeroPageHash = Slab(byteCount: pageBytes).hash(0, count: pageBytes)

  /// Calls `body` with each logical page whose bytes differ from those of `other`, in order.
  ///
  /// - Complexity: O(pages), and 4 KiB of comparing for each page that the two do not share.
  public func forEachDifference(from other: borrowing PageSpace, _ body: (Int) -> Void) {
    precondition(pageCount == other.pageCount, "spaces of different layouts")
    for page in 0..<pageCount {
      let mine = physical(page)
      let theirs = other.physical(page)
      if mine == theirs && pool === other.pool { continue }
      if !memory.equals(mine << 12, other.memory, theirs << 12, count: pageBytes) { body(page) }
    }
  }

  // MARK: Image

  /// Calls `body` with the number and the bytes of each page that was ever written, in order.
  public func forEachWrittenPage<Failure: Error>(
    _ body: (Int, RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    for page in 0..<pageCount {
      let physical = physical(page)
      if physical == 0 { continue }
      try memory.withBytes(physical << 12, count: pageBytes) { bytes throws(Failure) in
        try body(page, bytes)
      }
    }
  }

  /// Overwrites one page with 4,096 bytes of an image.
  public mutating func restore(page: Int, from bytes: RawSpan) {
    precondition(page >= 0 && page < pageCount && bytes.byteCount == pageBytes)
    let offset = writableOffset(page << 12)
    memory.copy(from: bytes, to: offset)
  }
}
