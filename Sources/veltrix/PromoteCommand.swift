import Authoring
import Client
import Disk

/// `veltrix promote`: a fork becomes the hunt.
enum PromoteCommand {
  static let command = Command(
    name: "promote", summary: "make a fork the running hunt", help: help, run: run)

  static func help() -> String {
    """
    veltrix promote - make a fork the running hunt; play that went on counts in it

    usage: veltrix promote --hunt <name> --fork <n> --digest <digest>
    \(EngineTarget.help)
      --fork <n>                the fork, 1...4,294,967,295                                required
      --digest <digest>         what fork, unplay or rollback printed: 32 digits of 0-9 a-f; the
                                engine refuses another                                     required

    The old line stays readable as of any place before. A fork that was made before another one was
    promoted is refused; make it again.
    exit: 0 promoted, 1 refused by the engine or no engine, 2 bad usage
    """
  }

  static func parse(
    _ arguments: [String]
  ) throws(Arguments.Fault) -> (target: EngineTarget, fork: UInt64, digest: String) {
    var arguments = try Arguments(arguments, switches: EngineTarget.switches)
    let target = try EngineTarget(&arguments)
    let id = try arguments.requireFork()
    guard let digest = arguments.take("--digest") else {
      throw Arguments.Fault(message: "--digest: required; veltrix fork --show \(id) prints it")
    }
    let digits = Set("0123456789abcdef".utf8)
    guard digest.utf8.count == 32, digest.utf8.allSatisfy(digits.contains) else {
      throw Arguments.Fault(
        message: "--digest \(printable(digest)): expected 32 digits of 0-9 a-f")
    }
    try arguments.finish()
    return (target, id, digest)
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      let (target, id, digest) = try parse(arguments)
      return target.run("promote") { run throws(ForkSessionFault) in
        try run.promote(id, digest: digest)
      }
    } catch { return usage("promote", error) }
  }
}
