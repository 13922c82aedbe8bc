import Bounded
import CSystem
import Disk
import Events
import Hunt
import Pages
import Partitions
import World

/// The state machine under a realistic mix, in memory taken before the clock starts.
struct ApplyBench: ~Copyable {
  struct Plan {
    var events = 10_000_000
    var players = 1_000_000
    var treasures = 10_000
    var seed: UInt64 = 1
    var runs = 5
    /// Events in which the state is digested once.
    var digestEvery: UInt64 = 1 << 40
    /// Whether everybody stands on every board before the first run.
    var warms = true
  }

  private static let batch = 512
  private static let side = 1_024

  private let plan: Plan
  private(set) var partition: Partition
  let definition: HuntDefinition
  let map: Topology
  /// Keeps the journal's lines, one behind the other, as far as it has room.
  private let record: Slab?
  private(set) var recordedLines = 0
  private let input = Slab(byteCount: 1_024 * 64)
  private let journal = Slab(byteCount: 2_048 * 64)
  private let replies = Slab(byteCount: 1_024 * 64)
  /// Where each player is: the generator's own copy, so that every move is one legal step.
  private let places: Slab
  private let treasurePlaces: Slab
  private var random: SplitMix64
  private var effects: EffectBuffer? = EffectBuffer(capacity: 1)
  private var sequence: UInt64 = 0
  private var time: Int64 = 1_767_225_600_000

  init(_ plan: Plan, record: Slab? = nil) {
    self.plan = plan
    self.record = record
    random = SplitMix64(seed: plan.seed)
    let rows = (0..<Self.side).map { y in
      // Short walls, an eighth of the rows: a world to walk around in.
      String(
        (0..<Self.side).map { x in y % 8 == 0 && (x / 16) % 2 == (y / 8) % 2 ? "@" : "." })
    }
    map = Topology(rows: rows, neighbourhood: .eight)
    var definition = HuntDefinition(name: "bench")
    definition.limits.players = plan.players
    definition.limits.treasures = plan.treasures
    definition.limits.claims = 4_000_000
    definition.rules.speedMax = 0
    definition.rules.claimsPerPlayer = 0
    treasurePlaces = Slab(byteCount: plan.treasures * 8)
    for at in 0..<plan.treasures {
      let node = Self.openNode(map, &random)
      let (x, y, _) = map.place(node)
      var treasure = TreasureSpec(id: UInt32(at + 1), x: Int32(x), y: Int32(y))
      treasure.stock = 100
      treasure.respawnMs = 10_000
      definition.treasures.append(treasure)
      treasurePlaces.store(node, at * 8)
    }
    self.definition = definition
    let pool = PagePool(pageCount: Partition.pagesNeeded(definition, map))
    adviseHugePages(pool.memory)
    partition = Partition(
      definition, map: map, number: 1, digestEvery: plan.digestEvery, heldLines: 4_096, pool: pool)
    places = Slab(byteCount: plan.players * 4)
    // An eighth of the players stand at treasures: theirs are the claims that can be granted.
    for player in 0..<plan.players {
      let node =
        player % 8 == 0
        ? treasurePlaces.load((player / 8 % plan.treasures) * 8, as: UInt32.self)
        : Self.openNode(map, &random)
      places.store(node, player * 4)
    }
    join()
  }

  private static func openNode(_ map: Topology, _ random: inout SplitMix64) -> UInt32 {
    while true {
      let node = UInt32(random.below(UInt64(map.nodeCount)))
      if map.isPassable(node) { return node }
    }
  }

  var books: BooksRow { partition.books.sum }
  var claims: UInt64 { partition.state.counts.claims }
  var digest: Hash128 { mutating get { partition.state.digest() } }

