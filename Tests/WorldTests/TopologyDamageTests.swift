import Bounded
import Testing
import Testkit
import World

/// A small world of each form, so that every section is in one of them.
private func smallWorlds() -> [Topology] {
  var edges = NetworkEdges(capacity: 4)
  for (tail, head) in [(0, 1), (1, 2), (2, 0), (0, 2)] as [(UInt32, UInt32)] {
    edges.append(from: tail, to: head, weight: tail + 5)
  }
  let labels = Slab(byteCount: 12)
  for (node, label) in [3, 17, 4_000_000_000].enumerated() { labels.store(UInt32(label), node * 4) }
  let places = Slab(byteCount: 24)
  var terrain = Terrain.standard
  terrain[UInt8(ascii: "S")] = 3
  return [
    Topology(rows: [".G@", "S.T"], neighbourhood: .eight, terrain: terrain),
    Topology(rows: ["..", ".@"], neighbourhood: .four),
    voxels([false, true, false, false, false, false], (2, 1, 3), .walk),
    voxels([false, true, false, false, false, false], (1, 2, 3), .twentySix),
    Topology(network: edges, nodeCount: 3, labels: .table(labels), coordinates: places),
  ]
}

private func fault(_ image: Slab) -> WorldFault? {
  do throws(WorldFault) {
    _ = try Topology(image: image)
    return nil
  } catch { return error }
}

/// A copy of a world's bytes with the digests set right, as somebody who forges one would.
private func forged(_ world: Topology, _ change: (Slab) -> Void) -> Slab {
  let image = Slab(copying: world.image, byteCount: world.image.byteCount)
  change(image)
  Topology.setDigests(of: image)
  return image
}

/// Every bit of a world file counts: flipped, the file is refused, at the section it lies in.
@Test func everyFlippedBitIsRefused() {
  for world in smallWorlds() {
    let image = Slab(copying: world.image, byteCount: world.image.byteCount)
    var starts: [(start: Int, name: String)] = [(0, "header")]
    starts += world.sections.map { ($0.offset, $0.kind.name) }
    // Of what is nothing but zeros, every 31st byte.
    for at in 0..<image.byteCount where at % 4096 < 600 || at % 31 == 0 {
      let byte = image.load(at, as: UInt8.self)
      // Every bit of the first bytes of a page, and one of each of the others.
      for bit in at % 4096 < 32 ? 0..<8 : (at % 8)..<(at % 8 + 1) {
        image.store(byte ^ 1 << UInt8(bit), at)
        guard let fault = fault(image) else {
          Issue.record("byte \(at), bit \(bit) of a \(world.form) is not missed")
          return
        }
        let section = starts.last { $0.start <= at }?.name
        #expect(fault.section?.name ?? "header" == section, "byte \(at), bit \(bit): \(fault)")
        #expect(!fault.rule.sentence.isEmpty)
      }
      image.store(byte, at)
    }
    #expect(fault(image) == nil)
  }
}

/// A file that was cut short or goes on is refused.
@Test func everyOtherLengthIsRefused() {
  for world in smallWorlds() {
    let count = world.image.byteCount
    for length in [1, 3, 4, 100, 4095, 4096, count - 4096, count - 1] {
      #expect(fault(Slab(copying: world.image, byteCount: length)) != nil)
    }
    let longer = Slab(byteCount: count + 4096)
    longer.copy(from: world.image, at: 0, to: 0, count: count)
    #expect(
      fault(longer)?.rule == .length(expected: count, got: count + 4096))
  }
}

