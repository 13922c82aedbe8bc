import Authoring
import Disk
import Engine
import Hunt
import World

/// `veltrix check FILE`.
enum CheckCommand {
  static let command = Command(
    name: "check", summary: "check a hunt file or a settings file", help: help, run: run)

  static func help() -> String {
    """
    veltrix check - check a hunt file or a settings file

    usage: veltrix check <file> [--settings]
      <file>      a hunt in YAML; its map is read too
      --settings  the file holds the server's settings instead

    exit: 0 nothing wrong, 1 errors were found, 2 bad usage
    """
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      var arguments = try Arguments(arguments, switches: ["--settings"])
      let isSettings = arguments.take("--settings") != nil
      guard arguments.words.count == 1 else {
        throw Arguments.Fault(message: "one file is needed")
      }
      if let flag = arguments.flags.first {
        throw Arguments.Fault(message: "\(flag.name): unknown flag")
      }
      return check(arguments.words[0], isSettings: isSettings)
    } catch { return usage("check", error) }
  }

  private static func check(_ path: String, isSettings: Bool) -> Int32 {
    let findings: [Finding]
    var summary = "fine"
    if isSettings {
      findings = Settings.read(path: path).findings
    } else {
      let built = HuntBuilder.build(path: path)
      findings = built.findings
      if let (definition, map) = built.value {
        summary =
          "hunt \(definition.name), world \(map.width) x \(map.height), "
          + "\(definition.treasures.count) treasures, \(definition.boards.count) boards"
      }
    }
    for finding in findings { Terminal.out(finding.line(file: path)) }
    let errors = findings.count { $0.severity == .error }
    let warnings = findings.count - errors
    let counts =
      "\(errors) \(errors == 1 ? "error" : "errors"), "
      + "\(warnings) \(warnings == 1 ? "warning" : "warnings")"
    Terminal.out("\(path): \(errors == 0 ? summary + "; " : "")\(counts)")
    return errors == 0 ? ExitCode.fine : ExitCode.failedCheck
  }
}
