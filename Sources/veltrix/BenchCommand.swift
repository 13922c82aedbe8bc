import Bounded
import CMallocCount
import CSystem
import Disk
import Events
import Hunt
import Pages
import Partitions
import World

/// `veltrix bench apply`, `disk` and `pages`.
enum BenchCommand {
  static let command = Command(
    name: "bench", summary: "measure the state machine alone on this machine", help: help, run: run)

  static func help() -> String {
    """
    veltrix bench - measure parts of the engine on this machine

    usage: veltrix bench apply [--events <n>] [--players <n>] [--treasures <n>] [--seed <n>]
                               [--runs <n>] [--json <file>]
           veltrix bench disk [--data <dir>] [--seconds <n>] [--per-second <n>] [--json <file>]
           veltrix bench pages [--players <n>] [--edges <n>] [--runs <n>] [--json <file>]
      apply            steps of one partition in memory, no disk, no network: 80 % moves by one step
                       with a hint, 10 % claims, 10 % scores, two boards, batches of 512
      --events <n>     events a run, 100,000...1,000,000,000              default 10,000,000
      --players <n>    1,000...16,000,000                                  default 1,000,000
      --treasures <n>  100...1,000,000, stock 100, respawn 10 s               default 10,000
      --seed <n>                                                                   default 1
      --runs <n>       runs after one to warm up, 1...100                          default 5
      disk             durable writes of one 4 KiB block: the floor under an acknowledgement
      --data <dir>     where to write                                        default veltrix-data
      --seconds <n>    1...3,600                                                   default 10
      --per-second <n> writes, 1...10,000                                       default 1,000
      pages            forks, digests, differences, writes and reads of a state in pages; needs
                       1.3 GB for a world of 47,000,000 edges
      --edges <n>      10,000...1,000,000,000                             default 47,000,000
      --json <file>    the figures, for programs

    exit: 0 fine, 1 the books do not balance or an answer is wrong, 2 bad usage
    """
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      var arguments = try Arguments(arguments)
      var plan = ApplyBench.Plan()
      plan.events = try arguments.takeInteger(
        "--events", 100_000...1_000_000_000, default: plan.events)
      plan.players = try arguments.takeInteger(
        "--players", 1_000...16_000_000, default: plan.players)
      plan.treasures = try arguments.takeInteger(
        "--treasures", 100...1_000_000, default: plan.treasures)
      plan.seed = UInt64(try arguments.takeInteger("--seed", 0...Int.max, default: 1))
      plan.runs = try arguments.takeInteger("--runs", 1...100, default: 5)
      let path = arguments.take("--json")
      if arguments.words == ["disk"] {
        let folder = arguments.take("--data") ?? "veltrix-data"
        let seconds = try arguments.takeInteger("--seconds", 1...3_600, default: 10)
        let perSecond = try arguments.takeInteger("--per-second", 1...10_000, default: 1_000)
        if let flag = arguments.flags.first {
          throw Arguments.Fault(message: "\(flag.name): unknown flag")
        }
        return disk(folder, seconds, perSecond, path)
      }
      var pagesPlan = PagesBench.Plan()
      if arguments.words == ["pages"] {
        pagesPlan.edges = try arguments.takeInteger(
          "--edges", 10_000...1_000_000_000, default: pagesPlan.edges)
      } else if arguments.words != ["apply"] {
        throw Arguments.Fault(message: "one of apply, disk, pages is needed")
      }
      if let flag = arguments.flags.first {
        throw Arguments.Fault(message: "\(flag.name): unknown flag")
      }
      if arguments.words == ["pages"] {
        (pagesPlan.players, pagesPlan.runs) = (plan.players, plan.runs)
        return pages(pagesPlan, path)
      }
      return measure(plan, path)
    } catch { return usage("bench", error) }
  }

  private static func disk(
    _ folder: String, _ seconds: Int, _ perSecond: Int, _ path: String?
  ) -> Int32 {
    do throws(DiskFault) {
      let times = try DiskBench.run(folder: folder, seconds: seconds, perSecond: perSecond)
      func us(_ part: UInt64) -> Int64 { times.percentile(perMillion: part) / 1_000 }
      Terminal.out(
        "durable 4 KiB writes, \(perSecond)/s for \(seconds) s: p50 \(us(500_000)) us, "
          + "p99 \(us(990_000)) us, p99.9 \(us(999_000)) us, max \(times.max / 1_000) us, "
          + "\(times.count) samples")
      if let path {
        let json =
          "{\"p50\":\(us(500_000)),\"p99\":\(us(990_000)),\"p999\":\(us(999_000)),"
          + "\"max\":\(times.max / 1_000),\"samples\":\(times.count)}\n"
        try Files.replace(path, Array(json.utf8))
      }
      return ExitCode.fine
    } catch {
      Terminal.error("veltrix bench: \(error)")
      return ExitCode.failedCheck
    }
  }

  private static func pages(_ plan: PagesBench.Plan, _ path: String?) -> Int32 {
    var bench = PagesBench(plan)
    Terminal.out(
      "\(plan.players) players, \(plan.edges) edges, \(bench.pageCount) pages of 4 KiB\n"
        + PagesBench.Figure.title)
    var figures: [String] = []
    bench.measure {
      Terminal.out($0.line)
      figures.append($0.json)
    }
    Terminal.out("check \(bench.check)")
    for fault in bench.faults { Terminal.error("veltrix bench: \(fault)") }
    if let path {
      let json =
        "{\"players\":\(plan.players),\"edges\":\(plan.edges),\"pages\":\(bench.pageCount),"
        + "\"runs\":\(plan.runs),\"figures\":[\n\(figures.joined(separator: ",\n"))\n]}\n"
      do throws(DiskFault) { try Files.replace(path, Array(json.utf8)) } catch {
        Terminal.error("veltrix bench: \(error)")
        return ExitCode.usage
      }
    }
    return bench.faults.isEmpty ? ExitCode.fine : ExitCode.failedCheck
  }

  private static func measure(_ plan: ApplyBench.Plan, _ path: String?) -> Int32 {
    var bench = ApplyBench(plan)
    _ = bench.run()
    var rates: [Int] = []
    let rssBefore = vx_rss_bytes()
    let allocationsBefore = vx_malloc_count()
    for run in 1...plan.runs {
      let ns = bench.run()
      let rate = Int(Int64(plan.events) * 1_000_000_000 / ns.wall)
      rates.append(rate)
      Terminal.out(
        "run \(run): \(rate) events/s, \(ns.wall / Int64(plan.events)) ns an event, "
          + "\(ns.processor / Int64(plan.events)) ns of processor")
    }
    let allocations = vx_malloc_count() - allocationsBefore
    let rss = vx_rss_bytes()
    rates.sort()
    let median = rates[rates.count / 2]
    let books = bench.books
    let events = UInt64(plan.events) * UInt64(plan.runs)
    Terminal.out(
      """
      median \(median) events/s  \(rates[0]) ... \(rates[rates.count - 1])  \
      \(plan.runs) runs x \(plan.events)
      allocations \(allocations) in \(events) events
      rss \(rss >> 20) MiB, \(rss - rssBefore) bytes more than before the runs
      books received \(books.received) applied \(books.applied) \
      \(books.isBalanced ? "balanced" : "NOT BALANCED")
      granted claims \(bench.claims), digest \(bench.digest.hex)
      """)
    if let path {
      let json = """
        {"events_per_second":\(median),"events_per_second_min":\(rates[0]),\
        "events_per_second_max":\(rates[rates.count - 1]),"runs":\(plan.runs),\
        "events":\(plan.events),"players":\(plan.players),"treasures":\(plan.treasures),\
        "allocations_per_event":\(allocations == 0 ? "0" : "\(Double(allocations) / Double(events))"),\
        "rss_bytes":\(rss),"rss_growth_bytes":\(rss - rssBefore),\
        "claims_granted":\(bench.claims),"books_balance":\(books.isBalanced)}

        """
      do throws(DiskFault) { try Files.replace(path, Array(json.utf8)) } catch {
        Terminal.error("veltrix bench: \(error)")
        return ExitCode.usage
      }
    }
    return books.isBalanced ? ExitCode.fine : ExitCode.failedCheck
  }
}

