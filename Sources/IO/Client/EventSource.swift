public import Bounded
public import Events

/// What a load run sends, apart from when: everything follows from these numbers.
public struct LoadPlan: Sendable, Equatable {
  public var seed: UInt64 = 1
  /// Players over all connections, 1....
  public var players = 10_000
  public var connections = 1
  /// Events in a frame, 1...2,048.
  public var batch = 256
  /// Share of slots, 0...100, that carry something broken; together with the next at most 100.
  public var malformedPercent = 0
  /// Share of slots that repeat an earlier event.
  public var duplicatePercent = 0
  /// What the valid events are beside joins; nil for 80 % moves, 10 % claims and 10 % scores.
  public var mix: LoadMix?
  /// Valid events over all connections after which the run ends; nil leaves the end to its time.
  public var events: UInt64?
  /// Players may be in the hunt already: each leaves before it joins.
  public var rejoins = false

  public init() {}
}

/// How many events a second of each kind a mixed stream has. The kinds follow one another evenly.
public struct LoadMix: Sendable, Equatable {
  public var moves: UInt64
  /// Steps of the world that get a multiplier of 1...16.
  public var edges: UInt64
  public var claims: UInt64

  public init(moves: UInt64, edges: UInt64, claims: UInt64) {
    (self.moves, self.edges, self.claims) = (moves, edges, claims)
  }

  public var total: UInt64 { moves + edges + claims }

  /// What event number `index` of all is: any `total` in a row hold the stated number of each.
  @inline(__always)
  public func kind(_ index: UInt64) -> EventKind {
    let rare = edges &+ claims
    let number = Self.part(index, rare, total)
    if Self.part(index &+ 1, rare, total) == number { return .move }
    let earlier = Self.part(number, claims, rare)
    return Self.part(number &+ 1, claims, rare) == earlier ? .edge : .claim
  }

  /// `index` times `some / all`, rounded down.
  @inline(__always)
  private static func part(_ index: UInt64, _ some: UInt64, _ all: UInt64) -> UInt64 {
    all.dividingFullWidth(index.multipliedFullWidth(by: some)).quotient
  }
}

/// Makes the events of one connection, frame after frame.
///
/// The valid events are a prefix of one stream that seed, players, connections and connection
/// decide: their kinds, places, times and sequences are the same whatever is between them, and so
/// is the state they lead to. How long the prefix is, `plan.events` says, or the time given.
///
/// A frame has `plan.batch` slots, the last one maybe fewer. Each slot holds the next valid event,
/// a repetition of one of the last 1,024, or something broken; which of them follows from seed,
/// connection and slot. Rarely a whole frame is broken by a false checksum, and then all of its
/// slots are broken ones.
///
/// Of the valid events 80 % are moves with a hint wanted, 10 % claims, 10 % scores; a player's
/// first is a join. Seven of eight players walk, one open step a move; the eighth stands on a
/// treasure and claims that one. Event n of a player happened 250 n ms after the start of 2026.
///
/// In a mixed stream (`plan.mix`) three of four claims are made by players who stand on a treasure.
/// An edge change belongs to no player.
///
/// Memory: 8 bytes a player, 64 KiB, and one frame. Cost: one cache miss an event, mostly hidden.
public final class EventSource {
  /// The start of 2026, ms since 1970.
  public static let epochMs: Int64 = 1_767_225_600_000
  private static let recentCount = 1_024
  /// Broken slots for each slot of a frame with a false checksum.
  private static let brokenPerCorrupt: UInt64 = 64

  /// The frame made last: free bytes for its header, then its events.
  public let frame: Slab
  /// Slots of the frame made last, and what they hold.
  public private(set) var count = 0
  public private(set) var malformed = 0
  public private(set) var duplicates = 0
  /// The checksum of the frame made last is to be false.
  public private(set) var isCorrupt = false
  /// Frames made.
  public private(set) var frames: UInt64 = 0
  /// Valid events made.
  public private(set) var events: UInt64 = 0
  /// Valid events to make.
  public let eventsMax: UInt64

