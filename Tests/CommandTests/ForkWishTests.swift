import Authoring
import Foundation
import Hunt
import Testing
import Testkit

@testable import veltrix

/// The body that a command line makes, as text.
private func body(
  _ line: String, _ make: (inout Arguments) throws(Arguments.Fault) -> [UInt8]
) throws -> String {
  var arguments = try Arguments(line.split(separator: " ").map(String.init))
  let bytes = try make(&arguments)
  try arguments.finish()
  return String(decoding: bytes, as: UTF8.self)
}

/// Why a command line is refused; nil when it is not.
private func fault(
  _ line: String, _ make: (inout Arguments) throws(Arguments.Fault) -> [UInt8]
) -> String? {
  do { _ = try body(line, make) } catch { return (error as? Arguments.Fault)?.message }
  return nil
}

/// A file with `text`, gone when `use` returns.
private func withFile<Result>(_ text: String, _ use: (String) throws -> Result) throws -> Result {
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("veltrix-wish-\(UUID().uuidString)").path
  try text.write(toFile: path, atomically: true, encoding: .utf8)
  defer { try? FileManager.default.removeItem(atPath: path) }  // left behind, it harms nobody
  return try use(path)
}

/// Each flag says its key of the request.
@Test func flagsBecomeKeys() throws {
  #expect(try body("", ForkWish.fork) == "{}")
  #expect(try body("--at 12", ForkWish.fork) == #"{"at":"12"}"#)
  #expect(
    try body("--omit-players 7,name:8 --omit-players=anna --from 3 --to head", ForkWish.fork)
      == #"{"omit":{"players":["7","name:8","anna"],"from":"3","to":"head"}}"#)
  #expect(
    try body("--omit-producers 0,18446744073709551615 --omit-events 5", ForkWish.fork)
      == #"{"omit":{"producers":[0,18446744073709551615],"events":[5]}}"#)
  #expect(
    try body("--players 7 --kinds move,claim", ForkWish.unplay)
      == #"{"players":["7"],"kinds":["move","claim"]}"#)
  #expect(
    try body("--to 2026-11-21T10:30:00Z", ForkWish.rollback) == #"{"to":"2026-11-21T10:30:00Z"}"#)
}

/// Any players, with whatever a name may hold but a comma, come to the engine as they were typed.
@Test func anyPlayersAreSaid() {
  #expect(
    forAll(cases: 500) { random in
      let letters = Array("aZ0:\"\\é漢 \u{1}{}[]#-'&*!|>%@`")
      let names = (0..<(1 + random.below(5))).map { _ in
        String((0..<(1 + random.below(8))).map { _ in letters[random.below(letters.count)] })
      }
      var arguments = try Arguments(["--players", names.joined(separator: ",")])
      let parsed = ForkText.parse(try ForkWish.unplay(&arguments), .unplay, rules: .init())
      return parsed.value?.omit?.players == names
    })
}

/// Files of events and rules are put in as JSON, whichever way they are written.
@Test func filesBecomeJSON() throws {
  for text in [
    #"[{"kind":"score","player":7,"value":-1},{"kind":"leave","player":"7"}]"#,
    "{\"kind\":\"score\",\"player\":7,\"value\":-1}\n\n{\"kind\":\"leave\",\"player\":\"7\"}",
    "- {kind: score, player: 7, value: -1}\n- kind: leave\n  player: '7'\n",
  ] {
    let made = try withFile(text) { try body("--append \($0)", ForkWish.fork) }
    #expect(
      made
        == #"{"append":[{"kind":"score","player":7,"value":-1},{"kind":"leave","player":"7"}]}"#)
  }
  let made = try withFile("steps_max: 2\nwalls: false\n") {
    try body("--rules \($0) --rules-from 9", ForkWish.fork)
  }
  #expect(made == #"{"rules":{"steps_max":2,"walls":false},"rules_from":"9"}"#)
}

