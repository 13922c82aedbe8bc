import Bounded
import Pages
import Testing
import Testkit

/// Any mix of writes, forks and drops reads like a plain dictionary copied at each fork.
@Test func forksReadLikeCopies() {
  #expect(
    forAll(cases: 50) { random in
      var layout = PageLayout()
      let table = PagedTable("t", capacity: 1000, in: &layout)
      let array = PagedArray<UInt64>("a", count: 2000, in: &layout)
      let pool = PagePool(pageCount: layout.pageCount * 6 + 1)
      var live = PageSpace(layout, pool: pool)
      var model: [UInt64: UInt64] = [:]
      var rows = [UInt64](repeating: 0, count: 2000)
      for _ in 0..<4 {
        let before = live.digest()
        let fork: PageSpace
        do throws(ForkRefusal) { fork = try live.fork() } catch { return false }
        let modelThen = model
        let rowsThen = rows
        for _ in 0..<300 {
          let key = UInt64(random.below(400) + 1)
          let value = random.next()
          if random.chance(30) {
            if table.remove(key, &live) != (model.removeValue(forKey: key) != nil) { return false }
          } else {
            guard table.set(key, value, &live) else { return false }
            model[key] = value
          }
          let at = random.below(2000)
          array.store(value, at, &live)
          rows[at] = value
        }
        for key in 1...400 where table.find(UInt64(key), fork) != modelThen[UInt64(key)] {
          return false
        }
        for key in 1...400 where table.find(UInt64(key), live) != model[UInt64(key)] {
          return false
        }
        for at in 0..<2000 where array.load(at, fork) != rowsThen[at] { return false }
        for at in 0..<2000 where array.load(at, live) != rows[at] { return false }
        var old = fork
        if old.digest() != before { return false }
        var differing = 0
        live.forEachDifference(from: old) { _ in differing += 1 }
        if differing == 0 { return false }
      }
      return table.count(live) == model.count
    })
}

/// Writing the same bytes in another order, through forks or not, gives the same digest; an image
/// restored elsewhere gives it too.
@Test func digestIsAFunctionOfTheBytes() throws {
  var layout = PageLayout()
  let array = PagedArray<UInt32>("a", count: 50_000, in: &layout)
  let pool = PagePool(pageCount: layout.pageCount * 4 + 1)
  var one = PageSpace(layout, pool: pool)
  var two = PageSpace(layout, pool: pool)
  var random = TestRandom(seed: runSeed)
  let values = (0..<50_000).map { _ in UInt32(truncatingIfNeeded: random.next()) }
  for at in 0..<50_000 { array.store(values[at], at, &one) }
  let empty = two.digest()
  for at in (0..<50_000).reversed() { array.store(1, at, &two) }
  let fork = try two.fork()
  for at in (0..<50_000).reversed() { array.store(values[at], at, &two) }
  #expect(one.digest() == two.digest())
  #expect(array.load(7, fork) == 1)

  let elsewhere = PagePool(pageCount: layout.pageCount + 1)
  var restored = PageSpace(layout, pool: elsewhere)
  #expect(restored.digest() == empty)
  one.forEachWrittenPage { page, bytes in restored.restore(page: page, from: bytes) }
  #expect(restored.digest() == one.digest())
  array.store(0, 3, &restored)
  #expect(restored.digest() != one.digest())
}

/// A fork that could starve the hunt is refused, and dropping a fork gives its pages back.
@Test func poolKeepsRoomForTheHunt() throws {
  var layout = PageLayout()
  let array = PagedArray<UInt64>("a", count: 512 * 8, in: &layout)
  let pool = PagePool(pageCount: layout.pageCount * 2 + 1)
  var live = PageSpace(layout, pool: pool)
  for at in 0..<array.count { array.store(1, at, &live) }
  do {
    let fork = try live.fork()
    // Shares everything with the first, so it needs nothing more.
    let same = try live.fork()
    for at in 0..<512 { array.store(2, at, &live) }
    #expect(throws: ForkRefusal.poolTooSmall(neededPages: 8, freePages: 7)) {
      _ = try live.fork()
    }
    for at in 0..<array.count { array.store(2, at, &live) }
    #expect(pool.freeCount == 0)
    #expect(array.load(0, fork) == 1 && array.load(array.count - 1, same) == 1)
  }
  #expect(pool.freeCount == layout.pageCount)
  _ = try live.fork()
}

/// A page written and set back to zero has the digest of a page never written.
@Test func zerosAreAsNeverWritten() {
  var layout = PageLayout()
  let array = PagedArray<UInt64>("a", count: 2000, in: &layout)
  var space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 1))
  let empty = space.digest()
  array.store(7, 1500, &space)
  let full = space.digest()
  array.store(0, 1500, &space)
  #expect(space.digest() == empty)
  #expect(full != empty)
}
