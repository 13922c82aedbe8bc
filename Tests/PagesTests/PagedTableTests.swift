import Bounded
import Testing
import Testkit

@testable import Pages

// The hash table against a dictionary; keys are chosen so that their probes meet, wrap around the
// table's end, and fill it. Not verified: how long probes get, but that they end.

/// A table beside a dictionary.
private final class TableTwin {
  var space: PageSpace
  let table: PagedTable
  var model: [UInt64: UInt64] = [:]

  init(capacity: Int) {
    var layout = PageLayout()
    table = PagedTable("table", capacity: capacity, in: &layout)
    let pageCount = layout.pageCount
    space = PageSpace(layout, pool: PagePool(pageCount: 3 * pageCount + 3))
  }

  func set(_ key: UInt64, _ value: UInt64) -> Bool {
    let fits = model[key] != nil || model.count < table.capacity
    if fits { model[key] = value }
    return table.set(key, value, &space) == fits
  }

  func remove(_ key: UInt64) -> Bool {
    table.remove(key, &space) == (model.removeValue(forKey: key) != nil)
  }

  /// Whether the table holds what the dictionary does, and none of `others`.
  func readsRight(others: [UInt64]) -> Bool {
    var all: [UInt64: UInt64] = [:]
    table.forEach(space) { all[$0] = $1 }
    return all == model && table.count(space) == model.count
      && (Array(model.keys) + others).allSatisfy { table.find($0, space) == model[$0] }
  }
}

/// So many keys whose probes begin at `home` of 256 slots.
private func keys(home: Int, count: Int) -> [UInt64] {
  var found: [UInt64] = []
  var key: UInt64 = 1
  while found.count < count {
    if Int(truncatingIfNeeded: mixed(key)) & 255 == home { found.append(key) }
    key += 1
  }
  return found
}

/// Every short sequence of sets and removals of five keys that meet at the table's end, from every
/// subset of them held: each probe is found again and each hole is closed, also across the end.
@Test func everyShortTableHistoryReadsRight() {
  // Homes 254, 255, 255, 0 and 0: probes that wrap, and keys at home behind the wrap.
  let all = keys(home: 254, count: 1) + keys(home: 255, count: 2) + keys(home: 0, count: 2)
  let twin = TableTwin(capacity: 4)
  var failures: [String] = []
  for subset in 0..<32 {
    // Two steps from every subset, three from that of all.
    for history in 0..<(subset == 31 ? 1_000 : 100) {
      for at in 0..<5 where subset >> at & 1 == 1 { _ = twin.set(all[at], UInt64(at)) }
      var rest = history
      var isRight = true
      for step in 0..<(subset == 31 ? 3 : 2) {
        let (key, isSet) = (all[rest % 5], rest / 5 % 2 == 0)
        rest /= 10
        isRight = isRight && (isSet ? twin.set(key, UInt64(step + 9)) : twin.remove(key))
      }
      isRight = isRight && all.allSatisfy { twin.table.find($0, twin.space) == twin.model[$0] }
      if history % 9 == 0 { isRight = isRight && twin.readsRight(others: all) }
      if !isRight { failures.append("\(subset), \(history)") }
      for key in all { _ = twin.remove(key) }
    }
  }
  #expect(failures.isEmpty, "\(failures.prefix(5))")
}

/// Random sets, replacements and removals, of keys that crowd a few homes or are spread, on tables
/// that run full and are emptied again, read like a dictionary; so do forks, whatever happens
/// after.
@Test func tablesEqualADictionary() {
  let crowded = [255, 0, 1, 128].flatMap { keys(home: $0, count: 12) }
  #expect(
    forAll(cases: 40) { random in
      let capacity = [1, 3, 20, 170][random.below(4)]
      let pool =
        random.chance(50)
        ? crowded : (0..<(capacity + 20)).map { _ in random.next() | 1 }
      let twin = TableTwin(capacity: capacity)
      var growing = true
      for step in 0..<600 {
        if random.chance(2) { growing.toggle() }
        let key = pool[random.below(pool.count)]
        let isRight =
          random.chance(growing ? 75 : 25) ? twin.set(key, random.next()) : twin.remove(key)
        if !isRight { return false }
        if step % 50 == 0, !twin.readsRight(others: pool) { return false }
      }
      return twin.readsRight(others: pool)
    })
}

/// A full table refuses a new key, still takes a new value of an old one, and takes a key again
/// once one was removed; the greatest and the smallest key are keys.
@Test func fullTablesRefuse() {
  let twin = TableTwin(capacity: 2)
  #expect(twin.set(1, 10) && twin.set(.max, 20) && twin.set(7, 30) && twin.set(1, 40))
  #expect(twin.model == [1: 40, .max: 20] && twin.readsRight(others: [7]))
  #expect(twin.remove(7) && twin.remove(1) && twin.set(7, 50))
  #expect(twin.readsRight(others: [1]))
  let none = TableTwin(capacity: 0)
  #expect(none.set(1, 1) && none.readsRight(others: [1]))
}

/// A fork keeps its keys, whatever is set and removed in the table after.
@Test func tableForksReadLikeCopies() throws {
  var random = TestRandom(seed: runSeed)
  let twin = TableTwin(capacity: 100)
  for key in 1...80 as ClosedRange<UInt64> { #expect(twin.set(key, key)) }
  let fork = try twin.space.fork()
  for _ in 0..<300 {
    let key = UInt64(1 + random.below(120))
    #expect(random.chance(50) ? twin.set(key, random.next()) : twin.remove(key))
  }
  for key in 1...120 as ClosedRange<UInt64> {
    #expect(twin.table.find(key, fork) == (key <= 80 ? key : nil))
  }
  #expect(twin.readsRight(others: Array(1...120)))
}
