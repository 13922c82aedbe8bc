/// What an event does. Numbers are on the wire and in journals; they are never reused.
public enum EventKind: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case join = 1
  case leave = 2
  case move = 3
  case teleport = 4
  case claim = 5
  case reserve = 6
  case confirm = 7
  case release = 8
  case answer = 9
  case scan = 10
  case purchase = 11
  case spawn = 12
  case despawn = 13
  case edge = 14
  case score = 15
  case tick = 16
  case flag = 17
  case rule = 18
  case season = 19
  case adjust = 20
  case review = 21
  case erase = 22

  // Written by the engine only; a sender's is rejected as `unknownKind`.

  /// Half of a player's name on its way to a number; see `NamePart`.
  case name = 32
  /// The hunt starts, pauses or ends; `value` is the new `HuntPhase`.
  case control = 33
  /// Counts that the books gained without an event of their own; see `Tally`.
  case tally = 34
  /// The digest of the state at an earlier event count; see `DigestMark`.
  case digest = 35
  /// A fork becomes the hunt; see `PromotionMark`.
  case promote = 36

  /// Kinds that this version applies when a sender sends them.
  @inlinable public var isSupported: Bool {
    switch self {
    case .join, .leave, .move, .teleport, .claim, .spawn, .despawn, .edge, .score: true
    default: false
    }
  }

  /// The word for the kind in JSON and in listings.
  public var word: StaticString {
    switch self {
    case .join: "join"
    case .leave: "leave"
    case .move: "move"
    case .teleport: "teleport"
    case .claim: "claim"
    case .reserve: "reserve"
    case .confirm: "confirm"
    case .release: "release"
    case .answer: "answer"
    case .scan: "scan"
    case .purchase: "purchase"
    case .spawn: "spawn"
    case .despawn: "despawn"
    case .edge: "edge"
    case .score: "score"
    case .tick: "tick"
    case .flag: "flag"
    case .rule: "rule"
    case .season: "season"
    case .adjust: "adjust"
    case .review: "review"
    case .erase: "erase"
    case .name: "name"
    case .control: "control"
    case .tally: "tally"
    case .digest: "digest"
    case .promote: "promote"
    }
  }
}