  private let plan: LoadPlan
  private let mix: LoadMix?
  private let world: LoadWorld
  private let connection: UInt64
  private let firstSequence: UInt64
  private let playerCount: UInt64
  private let treasureCount: UInt64
  /// UInt32 block and UInt32 events made, a player.
  private let players: Slab
  private let recent: Slab
  private let eventKey: UInt64
  private let slotKey: UInt64
  private let playerKey: UInt64
  /// Of 2^32: frames with a false checksum, and in the others, broken and repeated slots.
  private let corruptShare: UInt64
  private let malformedShare: UInt64
  private let duplicateShare: UInt64

  /// - Parameters:
  ///   - connection: `0..<plan.connections`.
  ///   - firstSequence: Of valid event 0.
  public init(_ plan: LoadPlan, world: LoadWorld, connection: Int, firstSequence: UInt64 = 1) {
    precondition((1...FrameHeader.eventCountMax).contains(plan.batch), "batch of \(plan.batch)")
    precondition((0..<plan.connections).contains(connection) && plan.players >= plan.connections)
    precondition(plan.malformedPercent >= 0 && plan.duplicatePercent >= 0)
    precondition(plan.malformedPercent + plan.duplicatePercent <= 100)
    precondition(world.treasureCount > 0, "a world without treasures")
    self.plan = plan
    mix = plan.mix
    treasureCount = UInt64(world.treasureCount)
    self.world = world
    self.connection = UInt64(connection)
    self.firstSequence = firstSequence
    let (share, rest) = plan.players.quotientAndRemainder(dividingBy: plan.connections)
    playerCount = UInt64(share + (connection < rest ? 1 : 0))
    eventsMax =
      plan.events.map { total in
        let (share, rest) = total.quotientAndRemainder(dividingBy: UInt64(plan.connections))
        return share + (UInt64(connection) < rest ? 1 : 0)
      } ?? .max
    players = Slab(byteCount: Int(playerCount) * 8)
    recent = Slab(byteCount: Self.recentCount * Event.byteCount)
    frame = Slab(byteCount: FrameHeader.byteCount + plan.batch * Event.byteCount)
    let key = mixed(plan.seed) ^ mixed(~UInt64(connection))
    eventKey = mixed(key)
    slotKey = mixed(key &+ 1)
    playerKey = mixed(plan.seed &+ 2)
    let whole: UInt64 = 1 << 32
    let wanted = whole * UInt64(plan.malformedPercent) / 100
    corruptShare = wanted / Self.brokenPerCorrupt
    // Broken frames add to the broken slots, so that there are fewer of the latter.
    malformedShare = (wanted - corruptShare) * whole / (whole - corruptShare)
    duplicateShare = whole * UInt64(plan.duplicatePercent) / 100
  }

  /// Whether every valid event asked for is made.
  public var isDone: Bool { events == eventsMax }

  /// Makes the next frame, of at most `countMax` slots, `1...plan.batch`; all frames but the last
  /// are full. The last valid event asked for ends its frame. Call only while `!isDone`.
  public func makeFrame(_ countMax: Int) {
    precondition((1...plan.batch).contains(countMax) && !isDone, "frame of \(countMax) events")
    malformed = 0
    duplicates = 0
    let number = frames
    frames += 1
    isCorrupt = mixed(slotKey ^ ~number) >> 32 < corruptShare
    let firstSlot = number &* UInt64(plan.batch)
    let isPure = malformedShare == 0 && duplicateShare == 0
    if isPure {
      count = Int(min(UInt64(countMax), eventsMax - events))
      for at in 0..<count { makeValid(FrameHeader.byteCount &+ at &* Event.byteCount) }
      return
    }
    count = 0
    while count < countMax, !isDone {
      let at = count
      let place = FrameHeader.byteCount &+ at &* Event.byteCount
      count &+= 1
      let random = mixed(slotKey &+ firstSlot &+ UInt64(at))
      let share = random >> 32
      if isCorrupt || share < malformedShare {
        makeMalformed(place, random)
        malformed &+= 1
      } else if share < malformedShare &+ duplicateShare, events > 0 {
        let held = min(events, UInt64(Self.recentCount))
        let back = ((random & 0xffff_ffff) &* held) &>> 32
        frame.copy(from: recent, at: recentPlace(events &- 1 &- back), to: place, count: 64)
        duplicates &+= 1
      } else {
        makeValid(place)
      }
    }
  }

