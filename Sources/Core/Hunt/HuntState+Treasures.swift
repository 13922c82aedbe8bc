import Bounded
import Events
public import Pages
import World

extension HuntState {
  /// The row of a treasure by id; nil when there never was one.
  @inlinable @inline(__always)
  public func row(ofTreasure id: UInt32) -> Int? {
    id == 0 ? nil : treasureIndex.find(UInt64(id), space).map { Int($0) }
  }

  /// The treasure in a row of `0..<counts.treasures`.
  @inlinable @inline(__always)
  public func treasure(_ row: Int) -> TreasureRow { treasures.load(row, space) }

  // MARK: Claims

  mutating func claim(
    _ event: Event, _ offset: UInt64, _ outcome: inout Outcome, _ effects: inout EffectBuffer
  ) -> ResultCode {
    var result = ResultCode.ok
    guard case (let row, var player)? = presentPlayer(event, &result) else { return result }
    outcome.total = player.total
    guard let at = self.row(ofTreasure: event.treasure) else {
      players.store(player, row, &space)
      return .unknownTreasure
    }
    var treasure = treasures.load(at, space)
    result = judgeClaim(row, player, at, treasure, &outcome)
    if result == .ok {
      treasure.free -= 1
      treasure.claimed += 1
      treasure.lastWinner = player.key
      precondition(treasure.free + treasure.claimed == treasure.stock, "stock of \(treasure.id)")
      treasures.store(treasure, at, &space)
      player.claims += 1
      counts { $0.claims += 1 }
      award(row, &player, Int64(treasure.points), event.time, &outcome)
    }
    players.store(player, row, &space)
    guard result == .ok else { return result }
    outcome.stockLeft = treasure.free
    if event.flags.contains(.wantRank) { addRank(row, &outcome) }
    if effects.isWanted {
      var seen = effect(.claim, event, row, offset, outcome)
      seen.stock = treasure.stock
      seen.x = treasure.x
      seen.y = treasure.y
      effects.append(seen)
    }
    if treasure.free == 0 { exhaust(at, offset, &effects) }
    return .ok
  }

  /// Whether a claim is granted; the first rule that it breaks otherwise.
  private mutating func judgeClaim(
    _ row: Int, _ player: PlayerRow, _ at: Int, _ treasure: TreasureRow, _ outcome: inout Outcome
  ) -> ResultCode {
    if treasure.phase == .removed { return .unknownTreasure }
    outcome.stockLeft = treasure.free
    guard player.isPlaced else { return .notPlaced }
    guard isInReach(player, treasure) else { return .tooFar }
    guard treasure.free > 0, treasure.phase == .open else { return .noStock }
    var result = ResultCode.ok
    _ = countClaim(row, at, treasure.generation, &result)
    return result
  }

  /// Whether a player is near enough to claim a treasure: in blocks, or in a network by what the
  /// way costs.
  private mutating func isInReach(_ player: PlayerRow, _ treasure: TreasureRow) -> Bool {
    let reach = Int(treasure.reach)
    let dx = abs(Int(player.x) - Int(treasure.x))
    let dy = abs(Int(player.y) - Int(treasure.y))
    switch world.topology.form {
    case .grid:
      return max(dx, dy) <= reach && (player.z == treasure.z || treasure.z == 0)
    case .voxels:
      return max(dx, dy, abs(Int(player.z) - Int(treasure.z))) <= reach
    case .network:
      guard let from = world.node(player.x, player.y, player.z) else { return false }
      let costMax = UInt64(reach) * UInt64(world.topology.unit)
      let way = finder.reachableWithin(
        from: from, to: treasure.node, costMax: UInt32(min(costMax, UInt64(distanceMax))),
        nodeBudget: Self.stepBudget, world, space)
      if case .within = way { return true }
      return false
    }
  }

  /// Counts a claim of a player against the rule's cap; false when the cap or the table is reached.
  private mutating func countClaim(
    _ player: Int, _ treasure: Int, _ generation: UInt32, _ result: inout ResultCode
  ) -> Bool {
    if rules.claimsPerPlayer == 0 { return true }
    let key = UInt64(player + 1) << 32 | UInt64(treasure)
    let held = claims.find(key, space) ?? 0
    let count = UInt32(truncatingIfNeeded: held >> 32) == generation ? held & 0xffff_ffff : 0
    if count >= UInt64(rules.claimsPerPlayer) {
      result = .alreadyClaimed
      return false
    }
    if !claims.set(key, UInt64(generation) << 32 | (count + 1), &space) {
      result = .limitReached
      return false
    }
    return true
  }

  // MARK: Life of a treasure

  /// Places a treasure of the hunt file, before the first event; the field is spread afterwards.
  mutating func place(_ spec: TreasureSpec, _ scratch: inout FieldScratch) {
    guard let node = world.node(spec.x, spec.y, spec.z) else { return }
    var treasure = TreasureRow()
    treasure.id = spec.id
    treasure.x = spec.x
    treasure.y = spec.y
    treasure.z = spec.z
    treasure.node = node
    treasure.points = spec.points
    treasure.stock = spec.stock
    treasure.free = spec.stock
    treasure.respawnMs = spec.respawnMs
    treasure.reach = UInt16(spec.reach)
    guard let row = addTreasureRow(spec.id) else { return }
    treasures.store(treasure, row, &space)
    list(treasure)
    field.place(treasure.id, at: node, &space, &scratch)
  }

  private mutating func addTreasureRow(_ id: UInt32) -> Int? {
    let row = Int(counts.treasures)
    guard row < limits.treasures, treasureIndex.set(UInt64(id), UInt64(row), &space) else {
      return nil
    }
    counts { $0.treasures += 1 }
    return row
  }

