internal import Hunt

extension HuntFile {
  /// Every key of a hunt file, in the order of the reference page.
  public static let keys: [KeySpec] =
    rootFields.map(\.spec) + worldFields.map(\.spec) + limitFields.map(\.spec)
    + ruleFields.map(\.spec) + treasureFields.map(\.spec) + generateFields.map(\.spec)
    + boardFields.map(\.spec)

  /// What the root says beside its sections.
  struct Root {
    var name = ""
    var startsLive = true
  }

  /// What `world` says, before it is known to be complete.
  struct World {
    var map: String?
    var text: String?
    var name: String?
    var neighbours: Int?
  }

  static let day: Int64 = 86_400_000

  static let rootFields: [Field<Root>] = [
    Field(
      "hunt", .name(byteCountMax: 48), default: nil, "the hunt's name, unique on a server"
    ) { $0.name = $1.text },
    Field("version", .whole(1...1, unit: ""), default: "1", "version of this schema") { _, _ in },
    Field(
      "start", .choice(["live", "manual"]), default: "live",
      "whether play begins with the first event or waits for an operator's `start`"
    ) { $0.startsLive = $1.text == "live" },
  ]

  static let worldFields: [Field<World>] = [
    Field(
      "world.map", .path, default: "",
      "the map's file or a world file (`veltrix world build`), relative to the hunt file; this,"
        + " `name` or `text` is required, and a hunt sent over the network cannot use this"
    ) { $0.map = $1.text },
    Field(
      "world.name", .name(byteCountMax: 64), default: "",
      "a world file of the server: `worlds/<name>.vxw` in its data folder"
    ) { $0.name = $1.text },
    Field("world.text", .text, default: "", "the map itself, as a block of text") {
      $0.text = $1.text
    },
    Field(
      "world.neighbours", .choice(["4", "8"]), default: "8",
      "steps from a block of a map: 4 sides, or 8 with the diagonals; a world file tells its own"
    ) { $0.neighbours = $1.text == "4" ? 4 : 8 },
  ]

  static let limitFields: [Field<HuntLimits>] = [
    Field(
      "limits.players", .whole(1...16_777_215, unit: "players"), default: "100_000",
      "players who ever join"
    ) { $0.players = Int($1.number) },
    Field(
      "limits.treasures", .whole(1...1_000_000, unit: "treasures"), default: "10_000",
      "treasures: listed, generated and spawned later"
    ) { $0.treasures = Int($1.number) },
    Field(
      "limits.claims", .whole(1...67_108_864, unit: "claims"), default: "1_000_000",
      "claims remembered for `rules.claims_per_player`"
    ) { $0.claims = Int($1.number) },
    Field(
      "limits.producers", .whole(1...1_000_000, unit: "producers"), default: "1_024",
      "senders of events"
    ) { $0.producers = Int($1.number) },
    Field(
      "limits.gaps", .whole(1...16_777_216, unit: "gaps"), default: "65_536",
      "runs of sequence numbers missing below the highest seen, over all producers"
    ) { $0.gaps = Int($1.number) },
    Field(
      "limits.idempotency_keys", .whole(1...16_777_216, unit: "keys"), default: "262_144",
      "idempotency keys remembered, oldest forgotten first"
    ) { $0.idempotencyKeys = Int($1.number) },
    Field(
      "limits.names", .whole(1...16_777_216, unit: "names"), default: "100_000",
      "players known by a name"
    ) { $0.names = Int($1.number) },
    Field(
      "limits.edges", .whole(1...16_777_216, unit: "edges"), default: "4_096",
      "edges added to the world at a time; in voxels also those with a multiplier of their own"
    ) { $0.edges = Int($1.number) },
  ]