  @inline(__always)
  private func recentPlace(_ event: UInt64) -> Int {
    Int(event % UInt64(Self.recentCount)) &* Event.byteCount
  }

  // MARK: valid events

  /// The player of a valid event, as a place among the connection's own.
  @inline(__always)
  private func player(_ random: UInt64) -> Int {
    Int(((random &>> 32) &* playerCount) &>> 32)
  }

  /// Whether a player of these traits stands on a treasure and stays there.
  @inline(__always)
  private func isParked(_ traits: UInt64) -> Bool { traits & 7 == 0 }

  @inline(__always)
  private func number(ofOwn own: Int) -> UInt64 {
    1 &+ connection &+ UInt64(own) &* UInt64(plan.connections)
  }

  @inline(__always)
  private func makeValid(_ place: Int) {
    let index = events
    events &+= 1
    players.prefetch(player(mixed(eventKey &+ index &+ 8)) &* 8)
    let random = mixed(eventKey &+ index)
    let wanted = mix?.kind(index &* UInt64(plan.connections) &+ connection)
    if wanted == .edge { return makeEdge(place, index, random) }
    let own = wanted == .claim ? claimant(random) : player(random)
    var block = players.load(own &* 8, as: UInt32.self)
    let made = players.load(own &* 8 &+ 4, as: UInt32.self)
    var event = Event(
      kind: .move, sequence: firstSequence &+ index, player: number(ofOwn: own),
      time: Self.epochMs &+ Int64(made) &* 250)
    let traits = mixed(playerKey &+ event.player)
    let ownTreasure = treasure(traits &>> 32)
    let isParked = isParked(traits)
    if made <= 1, let kind = arrival(made) {
      event.kindByte = kind.rawValue
      block =
        isParked
        ? world.block(ofTreasure: ownTreasure)
        : UInt32(world.nearestOpen(to: Int((traits &>> 24) % UInt64(world.blockCount))))
    } else {
      switch wanted ?? drawnKind(random) {
      case .move:
        event.flags = .wantHint
        if !isParked { block = step(from: block, random &>> 16) }
      case .claim:
        event.kindByte = EventKind.claim.rawValue
        event.treasure =
          isParked
          ? ownTreasure : treasure(mixed(random))
      default:
        event.kindByte = EventKind.score.rawValue
        event.value = 1 &+ Int64((random &>> 16) & 15)
      }
    }
    event.x = Int32(truncatingIfNeeded: block % UInt32(world.width))
    event.y = Int32(truncatingIfNeeded: block / UInt32(world.width))
    players.store(block, own &* 8)
    players.store(made &+ 1, own &* 8 &+ 4)
    frame.store(event, place)
    if duplicateShare > 0 || malformedShare > 0 { recent.store(event, recentPlace(index)) }
  }

  @inline(__always)
  private func drawnKind(_ random: UInt64) -> EventKind {
    let roll = ((random & 0xffff) &* 100) &>> 16
    return roll < 80 ? .move : roll < 90 ? .claim : .score
  }

  /// Who makes a claim of a mixed stream: three times of four somebody on a treasure, if one of 32
  /// players drawn is.
  private func claimant(_ random: UInt64) -> Int {
    var own = player(random)
    if random & 3 == 0 { return own }
    var again = random
    for _ in 0..<32 {
      if isParked(mixed(playerKey &+ number(ofOwn: own))) { break }
      again = mixed(again)
      own = player(again)
    }
    return own
  }

  /// An open step anywhere gets a multiplier of 1...16.
  private func makeEdge(_ place: Int, _ index: UInt64, _ random: UInt64) {
    let block = world.nearestOpen(to: Int((random &>> 24) % UInt64(world.blockCount)))
    let direction = direction(world.steps.load(block, as: UInt8.self), random &>> 8)
    var event = Event(kind: .edge, sequence: firstSequence &+ index, time: Self.epochMs)
    event.x = Int32(truncatingIfNeeded: block % world.width)
    event.y = Int32(truncatingIfNeeded: block / world.width)
    let order = EdgeOrder.step(
      direction: UInt8(direction &>> world.windShift),
      multiplier: 1 &+ UInt8(truncatingIfNeeded: random & 15))
    event.value = order.value
    frame.store(event, place)
    if duplicateShare > 0 || malformedShare > 0 { recent.store(event, recentPlace(index)) }
  }

