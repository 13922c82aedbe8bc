public import Bounded

/// The digest of a space from its image, page by page, on any thread: `PageSpace.digest()` of the
/// same bytes, without the pool's memory of hashes.
public struct ImageDigest: ~Copyable {
  private let hashes: Slab
  private let pageCount: Int
  private let digestedPages: [Range<Int>]
  private let zeros = Slab(byteCount: pageBytes).hash(0, count: pageBytes)

  public init(_ layout: borrowing PageLayout) {
    pageCount = layout.pageCount
    digestedPages = layout.digestedPages
    hashes = Slab(byteCount: max(pageCount, 1) * 16)
  }

  /// Adds a page; pages that are not added are zeros. Pages that digests do not hold change nothing.
  public mutating func add(page: Int, _ bytes: RawSpan) {
    precondition(page >= 0 && page < pageCount && bytes.byteCount == pageBytes)
    guard digestedPages.contains(where: { $0.contains(page) }) else { return }
    let hash = Hash128(of: bytes)
    if hash != zeros { hashes.store(hash, page * 16) }
  }

  public func digest() -> Hash128 { hashes.hash(0, count: pageCount * 16) }
}

extension PageLayout {
  /// Names, places and sizes of all regions: images of equal layouts can be exchanged.
  public var identity: Hash128 {
    var text = ""
    for region in regions {
      text += "\(region.name) \(region.firstPage) \(region.pageCount) \(region.rowBytes)"
      text += region.isDerived ? " derived\n" : "\n"
    }
    let bytes = Array(text.utf8)
    let slab = Slab(byteCount: max(1, bytes.count))
    slab.copy(from: bytes.span, to: 0)
    return slab.hash(0, count: bytes.count)
  }

  /// The region that holds a page; nil past the last.
  public func region(ofPage page: Int) -> Region? { regions.first { $0.pages.contains(page) } }
}
