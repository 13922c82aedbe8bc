import Events
import Hunt
import World

/// The hunt of a run: a map of a few blocks, limits that are soon reached, rules drawn from the
/// seed.
struct SimulatedHunt {
  var definition: HuntDefinition
  let rows: [String]
  let isEight: Bool
  let map: Topology

  var width: Int { rows[0].utf8.count }
  var height: Int { rows.count }

  init(_ name: String, _ random: inout SimulationRandom, isTight: Bool) {
    definition = HuntDefinition(name: name)
    isEight = random.chance(70)
    let width = 4 + random.below(9)
    let height = 4 + random.below(7)
    let walls = random.below(30)
    rows = (0..<height).map { _ in
      String((0..<width).map { _ -> Character in random.chance(walls) ? "@" : "." })
    }
    definition.limits.players = isTight ? 6 + random.below(10) : 64
    definition.limits.treasures = isTight ? 6 + random.below(4) : 40
    definition.limits.claims = isTight ? 8 + random.below(60) : 4_000
    definition.limits.producers = isTight ? 3 + random.below(5) : 32
    definition.limits.gaps = isTight ? 4 + random.below(40) : 4_000
    definition.limits.idempotencyKeys = isTight ? 16 + random.below(60) : 2_000
    definition.limits.names = isTight ? 4 + random.below(8) : 200
    definition.rules = HuntRules(drawnBy: &random)
    if random.chance(30) { definition.boards = [BoardSpec(name: "short", windowMs: 2_000)] }
    for id in 1...5 {
      var spec = TreasureSpec(
        id: UInt32(id), x: Int32(random.below(width)), y: Int32(random.below(height)))
      spec.reach = UInt32(random.below(4))
      spec.points = Int32(random.below(40))
      spec.stock = UInt32(1 + random.below(5))
      spec.respawnMs = random.chance(60) ? UInt32(1 + random.below(3_000)) : 0
      definition.treasures.append(spec)
    }
    map = Topology(rows: rows, neighbourhood: isEight ? .eight : .four)
  }

  var model: Model { Model(definition, ModelWorld(rows, eight: isEight)) }

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
    event.x = Int32(random.below(width + 1))
    event.y = Int32(random.below(height + 1))
    if random.chance(3) { event.x = -1 }
    event.treasure = UInt32(1 + random.below(12))
    if event.kind == .claim || event.kind == .teleport || random.chance(30) {
      let spec = definition.treasures[random.below(definition.treasures.count)]
      if random.chance(70) { event.treasure = spec.id }
      event.x = max(-1, spec.x + Int32(random.below(3)) - 1)
      event.y = max(-1, spec.y + Int32(random.below(3)) - 1)
    }
    if random.chance(15) { event.flags.insert(.wantRank) }
    if random.chance(15) { event.flags.insert(.wantHint) }
    event.value =
      event.kind == .score ? Int64(random.below(60)) - 20 : orderValue(event.kind, &random)
    return event
  }
}
