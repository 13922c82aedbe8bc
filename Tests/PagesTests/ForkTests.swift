import Bounded
import Testing
import Testkit

@testable import Pages

// Each test holds spaces against plain copies of their bytes. Not verified here: how long anything
// takes (`veltrix bench pages`), and threads (ThreadTests).

/// One random step on a family of spaces of one pool; the first is the live one. False where
/// anything differs from the copies.
private func step(_ family: inout [Twin], _ pool: PagePool, _ random: inout TestRandom) -> Bool {
  let at = random.below(family.count)
  let twin = family[at]
  let words = twin.bytes.count / 8
  switch random.below(12) {
  case 0...5:
    guard twin.space.kind != .frozen else { return true }
    // Near each other or all over, and now and then what is there already or zero.
    let near = random.below(words)
    let count = 1 + random.below(30)
    guard twin.hasRoom(pages: count) else { return twin.space.kind == .branch }
    for _ in 0..<count {
      let word = random.chance(50) ? random.below(words) : min(near + random.below(600), words - 1)
      let value = random.chance(10) ? 0 : random.chance(10) ? twin.at(word) : random.next()
      twin.write(value, word)
    }
  case 6...7:
    let room = pool.roomCount
    let (own, kind) = (twin.space.ownCount, twin.space.kind)
    do throws(ForkRefusal) {
      let fork = try twin.space.fork(writable: random.chance(70))
      if kind == .primary && own > room { return false }
      let copy = Twin(fork, twin.bytes)
      copy.written = twin.written
      if !copy.spaceDifferences(from: twin).isEmpty { return false }
      family.append(copy)
    } catch {
      // Refused for want of room only, and nothing changed.
      return kind == .primary && own > room && pool.roomCount == room
        && twin.space.ownCount == own
    }
  case 8:
    if at > 0 { family.remove(at: at) }
  case 9:
    let other = family[random.below(family.count)]
    if at == 0 || twin.space.kind != .branch {
      return (twin.digest() == other.digest())
        == (originals(twin) == originals(other))
    }
    let live = family[0]
    let needed = live.space.ownCount - twin.space.ownCount - twin.space.tree.promisedCount
    let room = pool.roomCount
    do throws(ForkRefusal) { try twin.space.takeOver(from: &live.space) } catch {
      return needed > room && pool.roomCount == room && live.space.kind == .primary
    }
    family.swapAt(0, at)
  case 10:
    let other = family[random.below(family.count)]
    return twin.spaceDifferences(from: other) == twin.differences(from: other)
      && (twin === other || other.readsRight)
  default:
    guard twin.space.kind != .frozen else { return twin.readsRight }
    guard let taken = twin.space.takeWrittenPages() else {
      // Not known after some promotions.
      twin.written = []
      return twin.readsRight
    }
    var pages: Set<Int> = []
    taken.forEachPage { pages.insert($0) }
    let isRight = pages.isSuperset(of: twin.written) && taken.count == pages.count
    twin.written = []
    return isRight && twin.readsRight && twin.space.unsealedCount == 0
  }
  return true
}

/// What digests hold: the bytes before the derived region.
private func originals(_ twin: Twin) -> ArraySlice<UInt8> {
  let pages = twin.bytes.count / pageBytes
  return twin.bytes[..<((pages - pages / 3) * pageBytes)]
}

/// Any history of writes, forks of forks, drops, promotions and refusals reads, differs and digests
/// like plain copies; every page and node is counted once, and all are free at the end.
@Test(arguments: [1, 5, 63, 64, 65, 200])
func familiesReadLikeCopies(pageCount: Int) {
  #expect(
    forAll(cases: 20) { random in
      let layout = makeLayout(pageCount)
      let pool = PagePool(pageCount: layout.pageCount * (2 + random.below(3)) + 1)
      do {
        var family = [
          Twin(
            PageSpace(layout, pool: pool), [UInt8](repeating: 0, count: pageCount * pageBytes))
        ]
        for _ in 0..<150 {
          if !step(&family, pool, &random) || !pool.isAccounted(family) { return false }
          if family.count > 12 { family.removeLast(4) }
        }
        for twin in family where !twin.readsRight { return false }
      }
      return pool.isAccounted([]) && pool.freeCount == pool.pageCount - 1
        && pool.roomCount == pool.freeCount
    })
}

