import Foundation
import Hunt
import Testing
import Testkit

@testable import Authoring

@Suite struct HuntFileTests {
  /// Each rule, broken as briefly as it can be, gives its finding, at its place, in its words.
  @Test(arguments: RuleExample.all)
  func rule(example: RuleExample) {
    let found = findings(example.text, maps: .refused, ground: smallGround)
    #expect(
      found.map { $0.line(file: "f") }.contains(example.line), "\(found.map { $0.line(file: "f") })"
    )
    #expect(found.contains { $0.rule == example.rule })
  }

  /// Every rule has an example above, but those that take a file, a map or a predicate to break.
  @Test func everyRuleHasAnExample() {
    let elsewhere: Set<Finding.Rule> = [.unreadable, .badMap, .unreachable, .noRoom]
    #expect(
      Set(RuleExample.all.map(\.rule)).union(elsewhere) == Set(Finding.Rule.allCases))
    #expect(elsewhere.isDisjoint(with: RuleExample.all.map(\.rule)))
  }

  /// The smallest hunt has no finding and every default.
  @Test func defaults() throws {
    #expect(findings(smallHunt, maps: .refused, ground: smallGround) == [])
    let file = try #require(parse(smallHunt).value)
    var definition = HuntDefinition(name: "a")
    definition.treasures = [TreasureSpec(id: 1, x: 0, y: 0)]
    #expect(file.definition == definition)
    #expect(file.world.neighbours == nil)
    #expect(file.generation == nil)
  }

  /// A default of the table, written into a file, changes nothing: table and types agree.
  @Test func defaultsOfTheTable() throws {
    func check<Target: Equatable>(_ fields: [Field<Target>], _ untouched: Target) throws {
      for field in fields {
        guard let fallback = field.spec.fallback, fallback != "" else { continue }
        var target = untouched
        field.store(&target, try field.spec.form.value(of: fallback))
        #expect(target == untouched, "\(field.spec.key)")
      }
    }
    try check(HuntFile.limitFields, HuntLimits())
    try check(HuntFile.ruleFields, HuntRules())
    try check(HuntFile.treasureFields, TreasureSpec(id: 0, x: 0, y: 0))
    try check(HuntFile.generateFields, TreasureGeneration())
    try check(HuntFile.boardFields, BoardSpec(name: "", windowMs: nil))
    try check(Settings.fields, Settings())
  }

  /// Every key can be given, and reaches the value it names; JSON says the same as YAML.
  @Test func everyKey() throws {
    let yaml = """
      hunt: everything
      version: 1
      start: manual
      world: {map: maps/w.map, neighbours: 4}
      limits: {players: 2, treasures: 30, claims: 4_000_000, producers: 5, gaps: 6,
        idempotency_keys: 7, names: 8}
      rules: {speed_max: 10.5, steps_free: 3, steps_max: 33, walls: false, lateness: 2m,
        ahead: 500ms, claims_per_player: 9, join: explicit}
      treasures:
        list:
          - {id: 9, x: -1, y: 2, z: 3, reach: 4, points: 5, stock: 6, respawn: 7s}
        generate: {count: 8, seed: 9, points: [10, 11], stock: [12, 13], reach: 14, respawn: 1h}
      boards: [{name: hour, window: 1h}, {name: ever, window: none}, {name: m, window: minute}]
      """
    let json = """
      {"hunt": "everything", "version": 1, "start": "manual",
       "world": {"map": "maps/w.map", "neighbours": 4},
       "limits": {"players": 2, "treasures": 30, "claims": "4_000_000", "producers": 5, "gaps": 6,
        "idempotency_keys": 7, "names": 8},
       "rules": {"speed_max": 10.5, "steps_free": 3, "steps_max": 33, "walls": false,
        "lateness": "2m", "ahead": 500, "claims_per_player": 9, "join": "explicit"},
       "treasures": {"list": [{"id": 9, "x": -1, "y": 2, "z": 3, "reach": 4, "points": 5,
        "stock": 6, "respawn": "7s"}], "generate": {"count": 8, "seed": 9, "points": [10, 11],
        "stock": [12, 13], "reach": 14, "respawn": "1h"}},
       "boards": [{"name": "hour", "window": 3600000}, {"name": "ever"},
        {"name": "m", "window": "minute"}]}
      """
    for text in [yaml, json] {
      let read = HuntFile.parse(Array(text.utf8), maps: .relative(to: "/srv"))
      #expect(read.findings == [])
      let file = try #require(read.value)
      #expect(file.world == WorldSource(map: .file("/srv/maps/w.map"), neighbours: 4))
      #expect(file.definition == everything)
      var generation = TreasureGeneration()
      generation.count = 8
      generation.seed = 9
      generation.points = 10...11
      generation.stock = 12...13
      generation.reach = 14
      generation.respawnMs = 3_600_000
      #expect(file.generation == generation)
    }
  }

  private var everything: HuntDefinition {
    var definition = HuntDefinition(name: "everything")
    definition.startsLive = false
    definition.limits.players = 2
    definition.limits.treasures = 30
    definition.limits.claims = 4_000_000
    definition.limits.producers = 5
    definition.limits.gaps = 6
    definition.limits.idempotencyKeys = 7
    definition.limits.names = 8
    definition.rules.speedMax = 10_500
    definition.rules.stepsFree = 3
    definition.rules.stepsMax = 33
    definition.rules.walls = false
    definition.rules.latenessMs = 120_000
    definition.rules.aheadMs = 500
    definition.rules.claimsPerPlayer = 9
    definition.rules.joinImplicitly = false
    var treasure = TreasureSpec(id: 9, x: -1, y: 2)
    treasure.z = 3
    treasure.reach = 4
    treasure.points = 5
    treasure.stock = 6
    treasure.respawnMs = 7_000
    definition.treasures = [treasure]
    definition.boards = [
      BoardSpec(name: "hour", windowMs: 3_600_000), BoardSpec(name: "ever", windowMs: nil),
      BoardSpec(name: "m", windowMs: 60_000),
    ]
    return definition
  }

  /// All that is wrong is said at once, in the order of the text.
  @Test func allFindingsAtOnce() {
    let text = """
      hunt: Bad Name
      hunt: b
      world: {map: 1, neighbors: 8}
      rules: {steps_max: 65, walls: yes}
      treasures: [{id: 0, x: 1}]
      """
    #expect(
      findings(text, maps: .relative(to: "."), ground: nil).map { $0.line(file: "f") } == [
        "f:1:7: error: hunt: \"Bad Name\": expected 1...48 bytes of a-z 0-9 -",
        "f:2:1: error: key \"hunt\" again; first on line 1",
        "f:3:17: error: world.neighbors: unknown key; did you mean \"neighbours\"?",
        "f:4:20: error: rules.steps_max: 65: above 64 (1...64 blocks)",
        "f:4:31: error: rules.walls: \"yes\": expected true or false",
        "f:5:13: error: treasures[0].y: missing; -2,147,483,648...2,147,483,647 blocks",
        "f:5:18: error: treasures[0].id: 0: below 1 (1...4,294,967,295)",
      ])
  }

  /// The example hunts are read without a finding, and say what their comments say.
  @Test func examples() throws {
    let town = HuntFile.read(path: "\(repositoryFolder)/Examples/town.yaml")
    #expect(town.findings == [])
    let file = try #require(town.value)
    #expect(file.world.map == .file("\(repositoryFolder)/Examples/town.map"))
    #expect(file.generation?.count == 300)
    #expect(file.definition.limits.players == 100_000)

    let market = HuntFile.read(path: "\(repositoryFolder)/Examples/market.yaml")
    #expect(market.findings == [])
    let hall = try #require(market.value)
    #expect(hall.definition.rules.speedMax == 2_500)
    let rows = try #require(hall.mapBytes().value).split(separator: 0x0a).dropFirst(4).map(
      Array.init)
    #expect(rows.count == 11 && rows.allSatisfy { $0.count == 17 })
    let ground = Ground(width: 17, height: 11, passable: { x, y in rows[y][x] == 0x2e })
    let hunt = hall.definition(on: ground)
    #expect(hunt.findings == [])
    #expect(hunt.value?.treasures.map(\.id) == [1, 2, 3, 4, 5, 6, 7])
  }

  /// A file or a map that cannot be read is a finding that says why, the map's at its line.
  @Test func unreadable() throws {
    #expect(
      HuntFile.read(path: "/nowhere/a.yaml").findings.map { $0.line(file: "a.yaml") }
        == ["a.yaml: error: open: No such file or directory"])
    #expect(HuntFile.read(path: "/").findings.map(\.rule) == [.unreadable])
    #expect(HuntFile.read(path: "/dev/zero").findings.map(\.rule) == [.tooLarge])
    let text = "hunt: a\nworld: {map: w.map}\n"
    let file = try #require(HuntFile.parse(Array(text.utf8), maps: .relative(to: "/nowhere")).value)
    #expect(
      file.mapBytes().findings.map { $0.line(file: "f") }
        == ["f:2:1: error: world.map: \"/nowhere/w.map\": open: No such file or directory"])
    #expect(
      file.mapFinding("row 3 has 9 columns").line(file: "f")
        == "f:2:1: error: world: row 3 has 9 columns")
  }

  private func parse(_ text: String) -> Checked<HuntFile> {
    HuntFile.parse(Array(text.utf8), maps: .refused)
  }

  /// What is found in `text`, and on `ground` if the text alone is in order.
  private func findings(_ text: String, maps: MapFiles, ground: Ground?) -> [Finding] {
    let read = HuntFile.parse(Array(text.utf8), maps: maps)
    guard let file = read.value, let ground else { return read.findings }
    return read.findings + file.definition(on: ground).findings
  }
}
