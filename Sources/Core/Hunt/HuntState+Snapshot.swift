public import Bounded
public import Pages
public import World

extension HuntState {
  /// A hunt whose pages are all zero, to be filled from a snapshot before anything else is done
  /// with it.
  public init(unfilled definition: HuntDefinition, map: BlockMap, pool: PagePool) {
    var layout = PageLayout()
    let places = Places(definition, map, &layout)
    self.init(definition, places, PageSpace(layout, pool: pool))
  }

  /// Overwrites one page with 4,096 bytes of an image.
  public mutating func restore(page: Int, from bytes: RawSpan) {
    space.restore(page: page, from: bytes)
  }

  /// Sets the clock, which lies outside the pages.
  public mutating func restore(now: Int64) { self.now = now }

  /// Bytes of the part of a state that lies outside its pages beside the clock: the offsets of
  /// remembered keys.
  public var outsideBytes: Int { idempotencyOffsets.byteCount }

  /// A copy of that part.
  public func outsideCopy() -> Slab {
    Slab(copying: idempotencyOffsets, byteCount: outsideBytes)
  }

  /// Overwrites bytes of that part from `offset` on; what goes past its end is left out.
  public mutating func restoreOutside(_ bytes: Slab, from: Int, count: Int, at offset: Int) {
    precondition(offset >= 0 && count >= 0)
    let fitting = min(count, outsideBytes - offset)
    if fitting > 0 { idempotencyOffsets.copy(from: bytes, at: from, to: offset, count: fitting) }
  }
}
