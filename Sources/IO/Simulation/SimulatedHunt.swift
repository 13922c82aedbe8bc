import Bounded
import Events
import Hunt
import World

/// The hunt of a run: a world of a few nodes in one of its forms, limits that are soon reached,
/// rules drawn from the seed.
struct SimulatedHunt {
  var definition: HuntDefinition
  let world: ModelWorld
  let map: Topology

  init(_ name: String, _ random: inout SimulationRandom, isTight: Bool) {
    definition = HuntDefinition(name: name)
    definition.limits.players = isTight ? 6 + random.below(10) : 64
    definition.limits.treasures = isTight ? 6 + random.below(4) : 40
    definition.limits.claims = isTight ? 8 + random.below(60) : 4_000
    definition.limits.producers = isTight ? 3 + random.below(5) : 32
    definition.limits.gaps = isTight ? 4 + random.below(40) : 4_000
    definition.limits.idempotencyKeys = isTight ? 16 + random.below(60) : 2_000
    definition.limits.names = isTight ? 4 + random.below(8) : 200
    definition.limits.edges = isTight ? 2 + random.below(6) : 200
    definition.rules = HuntRules(drawnBy: &random)
    // So little that repairs are left over.
    if random.chance(40) { definition.rules.hintWork = UInt32(16 + random.below(16)) }
    if random.chance(30) { definition.boards = [BoardSpec(name: "short", windowMs: 2_000)] }
    (world, map) = Self.world(&random, editsMax: definition.limits.edges)
    for id in 1...5 {
      let place = Self.place(world, &random)
      var spec = TreasureSpec(id: UInt32(id), x: place.x, y: place.y)
      spec.z = place.z
      spec.reach = UInt32(random.below(4))
      spec.points = Int32(random.below(40))
      spec.stock = UInt32(1 + random.below(5))
      spec.respawnMs = random.chance(60) ? UInt32(1 + random.below(3_000)) : 0
      definition.treasures.append(spec)
    }
  }

  var model: Model { Model(definition, world) }

  /// Whether one event may leave repairs to the clock, and hints be uncertain meanwhile.
  var mayLeaveRepairs: Bool { definition.rules.hintWork < HuntRules.hintWorkDefault }

  // MARK: Worlds

  private static func world(
    _ random: inout SimulationRandom, editsMax: Int
  ) -> (ModelWorld, Topology) {
    switch random.below(10) {
    case 0..<5: grid(&random, editsMax)
    case 5..<8: voxels(&random, editsMax)
    default: network(&random, editsMax)
    }
  }

  private static func grid(
    _ random: inout SimulationRandom, _ editsMax: Int
  ) -> (ModelWorld, Topology) {
    let eight = random.chance(70)
    let (width, height) = (4 + random.below(9), 4 + random.below(7))
    let walls = random.below(30)
    let free = (0..<width * height).map { _ in !random.chance(walls) }
    let rows = (0..<height).map { row in
      String(free[row * width..<(row + 1) * width].map { $0 ? "." : "@" as Character })
    }
    return (
      ModelWorld(.grid(eight: eight), width, height, free: free, editsMax: editsMax),
      Topology(rows: rows, neighbourhood: eight ? .eight : .four)
    )
  }

  private static func voxels(
    _ random: inout SimulationRandom, _ editsMax: Int
  ) -> (ModelWorld, Topology) {
    let (width, height, depth) = (2 + random.below(4), 2 + random.below(3), 2 + random.below(3))
    let solid = [10, 30, 50][random.below(3)]
    let free = (0..<width * height * depth).map { _ in !random.chance(solid) }
    let bits = Slab(byteCount: (free.count + 63) / 64 * 8)
    for (cell, isFree) in free.enumerated() where !isFree {
      bits.update(cell / 64 * 8, as: UInt64.self) { $0 |= 1 << UInt64(cell % 64) }
    }
    let corners = random.chance(50)
    let walk = (headroom: 1 + random.below(3), climb: random.below(3), fall: random.below(4))
    let flies = random.chance(50)
    let form: ModelWorld.Form =
      flies
      ? .flying(corners: corners)
      : .walking(headroom: walk.headroom, climb: walk.climb, fall: walk.fall)
    return (
      ModelWorld(form, width, height, free: free, editsMax: editsMax),
      Topology(
        voxels: bits, width: width, height: height, depth: depth,
        neighbourhood: flies ? (corners ? .twentySix : .six) : .walk,
        walk: WalkRules(headroom: walk.headroom, climb: walk.climb, fall: walk.fall))
    )
  }

