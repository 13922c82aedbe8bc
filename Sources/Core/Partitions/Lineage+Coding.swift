public import Bounded
import Events
import Hunt

/// Why bytes are not a lineage.
public enum LineageFault: Error, Equatable, Sendable {
  case truncated(at: Int)
  case unsupportedVersion(UInt64)
  case outOfRange(field: String, at: Int)
  case checksum
}

/// The flat form of a lineage: `branches/N.vb` holds that of promotion N.
///
/// Little-endian words of 8 bytes; a list is its count and its words.
///
///     magic `VXLB0001`
///     omissions      count, then for each: from, to, kinds, players, producers, offsets (lists,
///                    ascending)
///     rule changes   count, then for each: from, and the 8 rules in the order of the definition
///     additions      count, then for each: at, count, and the events of 64 bytes each
///     hash           XXH3-128 of everything before, high word first
///
/// `to` is 2^64-1 for what ends where the lineage is promoted.
extension Lineage {
  private static var magic: UInt64 { 0x3130_3030_424c_5856 }

  public func encoded() -> [UInt8] {
    var words: [UInt64] = [Self.magic, UInt64(omissions.count)]
    func put(_ list: [UInt64]) {
      words.append(UInt64(list.count))
      words += list
    }
    for omission in omissions {
      words += [omission.from, omission.to, omission.kinds]
      put(omission.players)
      put(omission.producers)
      put(omission.offsets)
    }
    words.append(UInt64(ruleChanges.count))
    for change in ruleChanges {
      words.append(change.from)
      words += change.rules.words.map { UInt64(bitPattern: $0) }
    }
    words.append(UInt64(additions.count))
    for addition in additions {
      words += [addition.at, UInt64(addition.events.count)]
      for event in addition.events { words += event.words }
    }
    let slab = Slab(byteCount: words.count * 8 + 16, zeroed: false)
    for (at, word) in words.enumerated() { slab.store(word, at * 8) }
    let hash = slab.hash(0, count: words.count * 8)
    slab.store(hash.high, words.count * 8)
    slab.store(hash.low, words.count * 8 + 8)
    return (0..<slab.byteCount).map { slab.load($0, as: UInt8.self) }
  }

  /// The hash that a promotion's mark names: the last 16 bytes of the encoded form.
  public static func hash(ofEncoded bytes: [UInt8]) -> Hash128? {
    guard bytes.count >= 32 else { return nil }
    let slab = Slab(byteCount: 16, zeroed: false)
    for at in 0..<16 { slab.store(bytes[bytes.count - 16 + at], at) }
    return Hash128(high: slab.load(0, as: UInt64.self), low: slab.load(8, as: UInt64.self))
  }

  /// Reads what `encoded` wrote; total on any bytes.
  public init(decoding bytes: [UInt8]) throws(LineageFault) {
    guard bytes.count >= 48, bytes.count % 8 == 0 else { throw .truncated(at: bytes.count) }
    let slab = Slab(byteCount: bytes.count, zeroed: false)
    for at in 0..<bytes.count { slab.store(bytes[at], at) }
    var reader = WordReader(slab: slab, end: bytes.count / 8 - 2)
    let magic = try reader.word()
    guard magic == Self.magic else { throw .unsupportedVersion(magic) }
    guard slab.hash(0, count: bytes.count - 16) == Self.hash(ofEncoded: bytes) else {
      throw .checksum
    }
    for _ in 0..<(try reader.count("omissions", Self.partsMax)) {
      let (from, to, kinds) = (try reader.word(), try reader.word(), try reader.word())
      let players = try reader.list("players")
      let producers = try reader.list("producers")
      omissions.append(
        Omission(
          from: from, to: to, players: players, producers: producers, kinds: kinds,
          offsets: try reader.list("offsets")))
    }
    for _ in 0..<(try reader.count("rule changes", Self.partsMax)) {
      let from = try reader.word()
      var words: [Int64] = []
      for _ in 0..<HuntRules.wordCount { words.append(Int64(bitPattern: try reader.word())) }
      guard let rules = HuntRules(words: words) else {
        throw .outOfRange(field: "rules", at: reader.at * 8)
      }
      ruleChanges.append(RuleChange(from: from, rules: rules))
    }
    for _ in 0..<(try reader.count("additions", Self.partsMax)) {
      var addition = Addition(at: try reader.word(), events: [])
      for _ in 0..<(try reader.count("events", Self.additionMax)) {
        let event = try reader.event()
        guard event.kind?.isSupported == true else {
          throw .outOfRange(field: "kind", at: reader.at * 8)
        }
        addition.events.append(event)
      }
      additions.append(addition)
    }
    guard reader.at == reader.end else { throw .outOfRange(field: "length", at: reader.at * 8) }
  }
}

/// Reads 8-byte words up to an end.
private struct WordReader {
  let slab: Slab
  let end: Int
  var at = 0

  mutating func word() throws(LineageFault) -> UInt64 {
    guard at < end else { throw .truncated(at: at * 8) }
    at += 1
    return slab.load((at - 1) * 8, as: UInt64.self)
  }

  mutating func count(_ field: String, _ most: Int) throws(LineageFault) -> Int {
    let value = try word()
    guard value <= UInt64(most) else { throw .outOfRange(field: field, at: at * 8 - 8) }
    return Int(value)
  }

  mutating func list(_ field: String) throws(LineageFault) -> [UInt64] {
    let count = try count(field, Omission.listMax)
    guard at + count <= end else { throw .truncated(at: end * 8) }
    defer { at += count }
    let words = (at..<(at + count)).map { slab.load($0 * 8, as: UInt64.self) }
    for index in words.indices.dropFirst() where words[index - 1] > words[index] {
      throw .outOfRange(field: field, at: (at + index) * 8)
    }
    return words
  }

  mutating func event() throws(LineageFault) -> Event {
    guard at + 8 <= end else { throw .truncated(at: at * 8) }
    defer { at += 8 }
    return slab.load(at * 8, as: Event.self)
  }
}

extension Event {
  fileprivate var words: [UInt64] {
    let slab = Slab(byteCount: 64, zeroed: false)
    slab.store(self, 0)
    return (0..<8).map { slab.load($0 * 8, as: UInt64.self) }
  }
}
