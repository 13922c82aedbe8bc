import Events
import Hunt

/// The rules of a hunt in dictionaries and arrays, written from what the types' comments promise,
/// as simply as they can be said. It verifies outcomes; it knows nothing of pages, rows or capacity
/// beyond the declared limits, and judges no sequence numbers.
struct Model {
  struct Player {
    var row: Int
    var isPresent = true
    var place: (x: Int32, y: Int32, z: Int32)?
    var lastMove: Int64 = 0
    var total: Int64 = 0
    var hint: Int?
    var claims = 0
    var moves = 0
  }

  struct Treasure {
    var row: Int
    var x: Int32
    var y: Int32
    var z: Int32
    var reach: Int
    var points: Int64
    var stock: Int
    var free: Int
    var respawnMs: Int64
    var generation = 0
    var phase = TreasurePhase.open
    var due: Int64 = 0
    var lastWinner: UInt64 = 0
  }

  /// What an outcome must say.
  struct Expected: Equatable {
    var result = ResultCode.ok
    var disposition = Disposition.applied
    var total: Int64 = 0
    var points: Int64 = 0
    var rank = 0
    var treasure: UInt32 = 0
    var distance: Int?
    var direction: UInt8 = 255
    var stockLeft = 0
    var isWarmer = false
    var isColder = false
  }

  struct Score: Equatable {
    var points: Int64
    var reached: Int
  }

  let definition: HuntDefinition
  /// Those in force.
  var rules: HuntRules
  var world: ModelWorld
  var now: Int64 = 0
  var phase: HuntPhase
  var events = 0
  var players: [UInt64: Player] = [:]
  var treasures: [UInt32: Treasure] = [:]
  /// Claims granted to a player of a treasure in a generation.
  var claims: [[UInt64]: (generation: Int, count: Int)] = [:]
  /// By board, then window, then player.
  var boards: [[Int64: [UInt64: Score]]]
  /// Grants by treasure and generation, for all time.
  var grants: [[Int]: Int] = [:]
  var field: [(distance: Int, treasure: UInt32)?]?

  init(_ definition: HuntDefinition, _ world: ModelWorld) {
    self.definition = definition
    rules = definition.rules
    self.world = world
    phase = definition.startsLive ? .live : .draft
    boards = definition.boards.map { _ in [:] }
    for spec in definition.treasures {
      treasures[spec.id] = Treasure(
        row: treasures.count, x: spec.x, y: spec.y, z: spec.z, reach: Int(spec.reach),
        points: Int64(spec.points), stock: Int(spec.stock), free: Int(spec.stock),
        respawnMs: Int64(spec.respawnMs))
    }
  }

  // MARK: Time

  mutating func tick(_ time: Int64) {
    if time <= now { return }
    now = time
    for id in treasures.keys.sorted() {
      guard var treasure = treasures[id], treasure.phase == .respawning, treasure.due <= now else {
        continue
      }
      treasure.phase = .open
      treasure.generation += 1
      treasure.free = treasure.stock
      treasure.due = 0
      treasures[id] = treasure
      field = nil
    }
  }

  // MARK: Events

  mutating func judge(_ event: Event) -> Expected {
    var expected = Expected()
    expected.treasure = event.treasure
    if rules.latenessMs > 0 && event.time < now - rules.latenessMs {
      expected.result = .late
      expected.disposition = .late
      return expected
    }
    events += 1
    if rules.aheadMs > 0 && event.time > now + rules.aheadMs {
      expected.result = .timeAhead
      return expected
    }
    guard let kind = event.kind else { return expected }
    let isSetup = [.spawn, .despawn, .edge, .join, .leave].contains(kind)
    if phase == .ended || (phase != .live && !isSetup) {
      expected.result = .notLive
      return expected
    }
    switch kind {
    case .join: expected.result = join(event, &expected)
    case .leave: expected.result = leave(event, &expected)
    case .move: expected.result = move(event, &expected)
    case .teleport: expected.result = teleport(event, &expected)
    case .claim: expected.result = claim(event, &expected)
    case .score: expected.result = score(event, &expected)
    case .spawn: expected.result = spawn(event, &expected)
    case .despawn: expected.result = despawn(event, &expected)
    case .edge: expected.result = edge(event, &expected)
    default: break
    }
    return expected
  }

