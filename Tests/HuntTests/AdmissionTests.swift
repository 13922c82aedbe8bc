import Bounded
import Events
import Hunt
import Testing
import Testkit
import World

// Sequences, keys and names against sets and arrays. `decide` and `idempotent` are asked, `apply` then
// remembers, as a partition does.

private func definition(_ change: (inout HuntLimits) -> Void) -> HuntDefinition {
  var definition = HuntDefinition(name: "admission")
  definition.limits.players = 4
  definition.limits.treasures = 1
  definition.limits.claims = 1
  definition.limits.producers = 3
  definition.limits.gaps = 4
  definition.limits.idempotencyKeys = 8
  definition.limits.names = 8
  change(&definition.limits)
  return definition
}

private func score(_ producer: UInt64, _ sequence: UInt64) -> Event {
  Event(kind: .score, producer: producer, sequence: sequence, player: 1, value: 1)
}

/// The runs of numbers missing below the highest of a set.
private func gaps(_ seen: Set<UInt64>) -> Int {
  guard let high = seen.max() else { return 0 }
  // A run ends where a number that was seen follows one that was not.
  return seen.filter { $0 <= high && $0 > 1 && !seen.contains($0 - 1) }.count
}

/// Random sequences with gaps, repeats and late arrivals from several producers: a number is a
/// duplicate exactly when a set holds it, and refused exactly when admitting it would need one run of
/// missing numbers, or one producer, more than declared; then nothing has changed.
@Test func sequencesEqualASet() {
  var reached: Set<String> = []
  #expect(
    forAll(cases: 300) { random in
      let limit = 1 + random.below(6)
      let held = definition {
        $0.gaps = limit
        $0.producers = 3
      }
      var hunt = Held(held, blockMap(["."], eight: true))
      var seen: [UInt64: Set<UInt64>] = [:]
      let spread = 2 + random.below(30)
      for _ in 0..<150 {
        let producer = UInt64(1 + random.below(5))
        let high = seen[producer]?.max() ?? 0
        let sequence =
          random.chance(50)
          ? high + 1 : random.chance(10) ? high + 1 << 40 : UInt64(1 + random.below(spread))
        if sequence > Event.sequenceMax { continue }
        var after = seen
        after[producer, default: []].insert(sequence)
        let expected: Admission =
          if seen[producer]?.contains(sequence) == true {
            .duplicate
          } else if after.count > 3 || after.values.reduce(0, { $0 + gaps($1) }) > limit {
            .full
          } else {
            .new
          }
        let decided = hunt.state.decide(producer, sequence)
        reached.insert("\(decided)")
        guard decided == expected, hunt.state.highSequence(producer) == high else {
          print("\(producer) \(sequence): \(decided), expected \(expected), of \(seen)")
          return false
        }
        if decided == .new {
          let digest = hunt.state.digest()
          _ = hunt.apply(score(producer, sequence))
          seen = after
          guard hunt.state.decide(producer, sequence) == .duplicate,
            hunt.state.digest() != digest
          else { return false }
        }
      }
      return true
    })
  #expect(reached == ["new", "duplicate", "full"])
}

/// A full table of gaps takes what closes or shortens a gap. It took nothing but each producer's next
/// number: what was missing when the table ran full, and was sent again, was refused for ever, so the
/// table never emptied either.
@Test func aFullTableOfGapsCanBeEmptied() {
  var hunt = Held(definition { $0.gaps = 2 }, blockMap(["."], eight: true))
  // Missing: 2 to 4, and 6.
  for sequence in [1, 5, 7] as [UInt64] {
    #expect(hunt.state.decide(1, sequence) == .new)
    _ = hunt.apply(score(1, sequence))
  }
  #expect(hunt.state.decide(1, 9) == .full)  // a third gap
  #expect(hunt.state.decide(1, 3) == .full)  // would split the first
  for sequence in [2, 4, 6, 3, 8] as [UInt64] {
    #expect(hunt.state.decide(1, sequence) == .new, "sequence \(sequence)")
    _ = hunt.apply(score(1, sequence))
    #expect(hunt.state.decide(1, sequence) == .duplicate)
  }
  #expect(hunt.state.decide(1, 10) == .new)
}

