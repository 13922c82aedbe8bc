import Events
import Hunt
import Scoring

extension Model.Expected {
  /// What an outcome says, as the model would say it.
  init?(_ outcome: Outcome) {
    guard let result = outcome.result, let disposition = outcome.disposition else { return nil }
    self.result = result
    self.disposition = disposition
    total = outcome.total
    points = Int64(outcome.points)
    rank = Int(outcome.rank)
    treasure = outcome.treasure
    distance = outcome.distance == Outcome.noDistance ? nil : Int(outcome.distance)
    direction = outcome.direction
    stockLeft = Int(outcome.stockLeft)
    isWarmer = outcome.flags.contains(.warmer)
    isColder = outcome.flags.contains(.colder)
  }
}

extension Model {
  /// What differs between the model and a state: counts, players, treasures and their stock,
  /// boards; nil when nothing does. Not compared: sequences, keys, names, the treasure field.
  func difference(from state: borrowing HuntState, _ canary: SimulationCanary?) -> String? {
    let counts = state.counts
    let open = treasures.values.count { $0.phase == .open }
    let present = players.values.count { $0.isPresent }
    guard counts.events == UInt64(events), counts.players == UInt64(players.count),
      counts.playersPresent == UInt64(present), counts.treasuresOpen == UInt64(open),
      counts.treasures == UInt64(treasures.count), counts.phaseRaw == phase.rawValue
    else {
      return "counts \(counts), by the model \(events) events, \(players.count) players, "
        + "\(present) present, \(treasures.count) treasures, \(open) open, \(phase)"
    }
    for (key, player) in players {
      guard let row = state.row(of: key), row == player.row else {
        return "player \(key) has row \(String(describing: state.row(of: key)))"
      }
      let held = state.player(row)
      guard held.key == key, held.isPresent == player.isPresent,
        held.isPlaced == (player.place != nil), held.total == player.total,
        held.claims == UInt32(player.claims), held.moves == UInt64(player.moves),
        held.lastMove == player.lastMove
      else { return "player \(held), by the model \(player)" }
      if let place = player.place, (held.x, held.y, held.z) != place {
        return "player \(held), by the model \(player)"
      }
    }
    return treasureDifference(state, canary) ?? boardDifference(state, canary)
  }

  /// `stock = free + claimed`, as many claimed as were granted, never more than there was.
  private func treasureDifference(
    _ state: borrowing HuntState, _ canary: SimulationCanary?
  ) -> String? {
    for (id, treasure) in treasures {
      guard let row = state.row(ofTreasure: id), row == treasure.row else {
        return "treasure \(id) has row \(String(describing: state.row(ofTreasure: id)))"
      }
      let held = state.treasure(row)
      var winners = grants[[Int(id), treasure.generation]] ?? 0
      if canary == .extraWinner && winners > 0 { winners += 1 }
      guard held.free + held.claimed == held.stock, winners == Int(held.claimed),
        winners <= Int(held.stock)
      else { return "treasure \(id) has \(winners) winners: \(held)" }
      guard held.id == id, held.phase == treasure.phase, held.free == UInt32(treasure.free),
        held.stock == UInt32(treasure.stock), held.generation == UInt32(treasure.generation),
        held.due == treasure.due, (held.x, held.y, held.z) == (treasure.x, treasure.y, treasure.z)
      else { return "treasure \(held), by the model \(treasure)" }
    }
    return nil
  }

  private func boardDifference(
    _ state: borrowing HuntState, _ canary: SimulationCanary?
  ) -> String? {
    for board in 0..<state.boards.count {
      var order: [UInt64] = []
      state.boards[board].top(limit: 1_000, state.space) { row in
        order.append(state.player(Int(row.member)).key)
      }
      if canary == .rankOffByOne && order.count > 2 { order.swapAt(0, 1) }
      if order != standings(board) {
        return "board \(board): \(order), by the model \(standings(board))"
      }
    }
    return nil
  }
}
