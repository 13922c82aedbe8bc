import Bounded
import Events
public import Pages
import World

extension HuntState {
  /// The row of a player by number; nil when unknown.
  @inlinable @inline(__always)
  public func row(of player: UInt64) -> Int? {
    player == 0 ? nil : playerIndex.find(player, space).map { Int($0) }
  }

  /// The player in a row of `0..<counts.players`.
  @inlinable @inline(__always)
  public func player(_ row: Int) -> PlayerRow { players.load(row, space) }

  /// The event's player, who has joined and not left; joins the player where the rules let events
  /// do that. Sets `result` when there is none.
  ///
  /// The player has seen the event, which is not stored yet: the caller stores the row whatever
  /// comes of the event.
  @inline(__always)
  mutating func presentPlayer(
    _ event: Event, _ result: inout ResultCode
  ) -> (row: Int, player: PlayerRow)? {
    guard case (let row, var player)? = find(event.player) else {
      guard rules.joinImplicitly else {
        result = .unknownPlayer
        return nil
      }
      return addPlayer(event, &result).map { ($0, players.load($0, space)) }
    }
    if event.time > player.lastSeen { player.lastSeen = event.time }
    if !player.isPresent {
      guard rules.joinImplicitly else {
        players.store(player, row, &space)
        result = .unknownPlayer
        return nil
      }
      player.isPresent = true
      counts { $0.playersPresent += 1 }
    }
    return (row, player)
  }

  /// A player by number, with the row; nil when unknown.
  @inline(__always)
  private mutating func find(_ key: UInt64) -> (row: Int, player: PlayerRow)? {
    if key == 0 { return nil }
    let guess = Int(lastRows.load(Int(key & 63) &* 4, as: UInt32.self))
    let player = players.load(guess, space)
    if player.key == key { return (guess, player) }
    guard let row = foundRow(key) else { return nil }
    return (row, players.load(row, space))
  }

  @inline(never)
  private mutating func foundRow(_ key: UInt64) -> Int? {
    playerIndex.find(key, space).map { Int($0) }
  }

