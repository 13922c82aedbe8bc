/// What a hunt is, before the first event: the compiled form of a hunt file. Together with the
/// world and the journal it determines every state the hunt was ever in.
public struct HuntDefinition: Equatable, Sendable {
  /// 1...48 bytes of `a-z 0-9 -`, unique in an engine.
  public var name: String
  public var limits = HuntLimits()
  public var rules = HuntRules()
  /// At most `limits.treasures`; ids are unique and not 0.
  public var treasures: [TreasureSpec] = []
  /// 1...8 boards, names unique; the first is the one that outcomes take ranks from.
  public var boards: [BoardSpec] = [
    BoardSpec(name: "all-time", windowMs: nil), BoardSpec(name: "minute", windowMs: 60_000),
  ]
  /// Whether the hunt is live from its first event on, or waits for `start`.
  public var startsLive = true

  public init(name: String) { self.name = name }
}

/// Capacities, all reserved at boot; reaching one refuses with `limitReached`, never grows.
public struct HuntLimits: Equatable, Sendable {
  /// Players who ever join, 1...16,777,215.
  public var players = 100_000
  /// Treasures, those of the file and those spawned later, 1...1,000,000.
  public var treasures = 10_000
  /// Claims remembered for `claimsPerPlayer`, 1...1 << 26.
  public var claims = 1_000_000
  /// Producers, 1...1,000,000.
  public var producers = 1_024
  /// Runs of sequence numbers missing below the highest seen, over all producers, 1...1 << 24.
  public var gaps = 65_536
  /// Idempotency keys remembered, oldest forgotten first, 1...1 << 24.
  public var idempotencyKeys = 1 << 18
  /// Players known by a name, 1...1 << 24.
  public var names = 100_000
  /// Edges added to the world at a time; in voxels also those with a multiplier of their own, 1...1
  /// << 24.
  public var edges = Self.edgesDefault

  public static let edgesDefault = 4_096

  public init() {}
}

/// What players may do.
public struct HuntRules: Equatable, Sendable {
  /// Fastest walk, thousandths of a block a second, 1...1,000,000,000; 0 for any speed.
  public var speedMax: UInt32 = 10_000
  /// Blocks that a move may always cover, whatever the time since the last, 0...64.
  public var stepsFree: UInt32 = 2
  /// Longest move in blocks, 1...64; a longer one is `tooFast` unless `speedMax` is 0.
  public var stepsMax: UInt32 = 32
  /// Whether a move must follow open edges (`throughWall` otherwise).
  public var walls = true
  /// Events older than the hunt's clock by more than this are late; ms, 0...30 days, 0 for never.
  public var latenessMs: Int64 = 0
  /// Events ahead of the hunt's clock by more than this are refused as `timeAhead`; ms, 0...30
  /// days, 0 for never.
  public var aheadMs: Int64 = 300_000
  /// Claims of one treasure that a player may be granted, between respawns, 0...1,048,575; 0 for
  /// any number.
  public var claimsPerPlayer: UInt32 = 1
  /// Whether a move, claim or score of an unknown player lets the player join first.
  public var joinImplicitly = true
  /// Farthest that a hint sees a treasure, in straight steps over plain edges, 0...300,000; 0 for
  /// any distance. Bounds what one spawn, claim or edge change may cost on a large map.
  public var hintRadius: UInt32 = 0
  /// Most that one event does of the repairs to what hints see, in blocks looked at, 16...65,536;
  /// the rest is left to the ticks of the clock that follow, half as much each.
  public var hintWork: UInt32 = Self.hintWorkDefault

  public static let hintWorkDefault: UInt32 = 640
  /// What a definition has whose flat form does not say it.
  static let hintWorkUnwritten: UInt32 = 1_024

  public init() {}
}

/// One treasure of a hunt file.
public struct TreasureSpec: Equatable, Sendable {
  /// 1...2^32-1.
  public var id: UInt32
  public var x: Int32
  public var y: Int32
  public var z: Int32 = 0
  /// How near a claim must be, in blocks (Chebyshev distance), 0...64.
  public var reach: UInt32 = 1
  /// Points for a claim, 0...1,000,000,000.
  public var points: Int32 = 10
  /// Claims granted before it is exhausted, 1...1,048,575.
  public var stock: UInt32 = 1
  /// Ms from exhaustion until it is open again with full stock, 0...30 days; 0 for never.
  public var respawnMs: UInt32 = 0

  public init(id: UInt32, x: Int32, y: Int32) {
    self.id = id
    self.x = x
    self.y = y
  }
}

/// One leaderboard.
public struct BoardSpec: Equatable, Sendable {
  /// 1...32 bytes of `a-z 0-9 -`.
  public var name: String
  /// Length of the tumbling window in ms, 1,000...86,400,000; nil for all time.
  public var windowMs: Int64?

  public init(name: String, windowMs: Int64?) {
    self.name = name
    self.windowMs = windowMs
  }
}
