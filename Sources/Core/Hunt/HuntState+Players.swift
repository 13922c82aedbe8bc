import Bounded
import Events
import Pages
import World

extension HuntState {
  /// The row of a player by number; nil when unknown.
  public func row(of player: UInt64) -> Int? {
    player == 0 ? nil : playerIndex.find(player, space).map { Int($0) }
  }

  /// The player in a row of `0..<counts.players`.
  public func player(_ row: Int) -> PlayerRow { players.load(row, space) }

  /// The row of the event's player, who has joined and not left; joins the player where the rules
  /// let events do that. Sets `result` when there is none.
  mutating func presentPlayer(_ event: Event, _ result: inout ResultCode) -> Int? {
    if let row = row(of: event.player) {
      let isPresent = players.update(row, &space) { player in
        if event.time > player.lastSeen { player.lastSeen = event.time }
        return player.isPresent
      }
      if isPresent { return row }
      guard rules.joinImplicitly else {
        result = .unknownPlayer
        return nil
      }
      players.update(row, &space) { $0.isPresent = true }
      counts { $0.playersPresent += 1 }
      return row
    }
    guard rules.joinImplicitly else {
      result = .unknownPlayer
      return nil
    }
    return addPlayer(event, &result)
  }

  private mutating func addPlayer(_ event: Event, _ result: inout ResultCode) -> Int? {
    let row = Int(counts.players)
    guard row < limits.players, playerIndex.set(event.player, UInt64(row), &space) else {
      result = .limitReached
      return nil
    }
    var player = PlayerRow()
    player.key = event.player
    player.isPresent = true
    player.lastSeen = event.time
    players.store(player, row, &space)
    counts {
      $0.players += 1
      $0.playersPresent += 1
    }
    return row
  }

  /// A join places the player when its block is one of the world's and open; (0, 0) on a blocked
  /// block joins without a place.
  mutating func join(
    _ event: Event, _ offset: UInt64, _ outcome: inout Outcome, _ effects: inout EffectBuffer
  ) -> ResultCode {
    if let row = row(of: event.player), players.load(row, space).isPresent {
      return .alreadyJoined
    }
    let node = world.map.node(x: Int(event.x), y: Int(event.y))
    let isOpen = node.map { world.isOpen($0, space) } ?? false
    if !isOpen && (event.x != 0 || event.y != 0) { return node == nil ? .outsideWorld : .blocked }
    var result = ResultCode.ok
    let found: Int?
    if let row = row(of: event.player) {
      players.update(row, &space) { $0.isPresent = true }
      counts { $0.playersPresent += 1 }
      found = row
    } else {
      found = addPlayer(event, &result)
    }
    guard let row = found else { return result }
    if isOpen { put(row, event) }
    finishPlace(event, row, &outcome)
    effects.append(effect(.join, event, row, offset, outcome))
    return .ok
  }

  mutating func leave(
    _ event: Event, _ offset: UInt64, _ outcome: inout Outcome, _ effects: inout EffectBuffer
  ) -> ResultCode {
    guard let row = row(of: event.player), players.load(row, space).isPresent else {
      return .unknownPlayer
    }
    players.update(row, &space) { player in
      player.isPresent = false
      player.isPlaced = false
      player.lastDistance = .max
    }
    counts { $0.playersPresent -= 1 }
    outcome.total = players.load(row, space).total
    effects.append(effect(.leave, event, row, offset, outcome))
    return .ok
  }

  mutating func teleport(
    _ event: Event, _ offset: UInt64, _ outcome: inout Outcome, _ effects: inout EffectBuffer
  ) -> ResultCode {
    guard event.flags.contains(.operate) else { return .notPermitted }
    guard let node = world.map.node(x: Int(event.x), y: Int(event.y)) else { return .outsideWorld }
    guard world.isOpen(node, space) else { return .blocked }
    var result = ResultCode.ok
    guard let row = presentPlayer(event, &result) else { return result }
    put(row, event)
    finishPlace(event, row, &outcome)
    effects.append(effect(.teleport, event, row, offset, outcome))
    return .ok
  }

  mutating func move(
    _ event: Event, _ offset: UInt64, _ outcome: inout Outcome, _ effects: inout EffectBuffer
  ) -> ResultCode {
    guard let node = world.map.node(x: Int(event.x), y: Int(event.y)) else { return .outsideWorld }
    guard world.isOpen(node, space) else { return .blocked }
    var result = ResultCode.ok
    guard let row = presentPlayer(event, &result) else { return result }
    let player = players.load(row, space)
    outcome.total = player.total
    if player.isPlaced {
      result = judgeStep(event, player, to: node)
      guard result == .ok else { return result }
    }
    put(row, event)
    finishPlace(event, row, &outcome)
    if UInt32(row) < effects.movesBelow {
      effects.append(effect(.move, event, row, offset, outcome))
    }
    return .ok
  }

  /// Whether a player can have walked to `node` since the last move: not too far for the time, and
  /// along open edges. A slow edge takes the blocks that it is worth.
  private mutating func judgeStep(
    _ event: Event, _ player: PlayerRow, to node: UInt32
  ) -> ResultCode {
    let steps = max(abs(Int(event.x) - Int(player.x)), abs(Int(event.y) - Int(player.y)))
    if steps == 0 { return .ok }
    var costMax = UInt64(distanceMax)
    if rules.speedMax > 0 {
      // A clock that runs backwards gives no time; a week is as good as a year.
      let elapsed = max(0, min(event.time - player.lastMove, 604_800_000))
      let earned = Int(rules.stepsFree) + Int(elapsed * Int64(rules.speedMax) / 1_000_000)
      if steps > min(Int(rules.stepsMax), earned) { return .tooFast }
      // The walk may be half as long again as the blocks earned, so that corners can be turned.
      let allowed = UInt64(earned * 3 / 2 + 1) * UInt64(world.map.neighbourhood.straightCost)
      costMax = min(costMax, allowed)
    }
    guard rules.walls else { return .ok }
    guard let from = world.map.node(x: Int(player.x), y: Int(player.y)) else { return .ok }
    let reach = finder.reachableWithin(
      from: from, to: node, costMax: UInt32(costMax), nodeBudget: Self.stepBudget, world, space)
    switch reach {
    case .within: return .ok
    case .beyond, .budgetSpent: return .throughWall
    }
  }

  private mutating func put(_ row: Int, _ event: Event) {
    players.update(row, &space) { player in
      player.x = event.x
      player.y = event.y
      player.z = event.z
      player.isPlaced = true
      player.lastMove = max(player.lastMove, event.time)
      player.moves += 1
    }
  }

  /// Fills in total, rank and hint after a change of place.
  private mutating func finishPlace(_ event: Event, _ row: Int, _ outcome: inout Outcome) {
    let player = players.load(row, space)
    outcome.total = player.total
    if event.flags.contains(.wantRank) { addRank(row, &outcome) }
    guard player.isPlaced, let node = world.map.node(x: Int(player.x), y: Int(player.y)) else {
      return
    }
    if event.flags.contains(.wantHint) {
      let hint = field.hint(node, space)
      if let hint {
        outcome.distance = hint.distance
        outcome.treasure = hint.treasure
        outcome.direction = hint.direction
        if player.lastDistance != .max {
          if hint.distance < player.lastDistance { outcome.flags.insert(.warmer) }
          if hint.distance > player.lastDistance { outcome.flags.insert(.colder) }
        }
      }
      players.update(row, &space) { $0.lastDistance = hint?.distance ?? .max }
    }
  }
}
