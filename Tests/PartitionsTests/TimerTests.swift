import Events
import Hunt
import Partitions
import Testing
import Testkit
import World

/// A treasure is due to respawn at tick T. An operator teleports a player onto it, and the player claims
/// it in the same batch, at tick T - 1, T or T + 1, with event times before, at and after T: whether
/// there is stock is decided by the tick alone, the order within the batch decides who gets it, and a
/// replay decides the same.
@Test func respawnTimerAgainstTeleport() throws {
  var definition = HuntDefinition(name: "respawn")
  definition.limits.players = 8
  definition.limits.treasures = 2
  definition.limits.claims = 16
  definition.limits.producers = 4
  definition.limits.gaps = 8
  definition.limits.idempotencyKeys = 8
  definition.limits.names = 2
  var spec = TreasureSpec(id: 1, x: 6, y: 1)
  spec.respawnMs = 1_000
  spec.reach = 0
  definition.treasures = [spec]
  let map = blockMap(["........", "........"])
  let start = BatchMaker.base

  for early in [-1, 0, 1] as [Int64] {
    for timeOffset in [-5_000, -1_001, -1, 0, 1, 5_000] as [Int64] {
      for advancesFirst in [false, true] {
        let stand = Stand(definition, map)
        var sequence: UInt64 = 0
        func batch(_ tick: Int64, _ events: [(EventKind, UInt64)]) -> TestBatch {
          var header = Batch(.submit)
          header.producer = 1
          header.ack = .applied
          header.flags = .operate
          header.count = UInt32(events.count)
          return TestBatch(
            header: header,
            events: events.map { kind, player in
              sequence += 1
              return Event(
                kind: kind, sequence: sequence, player: player,
                time: start + 1_000 + timeOffset, x: kind == .claim ? 0 : 6,
                y: kind == .claim ? 0 : 1, treasure: kind == .claim ? 1 : 0)
            }, tick: tick)
        }
        stand.step(batch(start, [(.teleport, 1), (.claim, 1)]))
        #expect(stand.sent.last?.outcomes.map(\.result) == [.ok, .ok])
        #expect(stand.partition.state.nextTimer == start + 1_000)
        // A tick of its own just before changes nothing, unless it comes to T.
        if advancesFirst { stand.step(batch(start + 999, [])) }

        let tick = start + 1_000 + early
        stand.step(
          batch(tick, [(.teleport, 2), (.claim, 2), (.teleport, 3), (.claim, 3), (.claim, 1)]))
        let isDue = early >= 0
        let claimed: ResultCode = isDue ? .ok : .noStock
        #expect(
          stand.sent.last?.outcomes.map(\.result) == [.ok, claimed, .ok, .noStock, .noStock],
          "tick T\(early), event time T\(timeOffset)")
        let treasure = stand.partition.state.treasure(0)
        #expect(treasure.lastWinner == (isDue ? 2 : 1))
        #expect(treasure.generation == (isDue ? 1 : 0))
        #expect(treasure.due == (isDue ? tick + 1_000 : start + 1_000))

        let replayed = try stand.replayed()
        #expect(replayed.partition.state.treasure(0).lastWinner == treasure.lastWinner)
        #expect(replayed.partition.state.nextTimer == stand.partition.state.nextTimer)
        let digests = (replayed.partition.state.digest(), stand.partition.state.digest())
        #expect(digests.0 == digests.1)
      }
    }
  }
}

/// Timers fire once each, in the order in which they are due, however far a tick leaps, and a despawned
/// treasure's never.
@Test func timersFireOnceInOrder() throws {
  var definition = HuntDefinition(name: "timers")
  definition.limits.players = 8
  definition.limits.treasures = 8
  definition.limits.claims = 64
  definition.limits.producers = 4
  definition.limits.gaps = 8
  definition.limits.idempotencyKeys = 8
  definition.limits.names = 2
  definition.rules.claimsPerPlayer = 1
  for id in 1...6 as ClosedRange<UInt32> {
    var spec = TreasureSpec(id: id, x: 1, y: 0)
    spec.respawnMs = [500, 300, 900, 300, 100, 700][Int(id) - 1]
    definition.treasures.append(spec)
  }
  let stand = Stand(definition, blockMap(["..."]))
  let start = BatchMaker.base
  var sequence: UInt64 = 0
  func step(_ tick: Int64, _ events: [Event]) -> [ResultCode] {
    var header = Batch(.submit)
    header.producer = 1
    header.ack = .applied
    header.count = UInt32(events.count)
    let numbered = events.map { event in
      sequence += 1
      var event = event
      event.sequence = sequence
      return event
    }
    stand.step(TestBatch(header: header, events: numbered, tick: tick))
    return stand.sent.last?.outcomes.compactMap(\.result) ?? []
  }
  let claims = (1...6).map { Event(kind: .claim, player: 1, treasure: UInt32($0)) }
  let all = [ResultCode](repeating: .ok, count: 6)
  #expect(step(start, [Event(kind: .join, player: 1)] + claims) == [.ok] + all)
  #expect(step(start + 1, [Event(kind: .despawn, treasure: 2)]) == [.ok])
  #expect(stand.partition.state.counts.treasuresOpen == 0)
  for (tick, open) in [(99, 0), (100, 1), (300, 2), (499, 2), (500, 3)] {
    _ = step(start + Int64(tick), [])
    #expect(stand.partition.state.counts.treasuresOpen == UInt64(open), "after \(tick) ms")
  }
  // Respawned treasures may be claimed again, by the same player: the cap counts between respawns.
  let again = step(start + 500, claims)
  #expect(again == [.ok, .unknownTreasure, .noStock, .ok, .ok, .noStock])
  _ = step(start + 1_000_000, [])
  #expect(stand.partition.state.counts.treasuresOpen == 5)
  #expect(stand.partition.state.nextTimer == nil)
  let replayed = try stand.replayed()
  let digests = (replayed.partition.state.digest(), stand.partition.state.digest())
  #expect(digests.0 == digests.1)
}
