/// One thing that a client says happened, 64 bytes, little-endian: the same layout on the wire, in
/// memory and in the journal.
///
/// | offset | bytes | field    | valid values                                                     |
/// |-------:|------:|----------|------------------------------------------------------------------|
/// |      0 |     1 | version  | 1                                                                |
/// |      1 |     1 | kind     | `EventKind`                                                      |
/// |      2 |     2 | flags    | `EventFlags`; a sender may set `wantRank` and `wantHint` only    |
/// |      4 |     4 | hunt     | the hunt's number, or 0 for the connection's hunt                |
/// |      8 |     8 | producer | who numbers `sequence`; 0 for the connection's producer          |
/// |     16 |     8 | sequence | 1...2^56, once per producer; 0 lets the engine number it         |
/// |     24 |     8 | player   | 1...2^63-1, or a name's number (2^63 and up)                     |
/// |     32 |     8 | time     | ms since 1970 when it happened, 0 for now; 0...2^53              |
/// |     40 |     4 | x        | column of the block, or latitude in 1e-7 degrees                 |
/// |     44 |     4 | y        | row of the block, or longitude in 1e-7 degrees                   |
/// |     48 |     4 | z        | height of the block, or accuracy in mm                           |
/// |     52 |     4 | treasure | 1..., 0 where the kind needs none; edge: an edge's id or a node   |
/// |     56 |     8 | value    | by kind: points (score), `SpawnOffer` (spawn), `EdgeOrder` (edge)|
@frozen public struct Event: BitwiseCopyable, Equatable, Sendable {
  public var version: UInt8
  public var kindByte: UInt8
  public var flags: EventFlags
  public var hunt: UInt32
  public var producer: UInt64
  public var sequence: UInt64
  public var player: UInt64
  public var time: Int64
  public var x: Int32
  public var y: Int32
  public var z: Int32
  public var treasure: UInt32
  public var value: Int64

  /// Bytes of an event.
  public static let byteCount = 64
  public static let currentVersion: UInt8 = 1
  /// Largest sequence a producer may use.
  public static let sequenceMax: UInt64 = 1 << 56
  /// Largest event time, ms since 1970.
  public static let timeMax: Int64 = 1 << 53
  /// Lowest number that stands for a name.
  public static let nameBase: UInt64 = 1 << 63

  @inlinable public init(
    kind: EventKind, flags: EventFlags = [], hunt: UInt32 = 0, producer: UInt64 = 0,
    sequence: UInt64 = 0, player: UInt64 = 0, time: Int64 = 0, x: Int32 = 0, y: Int32 = 0,
    z: Int32 = 0, treasure: UInt32 = 0, value: Int64 = 0
  ) {
    version = Self.currentVersion
    kindByte = kind.rawValue
    self.flags = flags
    self.hunt = hunt
    self.producer = producer
    self.sequence = sequence
    self.player = player
    self.time = time
    self.x = x
    self.y = y
    self.z = z
    self.treasure = treasure
    self.value = value
  }

  /// The kind, or nil for a byte that names none.
  @inlinable public var kind: EventKind? { EventKind(rawValue: kindByte) }
}

@frozen public struct EventFlags: OptionSet, BitwiseCopyable, Sendable {
  public let rawValue: UInt16
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The outcome shall carry the player's rank on the hunt's first board.
  @inlinable public static var wantRank: EventFlags { EventFlags(rawValue: 1 << 0) }
  /// The outcome shall carry a hint (distance, treasure, next step, warmer or colder).
  @inlinable public static var wantHint: EventFlags { EventFlags(rawValue: 1 << 1) }

  // Set by the gateway or the partition, never by a sender.

  /// On the way to the journal, where it is taken off: the entry is of one group with the one
  /// behind it, and after a crash both are there or neither is.
  @inlinable public static var joined: EventFlags { EventFlags(rawValue: 1 << 2) }
  /// `player` is an index into the names that came with the batch.
  @inlinable public static var playerIsName: EventFlags { EventFlags(rawValue: 1 << 13) }
  /// The sender holds the `operate` right.
  @inlinable public static var operate: EventFlags { EventFlags(rawValue: 1 << 14) }
  /// `sequence` is a key of the idempotency window, not a number in the producer's order.
  @inlinable public static var idempotencyKey: EventFlags { EventFlags(rawValue: 1 << 15) }

  /// Ten bits of the hash of the body that an event with `idempotencyKey` came in, to tell a retry
  /// from another request under the same key.
  @inlinable public static func body(_ hash: UInt64) -> EventFlags {
    EventFlags(rawValue: UInt16(truncatingIfNeeded: hash & 0x3ff) &<< 3)
  }
  /// The bits that `body` sets.
  @inlinable public static var bodyMask: EventFlags { EventFlags(rawValue: 0x1ff8) }

  /// What a gateway sets on events that it read from text.
  @inlinable public static var fromText: EventFlags {
    EventFlags(
      rawValue: EventFlags.playerIsName.rawValue | EventFlags.idempotencyKey.rawValue)
  }

  /// What a sender may set.
  @inlinable public static var allowedFromSender: EventFlags {
    EventFlags(rawValue: EventFlags.wantRank.rawValue | EventFlags.wantHint.rawValue)
  }
}
