public import Bounded
public import Events
import Pages
import Scoring
import World

extension HuntState {
  /// Judges one event that has its place in the journal, and changes the state by it.
  ///
  /// - Parameters:
  ///   - event: As journalled: producer, sequence and time are filled in.
  ///   - offset: Its place in the journal.
  /// - Returns: The outcome; `position` is left to the caller.
  /// - Complexity: O(log n) for boards; a claim that exhausts a treasure, a spawn or an edge change
  ///   repairs the treasure field around it. No allocation.
  public mutating func apply(
    _ event: Event, offset: UInt64, _ effects: inout EffectBuffer
  ) -> Outcome {
    guard let kind = event.kind else { preconditionFailure("kind \(event.kindByte) journalled") }
    switch kind {
    case .tick:
      advance(to: event.time, offset, &effects)
      return Outcome(of: event)
    case .name:
      apply(NamePart(event))
      return Outcome(of: event)
    case .control:
      counts { $0.phaseRaw = event.value }
      return Outcome(of: event)
    case .tally, .digest, .promote:
      return Outcome(of: event)
    default:
      return judge(event, kind, offset, &effects)
    }
  }

  /// Takes an event that this line of history leaves out: its sequence stays seen, so that a resend
  /// stays a duplicate, it counts as before, and no rule sees it.
  ///
  /// - Precondition: Of a kind that senders send.
  public mutating func omit(_ event: Event, offset: UInt64) -> Outcome {
    remember(event, offset)
    if isLate(event) { return lateOutcome(event, offset) }
    _ = count()
    var outcome = Outcome(of: event)
    outcome.offset = offset
    return outcome
  }

  /// Judges an event that no sender sent and the journal has no place for: an operator's addition
  /// to a line of history. No sequence is remembered.
  public mutating func add(
    _ event: Event, offset: UInt64, _ effects: inout EffectBuffer
  ) -> Outcome {
    guard let kind = event.kind, kind.isSupported else {
      preconditionFailure("kind \(event.kindByte) added")
    }
    let phase = count()
    var outcome = Outcome(of: event)
    outcome.offset = offset
    outcome.resultRaw = rule(event, kind, phase, offset, &outcome, &effects).rawValue
    return outcome
  }

  /// Brings other rules into force.
  public mutating func replaceRules(_ rules: HuntRules) { self.rules = rules }

  /// The sequence is remembered whatever becomes of the event, so that a resend stays a duplicate.
  @inline(__always)
  private mutating func remember(_ event: Event, _ offset: UInt64) {
    if event.flags.contains(.idempotencyKey) {
      remember(event.sequence, offset: offset, body: event.flags.intersection(.bodyMask))
    } else {
      admit(event.producer, event.sequence)
    }
  }

  @inline(__always)
  private mutating func isLate(_ event: Event) -> Bool {
    rules.latenessMs > 0 && event.time < now - rules.latenessMs
  }

  private mutating func lateOutcome(_ event: Event, _ offset: UInt64) -> Outcome {
    var outcome = Outcome(of: event, result: .late, disposition: .late)
    outcome.offset = offset
    return outcome
  }

  /// Counts one event more; the phase that it meets.
  @inline(__always)
  private mutating func count() -> HuntPhase {
    countsRow.update(0, &space) { counts in
      counts.events += 1
      return HuntPhase(rawValue: counts.phaseRaw) ?? .draft
    }
  }

  private mutating func judge(
    _ event: Event, _ kind: EventKind, _ offset: UInt64, _ effects: inout EffectBuffer
  ) -> Outcome {
    remember(event, offset)
    if isLate(event) { return lateOutcome(event, offset) }
    let phase = count()
    var outcome = Outcome(of: event)
    outcome.offset = offset
    let result: ResultCode
    if rules.aheadMs > 0 && event.time > now + rules.aheadMs {
      result = .timeAhead
    } else {
      result = rule(event, kind, phase, offset, &outcome, &effects)
    }
    outcome.resultRaw = result.rawValue
    return outcome
  }

