import Bounded
import Events
import Hunt
import Pages
import Simulation
import Testkit
import World

let huntStart: Int64 = 1_700_000_000_000

extension TestRandom: Drawing {}

func blockMap(_ rows: [String], eight: Bool) -> Topology {
  Topology(rows: rows, neighbourhood: eight ? .eight : .four)
}

/// A state with pages of its own, and no effects.
struct Held: ~Copyable {
  var state: HuntState
  var effects = EffectBuffer(capacity: 1)
  var offset: UInt64 = 0

  init(_ definition: HuntDefinition, _ map: Topology) {
    let pages = HuntState.layout(definition, map).pageCount
    state = HuntState(definition, map: map, pool: PagePool(pageCount: 2 * pages + 1))
  }

  mutating func apply(_ event: Event) -> Outcome {
    defer { offset += 1 }
    return state.apply(event, offset: offset, &effects)
  }
}

/// Maps of a few blocks and hunts with limits that are soon reached.
struct RandomHunt {
  var definition = HuntDefinition(name: "random")
  let rows: [String]
  let eight: Bool

  init(_ random: inout TestRandom) {
    eight = random.chance(70)
    let width = 3 + random.below(9)
    let height = 3 + random.below(7)
    let walls = random.below(35)
    rows = (0..<height).map { _ in
      String((0..<width).map { _ -> Character in random.chance(walls) ? "@" : "." })
    }
    definition.limits.players = 4 + random.below(12)
    definition.limits.treasures = 6 + random.below(8)
    definition.limits.claims = 3 + random.below(60)
    definition.limits.producers = 4
    definition.limits.gaps = 64
    definition.limits.idempotencyKeys = 64
    definition.limits.names = 8
    definition.rules = HuntRules(drawnBy: &random)
    definition.startsLive = random.chance(80)
    if random.chance(30) { definition.boards = [BoardSpec(name: "minute", windowMs: 2_000)] }
    if random.chance(30) { definition.boards = [BoardSpec(name: "all", windowMs: nil)] }
    for id in 1...5 {
      var spec = TreasureSpec(
        id: UInt32(id), x: Int32(random.below(width)), y: Int32(random.below(height)))
      spec.z = Int32(random.below(2))
      spec.reach = UInt32(random.below(4))
      spec.points = Int32(random.below(40))
      spec.stock = UInt32(1 + random.below(3))
      spec.respawnMs = random.chance(60) ? UInt32(1 + random.below(2_000)) : 0
      definition.treasures.append(spec)
    }
  }

  var map: Topology { blockMap(rows, eight: eight) }
  var width: Int { rows[0].utf8.count }
  var height: Int { rows.count }

  /// An event as a partition journals it: numbered, timed, of a sender who may or may not operate.
  func event(_ random: inout TestRandom, now: Int64, sequence: UInt64) -> Event {
    let kinds: [EventKind] = [
      .join, .leave, .move, .move, .move, .move, .move, .teleport, .teleport, .claim, .claim,
      .claim, .claim, .claim, .score, .spawn, .despawn, .edge, .edge,
    ]
    var event = Event(
      kind: kinds[random.below(kinds.count)], producer: 1, sequence: sequence,
      player: UInt64(1 + random.below(definition.limits.players + 2)),
      time: max(0, now + Int64(random.below(6_000)) - (random.chance(80) ? 400 : 5_000)),
      x: Int32(random.below(width + 1)), y: Int32(random.below(height + 1)),
      z: Int32(random.below(2)),
      treasure: UInt32(1 + random.below(definition.limits.treasures + 2)))
    if random.chance(70) { event.time = now + Int64(random.below(300)) }
    if random.chance(5) { event.x = -1 }
    if event.kind == .join && random.chance(20) { (event.x, event.y) = (0, 0) }
    if event.kind == .claim || event.kind == .teleport, random.chance(70) {
      let spec = definition.treasures[random.below(definition.treasures.count)]
      event.treasure = spec.id
      event.x = spec.x + Int32(random.below(3)) - 1
      event.y = spec.y + Int32(random.below(3)) - 1
    }
    if random.chance(30) { event.flags.insert(.wantRank) }
    if random.chance(40) { event.flags.insert(.wantHint) }
    if random.chance(60) { event.flags.insert(.operate) }
    event.value =
      event.kind == .score
      ? random.chance(5) ? .max : Int64(random.below(60)) - 20
      : orderValue(event.kind, &random)
    return event
  }
}
