public import Pages

// Voxels keep no edges: which there are follows from the cells around, as edited.
extension WorldGraph {
  @inline(__always)
  func isSolid(_ node: Int, _ space: borrowing PageSpace) -> Bool {
    let word = topology.solidWord(node &>> 6) ^ blocks.load(node &>> 6, space)
    return word &>> UInt64(truncatingIfNeeded: node & 63) & 1 == 1
  }

  /// A bit for each direction in which a step leads from `node`.
  @usableFromInline func openDirections(_ node: Int, _ space: borrowing PageSpace) -> Int {
    let place = topology.place(UInt32(node))
    var open = 0
    switch topology.neighbourhood {
    case .walk:
      if !isStandable(place, space) { return 0 }
      for direction in 0..<4 where landing(place, direction, space) != nil {
        open |= 1 << direction
      }
    default:
      let size = (topology.width, topology.height, topology.depth)
      let free = VoxelRule.freeAround(place, size) {
        topology.solidWord($0) ^ blocks.load($0, space)
      }
      return VoxelRule.flights(free, topology.neighbourhood)
    }
    return open
  }

  /// The node that a step in an open direction leads to.
  @usableFromInline
  func head(_ node: Int, _ direction: Int, _ space: borrowing PageSpace) -> Int {
    if topology.neighbourhood != .walk { return node + compass.delta(direction) }
    let place = topology.place(UInt32(node))
    guard let level = landing(place, direction, space) else {
      preconditionFailure("no step leads from \(node) in direction \(direction)")
    }
    return node + compass.delta(direction) + (level - place.z) * topology.width * topology.height
  }

  /// Cost of an edge of voxels that the cells allow, 0 when it was closed.
  @usableFromInline
  func cost(_ node: Int, _ direction: Int, _ space: borrowing PageSpace) -> UInt64 {
    var cost = compass.cost(direction)
    if topology.neighbourhood == .walk {
      let level = topology.width * topology.height
      let climbed = head(node, direction, space) / level - node / level
      cost = UInt64(topology.walk.cost(climbed: climbed))
    }
    if multipliers.count(space) == 0 { return cost }
    return cost * UInt64(voxelMultiplier(node, direction, space))
  }

  func voxelMultiplier(
    _ node: Int, _ direction: Int, _ space: borrowing PageSpace
  ) -> UInt8 {
    let held = multipliers.find(Self.multiplierKey(node, direction), space)
    return held.map { UInt8(truncatingIfNeeded: $0 - 1) } ?? 1
  }

  private static func multiplierKey(_ node: Int, _ direction: Int) -> UInt64 {
    // No key is 0.
    (UInt64(node) << 5 | UInt64(direction)) + 1
  }

  static func edge(ofMultiplier key: UInt64) -> (node: Int, direction: Int) {
    (Int((key - 1) >> 5), Int((key - 1) & 31))
  }

  // MARK: Walking

  /// Whether a walker can stand in a cell.
  func isStandable(
    _ place: (x: Int, y: Int, z: Int), _ space: borrowing PageSpace
  ) -> Bool {
    topology.walk.isStandable(place.z) { isSolid(place.x, place.y, $0, space) }
  }

  /// Whether a cell of a column of the world is solid: beneath it all is, and nothing above.
  @inline(__always)
  private func isSolid(_ x: Int, _ y: Int, _ z: Int, _ space: borrowing PageSpace) -> Bool {
    if z < 0 { return true }
    if z >= topology.depth { return false }
    return isSolid((z &* topology.height &+ y) &* topology.width &+ x, space)
  }

  /// The level on which a step from a place where a walker can stand ends; nil where none leads in
  /// the direction.
  private func landing(
    _ place: (x: Int, y: Int, z: Int), _ direction: Int, _ space: borrowing PageSpace
  ) -> Int? {
    let (dx, dy, _) = Neighbourhood.walk.offset(direction)
    let (x, y) = (place.x + dx, place.y + dy)
    guard x >= 0 && x < topology.width && y >= 0 && y < topology.height else { return nil }
    return topology.walk.landing(
      from: place.z, depth: topology.depth,
      isSolidHere: { isSolid(place.x, place.y, $0, space) },
      isSolidThere: { isSolid(x, y, $0, space) })
  }

  /// Levels from which a step can lead onto one: from `climb` below to `fall` above.
  @usableFromInline var walkLevels: Int {
    Int(topology.walk.climb) + Int(topology.walk.fall) + 1
  }

  /// The walker who steps onto `node`, the `index`-th of `4 * walkLevels` that may: where from and
  /// in which direction.
  @usableFromInline func walker(
    _ index: Int, onto node: Int, _ space: borrowing PageSpace
  ) -> (tail: Int, direction: Int)? {
    let (direction, level) = index.quotientAndRemainder(dividingBy: walkLevels)
    let place = topology.place(UInt32(node))
    let (dx, dy, _) = Neighbourhood.walk.offset(direction)
    let from = (
      x: place.x - dx, y: place.y - dy, z: place.z - Int(topology.walk.climb) + level
    )
    guard let tail = topology.node(x: from.x, y: from.y, z: from.z), isStandable(from, space),
      landing(from, direction, space) == place.z
    else { return nil }
    return (Int(tail), direction)
  }

