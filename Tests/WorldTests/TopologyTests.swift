import Bounded
import Testing
import Testkit
import World

/// Every step of a grid, and where it costs more than 1, as the definitions say.
@Test func gridStepsEqualTheModel() {
  var terrain = Terrain.standard
  terrain["W".utf8.first!] = 7
  terrain["S".utf8.first!] = 0
  let holds = forAll(cases: 300) { random in
    let (width, height) = (1 + random.below(9), 1 + random.below(9))
    let rows = (0..<height).map { _ in
      String(
        decoding: (0..<width).map { _ in Array(".@WS".utf8)[random.below(4)] }, as: UTF8.self)
    }
    let eight = random.below(2) == 0
    let isPlain = random.below(2) == 0
    let grid = Topology(
      rows: rows, neighbourhood: eight ? .eight : .four, terrain: isPlain ? .standard : terrain)
    let costs = rows.flatMap { row in
      row.utf8.map { isPlain ? (".GS".utf8.contains($0) ? 1 : 0) : [46: 1, 87: 7][Int($0)] ?? 0 }
    }
    let model = Model(
      eight: eight, width: width,
      rows: (0..<height).map { y in
        String((0..<width).map { costs[y * width + $0] > 0 ? "." : "@" })
      })
    var edgeCount = 0
    for node in 0..<(width * height) {
      guard grid.isPassable(UInt32(node)) == (costs[node] > 0) else { return false }
      let bits = grid.directions(node)
      let row = grid.weights(node)
      for direction in 0..<8 {
        let isStep = direction < model.degree && model.allowed(node, direction)
        let leaves = direction >= model.degree || model.neighbour(node, direction) == nil
        let cost = isStep ? costs[model.neighbour(node, direction)!] : 0
        edgeCount += isStep ? 1 : 0
        guard bits >> direction & 1 == (isStep ? 1 : 0),
          bits >> (8 + direction) & 1 == (leaves ? 0 : 1),
          row >> UInt64(direction * 8) & 0xff == UInt64(cost)
        else { return false }
      }
      let (x, y, z) = grid.place(UInt32(node))
      guard grid.node(x: x, y: y, z: z) == UInt32(node) && z == 0 else { return false }
    }
    let seen = costs.contains { $0 > 1 }
    return grid.edgeCount == edgeCount && grid.hasWeights == seen && opens(grid)
  }
  #expect(holds)
}

/// Generated weights stand on open steps alone, and their image opens again.
@Test func generatedWeightsAreKept() throws {
  var asked: [Int] = []
  let cells = Slab(byteCount: 6)
  for (at, byte) in "..@...".utf8.enumerated() { cells.store(byte, at) }
  let grid = Topology(grid: cells, width: 3, height: 2, neighbourhood: .four) { node, direction in
    asked.append(node * 4 + direction)
    return UInt8(node * 4 + direction + 1)
  }
  // 0 1 #
  // 3 4 5
  #expect(asked == [0, 1, 5, 6, 12, 15, 16, 18, 19, 22])
  #expect(grid.weights(4) == 17 | 19 << 16 | 20 << 24)
  #expect(grid.weights(2) == 0 && grid.hasWeights && opens(grid))
}

/// A map's text gives the grid, and the grid gives the text.
@Test func gridTextRoundTrips() throws {
  let text = Array("type octile\r\nheight 2\nwidth 3\nmap\n.G@\nS.T\n".utf8)
  let grid = try Topology(parsing: text.span, neighbourhood: .eight)
  #expect(grid.mapText() == Array("type octile\nheight 2\nwidth 3\nmap\n.G@\nS.T\n".utf8))
  #expect(grid.digest == Topology(rows: [".G@", "S.T"], neighbourhood: .eight).digest)
  #expect(grid.digest != Topology(rows: [".G@", "S.T"], neighbourhood: .four).digest)
  #expect(grid.digest != Topology(rows: [".G@S.T"], neighbourhood: .eight).digest)
  let empty: [UInt8] = []
  #expect(throws: MapRejection(line: 1, column: 1, rule: .expected(.type))) {
    _ = try Topology(parsing: empty.span, neighbourhood: .eight)
  }
}

