public import Bounded

// What differs between two spaces of one layout: what they share is skipped without a look at it.
extension PageSpace {
  /// Calls `body` with each logical page whose bytes differ from those of `other`, in order.
  ///
  /// - Complexity: O(pages / 64), a look at each page below nodes that the two do not share, and up
  ///   to 4 KiB of comparing for each page that they do not share. Spaces of two pools share what
  ///   neither ever wrote.
  public func forEachDifference(from other: borrowing PageSpace, _ body: (Int) -> Void) {
    precondition(pageCount == other.pageCount, "spaces of different layouts")
    let isSamePool = tree.pool === other.tree.pool
    for index in 0..<tree.rootCount {
      let mine = tree.node(index)
      let theirs = other.tree.node(index)
      // Node 0 and page 0 are zero in every pool.
      if mine == theirs && (isSamePool || mine == 0) { continue }
      for slot in 0..<PageNode.pageCount {
        let left = tree.page(mine, slot)
        let right = other.tree.page(theirs, slot)
        if left == right && (isSamePool || left == 0) { continue }
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
  public func region(of page: Int) -> PageLayout.Region { tree.places.region(of: page) }

  /// The pages whose bytes differ from those of `other`.
  public func pages(differingFrom other: borrowing PageSpace) -> PageSet {
    let found = PageSet(pageCount: pageCount)
    forEachDifference(from: other) { found.insert($0) }
    return found
  }

  /// Calls `body` with each row of a container whose bytes differ from those in `other`, ascending;
  /// `region` is the container's, as `region(of:)` gives it for one of its pages.
  ///
  /// - Complexity: O(pages / 64) of the container, and the bytes of the pages that the two do not
  ///   share, 64 at a time.
  @inlinable
  public func forEachDifferingRow(
    of region: PageLayout.Region, from other: borrowing PageSpace, _ body: (Int) -> Void
  ) {
    precondition(pageCount == other.pageCount, "spaces of different layouts")
    let isSamePool = tree.pool === other.tree.pool
    let shift = region.rowBytes.trailingZeroBitCount
    let starts = Self.rowStarts(.max, min(shift, 5))
    var page = region.pages.lowerBound
    while page < region.pages.upperBound {
      let offset = offset(page &<< 12)
      let otherOffset = other.offset(page &<< 12)
      if isSamePool && offset == otherOffset {
        let isShared = tree.isNode(of: page, sharedWith: other.tree)
        page = isShared ? (page | (PageNode.pageCount &- 1)) &+ 1 : page &+ 1
        continue
      }
      // Pages lie anywhere, so the processor does not know which one comes next.
      let next = min(page &+ 1, region.pages.upperBound &- 1) &<< 12
      let ahead = self.offset(next)
      let otherAhead = other.offset(next)
      let isSkipped = isSamePool && ahead == otherAhead
      let firstByte = (page &- region.firstPage) &<< 12
      var last = -1
      for line in stride(from: 0, to: pageBytes, by: 64) {
        if !isSkipped {
          memory.prefetch(ahead &+ line)
          other.memory.prefetch(otherAhead &+ line)
        }
        var bits = memory.differing64(offset &+ line, other.memory, otherOffset &+ line)
        if bits == 0 { continue }
        let row = (firstByte &+ line) &>> shift
        if shift >= 6 {
          if row != last { body(row) }
          last = row
          continue
        }
        bits = Self.rowStarts(bits, shift)
        if bits == starts {
          for row in row..<row &+ 64 &>> shift { body(row) }
          continue
        }
        while bits != 0 {
          body(row &+ bits.trailingZeroBitCount &>> shift)
          bits &= bits &- 1
        }
      }
      page &+= 1
    }
  }

  /// From bits of 64 bytes, those of the first bytes of rows of `1 << shift` bytes with any bit.
  @inlinable @inline(__always)
  static func rowStarts(_ bytes: UInt64, _ shift: Int) -> UInt64 {
    var bits = bytes
    for step in 0..<shift { bits |= bits &>> (1 &<< UInt64(step)) }
    return bits & (UInt64.max / (1 &<< (1 &<< UInt64(shift)) &- 1))
  }
}
