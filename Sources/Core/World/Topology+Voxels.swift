public import Bounded

extension Topology {
  /// A world of `width` by `height` by `depth` cells that are solid where the first bits of `solid`
  /// are set: UInt64 words, cell 64 * i + k in bit k of word i, in order of nodes.
  ///
  /// - Parameters:
  ///   - neighbourhood: How one gets on: `walk`, `six` or `twentySix`.
  ///   - walk: Of use for `walk` alone.
  ///   - unit: Cost of walking one block; the neighbourhood's straight step by default.
  /// - Complexity: O(cells), times the steps of a cell to count the edges.
  public convenience init(
    voxels solid: Slab, width: Int, height: Int, depth: Int, neighbourhood: Neighbourhood,
    walk: WalkRules = .standard, unit: UInt32? = nil
  ) {
    precondition(WorldForm.voxels.allows(neighbourhood) && width > 0 && height > 0 && depth > 0)
    precondition(width <= Self.cellCountMax && height <= Self.cellCountMax / width)
    precondition(depth <= Self.cellCountMax / (width * height))
    let header = WorldHeader(
      form: .voxels, neighbourhood: neighbourhood, width: width, height: height, depth: depth,
      unit: unit ?? neighbourhood.straightCost, walk: neighbourhood == .walk ? walk : nil)
    var draft = WorldDraft(header, header.sections())
    let (image, at) = (draft.image, draft.offset(.solid))
    let words = (header.nodeCount + 63) / 64
    image.copy(from: solid, at: 0, to: at, count: words * 8)
    if header.nodeCount & 63 != 0 {
      image.update(at + (words - 1) * 8, as: UInt64.self) {
        $0 &= 1 << UInt64(header.nodeCount & 63) - 1
      }
    }
    let rule = VoxelRule(
      SlabView(image, at: at, byteCount: words * 8), width: width, height: height, depth: depth,
      neighbourhood: neighbourhood, walk: walk)
    draft.header.edgeCount = rule.edgeCount()
    draft.seal()
    self.init(whole: image)
  }

  /// The step that leaves `node` of a world of voxels in `direction` as built: where it ends and
  /// what it costs; nil when there is none.
  ///
  /// - Complexity: O(1): at most 8 cells are looked at flying, some `fall + 4 x headroom` walking.
  public func voxelStep(_ node: UInt32, _ direction: Int) -> (node: UInt32, cost: UInt32)? {
    precondition(form == .voxels && Int(node) < nodeCount)
    precondition(direction >= 0 && direction < neighbourhood.degree)
    return voxelRule.step(node, direction)
  }

  /// A bit for each direction in which a step may leave `node` as built; none is missing.
  func slotsOpen(_ node: UInt32) -> Int {
    form == .voxels && neighbourhood != .walk ? voxelRule.flights(Int(node)) : -1
  }

  private var voxelRule: VoxelRule {
    VoxelRule(
      solid, width: width, height: height, depth: depth, neighbourhood: neighbourhood, walk: walk)
  }
}

/// Which steps follow from the cells of a world of voxels.
struct VoxelRule {
  let solid: SlabView
  let width: Int
  let height: Int
  let depth: Int
  let neighbourhood: Neighbourhood
  let walk: WalkRules

  init(
    _ solid: SlabView, width: Int, height: Int, depth: Int, neighbourhood: Neighbourhood,
    walk: WalkRules
  ) {
    self.solid = solid
    self.width = width
    self.height = height
    self.depth = depth
    self.neighbourhood = neighbourhood
    self.walk = walk
  }

  /// Whether a cell of the world is solid.
  @inline(__always) func isSolid(_ node: Int) -> Bool {
    solid.load((node >> 6) * 8, as: UInt64.self) >> UInt64(node & 63) & 1 == 1
  }

  /// Whether a level of the column that starts at node `base` is solid: the floor is, and above the
  /// top nothing is.
  @inline(__always) func isSolid(_ base: Int, _ level: Int) -> Bool {
    level < 0 || (level < depth && isSolid(base + level * width * height))
  }