  /// An event that a line of history leaves out: judged late or counted, and nothing else.
  mutating func omit(_ event: Event) -> Expected {
    var expected = Expected()
    expected.treasure = event.treasure
    if rules.latenessMs > 0 && event.time < now - rules.latenessMs {
      expected.result = .late
      expected.disposition = .late
    } else {
      events += 1
    }
    return expected
  }

  /// Makes the event's player present, where the rules let an event do that; what stands against
  /// it.
  private mutating func admit(_ event: Event) -> ResultCode {
    if players[event.player]?.isPresent == true { return .ok }
    return rules.joinImplicitly ? enter(event.player) : .unknownPlayer
  }

  private mutating func enter(_ player: UInt64) -> ResultCode {
    if players[player] == nil {
      if players.count == definition.limits.players { return .limitReached }
      players[player] = Player(row: players.count)
    }
    players[player]?.isPresent = true
    return .ok
  }

  private mutating func join(_ event: Event, _ expected: inout Expected) -> ResultCode {
    if players[event.player]?.isPresent == true { return .alreadyJoined }
    let node = world.node((event.x, event.y, event.z))
    let isOpen = node.map { world.isOpen($0) } ?? false
    if !isOpen && (event.x != 0 || event.y != 0) { return node == nil ? .outsideWorld : .blocked }
    let entered = enter(event.player)
    if entered != .ok { return entered }
    if isOpen { put(event) }
    finish(event, &expected)
    return .ok
  }

  private mutating func leave(_ event: Event, _ expected: inout Expected) -> ResultCode {
    guard var player = players[event.player], player.isPresent else { return .unknownPlayer }
    player.isPresent = false
    player.place = nil
    player.hint = nil
    players[event.player] = player
    expected.total = player.total
    return .ok
  }

  private mutating func teleport(_ event: Event, _ expected: inout Expected) -> ResultCode {
    guard event.flags.contains(.operate) else { return .notPermitted }
    guard let node = world.node((event.x, event.y, event.z)) else { return .outsideWorld }
    guard world.isOpen(node) else { return .blocked }
    let admitted = admit(event)
    if admitted != .ok { return admitted }
    put(event)
    finish(event, &expected)
    return .ok
  }

  private mutating func move(_ event: Event, _ expected: inout Expected) -> ResultCode {
    guard let node = world.node((event.x, event.y, event.z)) else { return .outsideWorld }
    guard world.isOpen(node) else { return .blocked }
    let admitted = admit(event)
    guard admitted == .ok, let player = players[event.player] else { return admitted }
    expected.total = player.total
    if let place = player.place {
      let judged = walk(event, player, from: place, to: node)
      if judged != .ok { return judged }
    }
    put(event)
    finish(event, &expected)
    return .ok
  }

  /// Whether the player can have walked there since the last move.
  private func walk(
    _ event: Event, _ player: Player, from place: (x: Int32, y: Int32, z: Int32), to node: Int
  ) -> ResultCode {
    if world.isNetwork { return way(event, player, from: place, to: node) }
    let steps = blocks(place, (event.x, event.y, event.z))
    if steps == 0 { return .ok }
    let elapsedMs = max(0, min(event.time - player.lastMove, 7 * 86_400_000))
    // Thousandths of a block a second times milliseconds: millionths of a block.
    let earned = Int(rules.stepsFree) + Int(elapsedMs) * Int(rules.speedMax) / 1_000_000
    if rules.speedMax > 0 && steps > min(Int(rules.stepsMax), earned) { return .tooFast }
    guard rules.walls, let start = world.node(place) else { return .ok }
    guard let cost = world.cost(from: start, to: node) else { return .throughWall }
    // The walk may be half as long again as the blocks earned, and one more; slow edges count as
    // the blocks that they are worth.
    let allowed = (max(earned, steps) * 3 / 2 + 1) * world.unit
    return rules.speedMax == 0 || cost <= allowed ? .ok : .throughWall
  }

  /// In a network what counts is what the cheapest way costs, in thousandths of a unit a second.
  private func way(
    _ event: Event, _ player: Player, from place: (x: Int32, y: Int32, z: Int32), to node: Int
  ) -> ResultCode {
    guard let start = world.node(place), start != node, rules.speedMax > 0 || rules.walls else {
      return .ok
    }
    let elapsedMs = max(0, min(event.time - player.lastMove, 7 * 86_400_000))
    let millionths = Int(rules.stepsFree) * 1_000_000 + Int(elapsedMs) * Int(rules.speedMax)
    let earned = millionths / 1_000_000
    let cost = world.cost(from: start, to: node)
    if rules.speedMax == 0 { return cost == nil ? .throughWall : .ok }
    return cost.map { $0 <= earned } ?? false ? .ok : .tooFast
  }