/// Every step among voxels, flying and walking, as the definitions say.
@Test func voxelStepsEqualTheModel() {
  var falls = 0
  var climbs = 0
  let holds = forAll(cases: 300) { random in
    let size = (1 + random.below(5), 1 + random.below(5), 1 + random.below(9))
    let count = size.0 * size.1 * size.2
    let share = 10 + random.below(60)
    let cells = (0..<count).map { _ in random.below(100) < share }
    let rules = WalkRules(
      headroom: 1 + random.below(4), climb: random.below(5), fall: random.below(6))
    let neighbourhood: Neighbourhood = [.walk, .six, .twentySix][random.below(3)]
    let world = voxels(cells, size, neighbourhood, rules)
    let model = VoxelModel(size: size, cells: cells, neighbourhood: neighbourhood, rules: rules)
    var edgeCount = 0
    for node in 0..<count {
      let place = world.place(UInt32(node))
      guard world.node(x: place.x, y: place.y, z: place.z) == UInt32(node) else { return false }
      guard world.isSolid(UInt32(node)) == cells[node] else { return false }
      guard world.isPassable(UInt32(node)) == model.isPassable(place) else { return false }
      for direction in 0..<neighbourhood.degree {
        let step = world.voxelStep(UInt32(node), direction)
        let expected = model.step(place, direction)
        guard step?.node == expected?.node && step?.cost == expected?.cost else { return false }
        edgeCount += step == nil ? 0 : 1
        if let step, neighbourhood == .walk {
          let level = world.place(step.node).z
          if level < place.z { falls += 1 }
          if level > place.z { climbs += 1 }
        }
      }
    }
    return world.edgeCount == edgeCount && opens(world)
  }
  #expect(holds)
  #expect(falls > 100 && climbs > 100, "the generator no longer makes steps up and down")
}

/// A direction and its opposite lead there and back, flying; all directions differ and are those of
/// the neighbourhood.
@Test func directionsHaveOpposites() {
  for neighbourhood in [Neighbourhood.four, .walk, .six, .eight, .twentySix] {
    var seen: Set<[Int]> = []
    for direction in 0..<neighbourhood.degree {
      let (x, y, z) = neighbourhood.offset(direction)
      let back = neighbourhood.offset(neighbourhood.opposite(direction))
      #expect(back == (-x, -y, -z), "\(neighbourhood) \(direction)")
      seen.insert([x, y, z])
    }
    #expect(seen.count == neighbourhood.degree && !seen.contains([0, 0, 0]))
  }
  #expect([Neighbourhood.four, .walk, .six, .eight, .twentySix].map(\.degree) == [4, 4, 6, 8, 26])
  #expect(Neighbourhood.network.degree == 0)
  #expect(Neighbourhood.twentySix.offset(0) == (-1, -1, -1))
  #expect(Neighbourhood.twentySix.offset(12) == (-1, 0, 0))
  #expect(Neighbourhood.twentySix.offset(13) == (1, 0, 0))
  #expect(Neighbourhood.six.offset(4) == (0, 0, 1))
}

/// The costs of diagonal steps have the ratios that they should have, to the error that is stated.
@Test func diagonalCostsAreRoots() {
  func isRoot(_ cost: UInt32, of square: Double, _ straight: UInt32, within error: Double) -> Bool {
    abs(Double(cost) / Double(straight) / square.squareRoot() - 1) < error
  }
  let (eight, box) = (Neighbourhood.eight, Neighbourhood.twentySix)
  #expect(isRoot(eight.diagonalCost, of: 2, eight.straightCost, within: 2e-9))
  #expect(isRoot(box.diagonalCost, of: 2, box.straightCost, within: 2e-7))
  #expect(isRoot(box.cornerCost, of: 3, box.straightCost, within: 2e-7))
}

