internal import Bounded

/// Worlds by seed: the same numbers give the same world on every machine. Every draw is one value
/// of SplitMix64 started with the seed, in the order told here; a chance of p in 100 holds when a
/// draw below 100 is below p.
public enum WorldMaker {
  /// A grid whose blocks are walls by chance.
  ///
  /// Draws: for each node a chance to be a wall, unless `blocked` is 0; then for each open step, by
  /// node and direction, its weight, unless all weights are 1.
  ///
  /// - Parameters:
  ///   - blocked: Walls in a hundred blocks, `0...100`.
  ///   - weights: The multipliers of steps, both ends included.
  public static func grid(
    width: Int, height: Int, neighbourhood: Neighbourhood, blocked: Int,
    weights: ClosedRange<UInt8>, seed: UInt64
  ) -> Topology {
    precondition(weights.lowerBound > 0 && (0...100).contains(blocked))
    var random = SplitMix64(seed: seed)
    let cells = Slab(byteCount: width * height, zeroed: false)
    for node in 0..<(width * height) {
      let isWall = blocked > 0 && random.below(100) < UInt64(blocked)
      cells.store(UInt8(ascii: isWall ? "@" : "."), node)
    }
    if weights == 1...1 {
      return Topology(grid: cells, width: width, height: height, neighbourhood: neighbourhood)
    }
    let bound = UInt64(weights.upperBound - weights.lowerBound) + 1
    return Topology(grid: cells, width: width, height: height, neighbourhood: neighbourhood) {
      _, _ in weights.lowerBound + UInt8(random.below(bound))
    }
  }

  /// A maze: rooms on blocks of odd columns and rows, all joined by one way each, and more ways.
  ///
  /// From the room at 1, 1 a way is dug to a room not dug yet beside the last, drawn among those
  /// that there are (east, south, west, north), and back where there is none. Then each wall
  /// between two rooms, row by row, the one to the east before the one to the south, goes with a
  /// chance.
  ///
  /// - Parameters:
  ///   - width: `3...`, like `height`.
  ///   - loops: Walls taken away in a hundred, `0...100`.
  public static func maze(
    width: Int, height: Int, neighbourhood: Neighbourhood, loops: Int, seed: UInt64
  ) -> Topology {
    precondition(width >= 3 && height >= 3 && (0...100).contains(loops))
    var random = SplitMix64(seed: seed)
    let cells = Slab(byteCount: width * height, zeroed: false)
    for node in 0..<(width * height) { cells.store(UInt8(ascii: "@"), node) }
    func isOpen(_ node: Int) -> Bool { cells.load(node, as: UInt8.self) == UInt8(ascii: ".") }
    func dig(_ node: Int) { cells.store(UInt8(ascii: "."), node) }
    let (columns, rows) = ((width - 1) / 2, (height - 1) / 2)
    let way = Slab(byteCount: columns * rows * 4, zeroed: false)
    let deltas = [1, width, -1, -width]
    dig(width + 1)
    way.store(UInt32(width + 1), 0)
    var length = 1
    while length > 0 {
      let room = Int(way.load((length - 1) * 4, as: UInt32.self))
      let (row, column) = (room / width / 2, room % width / 2)
      let sides = [column + 1 < columns, row + 1 < rows, column > 0, row > 0]
      var free = 0
      for side in 0..<4 where sides[side] && !isOpen(room + 2 * deltas[side]) { free += 1 }
      if free == 0 {
        length -= 1
        continue
      }
      var left = Int(random.below(UInt64(free)))
      for side in 0..<4 where sides[side] && !isOpen(room + 2 * deltas[side]) {
        if left == 0 {
          dig(room + deltas[side])
          dig(room + 2 * deltas[side])
          way.store(UInt32(room + 2 * deltas[side]), length * 4)
          length += 1
          break
        }
        left -= 1
      }
    }
    for row in 0..<rows {
      for column in 0..<columns {
        let room = (row * 2 + 1) * width + column * 2 + 1
        for (side, isThere) in [column + 1 < columns, row + 1 < rows].enumerated()
        where isThere && !isOpen(room + deltas[side]) && random.below(100) < UInt64(loops) {
          dig(room + deltas[side])
        }
      }
    }
    return Topology(grid: cells, width: width, height: height, neighbourhood: neighbourhood)
  }