  /// The most that two places lie apart along one axis; levels count among voxels.
  private func blocks(
    _ one: (x: Int32, y: Int32, z: Int32), _ two: (x: Int32, y: Int32, z: Int32)
  ) -> Int {
    let flat = max(abs(Int(one.x) - Int(two.x)), abs(Int(one.y) - Int(two.y)))
    return world.isVoxels ? max(flat, abs(Int(one.z) - Int(two.z))) : flat
  }

  private func isInReach(_ place: (x: Int32, y: Int32, z: Int32), _ treasure: Treasure) -> Bool {
    let there = (treasure.x, treasure.y, treasure.z)
    if world.isNetwork {
      guard let start = world.node(place), let goal = world.node(there) else { return false }
      return world.cost(from: start, to: goal).map { $0 <= treasure.reach } ?? false
    }
    let isLevel = !world.isGrid || treasure.z == 0 || treasure.z == place.z
    return blocks(place, there) <= treasure.reach && isLevel
  }

  private mutating func put(_ event: Event) {
    guard var player = players[event.player] else { return }
    player.place = (event.x, event.y, event.z)
    player.lastMove = max(player.lastMove, event.time)
    player.moves += 1
    players[event.player] = player
  }

  /// Total, rank and hint after a change of place.
  private mutating func finish(_ event: Event, _ expected: inout Expected) {
    guard var player = players[event.player] else { return }
    expected.total = player.total
    if event.flags.contains(.wantRank) { expected.rank = rank(event.player) }
    guard event.flags.contains(.wantHint), let place = player.place,
      let node = world.node(place)
    else { return }
    var field = hints()
    if let nearest = field[node], isSpent(event.player, nearest.treasure) {
      field = hints(leavingOut: { isSpent(event.player, $0) })
    }
    if let hint = field[node] {
      expected.distance = hint.distance
      expected.treasure = hint.treasure
      expected.direction = world.direction(node, field)
      if let last = player.hint {
        expected.isWarmer = hint.distance < last
        expected.isColder = hint.distance > last
      }
    }
    player.hint = field[node]?.distance
    players[event.player] = player
  }

  /// The nearest open treasure of every node, from scratch.
  mutating func hints() -> [(distance: Int, treasure: UInt32)?] {
    if let field { return field }
    let made = hints(leavingOut: { _ in false })
    field = made
    return made
  }

  /// Whether a player has claimed a treasure as often as one may until its next respawn.
  private func isSpent(_ player: UInt64, _ id: UInt32) -> Bool {
    guard let treasure = treasures[id], let held = claims[[player, UInt64(id)]] else {
      return false
    }
    return rules.claimsPerPlayer > 0 && held.generation == treasure.generation
      && held.count >= Int(rules.claimsPerPlayer)
  }

  private func hints(
    leavingOut isLeftOut: (UInt32) -> Bool
  ) -> [(distance: Int, treasure: UInt32)?] {
    let open = treasures.compactMap { id, treasure in
      treasure.phase == .open && !isLeftOut(id)
        ? world.node((treasure.x, treasure.y, treasure.z)).map { ($0, id) } : nil
    }
    let radius = Int(rules.hintRadius) * world.unit
    return world.field(open.map { (node: $0.0, id: $0.1) }).map { near in
      radius > 0 && near.map { $0.distance > radius } ?? false ? nil : near
    }
  }

  // MARK: Points

  private mutating func award(
    _ event: Event, _ points: Int64, _ expected: inout Expected
  ) {
    guard var player = players[event.player] else { return }
    let (sum, overflow) = player.total.addingReportingOverflow(points)
    player.total = overflow ? (points > 0 ? .max : .min) : sum
    players[event.player] = player
    expected.total = player.total
    expected.points = Int64(Int32(clamping: points))
    for at in boards.indices {
      let length = definition.boards[at].windowMs
      let window =
        length.map { ms in
          event.time >= 0 ? event.time / ms : -((-event.time + ms - 1) / ms)
        } ?? 0
      // A window older than the one before the newest is no longer kept.
      if let newest = boards[at].keys.max(), window < newest - 1 { continue }
      var held = boards[at][window] ?? [:]
      if let old = held[event.player] {
        let (score, overflow) = old.points.addingReportingOverflow(points)
        let new = overflow ? (points > 0 ? .max : .min) : score
        if new != old.points { held[event.player] = Score(points: new, reached: events) }
      } else {
        held[event.player] = Score(points: points, reached: events)
      }
      boards[at][window] = held
      let newest = boards[at].keys.max() ?? 0
      boards[at] = boards[at].filter { $0.key >= newest - 1 }
    }
  }