  mutating func spawn(
    _ event: Event, _ offset: UInt64, _ outcome: inout Outcome, _ effects: inout EffectBuffer
  ) -> ResultCode {
    guard let node = world.node(event.x, event.y, event.z) else { return .outsideWorld }
    guard world.isOpen(node, space) else { return .blocked }
    let row: Int
    var treasure = TreasureRow()
    if let old = self.row(ofTreasure: event.treasure) {
      treasure = treasures.load(old, space)
      guard treasure.phase == .removed else { return .treasureExists }
      // Claims of its earlier life no longer count against the cap.
      treasure.generation += 1
      row = old
    } else {
      guard let added = addTreasureRow(event.treasure) else { return .limitReached }
      treasure.id = event.treasure
      row = added
    }
    let offer = SpawnOffer(event.value)
    treasure.x = event.x
    treasure.y = event.y
    treasure.z = event.z
    treasure.node = node
    treasure.points = offer.points
    treasure.stock = offer.stock
    treasure.free = offer.stock
    treasure.claimed = 0
    treasure.respawnMs = 0
    treasure.reach = 1
    treasure.due = 0
    treasures.store(treasure, row, &space)
    open(row)
    outcome.stockLeft = offer.stock
    appendEffect(.spawn, row, offset, &effects)
    return .ok
  }

  mutating func despawn(
    _ event: Event, _ offset: UInt64, _ outcome: inout Outcome, _ effects: inout EffectBuffer
  ) -> ResultCode {
    guard let row = row(ofTreasure: event.treasure) else { return .unknownTreasure }
    let treasure = treasures.load(row, space)
    switch treasure.phase {
    case .removed: return .unknownTreasure
    case .open: close(row)
    case .respawning: dropTimer(row, treasure.due)
    case .exhausted: break
    }
    treasures.update(row, &space) {
      $0.phaseByte = TreasurePhase.removed.rawValue
      $0.due = 0
    }
    outcome.stockLeft = 0
    appendEffect(.despawn, row, offset, &effects)
    return .ok
  }

  /// The last claim is granted: the treasure leaves the field and its respawn is timed.
  private mutating func exhaust(_ row: Int, _ offset: UInt64, _ effects: inout EffectBuffer) {
    close(row)
    let respawnMs = treasures.load(row, space).respawnMs
    if respawnMs == 0 {
      treasures.update(row, &space) { $0.phaseByte = TreasurePhase.exhausted.rawValue }
    } else {
      let due = now + Int64(respawnMs)
      treasures.update(row, &space) {
        $0.phaseByte = TreasurePhase.respawning.rawValue
        $0.due = due
      }
      let added = timers.insert(TreeKey(high: UInt64(due), low: UInt64(row)), &space)
      precondition(added == .inserted, "timer of treasure row \(row)")
    }
    appendEffect(.despawn, row, offset, &effects)
  }

  /// Fires the first timer: the treasure is open again with full stock.
  mutating func fireTimer(_ offset: UInt64, _ effects: inout EffectBuffer) {
    guard let key = timers.first(atOrAfter: TreeKey(high: 0, low: 0), space) else { return }
    let row = Int(key.low)
    dropTimer(row, Int64(key.high))
    treasures.update(row, &space) { treasure in
      treasure.due = 0
      treasure.generation += 1
      treasure.free = treasure.stock
      treasure.claimed = 0
    }
    open(row)
    appendEffect(.spawn, row, offset, &effects)
  }

  private mutating func dropTimer(_ row: Int, _ due: Int64) {
    let dropped = timers.remove(TreeKey(high: UInt64(due), low: UInt64(row)), &space)
    precondition(dropped, "treasure row \(row) has no timer at \(due)")
  }

  private mutating func open(_ row: Int) {
    let treasure = treasures.load(row, space)
    treasures.update(row, &space) { $0.phaseByte = TreasurePhase.open.rawValue }
    list(treasure)
    field.open(treasure.id, at: treasure.node, &space, &scratch)
  }

  /// Adds a treasure to those open at its node.
  private mutating func list(_ treasure: TreasureRow) {
    let key = TreeKey(high: UInt64(treasure.node), low: UInt64(treasure.id))
    precondition(openAt.insert(key, &space) == .inserted, "treasure \(treasure.id) opened twice")
    counts { $0.treasuresOpen += 1 }
  }

  private mutating func close(_ row: Int) {
    let treasure = treasures.load(row, space)
    let key = TreeKey(high: UInt64(treasure.node), low: UInt64(treasure.id))
    precondition(openAt.remove(key, &space), "treasure \(treasure.id) closed twice")
    counts { $0.treasuresOpen -= 1 }
    let next = openAt.first(atOrAfter: TreeKey(high: UInt64(treasure.node), low: 0), space)
    let heir = next.flatMap { $0.high == UInt64(treasure.node) ? UInt32($0.low) : nil } ?? 0
    field.close(treasure.id, at: treasure.node, next: heir, &space, &scratch)
  }

  private mutating func appendEffect(
    _ kind: EventKind, _ row: Int, _ offset: UInt64, _ effects: inout EffectBuffer
  ) {
    let treasure = treasures.load(row, space)
    var effect = Effect(kind)
    effect.treasure = treasure.id
    effect.offset = offset
    effect.x = treasure.x
    effect.y = treasure.y
    effect.points = treasure.points
    effect.stock = treasure.stock
    effect.stockLeft = kind == .spawn ? treasure.free : 0
    effect.time = now
    effect.isRemoval = treasure.phase == .removed ? 1 : 0
    effects.append(effect)
  }
}