  @inline(never)
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
    let node = world.node(event.x, event.y, event.z)
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
    var player = players.load(row, space)
    if isOpen { Self.put(&player, event) }
    finishPlace(event, row, &player, &outcome)
    players.store(player, row, &space)
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
    guard let node = world.node(event.x, event.y, event.z) else { return .outsideWorld }
    guard world.isOpen(node, space) else { return .blocked }
    var result = ResultCode.ok
    guard case (let row, var player)? = presentPlayer(event, &result) else { return result }
    Self.put(&player, event)
    finishPlace(event, row, &player, &outcome)
    players.store(player, row, &space)
    effects.append(effect(.teleport, event, row, offset, outcome))
    return .ok
  }

  mutating func move(
    _ event: Event, _ offset: UInt64, _ outcome: inout Outcome, _ effects: inout EffectBuffer
  ) -> ResultCode {
    guard let node = world.node(event.x, event.y, event.z) else { return .outsideWorld }
    guard world.isOpen(node, space) else { return .blocked }
    var result = ResultCode.ok
    guard case (let row, var player)? = presentPlayer(event, &result) else { return result }
    outcome.total = player.total
    if player.isPlaced { result = judgeStep(Walk(event, from: player), to: node) }
    if result == .ok {
      Self.put(&player, event)
      finishPlace(event, row, &player, &outcome)
    }
    players.store(player, row, &space)
    if result == .ok && UInt32(row) < effects.movesBelow {
      effects.append(effect(.move, event, row, offset, outcome))
    }
    return result
  }

  /// A step as the rules judge it; scalars alone, where an event and a row are copied to be passed.
  private struct Walk {
    let dx: Int
    let dy: Int
    let dz: Int
    let x: Int32
    let y: Int32
    let z: Int32
    /// Since the last move, ms; a clock that runs backwards gives no time, and a week is as good as
    /// a year.
    let elapsed: Int64

    @inline(__always) init(_ event: Event, from player: PlayerRow) {
      (x, y, z) = (player.x, player.y, player.z)
      dx = Int(event.x) &- Int(x)
      dy = Int(event.y) &- Int(y)
      dz = Int(event.z) &- Int(z)
      elapsed = max(0, min(event.time - player.lastMove, 604_800_000))
    }
  }

  /// Whether a player can have walked to `node` since the last move: not too far for the time, and
  /// along open edges. A slow edge takes the blocks that it is worth.
  @inline(__always)
  private mutating func judgeStep(_ walk: Walk, to node: UInt32) -> ResultCode {
    if world.topology.form == .network { return judgeWay(walk, to: node) }
    var steps = max(abs(walk.dx), abs(walk.dy))
    if world.topology.form == .voxels { steps = max(steps, abs(walk.dz)) }
    if steps == 0 { return .ok }
    var costMax = UInt64(distanceMax)
    if rules.speedMax > 0 {
      let earned = Int(rules.stepsFree) + Int(walk.elapsed * Int64(rules.speedMax) / 1_000_000)
      if steps > min(Int(rules.stepsMax), earned) { return .tooFast }
      // The walk may be half as long again as the blocks earned, so that corners can be turned.
      let allowed = UInt64(earned * 3 / 2 + 1) * UInt64(world.topology.unit)
      costMax = min(costMax, allowed)
    }
    guard rules.walls else { return .ok }
    if steps == 1 {
      // Only an edge that is closed or too dear needs a search for a way around it.
      if let step = world.step(onto: node, dx: walk.dx, dy: walk.dy, space) {
        if UInt64(step.cost) <= costMax { return .ok }
        if step.isLeast { return .throughWall }
      }
    }
    return isWalk(walk, to: node, UInt32(costMax)) ? .ok : .throughWall
  }

  /// Whether a way leads to `node` that costs no more than `costMax`.
  @inline(never)
  private mutating func isWalk(_ walk: Walk, to node: UInt32, _ costMax: UInt32) -> Bool {
    guard let from = world.node(walk.x, walk.y, walk.z) else { return true }
    let reach = finder.reachableWithin(
      from: from, to: node, costMax: costMax, nodeBudget: Self.stepBudget, world, space)
    if case .within = reach { return true }
    return false
  }

  /// As `judgeStep`, in a network: what counts is the cost of the cheapest way, and that there is
  /// one.
  @inline(never)
  private mutating func judgeWay(_ walk: Walk, to node: UInt32) -> ResultCode {
    if world.node(walk.x, walk.y, walk.z) ?? node == node { return .ok }
    let isTimed = rules.speedMax > 0
    guard isTimed || rules.walls else { return .ok }
    var costMax = distanceMax
    if isTimed {
      let earned = Int64(rules.stepsFree) * 1_000_000 + walk.elapsed * Int64(rules.speedMax)
      let unit = Int64(world.topology.unit)
      if earned / 1_000_000 < Int64(distanceMax) / unit {
        costMax = UInt32(earned * unit / 1_000_000)
      }
    }
    if isWalk(walk, to: node, costMax) { return .ok }
    return isTimed ? .tooFast : .throughWall
  }

  private static func put(_ player: inout PlayerRow, _ event: Event) {
    player.x = event.x
    player.y = event.y
    player.z = event.z
    player.isPlaced = true
    player.lastMove = max(player.lastMove, event.time)
    player.moves += 1
  }

  /// Whether what the field says at `node` is exact now, and no repair is on its way there.
  public mutating func isHintCertain(_ node: UInt32) -> Bool {
    guard field.isCertain(node, space) else { return false }
    let treasure = field.treasure(node, space)
    return treasure == 0 || row(ofTreasure: treasure).map { self.treasure($0).phase } == .open
  }

  /// Fills in total, rank and hint after a change of place; the caller stores `player`.
  private mutating func finishPlace(
    _ event: Event, _ row: Int, _ player: inout PlayerRow, _ outcome: inout Outcome
  ) {
    outcome.total = player.total
    if event.flags.contains(.wantRank) { addRank(row, &outcome) }
    guard player.isPlaced, event.flags.contains(.wantHint),
      let node = world.node(player.x, player.y, player.z)
    else { return }
    if field.isSettling(space), !isHintCertain(node) {
      // The next hint is compared with the last that was one.
      outcome.flags.insert(.settling)
      return
    }
    let isOwn = player.claims > 0 && isNearestSpent(row, at: node)
    if isReplaying {
      // Nobody is answered; `unreachable` is what no hint leaves.
      player.lastDistance =
        isOwn
        ? ownNearest(row, at: node)?.cost ?? unreachable : field.distance(node, space)
      return
    }
    let told = isOwn ? hint(for: row, at: node)?.hint : field.hint(node, space)
    guard let hint = told else {
      player.lastDistance = .max
      return
    }
    outcome.distance = hint.distance
    outcome.treasure = hint.treasure
    outcome.direction = hint.direction
    if player.lastDistance != .max {
      if hint.distance < player.lastDistance { outcome.flags.insert(.warmer) }
      if hint.distance > player.lastDistance { outcome.flags.insert(.colder) }
    }
    player.lastDistance = hint.distance
  }
}
