/// What became of one event, 64 bytes, little-endian.
///
/// | offset | bytes | field       | values                                                        |
/// |-------:|------:|-------------|---------------------------------------------------------------|
/// |      0 |     1 | version     | 1                                                             |
/// |      1 |     1 | kind        | the event's kind byte                                         |
/// |      2 |     2 | result      | `ResultCode`                                                  |
/// |      4 |     1 | disposition | `Disposition`: which count of the books it is in              |
/// |      5 |     1 | flags       | `OutcomeFlags`                                                |
/// |      6 |     1 | direction   | hint: the next step's, 0...253; 254 another edge; 255 none    |
/// |      7 |     1 | field       | rejected: `EventField` at fault; otherwise 0                  |
/// |      8 |     8 | offset      | place in the journal; of the first copy for a duplicate it knows, else 0 |
/// |     16 |     8 | sequence    | as given or numbered by the engine                            |
/// |     24 |     8 | player      | as given or the name's number                                 |
/// |     32 |     8 | total       | the player's score after the event                            |
/// |     40 |     4 | points      | points gained or lost by the event                            |
/// |     44 |     4 | rank        | 1..., 0 when not asked for                                    |
/// |     48 |     4 | treasure    | claimed or hinted at, 0 none; edge: the id of the edge        |
/// |     52 |     4 | distance    | hint: walking cost in the world's unit; 2^32-1 none           |
/// |     56 |     4 | stockLeft   | claim and spawn: free stock of the treasure                   |
/// |     60 |     4 | position    | index of the event in its batch                               |
@frozen public struct Outcome: BitwiseCopyable, Equatable, Sendable {
  public var version: UInt8
  public var kindByte: UInt8
  public var resultRaw: UInt16
  public var dispositionRaw: UInt8
  public var flags: OutcomeFlags
  public var direction: UInt8
  public var field: UInt8
  public var offset: UInt64
  public var sequence: UInt64
  public var player: UInt64
  public var total: Int64
  public var points: Int32
  public var rank: UInt32
  public var treasure: UInt32
  public var distance: UInt32
  public var stockLeft: UInt32
  public var position: UInt32

  public static let byteCount = 64
  /// `direction` and `distance` when there is no hint.
  @inlinable public static var noDirection: UInt8 { 255 }
  @inlinable public static var noDistance: UInt32 { .max }

  /// The outcome of `event` with nothing but its identity filled in.
  @inlinable public init(
    of event: Event, result: ResultCode = .ok, disposition: Disposition = .applied
  ) {
    version = Event.currentVersion
    kindByte = event.kindByte
    resultRaw = result.rawValue
    dispositionRaw = disposition.rawValue
    flags = []
    direction = Self.noDirection
    field = 0
    offset = 0
    sequence = event.sequence
    player = event.player
    total = 0
    points = 0
    rank = 0
    treasure = event.treasure
    distance = Self.noDistance
    stockLeft = 0
    position = 0
  }

  /// The outcome of what is no valid event, at `position` of its batch; `partial` gives the kind,
  /// the sequence and the player as far as they were read.
  @inlinable public init(
    rejecting partial: Event, as rejection: Rejection, position: Int
  ) {
    self.init(of: partial, result: rejection.code, disposition: .rejected)
    field = rejection.field.rawValue
    self.position = UInt32(clamping: position)
  }

  @inlinable public var result: ResultCode? { ResultCode(rawValue: resultRaw) }
  @inlinable public var disposition: Disposition? { Disposition(rawValue: dispositionRaw) }
}

/// Which count of the books an event is in; exactly one.
public enum Disposition: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// Journalled and judged; also when the rules refused what it asked for.
  case applied = 0
  /// Seen before; changed nothing.
  case duplicate = 1
  /// Not a valid event; see the result code and the field.
  case rejected = 2
  /// Older than the hunt's lateness allows; journalled, changed nothing but the count.
  case late = 3
  /// Not taken for load; send it again.
  case shed = 4

  /// The word in JSON; stable, as the number is.
  public var word: StaticString {
    switch self {
    case .applied: "applied"
    case .duplicate: "duplicate"
    case .rejected: "rejected"
    case .late: "late"
    case .shed: "shed"
    }
  }
}

@frozen public struct OutcomeFlags: OptionSet, BitwiseCopyable, Sendable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Not flushed to disk yet: it could be lost in a crash.
  @inlinable public static var provisional: OutcomeFlags { OutcomeFlags(rawValue: 1) }
  /// The next two compare with the player's previous hint.
  @inlinable public static var warmer: OutcomeFlags { OutcomeFlags(rawValue: 2) }
  @inlinable public static var colder: OutcomeFlags { OutcomeFlags(rawValue: 4) }
  /// A hint was asked for, and is not known before the repairs around the player are done.
  @inlinable public static var settling: OutcomeFlags { OutcomeFlags(rawValue: 8) }
}