  /// Everyone on a board's current window, best first: more points, then who reached them first.
  func standings(_ board: Int) -> [UInt64] {
    let current = boards[board][boards[board].keys.max() ?? 0] ?? [:]
    return current.keys.sorted { left, right in
      guard let one = current[left], let two = current[right] else { return false }
      return one.points > two.points || (one.points == two.points && one.reached < two.reached)
    }
  }

  private func rank(_ player: UInt64) -> Int {
    (standings(0).firstIndex(of: player) ?? -1) + 1
  }

  private mutating func score(_ event: Event, _ expected: inout Expected) -> ResultCode {
    let admitted = admit(event)
    if admitted != .ok { return admitted }
    award(event, event.value, &expected)
    if event.flags.contains(.wantRank) { expected.rank = rank(event.player) }
    return .ok
  }

  // MARK: Treasures

  private mutating func claim(_ event: Event, _ expected: inout Expected) -> ResultCode {
    let admitted = admit(event)
    guard admitted == .ok, let player = players[event.player] else { return admitted }
    expected.total = player.total
    guard var treasure = treasures[event.treasure], treasure.phase != .removed else {
      return .unknownTreasure
    }
    expected.stockLeft = treasure.free
    guard let place = player.place else { return .notPlaced }
    guard isInReach(place, treasure) else { return .tooFar }
    guard treasure.phase == .open, treasure.free > 0 else { return .noStock }
    let cap = Int(rules.claimsPerPlayer)
    if cap > 0 {
      let key = [event.player, UInt64(event.treasure)]
      if claims[key] == nil && claims.count == definition.limits.claims { return .limitReached }
      var held = claims[key] ?? (treasure.generation, 0)
      if held.generation != treasure.generation { held = (treasure.generation, 0) }
      if held.count >= cap { return .alreadyClaimed }
      claims[key] = (held.generation, held.count + 1)
    }
    grants[[Int(event.treasure), treasure.generation], default: 0] += 1
    treasure.free -= 1
    treasure.lastWinner = event.player
    if treasure.free == 0 {
      treasure.phase = treasure.respawnMs > 0 ? .respawning : .exhausted
      treasure.due = treasure.respawnMs > 0 ? now + treasure.respawnMs : 0
      field = nil
    }
    treasures[event.treasure] = treasure
    players[event.player]?.claims += 1
    award(event, treasure.points, &expected)
    expected.stockLeft = treasure.free
    if event.flags.contains(.wantRank) { expected.rank = rank(event.player) }
    return .ok
  }

  private mutating func spawn(_ event: Event, _ expected: inout Expected) -> ResultCode {
    guard let node = world.node((event.x, event.y, event.z)) else { return .outsideWorld }
    guard world.isOpen(node) else { return .blocked }
    let old = treasures[event.treasure]
    if let old, old.phase != .removed { return .treasureExists }
    if old == nil && treasures.count == definition.limits.treasures { return .limitReached }
    let stock = max(1, Int(event.value >> 31))
    var treasure = Treasure(
      row: old?.row ?? treasures.count, x: event.x, y: event.y, z: event.z, reach: 1,
      points: event.value & 0x7fff_ffff, stock: stock, free: stock, respawnMs: 0)
    // Claims of an earlier life do not count against the cap of this one.
    treasure.generation = old.map { $0.generation + 1 } ?? 0
    treasures[event.treasure] = treasure
    field = nil
    expected.stockLeft = stock
    return .ok
  }

  private mutating func despawn(_ event: Event, _ expected: inout Expected) -> ResultCode {
    guard let treasure = treasures[event.treasure], treasure.phase != .removed else {
      return .unknownTreasure
    }
    treasures[event.treasure]?.phase = .removed
    treasures[event.treasure]?.due = 0
    field = nil
    return .ok
  }
}
