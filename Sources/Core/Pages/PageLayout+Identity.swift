public import Bounded

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
