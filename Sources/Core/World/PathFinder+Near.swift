internal import Bounded
internal import Pages

// The beginning of an exploration where no step costs 256 or more. What lies near the start fits a
// square of 128 x 128 blocks, ten bytes a block: its cost, its neighbours in the ring's list, its
// edges. No node is looked up in a table, and edges are laid out for 32 blocks at a time. Where the
// exploration comes to the square's rim, or to costs that two bytes do not hold, its labels become
// those of `exploreRing`.
extension PathFinder {
  /// Where the square lies, and what of it is laid out.
  struct NearSquare {
    static let side = 128
    /// Two bytes a block: one more than its cost, 0 where none is known.
    static let costsAt = 0
    /// Two bytes: one more than the next of the list; and the one before.
    static let nextsAt = side * side * 2
    static let beforesAt = side * side * 4
    /// Four bytes: the multipliers of the edges that leave it.
    static let edgesAt = side * side * 6
    static let byteCount = side * side * 10
    /// Costs from which on an offer may not fit two bytes.
    static let costMax: UInt32 = 65_279

    /// The block at its corner, and how much of it lies in the world.
    let corner: Int
    let columns: Int
    let rows: Int
    let width: Int
    /// Rims behind which the world goes on: column and row of the first block on each, outside the
    /// square where there is none.
    let left: Int
    let right: Int
    let top: Int
    let bottom: Int
    /// Rows whose costs are set.
    var firstRow: Int
    var lastRow: Int
    /// A bit for each 32 blocks whose edges are laid out.
    var laidOut = InlineArray<8, UInt64>(repeating: 0)

    init(around start: Int, width: Int, height: Int) {
      let (x, y) = (start % width, start / width)
      (columns, rows) = (min(width, Self.side), min(height, Self.side))
      let column = max(0, min(x - Self.side / 2, width - columns))
      let row = max(0, min(y - Self.side / 2, height - rows))
      corner = row * width + column
      self.width = width
      left = column > 0 ? 0 : -1
      right = column + columns < width ? columns - 1 : -1
      top = row > 0 ? 0 : -1
      bottom = row + rows < height ? rows - 1 : -1
      firstRow = y - row
      lastRow = firstRow - 1
    }

    @inline(__always) func place(_ node: Int) -> Int {
      let offset = node &- corner
      return offset / width &* Self.side &+ offset % width
    }

    @inline(__always) func node(_ place: Int) -> Int {
      corner &+ (place &>> 7) &* width &+ place & 127
    }

    @inline(__always) func isOnRim(_ place: Int) -> Bool {
      let (column, row) = (place & 127, place &>> 7)
      return column == left || column == right || row == top || row == bottom
    }
  }

  /// Explores as far as the square reaches; nil where the exploration goes on behind it, its labels
  /// being in `ring` then.
  mutating func exploreNear(
    from start: UInt32, _ limits: ExplorationLimits, _ progress: inout RingProgress,
    _ world: WorldGraph, _ space: borrowing PageSpace, _ ahead: (UInt32) -> Void,
    _ visit: (UInt32, UInt32) -> Bool
  ) -> Exploration? {
    guard let at = nearAt else {
      append(Label(node: start, cost: 0, estimate: 0), find(start).slot)
      link(0, 0, &progress.ring)
      return nil
    }
    let near = SlabView(memory, at: at, byteCount: NearSquare.byteCount)
    var square = NearSquare(
      around: Int(start), width: world.topology.width, height: world.topology.height)
    square.setRow(square.firstRow, near)
    let first = square.place(Int(start))
    near.store(1 as UInt16, NearSquare.costsAt &+ first &* 2)
    progress.ring.link(near: near, first, 0)
    labelCount = 1
    while let cost = progress.ring.nearest(progress.cost) {
      progress.cost = cost
      if UInt64(cost) >= progress.dropped { return .budgetSpent }
      let place = Int(progress.ring.firsts[Int(cost & 255)]) &- 1
      if square.isOnRim(place) || cost > NearSquare.costMax {
        takeAlong(square, near, &progress)
        return nil
      }
      progress.ring.unlink(near: near, place, cost)
      let node = square.node(place)
      if !visit(UInt32(truncatingIfNeeded: node), cost) { return .stopped }
      var edges = square.edges(place, near, world, space)
      square.setRows(around: place &>> 7, near)
      while edges != 0 {
        let shift = UInt32(truncatingIfNeeded: edges.trailingZeroBitCount & ~7)
        let offer = cost &+ (edges &>> shift & 0xff)
        edges &= ~(0xff &<< shift)
        if offer > limits.costMax { continue }
        let direction = Int(shift &>> 3)
        // East, south, west, north.
        let step = direction & 1 == 0 ? 1 &- direction : (2 &- direction) &* NearSquare.side
        let beside = place &+ step
        let held = UInt32(near.load(NearSquare.costsAt &+ beside &* 2, as: UInt16.self))
        if held == 0 {
          if labelCount == limits.nodeBudget {
            progress.dropped = min(progress.dropped, UInt64(offer))
            continue
          }
          labelCount &+= 1
          ahead(UInt32(truncatingIfNeeded: square.node(beside)))
        } else {
          if held &- 1 <= offer { continue }
          progress.ring.unlink(near: near, beside, held &- 1)
        }
        near.store(UInt16(truncatingIfNeeded: offer &+ 1), NearSquare.costsAt &+ beside &* 2)
        progress.ring.link(near: near, beside, offer)
      }
    }
    return progress.dropped == .max ? .done : .budgetSpent
  }