/// Edges of a network come by tail and then in the order given, and are listed at their heads;
/// labels lead to nodes and back.
@Test func networkEdgesEqualTheModel() {
  let holds = forAll(cases: 300) { random in
    let nodeCount = 1 + random.below(12)
    var given: [[UInt32]] = []
    var edges = NetworkEdges(capacity: 40)
    while nodeCount > 1 && given.count < 40 && random.below(20) != 0 {
      let tail = UInt32(random.below(nodeCount))
      let head = UInt32(random.below(nodeCount))
      if tail == head { continue }
      let weight = random.below(4) == 0 ? Topology.weightMax : UInt32(1 + random.below(9))
      given.append([tail, head, weight])
      edges.append(from: tail, to: head, weight: weight)
    }
    var labels = (0..<nodeCount).map { UInt32($0) }
    let hasTable = random.below(2) == 0
    var next = UInt32(random.below(100))
    for node in 0..<nodeCount {
      labels[node] = next
      next += hasTable ? 1 + UInt32(random.below(3)) : 1
    }
    let table = Slab(byteCount: nodeCount * 4)
    for node in 0..<nodeCount { table.store(labels[node], node * 4) }
    let places = Slab(byteCount: nodeCount * 8)
    for node in 0..<nodeCount { places.store(Int32(-node), node * 8 + 4) }
    let world = Topology(
      network: edges, nodeCount: nodeCount,
      labels: hasTable ? .table(table) : .consecutive(first: labels[0]),
      coordinates: random.below(2) == 0 ? places : nil, unit: 10)
    let sorted = (0..<UInt32(nodeCount)).flatMap { node in given.filter { $0[0] == node } }
    guard world.edgeCount == sorted.count && world.unit == 10 else { return false }
    for (edge, row) in sorted.enumerated() {
      guard [world.tail(edge), world.head(edge), world.weight(edge)] == row else { return false }
    }
    for node in 0..<nodeCount {
      let out = world.firstEdge(node)..<world.firstEdge(node + 1)
      guard out.allSatisfy({ Int(sorted[$0][0]) == node }) else { return false }
      let into = (world.firstIn(node)..<world.firstIn(node + 1)).map { world.inEdge($0) }
      guard into == sorted.indices.filter({ Int(sorted[$0][1]) == node }) else { return false }
      guard world.label(UInt32(node)) == labels[node] else { return false }
      if let (x, y) = world.coordinates(UInt32(node)) {
        guard x == 0 && y == Int32(-node) else { return false }
      }
    }
    for label in UInt32(0)..<140 {
      let node = labels.firstIndex(of: label).map { UInt32($0) }
      guard world.node(label: label) == node else { return false }
      guard world.node(x: Int(label), y: 0) == node else { return false }
    }
    return world.node(x: Int(labels[0]), y: 1) == nil && opens(world)
  }
  #expect(holds)
}

// MARK: Helpers

/// Whether a world's image opens as the same world.
func opens(_ world: Topology) -> Bool {
  do throws(WorldFault) {
    let copy = Slab(copying: world.image, byteCount: world.image.byteCount)
    let opened = try Topology(image: copy)
    return opened.digest == world.digest && opened.nodeCount == world.nodeCount
      && opened.edgeCount == world.edgeCount && opened.walk == world.walk
      && opened.terrain == world.terrain
  } catch {
    print(error)
    return false
  }
}

func voxels(
  _ cells: [Bool], _ size: (Int, Int, Int), _ neighbourhood: Neighbourhood,
  _ rules: WalkRules = .standard
) -> Topology {
  let solid = Slab(byteCount: (cells.count + 63) / 64 * 8)
  for (at, isSolid) in cells.enumerated() where isSolid {
    solid.update(at / 64 * 8, as: UInt64.self) { $0 |= 1 << UInt64(at % 64) }
  }
  return Topology(
    voxels: solid, width: size.0, height: size.1, depth: size.2, neighbourhood: neighbourhood,
    walk: rules)
}

