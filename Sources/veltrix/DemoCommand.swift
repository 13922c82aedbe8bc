import Authoring
import Bounded
import CSystem
import Client
import Disk
import Engine
import Events
import Gateway
import Glibc
import Hunt
import Net
import Synchronization
import World

/// `veltrix demo`.
enum DemoCommand {
  static let command = Command(
    name: "demo", summary: "an engine and 2,000 simulated players, live in the browser",
    help: { help }, run: run)

  static let help = """
    veltrix demo - run an engine with simulated players who hunt for treasure
    usage: veltrix demo [--map <file>] [--seconds <n>] [--players <n>] [--data <dir>]
                        [--http <host:port>] [--stream <host:port>] [--seed <n>]
      --map <file>          hunt on this map, with 200 treasures        default Examples/town.yaml
      --seconds <n>         ends after this time, 1...86,400            default at Ctrl-C
      --players <n>         1...100,000                                 default 2,000
      --data <dir>          the engine's folder, kept                   default one in /tmp, removed
      --http <host:port>    where the live page is                      default 127.0.0.1:7400
      --stream <host:port>  where the players connect                   default 127.0.0.1:7401
      --seed <n>            of the players' luck                        default 1
    exit: 0 the books balance and no treasure had more winners than stock, 1 not so, 2 bad usage,
          3 data damaged, 4 address or data folder in use
    """

  struct Options {
    var settings = Settings()
    var keepsData = false
    var map: String?
    var seconds: Int?
    var players = 2_000
    var seed: UInt64 = 1
  }

  static func run(_ arguments: [String]) -> Int32 {
    let options: Options
    do throws(Arguments.Fault) { options = try read(arguments) } catch {
      return usage("demo", error)
    }
    let built = build(options)
    for finding in built.findings where finding.severity == .error {
      // The hunt file of a map alone is ours, so a place in it would tell nobody anything.
      let line =
        options.map == nil ? finding.line(file: townPath) : "--map \(finding.message)"
      Terminal.error("veltrix demo: " + line)
      if options.map == nil, finding.rule == .unreadable {
        Terminal.error("veltrix demo: run it in the folder that holds Examples, or give --map")
      }
    }
    guard let (definition, map) = built.value else { return ExitCode.usage }
    let server: Server
    do throws(Server.Fault) {
      server = try Server(settings: options.settings) { level, line in
        Terminal.error("veltrix demo: \(level): \(line)")
      }
    } catch {
      Terminal.error("veltrix demo: \(error)")
      return ServeCommand.status(of: error)
    }
    let isGood: Bool
    do throws(DemoFault) {
      try create(definition, map, server)
      let run = try DemoRun(options, definition, map, server)
      isGood = try run.play()
    } catch {
      Terminal.error("veltrix demo: \(error)")
      isGood = false
    }
    server.stop()
    if !options.keepsData {
      do throws(DiskFault) { try Files.removeTree(options.settings.data) } catch {
        Terminal.error("veltrix demo: \(error)")
      }
    }
    return isGood ? ExitCode.fine : ExitCode.failedCheck
  }

  private static func read(_ arguments: [String]) throws(Arguments.Fault) -> Options {
    var arguments = try Arguments(arguments)
    var options = Options()
    options.map = arguments.take("--map")
    options.players = try arguments.takeInteger("--players", 1...100_000, default: 2_000)
    options.seed = UInt64(try arguments.takeInteger("--seed", 0...Int.max, default: 1))
    let seconds = try arguments.takeInteger("--seconds", 0...86_400, default: 0)
    options.seconds = seconds == 0 ? nil : seconds
    options.settings.data = "/tmp/veltrix-demo-\(getpid())"
    for name in ["--data", "--http", "--stream"] {
      guard let value = arguments.take(name) else { continue }
      if name == "--data" { options.keepsData = true }
      do throws(FlagFault) { try options.settings.apply(flag: name, value: value) } catch {
        throw Arguments.Fault(message: "\(error)")
      }
    }
    try arguments.finish()
    return options
  }

  // MARK: the hunt

  private static let townPath = "Examples/town.yaml"

  private static func build(
    _ options: Options
  ) -> (value: (HuntDefinition, Topology)?, findings: [Finding]) {
    var built =
      options.map.map { HuntBuilder.build(huntFile(map: $0), maps: .relative(to: ".")) }
      ?? HuntBuilder.build(path: townPath)
    if let (definition, map) = built.value, definition.limits.players < options.players {
      var wider = definition
      wider.limits.players = options.players
      built.value = (wider, map)
    }
    return built
  }

  /// A hunt file for a map alone.
  private static func huntFile(map path: String) -> [UInt8] {
    let quoted = path.split(separator: "'", omittingEmptySubsequences: false).joined(
      separator: "''")
    return Array(
      """
      hunt: demo
      world:
        map: '\(quoted)'
        neighbours: 8
      rules:
        speed_max: 10
        claims_per_player: 1
      treasures:
        generate:
          count: 200
          seed: 7
          points: [5, 100]
          stock: 3
          respawn: 20s
      boards:
      - name: all-time
      - name: minute
        window: minute

      """.utf8)
  }

  /// Makes the hunt unless the data folder has it already.
  private static func create(
    _ definition: HuntDefinition, _ map: Topology, _ server: Server
  ) throws(DemoFault) {
    if let old = server.engine.hunt(named: definition.name) {
      guard old.map.digest == map.digest else {
        throw .hunt("the data folder has a hunt \(definition.name) on another map")
      }
      return
    }
    let result = Creation()
    server.engine.create(definition, map: map) { made in
      switch made {
      case .success: result.text.withLock { $0 = "" }
      case .failure(let refusal): result.text.withLock { $0 = "\(refusal)" }
      }
    }
    while true {
      if let text = result.text.withLock({ $0 }) {
        if text.isEmpty { return }
        throw .hunt(text)
      }
      usleep(1_000)
    }
  }

  /// What came of making the hunt: nil while nothing did, empty when all is well.
  private final class Creation: Sendable {
    let text = Mutex<String?>(nil)
  }
}

/// Why the demo broke off.
enum DemoFault: Error, CustomStringConvertible {
  case hunt(String)
  case net(NetFault)
  case http(String, HTTPFault)
  case answer(String, String)
  case players(StreamEnd)

  var description: String {
    switch self {
    case .hunt(let reason): "the hunt could not be made: \(reason)"
    case .net(let fault): "\(fault)"
    case .http(let question, let fault): "\(question): \(fault)"
    case .answer(let question, let reason): "\(question): \(reason)"
    case .players(let end): "the players' connection: \(end)"
    }
  }
}
