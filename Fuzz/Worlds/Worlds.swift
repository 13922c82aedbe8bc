import Bounded
import World

/// World files as lists of edits of good ones: the first byte chooses the world (bits 0...2) and
/// whether the digests are set right afterwards (bit 7), as somebody who forges a file would; then
/// three bytes an edit, the offset in eights or behind a page's start, and what to add to the byte.
let worlds = Parser(
  name: "Worlds", bytesMax: 256,
  seeds: {
    [
      Seed("whole", [0]), Seed("whole-forged", [0x80]), Seed("magic", [0, 0, 0, 1]),
      Seed("version", [0x80, 4, 0, 1]), Seed("form", [0x81, 6, 0, 1]),
      Seed("size", [0x81, 8, 0, 1]), Seed("walk", [0x82, 34, 0, 200]),
      Seed("sections", [0x84, 44, 0, 1]), Seed("start", [0x84, 4, 1, 1]),
      Seed("head", [0x84, 0, 2, 1]), Seed("two", [0x84, 0, 2, 1, 0, 3, 9]),
    ]
  },
  check: { input in
    var choices = Choices(input)
    let mode = choices.byte()
    let world = sampleWorlds[Int(mode & 7) % sampleWorlds.count]
    let image = Slab(copying: world.image, byteCount: world.image.byteCount)
    while !choices.rest.isEmpty {
      let (low, page) = (Int(choices.byte()), Int(choices.byte()))
      let at = page & 0x0f * 4096 + low + (page >> 4) * 256
      if at < image.byteCount { image.update(at, as: UInt8.self) { $0 &+= choices.byte() } }
    }
    let isForged = mode & 0x80 != 0
    if isForged { Topology.setDigests(of: image) }
    let found: Topology
    do throws(WorldFault) { found = try Topology(image: image) } catch {
      try require(error.byte >= 0 && error.byte <= image.byteCount, "\(error)")
      try require(!error.rule.sentence.isEmpty, "\(error)")
      return try require(!Topology.faults(in: image).isEmpty, "no fault but \(error)")
    }
    try require(isForged || found.digest == world.digest, "a damaged world opens")
    try walkThrough(found)
    try require(Topology.faults(in: image).isEmpty, "a world that opens has faults")
  })

/// A small world of each kind.
private let sampleWorlds: [Topology] = {
  var terrain = Terrain.standard
  terrain[UInt8(ascii: "S")] = 3
  let solid = Slab(byteCount: 8)
  solid.store(UInt64(0b1011_0010), 0)
  func cells(_ neighbourhood: Neighbourhood) -> Topology {
    Topology(voxels: solid, width: 2, height: 3, depth: 4, neighbourhood: neighbourhood)
  }
  var edges = NetworkEdges(capacity: 5)
  for (tail, head) in [(0, 1), (1, 2), (2, 0), (0, 2), (0, 1)] as [(UInt32, UInt32)] {
    edges.append(from: tail, to: head, weight: head + 5)
  }
  let labels = Slab(byteCount: 12)
  for (node, label) in [3, 17, 4_000_000_000].enumerated() { labels.store(UInt32(label), node * 4) }
  return [
    Topology(rows: [".G@.", "S.T."], neighbourhood: .eight, terrain: terrain),
    Topology(rows: ["..", ".@", ".."], neighbourhood: .four), cells(.walk), cells(.twentySix),
    Topology(
      network: edges, nodeCount: 3, labels: .table(labels), coordinates: Slab(byteCount: 24)),
    Topology(network: edges, nodeCount: 4, labels: .consecutive(first: 1)), cells(.six),
  ]
}()

/// Whatever a world says of its nodes and edges stays inside it, and its edges are as many as it
/// says.
func walkThrough(_ world: Topology) throws {
  var count = 0
  for node in 0..<UInt32(world.nodeCount) {
    let (x, y, z) = world.place(node)
    try require(world.node(x: x, y: y, z: z) == node, "node \(node) is at \(x), \(y), \(z)")
    switch world.form {
    case .grid: count += (world.directions(Int(node)) & 0xff).nonzeroBitCount
    case .voxels:
      for direction in 0..<world.neighbourhood.degree {
        guard let step = world.voxelStep(node, direction) else { continue }
        count += 1
        try require(Int(step.node) < world.nodeCount && step.cost > 0, "\(step)")
      }
    case .network:
      for edge in world.firstEdge(Int(node))..<world.firstEdge(Int(node) + 1) {
        count += 1
        try require(world.tail(edge) == node, "edge \(edge)")
        try require(Int(world.head(edge)) < world.nodeCount, "edge \(edge)")
      }
      for index in world.firstIn(Int(node))..<world.firstIn(Int(node) + 1) {
        try require(world.head(world.inEdge(index)) == node, "listed edge \(index)")
      }
    }
  }
  try require(count == world.edgeCount, "\(count) edges of \(world.edgeCount)")
  let report = WorldReport(of: world)
  try require(
    report.largestRegion <= report.passableCount && report.regionCount <= report.passableCount,
    "\(report)")
}
