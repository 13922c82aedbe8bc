import Bounded
import Events
import Hunt
import Pages
import Testing
import Testkit
import World

/// Hunts whose hints take more work than an event may do, and searches for treasures on foot.

private func plainHunt(
  _ rows: [String], eight: Bool, hintWork: UInt32
) -> (HuntDefinition, Topology) {
  var definition = HuntDefinition(name: "ground")
  definition.limits.players = 20
  definition.limits.treasures = 40
  definition.limits.claims = 200
  definition.limits.producers = 4
  definition.limits.gaps = 16
  definition.limits.idempotencyKeys = 16
  definition.limits.names = 4
  definition.rules.speedMax = 0
  definition.rules.walls = false
  definition.rules.hintWork = hintWork
  return (definition, blockMap(rows, eight: eight))
}

/// Events of one producer, one after the other.
private struct Script {
  var sequence: UInt64 = 0

  mutating func event(
    _ kind: EventKind, player: UInt64 = 0, x: Int = 0, y: Int = 0, treasure: UInt32 = 0,
    value: Int64 = 0
  ) -> Event {
    sequence += 1
    var event = Event(
      kind: kind, producer: 3, sequence: sequence, player: player, time: huntStart, x: Int32(x),
      y: Int32(y))
    event.treasure = treasure
    event.value = value
    event.flags = kind == .move ? .wantHint : []
    return event
  }
}

private func tick(_ ms: Int64) -> Event {
  Event(kind: .tick, producer: 0, sequence: 0, player: 0, time: huntStart + ms)
}

/// A claim that changes the whole map is worked off tick by tick: until then whoever stands where it
/// matters is told that the hint is settling and keeps the last one to compare with, and whoever does
/// not gets hints as ever; a replay, which answers nobody, comes to the same bytes.
@Test func aLargeChangeSettlesTickByTick() throws {
  var (definition, map) = plainHunt(
    [String](repeating: String(repeating: ".", count: 40), count: 40), eight: true, hintWork: 32)
  definition.treasures = [
    TreasureSpec(id: 1, x: 10, y: 20), TreasureSpec(id: 2, x: 39, y: 39),
  ]
  var script = Script()
  let opening = [
    tick(0), script.event(.move, player: 1, x: 12, y: 20),
    script.event(.move, player: 2, x: 38, y: 39), script.event(.move, player: 3, x: 11, y: 20),
    script.event(.claim, player: 3, treasure: 1),
  ]
  var live = Held(definition, map)
  var replay = Held(definition, map)
  replay.state.beginReplay()
  for event in opening {
    #expect(live.apply(event).result == .ok)
    _ = replay.apply(event)
  }
  let wake = live.state.nextWake
  #expect(wake == huntStart + 1)
  var settling = 0
  var ms: Int64 = 0
  while let wake = live.state.nextWake, settling < 1_000 {
    ms = wake - huntStart
    let events = [
      tick(ms), script.event(.move, player: 1, x: 12, y: 20),
      script.event(.move, player: 2, x: 38, y: 39),
    ]
    for (at, event) in events.enumerated() {
      let outcome = live.apply(event)
      _ = replay.apply(event)
      if at == 1 && outcome.flags.contains(.settling) {
        settling += 1
        #expect(outcome.distance == Outcome.noDistance && outcome.treasure == 0)
        #expect(!outcome.flags.contains(.warmer) && !outcome.flags.contains(.colder))
      }
      if at == 2 { #expect(outcome.treasure == 2 && outcome.distance == 13_860) }
    }
  }
  #expect(settling > 10)
  let last = script.event(.move, player: 1, x: 12, y: 20)
  let outcome = live.apply(last)
  _ = replay.apply(last)
  #expect(outcome.treasure == 2 && outcome.distance == 19 * 19_601 + 8 * 13_860)
  replay.state.endReplay()
  let digests = (live.state.digest(), replay.state.digest())
  #expect(digests.0 == digests.1)
}

/// The treasures near a player are those that searches for each of them find, in order of cost and
/// id, without those that the player has claimed as often as one may.
@Test func treasuresNearAreAllThereAre() {
  var (cut, spent) = (0, 0)
  #expect(
    forAll(cases: 60) { random in
      let eight = random.chance(50)
      let rows = randomRows(&random)
      var (definition, map) = plainHunt(rows, eight: eight, hintWork: 16)
      definition.rules.claimsPerPlayer = UInt32(random.below(3))
      let open = (0..<UInt32(map.nodeCount)).filter { map.isPassable($0) }
      if open.isEmpty { return true }
      for id in 1...UInt32(12) {
        let (x, y, _) = map.place(open[random.below(open.count)])
        var treasure = TreasureSpec(id: id, x: Int32(x), y: Int32(y))
        treasure.stock = UInt32(1 + random.below(3))
        definition.treasures.append(treasure)
      }
      var held = Held(definition, map)
      _ = held.apply(tick(0))
      var script = Script()
      var claims: [UInt32: UInt32] = [:]
      var node = open[0]
      for _ in 0..<20 {
        let treasure = definition.treasures[random.below(12)]
        node = UInt32(Int(treasure.y) * map.width + Int(treasure.x))
        let player: UInt64 = random.chance(70) ? 1 : 2
        _ = held.apply(
          script.event(.move, player: player, x: Int(treasure.x), y: Int(treasure.y)))
        let claim = script.event(.claim, player: player, treasure: treasure.id)
        if held.apply(claim).result == .ok && player == 1 { claims[treasure.id, default: 0] += 1 }
      }
      var finder = PathFinder(nodeBudgetMax: map.nodeCount)
      let cap = definition.rules.claimsPerPlayer
      var wanted: [(UInt32, UInt32)] = []
      for treasure in definition.treasures {
        guard let row = held.state.row(ofTreasure: treasure.id),
          held.state.treasure(row).phase == .open
        else { continue }
        if cap > 0 && claims[treasure.id, default: 0] >= cap {
          spent += 1
          continue
        }
        if case .within(let cost) = finder.cost(
          from: node, to: held.state.treasure(row).node, nodeBudget: map.nodeCount,
          held.state.world, held.state.space)
        {
          wanted.append((cost, treasure.id))
        }
      }
      wanted.sort { $0 < $1 }
      let ground = held.state.ground
      let limit = 1 + random.below(14)
      let costMax = random.chance(30) ? UInt32(random.below(90_000)) : distanceMax
      let (found, isComplete) = ground.treasures(
        near: node, for: ground.walker(1, held.state.space), limit: limit, costMax: costMax,
        nodeBudget: map.nodeCount, held.state.space, &finder)
      let expected = wanted.filter { $0.0 <= costMax }.prefix(limit)
      if expected.count < wanted.count { cut += 1 }
      return isComplete && found.map(\.cost) == expected.map(\.0)
        && found.map(\.treasure.id) == expected.map(\.1)
    })
  #expect(cut > 0 && spent > 0)
}

