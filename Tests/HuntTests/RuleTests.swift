import Bounded
import Events
import Hunt
import Testing
import Testkit
import World

// One example a rule, and each bug of the rules that was once found, with its story.

private func hunt(_ rows: [String], _ change: (inout HuntDefinition) -> Void = { _ in }) -> Held {
  var definition = HuntDefinition(name: "rules")
  definition.limits.players = 16
  definition.limits.treasures = 16
  definition.limits.claims = 64
  definition.limits.producers = 4
  definition.limits.gaps = 8
  definition.limits.idempotencyKeys = 8
  definition.limits.names = 4
  change(&definition)
  return Held(definition, blockMap(rows, eight: true))
}

/// Numbers its events, so that the rules alone decide.
private struct Sender {
  var sequence: UInt64 = 0

  mutating func send(
    _ kind: EventKind, _ held: inout Held, player: UInt64 = 1, time: Int64 = 0, x: Int32 = 0,
    y: Int32 = 0, treasure: UInt32 = 0, value: Int64 = 0
  ) -> Outcome {
    sequence += 1
    return held.apply(
      Event(
        kind: kind, flags: .operate, producer: 1, sequence: sequence, player: player, time: time,
        x: x, y: y, treasure: treasure, value: value))
  }
}

/// A slow edge is open: it takes the time that it is worth, and then it is walked. A walk of 49 blocks'
/// worth was the longest that the rules granted, so that an edge fifty times as slow as usual was a
/// wall for ever, while hints led players over it.
@Test func slowEdgesAreWalkedSlowly() {
  var held = hunt(["..", "@@"]) { $0.rules.speedMax = 1_000 }  // one block a second
  var sender = Sender()
  let slow = EdgeOrder.step(direction: 0, multiplier: 100).value
  #expect(sender.send(.edge, &held, value: slow).result == .ok)
  #expect(sender.send(.join, &held).result == .ok)
  // 100 blocks' worth; a walk may be half as long again as the time earned, and two blocks are free.
  #expect(sender.send(.move, &held, time: 63_000, x: 1).result == .throughWall)
  #expect(sender.send(.move, &held, time: 64_000, x: 1).result == .ok)
}

/// Any speed is any distance, with walls as without: a move longer than `stepsMax` was `tooFast` where
/// walls stand, though the reference says that it is not checked.
@Test func anySpeedIsAnyDistance() {
  for walls in [true, false] {
    var held = hunt([String(repeating: ".", count: 200), String(repeating: ".", count: 200)]) {
      $0.rules.speedMax = 0
      $0.rules.walls = walls
    }
    var sender = Sender()
    #expect(sender.send(.join, &held).result == .ok)
    #expect(sender.send(.move, &held, x: 199).result == .ok)
    // But not through a wall.
    for y in 0...1 as ClosedRange<Int32> {
      let close = EdgeOrder.place().value
      #expect(sender.send(.edge, &held, x: 100, y: y, value: close).result == .ok)
    }
    #expect(sender.send(.move, &held).result == (walls ? .throughWall : .ok))
  }
}

/// Where events let players join, a claim does too, as it says, and is then refused for the place that
/// is missing. It was refused as an unknown player's, who was told to join where none need to.
@Test func aClaimJoinsImplicitly() {
  for isImplicit in [true, false] {
    var held = hunt(["..."]) {
      $0.treasures = [TreasureSpec(id: 7, x: 0, y: 0)]
      $0.rules.joinImplicitly = isImplicit
    }
    var sender = Sender()
    let outcome = sender.send(.claim, &held, time: 5, treasure: 7)
    #expect(outcome.result == (isImplicit ? .notPlaced : .unknownPlayer))
    #expect(outcome.stockLeft == (isImplicit ? 1 : 0))
    #expect(held.state.counts.playersPresent == (isImplicit ? 1 : 0))
  }
}

/// A block that nothing leads to opens and closes like any other. It changed no edge, so the answer was
/// `nothing_changed`, while from then on players could stand there, or no longer.
@Test func aLonelyBlockOpensAndCloses() {
  var held = hunt(["..@.", "..@@"])
  var sender = Sender()
  let open = EdgeOrder.break().value
  let close = EdgeOrder.place().value
  #expect(sender.send(.edge, &held, x: 3, value: close).result == .ok)
  #expect(sender.send(.edge, &held, x: 3, value: close).result == .nothingChanged)
  #expect(sender.send(.join, &held, x: 3).result == .blocked)
  #expect(sender.send(.edge, &held, x: 3, value: open).result == .ok)
  #expect(sender.send(.edge, &held, x: 3, value: open).result == .nothingChanged)
  #expect(sender.send(.join, &held, x: 3).result == .ok)
}

/// Whoever removes an edge is told so, also when it was closed before: the answer was
/// `nothing_changed`, though the edge was gone and its id free.
@Test func removingAClosedEdgeIsNoNothing() {
  var held = hunt(["..", ".."])
  var sender = Sender()
  let added = sender.send(.edge, &held, treasure: 3, value: EdgeOrder.add(cost: 5).value)
  #expect(added.result == .ok)
  let close = EdgeOrder.edge(cost: 0).value
  #expect(sender.send(.edge, &held, treasure: added.treasure, value: close).result == .ok)
  let remove = EdgeOrder.remove.value
  #expect(sender.send(.edge, &held, treasure: added.treasure, value: remove).result == .ok)
  #expect(sender.send(.edge, &held, treasure: added.treasure, value: remove).result == .blocked)
}
