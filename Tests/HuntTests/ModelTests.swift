import Events
import Hunt
import Scoring
import Testing
import Testkit
import World

@testable import Simulation

// Random hunts judged twice: by the engine's state and by `Model`, outcome by outcome. What it does not
// verify: sequence numbers and keys (AdmissionTests), journal and answers (PartitionsTests), maps so
// large that the search of a step spends its budget.

/// Whether state and model agree on every player, treasure, count and standing; prints what differs.
private func agree(_ held: borrowing Held, _ model: Model) -> Bool {
  func fail(_ text: String) -> Bool {
    print("state and model differ: \(text)")
    return false
  }
  let counts = held.state.counts
  let open = model.treasures.values.filter { $0.phase == .open }.count
  let present = model.players.values.filter(\.isPresent).count
  guard counts.events == UInt64(model.events), counts.players == UInt64(model.players.count),
    counts.playersPresent == UInt64(present), counts.treasuresOpen == UInt64(open),
    counts.treasures == UInt64(model.treasures.count),
    HuntPhase(rawValue: counts.phaseRaw) == model.phase,
    counts.claims == model.players.values.reduce(0, { $0 + UInt64($1.claims) })
  else { return fail("\(counts)") }
  for (key, player) in model.players {
    guard let row = held.state.row(of: key), row == player.row else { return fail("row of \(key)") }
    let held = held.state.player(row)
    guard held.key == key, held.isPresent == player.isPresent,
      held.isPlaced == (player.place != nil), held.total == player.total,
      held.claims == UInt32(player.claims), held.moves == UInt64(player.moves),
      held.lastMove == player.lastMove
    else { return fail("\(held) \(player)") }
    if let place = player.place, (held.x, held.y, held.z) != place { return fail("\(held)") }
  }
  for (id, treasure) in model.treasures {
    guard let row = held.state.row(ofTreasure: id), row == treasure.row else {
      return fail("row of treasure \(id)")
    }
    let held = held.state.treasure(row)
    guard held.id == id, held.phase == treasure.phase, held.free == UInt32(treasure.free),
      held.claimed == UInt32(treasure.stock - treasure.free), held.stock == UInt32(treasure.stock),
      held.generation == UInt32(treasure.generation), held.due == treasure.due,
      (held.x, held.y, held.z) == (treasure.x, treasure.y, treasure.z)
    else { return fail("\(held) \(treasure)") }
  }
  for board in 0..<held.state.boards.count {
    var order: [UInt64] = []
    held.state.boards[board].top(limit: 1_000, held.state.space) { row in
      order.append(held.state.player(Int(row.member)).key)
    }
    guard order == model.standings(board) else {
      return fail("board \(board): \(order), \(model.standings(board))")
    }
  }
  return true
}

/// Every outcome of any events on any small hunt is what the model says: result, points, total, rank,
/// hint, stock. Stock is never lost or made, no treasure is granted more often than it has stock, and
/// every result that rules can give is reached.
@Test func outcomesEqualTheModel() {
  var reached: Set<ResultCode> = []
  #expect(
    forAll(cases: 600) { random in
      let hunt = RandomHunt(&random)
      var held = Held(hunt.definition, hunt.map)
      var model = Model(hunt.definition, ModelWorld(hunt.rows, eight: hunt.eight))
      var clock = huntStart
      for step in 1...200 {
        if random.chance(30) {
          clock += Int64(random.below(1_200)) - 100
          _ = held.apply(Event(kind: .tick, time: clock))
          model.tick(clock)
          clock = max(clock, model.now)
        }
        if random.chance(2) {
          model.phase = [.live, .live, .paused, .draft, .ended][random.below(5)]
          _ = held.apply(Event(kind: .control, value: model.phase.rawValue))
        }
        let event = hunt.event(&random, now: clock, sequence: UInt64(step))
        let expected = model.judge(event)
        let outcome = held.apply(event)
        reached.insert(expected.result)
        guard Model.Expected(outcome) == expected, outcome.player == event.player,
          outcome.sequence == event.sequence, outcome.offset == held.offset - 1
        else {
          print("step \(step): \(event)\nexpected \(expected)\ngot \(outcome)")
          return false
        }
        for row in 0..<Int(held.state.counts.treasures) {
          let treasure = held.state.treasure(row)
          guard treasure.free + treasure.claimed == treasure.stock else { return false }
        }
        if step % 40 == 0, !agree(held, model) { return false }
      }
      for (key, count) in model.grants {
        guard let treasure = model.treasures[UInt32(key[0])] else { return false }
        if key[1] == treasure.generation && count != treasure.stock - treasure.free { return false }
      }
      return true
    })
  let possible: Set<ResultCode> = [
    .ok, .late, .notLive, .unknownPlayer, .unknownTreasure, .tooFar, .noStock, .alreadyClaimed,
    .tooFast, .throughWall, .blocked, .outsideWorld, .notPermitted, .treasureExists, .limitReached,
    .alreadyJoined, .notPlaced, .timeAhead, .nothingChanged, .outOfRange,
  ]
  #expect(reached == possible, "the generator no longer reaches every result")
}