/// The state machine under a realistic mix, in memory taken before the clock starts.
struct ApplyBench: ~Copyable {
  struct Plan {
    var events = 10_000_000
    var players = 1_000_000
    var treasures = 10_000
    var seed: UInt64 = 1
    var runs = 5
  }

  private static let batch = 512
  private static let side = 1_024

  private let plan: Plan
  private var partition: Partition
  private let map: BlockMap
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

  init(_ plan: Plan) {
    self.plan = plan
    random = SplitMix64(seed: plan.seed)
    var text = Array("type octile\nheight \(Self.side)\nwidth \(Self.side)\nmap\n".utf8)
    for y in 0..<Self.side {
      for x in 0..<Self.side {
        // Short walls, an eighth of the rows: a world to walk around in.
        text.append(UInt8(ascii: y % 8 == 0 && (x / 16) % 2 == (y / 8) % 2 ? "@" : "."))
      }
      text.append(UInt8(ascii: "\n"))
    }
    do throws(MapRejection) {
      map = try BlockMap(parsing: text.span, neighbourhood: .eight)
    } catch { preconditionFailure("the bench's own map: \(error)") }
    var definition = HuntDefinition(name: "bench")
    definition.limits.players = plan.players
    definition.limits.treasures = plan.treasures
    definition.limits.claims = 4_000_000
    definition.rules.speedMax = 0
    definition.rules.claimsPerPlayer = 0
    treasurePlaces = Slab(byteCount: plan.treasures * 8)
    for at in 0..<plan.treasures {
      let node = Self.openNode(map, &random)
      let (x, y) = map.place(node)
      var treasure = TreasureSpec(id: UInt32(at + 1), x: Int32(x), y: Int32(y))
      treasure.stock = 100
      treasure.respawnMs = 10_000
      definition.treasures.append(treasure)
      treasurePlaces.store(node, at * 8)
    }
    let pool = PagePool(pageCount: Partition.pagesNeeded(definition, map))
    adviseHugePages(pool.memory)
    partition = Partition(
      definition, map: map, number: 1, digestEvery: 1 << 40, heldLines: 4_096, pool: pool)
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

  private static func openNode(_ map: BlockMap, _ random: inout SplitMix64) -> UInt32 {
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
        let (x, y) = map.place(places.load((player + at) * 4, as: UInt32.self))
        input.store(
          event(.join, player + at, x, y), at * 64)
      }
      step(count)
      player += count
    }
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

  /// Applies `plan.events` events; the nanoseconds that the steps took by the clock and of the
  /// processor, without making the events.
  mutating func run() -> (wall: Int64, processor: Int64) {
    var left = plan.events
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
    var (x, y) = map.place(node)
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
    effects = output.takeEffects()
  }
}