  private mutating func rule(
    _ event: Event, _ kind: EventKind, _ phase: HuntPhase, _ offset: UInt64,
    _ outcome: inout Outcome, _ effects: inout EffectBuffer
  ) -> ResultCode {
    switch kind {
    case .spawn, .despawn, .edge:
      // The world may be set up before the start and while paused.
      guard phase != .ended else { return .notLive }
      if event.player != 0 && row(of: event.player) == nil { counts { $0.strangers += 1 } }
    case .join, .leave:
      guard phase != .ended else { return .notLive }
    default:
      guard phase == .live else { return .notLive }
    }
    switch kind {
    case .join: return join(event, offset, &outcome, &effects)
    case .leave: return leave(event, offset, &outcome, &effects)
    case .move: return move(event, offset, &outcome, &effects)
    case .teleport: return teleport(event, offset, &outcome, &effects)
    case .claim: return claim(event, offset, &outcome, &effects)
    case .score: return score(event, offset, &outcome, &effects)
    case .spawn: return spawn(event, offset, &outcome, &effects)
    case .despawn: return despawn(event, offset, &outcome, &effects)
    case .edge: return changeEdge(event, offset, &outcome, &effects)
    default: return .unsupportedKind
    }
  }

  /// Sets the clock, goes on with the repairs that events left, and fires the timers that are due
  /// by then, oldest first.
  ///
  /// - Parameter time: ms since 1970; an earlier time than the clock's changes nothing.
  mutating func advance(to time: Int64, _ offset: UInt64, _ effects: inout EffectBuffer) {
    if time <= now { return }
    now = time
    // Half as much as an event, since what lies in pages costs twice as much.
    field.catchUp(work: scratch.workMax / 2, &space)
    while let next = nextTimer, next <= time {
      fireTimer(offset, &effects)
    }
  }

  /// When the clock has something to do next, ms since 1970: a timer, or repairs that were left.
  public var nextWake: Int64? {
    mutating get { field.isSettling(space) ? now + 1 : nextTimer }
  }

  /// When the next timer is due, ms since 1970.
  public var nextTimer: Int64? {
    mutating get {
      if timers.count(space) == 0 { return nil }
      return timers.first(atOrAfter: TreeKey(high: 0, low: 0), space).map { Int64($0.high) }
    }
  }

  // MARK: Points

  /// Adds points to a player, who lies in `row` and is stored by the caller: total and every board,
  /// by the one event.
  mutating func award(
    _ row: Int, _ player: inout PlayerRow, _ points: Int64, _ time: Int64, _ outcome: inout Outcome
  ) {
    let (sum, overflow) = player.total.addingReportingOverflow(points)
    player.total = overflow ? (points > 0 ? .max : .min) : sum
    boards.add(UInt32(row), points, reached: eventCount, timeMs: time, &pending, &space)
    outcome.total = player.total
    outcome.points = Int32(clamping: points)
  }

  private mutating func score(
    _ event: Event, _ offset: UInt64, _ outcome: inout Outcome, _ effects: inout EffectBuffer
  ) -> ResultCode {
    var result = ResultCode.ok
    guard case (let row, var player)? = presentPlayer(event, &result) else { return result }
    award(row, &player, event.value, event.time, &outcome)
    players.store(player, row, &space)
    if event.flags.contains(.wantRank) { addRank(row, &outcome) }
    effects.append(effect(.score, event, row, offset, outcome))
    return .ok
  }

  mutating func addRank(_ row: Int, _ outcome: inout Outcome) {
    if pending.following == .deferred { return }
    boards.settle(&pending, &space)
    outcome.rank = UInt32(clamping: boards[0].rank(UInt32(row), space) ?? 0)
  }