/// What is forged with its digests is refused by the rule that it breaks, at its byte.
@Test func everyRuleIsNamedWithItsPlace() throws {
  let worlds = smallWorlds()
  func offset(_ world: Topology, _ kind: WorldSection) -> Int {
    world.sections.first { $0.kind == kind }?.offset ?? -1
  }
  func check<Value: BitwiseCopyable>(
    _ world: Topology, _ kind: WorldSection?, _ at: Int, _ value: Value, _ rule: WorldRule,
    line: Int = #line
  ) {
    let place = (kind.map { offset(world, $0) } ?? 0) + at
    let found = fault(forged(world) { $0.store(value, place) })
    #expect(
      found?.rule == rule && found?.section == kind, "line \(line): \(String(describing: found))")
    if let found, kind != nil { #expect(found.byte == place, "line \(line)") }
  }
  let (grid, plain, walk, network) = (worlds[0], worlds[1], worlds[2], worlds[4])
  check(grid, nil, 4, UInt16(2), .version(2))
  check(grid, nil, 6, UInt8(4), .header)
  check(grid, nil, 7, UInt8(26), .header)
  check(grid, nil, 8, UInt32(0), .header)
  check(grid, nil, 12, UInt32(1 << 24), .header)
  check(grid, nil, 16, UInt32(2), .header)
  check(grid, nil, 20, UInt32(7), .header)
  check(grid, nil, 24, UInt32(99), .edgeCount(expected: 99, got: grid.edgeCount))
  check(walk, nil, 24, UInt32(99), .edgeCount(expected: 99, got: walk.edgeCount))
  check(grid, nil, 28, UInt32(0), .header)
  check(grid, nil, 32, UInt8(1), .notZero)
  check(walk, nil, 32, UInt8(5), .header)
  check(walk, nil, 34, UInt8(17), .header)
  check(grid, nil, 40, UInt32(1), .notZero)
  check(network, nil, 40, UInt32(1), .notZero)
  check(grid, nil, 44, UInt32(1), .sections)
  check(grid, nil, 44, UInt32(2), .notZero)
  check(grid, nil, 44, UInt32.max, .sections)
  check(grid, nil, 3000, UInt8(1), .notZero)
  check(grid, nil, 1024 + 0x40, UInt8(1), .directions, in: .directions)
  check(grid, .cells, 1, UInt8(7), .cell)
  check(plain, .directions, 0, UInt16(0), .directions)
  check(grid, .multipliers, 0, UInt8(0), .weight)
  check(walk, .solid, 0, UInt64(1 << 6), .notZero)
  check(network, .outStart, 0, UInt32(1), .start)
  check(network, .outStart, 4, UInt32(5), .start)
  check(network, .outStart, 4, UInt32(1), .tail, in: .tails)
  check(network, .inStart, 8, UInt32(0), .start)
  check(network, .heads, 0, UInt32(3), .head)
  check(network, .heads, 0, UInt32(0), .head)
  check(network, .heads, 0, UInt32(2), .inEdge, in: .inEdges)
  check(network, .weights, 4, UInt32(0), .weight)
  check(network, .weights, 4, UInt32(1) << 31, .weight)
  check(network, .tails, 4, UInt32(2), .tail)
  check(network, .inEdges, 0, UInt32(9), .inEdge)
  check(network, .inEdges, 8, UInt32(3), .inEdge)
  check(network, .labels, 4, UInt32(3), .label)

  func check<Value: BitwiseCopyable>(
    _ world: Topology, _ kind: WorldSection?, _ at: Int, _ value: Value, _ rule: WorldRule,
    in section: WorldSection
  ) {
    let place = (kind.map { offset(world, $0) } ?? 0) + at
    let found = fault(forged(world) { $0.store(value, place) })
    #expect(found?.rule == rule && found?.section == section, "\(String(describing: found))")
  }
}

/// Any bytes give a world or a fault, with the digests set right or not; what opens can be used.
@Test func openingIsTotal() {
  let worlds = smallWorlds()
  var opened = 0
  let holds = forAll(cases: 1_000) { random in
    let world = worlds[random.below(worlds.count)]
    let image = Slab(copying: world.image, byteCount: world.image.byteCount)
    for _ in 0..<(1 + random.below(3)) {
      let at = random.chance(50) ? random.below(96) : random.below(image.byteCount / 64) * 64
      image.store(UInt8(random.below(random.chance(50) ? 4 : 256)), at + random.below(16))
    }
    Topology.setDigests(of: image)
    do throws(WorldFault) {
      let found = try Topology(image: image)
      opened += 1
      return isSound(found)
    } catch { return error.byte >= 0 && error.byte <= image.byteCount }
  }
  #expect(holds && opened > 20, "the generator makes too few worlds that open: \(opened)")
}

/// Files of several damaged sections name all of them.
@Test func everyDamagedSectionIsNamed() {
  let world = smallWorlds()[4]
  let image = Slab(copying: world.image, byteCount: world.image.byteCount)
  for kind in [WorldSection.heads, .labels] {
    let offset = world.sections.first { $0.kind == kind }?.offset ?? 0
    image.update(offset, as: UInt8.self) { $0 ^= 4 }
  }
  #expect(Topology.faults(in: image).map(\.section) == [.heads, .labels])
  #expect(Topology.faults(in: world.image).isEmpty)
  #expect(Topology.faults(in: Slab(byteCount: 8)).map(\.rule) == [.magic])
}

/// Whether everything that a world says of its nodes and edges stays inside it.
private func isSound(_ world: Topology) -> Bool {
  var edgeCount = 0
  for node in 0..<UInt32(world.nodeCount) {
    let place = world.place(node)
    guard world.node(x: place.x, y: place.y, z: place.z) == node else { return false }
    switch world.form {
    case .grid:
      _ = world.character(node)
      edgeCount += (world.directions(Int(node)) & 0xff).nonzeroBitCount
    case .voxels:
      for direction in 0..<world.neighbourhood.degree {
        guard let step = world.voxelStep(node, direction) else { continue }
        guard Int(step.node) < world.nodeCount && world.isPassable(node) else { return false }
        edgeCount += 1
      }
    case .network:
      edgeCount += world.firstEdge(Int(node) + 1) - world.firstEdge(Int(node))
      for edge in world.firstEdge(Int(node))..<world.firstEdge(Int(node) + 1) {
        guard world.tail(edge) == node && Int(world.head(edge)) < world.nodeCount else {
          return false
        }
      }
    }
  }
  return edgeCount == world.edgeCount && WorldReport(of: world).outsideCount >= 0
}