/// From every way to write two spaces of three pages, before and after a fork, everything reads
/// right; dropping the fork takes the digest back.
@Test func everySmallFork() throws {
  let layout = makeLayout(3)
  for history in 0..<512 {
    let pool = PagePool(pageCount: 3 * 3 + 1)
    let live = Twin(PageSpace(layout, pool: pool), [UInt8](repeating: 0, count: 3 * pageBytes))
    func write(_ twin: Twin, _ pages: Int, _ value: UInt64) {
      for page in 0..<3 where pages >> page & 1 == 1 { twin.write(value, page * 512 + 7) }
    }
    write(live, history & 7, 1)
    let before = live.digest()
    do {
      let fork = Twin(try live.space.fork(writable: true), live.bytes)
      #expect(fork.spaceDifferences(from: live).isEmpty)
      write(fork, history >> 3 & 7, 2)
      #expect(live.digest() == before)
      #expect(live.readsRight && fork.readsRight && pool.isAccounted([live, fork]))
      write(live, history >> 6, 3)
      #expect(live.readsRight && fork.readsRight && pool.isAccounted([live, fork]))
      #expect(fork.spaceDifferences(from: live) == fork.differences(from: live))
      let isSame = (fork.digest() == before)
      #expect(isSame == (history >> 3 & 3 == 0))
      if history >> 6 == 0 { #expect(live.digest() == before) }
    }
    #expect(live.readsRight && pool.isAccounted([live]))
  }
}

/// A hundred forks that share nearly everything fit, on writable ones too, and the hunt always gets
/// the pages that it needs.
@Test func aHundredForksFit() throws {
  let layout = makeLayout(300)
  let pool = PagePool(pageCount: 3 * layout.pageCount + 1)
  let live = Twin(
    PageSpace(layout, pool: pool), [UInt8](repeating: 0, count: layout.pageCount * pageBytes))
  for page in 0..<300 { live.write(UInt64(page) + 1, page * 512) }
  var forks: [Twin] = []
  for at in 0..<100 {
    let fork = Twin(try live.space.fork(writable: true), live.bytes)
    #expect(fork.hasRoom(pages: 1))
    fork.write(9, at * 512)
    live.write(UInt64(at), at * 700)
    forks.append(fork)
  }
  for page in 0..<300 { live.write(77, page * 512) }
  #expect(pool.isAccounted([live] + forks))
  for fork in forks { #expect(fork.readsRight) }
  #expect(live.readsRight)
  // A branch that asks for more than there is, is told so and keeps what it had.
  let room = pool.roomCount
  let last = forks[99]
  #expect(!last.hasRoom(pages: room + 1))
  #expect(last.hasRoom(pages: room) && pool.roomCount == 0)
  #expect(last.hasRoom(pages: 0) && pool.roomCount == room)
  // What it asked for is there, whoever else writes.
  #expect(last.hasRoom(pages: 50))
  #expect(!forks[98].hasRoom(pages: room - 49))
  for page in 200..<250 { last.write(1, page * 512) }
  #expect(last.space.tree.promisedCount == 0 && pool.isAccounted([live] + forks))
}

/// A page names its container and rows.
@Test func pagesNameTheirRows() throws {
  var layout = PageLayout()
  _ = PagedArray<UInt64>("first", count: 700, in: &layout)
  _ = PagedTable("table", capacity: 1000, in: &layout)
  let last = PagedArray<InlineArray<8, UInt64>>("last", count: 130, in: &layout)
  var space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount * 2 + 1))
  let names = (0..<3).map { "\(space.region(of: $0).name) \(space.region(of: $0).rows(on: $0))" }
  #expect(names == ["first 0..<512", "first 512..<700", "table.count 0..<1"])
  let fork = try space.fork()
  last.store(InlineArray(repeating: 1), 129, &space)
  var found: [String] = []
  space.forEachDifference(
    from: fork,
    inRegions: { page, region in
      found.append("\(region.name) \(region.rows(on: page))")
    })
  #expect(found == ["last 128..<130"])
  for page in 0..<layout.pageCount {
    let region = space.region(of: page)
    #expect(region.pages.contains(page))
  }
}

