public import Bounded
import CSystem
public import Events
public import Net
public import World

/// Simulated players over one stream connection, as a game server would send them.
///
/// A player joins at a random open block. Then, every 250...400 ms, it makes one move towards where
/// the last hint pointed; in reach of a treasure it claims it, and then wanders for some steps, so
/// that it looks elsewhere. Every twentieth is a lost tourist, who only wanders. One event of a
/// player is open at a time.
///
/// The claims granted are counted here, from the outcomes alone, for comparing with the engine.
public final class DemoPlayers: StreamAudience {
  /// What the players have seen so far.
  public struct Stats: Sendable {
    public var sent: UInt64 = 0
    /// Events whose outcome came, and those refused for load.
    public var answered: UInt64 = 0
    public var refused: UInt64 = 0
    public var claims: UInt64 = 0
    public var joined = 0
    /// Outcomes by `ResultCode`, its number the place.
    public var results = [UInt64](repeating: 0, count: 128)
    /// By disposition, `sent` unused.
    public var counts = LoadCounts()
    /// From when a frame was given to the kernel until its outcomes came.
    public var latency = Histogram()
    /// The same since the last `takeRecentLatency()`.
    var recentLatency = Histogram()
    /// The connection is gone.
    public var end: StreamEnd?

    public static let zero = Stats()
    init() {}
  }

  private struct Player {
    var x: Int32 = 0
    var y: Int32 = 0
    var targetX: Int32 = 0
    var targetY: Int32 = 0
    var dueNs: Int64 = 0
    /// The frame whose outcome is awaited; 0 when none is.
    var batch: UInt64 = 0
    var isPlaced = false
    /// In the hunt from an earlier run, at an unknown block: has to leave before it can join.
    var isStranger = false
    var isTourist = false
    var heading: UInt8 = 0
    /// Steps still to wander.
    var wander = 0
    var direction = Outcome.noDirection
    var distance = Outcome.noDistance
    var treasure: UInt32 = 0
    /// Treasures claimed or missed last: not worth another try for now.
    var past = InlineArray<4, UInt32>(repeating: 0)
    var pastCount = 0
  }

  /// Frames that may be unanswered at once.
  private static let openFramesMax = 1_024

  public private(set) var stats = Stats()
  /// Claims granted, by treasure.
  public private(set) var winners: [UInt32: UInt64] = [:]
  public let producer: UInt64
  /// Whether players make new events; answers are taken in any case.
  public var isPlaying = true

  private let map: Topology
  private let starts: [UInt32]
  /// Distance within which a claim is worth a try.
  private let reachCost: UInt32
  private var players: [Player]
  private var random: SplitMix64
  private var session: StreamSession?
  private let frame = Slab(byteCount: FrameHeader.byteCount + FrameHeader.eventCountMax * 64)
  private var sequence: UInt64 = 0
  private var batch: UInt64 = 0
  private var sentNs = [Int64](repeating: 0, count: openFramesMax)
  private var openFrames = 0

  /// Connects; players join as soon as the engine has said welcome.
  ///
  /// - Parameters:
  ///   - map: The hunt's.
  ///   - players: 1...1,000,000; their numbers are 1 and up.
  ///   - reach: How near a claim must be, as the hunt's treasures have it.
  ///   - canStart: Where players may join; any open block by default.
  public init(
    loop: Loop, host: String, port: UInt16, hunt: String, map: Topology, players: Int, seed: UInt64,
    reach: UInt32 = 1, producer: UInt64 = 77, canStart: (UInt32) -> Bool = { _ in true }
  ) throws(NetFault) {
    precondition((1...1_000_000).contains(players), "\(players) players")
    self.map = map
    self.producer = producer
    starts = (0..<UInt32(map.nodeCount)).filter { map.openSteps(from: $0) != 0 && canStart($0) }
    precondition(!starts.isEmpty, "no block of the map leads anywhere")
    let neighbours = map.neighbourhood
    // One block away is one step, straight or diagonal; beyond, straight steps are the safe
    // reading.
    reachCost =
      reach == 1
      ? max(neighbours.straightCost, neighbours.diagonalCost) : reach * neighbours.straightCost
    random = SplitMix64(seed: seed)
    self.players = []
    self.players.reserveCapacity(players)
    let nowNs = vx_monotonic_ns()
    for number in 0..<players {
      var player = Player()
      player.dueNs = nowNs + Int64(random.below(400_000_000))
      player.isTourist = number % 20 == 19
      self.players.append(player)
    }
    guard
      let hello = Hello(
        producer: producer, ack: .durable, rights: Hello.rightIngest, hunt: hunt)
    else { preconditionFailure("hunt name of \(hunt.utf8.count) bytes") }
    session = try StreamSession(loop: loop, host: host, port: port, hello: hello, audience: self)
    if case .ended(let end)? = session?.phase { stats.end = end }
  }