  private mutating func join() {
    var player = 0
    while player < plan.players {
      let count = min(Self.batch, plan.players - player)
      for at in 0..<count {
        let (x, y, _) = map.place(places.load((player + at) * 4, as: UInt32.self))
        input.store(
          event(.join, player + at, x, y), at * 64)
      }
      step(count)
      player += count
    }
    if !plan.warms { return }
    // Everybody on both boards, and both kept windows of the minute used: the state has its size.
    for _ in 0..<2 {
      time += 60_000
      for first in stride(from: 0, to: plan.players, by: Self.batch) {
        let count = min(Self.batch, plan.players - first)
        for at in 0..<count {
          var event = event(.score, first + at, 0, 0)
          event.value = Int64(random.below(1_000))
          input.store(event, at * 64)
        }
        step(count)
      }
    }
  }

  private mutating func event(_ kind: EventKind, _ player: Int, _ x: Int, _ y: Int) -> Event {
    sequence += 1
    return Event(
      kind: kind, producer: 7, sequence: sequence, player: UInt64(player + 1), time: time,
      x: Int32(x), y: Int32(y))
  }

  /// Applies `plan.events` events, or as many as told; the nanoseconds that the steps took by the
  /// clock and of the processor, without making the events: each batch is made before its clock
  /// starts.
  mutating func run(events: Int? = nil) -> (wall: Int64, processor: Int64) {
    var left = events ?? plan.events
    var wall: Int64 = 0
    var processor: Int64 = 0
    while left > 0 {
      let count = min(Self.batch, left)
      fill(count)
      let start = vx_monotonic_ns()
      let processorStart = vx_thread_cpu_ns()
      step(count)
      processor += vx_thread_cpu_ns() - processorStart
      wall += vx_monotonic_ns() - start
      left -= count
    }
    return (wall, processor)
  }

  private mutating func fill(_ count: Int) {
    time += 1
    for at in 0..<count {
      let draw = random.below(10)
      let player = Int(random.below(UInt64(plan.players)))
      switch draw {
      case 0:
        // Half of the claims by a player who stands at the treasure.
        let isNear = random.next() & 1 == 0
        let claimer = isNear ? player & ~7 : player
        var event = event(.claim, claimer, 0, 0)
        event.treasure = UInt32(claimer / 8 % plan.treasures) + 1
        input.store(event, at * 64)
      case 1:
        var event = event(.score, player, 0, 0)
        event.value = Int64(random.below(20)) + 1
        input.store(event, at * 64)
      default:
        let walker = player % 8 == 0 ? player ^ 1 : player
        input.store(move(min(walker, plan.players - 1)), at * 64)
      }
    }
  }

  /// One step to an open neighbour, or none where the player is walled in.
  private mutating func move(_ player: Int) -> Event {
    let node = places.load(player * 4, as: UInt32.self)
    var (x, y, _) = map.place(node)
    let first = UInt8(truncatingIfNeeded: random.next() & 6)
    for turn in 0..<4 as Range<UInt8> {
      let (dx, dy) = map.neighbourhood.step((first + turn * 2) & 7)
      if let next = map.node(x: x + dx, y: y + dy), map.isPassable(next) {
        places.store(next, player * 4)
        (x, y) = (x + dx, y + dy)
        break
      }
    }
    var event = event(.move, player, x, y)
    event.flags = .wantHint
    return event
  }

  private mutating func step(_ count: Int) {
    var batch = Batch(.submit)
    batch.ack = .applied
    batch.flags = .oneProducer
    batch.producer = 7
    batch.count = UInt32(count)
    guard let unused = effects.take() else { return }
    var output = StepOutput(
      journal: LineTarget(journal, first: 0, capacity: 2_048),
      replies: LineTarget(replies, first: 0, capacity: 1_024), effects: unused)
    partition.step(
      batch, LineRun(input, first: 0, count: count), tick: time, isStopped: false, &output)
    if let record {
      let lines = min(output.journal.count, record.byteCount / 64 - recordedLines)
      record.copy(from: journal, at: 0, to: recordedLines * 64, count: lines * 64)
      recordedLines += lines
    }
    effects = output.takeEffects()
  }
}
