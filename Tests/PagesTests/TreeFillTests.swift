import Bounded
import CMallocCount
import Testing
import Testkit

@testable import Pages

// Trees that are filled or changed in groups are held against trees that took one change at a time,
// which PagedTreeTests hold against sorted arrays.

private func key(_ number: Int) -> TreeKey {
  TreeKey(high: UInt64(number / 4), low: UInt64(number % 4) << 62)
}

private func keys(_ tree: PagedTree, _ space: borrowing PageSpace) -> [TreeKey] {
  var keys: [TreeKey] = []
  tree.scan(from: 0, limit: .max, space) { keys.append($1) }
  return keys
}

private func tree(_ name: String, _ capacity: Int, _ fanOut: Int, _ layout: inout PageLayout)
  -> PagedTree
{
  fanOut == 63
    ? PagedTree(name, capacity: capacity, in: &layout)
    : PagedTree(
      name, capacity: capacity, nodeBytes: 256, leafCapacity: fanOut, innerCapacity: fanOut,
      in: &layout)
}

/// Any count of keys, up to the capacity, fills a sound tree that holds just them, whatever it held,
/// and that takes changes from there on.
@Test(arguments: [4, 5, 6, 9, 63])
func filledTreesAreSound(fanOut: Int) {
  #expect(
    forAll(cases: 60) { random in
      let capacity = random.below([20, 500, 5_000][random.below(3)])
      var layout = PageLayout()
      let tree = tree("tree", capacity, fanOut, &layout)
      let pool = PagePool(pageCount: layout.pageCount + 2)
      var space = PageSpace(layout, pool: pool)
      for _ in 0..<3 {
        let count = random.chance(30) ? capacity : random.below(capacity + 1)
        let slab = Slab(byteCount: 16 + count * 16)
        let numbers = (0..<count).map { $0 * 2 }
        for (at, number) in numbers.enumerated() { slab.store(key(number), 16 + at * 16) }
        if random.chance(50) { tree.withhold(&space) }
        tree.removeAll(&space)
        tree.fill(slab, at: 16, count: count, &space)
        guard !tree.isWithheld(space), tree.audit(space) != nil, tree.count(space) == count,
          keys(tree, space) == numbers.map(key)
        else { return false }
        var held = Set(numbers)
        for _ in 0..<100 where count > 0 {
          let number = random.below(2 * count)
          if held.contains(number) {
            if !tree.remove(key(number), &space) { return false }
            held.remove(number)
          } else if held.count < capacity {
            if tree.insert(key(number), &space) != .inserted { return false }
            held.insert(number)
          }
        }
        if tree.audit(space) == nil || keys(tree, space) != held.sorted().map(key) { return false }
      }
      return true
    })
}

/// Changes made in groups, insertions among them and the same key more than once, give the tree that
/// they give one after the other; the first impossible one is refused.
@Test(arguments: [4, 5, 9, 63])
func groupsEqualSingleChanges(fanOut: Int) {
  #expect(
    forAll(cases: 60) { random in
      let capacity = [30, 400, 3_000][random.below(3)]
      var layout = PageLayout()
      let grouped = tree("grouped", capacity, fanOut, &layout)
      let single = tree("single", capacity, fanOut, &layout)
      let pool = PagePool(pageCount: layout.pageCount + 2)
      var space = PageSpace(layout, pool: pool)
      let lanes = Slab(byteCount: PagedTree.laneBytes)
      let slab = Slab(byteCount: 64 * 32)
      var held: [Int] = []
      var free = Array(0..<(capacity * 2))
      free.shuffle(using: &random)
      for _ in 0..<40 {
        let count = random.below(65)
        for at in 0..<count {
          let new = free.removeLast()
          var change = TreeChange(key(new), to: key(new))
          if held.count == capacity || (!held.isEmpty && random.chance(70)) {
            let old = random.chance(20) ? held.count - 1 : random.below(held.count)
            change.old = key(held[old])
            free.insert(held[old], at: random.below(free.count + 1))
            held[old] = new
            held.swapAt(old, held.count - 1)
            if !single.replace(change.old, change.new, &space) { return false }
          } else {
            held.append(new)
            if single.insert(change.new, &space) != .inserted { return false }
          }
          slab.store(change, at * 32)
        }
        if !grouped.apply(slab, at: 0, count: count, lanes: lanes, &space) { return false }
        if grouped.audit(space) == nil { return false }
      }
      if keys(grouped, space) != keys(single, space) { return false }
      // A key that is not held, and one that is there already.
      guard let some = held.first, let missing = free.first else { return true }
      slab.store(TreeChange(key(missing), to: key(free[1])), 0)
      if grouped.apply(slab, at: 0, count: 1, lanes: lanes, &space) { return false }
      slab.store(TreeChange(key(some), to: key(some)), 0)
      return !grouped.apply(slab, at: 0, count: 1, lanes: lanes, &space)
        && keys(grouped, space) == keys(single, space)
    })
}

/// A tree that is withheld is used by nobody.
@Test func withheldTreesTrap() async {
  await #expect(processExitsWith: .failure) {
    var layout = PageLayout()
    let tree = PagedTree("tree", capacity: 10, in: &layout)
    var space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 2))
    tree.withhold(&space)
    _ = tree.count(space)
  }
  await #expect(processExitsWith: .failure) {
    var layout = PageLayout()
    let tree = PagedTree("tree", capacity: 10, in: &layout)
    var space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 2))
    tree.withhold(&space)
    _ = tree.insert(TreeKey(high: 1, low: 1), &space)
  }
}

/// A row and its neighbours are what three loads give, at either end and across pages.
@Test func rowsAroundAreThreeLoads() {
  var layout = PageLayout()
  let rows = PagedArray<UInt64>("rows", count: 1_300, in: &layout)
  var space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 2))
  for at in 0..<1_300 { rows.store(UInt64(at) + 7, at, &space) }
  for at in 0..<1_300 {
    let (before, here, after) = rows.loadAround(at, space)
    #expect(before == UInt64(max(at - 1, 0)) + 7 && here == UInt64(at) + 7)
    #expect(after == UInt64(min(at + 1, 1_299)) + 7)
  }
}
