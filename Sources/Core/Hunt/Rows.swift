public import Events

/// One player; 64 bytes.
///
/// | offset | bytes | field        | meaning                                              |
/// |-------:|------:|--------------|------------------------------------------------------|
/// |      0 |     8 | key          | the player's number                                  |
/// |      8 |    12 | x, y, z      | where the player is, when placed                     |
/// |     20 |     4 | flags        | bit 0 present (joined and not left), bit 1 placed    |
/// |     24 |     8 | lastMove     | event time of the last move, ms                      |
/// |     32 |     8 | total        | sum of all points                                    |
/// |     40 |     8 | lastSeen     | event time of the last event, ms                     |
/// |     48 |     4 | lastDistance | distance of the last hint; 2^32-1 none               |
/// |     52 |     4 | claims       | claims granted                                       |
/// |     56 |     8 | moves        | moves and teleports made                             |
@frozen public struct PlayerRow: BitwiseCopyable, Sendable {
  public var key: UInt64 = 0
  public var x: Int32 = 0
  public var y: Int32 = 0
  public var z: Int32 = 0
  public var flags: UInt32 = 0
  public var lastMove: Int64 = 0
  public var total: Int64 = 0
  public var lastSeen: Int64 = 0
  public var lastDistance: UInt32 = .max
  public var claims: UInt32 = 0
  public var moves: UInt64 = 0

  @inlinable public var isPresent: Bool {
    get { flags & 1 != 0 }
    set { flags = newValue ? flags | 1 : flags & ~1 }
  }
  @inlinable public var isPlaced: Bool {
    get { flags & 2 != 0 }
    set { flags = newValue ? flags | 2 : flags & ~2 }
  }
}

/// One treasure; 64 bytes. `stock = free + claimed` always.
///
/// | offset | bytes | field       | meaning                                               |
/// |-------:|------:|-------------|-------------------------------------------------------|
/// |      0 |     4 | id          | 1...                                                  |
/// |      4 |    12 | x, y, z     | block                                                 |
/// |     16 |     4 | node        | the world's node of the block                         |
/// |     20 |     4 | points      | for a claim                                           |
/// |     24 |     4 | stock       | claims granted between two respawns                   |
/// |     28 |     4 | free        | claims left                                           |
/// |     32 |     4 | claimed     | claims granted since the last respawn                 |
/// |     36 |     4 | respawnMs   | from exhaustion to full stock; 0 never                |
/// |     40 |     4 | generation  | respawns so far                                       |
/// |     44 |     2 | reach       | blocks                                                |
/// |     46 |     1 | phase       | `TreasurePhase`                                       |
/// |     47 |     1 | reserved    | 0                                                     |
/// |     48 |     8 | due         | when it respawns, hunt's clock in ms; 0 not set       |
/// |     56 |     8 | lastWinner  | player of the last granted claim; 0 none              |
@frozen public struct TreasureRow: BitwiseCopyable, Equatable, Sendable {
  public var id: UInt32 = 0
  public var x: Int32 = 0
  public var y: Int32 = 0
  public var z: Int32 = 0
  public var node: UInt32 = 0
  public var points: Int32 = 0
  public var stock: UInt32 = 0
  public var free: UInt32 = 0
  public var claimed: UInt32 = 0
  public var respawnMs: UInt32 = 0
  public var generation: UInt32 = 0
  public var reach: UInt16 = 0
  public var phaseByte: UInt8 = 0
  public var reserved: UInt8 = 0
  public var due: Int64 = 0
  public var lastWinner: UInt64 = 0

  public var phase: TreasurePhase { TreasurePhase(rawValue: phaseByte) ?? .removed }
}

/// Where a treasure is in its life.
public enum TreasurePhase: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case open = 0
  case exhausted = 1
  case respawning = 2
  case removed = 3

  public var word: String { String(describing: self) }
}

/// One producer and how far its sequence has come; 16 bytes.
@frozen public struct ProducerRow: BitwiseCopyable, Sendable {
  public var producer: UInt64 = 0
  /// Highest sequence seen; those missing below it are in the gaps.
  public var high: UInt64 = 0
}

/// A player's name; 128 bytes of which 72 are used: size, number, 64 bytes of text.
@frozen public struct NameRow: BitwiseCopyable, Sendable {
  public var size: UInt64 = 0
  public var words: InlineArray<8, UInt64> = InlineArray(repeating: 0)

  public init() {}

  /// Nil when `bytes` is empty or longer than 64 bytes.
  public init?(_ bytes: Span<UInt8>) {
    guard bytes.count >= 1, bytes.count <= 64 else { return nil }
    size = UInt64(bytes.count)
    for at in 0..<bytes.count { words[at >> 3] |= UInt64(bytes[at]) << UInt64(8 * (at & 7)) }
  }

  /// Byte `at` of the text.
  @inlinable public subscript(_ at: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: words[at >> 3] >> UInt64(8 * (at & 7)))
  }

  public static func == (left: NameRow, right: NameRow) -> Bool {
    if left.size != right.size { return false }
    for at in 0..<8 where left.words[at] != right.words[at] { return false }
    return true
  }

  public var text: String {
    String(decoding: (0..<Int(min(size, 64))).map { self[$0] }, as: UTF8.self)
  }
}

/// Counts of one hunt; the first row of its state.
@frozen public struct HuntCounts: BitwiseCopyable, Sendable {
  /// Events judged since the hunt began.
  public var events: UInt64 = 0
  public var phaseRaw: Int64 = 0
  public var players: UInt64 = 0
  public var playersPresent: UInt64 = 0
  public var treasures: UInt64 = 0
  public var treasuresOpen: UInt64 = 0
  public var claims: UInt64 = 0
  public var names: UInt64 = 0
  public var producers: UInt64 = 0
  /// Idempotency keys ever remembered; the last `limits.idempotencyKeys` of them still are.
  public var idempotencyKeys: UInt64 = 0
  /// Changes of the world by players who had no row. While there is none, a player without a row
  /// has changed nothing.
  public var strangers: UInt64 = 0
  public var reserved: InlineArray<5, UInt64> = InlineArray(repeating: 0)
}

/// A change that viewers may want to see; 64 bytes.
@frozen public struct Effect: BitwiseCopyable, Sendable {
  /// The kind of event that made it; `spawn` also for a respawn, `despawn` also for exhaustion.
  public var kindByte: UInt8
  /// 1 when a `despawn` removed the treasure for good.
  public var isRemoval: UInt8 = 0
  public var reserved16: UInt16 = 0
  public var treasure: UInt32 = 0
  public var player: UInt64 = 0
  public var offset: UInt64 = 0
  public var x: Int32 = 0
  public var y: Int32 = 0
  public var points: Int32 = 0
  public var stockLeft: UInt32 = 0
  public var stock: UInt32 = 0
  /// Index of the player's row.
  public var playerIndex: UInt32 = .max
  public var total: Int64 = 0
  public var time: Int64 = 0

  @inlinable public init(_ kind: EventKind) { kindByte = kind.rawValue }
}