  func step(_ node: UInt32, _ direction: Int) -> (node: UInt32, cost: UInt32)? {
    let (row, x) = Int(node).quotientAndRemainder(dividingBy: width)
    let (z, y) = row.quotientAndRemainder(dividingBy: height)
    let (dx, dy, dz) = neighbourhood.offset(direction)
    guard x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height else { return nil }
    if neighbourhood == .walk {
      return walkStep(y * width + x, (y + dy) * width + x + dx, z)
    }
    guard z + dz >= 0 && z + dz < depth else { return nil }
    // Every cell of the box that both ends span is free.
    let (plane, start) = (width * height, Int(node))
    for corner in 0..<8 {
      let (cx, cy, cz) = (corner & 1, corner >> 1 & 1, corner >> 2)
      if isSolid(start + cx * dx + cy * dy * width + cz * dz * plane) { return nil }
    }
    let axes = dx * dx + dy * dy + dz * dz
    let cost =
      axes == 1
      ? neighbourhood.straightCost
      : axes == 2 ? neighbourhood.diagonalCost : neighbourhood.cornerCost
    return (UInt32(start + dx + dy * width + dz * plane), cost)
  }

  /// The walk from level `z` of the column that starts at node `here` to that at node `there`.
  private func walkStep(_ here: Int, _ there: Int, _ z: Int) -> (node: UInt32, cost: UInt32)? {
    guard walk.isStandable(z, isSolid: { isSolid(here, $0) }),
      let level = walk.landing(
        from: z, depth: depth, isSolidHere: { isSolid(here, $0) },
        isSolidThere: { isSolid(there, $0) })
    else { return nil }
    return (UInt32(there + level * width * height), walk.cost(climbed: level - z))
  }

  // MARK: Flights of one cell

  /// A bit for each direction in which one can fly from a node.
  func flights(_ node: Int) -> Int {
    let (row, x) = node.quotientAndRemainder(dividingBy: width)
    let (z, y) = row.quotientAndRemainder(dividingBy: height)
    let free = Self.freeAround((x, y, z), (width, height, depth)) {
      solid.load($0 * 8, as: UInt64.self)
    }
    return Self.flights(free, neighbourhood)
  }

  /// The cells around `place`, itself included, a bit each by z, y, x ascending: 1 where it is free
  /// and of the world.
  ///
  /// - Parameter word: 64 cells, bit k: cell 64 * i + k is solid.
  /// - Complexity: No more than 27 words are asked for, mostly 9.
  @inline(__always)
  static func freeAround(
    _ place: (x: Int, y: Int, z: Int), _ size: (width: Int, height: Int, depth: Int),
    _ word: (Int) -> UInt64
  ) -> UInt32 {
    var bits: UInt32 = 0
    // Of the three cells of a row, those that are of the world.
    let inside: UInt32 = (place.x == 0 ? 6 : 7) & (place.x == size.width &- 1 ? 3 : 7)
    for dz in -1...1 {
      let z = place.z &+ dz
      if z < 0 || z >= size.depth { continue }
      for dy in -1...1 {
        let y = place.y &+ dy
        if y < 0 || y >= size.height { continue }
        let centre = (z &* size.height &+ y) &* size.width &+ place.x
        let (at, shift) = (centre &>> 6, UInt64(truncatingIfNeeded: centre & 63))
        let own = word(at)
        var solid = UInt32(truncatingIfNeeded: own &>> shift & 1) &<< 1
        if inside & 1 != 0 {
          let bit = shift > 0 ? own &>> (shift &- 1) : word(at &- 1) &>> 63
          solid |= UInt32(truncatingIfNeeded: bit & 1)
        }
        if inside & 4 != 0 {
          let bit = shift < 63 ? own &>> (shift &+ 1) : word(at &+ 1)
          solid |= UInt32(truncatingIfNeeded: bit & 1) &<< 2
        }
        let place = UInt32(truncatingIfNeeded: (dz &+ 1) &* 9 &+ (dy &+ 1) &* 3)
        bits |= (~solid & inside) &<< place
      }
    }
    return bits
  }