private func randomRows(_ random: inout TestRandom) -> [String] {
  let walls = random.below(40)
  let width = 2 + random.below(9)
  return (0..<(2 + random.below(8))).map { _ in
    String((0..<width).map { _ -> Character in random.chance(walls) ? "@" : "." })
  }
}

/// A treasure that a player has claimed as often as one may is in no hint of that player's, though it
/// is open and nearest; it stays in the others', and is told again after it has respawned.
@Test func hintsLeaveOutWhatIsSpent() {
  var (definition, map) = plainHunt([".........", "........."], eight: false, hintWork: 1_024)
  definition.rules.claimsPerPlayer = 1
  for (id, x, stock) in [(1, 2, 2), (2, 8, 1)] as [(UInt32, Int32, UInt32)] {
    var treasure = TreasureSpec(id: id, x: x, y: 0)
    treasure.stock = stock
    treasure.respawnMs = 1_000
    definition.treasures.append(treasure)
  }
  var held = Held(definition, map)
  _ = held.apply(tick(0))
  func at(_ kind: EventKind, _ player: UInt64, x: Int32 = 0, treasure: UInt32 = 0) -> Event {
    var event = Event(kind: kind, flags: .wantHint, player: player, x: x, treasure: treasure)
    event.producer = 1
    return event
  }
  var sequence: UInt64 = 0
  func play(_ event: Event, _ held: inout Held) -> Outcome {
    var event = event
    sequence += 1
    event.sequence = sequence
    return held.apply(event)
  }
  #expect(play(at(.join, 1, x: 2), &held).treasure == 1)
  #expect(play(at(.join, 2, x: 2), &held).treasure == 1)
  #expect(play(at(.claim, 1, treasure: 1), &held).result == .ok)
  let own = play(at(.move, 1, x: 3), &held)
  #expect(own.treasure == 2 && own.distance == 5 && own.direction == 0, "\(own)")
  #expect(held.state.hint(for: held.state.row(of: 1)!, at: 3)?.step?.head == 4)
  let other = play(at(.move, 2, x: 3), &held)
  #expect(other.treasure == 1 && other.distance == 1, "\(other)")
  let nearer = play(at(.move, 1, x: 4), &held)
  #expect(nearer.flags.contains(.warmer) && nearer.distance == 4)
  // Its stock is taken, and a second later it is there anew.
  #expect(play(at(.claim, 2, treasure: 1), &held).result == .ok)
  _ = held.apply(tick(5_000))
  let again = play(at(.move, 1, x: 3), &held)
  #expect(again.treasure == 1 && again.distance == 1, "\(again)")
}