/// The window of keys holds the last so many, each with the offset of its event and the bits that tell
/// its body, and forgets the oldest first; keys and sequences do not meet.
@Test func keysAreForgottenOldestFirst() {
  #expect(
    forAll(cases: 50) { random in
      let size = 1 + random.below(20)
      var hunt = Held(definition { $0.idempotencyKeys = size }, blockMap(["."], eight: true))
      var window: [(key: UInt64, offset: UInt64, body: EventFlags)] = []
      for _ in 0..<200 {
        let key = random.next() % UInt64(size * 3) + (random.chance(10) ? 1 << 62 : 0)
        let known = window.first { $0.key == key }
        let held = hunt.state.idempotent(key)
        guard held?.offset == known?.offset, held?.body == known?.body else { return false }
        if known != nil { continue }
        let body = EventFlags.body(random.next())
        var event = score(1, key)
        event.flags.insert(.idempotencyKey)
        event.flags.formUnion(body)
        window.append((key, hunt.offset, body))
        _ = hunt.apply(event)
        if window.count > size { window.removeFirst() }
        guard hunt.state.decide(1, 1) == .new, hunt.state.highSequence(1) == 0 else { return false }
      }
      return true
    })
}

private func parts(_ name: String, number: UInt64) -> [Event] {
  guard let row = NameRow(Array(name.utf8).span) else { return [] }
  return (0..<2).map { part in
    let words: InlineArray<4, UInt64> = [
      row.words[part * 4], row.words[part * 4 + 1], row.words[part * 4 + 2],
      row.words[part * 4 + 3],
    ]
    return NamePart(number: number, part: part, size: Int(row.size), words: words).event
  }
}

/// Names get numbers in the order in which they come, each its own, are found again by their bytes, and
/// are known only once both halves are there; a full table gives no number.
@Test func namesEqualAnArray() {
  #expect(
    forAll(cases: 50) { random in
      let limit = 1 + random.below(40)
      var hunt = Held(definition { $0.names = limit }, blockMap(["."], eight: true))
      var names: [String] = []
      for _ in 0..<60 {
        // Of any length, many with a common start, some that differ in the last byte only.
        let size = [1, 8, 31, 32, 33, 63, 64][random.below(7)]
        let name = String(repeating: "n", count: size - 1) + String(random.below(10))
        guard let row = NameRow(Array(name.utf8).span), row.text == name else { return false }
        let known = names.firstIndex(of: name).map { Event.nameBase | UInt64($0 + 1) }
        guard hunt.state.number(of: row) == known else { return false }
        let next = hunt.state.nextNameNumber
        guard next == (names.count < limit ? Event.nameBase | UInt64(names.count + 1) : nil) else {
          return false
        }
        guard known == nil, let next else { continue }
        let halves = parts(name, number: next)
        _ = hunt.apply(halves[0])
        if random.chance(30) {
          // A crash between the halves: another name takes the number.
          guard hunt.state.number(of: row) == nil, hunt.state.name(of: next) == nil else {
            return false
          }
          continue
        }
        _ = hunt.apply(halves[1])
        names.append(name)
      }
      for (at, name) in names.enumerated() {
        guard hunt.state.name(of: Event.nameBase | UInt64(at + 1))?.text == name else {
          return false
        }
      }
      return hunt.state.name(of: Event.nameBase) == nil && hunt.state.name(of: 1) == nil
        && hunt.state.counts.names == UInt64(names.count)
    })
  #expect(NameRow([UInt8](repeating: 65, count: 65).span) == nil)
  #expect(NameRow([UInt8]().span) == nil)
}