  /// Makes the square's labels those of `exploreRing`, at most `nodeBudgetMax`.
  private mutating func takeAlong(
    _ square: NearSquare, _ near: SlabView, _ progress: inout RingProgress
  ) {
    let old = progress.ring
    progress.ring = Ring()
    labelCount = 0
    for place in (square.firstRow * NearSquare.side)..<((square.lastRow + 1) * NearSquare.side) {
      let held = UInt32(near.load(NearSquare.costsAt + place * 2, as: UInt16.self))
      if held == 0 { continue }
      let node = UInt32(square.node(place))
      near.store(UInt16(labelCount), NearSquare.beforesAt + place * 2)
      append(Label(node: node, cost: held - 1, estimate: 0), find(node).slot)
    }
    for list in 0..<256 {
      var next = Int(old.firsts[list])
      while next != 0 {
        let place = next - 1
        let index = Int(near.load(NearSquare.beforesAt + place * 2, as: UInt16.self))
        link(index, label(index).cost, &progress.ring)
        next = Int(near.load(NearSquare.nextsAt + place * 2, as: UInt16.self))
      }
    }
  }
}

extension PathFinder.NearSquare {
  /// Makes the costs of a row unknown, which must lie beside those set already.
  mutating func setRow(_ row: Int, _ near: SlabView) {
    near.zero(Self.costsAt &+ row &* Self.side &* 2, count: Self.side &* 2)
    firstRow = min(firstRow, row)
    lastRow = max(lastRow, row)
  }

  /// The same of the rows beside one, where that has to be done.
  @inline(__always) mutating func setRows(around row: Int, _ near: SlabView) {
    if row == firstRow && row > 0 { setRow(row &- 1, near) }
    if row == lastRow && row &+ 1 < rows { setRow(row &+ 1, near) }
  }

  /// The multipliers of the edges that leave a block, a byte each.
  @inline(__always) mutating func edges(
    _ place: Int, _ near: SlabView, _ world: WorldGraph, _ space: borrowing PageSpace
  ) -> UInt32 {
    let part = place &>> 5
    if laidOut[part &>> 6] &>> UInt64(truncatingIfNeeded: part & 63) & 1 == 0 {
      layOut(part, near, world, space)
    }
    return near.load(Self.edgesAt &+ place &* 4, as: UInt32.self)
  }

  /// Lays out the edges of 32 blocks, and asks for those above and below.
  @inline(never) private mutating func layOut(
    _ part: Int, _ near: SlabView, _ world: WorldGraph, _ space: borrowing PageSpace
  ) {
    laidOut[part &>> 6] |= UInt64(1) &<< UInt64(truncatingIfNeeded: part & 63)
    let count = min(32, columns &- (part & 3) &* 32)
    let node = node(part &* 32)
    world.copyEdges(
      from: node, count: count, to: near, at: Self.edgesAt &+ part &* 128, space)
    let row = part &>> 2
    for side in 0..<2 {
      let other = row &- 1 &+ 2 &* side
      if other < 0 || other >= rows { continue }
      let next = (other &* 4) | part & 3
      if laidOut[next &>> 6] &>> UInt64(truncatingIfNeeded: next & 63) & 1 == 1 { continue }
      let first = UInt32(truncatingIfNeeded: node &+ (other &- row) &* width)
      world.prefetch(first, space)
      world.prefetch(first &+ UInt32(truncatingIfNeeded: count &>> 1), space)
      world.prefetch(first &+ UInt32(truncatingIfNeeded: count &- 1), space)
    }
  }
}

extension PathFinder.Ring {
  /// Puts a block of the square first in the list of its cost.
  @inline(__always)
  fileprivate mutating func link(near: SlabView, _ place: Int, _ cost: UInt32) {
    typealias Square = PathFinder.NearSquare
    let list = Int(cost & 255)
    let next = firsts[list]
    near.store(UInt16(truncatingIfNeeded: next), Square.nextsAt &+ place &* 2)
    near.store(0 as UInt16, Square.beforesAt &+ place &* 2)
    let mine = UInt16(truncatingIfNeeded: place &+ 1)
    if next != 0 { near.store(mine, Square.beforesAt &+ (Int(next) &- 1) &* 2) }
    firsts[list] = UInt32(mine)
    filled[list &>> 6] |= UInt64(1) &<< UInt64(truncatingIfNeeded: list & 63)
  }

  @inline(__always)
  fileprivate mutating func unlink(near: SlabView, _ place: Int, _ cost: UInt32) {
    typealias Square = PathFinder.NearSquare
    let next = near.load(Square.nextsAt &+ place &* 2, as: UInt16.self)
    let before = near.load(Square.beforesAt &+ place &* 2, as: UInt16.self)
    if next != 0 { near.store(before, Square.beforesAt &+ (Int(next) &- 1) &* 2) }
    if before != 0 { return near.store(next, Square.nextsAt &+ (Int(before) &- 1) &* 2) }
    let list = Int(cost & 255)
    firsts[list] = UInt32(next)
    if next == 0 {
      filled[list &>> 6] &= ~(UInt64(1) &<< UInt64(truncatingIfNeeded: list & 63))
    }
  }
}