  private static func network(
    _ random: inout SimulationRandom, _ editsMax: Int
  ) -> (ModelWorld, Topology) {
    let (nodes, first) = (3 + random.below(40), random.below(3))
    var roads: [(tail: Int, head: Int, weight: Int)] = []
    for _ in 0..<nodes * 2 + random.below(nodes * 2) {
      let tail = random.below(nodes)
      let head = (tail + 1 + random.below(nodes - 1)) % nodes
      roads.append((tail, head, 1 + random.below(6)))
    }
    var edges = NetworkEdges(capacity: roads.count)
    for road in roads {
      edges.append(
        from: UInt32(road.tail), to: UInt32(road.head), weight: UInt32(road.weight))
    }
    return (
      ModelWorld(nodes: nodes, first: first, roads: roads, editsMax: editsMax),
      Topology(
        network: edges, nodeCount: nodes, labels: .consecutive(first: UInt32(first)))
    )
  }

  /// Somewhere in the world, or just beyond it.
  private static func place(
    _ world: ModelWorld, beyond: Int = 0, _ random: inout SimulationRandom
  ) -> (x: Int32, y: Int32, z: Int32) {
    if case .network(let first) = world.form {
      return (Int32(first + random.below(world.width + beyond)), 0, 0)
    }
    return (
      Int32(random.below(world.width + beyond)), Int32(random.below(world.height + beyond)),
      world.isGrid ? 0 : Int32(random.below(world.depth + beyond))
    )
  }

  // MARK: Events

  /// An event as some sender may make it up.
  ///
  /// - Parameter now: The sender's clock, ms since 1970.
  func event(_ random: inout SimulationRandom, now: Int64) -> Event {
    let kinds: [EventKind] = [
      .join, .leave, .move, .move, .move, .move, .move, .move, .teleport, .claim, .claim, .claim,
      .claim, .score, .spawn, .despawn, .edge,
    ]
    var event = Event(kind: kinds[random.below(kinds.count)])
    event.player = UInt64(1 + random.below(20))
    event.time = random.chance(40) ? 0 : max(0, now + Int64(random.below(600)) - 500)
    if random.chance(4) { event.time = max(0, now + Int64(random.below(9_000)) - 4_500) }
    (event.x, event.y, event.z) = Self.place(world, beyond: 1, &random)
    if random.chance(3) { event.x = -1 }
    event.treasure = UInt32(1 + random.below(12))
    if event.kind == .claim || event.kind == .teleport || random.chance(30) {
      goNear(definition.treasures[random.below(definition.treasures.count)], &event, &random)
    }
    if random.chance(15) { event.flags.insert(.wantRank) }
    if random.chance(15) { event.flags.insert(.wantHint) }
    event.value =
      event.kind == .score ? Int64(random.below(60)) - 20 : orderValue(event.kind, &random)
    if event.kind == .edge && (!world.isGrid || random.chance(30)) { drawOrder(&event, &random) }
    return event
  }

  private func goNear(
    _ spec: TreasureSpec, _ event: inout Event, _ random: inout SimulationRandom
  ) {
    if random.chance(70) { event.treasure = spec.id }
    event.x = max(-1, spec.x + Int32(random.below(3)) - 1)
    if world.isNetwork { return }
    event.y = max(-1, spec.y + Int32(random.below(3)) - 1)
    if world.isVoxels { event.z = max(0, spec.z + Int32(random.below(3)) - 1) }
  }

  /// An order of any form to change the world.
  private func drawOrder(_ event: inout Event, _ random: inout SimulationRandom) {
    let direction = UInt8(random.below(min(world.degree, 25) + 1))
    let multiplier: UInt8 = [0, 1, 2, 3, 60, 255][random.below(6)]
    let cost: UInt32 = [0, 1, 2, 5, 300, 1_000_000][random.below(6)]
    let own = UInt32(random.below(max(world.edges.count, 1) + 2))
    let added = UInt32(ModelWorld.addedIds + random.below(min(definition.limits.edges + 1, 8)))
    let id = random.chance(50) ? own : added
    switch random.below(8) {
    case 0: event.value = EdgeOrder.step(direction: direction, multiplier: multiplier).value
    case 1: event.value = EdgeOrder.open(direction: direction).value
    case 2: (event.value, event.treasure) = (EdgeOrder.edge(cost: cost).value, id)
    case 3: (event.value, event.treasure) = (EdgeOrder.openEdge.value, id)
    case 4, 5:
      event.value = EdgeOrder.add(cost: max(cost, 1)).value
      event.treasure = UInt32(random.below(world.free.count + 3))
    case 6: (event.value, event.treasure) = (EdgeOrder.remove.value, added)
    default:
      let box = (1 + random.below(3), 1 + random.below(3), 1 + random.below(2))
      event.value =
        random.chance(50)
        ? EdgeOrder.place(width: box.0, height: box.1, depth: box.2).value
        : EdgeOrder.break(width: box.0, height: box.1, depth: box.2).value
    }
  }
}
