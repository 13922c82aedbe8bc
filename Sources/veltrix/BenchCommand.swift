import Bounded
import CMallocCount
import CSystem
import Disk
import Engine
import Events
import Hunt
import Pages
import Partitions
import World

/// `veltrix bench`.
enum BenchCommand {
  static let command = Command(
    name: "bench", summary: "measure the state machine alone on this machine", help: help, run: run)

  static func help() -> String {
    """
    veltrix bench - measure parts of the engine on this machine

    usage: veltrix bench apply [--events <n>] [--players <n>] [--treasures <n>] [--seed <n>]
                               [--runs <n>] [--json <file>]
           veltrix bench replay [--events <n>] [--players <n>] [--treasures <n>] [--seed <n>]
                                [--runs <n>] [--json <file>]
           veltrix bench disk [--data <dir>] [--seconds <n>] [--per-second <n>] [--json <file>]
           veltrix bench pages [--players <n>] [--edges <n>] [--runs <n>] [--json <file>]
           veltrix bench graph [--side <n>] [--treasures <n>] [--work <n>] [--seed <n>]
                               [--runs <n>] [--only searches] [--json <file>]
           veltrix bench graph --world <file.vxw> --plan <file> --answers <file> [--work <n>]
      apply            steps of one partition in memory, no disk, no network: 80 % moves by one step
                       with a hint, 10 % claims, 10 % scores, two boards, batches of 512
      replay           the journal of such a hunt, its joins included and a digest of every page in
                       1,000,000 events, applied again in memory as recovery does; with the boards
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
      graph            hints, moves, edge changes, claims, spawns and paths in a square of blocks,
                       weights of 1 to 16, beside plain Dijkstra; needs 1.5 GB
      --side <n>       blocks, 16...4,096; --treasures at most an eighth of all  default 3,400
      --only searches  paths and nearest treasures alone, and the first field
      --work <n>       blocks one event repairs, a tick half as many, 16...65,536    default 640
      --plan <file>    what to do on the grid of --world, as Benchmarks/peers/graph/run.py draws
                       it; answers go to a file, the time of each step to stdout as JSON
      --json <file>    the figures, for programs

    exit: 0 fine, 1 the books do not balance, a replay differs or an answer is wrong, 2 bad usage
    """
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      var arguments = try Arguments(arguments)
      var plan = ApplyBench.Plan()
      if arguments.words == ["graph"] { return try graph(&arguments) }
      plan.events = try arguments.takeInteger(
        "--events", 100_000...1_000_000_000, default: plan.events)
      plan.players = try arguments.takeInteger(
        "--players", 1_000...16_000_000, default: plan.players)
      plan.treasures = try arguments.takeInteger(
        "--treasures", 100...1_000_000, default: plan.treasures)
      plan.seed = UInt64(try arguments.takeInteger("--seed", 0...Int.max, default: 1))
      plan.runs = try arguments.takeInteger("--runs", 1...100, default: plan.runs)
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
      } else if arguments.words != ["apply"] && arguments.words != ["replay"] {
        throw Arguments.Fault(message: "one of apply, replay, disk, pages, graph is needed")
      }
      if let flag = arguments.flags.first {
        throw Arguments.Fault(message: "\(flag.name): unknown flag")
      }
      if arguments.words == ["pages"] {
        (pagesPlan.players, pagesPlan.runs) = (plan.players, plan.runs)
        return pages(pagesPlan, path)
      }
      return arguments.words == ["replay"]
        ? ReplayBench.measure(plan, path) : measure(plan, path)
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