/// A world of voxels as the definitions say, in plain arrays.
struct VoxelModel {
  let size: (Int, Int, Int)
  let cells: [Bool]
  let neighbourhood: Neighbourhood
  let rules: WalkRules

  private var headroom: Int { Int(rules.headroom) }

  func isInside(_ x: Int, _ y: Int) -> Bool { x >= 0 && x < size.0 && y >= 0 && y < size.1 }

  func node(_ x: Int, _ y: Int, _ z: Int) -> UInt32 { UInt32((z * size.1 + y) * size.0 + x) }

  func isFree(_ x: Int, _ y: Int, _ z: Int) -> Bool {
    if z < 0 { return false }
    return z >= size.2 || !cells[Int(node(x, y, z))]
  }

  func isFree(_ x: Int, _ y: Int, _ levels: Range<Int>) -> Bool {
    levels.allSatisfy { isFree(x, y, $0) }
  }

  func isStandable(_ x: Int, _ y: Int, _ z: Int) -> Bool {
    !isFree(x, y, z - 1) && isFree(x, y, z..<(z + headroom))
  }

  func isPassable(_ place: (x: Int, y: Int, z: Int)) -> Bool {
    neighbourhood == .walk
      ? isStandable(place.x, place.y, place.z) : isFree(place.x, place.y, place.z)
  }

  func step(
    _ place: (x: Int, y: Int, z: Int), _ direction: Int
  ) -> (node: UInt32, cost: UInt32)? {
    neighbourhood == .walk ? walk(place, direction) : fly(place, direction)
  }

  private func fly(
    _ place: (x: Int, y: Int, z: Int), _ direction: Int
  ) -> (node: UInt32, cost: UInt32)? {
    let offsets =
      neighbourhood == .six
      ? [[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]
      : (-1...1).flatMap { z in (-1...1).flatMap { y in (-1...1).map { [$0, y, z] } } }
        .filter { $0 != [0, 0, 0] }
    let offset = offsets[direction]
    let end = (place.x + offset[0], place.y + offset[1], place.z + offset[2])
    guard isInside(end.0, end.1) && end.2 >= 0 && end.2 < size.2 else { return nil }
    for x in Set([place.x, end.0]) {
      for y in Set([place.y, end.1]) {
        for z in Set([place.z, end.2]) where !isFree(x, y, z) { return nil }
      }
    }
    let axes = offset.filter { $0 != 0 }.count
    let costs: [UInt32] = neighbourhood == .six ? [0, 1] : [0, 20_586, 29_113, 35_656]
    return (node(end.0, end.1, end.2), costs[axes])
  }

  /// All levels that a step could end on, lowest first; then the rule's order among them.
  private func walk(
    _ place: (x: Int, y: Int, z: Int), _ direction: Int
  ) -> (node: UInt32, cost: UInt32)? {
    let (dx, dy) = [(1, 0), (0, 1), (-1, 0), (0, -1)][direction]
    let (x, y, z) = (place.x + dx, place.y + dy, place.z)
    guard isInside(x, y) && isStandable(place.x, place.y, z) else { return nil }
    let levels = (z - Int(rules.fall))...(z + Int(rules.climb))
    let targets = levels.filter { level in
      guard isStandable(x, y, level) else { return false }
      if level > z { return isFree(place.x, place.y, (z + headroom)..<(level + headroom)) }
      return isFree(x, y, level..<(z + headroom))
    }
    if rules.climb <= rules.headroom {
      #expect(targets.count <= 1, "two ways from \(place) in direction \(direction)")
    }
    let hasRoom = isFree(x, y, z..<(z + headroom))
    guard let level = hasRoom ? targets.first(where: { $0 <= z }) : targets.first else {
      return nil
    }
    // Among the world's cells: where a walker stands above the top there is no node.
    guard level < size.2 else { return nil }
    return (node(x, y, level), UInt32(1 + max(0, level - z)))
  }
}
