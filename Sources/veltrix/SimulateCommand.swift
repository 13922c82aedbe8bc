import Disk
import Events
import Simulation

/// `veltrix simulate`.
enum SimulateCommand {
  static let command = Command(
    name: "simulate", summary: "play the whole engine against faults, by seed", help: help,
    run: run)

  static func help() -> String {
    """
    veltrix simulate - play the whole engine against faults, by seed

    usage: veltrix simulate --seed <n> [--seeds <k>] [--events <m>] [--faults <list>] [--json]
                            [--plant <bug>] [--twice]
      --seed <n>       the first seed, 0...2^63-1                              required
      --seeds <k>      runs, of this seed and those after it, 1...10,000,000   default 1
      --events <m>     steps of each run: turns of threads, deliveries, client
                       actions, 100...100,000,000                          default 20000
      --faults <list>  all, none, or some of these, with commas between        default all
                       torn lost reordered misdirected dropped rot flush-fails
                       write-fails full slow kill power stop cut delay split
                       duplicate garbage lie clock limits
      --plant <bug>    a bug planted on purpose, which must be found: early-durable
                       hollow-flush wrong-outcome changed-score rank-off-by-one
                       stale-field extra-winner lost-from-books double-applied
                       effects-swapped other-player dirty-fork leaked-pages
                       skipped-dedupe torn-check-lost cut-body
      --twice          run each seed twice and compare the runs
      --coverage       fail when a fault, a result or a turn of events never came
      --json           one JSON object, for programs

    The engine runs as it is, on one thread, on a machine whose clock, disk and network are
    played. A seed repeats a run step for step. A run that finds something prints the command
    that repeats it, and a smaller one that finds it too.

    exit: 0 nothing found, 1 something found, 2 bad usage
    """
  }

