import Disk

/// One subcommand.
struct Command: Sendable {
  let name: String
  let summary: String
  let help: @Sendable () -> String
  let run: @Sendable ([String]) -> Int32
}

/// The whole program: picks the subcommand and runs it.
enum Program {
  static let commands: [Command] = [
    ServeCommand.command, DemoCommand.command, CheckCommand.command, WorldCommand.command,
    LoadCommand.command, ReplayCommand.command, InspectCommand.command, BackupCommand.command,
    RestoreCommand.command, ForkCommand.command, DiffCommand.command, UnplayCommand.command,
    RollbackCommand.command, PromoteCommand.command, SimulateCommand.command,
    BenchCommand.command,
  ]

  static func overview() -> String {
    var text = """
      veltrix - a real-time treasure-hunt engine

      usage: veltrix <command> [options]

      """
    for command in commands {
      let gap = String(repeating: " ", count: 10 - command.name.count)
      text += "\n  \(command.name)\(gap)\(command.summary)"
    }
    return text + """


      veltrix <command> --help shows a command's options.
      exit: 0 fine, 1 failed check, 2 usage, 3 data damaged, 4 address or data folder in use
      """
  }

  static func main(_ arguments: [String]) -> Int32 {
    guard let name = arguments.first else {
      Terminal.error(overview())
      return ExitCode.usage
    }
    if ["--help", "-h", "help"].contains(name) {
      Terminal.out(overview())
      return ExitCode.fine
    }
    guard let command = commands.first(where: { $0.name == name }) else {
      Terminal.error("veltrix: \(name): no such command; veltrix --help lists them")
      return ExitCode.usage
    }
    let rest = Array(arguments.dropFirst())
    if rest.contains("--help") || rest.contains("-h") {
      Terminal.out(command.help())
      return ExitCode.fine
    }
    return command.run(rest)
  }
}
