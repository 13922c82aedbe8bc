import Bounded
import CSystem
import Disk
import Events
import Hunt
import Pages
import Partitions
import World

/// What a move with a hint costs in process: the hunt's own judgement of it, from the event to the
/// outcome, on the square of `GraphBench` with its weights.
///
/// Players walk a block at a time, in any order, and ask for a hint at each; events come in batches
/// of 512 and are applied as a partition does, asking ahead for what they will touch. Every other
/// batch is timed as a whole, which gives a mean; in the others each move is timed by itself, which
/// adds what reading the clock twice costs.
struct MoveBench: ~Copyable {
  private static let batch = 512
  private static let ahead = 16

  private let side: Int
  private let pool: PagePool
  private var state: HuntState
  private var effects = EffectBuffer(capacity: 1)
  private let input = Slab(byteCount: batch * 64)
  private let outcomes = Slab(byteCount: batch * 64)
  /// Where each player is.
  private var players: [UInt32] = []
  /// Nodes of the treasures; treasure k + 1 lies on number k.
  let places: [UInt32]
  private var random: SplitMix64
  private var sequence: UInt64 = 0
  private var offset: UInt64 = 0
  private var time: Int64 = 1_767_225_600_000
  /// Answers that were not as they must be.
  private(set) var faults: [String] = []

  init(
    side: Int, treasures: Int, players: Int, seed: UInt64, weights: borrowing PlainGraph
  ) {
    self.side = side
    var random = SplitMix64(seed: seed)
    let cells = Slab(byteCount: side * side)
    for node in 0..<side * side { cells.store(UInt8(ascii: "."), node) }
    let bytes = Slab(byteCount: side * side * 4)
    weights.copyWeights(to: bytes)
    let map = Topology(grid: cells, width: side, height: side, neighbourhood: .four) {
      bytes.load($0 * 4 + $1, as: UInt8.self)
    }
    var definition = HuntDefinition(name: "moves")
    definition.limits.players = players
    definition.limits.names = 1
    definition.limits.treasures = treasures
    definition.limits.claims = 1
    definition.rules.speedMax = 0
    definition.boards = []
    var places: [UInt32] = []
    var taken = Set<UInt32>()
    while places.count < treasures {
      let node = UInt32(random.below(UInt64(map.nodeCount)))
      if taken.insert(node).inserted { places.append(node) }
    }
    for (at, node) in places.enumerated() {
      let (x, y, _) = map.place(node)
      definition.treasures.append(TreasureSpec(id: UInt32(at + 1), x: Int32(x), y: Int32(y)))
    }
    self.places = places
    pool = PagePool(pageCount: Partition.pagesNeeded(definition, map))
    adviseHugePages(pool.memory)
    touchPages(pool.memory)
    state = HuntState(definition, map: map, pool: pool)
    self.random = random
    _ = apply(Event(kind: .tick, time: time))
    for player in 0..<players {
      let node = UInt32(self.random.below(UInt64(map.nodeCount)))
      self.players.append(node)
      let outcome = apply(event(.join, player, node))
      if outcome.result != .ok && faults.isEmpty {
        faults.append("player \(player) joins: \(outcome.resultRaw)")
      }
    }
  }

  /// Times `count` moves; a sample a batch, in ns a move, and one of each move alone.
  mutating func run(
    moves count: Int, against plain: borrowing PlainGraph
  ) -> (means: Histogram, single: Histogram) {
    var means = Histogram()
    var single = Histogram()
    for batch in 0..<max(count / Self.batch, 2) {
      fill()
      if batch & 1 == 0 {
        means.record(applyAll() / Int64(Self.batch))
      } else {
        applyEach(&single)
      }
      check(plain)
    }
    return (means, single)
  }

  /// A step of a batch of players, as events.
  private mutating func fill() {
    time += 1
    _ = apply(Event(kind: .tick, time: time))
    for at in 0..<Self.batch {
      let player = Int(random.below(UInt64(players.count)))
      let (y, x) = Int(players[player]).quotientAndRemainder(dividingBy: side)
      let isAcross = random.next() & 1 == 0
      let isBack = random.next() & 1 == 0
      // Who walks against the rim turns round.
      let by = (isAcross ? x : y) == (isBack ? 0 : side - 1) ? (isBack ? 1 : -1) : (isBack ? -1 : 1)
      players[player] = UInt32(isAcross ? y * side + x + by : (y + by) * side + x)
      var event = event(.move, player, players[player])
      event.flags = .wantHint
      input.store(event, at * 64)
    }
  }

  private mutating func event(_ kind: EventKind, _ player: Int, _ node: UInt32) -> Event {
    sequence += 1
    let (y, x) = Int(node).quotientAndRemainder(dividingBy: side)
    return Event(
      kind: kind, producer: 7, sequence: sequence, player: UInt64(player + 1), time: time,
      x: Int32(x), y: Int32(y))
  }

  private mutating func apply(_ event: Event) -> Outcome {
    defer { offset += 1 }
    return state.apply(event, offset: offset, &effects)
  }

  /// Applies the batch; the ns that it took.
  private mutating func applyAll() -> Int64 {
    let lines = LineRun(input, first: 0, count: Self.batch)
    let start = vx_monotonic_ns()
    for at in 0..<Self.ahead { state.prefetchIndex(lines, at) }
    for at in 0..<Self.batch { applyNext(lines, at) }
    return vx_monotonic_ns() - start
  }

  /// Applies the batch and records what each of its moves took.
  private mutating func applyEach(_ times: inout Histogram) {
    let lines = LineRun(input, first: 0, count: Self.batch)
    for at in 0..<Self.ahead { state.prefetchIndex(lines, at) }
    for at in 0..<Self.batch {
      let start = vx_monotonic_ns()
      applyNext(lines, at)
      times.record(vx_monotonic_ns() - start)
    }
  }

  @inline(__always)
  private mutating func applyNext(_ lines: LineRun, _ at: Int) {
    let ahead = Self.ahead
    if at + ahead < Self.batch { state.prefetchIndex(lines, at + ahead) }
    if at + ahead / 2 < Self.batch { state.prefetchRow(lines, at + ahead / 2) }
    if state.asksForSteps && at + ahead / 4 < Self.batch {
      state.prefetchStep(lines, at + ahead / 4)
    }
    let outcome = state.apply(lines.load(at, as: Event.self), offset: offset, &effects)
    outcomes.store(outcome, at * 64)
    offset += 1
  }

  /// Every hint of the batch is what `plain` found.
  private mutating func check(_ plain: borrowing PlainGraph) {
    for at in 0..<Self.batch {
      let event = input.load(at * 64, as: Event.self)
      let outcome = outcomes.load(at * 64, as: Outcome.self)
      let (distance, treasure) = plain.at(UInt32(Int(event.y) * side + Int(event.x)))
      if outcome.result == .ok, outcome.distance == distance, outcome.treasure == treasure {
        continue
      }
      if !faults.isEmpty { return }
      return faults.append(
        "a move to \(event.x), \(event.y): \(outcome.resultRaw), \(outcome.distance) from "
          + "\(outcome.treasure), and must be \(distance) from \(treasure)")
    }
  }
}
