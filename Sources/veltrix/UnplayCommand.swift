import Client
import Disk

/// What `unplay` and `rollback` ask for.
struct PreviewWish {
  let target: EngineTarget
  let body: [UInt8]
  let rows: DifferenceFlags
  let promotes: Bool

  /// - Parameter body: Takes the command's own flags.
  init(
    _ arguments: [String],
    _ body: (inout Arguments) throws(Arguments.Fault) -> [UInt8]
  ) throws(Arguments.Fault) {
    var arguments = try Arguments(
      arguments, switches: EngineTarget.switches.union(["--promote"]))
    target = try EngineTarget(&arguments)
    promotes = arguments.take("--promote") != nil
    rows = try DifferenceFlags(&arguments)
    self.body = try body(&arguments)
    try arguments.finish()
  }

  func run(_ command: String, _ path: String) -> Int32 {
    target.run(command) { run throws(ForkSessionFault) in
      try run.preview(path, body, rows, promotes: promotes)
    }
  }
}

/// `veltrix unplay`: take events out of history.
enum UnplayCommand {
  static let command = Command(
    name: "unplay", summary: "take a player's moves back as if never made", help: help, run: run)

  static func help() -> String {
    """
    veltrix unplay - show a running hunt as if some events had never been; --promote makes it so

    usage: veltrix unplay --hunt <name> --players <p,...> [--from <place>] [--promote]
    \(EngineTarget.help)
      --players <p,...>         events of these players; digits are a number, else a name, name:7
                                the name "7"; 1...100,000 in all lists
      --producers <n,...>       events of these producers, 0...2^64-1
      --kinds <k,...>           events of these kinds: join leave move teleport claim spawn despawn
                                edge score
      --events <n,...>          the events at these journal offsets, 0...2^64-1
      --from <place>            only from there on                                        default 0
      --to <place>              only before it                        default until it is promoted
      --promote                 makes it the hunt, once the difference was printed
    \(DifferenceFlags.help)

    Given several lists, an event is left out that matches each. Everybody else's play is judged
    again without them. Nothing changes without --promote; the command for later is printed.
    A <place> is head, a journal offset, 1700000000000ms since 1970, or 2026-11-21T10:30:00Z.
    exit: 0 fine, 1 refused by the engine or no engine, 2 bad usage
    """
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      return try PreviewWish(arguments, ForkWish.unplay).run("unplay", "/unplay")
    } catch { return usage("unplay", error) }
  }
}

/// `veltrix rollback`: as if nothing had happened since.
enum RollbackCommand {
  static let command = Command(
    name: "rollback", summary: "go back to a place of a running hunt's history", help: help,
    run: run)

  static func help() -> String {
    """
    veltrix rollback - show a running hunt as it was at a place; --promote makes it so again

    usage: veltrix rollback --hunt <name> --to <place> [--promote]
    \(EngineTarget.help)
      --to <place>              everything from there on is left out                       required
      --promote                 makes it the hunt, once the difference was printed
    \(DifferenceFlags.help)

    Nothing changes without --promote; the command for later is printed. What was left out stays in
    the journal and the books; resending it is a duplicate.
    A <place> is head, a journal offset (everything below it has happened), 1700000000000ms since
    1970, or 2026-11-21T10:30:00Z.
    exit: 0 fine, 1 refused by the engine or no engine, 2 bad usage
    """
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      return try PreviewWish(arguments, ForkWish.rollback).run("rollback", "/rollback")
    } catch { return usage("rollback", error) }
  }
}
