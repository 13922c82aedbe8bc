import Authoring
import CSystem
import Disk
import Engine
import Gateway
import Net

/// `veltrix serve`.
enum ServeCommand {
  static let command = Command(
    name: "serve", summary: "run the engine until SIGTERM", help: help, run: run)

  static func help() -> String {
    """
    veltrix serve - run the engine until SIGTERM

    usage: veltrix serve --data <dir> [--http <host:port>] [--stream <host:port>] [--config <file>]
      --config <file>  settings; flags override them

    \(Settings.help())

    prints "ready http=HOST:PORT stream=HOST:PORT" on one line when it serves
    exit: 0 stopped, 1 disk fault, 2 bad usage, 3 data damaged, 4 address or data folder in use
    """
  }

  /// Settings from a file and flags.
  static func settings(_ arguments: [String]) throws(Arguments.Fault) -> Settings {
    var arguments = try Arguments(arguments)
    var settings = Settings()
    if let path = arguments.take("--config") {
      let read = Settings.read(path: path)
      for finding in read.findings { Terminal.error(finding.line(file: path)) }
      guard let value = read.value, !read.findings.contains(where: { $0.severity == .error })
      else { throw Arguments.Fault(message: "--config \(path): see above") }
      settings = value
    }
    for flag in arguments.flags {
      do throws(FlagFault) {
        try settings.apply(flag: flag.name, value: flag.value)
      } catch {
        throw Arguments.Fault(message: "\(error)")
      }
    }
    if let word = arguments.words.first { throw Arguments.Fault(message: "\(word): unexpected") }
    if let conflict = settings.conflict {
      throw Arguments.Fault(message: "\(conflict.key): \(conflict.message)")
    }
    return settings
  }

  static func run(_ arguments: [String]) -> Int32 {
    let settings: Settings
    do throws(Arguments.Fault) {
      settings = try Self.settings(arguments)
    } catch { return usage("serve", error) }
    let server: Server
    do throws(Server.Fault) {
      server = try Server(settings: settings) { level, line in
        Terminal.error("veltrix serve: \(level): \(line)")
      }
    } catch {
      Terminal.error("veltrix serve: \(error)")
      return status(of: error)
    }
    Terminal.out(
      "ready http=\(address(server.httpHost, server.httpPort)) "
        + "stream=\(address(server.streamHost, server.streamPort))")
    _ = vx_wait_signal(-1)
    server.stop()
    return ExitCode.fine
  }

  static func address(_ host: String, _ port: UInt16) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// The exit status that says what kind of fault it was.
  static func status(of fault: Server.Fault) -> Int32 {
    switch fault {
    case .net(.notLoopback): ExitCode.usage
    case .net: ExitCode.inUse
    case .engine(.locked): ExitCode.inUse
    case .engine(.disk): ExitCode.failedCheck
    case .engine(.hunt(_, .disk)), .engine(.hunt(_, .journal(.disk))): ExitCode.failedCheck
    case .engine(.hunt): ExitCode.damaged
    }
  }
}