  /// Sends what is due at `nowNs` of the monotonic clock; to be called every few milliseconds.
  public func step(nowNs: Int64) {
    guard isPlaying, let session, session.phase == .ready else { return }
    var count = 0
    for at in 0..<players.count where players[at].dueNs <= nowNs && players[at].batch == 0 {
      if count == FrameHeader.eventCountMax || openFrames >= Self.openFramesMax { break }
      var event = act(&players[at])
      event.player = UInt64(at) + 1
      event.sequence = sequence + UInt64(count) + 1
      frame.store(event, FrameHeader.byteCount + count * Event.byteCount)
      players[at].batch = batch + 1
      players[at].dueNs = max(
        players[at].dueNs + 250_000_000 + Int64(random.below(150_000_001)), nowNs)
      count += 1
    }
    guard count > 0 else { return }
    sequence += UInt64(count)
    batch += 1
    if session.send(frame, count: count, batch: batch) {
      sentNs[Int(batch % UInt64(Self.openFramesMax))] = nowNs
      openFrames += 1
      stats.sent += UInt64(count)
    } else {
      // Nothing was sent: whoever is in the frame acts again, under numbers that were never used.
      sequence -= UInt64(count)
      release(batch)
    }
  }

  /// The latencies since the last call.
  public func takeRecentLatency() -> Histogram {
    let recent = stats.recentLatency
    stats.recentLatency = Histogram()
    return recent
  }

  /// Whether every event sent has its answer.
  public var isSettled: Bool { stats.sent == stats.answered + stats.refused }

  public func close() { session?.close() }

  // MARK: what players do

  private func act(_ player: inout Player) -> Event {
    if player.isStranger { return Event(kind: .leave) }
    if !player.isPlaced {
      let (x, y, _) = map.place(starts[Int(random.below(UInt64(starts.count)))])
      (player.targetX, player.targetY) = (Int32(x), Int32(y))
      return Event(kind: .join, flags: .wantHint, x: Int32(x), y: Int32(y))
    }
    if player.wander == 0, !player.isTourist, player.distance <= reachCost, player.treasure != 0,
      !isPast(player, player.treasure)
    {
      return Event(
        kind: .claim, flags: .wantRank, x: player.x, y: player.y, treasure: player.treasure)
    }
    let (x, y) = next(&player)
    (player.targetX, player.targetY) = (x, y)
    return Event(kind: .move, flags: .wantHint, x: x, y: y)
  }

  /// The block of the player's next step.
  private func next(_ player: inout Player) -> (Int32, Int32) {
    guard let node = map.node(x: Int(player.x), y: Int(player.y)) else {
      return (player.x, player.y)
    }
    let open = map.openSteps(from: node)
    if open == 0 { return (player.x, player.y) }
    let follows =
      player.wander == 0 && !player.isTourist && player.direction < 8
      && !isPast(player, player.treasure)
    if player.wander > 0 { player.wander -= 1 }
    let degree = UInt8(map.neighbourhood.degree)
    var direction = follows ? player.direction : player.heading
    // Wanderers turn now and then; whoever meets a wall turns until a step leads on.
    if !follows && random.below(12) == 0 {
      direction = UInt8(random.below(UInt64(degree)))
    }
    let turn: UInt8 = random.below(2) == 0 ? 1 : degree - 1
    for _ in 0..<degree where open & (1 << direction) == 0 {
      direction = (direction + turn) % degree
    }
    player.heading = direction
    let (dx, dy) = map.neighbourhood.step(direction)
    return (player.x + Int32(dx), player.y + Int32(dy))
  }

