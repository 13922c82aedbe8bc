import Bounded

// One sentence for a person, off the hot path: where, which field, which rule, and what was perhaps
// meant. The codes are the contract; the words may change in any version.

/// Describes why `bytes`, a body of JSON, were refused; `rejection` must come from reading them.
///
/// Allocates; one line; at most some 500 bytes whatever the body holds.
public func describe(_ rejection: Rejection, in bytes: RawSpan) -> String {
  let (line, column) = place(min(Int(rejection.position), bytes.byteCount), in: bytes)
  return "line \(line), column \(column): \(sentence(rejection, in: bytes))"
}

/// As ``describe(_:in:)`` without the place, for a body whose places mean nothing to its sender.
public func reason(_ rejection: Rejection, in bytes: RawSpan) -> String {
  sentence(rejection, in: bytes)
}

/// Describes why the event at `index` of a batch of 64-byte events was refused.
public func describe(_ rejection: Rejection, eventAt index: Int) -> String {
  let rule = rule(rejection.code, rejection.field)
  guard rejection.field != .none else { return "event \(index): \(rule)" }
  return "event \(index), byte \(rejection.position): \"\(rejection.field.word)\" \(rule)"
}

/// Line and column of byte `at`, from 1; columns count characters (Unicode scalars).
private func place(_ at: Int, in bytes: RawSpan) -> (line: Int, column: Int) {
  var (line, column) = (1, 1)
  for offset in 0..<at {
    let byte = bytes.byte(offset)
    if byte == UInt8(ascii: "\n") {
      (line, column) = (line + 1, 1)
    } else if byte & 0xc0 != 0x80 {
      column += 1
    }
  }
  return (line, column)
}

private func sentence(_ rejection: Rejection, in bytes: RawSpan) -> String {
  let at = Int(rejection.position)
  let key = text(at, in: bytes)
  switch rejection.code {
  case .malformed:
    guard at < bytes.byteCount else { return "the text ends where JSON needs more" }
    let byte = bytes.byte(at)
    if (0x20..<0x7f).contains(byte) {
      return "JSON does not allow \"\(Character(Unicode.Scalar(byte)))\" here"
    }
    return "JSON does not allow byte 0x\(String(byte, radix: 16)) here"
  case .unknownField:
    if rejection.field != .none {
      return "\"\(key)\" does not belong to this kind of event or change"
    }
    let names = EventKey.allCases.map(\.word)
    return "there is no field \"\(key)\"\(suggestion(for: key, among: names)); "
      + "the fields are \(names.joined(separator: ", "))"
  case .unknownKind where rejection.field == .value:
    let change = kindText(at, in: bytes)
    let names = EdgeChange.allCases.map { String(describing: $0) }
    return "there is no change \"\(change)\"\(suggestion(for: change, among: names)); "
      + "the changes are \(names.joined(separator: ", "))"
  case .unknownKind:
    let kind = kindText(at, in: bytes)
    let names = EventKind.allCases.filter(\.isSupported).map { "\($0.word)" }
    return "there is no kind \"\(kind)\"\(suggestion(for: kind, among: names)); "
      + "the kinds are \(names.joined(separator: ", "))"
  case .unsupportedKind:
    return "\"\(kindText(at, in: bytes))\" events are not taken by this version"
  case .missingField:
    if member("kind", ofObjectAt: at, in: bytes) == "edge" {
      return need(ofChange: member("change", ofObjectAt: at, in: bytes) ?? "reweight")
    }
    let needed = rejection.field == .value ? "points" : "\(rejection.field.word)"
    return "the event needs \"\(needed)\""
  case .tooLong where rejection.field == .none:
    return "the body holds more events than one body may; send the rest again"
  case .wrongType where rejection.field == .none:
    return "an event must be an object"
  case .repeatedField: return "\"\(key)\" says again what the event has said already"
  default: return "\"\(key)\" \(rule(key, rejection))"
  }
}

/// What an edge event of a change needs.
private func need(ofChange change: String) -> String {
  let need =
    switch change {
    case "add": "\"to\" and \"cost\""
    case "remove": "\"edge\""
    case "open", "close": "\"direction\", or \"edge\""
    default:
      "\"multiplier\" and \"direction\" or \"block\": true, or \"edge\" and \"cost\""
    }
  return "an edge event of change \"\(change)\" needs \(need)"
}

