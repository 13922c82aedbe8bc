public import Pages
public import World

extension HuntState {
  /// A hunt whose pages are all zero, to be filled from a snapshot before anything else is done
  /// with it.
  public init(
    unfilled definition: HuntDefinition, map: BlockMap, pool: PagePool, isBranch: Bool = false
  ) {
    var layout = PageLayout()
    let places = Places(definition, map, &layout)
    self.init(definition, places, PageSpace(layout, pool: pool, isBranch: isBranch))
  }

  /// Overwrites one page with 4,096 bytes of an image.
  public mutating func restore(page: Int, from bytes: RawSpan) {
    space.restore(page: page, from: bytes)
  }

  /// Sets the clock, which lies outside the pages.
  public mutating func restore(now: Int64) { self.now = now }
}