/// An image of what `takeWrittenPages` names, laid over the last image, is the space: whatever was
/// forked, promoted and lost meanwhile; and most of the time the pages are known.
@Test func writtenPagesMakeAnImage() throws {
  var known = 0
  var unknown = 0
  #expect(
    forAll(cases: 40) { random in
      let layout = makeLayout(150)
      let pool = PagePool(pageCount: layout.pageCount * 12 + 1)
      var family = [
        Twin(
          PageSpace(layout, pool: pool), [UInt8](repeating: 0, count: layout.pageCount * pageBytes))
      ]
      let image = Twin(
        PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 1)), family[0].bytes)
      var (isFirst, isLost) = (true, false)
      for _ in 0..<40 {
        for twin in family where random.chance(60) {
          guard twin.hasRoom(pages: 20) else { return false }
          for _ in 0..<random.below(20) { twin.write(random.next(), random.below(150 * 512)) }
        }
        if random.chance(20) { _ = family[0].digest() }
        if random.chance(30) {
          let parent = family[random.below(family.count)]
          family.append(Twin(try parent.space.fork(writable: true), parent.bytes))
        }
        if family.count > 1 && random.chance(20) {
          let at = 1 + random.below(family.count - 1)
          try family[at].space.takeOver(from: &family[0].space)
          family.swapAt(0, at)
        }
        if family.count > 5 { family.removeLast() }
        if random.chance(40) { continue }

        let live = family[0]
        let fork = try live.space.fork()
        let pages = live.space.takeWrittenPages()
        if isFirst && pages == nil { return false }
        isFirst = false
        // An image that was not written is followed by a whole one.
        let wasLost = isLost
        isLost = random.chance(15)
        if isLost { continue }
        image.bytes = live.bytes
        guard let pages, !wasLost else {
          unknown += 1
          for page in 0..<150 {
            fork.withPage(page) { image.space.restore(page: page, from: $0) }
          }
          continue
        }
        known += 1
        pages.forEachPage { page in
          fork.withPage(page) { image.space.restore(page: page, from: $0) }
        }
        var count = 0
        image.space.forEachDifference(from: live.space) { _ in count += 1 }
        if count != 0 || !image.readsRight || image.digest() != live.digest() { return false }
      }
      return true
    })
  #expect(known > unknown && unknown > 0)
}

/// A set of pages is a set of numbers.
@Test func pageSetsAreSets() {
  #expect(
    forAll(cases: 50) { random in
      let pageCount = 1 + random.below(300)
      let sets = [PageSet(pageCount: pageCount), PageSet(pageCount: pageCount)]
      var models: [Set<Int>] = [[], []]
      for _ in 0..<random.below(100) {
        let (at, page) = (random.below(2), random.below(pageCount))
        sets[at].insert(page)
        models[at].insert(page)
      }
      return zip(sets, models).allSatisfy { set, model in
        var pages: [Int] = []
        set.forEachPage { pages.append($0) }
        return pages == model.sorted() && set.count == pages.count
          && (0..<pageCount).allSatisfy { set.contains($0) == model.contains($0) }
      }
    })
}