  // MARK: Edits

  /// Sets the multiplier of an edge that the cells allow.
  func setVoxelEdge(
    _ node: Int, _ direction: Int, _ multiplier: UInt8, _ space: inout PageSpace
  ) -> EdgeEdit {
    guard openDirections(node, space) >> direction & 1 == 1 else {
      let rule = voxelRule(node, direction, space)
      return multiplier == 0 && rule != .offMap ? .unchanged : .refused(rule)
    }
    let held = voxelMultiplier(node, direction, space)
    if held == multiplier { return .unchanged }
    let key = Self.multiplierKey(node, direction)
    let old = cost(node, direction, space)
    if multiplier == 1 {
      _ = multipliers.remove(key, &space)
    } else if !multipliers.set(key, UInt64(multiplier) + 1, &space) {
      return .refused(.noRoom)
    }
    return .changed(
      EdgeChange(
        tail: UInt32(node), head: UInt32(head(node, direction, space)),
        old: UInt32(old), new: UInt32(cost(node, direction, space))))
  }

  /// The rule that a step which is not there breaks.
  private func voxelRule(
    _ node: Int, _ direction: Int, _ space: borrowing PageSpace
  ) -> EdgeRule {
    let place = topology.place(UInt32(node))
    let (dx, dy, dz) = topology.neighbourhood.offset(direction)
    guard let beside = topology.node(x: place.x + dx, y: place.y + dy, z: place.z + dz) else {
      return .offMap
    }
    if topology.neighbourhood == .walk { return .blockClosed }
    return isSolid(node, space) || isSolid(Int(beside), space) ? .blockClosed : .cornerClosed
  }

  /// Makes a cell solid or free, and notes every edge that comes, goes or leads elsewhere by it.
  func setVoxel(
    _ node: Int, open: Bool, _ space: inout PageSpace, _ changes: inout EdgeChanges
  ) -> Bool {
    if isSolid(node, space) != open { return false }
    let place = topology.place(UInt32(node))
    var index = 0
    forEachWay(around: place) { tail, direction in
      changes.watch(way(tail, direction, space), index)
      index += 1
    }
    blocks.update(node >> 6, &space) { $0 ^= 1 << UInt64(node & 63) }
    index = 0
    forEachWay(around: place) { tail, direction in
      let before = changes.watched(index)
      index += 1
      var after = way(tail, direction, space)
      if before?.head == after?.head { return }
      // Another way than before, if there is one: its multiplier is forgotten.
      if multipliers.count(space) != 0,
        multipliers.remove(Self.multiplierKey(tail, direction), &space)
      {
        after = way(tail, direction, space)
      }
      if let before, before.cost != 0 {
        changes.append(
          EdgeChange(tail: UInt32(tail), head: before.head, old: before.cost, new: 0))
      }
      if let after {
        changes.append(EdgeChange(tail: UInt32(tail), head: after.head, old: 0, new: after.cost))
      }
    }
    return true
  }

  /// Where a step in a direction leads and what it costs; nil where there is none.
  private func way(
    _ tail: Int, _ direction: Int, _ space: borrowing PageSpace
  ) -> (head: UInt32, cost: UInt32)? {
    guard openDirections(tail, space) >> direction & 1 == 1 else { return nil }
    return (
      UInt32(head(tail, direction, space)),
      UInt32(truncatingIfNeeded: cost(tail, direction, space))
    )
  }

  /// Calls `body` with every tail and direction whose step can depend on the cell at `place`.
  private func forEachWay(
    around place: (x: Int, y: Int, z: Int), _ body: (Int, Int) -> Void
  ) {
    func visit(_ x: Int, _ y: Int, _ z: Int, _ directions: Range<Int>) {
      guard let tail = topology.node(x: x, y: y, z: z) else { return }
      for direction in directions { body(Int(tail), direction) }
    }
    if topology.neighbourhood != .walk {
      for z in place.z - 1...place.z + 1 {
        for y in place.y - 1...place.y + 1 {
          for x in place.x - 1...place.x + 1 { visit(x, y, z, 0..<degree) }
        }
      }
      return
    }
    let walk = topology.walk
    let lowest = place.z - Int(walk.climb) - Int(walk.headroom) + 1
    for z in lowest...place.z + 1 { visit(place.x, place.y, z, 0..<4) }
    for direction in 0..<4 {
      let (dx, dy, _) = Neighbourhood.walk.offset(direction)
      for z in lowest...place.z + Int(walk.fall) + 1 {
        visit(place.x - dx, place.y - dy, z, direction..<direction + 1)
      }
    }
  }
}
