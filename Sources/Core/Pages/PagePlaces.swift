import Bounded

/// What lies on each page of a layout; shared by a space and its forks.
final class PagePlaces: @unchecked Sendable {
  let regions: [PageLayout.Region]
  private let pageCount: Int
  private let regionNumbers: Slab  // UInt16 a page
  private let undigestedBits: Slab  // UInt64 a node: bit k set, no digest holds its page k

  init(_ layout: borrowing PageLayout) {
    regions = layout.regions
    pageCount = layout.pageCount
    precondition(regions.count <= 1 << 16, "a layout of \(regions.count) regions")
    regionNumbers = Slab(byteCount: max(pageCount, 1) * 2)
    undigestedBits = Slab(byteCount: (pageCount / PageNode.pageCount + 1) * 8)
    for (number, region) in regions.enumerated() {
      for page in region.pages {
        regionNumbers.store(UInt16(number), page * 2)
        if !region.isDigested {
          undigestedBits.update((page >> PageNode.shift) * 8, as: UInt64.self) {
            $0 |= 1 << UInt64(page & (PageNode.pageCount - 1))
          }
        }
      }
    }
  }

  func region(of page: Int) -> PageLayout.Region {
    precondition(page >= 0 && page < pageCount, "page \(page) of \(pageCount)")
    return regions[Int(regionNumbers.load(page * 2, as: UInt16.self))]
  }

  /// Whether a page is one that no digest holds.
  func isUndigested(_ page: Int) -> Bool {
    undigested(page >> PageNode.shift) >> UInt64(page & (PageNode.pageCount - 1)) & 1 == 1
  }

  /// Which pages of node `index` of the root no digest holds, a bit each.
  func undigested(_ index: Int) -> UInt64 { undigestedBits.load(index * 8, as: UInt64.self) }
}