  private struct Wishes {
    var seed: UInt64 = 0
    var seeds = 1
    var steps = 20_000
    var faults = Set(SimulationFault.allCases)
    var canary: SimulationCanary?
    var isTwice = false
    var wantsCoverage = false
    var isJSON = false
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      return play(try read(arguments))
    } catch { return usage("simulate", error) }
  }

  private static func read(_ arguments: [String]) throws(Arguments.Fault) -> Wishes {
    var arguments = try Arguments(arguments, switches: ["--json", "--twice", "--coverage"])
    var wishes = Wishes()
    let seed = try arguments.takeInteger("--seed", 0...Int.max, default: -1)
    if seed < 0 { throw Arguments.Fault(message: "--seed is needed") }
    wishes.seed = UInt64(seed)
    wishes.seeds = try arguments.takeInteger("--seeds", 1...10_000_000, default: 1)
    wishes.steps = try arguments.takeInteger("--events", 100...100_000_000, default: 20_000)
    if let list = arguments.take("--faults") { wishes.faults = try faults(list) }
    if let word = arguments.take("--plant") {
      guard let canary = SimulationCanary(rawValue: word) else {
        throw Arguments.Fault(message: "--plant \(word): no such bug; --help lists them")
      }
      wishes.canary = canary
    }
    wishes.isTwice = arguments.take("--twice") != nil
    wishes.wantsCoverage = arguments.take("--coverage") != nil
    wishes.isJSON = arguments.take("--json") != nil
    try arguments.finish()
    return wishes
  }

  private static func faults(_ list: String) throws(Arguments.Fault) -> Set<SimulationFault> {
    if list == "all" { return Set(SimulationFault.allCases) }
    if list == "none" { return [] }
    var faults: Set<SimulationFault> = []
    for word in list.split(separator: ",") {
      guard let fault = SimulationFault.allCases.first(where: { $0.word == word }) else {
        throw Arguments.Fault(message: "--faults \(word): no such fault; --help lists them")
      }
      faults.insert(fault)
    }
    return faults
  }

  // MARK: Playing

  private static func play(_ wishes: Wishes) -> Int32 {
    let coverage = SimulationCoverage()
    var steps = 0
    var events = 0
    var trace: UInt64 = 0
    for at in 0..<wishes.seeds {
      let options = SimulationOptions(
        seed: wishes.seed + UInt64(at), steps: wishes.steps, faults: wishes.faults,
        canary: wishes.canary)
      let result = SimulationRun(options).run()
      steps += result.steps
      events += result.events
      trace = trace &* 31 &+ result.trace
      coverage.add(result.coverage)
      if let violation = result.violation { return report(result, violation, wishes) }
      if wishes.isTwice {
        let again = SimulationRun(options).run()
        if again.trace != result.trace {
          Terminal.error("veltrix simulate: two runs differ: \(options.command)")
          return ExitCode.failedCheck
        }
      }
    }
    let missing = wishes.wantsCoverage ? coverage.missing(runs: wishes.seeds) : []
    if wishes.isJSON {
      Terminal.out(json(wishes, coverage, steps: steps, events: events, trace: trace, missing))
    } else {
      tell(wishes, coverage, steps: steps, events: events, trace: trace)
      for text in missing { Terminal.error("veltrix simulate: never met: \(text)") }
    }
    return missing.isEmpty ? ExitCode.fine : ExitCode.failedCheck
  }

  private static func tell(
    _ wishes: Wishes, _ coverage: SimulationCoverage, steps: Int, events: Int, trace: UInt64
  ) {
    let last = wishes.seed + UInt64(wishes.seeds - 1)
    Terminal.out(
      "seeds \(wishes.seed)...\(last): \(steps) steps, \(events) events journalled, nothing wrong; "
        + "trace \(String(trace, radix: 16))")
    for fault in SimulationFault.allCases where wishes.faults.contains(fault) {
      Terminal.out("  fault \(fault.word): \(coverage.faults[fault] ?? 0)")
    }
    for milestone in SimulationMilestone.allCases {
      Terminal.out("  \(milestone.rawValue): \(coverage.milestones[milestone] ?? 0)")
    }
    let results = coverage.results.sorted { $0.key.rawValue < $1.key.rawValue }
    Terminal.out(
      "  results: " + results.map { "\($0.key.word) \($0.value)" }.joined(separator: ", "))
  }

  private static func json(
    _ wishes: Wishes, _ coverage: SimulationCoverage, steps: Int, events: Int, trace: UInt64,
    _ missing: [String]
  ) -> String {
    let faults = SimulationFault.allCases.map { "\"\($0.word)\":\(coverage.faults[$0] ?? 0)" }
    let results = coverage.results.sorted { $0.key.rawValue < $1.key.rawValue }
      .map { "\"\($0.key.word)\":\($0.value)" }
    let turns = SimulationMilestone.allCases.map {
      "\"\($0.rawValue)\":\(coverage.milestones[$0] ?? 0)"
    }
    return "{\"seed\":\(wishes.seed),\"seeds\":\(wishes.seeds),\"steps\":\(steps),"
      + "\"events\":\(events),\"trace\":\"\(String(trace, radix: 16))\","
      + "\"faults\":{\(faults.joined(separator: ","))},"
      + "\"results\":{\(results.joined(separator: ","))},"
      + "\"turns\":{\(turns.joined(separator: ","))},"
      + "\"missing\":[\(missing.map { "\"\($0)\"" }.joined(separator: ","))]}"
  }

  // MARK: What was found

  private static func report(
    _ result: SimulationResult, _ violation: String, _ wishes: Wishes
  ) -> Int32 {
    if wishes.isJSON {
      let text = violation.map { $0 == "\"" || $0 == "\\" ? "'" : String($0) }.joined()
      Terminal.out(
        "{\"seed\":\(result.options.seed),\"violation\":\"\(text)\","
          + "\"command\":\"\(result.options.command)\"}")
      return ExitCode.failedCheck
    }
    Terminal.error("veltrix simulate: seed \(result.options.seed): \(violation)")
    for line in result.log.suffix(12) { Terminal.error("  \(line)") }
    Terminal.error("repeat it with\n  \(result.options.command)")
    let smaller = SimulationShrinker.shrink(result)
    if smaller.options != result.options {
      Terminal.error("smaller: \(smaller.violation ?? "")\n  \(smaller.options.command)")
    }
    return ExitCode.failedCheck
  }
}
