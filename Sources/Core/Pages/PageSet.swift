import Bounded

/// Some of the logical pages of a space, a bit each.
public final class PageSet {
  private let bits: Slab
  public let pageCount: Int
  /// Pages in the set.
  public private(set) var count = 0

  public init(pageCount: Int) {
    precondition(pageCount >= 0)
    self.pageCount = pageCount
    bits = Slab(byteCount: max(8, (pageCount + 63) / 64 * 8))
  }

  public func contains(_ page: Int) -> Bool {
    precondition(page >= 0 && page < pageCount)
    return bits.load(page / 64 * 8, as: UInt64.self) >> UInt64(page & 63) & 1 == 1
  }

  public func insert(_ page: Int) {
    if contains(page) { return }
    bits.update(page / 64 * 8, as: UInt64.self) { $0 |= 1 << UInt64(page & 63) }
    count += 1
  }
}

extension PageSpace {
  /// The pages whose bytes differ from those of `other`.
  public func pages(differingFrom other: borrowing PageSpace) -> PageSet {
    let found = PageSet(pageCount: pageCount)
    forEachDifference(from: other) { found.insert($0) }
    return found
  }
}