/// What the value of `key` must be.
private func rule(_ key: String, _ rejection: Rejection) -> String {
  if rejection.code == .tooLong { return "must be at most \(PlayerNames.sizeMax) bytes" }
  let rule =
    switch key {
    case "kind", "change": "a word in quotes"
    case "rank", "hint", "block": "true or false"
    case "player": "an integer 1...18446744073709551615 or a name of 1...64 bytes"
    case "hunt", "treasure", "edge", "to": "an integer 0...4294967295"
    case "producer": "an integer 0...18446744073709551615"
    case "sequence": "an integer 0...\(Event.sequenceMax)"
    case "time": "milliseconds since 1970, an integer 0...\(Event.timeMax)"
    case "x", "y", "z": "an integer -2147483648...2147483647"
    case "points": "an integer -1000000000...1000000000 (score) or 0...2147483647 (spawn)"
    case "stock": "an integer 1...\(SpawnOffer.stockMax)"
    case "multiplier": "an integer 0...255"
    case "direction": "an integer 0...\(EdgeOrder.directionMax), for a block 0...7"
    case "cost": "an integer 0...\(EdgeOrder.costMax), of an edge to add from 1"
    case "width", "height", "depth":
      "an integer 1...\(EdgeOrder.sideMax), and a box has at most \(EdgeOrder.blocksMax) blocks"
    default: "an integer within the range of its kind"
    }
  return "must be \(rule)"
}

/// The rule behind a code, for a field whose name comes before.
private func rule(_ code: ResultCode, _ field: EventField) -> String {
  switch code {
  case .unsupportedVersion: "must be \(Event.currentVersion)"
  case .unknownKind: "is no kind that a sender may use"
  case .unsupportedKind: "is not taken by this version"
  case .reservedFlag: "has bits that only the engine may set"
  case .missingField: "is needed by this kind of event"
  case .outOfRange: "is out of range"
  case .wrongHunt: "is not the connection's hunt"
  case .wrongProducer: "is not the connection's producer"
  default: "\(code.word)"
  }
}

private struct TextSink: ByteSink {
  var bytes: [UInt8] = []
  mutating func append(_ byte: UInt8) { if bytes.count < 64 { bytes.append(byte) } }
}

/// The string whose opening quote is at `at`, cut to 64 bytes, without control characters.
private func text(_ at: Int, in bytes: RawSpan) -> String {
  guard bytes.byteOrZero(at) == UInt8(ascii: "\"") else { return "?" }
  var reader = JSONReader(at: at)
  var sink = TextSink()
  do throws(Rejection) { try reader.string(bytes, into: &sink) } catch { return "?" }
  let printable = sink.bytes.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 }
  return String(decoding: printable, as: UTF8.self)
}

/// The string that is the value of `key` in the object at `at`, or nil.
private func member(_ key: String, ofObjectAt at: Int, in bytes: RawSpan) -> String? {
  guard bytes.byteOrZero(at) == UInt8(ascii: "{") else { return nil }
  var reader = JSONReader(at: at)
  var found: String?
  do throws(Rejection) {
    var more = reader.open(bytes, close: UInt8(ascii: "}"))
    while more {
      let keyAt = reader.at
      try reader.skipString(bytes)
      try reader.colon(bytes)
      if text(keyAt, in: bytes) == key { found = text(reader.at, in: bytes) }
      try reader.skip(bytes, depth: 1)
      more = try reader.another(bytes, close: UInt8(ascii: "}"))
    }
  } catch { return nil }
  return found
}

/// The string after the key at `at`.
private func kindText(_ at: Int, in bytes: RawSpan) -> String {
  var reader = JSONReader(at: at)
  guard bytes.byteOrZero(at) == UInt8(ascii: "\"") else { return "?" }
  do throws(Rejection) {
    try reader.skipString(bytes)
    try reader.colon(bytes)
  } catch { return "?" }
  return text(reader.at, in: bytes)
}

/// `; did you mean "name"?` for the nearest of `names`, or nothing when none is near.
private func suggestion(for word: String, among names: [String]) -> String {
  var best: (name: String, distance: Int)?
  for name in names {
    var distance = editDistance(Array(word.utf8), Array(name.utf8))
    if word.utf8.count >= 3, name.hasPrefix(word) { distance = 1 }
    if distance < best?.distance ?? .max { best = (name, distance) }
  }
  guard let best, best.distance <= max(1, best.name.utf8.count / 3) else { return "" }
  return ", did you mean \"\(best.name)\"?"
}

/// Fewest single letters to insert, delete, replace or swap with their neighbour.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var before: [Int] = []
  var above = Array(0...right.count)
  for i in 0..<left.count {
    var row = [i + 1]
    for j in 0..<right.count {
      var cost = min(row[j], above[j + 1]) + 1
      cost = min(cost, above[j] + (left[i] == right[j] ? 0 : 1))
      if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
        cost = min(cost, before[j - 1] + 1)
      }
      row.append(cost)
    }
    (before, above) = (above, row)
  }
  return above[right.count]
}
