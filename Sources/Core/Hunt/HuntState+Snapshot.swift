public import Pages
public import World

extension HuntState {
  /// A hunt whose pages are all zero, to be filled from a snapshot before anything else is done
  /// with it.
  ///
  /// - Parameter isBranch: Whether it is beside the hunt itself on the same pool.
  /// - Throws: When a branch's pages are not free.
  public init(
    unfilled definition: HuntDefinition, map: Topology, pool: PagePool, isBranch: Bool
  ) throws(ForkRefusal) {
    var layout = PageLayout()
    let places = Places(definition, map, &layout)
    let space =
      isBranch ? try PageSpace(layout, branchOn: pool) : PageSpace(layout, pool: pool)
    self.init(definition, places, space)
  }

  /// Overwrites one page with 4,096 bytes of an image.
  public mutating func restore(page: Int, from bytes: RawSpan) {
    space.restore(page: page, from: bytes)
  }

  /// Sets the clock, which lies outside the pages.
  public mutating func restore(now: Int64) { self.now = now }
}
