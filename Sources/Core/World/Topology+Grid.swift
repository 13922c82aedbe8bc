public import Bounded

extension Topology {
  /// A grid of `width` by `height` blocks whose characters are the first bytes of `cells`.
  ///
  /// - Parameters:
  ///   - cells: Printable ASCII characters, row by row.
  ///   - terrain: What a step onto each character costs; a step has the multiplier of the block it
  ///     leads onto.
  ///   - weights: Instead of the terrain's cost the multiplier, `1...255`, of the step that leaves
  ///     a node in a direction; asked once for each open step, by node and direction ascending.
  ///   - unit: Cost of walking one block; the neighbourhood's straight step by default.
  /// - Complexity: O(blocks).
  public convenience init(
    grid cells: Slab, width: Int, height: Int, neighbourhood: Neighbourhood,
    terrain: Terrain = .standard, unit: UInt32? = nil,
    weights: ((_ node: Int, _ direction: Int) -> UInt8)? = nil
  ) {
    precondition(WorldForm.grid.allows(neighbourhood) && width > 0 && height > 0)
    precondition(width <= Self.cellCountMax && height <= Self.cellCountMax / width)
    let header = WorldHeader(
      form: .grid, neighbourhood: neighbourhood, width: width, height: height,
      unit: unit ?? neighbourhood.straightCost, terrain: terrain)
    let nodes = width * height
    var costsMore = weights != nil
    for node in 0..<nodes {
      let character = cells.load(node, as: UInt8.self)
      precondition(character >= 0x20 && character <= 0x7e, "block \(node): \(character)")
      if terrain[character] > 1 { costsMore = true }
    }
    var draft = WorldDraft(header, header.sections(hasMultipliers: costsMore))
    let image = draft.image
    let cellsAt = draft.offset(.cells)
    image.copy(from: cells, at: 0, to: cellsAt, count: nodes)
    let stepsAt = draft.offset(.directions)
    let rowsAt = costsMore ? draft.offset(.multipliers) : 0
    let rowShift = neighbourhood == .eight ? 3 : 2
    let compass = Compass(neighbourhood, width: width, height: height)
    let rule = GridRule(neighbourhood, terrain)
    var edgeCount = 0
    rule.forEachNode(SlabView(image, at: cellsAt, byteCount: nodes), width, height) { node, bits in
      image.store(bits, stepsAt + node * 2)
      var open = Int(bits & 0xff)
      edgeCount += open.nonzeroBitCount
      while costsMore && open != 0 {
        let direction = open.trailingZeroBitCount
        let head = cellsAt + node + compass.delta(direction)
        let cost = weights?(node, direction) ?? terrain[image.load(head, as: UInt8.self)]
        precondition(cost > 0, "an open step without a weight: node \(node)")
        image.store(cost, rowsAt + node << rowShift + direction)
        open &= open - 1
      }
      return true
    }
    draft.header.edgeCount = edgeCount
    draft.seal()
    self.init(whole: image)
  }
}

/// Which steps follow from the cells of a grid: both ends are passable, and if it is diagonal, the
/// two cells beside it too.
struct GridRule {
  private let isPassable: [UInt8]
  /// Open directions by the passable cells of the nine around a node: three bits a column from the
  /// west, the northern lowest.
  private let open: [UInt16]
  private let isEight: Bool

  init(_ neighbourhood: Neighbourhood, _ terrain: Terrain) {
    isPassable = (0...255).map { terrain[$0] == 0 ? 0 : 1 }
    isEight = neighbourhood == .eight
    open = (0..<512).map { around in
      func isFree(_ dx: Int, _ dy: Int) -> Bool { around >> ((dx + 1) * 3 + dy + 1) & 1 == 1 }
      var bits: UInt16 = 0
      for direction in 0..<neighbourhood.degree {
        let (dx, dy, _) = neighbourhood.offset(direction)
        // For a straight step the two cells beside it are its own two ends.
        if isFree(0, 0) && isFree(dx, dy) && isFree(dx, 0) && isFree(0, dy) {
          bits |= 1 << UInt16(direction)
        }
      }
      return bits
    }
  }

  /// Calls `body` with each node and its directions as `Topology` has them, until it answers false.
  func forEachNode(
    _ cells: SlabView, _ width: Int, _ height: Int, _ body: (Int, UInt16) -> Bool
  ) {
    for y in 0..<height {
      let (isTop, isBottom) = (y == 0, y == height - 1)
      let row = y * width
      func column(_ x: Int) -> Int {
        func at(_ node: Int) -> Int { Int(isPassable[Int(cells.load(node, as: UInt8.self))]) }
        let above = isTop ? 0 : at(row + x - width)
        let below = isBottom ? 0 : at(row + x + width)
        return above | at(row + x) << 1 | below << 2
      }
      var around = column(0) << 6
      for x in 0..<width {
        around = around >> 3 | (x + 1 < width ? column(x + 1) << 6 : 0)
        let inside = inside(
          isWest: x == 0, isEast: x == width - 1, isTop: isTop, isBottom: isBottom)
        if !body(row + x, open[around] | inside << 8) { return }
      }
    }
  }

  /// The directions that stay on the map.
  private func inside(isWest: Bool, isEast: Bool, isTop: Bool, isBottom: Bool) -> UInt16 {
    var outside: UInt16 = 0
    if isEight {
      if isEast { outside |= 0b1000_0011 }
      if isBottom { outside |= 0b0000_1110 }
      if isWest { outside |= 0b0011_1000 }
      if isTop { outside |= 0b1110_0000 }
      return ~outside & 0xff
    }
    if isEast { outside |= 1 }
    if isBottom { outside |= 2 }
    if isWest { outside |= 4 }
    if isTop { outside |= 8 }
    return ~outside & 0xf
  }
}
