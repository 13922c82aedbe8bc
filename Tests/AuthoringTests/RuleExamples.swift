import Testing

@testable import Authoring

/// The shortest hunt without a finding.
let smallHunt = """
  hunt: a
  world:
    text: "type octile\\nheight 2\\nwidth 3\\nmap\\n...\\n.@.\\n"
  treasures:
    - {id: 1, x: 0, y: 0}

  """

/// The world of `smallHunt`: three by two, one block blocked in the middle of the second row.
var smallGround: Ground { Ground(width: 3, height: 2, passable: { x, y in x != 1 || y != 1 }) }

/// A file that breaks one rule, and the line of the report about it.
struct RuleExample: Sendable, CustomStringConvertible {
  let rule: Finding.Rule
  let text: String
  let line: String
  var description: String { rule.rawValue }

  init(_ rule: Finding.Rule, _ text: String, _ line: String) {
    self.rule = rule
    self.text = text
    self.line = line
  }

  private static let head = "hunt: a\nworld: {text: x}\n"
  private static let one = "treasures: [{id: 1, x: 0, y: 0}]\n"

  static let all: [RuleExample] = [
    // The text.
    .init(.syntax, "a: b: c\n", "f:1:5: error: mapping values are not allowed in this context"),
    .init(
      .tooLarge, String(repeating: " ", count: (16 << 20) + 1),
      "f: error: 16,777,217 bytes; at most 16,777,216"),
    .init(.tooDeep, String(repeating: "[", count: 33), "f:1:33: error: more than 32 levels"),
    .init(.empty, "# nothing\n", "f: error: nothing is in it"),
    .init(
      .documents, "a: 1\n---\nb: 1\n", "f:2:1: error: a second document starts; a file holds one"),
    .init(
      .alias, "a: &x 1\nb: *x\n",
      "f:1:4: error: anchors (&name) are not supported; write the value out"),
    .init(
      .alias, "a: *x\n", "f:1:4: error: aliases (*name) are not supported; write the value out"),
    .init(
      .tag, "a: !!int 1\n", "f:1:4: error: tags (!name) are not supported; write the plain value"),
    .init(.complexKey, "? [a]\n: b\n", "f:1:3: error: a key is a list; keys are single words"),
    .init(
      .duplicateKey, smallHunt + "hunt: b\n", "f:6:1: error: key \"hunt\" again; first on line 1"),
    // One key.
    .init(
      .unknownKey, head + "treasures:\n  - {id: 1, x: 0, y: 0, reech: 2}\n",
      "f:4:25: error: treasures[0].reech: unknown key; did you mean \"reach\"?"),
    .init(
      .unknownKey, smallHunt + "colour: red\n",
      "f:6:1: error: colour: unknown key; known are hunt, version, start, world, limits, rules,"
        + " treasures, boards"),
    .init(
      .missing, "world: {text: x}\n" + one, "f:1:1: error: hunt: missing; 1...48 bytes of a-z 0-9 -"
    ),
    .init(
      .missing, "hunt: a\nworld: {neighbours: 4}\n" + one,
      "f:2:1: error: world: no map; give its file as `map` or the map itself as `text`"),
    .init(
      .missing, head + "treasures: [{id: 1, x: 0}]\n",
      "f:3:13: error: treasures[0].y: missing; -2,147,483,648...2,147,483,647 blocks"),
    .init(
      .wrongKind, head + one + "rules: 7\n",
      "f:4:8: error: rules: expected a mapping of keys; got a single value"),
    .init(
      .wrongKind, head + "treasures: 7\n",
      "f:3:12: error: treasures: expected a list; got a single value"),
    .init(
      .wrongKind, head + one + "rules: {steps_max: [1, 2]}\n",
      "f:4:20: error: rules.steps_max: expected 1...64 blocks; got a list"),
    .init(
      .wrongKind, head + one + "rules: {steps_max: }\n",
      "f:4:20: error: rules.steps_max: expected 1...64 blocks; got nothing"),
    .init(
      .wrongKind, head + "treasures: {generate: {count: 1, stock: [1, 2, 3]}}\n",
      "f:3:41: error: treasures.generate.stock: expected [least, most]; got 3 values"),
    .init(
      .malformed, head + one + "rules: {lateness: 1.5h}\n",
      "f:4:19: error: rules.lateness: \"1.5h\": expected a duration such as 250ms, 30s, 5m, 2h"
        + " or 1d"
    ),
    .init(
      .malformed, smallHunt + "start: lvie\n",
      "f:6:8: error: start: \"lvie\": expected one of live, manual; did you mean \"live\"?"),
    .init(
      .malformed, head + "treasures: {generate: {count: 1, points: [9, 1]}}\n",
      "f:3:42: error: treasures.generate.points: [9, 1]: the least value comes first"),
    .init(
      .below, head + "treasures: [{id: 1, x: 0, y: 0, stock: 0}]\n",
      "f:3:40: error: treasures[0].stock: 0: below 1 (1...1,048,575 claims)"),
    .init(
      .above, head + one + "rules: {steps_max: 65}\n",
      "f:4:20: error: rules.steps_max: 65: above 64 (1...64 blocks)"),
    .init(
      .above, head + one + "rules: {lateness: 31d}\n",
      "f:4:19: error: rules.lateness: 31d: above 30d (0...30d)"),
    .init(.below, smallHunt + "boards: []\n", "f:6:9: error: boards: 0: a hunt has 1...8 boards"),
    .init(
      .badName, "hunt: A Town\nworld: {text: x}\n" + one,
      "f:1:7: error: hunt: \"A Town\": expected 1...48 bytes of a-z 0-9 -"),
    // Several values.
    .init(
      .conflict, "hunt: a\nworld: {text: x, map: y}\n" + one,
      "f:2:18: error: world: both `map` and `text`; give one"),
    .init(
      .conflict, smallHunt + "rules: {steps_free: 9, steps_max: 8}\n",
      "f:6:9: warning: rules.steps_free: 9 is above steps_max 8, which wins"),
    .init(
      .duplicate, head + "treasures:\n  - {id: 1, x: 0, y: 0}\n  - {id: 1, x: 1, y: 0}\n",
      "f:5:6: error: treasures[1].id: 1 again; first on line 4"),
    .init(
      .duplicate, smallHunt + "boards: [{name: a}, {name: a}]\n",
      "f:6:22: error: boards[1].name: \"a\" again; first on line 6"),
    .init(
      .tooMany, head + "treasures: {generate: {count: 2_000}}\nlimits: {treasures: 1_999}\n",
      "f:3:1: error: treasures: 2,000 treasures; limits.treasures is 1,999"),
    .init(
      .tooMany, head + "treasures: {generate: {count: 2}, list: [{id: 4294967294, x: 0, y: 0}]}\n",
      "f:3:13: error: treasures.generate.count: ids follow 4294967294, and 2 more do not fit"
        + " 4,294,967,295"
    ),
    .init(
      .emptyHunt, head + "treasures: []\n",
      "f:3:1: warning: treasures: no treasure is listed or generated; nothing can be claimed"
        + " until one is spawned"
    ),
    .init(
      .tight, head + "treasures: [{id: 1, x: 0, y: 0, stock: 6}]\nlimits: {claims: 5}\n",
      "f:3:1: warning: treasures: 6 claims in stock; limits.claims remembers 5, and claims"
        + " beyond are refused"
    ),
    // The world.
    .init(
      .remoteMap, "hunt: a\nworld: {map: /etc/passwd}\n" + one,
      "f:2:9: error: world.map: a hunt sent over the network cannot name a file; give the map"
        + " as `text`, or a world of the server as `name`"
    ),
    .init(
      .outside, head + "treasures: [{id: 1, x: 3, y: 0}]\n",
      "f:3:13: error: treasures[0]: (3, 0) is outside the world, x 0...2, y 0...1"),
    .init(
      .blocked, head + "treasures: {list: [{id: 1, x: 1, y: 1}]}\n",
      "f:3:20: error: treasures.list[0]: (1, 1) is a blocked block of the map"),
    .init(
      .crowded, head + "treasures: {generate: {count: 6}}\n",
      "f:3:13: warning: treasures.generate.count: 6 treasures on 5 blocks; some will share one"),
    // The report.
    .init(
      .moreFindings, head + "treasures: [" + String(repeating: "7, ", count: 103) + "]\n",
      "f: error: cut after 100 findings; 3 more"),
  ]
}