  private func isPast(_ player: borrowing Player, _ treasure: UInt32) -> Bool {
    for at in 0..<4 where player.past[at] == treasure { return true }
    return false
  }

  /// The player is done with `treasure` and goes somewhere else.
  private func leave(_ treasure: UInt32, _ player: inout Player) {
    player.past[player.pastCount & 3] = treasure
    player.pastCount += 1
    player.wander = 8 + Int(random.below(25))
    player.heading = UInt8(random.below(UInt64(map.neighbourhood.degree)))
  }

  // MARK: what the engine says

  public func welcomed(_ session: StreamSession, _ welcome: Welcome) {
    sequence = welcome.highSequence
  }

  public func judged(_ session: StreamSession, batch: UInt64, _ outcomes: RawSpan) {
    let count = outcomes.byteCount / Outcome.byteCount
    let elapsedNs = session.receivedNs - sentNs[Int(batch % UInt64(Self.openFramesMax))]
    stats.latency.record(elapsedNs, times: UInt64(count))
    stats.recentLatency.record(elapsedNs, times: UInt64(count))
    for at in 0..<count {
      take(outcomes.load(at * Outcome.byteCount, as: Outcome.self))
    }
    stats.answered += UInt64(count)
    openFrames -= 1
  }

  private func take(_ outcome: Outcome) {
    stats.results[Int(outcome.resultRaw) & 127] += 1
    switch outcome.disposition {
    case .applied: stats.counts.applied += 1
    case .duplicate: stats.counts.duplicate += 1
    case .late: stats.counts.late += 1
    case .shed: stats.counts.shed += 1
    case .rejected, nil: stats.counts.rejected += 1
    }
    guard outcome.player >= 1, outcome.player <= UInt64(players.count) else { return }
    let at = Int(outcome.player) - 1
    players[at].batch = 0
    switch EventKind(rawValue: outcome.kindByte) {
    case .join, .move: arrive(outcome, &players[at])
    case .leave: players[at].isStranger = false
    case .claim: settleClaim(outcome, &players[at])
    default: break
    }
  }

  private func arrive(_ outcome: Outcome, _ player: inout Player) {
    switch outcome.result {
    case .ok:
      if !player.isPlaced { stats.joined += 1 }
      player.isPlaced = true
      (player.x, player.y) = (player.targetX, player.targetY)
      player.direction = outcome.direction
      player.distance = outcome.distance
      player.treasure = outcome.treasure
    case .alreadyJoined: player.isStranger = true
    default:
      player.wander = max(player.wander, 3)
      player.heading = UInt8(random.below(UInt64(map.neighbourhood.degree)))
    }
  }

  private func settleClaim(_ outcome: Outcome, _ player: inout Player) {
    if outcome.result == .ok {
      stats.claims += 1
      winners[outcome.treasure, default: 0] += 1
    }
    leave(outcome.treasure, &player)
  }

  public func acknowledged(
    _ session: StreamSession, batch: UInt64, _ answer: Acknowledgement
  ) {}

  public func refused(
    _ session: StreamSession, batch: UInt64, _ refusal: Refusal, isBusy: Bool
  ) {
    let count = UInt64(refusal.count)
    stats.refused += count
    if isBusy { stats.counts.shed += count } else { stats.counts.rejected += count }
    openFrames -= 1
    release(batch)
  }

  /// Lets the players of a frame that was not taken act again.
  private func release(_ batch: UInt64) {
    for at in 0..<players.count where players[at].batch == batch { players[at].batch = 0 }
  }

  public func ended(_ session: StreamSession, _ end: StreamEnd) { stats.end = end }
}