  /// What viewers see of an event of a player.
  mutating func effect(
    _ kind: EventKind, _ event: Event, _ row: Int, _ offset: UInt64, _ outcome: Outcome
  ) -> Effect {
    let player = players.load(row, space)
    var effect = Effect(kind)
    effect.player = player.key
    effect.playerIndex = UInt32(row)
    effect.offset = offset
    effect.x = player.x
    effect.y = player.y
    effect.treasure = event.treasure
    effect.points = outcome.points
    effect.stockLeft = outcome.stockLeft
    effect.total = player.total
    effect.time = event.time
    return effect
  }

  // MARK: Prefetching

  /// Asks for what finding an event's player and treasure will touch.
  ///
  /// - Parameter lines: Where the event lies, at `at`; only the fields needed are read.
  public mutating func prefetchIndex(_ lines: LineRun, _ at: Int) {
    let player = lines.load(at, byte: 24, as: UInt64.self)
    if player != 0 { playerIndex.prefetch(player, space) }
    if lines.load(at, byte: 1, as: UInt8.self) != EventKind.claim.rawValue { return }
    let treasure = lines.load(at, byte: 52, as: UInt32.self)
    if treasure != 0 { treasureIndex.prefetch(UInt64(treasure), space) }
  }

  /// Asks for what an event will touch: the player's row, and the world around the place, or the
  /// treasure's row and the player's row of each board; call some events after `prefetchIndex`.
  public mutating func prefetchRow(_ lines: LineRun, _ at: Int) {
    let kind = lines.load(at, byte: 1, as: UInt8.self)
    if kind == EventKind.edge.rawValue { return prefetchEdge(lines, at) }
    let player = lines.load(at, byte: 24, as: UInt64.self)
    guard player != 0, let row = playerIndex.find(player, space) else { return }
    players.prefetch(Int(row), space)
    lastRows.store(UInt32(truncatingIfNeeded: row), Int(player & 63) &* 4)
    if kind == EventKind.move.rawValue {
      let x = lines.load(at, byte: 40, as: Int32.self)
      let y = lines.load(at, byte: 44, as: Int32.self)
      let z = lines.load(at, byte: 48, as: Int32.self)
      guard let node = world.node(x, y, z) else { return }
      world.prefetch(node, space)
      if isReplaying { field.prefetch(node, space) } else { field.prefetch(around: node, space) }
      return
    }
    if kind == EventKind.claim.rawValue {
      let treasure = lines.load(at, byte: 52, as: UInt32.self)
      if treasure != 0, let row = treasureIndex.find(UInt64(treasure), space) {
        treasures.prefetch(Int(row), space)
      }
    }
    let time = lines.load(at, byte: 32, as: Int64.self)
    boards.prefetch(UInt32(truncatingIfNeeded: row), timeMs: time, space)
  }

  /// Asks for the edges of the block from which a player makes a step of a large grid, as they are
  /// rarely in the processor's caches; call some events after `prefetchRow`.
  @inline(never)
  public func prefetchStep(_ lines: LineRun, _ at: Int) {
    guard lines.load(at, byte: 1, as: UInt8.self) == EventKind.move.rawValue
    else { return }
    let key = lines.load(at, byte: 24, as: UInt64.self)
    // A guess: another player's may have come there since.
    let row = Int(lastRows.load(Int(key & 63) &* 4, as: UInt32.self))
    let player = players.load(row, space)
    if player.key == key, let node = world.node(player.x, player.y, player.z) {
      world.prefetch(node, space)
    }
  }

  /// Asks for the world and the field where edges change.
  @inline(never)
  private func prefetchEdge(_ lines: LineRun, _ at: Int) {
    let x = lines.load(at, byte: 40, as: Int32.self)
    let y = lines.load(at, byte: 44, as: Int32.self)
    let z = lines.load(at, byte: 48, as: Int32.self)
    guard let node = world.node(x, y, z) else { return }
    world.prefetch(node, space)
    field.prefetch(around: node, space)
  }
}