/// The rows that differ are those of plain copies, for every row size and whatever is shared.
@Test(arguments: [1, 2, 4, 8, 32, 64, 256, 4096])
func differingRowsAreThoseOfCopies(rowBytes: Int) {
  #expect(
    forAll(cases: 10) { random in
      var layout = PageLayout()
      _ = layout.reserve("before", rowCount: 3, rowBytes: pageBytes)
      let rowCount = random.below(90) * pageBytes / rowBytes + 1
      _ = layout.reserve("rows", rowCount: rowCount, rowBytes: rowBytes)
      _ = layout.reserve("behind", rowCount: 70, rowBytes: pageBytes)
      let pool = PagePool(pageCount: layout.pageCount * 4 + 1)
      let words = layout.pageCount * 512
      let live = Twin(
        PageSpace(layout, pool: pool), [UInt8](repeating: 0, count: words * 8))
      // Words that lie within rows: what is behind the last row stays zero.
      let end = (3 * pageBytes + rowCount * rowBytes) / 8
      func write(_ twin: Twin) {
        for _ in 0..<random.below(300) {
          let near = random.below(words)
          for word in near..<min(near + random.below(20), words)
          where word < end || word >= (layout.pageCount - 70) * 512 {
            twin.write(random.next() & 0xff00_00ff_0000_0300, word)
          }
        }
      }
      write(live)
      let fork = Twin(try live.space.fork(writable: true), live.bytes)
      // From another pool, nothing is shared.
      let stranger = Twin(
        PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 1)),
        [UInt8](repeating: 0, count: words * 8))
      write(stranger)
      write(live)
      guard fork.hasRoom(pages: layout.pageCount) else { return false }
      if random.chance(50) { write(fork) }
      for region in layout.regions {
        for other in [fork, live, stranger]
        where live.spaceDifferingRows(region, from: other)
          != live.differingRows(region, from: other)
        {
          return false
        }
      }
      return true
    })
}

/// The digest of slices is the same for the same bytes, however they came to lie where they lie.
@Test func slicesAreAFunctionOfTheBytes() throws {
  let layout = makeLayout(100)
  let pool = PagePool(pageCount: layout.pageCount * 4 + 1)
  var one = PageSpace(layout, pool: pool)
  for page in 0..<100 { one.store(UInt64(page), page * pageBytes) }
  var two = try one.fork(writable: true)
  for page in (0..<100).reversed() { two.store(UInt64(5), page * pageBytes) }
  #expect(one.digest(pages: 10..<90) != two.digest(pages: 10..<90))
  for page in 0..<100 { two.store(UInt64(page), page * pageBytes) }
  for first in 0..<100 {
    #expect(one.digest(pages: first..<100) == two.digest(pages: first..<100))
  }
}

/// What cannot be right stops the process: a write to a frozen fork, a write past the end, a branch
/// that goes on where there is no room.
@Test func mistakesTrap() async {
  await #expect(processExitsWith: .failure) {
    let layout = makeLayout(4)
    var space = PageSpace(layout, pool: PagePool(pageCount: 20))
    var fork = try space.fork()
    fork.store(UInt64(1), 0)
  }
  await #expect(processExitsWith: .failure) {
    let layout = makeLayout(4)
    var space = PageSpace(layout, pool: PagePool(pageCount: 20))
    space.store(UInt64(1), 4 * pageBytes)
  }
  await #expect(processExitsWith: .failure) {
    let layout = makeLayout(4)
    let space = PageSpace(layout, pool: PagePool(pageCount: 20))
    _ = space.load(-8, as: UInt64.self)
  }
  await #expect(processExitsWith: .failure) {
    let layout = makeLayout(4)
    var space = PageSpace(layout, pool: PagePool(pageCount: 7))
    for page in 0..<4 { space.store(UInt64(1), page * pageBytes) }
    var fork = try space.fork(writable: true)
    for page in 0..<4 { fork.store(UInt64(2), page * pageBytes) }
  }
}