  private static func graph(_ arguments: inout Arguments) throws(Arguments.Fault) -> Int32 {
    if let world = arguments.take("--world") { return try planned(world, &arguments) }
    var plan = GraphBench.Plan()
    plan.side = try arguments.takeInteger("--side", 16...4_096, default: plan.side)
    plan.treasures = try arguments.takeInteger(
      "--treasures", 1...plan.side * plan.side / 8,
      default: min(plan.treasures, plan.side * plan.side / 115))
    plan.fewTreasures = min(plan.fewTreasures, plan.treasures)
    plan.work = try arguments.takeInteger("--work", 16...65_536, default: plan.work)
    plan.seed = UInt64(try arguments.takeInteger("--seed", 0...Int.max, default: 1))
    plan.runs = try arguments.takeInteger("--runs", 1...100, default: plan.runs)
    if let only = arguments.take("--only") {
      guard only == "searches" else {
        throw Arguments.Fault(message: "--only \(only): must be searches")
      }
      plan.searchesOnly = true
    }
    let path = arguments.take("--json")
    if let flag = arguments.flags.first {
      throw Arguments.Fault(message: "\(flag.name): unknown flag")
    }
    var bench = GraphBench(plan)
    let side = plan.side
    Terminal.out(
      "\(side) x \(side) blocks, \(4 * side * (side - 1)) edges, \(plan.treasures) treasures, work "
        + "\(plan.work); in the last column plain Dijkstra\n" + PagesBench.Figure.title)
    var figures: [String] = []
    bench.measure {
      Terminal.out($0.line)
      figures.append($0.json)
    }
    for fault in bench.faults { Terminal.error("veltrix bench: \(fault)") }
    if let path {
      let json =
        "{\"side\":\(side),\"treasures\":\(plan.treasures),\"work\":\(plan.work),"
        + "\"runs\":\(plan.runs),\"figures\":[\n\(figures.joined(separator: ",\n"))\n]}\n"
      do throws(DiskFault) { try Files.replace(path, Array(json.utf8)) } catch {
        Terminal.error("veltrix bench: \(error)")
        return ExitCode.usage
      }
    }
    return bench.faults.isEmpty ? ExitCode.fine : ExitCode.failedCheck
  }

  private static func planned(
    _ worldPath: String, _ arguments: inout Arguments
  ) throws(Arguments.Fault) -> Int32 {
    guard let planPath = arguments.take("--plan"), let answersPath = arguments.take("--answers")
    else { throw Arguments.Fault(message: "--world: --plan and --answers are needed too") }
    let work = try arguments.takeInteger("--work", 16...65_536, default: 640)
    if let flag = arguments.flags.first {
      throw Arguments.Fault(message: "\(flag.name): unknown flag")
    }
    func fail(_ reason: String) -> Int32 {
      Terminal.error("veltrix bench: \(reason)")
      return ExitCode.usage
    }
    let map: Topology
    do throws(WorldFileFault) { map = try WorldFile.open(worldPath) } catch {
      return fail("--world \(error)")
    }
    guard map.form == .grid else { return fail("--world \(worldPath): not a grid") }
    do throws(DiskFault) {
      let text = try Files.read(planPath)
      var bench = PlannedGraphBench(map, work: work)
      let degree = map.neighbourhood.degree
      do throws(GraphPlan.Fault) {
        let plan = try GraphPlan(text, nodeCount: map.nodeCount, degree: degree)
        if let fault = bench.run(plan) { return fail("--plan \(planPath): \(fault)") }
      } catch { return fail("--plan \(planPath):\(error.line): not a step") }
      try Files.replace(answersPath, Array((bench.answers.joined(separator: "\n") + "\n").utf8))
      let kinds = bench.times.sorted { $0.key < $1.key }
        .map { kind, ns in "\"\(kind)\":[\(ns.map { "\($0)" }.joined(separator: ","))]" }
      Terminal.out("{\(kinds.joined(separator: ","))}")
      return ExitCode.fine
    } catch { return fail("\(error)") }
  }

  private static func measure(_ plan: ApplyBench.Plan, _ path: String?) -> Int32 {
    var bench = ApplyBench(plan)
    _ = bench.run()
    var rates: [Int] = []
    let rssBefore = vx_rss_bytes()
    var allocations: UInt64 = 0
    for run in 1...plan.runs {
      let allocationsBefore = vx_malloc_count()
      let ns = bench.run()
      allocations += vx_malloc_count() - allocationsBefore
      let rate = Int(Int64(plan.events) * 1_000_000_000 / ns.wall)
      rates.append(rate)
      Terminal.out(
        "run \(run): \(rate) events/s, \(ns.wall / Int64(plan.events)) ns an event, "
          + "\(ns.processor / Int64(plan.events)) ns of processor")
    }
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