  @inline(__always)
  private func treasure(_ random: UInt64) -> UInt32 {
    1 &+ UInt32(truncatingIfNeeded: random % treasureCount)
  }

  /// What a player's event number `made` has to be so that the player stands where we think; nil
  /// when it may be anything.
  @inline(__always)
  private func arrival(_ made: UInt32) -> EventKind? {
    if plan.rejoins { return made == 0 ? .leave : .join }
    return made == 0 ? .join : nil
  }

  /// A block beside `block` that a step leads to; a random one of them.
  @inline(__always)
  private func step(from block: UInt32, _ random: UInt64) -> UInt32 {
    let direction = direction(world.steps.load(Int(block), as: UInt8.self), random)
    let delta = world.deltas.load(direction &* 4, as: Int32.self)
    return UInt32(truncatingIfNeeded: Int32(truncatingIfNeeded: block) &+ delta)
  }

  /// One of the directions in `open`, of which there is one: the first at or after a random one,
  /// clockwise.
  @inline(__always)
  private func direction(_ open: UInt8, _ random: UInt64) -> Int {
    let turn = UInt8(truncatingIfNeeded: random & 7)
    let turned = (UInt16(open) &* 0x101) &>> UInt16(turn)
    return (Int(turn) &+ turned.trailingZeroBitCount) & 7
  }

  // MARK: broken events

  /// Ways to break an event that the checks of a single event find; each value has one of its own.
  public enum Flaw: UInt8, CaseIterable, Sendable {
    case oldVersion, newVersion, kindZero, kindUnknown, kindOfEngine, kindUnsupported
    case flagOfEngine, flagReserved, sequenceAbove, timeNegative, timeAbove, playerMissing
    case treasureMissing, scoreAbove, edgeLayout, noise
  }

  private func makeMalformed(_ place: Int, _ random: UInt64) {
    var event =
      events > 0
      ? recent.load(recentPlace(events - 1), as: Event.self)
      : Event(kind: .move, player: 1, time: Self.epochMs)
    event.sequence = firstSequence &+ events
    let flaw = Flaw(rawValue: UInt8(truncatingIfNeeded: random & 15)) ?? .noise
    Self.spoil(&event, flaw, random)
    frame.store(event, place)
  }

  /// Makes a valid event break exactly the rule of `flaw`.
  public static func spoil(_ event: inout Event, _ flaw: Flaw, _ random: UInt64) {
    switch flaw {
    case .oldVersion: event.version = 0
    case .newVersion: event.version = 2
    case .kindZero: event.kindByte = 0
    case .kindUnknown: event.kindByte = 200
    case .kindOfEngine: event.kindByte = EventKind.tally.rawValue
    case .kindUnsupported: event.kindByte = EventKind.purchase.rawValue
    case .flagOfEngine: event.flags = .operate
    case .flagReserved: event.flags = EventFlags(rawValue: 1 << 7)
    case .sequenceAbove: event.sequence = Event.sequenceMax + 1
    case .timeNegative: event.time = -1
    case .timeAbove: event.time = Event.timeMax + 1
    case .playerMissing:
      event.kindByte = EventKind.move.rawValue
      event.player = 0
    case .treasureMissing:
      event.kindByte = EventKind.claim.rawValue
      event.treasure = 0
    case .scoreAbove:
      event.kindByte = EventKind.score.rawValue
      event.value = 1_000_000_001
    case .edgeLayout:
      event.kindByte = EventKind.edge.rawValue
      event.value = 1 << 59
    case .noise:
      event.sequence = mixed(random)
      event.player = mixed(random &+ 1)
      event.time = Int64(bitPattern: mixed(random &+ 2))
      event.x = Int32(truncatingIfNeeded: random >> 8)
      event.flags = EventFlags(rawValue: UInt16(truncatingIfNeeded: random >> 16))
      event.version = 0xff
    }
  }
}
