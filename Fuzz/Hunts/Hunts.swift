import Authoring
import Hunt

/// Hunt files, YAML or JSON, all the way to a definition on a world.
///
/// Bit 0 of the first byte: whether the file came over the network.
let hunts = Parser(
  name: "Hunts", bytesMax: 4_096,
  seeds: {
    let full = """
      hunt: market
      starts: live
      world: {text: "type octile\\nheight 2\\nwidth 2\\nmap\\n..\\n..\\n", neighbours: 8}
      limits: {players: 1000, treasures: 100, claims: 1k}
      rules:
        speed_max: 2.5
        steps_free: 3
        walls: false
        lateness: 1m
        hint_radius: 64
      boards:
        - {name: all-time}
        - {name: minute, window: 60s}
      treasures:
        list:
        - {id: 1, x: 3, y: 4, points: 10, stock: 2, reach: 1, respawn: 5s}
        generate: {count: 20, seed: 7, points: 1..10, stock: 1..3}

      """
    return [
      Seed("full", mode: 1, Array(full.utf8)),
      Seed("small", mode: 0, Array("hunt: a\nworld: {map: town.map}\n".utf8)),
      Seed(
        "json", mode: 1,
        Array(#"{"hunt":"a","world":{"text":"x"},"treasures":[{"id":1,"x":0,"y":0}]}"#.utf8)),
      Seed("alias", mode: 0, Array("a: &x [1, 2]\nb: *x\n".utf8)),
      Seed("tag", mode: 0, Array("hunt: !!str a\n".utf8)),
      Seed("two-documents", mode: 0, Array("hunt: a\n---\nhunt: b\n".utf8)),
      Seed("deep", mode: 0, Array(String(repeating: "[", count: 40).utf8)),
      Seed("block-scalar", mode: 0, Array("world:\n  text: |\n    type octile\n  ? a\n".utf8)),
      Seed("twice", mode: 0, Array("hunt: a\nhunt: b\n\"hunt\": c\n".utf8)),
      Seed(
        "odd-characters", mode: 0, Array("hunt: \"\\u202e\\x00\\uFFFD\"\n# \u{85}\u{2028}".utf8)),
      Seed("not-utf8", mode: 0, [0xef, 0xbb, 0xbf, 0x68, 0x3a, 0x20, 0xc3, 0x28, 0x0a]),
      Seed(
        "generate-many", mode: 0,
        Array("hunt: a\nworld: {map: m}\ntreasures: {generate: {count: 1000000}}\n".utf8)),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    let text = Array(input.dropFirst())
    let read = HuntFile.parse(text, maps: mode & 1 == 0 ? .relative(to: "maps") : .refused)
    try checkFindings(read.findings, isRefused: read.value == nil, of: text)
    guard let file = read.value else { return }
    if mode & 1 != 0, case .file = file.world.map { throw Broken("a remote hunt names a file") }
    let ground = Ground(
      width: 17, height: 11, passable: { x, y in (x + y) % 7 != 0 },
      reachable: { x, y in x != 3 || y > 2 })
    let hunt = file.definition(on: ground)
    try checkFindings(hunt.findings, isRefused: hunt.value == nil, of: text)
    guard let definition = hunt.value else { return }
    let copy: HuntDefinition
    do throws(DefinitionFault) { copy = try HuntDefinition(decoding: definition.encoded()) } catch {
      throw Broken("a definition that cannot be stored: \(error)")
    }
    try require(copy == definition, "stored: \(copy), made: \(definition)")
    try require(
      definition.treasures.count <= definition.limits.treasures, "more treasures than the limit")
    try require(
      Set(definition.treasures.map(\.id)).count == definition.treasures.count, "an id twice")
  })

/// A report is as long as it may be, says an error exactly when there is one, names places inside
/// the text, and is fit for a terminal.
func checkFindings(_ findings: [Finding], isRefused: Bool, of text: [UInt8]) throws {
  try require(
    findings.contains { $0.severity == .error } == isRefused, "refused \(isRefused): \(findings)")
  try require(findings.count <= FindingList.countMax + 1, "\(findings.count) findings")
  let lines = text.count + 1
  for finding in findings {
    let line = finding.line(file: "f")
    try require(line.utf8.count < 2_000, "a finding of \(line.utf8.count) bytes")
    try require(
      line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }, "not fit: \(line)")
    if let mark = finding.mark {
      try require(
        mark.line >= 1 && mark.line <= lines && mark.column >= 1 && mark.column <= lines + 1,
        "\(mark) in \(text.count) bytes")
    }
  }
}