/// Why an event ended as it did. Numbers are on the wire; they are never reused.
public enum ResultCode: UInt16, CaseIterable, Sendable, BitwiseCopyable {
  case ok = 0

  // Not judged, nobody's content at fault.
  case duplicate = 1
  case late = 2
  case busy = 3
  /// The journal failed; the hunt admits nothing until it is restarted.
  case stopped = 4

  // Judged and refused by the rules of the hunt; counted as applied.
  case notLive = 10
  case unknownPlayer = 11
  case unknownTreasure = 12
  case tooFar = 13
  case noStock = 14
  case alreadyClaimed = 15
  case tooFast = 16
  case throughWall = 17
  case blocked = 18
  case outsideWorld = 19
  case notPermitted = 20
  case treasureExists = 21
  case limitReached = 22
  case alreadyJoined = 23
  case notPlaced = 24
  case timeAhead = 25
  case nothingChanged = 26

  // Rejected: not a valid event.
  case truncated = 100
  case unsupportedVersion = 101
  case unknownKind = 102
  case unsupportedKind = 103
  case reservedFlag = 104
  case wrongHunt = 105
  case missingField = 106
  case outOfRange = 107
  case unknownField = 108
  case wrongType = 109
  case malformed = 110
  case tooLong = 111
  case repeatedField = 112
  case corruptFrame = 113
  case wrongProducer = 114
  case idempotencyConflict = 115
  case batchRejected = 116

  /// The word for the code in JSON; stable, as the number is.
  public var word: String { "\(wireWord)" }
}

extension ResultCode {
  /// `word`, for writing without allocation.
  public var wireWord: StaticString {
    switch self {
    case .ok: "ok"
    case .duplicate: "duplicate"
    case .late: "late"
    case .busy: "busy"
    case .stopped: "stopped"
    case .notLive: "not_live"
    case .unknownPlayer: "unknown_player"
    case .unknownTreasure: "unknown_treasure"
    case .tooFar: "too_far"
    case .noStock: "no_stock"
    case .alreadyClaimed: "already_claimed"
    case .tooFast: "too_fast"
    case .throughWall: "through_wall"
    case .blocked: "blocked"
    case .outsideWorld: "outside_world"
    case .notPermitted: "not_permitted"
    case .treasureExists: "treasure_exists"
    case .limitReached: "limit_reached"
    case .alreadyJoined: "already_joined"
    case .notPlaced: "not_placed"
    case .timeAhead: "time_ahead"
    case .nothingChanged: "nothing_changed"
    case .truncated: "truncated"
    case .unsupportedVersion: "unsupported_version"
    case .unknownKind: "unknown_kind"
    case .unsupportedKind: "unsupported_kind"
    case .reservedFlag: "reserved_flag"
    case .wrongHunt: "wrong_hunt"
    case .missingField: "missing_field"
    case .outOfRange: "out_of_range"
    case .unknownField: "unknown_field"
    case .wrongType: "wrong_type"
    case .malformed: "malformed"
    case .tooLong: "too_long"
    case .repeatedField: "repeated_field"
    case .corruptFrame: "corrupt_frame"
    case .wrongProducer: "wrong_producer"
    case .idempotencyConflict: "idempotency_conflict"
    case .batchRejected: "batch_rejected"
    }
  }
}

/// A field of an event, for naming the one at fault.
public enum EventField: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case none = 0
  case version = 1
  case kind = 2
  case flags = 3
  case hunt = 4
  case producer = 5
  case sequence = 6
  case player = 7
  case time = 8
  case x = 9
  case y = 10
  case z = 11
  case treasure = 12
  case value = 13

  /// The word in JSON; stable, as the number is.
  public var word: StaticString {
    switch self {
    case .none: "none"
    case .version: "version"
    case .kind: "kind"
    case .flags: "flags"
    case .hunt: "hunt"
    case .producer: "producer"
    case .sequence: "sequence"
    case .player: "player"
    case .time: "time"
    case .x: "x"
    case .y: "y"
    case .z: "z"
    case .treasure: "treasure"
    case .value: "value"
    }
  }
}

/// Why bytes were refused as an event; the sender is at fault, and the engine carries on.
public struct Rejection: Error, Equatable, Sendable, BitwiseCopyable {
  public var code: ResultCode
  public var field: EventField
  /// Byte position in the bytes given: of the field, or of the character at fault.
  public var position: UInt32

  @inlinable public init(_ code: ResultCode, _ field: EventField = .none, position: Int) {
    self.code = code
    self.field = field
    self.position = UInt32(clamping: position)
  }
}
