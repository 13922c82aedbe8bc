import Client
import Disk

/// `veltrix diff`: what a fork changes.
enum DiffCommand {
  static let command = Command(
    name: "diff", summary: "show who gains and who loses in a fork", help: help, run: run)

  static func help() -> String {
    """
    veltrix diff - show what differs between a running hunt and a fork, or between two forks

    usage: veltrix diff --hunt <name> --fork <n> [--against main|<n>] [--parts <part,...>]
    \(EngineTarget.help)
      --fork <n>                the fork, 1...4,294,967,295                                required
      --against main|<n>        the hunt as it was when the fork was made, or a fork   default main
    \(DifferenceFlags.help)

    Counts come first, then players by what they gain (of many, the largest changes of those read),
    prizes with their old and new winner, treasures, edges. With --json, rows are in the engine's
    order, and "complete" says whether all were read.
    exit: 0 fine, 1 refused by the engine or no engine, 2 bad usage
    """
  }

  static func parse(
    _ arguments: [String]
  ) throws(Arguments.Fault) -> (target: EngineTarget, fork: UInt64, wish: DifferenceFlags) {
    var arguments = try Arguments(arguments, switches: EngineTarget.switches)
    let target = try EngineTarget(&arguments)
    let id = try arguments.requireFork()
    let wish = try DifferenceFlags.withAgainst(&arguments)
    if wish.against == id {
      throw Arguments.Fault(message: "--against \(id): the same fork")
    }
    try arguments.finish()
    return (target, id, wish)
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      let (target, id, wish) = try parse(arguments)
      return target.run("diff") { run throws(ForkSessionFault) in
        try run.difference(id, wish)
      }
    } catch { return usage("diff", error) }
  }
}
