import Bounded

/// Some of the logical pages of a space, a bit each.
///
/// One thread at a time adds pages; a set may be handed from thread to thread.
public final class PageSet: @unchecked Sendable {
  private let bits: Slab  // UInt64 for each 64 pages
  /// Logical pages of the space; the set's numbers are below.
  public let pageCount: Int
  /// Pages in the set.
  public private(set) var count = 0

  public init(pageCount: Int) {
    precondition(pageCount >= 0)
    self.pageCount = pageCount
    bits = Slab(byteCount: max(8, (pageCount + 63) / 64 * 8))
  }

  /// The pages whose bits are set in `bits`, a `UInt64` for each 64 pages.
  init(copying bits: Slab, pageCount: Int) {
    self.pageCount = pageCount
    self.bits = Slab(copying: bits, byteCount: bits.byteCount)
    for at in stride(from: 0, to: bits.byteCount, by: 8) {
      count += bits.load(at, as: UInt64.self).nonzeroBitCount
    }
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