  static let ruleFields: [Field<HuntRules>] = [
    Field(
      "rules.speed_max", .decimal(1...1_000_000_000, unit: "blocks/s"), default: "10",
      "fastest walk; `any` checks no speed"
    ) { $0.speedMax = UInt32($1.number) },
    Field(
      "rules.steps_free", .whole(0...64, unit: "blocks"), default: "2",
      "blocks a move may always cover, however short the time since the last"
    ) { $0.stepsFree = UInt32($1.number) },
    Field(
      "rules.steps_max", .whole(1...64, unit: "blocks"), default: "32",
      "longest move; not checked when `speed_max` is `any`"
    ) { $0.stepsMax = UInt32($1.number) },
    Field(
      "rules.walls", .toggle, default: "true", "whether a move must follow open edges of the world"
    ) { $0.walls = $1.toggle },
    Field(
      "rules.lateness", .duration(0...30 * day), default: "0",
      "events older than the hunt's clock by more are late; 0 for never"
    ) { $0.latenessMs = $1.number },
    Field(
      "rules.ahead", .duration(0...30 * day), default: "5m",
      "events ahead of the hunt's clock by more are refused; 0 for never"
    ) { $0.aheadMs = $1.number },
    Field(
      "rules.claims_per_player", .whole(0...1_048_575, unit: "claims"), default: "1",
      "claims of one treasure a player is granted between respawns; 0 for any number"
    ) { $0.claimsPerPlayer = UInt32($1.number) },
    Field(
      "rules.join", .choice(["implicit", "explicit"]), default: "implicit",
      "whether an unknown player's first event joins them, or a `join` must come first"
    ) { $0.joinImplicitly = $1.text == "implicit" },
    Field(
      "rules.hint_radius", .whole(0...300_000, unit: "blocks"), default: "0",
      "farthest a hint sees a treasure, and farthest a change of one has to be worked out; 0 for any"
    ) { $0.hintRadius = UInt32($1.number) },
    Field(
      "rules.hint_work", .whole(16...65_536, unit: "blocks"), default: "640",
      "most blocks one event looks at to keep hints right; clock ticks go on, half as many each"
    ) { $0.hintWork = UInt32($1.number) },
  ]

  static let treasureFields: [Field<TreasureSpec>] = [
    Field(
      "treasures[].id", .whole(1...4_294_967_295, unit: ""), default: nil, "unique in the hunt"
    ) { $0.id = UInt32($1.number) },
    Field("treasures[].x", .whole(coordinates, unit: "blocks"), default: nil, "column, from 0") {
      $0.x = Int32($1.number)
    },
    Field("treasures[].y", .whole(coordinates, unit: "blocks"), default: nil, "row, from 0") {
      $0.y = Int32($1.number)
    },
    Field("treasures[].z", .whole(coordinates, unit: "blocks"), default: "0", "height") {
      $0.z = Int32($1.number)
    },
    Field("treasures[].reach", reach, default: "1", reachEffect) { $0.reach = UInt32($1.number) },
    Field(
      "treasures[].points", .whole(points, unit: "points"), default: "10", "what a claim earns"
    ) { $0.points = Int32($1.number) },
    Field(
      "treasures[].stock", .whole(stock, unit: "claims"), default: "1",
      "claims granted before it is exhausted"
    ) { $0.stock = UInt32($1.number) },
    Field("treasures[].respawn", respawn, default: "0", respawnEffect) {
      $0.respawnMs = UInt32($1.number)
    },
  ]

  static let generateFields: [Field<TreasureGeneration>] = [
    Field(
      "treasures.generate.count", .whole(1...1_000_000, unit: "treasures"), default: nil,
      "how many to place; ids follow the greatest listed one"
    ) { $0.count = UInt32($1.number) },
    Field(
      "treasures.generate.seed", .whole(0...4_294_967_295, unit: ""), default: "1",
      "the same seed on the same map gives the same treasures"
    ) { $0.seed = UInt64($1.number) },
    Field(
      "treasures.generate.points", .span(points, unit: "points"), default: "10",
      "what a claim earns"
    ) { $0.points = Int32($1.span.lowerBound)...Int32($1.span.upperBound) },
    Field(
      "treasures.generate.stock", .span(stock, unit: "claims"), default: "1",
      "claims granted before it is exhausted"
    ) { $0.stock = UInt32($1.span.lowerBound)...UInt32($1.span.upperBound) },
    Field("treasures.generate.reach", reach, default: "1", reachEffect) {
      $0.reach = UInt32($1.number)
    },
    Field("treasures.generate.respawn", respawn, default: "0", respawnEffect) {
      $0.respawnMs = UInt32($1.number)
    },
  ]

  static let boardFields: [Field<BoardSpec>] = [
    Field(
      "boards[].name", .name(byteCountMax: 32), default: nil,
      "unique in the hunt; outcomes take ranks from the first board"
    ) { $0.name = $1.text },
    Field(
      "boards[].window", .window(1000...day), default: "none",
      "length of the window after which the board starts afresh; `none` for all time"
    ) { $0.windowMs = $1.number == 0 ? nil : $1.number },
  ]

  // Shared by listed and generated treasures.
  private static let coordinates = Int64(Int32.min)...Int64(Int32.max)
  private static let points: ClosedRange<Int64> = 0...1_000_000_000
  private static let stock: ClosedRange<Int64> = 1...1_048_575
  private static let reach = ValueForm.whole(0...64, unit: "blocks")
  private static let reachEffect = "how near a claim must be, the greater of the two distances"
  private static let respawn = ValueForm.duration(0...30 * day)
  private static let respawnEffect =
    "time from exhaustion until it is open again with full stock; 0 for never"
}
