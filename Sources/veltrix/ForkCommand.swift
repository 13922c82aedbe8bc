import Client
import Disk

/// `veltrix fork`: make, list, show and delete forks of a running hunt.
enum ForkCommand {
  static let command = Command(
    name: "fork", summary: "build another line of a running hunt's history", help: help, run: run)

  static func help() -> String {
    """
    veltrix fork - build another line of a running hunt's history; the hunt goes on as it is

    usage: veltrix fork --hunt <name> [--at <place>] [--omit-... <list>] [--append <file>] ...
           veltrix fork --hunt <name> --list | --show <n> | --delete <n>
    \(EngineTarget.help)
      --at <place>              where the fork ends                                    default head
      --omit-players <p,...>    leaves out events of these players; digits are a number, else a
                                name, name:7 the name "7"; 1...100,000 in all lists
      --omit-producers <n,...>  leaves out events of these producers, 0...2^64-1
      --omit-kinds <k,...>      leaves out events of these kinds: join leave move teleport claim
                                spawn despawn edge score
      --omit-events <n,...>     leaves out the events at these journal offsets, 0...2^64-1
      --from <place>            leaves nothing out before it                              default 0
      --to <place>              leaves nothing out from it on         default until it is promoted
      --append <file>           adds these events at the end: a JSON list or one a line; 1...4,096
      --rules <file>            other rules: keys of a hunt file's rules section, YAML or JSON
      --rules-from <place>      from where on they hold                                   default 0
      --list                    shows all forks, promotions and checkpoints instead
      --show <n>                shows one fork instead, 1...4,294,967,295
      --delete <n>              deletes one fork instead; what is being built ends

    Given several lists, an event is left out that matches each; --from and --to alone leave out
    everything between. A <place> is head, a journal offset (everything below it has happened),
    1700000000000ms since 1970, or 2026-11-21T10:30:00Z. A hunt has at most 256 forks at once.
    exit: 0 fine, 1 refused by the engine or no engine, 2 bad usage
    """
  }

  /// What a command line asks for.
  enum Wish: Equatable {
    case create([UInt8])
    case list
    case show(UInt64)
    case delete(UInt64)
  }

  static func parse(
    _ arguments: [String]
  ) throws(Arguments.Fault) -> (target: EngineTarget, wish: Wish) {
    var arguments = try Arguments(arguments, switches: EngineTarget.switches.union(["--list"]))
    let target = try EngineTarget(&arguments)
    var wishes: [Wish] = arguments.take("--list") != nil ? [.list] : []
    if let id = try arguments.takeFork("--show") { wishes.append(.show(id)) }
    if let id = try arguments.takeFork("--delete") { wishes.append(.delete(id)) }
    guard wishes.count <= 1 else {
      throw Arguments.Fault(message: "--list, --show and --delete: give one of them")
    }
    if wishes.isEmpty { wishes.append(.create(try ForkWish.fork(&arguments))) }
    try arguments.finish()
    return (target, wishes[0])
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      let (target, wish) = try parse(arguments)
      return target.run("fork") { run throws(ForkSessionFault) in
        switch wish {
        case .create(let body): return try run.create(body)
        case .list: return try run.list()
        case .show(let id):
          run.show(try run.session.show(id))
          return ExitCode.fine
        case .delete(let id): return try run.delete(id)
        }
      }
    } catch { return usage("fork", error) }
  }
}