  /// A bit for each direction in which one can fly, by the cells around.
  @inline(__always)
  static func flights(_ free: UInt32, _ neighbourhood: Neighbourhood) -> Int {
    if free &>> 13 & 1 == 0 { return 0 }
    if neighbourhood == .six {
      // East, south, west, north, up, down.
      let plane = (free &>> 14 & 1) | (free &>> 16 & 1) &<< 1 | (free &>> 12 & 1) &<< 2
      let rest = (free &>> 10 & 1) &<< 3 | (free &>> 22 & 1) &<< 4 | (free &>> 4 & 1) &<< 5
      return Int(plane | rest)
    }
    var open = 0
    for direction in 0..<26 {
      let box = boxes[direction]
      if free & box == box { open |= 1 &<< direction }
    }
    return open
  }

  /// The cells of the box that a step's ends span, in the order of `freeAround`, by direction.
  private static let boxes: InlineArray<26, UInt32> = {
    var boxes = InlineArray<26, UInt32>(repeating: 0)
    for direction in 0..<26 {
      let (dx, dy, dz) = Neighbourhood.twentySix.offset(direction)
      for z in min(dz, 0)...max(dz, 0) {
        for y in min(dy, 0)...max(dy, 0) {
          for x in min(dx, 0)...max(dx, 0) {
            boxes[direction] |= 1 << UInt32((z + 1) * 9 + (y + 1) * 3 + x + 1)
          }
        }
      }
    }
    return boxes
  }()

  // MARK: Counting

  /// Steps in all.
  func edgeCount() -> Int { neighbourhood == .walk ? walkCount() : flightCount() }

  private func walkCount() -> Int {
    var count = 0
    for y in 0..<height {
      for x in 0..<width {
        let here = y * width + x
        for z in 0..<depth where walk.isStandable(z, isSolid: { isSolid(here, $0) }) {
          if x + 1 < width && walkStep(here, here + 1, z) != nil { count += 1 }
          if y + 1 < height && walkStep(here, here + width, z) != nil { count += 1 }
          if x > 0 && walkStep(here, here - 1, z) != nil { count += 1 }
          if y > 0 && walkStep(here, here - width, z) != nil { count += 1 }
        }
      }
    }
    return count
  }

  /// Slides over each row with the solid cells of the 27 around a cell: nine bits a column, the one
  /// to the west lowest.
  private func flightCount() -> Int {
    let boxes = (0..<neighbourhood.degree).map { direction in
      let (dx, dy, dz) = neighbourhood.offset(direction)
      var box = 0
      for corner in 0..<8 {
        let (x, y, z) = ((corner & 1) * dx, (corner >> 1 & 1) * dy, (corner >> 2) * dz)
        box |= 1 << ((x + 1) * 9 + (z + 1) * 3 + y + 1)
      }
      return box
    }
    var count = 0
    for z in 0..<depth {
      for y in 0..<height {
        func column(_ x: Int) -> Int {
          if x >= width { return 0x1ff }
          var bits = 0
          for dz in -1...1 {
            for dy in -1...1 {
              let (row, level) = (y + dy, z + dz)
              let isFree =
                row >= 0 && row < height && level >= 0 && level < depth
                && !isSolid((level * height + row) * width + x)
              if !isFree { bits |= 1 << ((dz + 1) * 3 + dy + 1) }
            }
          }
          return bits
        }
        var around = 0x1ff << 9 | column(0) << 18
        for x in 0..<width {
          around = around >> 9 | column(x + 1) << 18
          // The cell itself is in every box.
          if around >> 13 & 1 == 1 { continue }
          for box in boxes where around & box == 0 { count += 1 }
        }
      }
    }
    return count
  }
}
