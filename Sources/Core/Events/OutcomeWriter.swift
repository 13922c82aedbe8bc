import Bounded

/// Appends outcomes as JSON, one object each, to a `JSONWriter` of the caller.
///
/// | key         | when                                 | value                                   |
/// |-------------|--------------------------------------|-----------------------------------------|
/// | position    | always                               | index of the event in its batch         |
/// | kind        | the event's kind is known            | word                                    |
/// | result      | always                               | word of `ResultCode`                    |
/// | code        | always                               | its number                              |
/// | disposition | always                               | word                                    |
/// | offset      | not rejected, not shed               | place in the journal                    |
/// | sequence    | not 0                                | as given or numbered by the engine      |
/// | player      | not 0                                | the name if it was given, or the number |
/// | points      | not rejected, not shed               | gained or lost                          |
/// | total       | not rejected, not shed               | the player's score after it             |
/// | rank        | asked for                            | 1...                                    |
/// | treasure    | not 0, and not that of a hint        | number                                  |
/// | edge        | edge: not 0                          | the id of the edge named or added       |
/// | stock_left  | claim, spawn: judged `ok`, `no_stock`| free stock                              |
/// | hint        | asked for and there is one           | distance, treasure, direction, trend    |
/// | provisional | not flushed yet                      | true                                    |
/// | field       | a field is at fault                  | word                                    |
/// | message     | given by the caller                  | one sentence                            |
///
/// - Complexity: O(1), no allocation while the writer's capacity lasts.
public enum OutcomeWriter {
  /// Most bytes of an outcome without a message; a name may add six times its size.
  public static let byteCountMax = 512

  /// Appends `outcome`, with `message` when there is one.
  public static func append(
    _ outcome: Outcome, message: String? = nil, to json: inout JSONWriter
  ) {
    append(outcome, name: nil, message: message, to: &json)
  }

  /// Appends `outcome` of an event whose player was given as `name`.
  public static func append(
    _ outcome: Outcome, name: RawSpan, message: String? = nil, to json: inout JSONWriter
  ) {
    append(outcome, name: Optional(name), message: message, to: &json)
  }

  private static func append(
    _ outcome: Outcome, name: RawSpan?, message: String?, to json: inout JSONWriter
  ) {
    json.beginObject()
    json.field("position", UInt64(outcome.position))
    if let kind = EventKind(rawValue: outcome.kindByte) {
      json.key("kind")
      json.word(kind.word)
    }
    json.key("result")
    json.word(outcome.result?.wireWord ?? "unknown")
    json.field("code", UInt64(outcome.resultRaw))
    json.key("disposition")
    json.word(outcome.disposition?.word ?? "unknown")
    let isPlaced = outcome.disposition != .rejected && outcome.disposition != .shed
    // Where a repeat's first copy stands is not always remembered.
    let isKnown = outcome.disposition != .duplicate || outcome.offset != 0
    if isPlaced && isKnown { json.field("offset", outcome.offset) }
    if outcome.sequence != 0 { json.field("sequence", outcome.sequence) }
    if let name {
      json.key("player")
      json.string(utf8: name)
    } else if outcome.player != 0 {
      json.field("player", outcome.player)
    }
    if isPlaced { appendScore(outcome, to: &json) }
    if outcome.flags.contains(.provisional) { json.field("provisional", true) }
    if let field = EventField(rawValue: outcome.field), field != .none {
      json.key("field")
      json.word(field.word)
    }
    if let message {
      json.key("message")
      json.string(message)
    }
    json.endObject()
  }

  private static func appendScore(_ outcome: Outcome, to json: inout JSONWriter) {
    json.field("points", Int64(outcome.points))
    json.field("total", outcome.total)
    if outcome.rank != 0 { json.field("rank", UInt64(outcome.rank)) }
    let kind = EventKind(rawValue: outcome.kindByte)
    let hasHint = outcome.distance != Outcome.noDistance
    let isOwnTreasure = kind == .claim || kind == .spawn || kind == .despawn || !hasHint
    if isOwnTreasure, outcome.treasure != 0 {
      json.field(kind == .edge ? "edge" : "treasure", UInt64(outcome.treasure))
    }
    if kind == .claim || kind == .spawn, outcome.result == .ok || outcome.result == .noStock {
      json.field("stock_left", UInt64(outcome.stockLeft))
    }
    if outcome.flags.contains(.settling) {
      json.key("settling")
      json.bool(true)
    }
    if hasHint { appendHint(outcome, isOwnTreasure: isOwnTreasure, to: &json) }
  }

  private static func appendHint(
    _ outcome: Outcome, isOwnTreasure: Bool, to json: inout JSONWriter
  ) {
    json.key("hint")
    json.beginObject()
    json.field("distance", UInt64(outcome.distance))
    if !isOwnTreasure, outcome.treasure != 0 {
      json.field("treasure", UInt64(outcome.treasure))
    }
    if outcome.direction != Outcome.noDirection {
      json.field("direction", UInt64(outcome.direction))
    }
    let isWarmer = outcome.flags.contains(.warmer)
    if isWarmer || outcome.flags.contains(.colder) {
      json.key("trend")
      json.word(isWarmer ? "warmer" : "colder")
    }
    json.endObject()
  }
}