/// A refusal names the flag, the value and what would be right.
@Test func refusalsNameTheFlag() throws {
  #expect(fault("--at noon", ForkWish.fork)?.hasPrefix("--at noon: expected head") == true)
  #expect(
    fault("--omit-kinds clam", ForkWish.fork)?.hasSuffix("did you mean claim?") == true)
  #expect(fault("--omit-kinds tick", ForkWish.fork)?.contains("--omit-kinds tick") == true)
  #expect(
    fault("--players ,7", ForkWish.unplay) == "--players ,7: an empty word between commas")
  #expect(fault("--events 1.5", ForkWish.unplay)?.hasPrefix("--events 1.5") == true)
  #expect(fault("--from 3", ForkWish.unplay)?.contains("--players") == true)
  #expect(fault("", ForkWish.rollback)?.hasPrefix("--to: required") == true)
  #expect(fault("--to 3 --players 7", ForkWish.rollback) == "--players: unknown flag")
  let twoLines = "{\"kind\":\"leave\",\"player\":7}\n{\"kind\":\n"
  try withFile(twoLines) { path in
    #expect(
      fault("--append \(path)", ForkWish.fork)
        == "--append: \(path):2: expected one event in JSON")
  }
  // What a terminal would obey is not repeated as it is.
  var arguments = try Arguments(["--at", "\u{1b}[2J"])
  do throws(Arguments.Fault) {
    _ = try ForkWish.fork(&arguments)
    Issue.record("taken")
  } catch { #expect(error.message.hasPrefix("--at \\u{1b}[2J: expected")) }
}

/// Whichever engine and hunt was asked is in the lines that a command prints for later.
@Test func targetsAreNamedAgain() throws {
  for (line, flags) in [
    ("--hunt town", "--hunt town"),
    ("--hunt town --target http://localhost:7400", "--hunt town"),
    ("--hunt town --target 127.0.0.2:80", "--hunt town --target http://127.0.0.2:80"),
    ("--hunt town --target http://[::1]:7400/", "--hunt town --target http://[::1]:7400"),
  ] {
    var arguments = try Arguments(line.split(separator: " ").map(String.init))
    #expect(try EngineTarget(&arguments).flags == flags)
  }
  for line in [
    "", "--hunt Town", "--hunt a/b", "--hunt town --target https://127.0.0.1:7400",
    "--hunt town --target http://10.0.0.1:7400", "--hunt town --target 127.0.0.1:0",
  ] {
    #expect(throws: Arguments.Fault.self) {
      var arguments = try Arguments(line.split(separator: " ").map(String.init))
      _ = try EngineTarget(&arguments)
    }
  }
}

/// Every help page names each flag that its command takes, and fits one screen.
@Test func helpFitsOneScreen() {
  for command in Program.commands {
    let lines = command.help().split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 62, "\(command.name): \(lines.count) lines")
    #expect(lines.allSatisfy { $0.count <= 100 }, "\(command.name)")
    #expect(lines[0].hasPrefix("veltrix \(command.name) - "))
  }
}

/// A list of omissions says what flags of their own would; each slip is named by its key.
@Test func omissionsAreListed() throws {
  func listed(_ line: String) throws -> String {
    try body(line) { (arguments: inout Arguments) throws(Arguments.Fault) in
      try ForkWish.replay(&arguments).body
    }
  }
  #expect(try listed("") == "{}")
  #expect(
    try listed("--at 12 --omit players=7,name:8,anna,from=3,kinds=move,claim,to=head")
      == #"{"at":"12","omit":{"players":["7","name:8","anna"],"kinds":["move","claim"],"#
      + #""from":"3","to":"head"}}"#)
  #expect(
    try listed("--omit players=7 --omit events=5,producers=0,players=name:a=b,name:from=1")
      == #"{"omit":{"players":["7","name:a=b","name:from=1"],"producers":[0],"events":[5]}}"#)
  for (line, words) in [
    ("--omit anna", ["anna", "<key>="]), ("--omit =7", ["=7", "<key>="]),
    ("--omit ,", ["<key>="]), ("--omit players=", ["--omit players", "empty"]),
    ("--omit teams=red", ["--omit teams", "no hunt has teams"]),
    ("--omit player=1", ["--omit player:", "players?"]),
    ("--omit events=+5", ["--omit events +5", "whole"]),
    ("--omit kinds=x", ["--omit kinds x"]), ("--omit to=-1", ["--omit to -1"]),
    ("--omit from=1,2", ["--omit from: one place", "2"]),
    ("--omit to=1 --omit to=2", ["--omit to: given twice"]),
  ] {
    let said = fault(line) { (arguments: inout Arguments) throws(Arguments.Fault) in
      try ForkWish.replay(&arguments).body
    }
    #expect(words.allSatisfy { said?.contains($0) == true }, "\(line): \(said ?? "taken")")
  }
  #expect(fault("--omit-events +5", ForkWish.fork)?.contains("+5: expected whole") == true)
}
