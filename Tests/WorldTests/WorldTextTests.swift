import Bounded
import Testing
import Testkit
import World

private enum Kind: CaseIterable { case graph, edgeList, places, threeDMap, layers }

/// What a text is refused for.
private func rejection(_ kind: Kind, _ text: some Sequence<UInt8>) -> SourceRejection? {
  let bytes = Array(text)
  do throws(SourceRejection) {
    switch kind {
    case .graph: _ = try NetworkText(graph: bytes.span)
    case .edgeList: _ = try NetworkText(edgeList: bytes.span)
    case .places: _ = try NetworkText.coordinates(bytes.span, nodeCount: 2)
    case .threeDMap: _ = try VoxelText(threeDMap: bytes.span)
    case .layers: _ = try VoxelText(layers: bytes.span)
    }
    return nil
  } catch { return error }
}

/// One example for each rule, with the place where it is broken.
@Test func everySourceRuleIsNamedWithItsPlace() {
  func check(
    _ kind: Kind, _ text: String, _ line: Int, _ column: Int, _ rule: SourceRule,
    at source: Int = #line
  ) {
    let found = rejection(kind, text.utf8)
    #expect(
      found == SourceRejection(line: line, column: column, rule: rule),
      "line \(source): \(String(describing: found))")
    #expect(found?.rule.sentence.isEmpty == false)
  }
  let weights = 1...Int(Topology.weightMax)
  check(.graph, "", 1, 1, .expected("p sp"))
  check(.graph, "c x\np tw 1 1", 2, 1, .expected("p sp"))
  check(.graph, "p sp 0 0", 1, 7, .empty)
  check(.graph, "p sp 16777217 1", 1, 14, .tooManyNodes)
  check(.graph, "p sp 1 134217729", 1, 17, .tooManyEdges)
  check(.graph, "p sp 1 1 1", 1, 10, .textAfter)
  check(.graph, "a 1 2 3\n", 1, 1, .countsLine)
  check(.graph, "p sp 2 1\na 1 3 1\n", 2, 5, .number(1...2))
  check(.graph, "p sp 2 1\na 0 2 1\n", 2, 3, .number(1...2))
  check(.graph, "p sp 2 1\na 1 2 0\n", 2, 7, .number(weights))
  check(.graph, "p sp 2 1\na 1 2 2147483648\n", 2, 7, .number(weights))
  check(.graph, "p sp 2 1\na 1 2\n", 2, 6, .number(weights))
  check(.graph, "p sp 2 1\na 1 2 3 4\n", 2, 9, .textAfter)
  check(.graph, "p sp 2 1\nb 1 2 3\n", 2, 1, .expected("a line of an edge, a"))
  check(.graph, "p sp 2 2\na 1 2 3\n", 3, 1, .count(expected: 2, got: 1))
  check(.graph, "p sp 2 1\na 1 2 3\na 1 2 3\n", 3, 1, .count(expected: 1, got: 2))
  check(.edgeList, "from,to,weight\n", 2, 1, .empty)
  check(.edgeList, "1;2;3\n", 1, 2, .expected("a comma"))
  check(.edgeList, "1,4294967296,3\n", 1, 3, .number(0...4_294_967_295))
  check(.edgeList, "1,2,0\n", 1, 5, .number(weights))
  check(.edgeList, "1,2,3,2\n", 1, 7, .number(0...1))
  check(.edgeList, "1,2,3,1,\n", 1, 8, .textAfter)
  check(.places, "v 1 2 3", 1, 1, .countsLine)
  check(.places, "", 1, 1, .expected("p aux sp co"))
  check(.places, "p aux sp co 3", 1, 14, .count(expected: 3, got: 2))
  check(.places, "p aux sp co 2\nv 1 -3 4\nv 1 5 6\n", 3, 1, .placedTwice)
  check(.places, "p aux sp co 2\nv 1 -3 4\n", 3, 1, .count(expected: 2, got: 1))
  check(.places, "p aux sp co 2\nv 1 2147483648 4\n", 2, 5, .number(-1 << 31...1 << 31 - 1))
  check(.threeDMap, "vox 1 1 1", 1, 1, .expected("voxel"))
  check(.threeDMap, "voxel 1 0 1", 1, 9, .number(1...1 << 24))
  check(.threeDMap, "voxel 4096 4096 2", 1, 18, .tooManyCells)
  check(.threeDMap, "voxel 2 2 2\n1 2 0\n", 2, 3, .number(0...1))
  check(.layers, "layers 2 1 1\n.x\n", 2, 2, .notACell(UInt8(ascii: "x")))
  check(.layers, "layers 2 1 1\n.\n", 2, 2, .rowLength(expected: 2, got: 1))
  check(.layers, "layers 2 1 1\n...\n", 2, 3, .rowLength(expected: 2, got: 3))
  check(.layers, "layers 2 1 2\n..\n", 3, 1, .count(expected: 2, got: 1))
  check(.layers, "layers 2 1 1\n..\n\n.", 4, 1, .textAfter)
}