  /// Caves: cells are solid by chance, and then four times each becomes what most of its 26
  /// neighbours are; what lies outside counts as solid.
  ///
  /// - Parameter solid: Solid cells in a hundred at first, `0...100`.
  public static func caves(
    width: Int, height: Int, depth: Int, neighbourhood: Neighbourhood, walk: WalkRules,
    solid: Int, seed: UInt64
  ) -> Topology {
    precondition((0...100).contains(solid))
    var random = SplitMix64(seed: seed)
    let (row, plane) = (width + 2, (width + 2) * (height + 2))
    // With a rim of solid cells, so that none is asked for outside.
    var from = Slab(byteCount: plane * (depth + 2), zeroed: false)
    for at in 0..<from.byteCount { from.store(UInt8(1), at) }
    func forEachCell(_ body: (_ node: Int, _ at: Int) -> Void) {
      var node = 0
      for z in 1...depth {
        for y in 1...height {
          for x in 1...width {
            body(node, z * plane + y * row + x)
            node += 1
          }
        }
      }
    }
    forEachCell { _, at in from.store(UInt8(random.below(100) < UInt64(solid) ? 1 : 0), at) }
    var into = Slab(copying: from, byteCount: from.byteCount)
    // From a cell to the middles of the nine rows of three that hold it and its neighbours.
    let lines = [-plane, 0, plane].flatMap { [$0 - row, $0, $0 + row] }
    for _ in 0..<4 {
      forEachCell { _, at in
        var count = 0
        for line in lines {
          let middle = at + line
          count += Int(from.load(middle - 1, as: UInt8.self))
          count += Int(from.load(middle + 1, as: UInt8.self))
          if line != 0 { count += Int(from.load(middle, as: UInt8.self)) }
        }
        into.store(count == 13 ? from.load(at, as: UInt8.self) : count > 13 ? 1 : 0, at)
      }
      swap(&from, &into)
    }
    let words = Slab(byteCount: (width * height * depth + 63) / 64 * 8)
    forEachCell { node, at in
      let bit = UInt64(from.load(at, as: UInt8.self)) << UInt64(node & 63)
      words.update(node / 64 * 8, as: UInt64.self) { $0 |= bit }
    }
    return Topology(
      voxels: words, width: width, height: height, depth: depth, neighbourhood: neighbourhood,
      walk: walk)
  }

  /// Roads: junctions near the points of a lattice, 1,000 apart, and roads between neighbours.
  ///
  /// Draws: for each junction, row by row, how far its x and its y are off, -300...300; then for
  /// each, to the east and then to the south: a chance of 90 that there is a road, one of 10 that
  /// it leads that way alone, and a speed of 1...3. A road costs its length, rounded down, times
  /// its speed, 1 fast. Unit: 1,000.
  public static func roads(columns: Int, rows: Int, seed: UInt64) -> Topology {
    let count = columns * rows
    precondition(columns > 0 && rows > 0 && count <= Topology.cellCountMax)
    var random = SplitMix64(seed: seed)
    let places = Slab(byteCount: count * 8)
    for node in 0..<count {
      let x = node % columns * 1000 + Int(random.below(601)) - 300
      let y = node / columns * 1000 + Int(random.below(601)) - 300
      places.store(Int32(x), node * 8)
      places.store(Int32(y), node * 8 + 4)
    }
    var edges = NetworkEdges(capacity: 4 * count)
    for node in 0..<count {
      for (isThere, other) in [
        (node % columns + 1 < columns, node + 1), (node / columns + 1 < rows, node + columns),
      ] where isThere {
        if random.below(100) >= 90 { continue }
        let isOneWay = random.below(100) < 10
        let speed = Int(random.below(3)) + 1
        let x = Int(places.load(other * 8, as: Int32.self) - places.load(node * 8, as: Int32.self))
        let y = Int(
          places.load(other * 8 + 4, as: Int32.self) - places.load(node * 8 + 4, as: Int32.self))
        let weight = UInt32(root(x * x + y * y) * speed)
        edges.append(from: UInt32(node), to: UInt32(other), weight: weight)
        if !isOneWay { edges.append(from: UInt32(other), to: UInt32(node), weight: weight) }
      }
    }
    return Topology(
      network: edges, nodeCount: count, labels: .consecutive(first: 1), coordinates: places,
      unit: 1000)
  }

  /// The square root, rounded down.
  private static func root(_ square: Int) -> Int {
    var low = 0
    var high = 1 << 24
    while high - low > 1 {
      let middle = (low + high) / 2
      if middle * middle <= square { low = middle } else { high = middle }
    }
    return low
  }
}