/// Any bytes are taken or refused inside the text; damaged texts reach both.
@Test func sourcesAreTotal() {
  let samples: [(Kind, String)] = [
    (.graph, "c x\np sp 3 3\na 1 2 7\na 2 3 9\r\na 3 3 1\n"),
    (.edgeList, "from,to,weight,both\n4,9,3,1\n9, 4294967295 ,8\n5,5,1,1\n"),
    (.places, "p aux sp co 2\nv 1 -5 6\nv 2 7 8"),
    (.threeDMap, "voxel 2 3 2\n0 0 0\n1 2 1\n1 2 1\n"),
    (.layers, "layers 3 2 2\n.#.\n...\n\n###\n#.#\n"),
  ]
  for (kind, text) in samples { #expect(rejection(kind, text.utf8) == nil, "\(kind)") }
  var (taken, refused) = (0, 0)
  let holds = forAll(cases: 2_000) { random in
    let (kind, text) = samples[random.below(samples.count)]
    var bytes = Array(text.utf8)
    for _ in 0..<(1 + random.below(3)) {
      let at = random.below(bytes.count)
      switch random.below(4) {
      case 0: bytes[at] = UInt8(random.below(256))
      case 1: bytes[at] = Array("0123456789 \n\r,-#.acpv".utf8)[random.below(21)]
      case 2: bytes.remove(at: at)
      default: bytes.removeSubrange(at...)
      }
      if bytes.isEmpty { break }
    }
    // A forged count of cells or nodes takes memory, which other tests do.
    let digits = bytes.split { !(0x30...0x39).contains($0) }.map(\.count).max() ?? 0
    if digits > 4 && kind != .edgeList { return true }
    guard let found = rejection(kind, bytes) else {
      taken += 1
      return true
    }
    refused += 1
    let lines = bytes.count { $0 == 0x0a } + 1
    return (1...lines).contains(found.line) && (1...bytes.count + 1).contains(found.column)
  }
  #expect(holds && taken > 80 && refused > 500, "\(taken) taken, \(refused) refused")
}

/// A list of edges gives the same network as the edges themselves: nodes are the ids that occur,
/// ascending, and ways back stand behind the ways there.
@Test func edgeListsEqualTheModel() {
  let holds = forAll(cases: 400) { random in
    let spread = [3, 50, 100_000, 1 << 32][random.below(4)]
    var rows: [[Int]] = []
    for _ in 0..<(1 + random.below(30)) {
      rows.append([
        random.below(spread), random.below(spread), 1 + random.below(9), random.below(2),
      ])
    }
    var text = random.chance(50) ? "from,to,weight,both\n" : ""
    for row in rows {
      let both = row[3] == 0 && random.chance(50) ? "" : ",\(row[3])"
      text += "\(row[0]),\(row[1]), \(row[2])\(both)" + (random.chance(50) ? "\r\n" : "\n")
    }
    let ids = Set(rows.flatMap { $0[0...1] }).sorted()
    var expected: [[Int]] = []
    for row in rows where row[0] != row[1] {
      expected.append([row[0], row[1], row[2]])
      if row[3] == 1 { expected.append([row[1], row[0], row[2]]) }
    }
    let bytes = Array(text.utf8)
    let network = try NetworkText(edgeList: bytes.span)
    let world = Topology(
      network: network.edges, nodeCount: network.nodeCount, labels: network.labels)
    let sorted = ids.flatMap { id in expected.filter { $0[0] == id } }
    guard world.nodeCount == ids.count && world.edgeCount == sorted.count else { return false }
    for (node, id) in ids.enumerated() {
      guard world.label(UInt32(node)) == UInt32(id), world.node(x: id, y: 0) == UInt32(node) else {
        return false
      }
    }
    for (edge, row) in sorted.enumerated() {
      let found = [
        world.label(world.tail(edge)), world.label(world.head(edge)), world.weight(edge),
      ]
      guard found == row.map({ UInt32($0) }) else { return false }
    }
    return network.selfLoopCount == rows.count { $0[0] == $0[1] } && opens(world)
  }
  #expect(holds)
}

/// A graph's nodes are numbered from 1 and stay in order; its self-loops are left out and told.
@Test func graphTextGivesItsEdges() throws {
  let text = Array("c\nc x\n\np sp 3 4\na 3 1 5\na 2 2 6\na 1 2 7\na 1 2 8\n".utf8)
  let network = try NetworkText(graph: text.span)
  #expect(network.selfLoopCount == 1 && network.selfLoopLine == 6)
  let places = Array("p aux sp co 3\nv 3 -9 8\nv 1 1 2\nv 2 0 0\n".utf8)
  let world = Topology(
    network: network.edges, nodeCount: network.nodeCount, labels: network.labels,
    coordinates: try NetworkText.coordinates(places.span, nodeCount: network.nodeCount))
  #expect((0..<3).map { world.weight($0) } == [7, 8, 5])
  #expect((0..<3).map { world.label($0) } == [1, 2, 3])
  #expect(world.coordinates(2)! == (-9, 8) && world.coordinates(0)! == (1, 2))
}

/// Both texts of voxels give the same cells.
@Test func voxelTextsAgree() throws {
  let layers = Array("layers 3 2 2\n.#.\n...\n\n###\n#.#\n".utf8)
  let list = Array("voxel 3 2 2\r\n1 0 0\n0 0 1\n1 0 1\n2 0 1\n0 1 1\n2 1 1\n1 0 0\n".utf8)
  let worlds = try [VoxelText(layers: layers.span), VoxelText(threeDMap: list.span)].map { text in
    Topology(
      voxels: text.solid, width: text.width, height: text.height, depth: text.depth,
      neighbourhood: .six)
  }
  #expect(worlds[0].digest == worlds[1].digest)
  #expect((0..<12).map { worlds[0].isSolid($0) ? "#" : "." }.joined() == ".#....####.#")
}

/// The regions of a world are those of the definition: there is a way there and back.
@Test func regionsEqualTheModel() {
  var several = 0
  let holds = forAll(cases: 400) { random in
    let count = 2 + random.below(14)
    var edges = NetworkEdges(capacity: 40)
    var ways = (0..<count).map { node in (0..<count).map { $0 == node } }
    var isReached = [Bool](repeating: false, count: count)
    for _ in 0..<random.below(40) {
      let (tail, head) = (random.below(count), random.below(count))
      if tail == head { continue }
      edges.append(from: UInt32(tail), to: UInt32(head), weight: UInt32(1 + random.below(9)))
      ways[tail][head] = true
      isReached[head] = true
    }
    for middle in 0..<count {
      for from in 0..<count where ways[from][middle] {
        for to in 0..<count where ways[middle][to] { ways[from][to] = true }
      }
    }
    let world = Topology(network: edges, nodeCount: count)
    let report = WorldReport(of: world)
    let regions = Set(
      (0..<count).map { node in (0..<count).filter { ways[node][$0] && ways[$0][node] } })
    several += regions.count > 1 && regions.count < count ? 1 : 0
    return report.regionCount == regions.count && report.passableCount == count
      && report.largestRegion == regions.map(\.count).max()
      && report.unreachedCount == isReached.count { !$0 }
      && report.costMax == (0..<world.edgeCount).map { world.weight($0) }.max() ?? 0
  }
  #expect(holds && several > 50)
}

/// A report of a grid and of voxels counts what players can be at.
@Test func reportsOfBlocks() {
  let grid = WorldReport(of: Topology(rows: ["..@.", "@@@.", "...@"], neighbourhood: .eight))
  #expect(grid.passableCount == 7 && grid.regionCount == 3 && grid.largestRegion == 3)
  #expect(grid.outsideCount == 4 && grid.unreachedCount == 0 && grid.costMax == 13_860)
  #expect(!grid.mayOverflow)
  // A ledge two levels up: down is a way, up is none.
  let ledge = voxels([false, true, false, true, false, false, false, false], (2, 1, 4), .walk)
  let report = WorldReport(of: ledge)
  #expect(report.passableCount == 2 && report.regionCount == 2 && report.unreachedCount == 1)
}

/// The same seed makes the same world, another makes another, and each opens; mazes are whole.
@Test func madeWorldsFollowTheirSeeds() {
  func worlds(_ seed: UInt64) -> [Topology] {
    [
      WorldMaker.grid(
        width: 20, height: 10, neighbourhood: .four, blocked: 30, weights: 2...9, seed: seed),
      WorldMaker.maze(width: 21, height: 12, neighbourhood: .eight, loops: 10, seed: seed),
      WorldMaker.caves(
        width: 12, height: 9, depth: 7, neighbourhood: .walk, walk: .standard, solid: 50,
        seed: seed),
      WorldMaker.roads(columns: 9, rows: 6, seed: seed),
    ]
  }
  for (first, other) in zip(worlds(1), worlds(2)) {
    #expect(first.digest != other.digest && opens(first) && opens(other))
  }
  #expect(
    worlds(1).map(\.digest.hex) == pinned, "seeds no longer make the worlds that they made")
  for world in [worlds(1)[1], worlds(3)[1]] {
    let report = WorldReport(of: world)
    #expect(report.regionCount == 1 && report.passableCount >= 99)
  }
  let grid = worlds(1)[0]
  let costs = (0..<grid.nodeCount).flatMap { node in
    (0..<4).map { grid.weights(node) >> UInt64($0 * 8) & 0xff }
  }
  #expect(Set(costs).subtracting([0]) == Set(2...9))
  let perfect = WorldMaker.maze(width: 31, height: 31, neighbourhood: .four, loops: 0, seed: 5)
  // A tree: 15 x 15 rooms and the blocks between them, each joined to two.
  #expect(WorldReport(of: perfect).passableCount == 2 * 225 - 1)
  #expect(perfect.edgeCount == 2 * (2 * 225 - 2))
}

private let pinned = [
  "eca9837075f407a5b82fbf208d710edb", "46b2fcd2a885878f0325920d504d74f0",
  "a0db91056ea363dce9281e16f85b5495", "b36f858b9d2036101850163f4a1dd4f6",
]
