import Bounded
import CMallocCount
import Testing
import Testkit

@testable import Pages

// Each test holds the tree against a sorted array. Not verified here: reads by a second thread, and
// how long anything takes.

/// A sorted array with the operations of a tree.
private struct SortedKeys {
  var keys: [TreeKey] = []

  func rank(_ key: TreeKey) -> Int {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) / 2
      if keys[middle] < key { low = middle + 1 } else { high = middle }
    }
    return low
  }
  func contains(_ key: TreeKey) -> Bool {
    let at = rank(key)
    return at < keys.count && keys[at] == key
  }
  mutating func insert(_ key: TreeKey) { keys.insert(key, at: rank(key)) }
  mutating func remove(_ key: TreeKey) { keys.remove(at: rank(key)) }
}

/// A key of a small universe, spread over both words so that ties of `high` are common.
private func smallKey(_ number: Int) -> TreeKey {
  TreeKey(high: UInt64(number / 4), low: UInt64(number % 4) << 62)
}

private func makeTree(_ capacity: Int, fanOut: Int, _ layout: inout PageLayout) -> PagedTree {
  PagedTree(
    "tree", capacity: capacity, nodeBytes: 256, leafCapacity: fanOut, innerCapacity: fanOut,
    in: &layout)
}

/// One random operation on both; false where they differ.
private func step(
  _ tree: PagedTree, _ model: inout SortedKeys, universe: Int, _ random: inout TestRandom,
  _ space: inout PageSpace
) -> Bool {
  let key = smallKey(random.below(universe))
  switch random.below(10) {
  case 0...3:
    let expected: TreeInsertion =
      model.contains(key) ? .present : model.keys.count == tree.capacity ? .full : .inserted
    if expected == .inserted { model.insert(key) }
    return tree.insert(key, &space) == expected
  case 4...6:
    let expected = model.contains(key)
    if expected { model.remove(key) }
    return tree.remove(key, &space) == expected
  case 7...8:
    let new = smallKey(random.below(universe))
    let expected = model.contains(key) && (new == key || !model.contains(new))
    if expected {
      model.remove(key)
      model.insert(new)
    }
    return tree.replace(key, new, &space) == expected
  default:
    let rank = model.rank(key)
    let from = random.below(universe)
    let limit = random.below(20)
    var scanned: [TreeKey] = []
    var ranksRise = true
    tree.scan(from: from, limit: limit, space) { rank, key in
      ranksRise = ranksRise && rank == from + scanned.count
      scanned.append(key)
    }
    return tree.rank(key, space) == rank && tree.contains(key, space) == model.contains(key)
      && tree.first(atOrAfter: key, space) == (rank < model.keys.count ? model.keys[rank] : nil)
      && tree.last(before: key, space) == (rank > 0 ? model.keys[rank - 1] : nil)
      && tree.select(from, space) == (from < model.keys.count ? model.keys[from] : nil)
      && scanned == Array(model.keys.dropFirst(from).prefix(limit)) && ranksRise
  }
}

private func equal(_ tree: PagedTree, _ model: SortedKeys, _ space: borrowing PageSpace) -> Bool {
  var keys: [TreeKey] = []
  tree.scan(from: 0, limit: .max, space) { keys.append($1) }
  return keys == model.keys && tree.count(space) == model.keys.count && tree.audit(space) != nil
}

/// Any sequence of operations, at any fan-out, answers like a sorted array and keeps its rules.
@Test(arguments: [4, 5, 6, 7, 9])
func treeAnswersLikeASortedArray(fanOut: Int) {
  #expect(
    forAll(cases: 40) { random in
      var layout = PageLayout()
      let universe = [12, 60, 900][random.below(3)]
      let tree = makeTree(universe - random.below(10), fanOut: fanOut, &layout)
      let pool = PagePool(pageCount: layout.pageCount + 2)
      var space = PageSpace(layout, pool: pool)
      var model = SortedKeys()
      for at in 0..<3000 {
        if !step(tree, &model, universe: universe, &random, &space) { return false }
        if at % 50 == 0 && !equal(tree, model, space) { return false }
        if random.below(1500) == 0 {
          tree.removeAll(&space)
          model.keys = []
        }
      }
      return equal(tree, model, space)
    })
}

/// Nodes of full size, with keys drawn from all 128 bits, answer like a sorted array.
@Test(arguments: [512, 1024, 4096])
func fullSizeNodesAnswerLikeASortedArray(nodeBytes: Int) {
  #expect(
    forAll(cases: 3) { random in
      var layout = PageLayout()
      let tree = PagedTree("tree", capacity: 20_000, nodeBytes: nodeBytes, in: &layout)
      let pool = PagePool(pageCount: layout.pageCount + 2)
      var space = PageSpace(layout, pool: pool)
      var model = SortedKeys()
      for at in 0..<12_000 {
        let key = TreeKey(high: (random.next() >> 50) << 50, low: random.next())
        if tree.insert(key, &space) != .inserted { return false }
        model.insert(key)
        let old = model.keys[random.below(model.keys.count)]
        let new = TreeKey(high: old.high &+ UInt64(random.below(3)) << 50, low: random.next())
        if !tree.replace(old, new, &space) { return false }
        model.remove(old)
        model.insert(new)
        if tree.rank(new, space) != model.rank(new) { return false }
        if at % 3 == 2 {
          let gone = model.keys[random.below(model.keys.count)]
          if !tree.remove(gone, &space) { return false }
          model.remove(gone)
        }
      }
      return equal(tree, model, space)
    })
}

/// Every set of insertions and removals of 7 keys, in every order tried by a counter, stays sound at
/// the smallest fan-out.
@Test func everyShortHistoryIsSound() {
  var layout = PageLayout()
  let tree = makeTree(7, fanOut: 4, &layout)
  let pool = PagePool(pageCount: layout.pageCount + 2)
  var space = PageSpace(layout, pool: pool)
  // A history is a permutation of insertions followed by a permutation of removals.
  var orders: [[Int]] = [[]]
  for key in 0..<7 {
    orders = orders.flatMap { order in
      (0...order.count).map { Array(order[..<$0]) + [key] + Array(order[$0...]) }
    }
  }
  #expect(orders.count == 5040)
  var sound = true
  for (number, order) in orders.enumerated() {
    tree.removeAll(&space)
    for key in order { sound = sound && tree.insert(smallKey(key), &space) == .inserted }
    sound = sound && tree.audit(space)?.height == 1 && tree.insert(smallKey(9), &space) == .full
    for (at, key) in orders[(number * 4999) % orders.count].enumerated() {
      sound = sound && tree.remove(smallKey(key), &space) && tree.audit(space) != nil
      sound = sound && tree.count(space) == 6 - at
    }
  }
  #expect(sound)
}

/// From every subset of 12 keys, every single removal, insertion and replacement gives the set it
/// should.
@Test func everySmallStepFromEverySubset() {
  var layout = PageLayout()
  let tree = makeTree(12, fanOut: 4, &layout)
  let pool = PagePool(pageCount: layout.pageCount + 2)
  var space = PageSpace(layout, pool: pool)
  func build(_ subset: Int) {
    tree.removeAll(&space)
    for key in 0..<12 where subset >> key & 1 == 1 { _ = tree.insert(smallKey(key), &space) }
  }
  func holds(_ subset: Int) -> Bool {
    var found = 0
    tree.scan(from: 0, limit: 12, space) { _, key in
      found |= 1 << Int(key.high * 4 + (key.low >> 62))
    }
    return found == subset && tree.audit(space) != nil
  }
  var sound = true
  for subset in 0..<(1 << 12) where sound {
    let from = subset % 12
    let to = (subset / 7) % 12
    build(subset)
    let moves = subset >> from & 1 == 1 && (from == to || subset >> to & 1 == 0)
    sound = sound && tree.replace(smallKey(from), smallKey(to), &space) == moves
    sound = sound && holds(moves ? (subset & ~(1 << from)) | 1 << to : subset)
    build(subset)
    sound = sound && tree.remove(smallKey(from), &space) == (subset >> from & 1 == 1)
    sound = sound && holds(subset & ~(1 << from))
    sound = sound && tree.insert(smallKey(from), &space) == .inserted
    sound = sound && holds(subset | 1 << from)
  }
  #expect(sound)
}

/// A tree takes as many keys as it was declared for, whatever came before, and no more.
@Test(arguments: [4, 5, 63])
func capacityIsAPromise(fanOut: Int) {
  let capacity = 5000
  for order in ["ascending", "descending", "random", "sawtooth", "removal heavy"] {
    var layout = PageLayout()
    let tree =
      fanOut == 63
      ? PagedTree("tree", capacity: capacity, in: &layout)
      : makeTree(capacity, fanOut: fanOut, &layout)
    let pool = PagePool(pageCount: layout.pageCount + 2)
    var space = PageSpace(layout, pool: pool)
    var random = TestRandom(seed: runSeed)
    var numbers = Array(0..<capacity)
    switch order {
    case "descending": numbers.reverse()
    case "random", "removal heavy": numbers.shuffle(using: &random)
    case "sawtooth": numbers = numbers.map { $0 % 50 * 100 + $0 / 50 }
    default: break
    }
    for number in numbers { #expect(tree.insert(smallKey(number), &space) == .inserted) }
    #expect(tree.insert(smallKey(capacity), &space) == .full)
    if order == "removal heavy" {
      // Leaves every leaf as empty as it may be, then fills other gaps, many times over.
      for round in 0..<6 {
        for number in numbers where (number / 2 + round) % 8 != 0 {
          #expect(tree.remove(smallKey(number), &space))
        }
        #expect(tree.audit(space) != nil)
        for number in numbers.reversed() where (number / 2 + round) % 8 != 0 {
          #expect(tree.insert(smallKey(number), &space) == .inserted)
        }
      }
    }
    #expect(tree.insert(smallKey(capacity), &space) == .full)
    #expect(tree.replace(smallKey(0), smallKey(capacity), &space))
    #expect(tree.count(space) == capacity && tree.audit(space) != nil, "\(order)")
  }
}

/// A fork keeps its keys whatever happens to the tree, and the other way round.
@Test func treeForksReadLikeCopies() {
  #expect(
    forAll(cases: 20) { random in
      var layout = PageLayout()
      let tree = makeTree(400, fanOut: 6, &layout)
      let pool = PagePool(pageCount: layout.pageCount * 6 + 2)
      var live = PageSpace(layout, pool: pool)
      var model = SortedKeys()
      for _ in 0..<5 {
        for _ in 0..<300 {
          if !step(tree, &model, universe: 400, &random, &live) { return false }
        }
        var fork: PageSpace
        do throws(ForkRefusal) { fork = try live.fork(writable: true) } catch { return false }
        var modelFork = model
        for _ in 0..<200 {
          if !step(tree, &model, universe: 400, &random, &live) { return false }
          if !step(tree, &modelFork, universe: 400, &random, &fork) { return false }
        }
        if !equal(tree, model, live) || !equal(tree, modelFork, fork) { return false }
      }
      return true
    })
}

/// The same operations give the same bytes, through forks and digests or not.
@Test func sameOperationsGiveTheSameBytes() throws {
  var layout = PageLayout()
  let tree = makeTree(300, fanOut: 5, &layout)
  let pool = PagePool(pageCount: layout.pageCount * 8 + 2)
  var one = PageSpace(layout, pool: pool)
  var two = PageSpace(layout, pool: pool)
  var random = TestRandom(seed: runSeed)
  var again = random
  var model = SortedKeys()
  for _ in 0..<2000 { #expect(step(tree, &model, universe: 320, &random, &one)) }
  model = SortedKeys()
  for at in 0..<2000 {
    if at % 400 == 7 { _ = try two.fork() }
    if at % 300 == 5 { _ = two.digest() }
    #expect(step(tree, &model, universe: 320, &again, &two))
  }
  #expect(one.digest() == two.digest())
}

/// Nothing allocates once the pages are there and each operation ran once.
@Test func treeDoesNotAllocate() {
  var layout = PageLayout()
  let tree = PagedTree("tree", capacity: 5000, in: &layout)
  let pool = PagePool(pageCount: layout.pageCount + 2)
  var space = PageSpace(layout, pool: pool)
  var sum = 0
  func everyOperation(_ random: inout TestRandom) {
    let key = TreeKey(high: UInt64(random.below(2000)), low: 1)
    let new = TreeKey(high: UInt64(random.below(8000)), low: 1)
    if case .inserted = tree.insert(key, &space) { sum += 1 }
    if tree.replace(key, new, &space) { sum += 1 }
    if tree.contains(key, space) { sum += 1 }
    sum += tree.rank(key, space)
    if case .some(let found) = tree.select(random.below(5000), space) { sum += Int(found.high) }
    if case .some(let found) = tree.first(atOrAfter: key, space) { sum += Int(found.high) }
    if case .some(let found) = tree.last(before: key, space) { sum += Int(found.high) }
    tree.scan(from: 5, limit: 3, space) { rank, key in sum += rank + Int(key.high) }
    if random.chance(30), tree.remove(new, &space) { sum += 1 }
  }
  var random = TestRandom(seed: runSeed)
  for _ in 0..<1000 { everyOperation(&random) }
  vx_malloc_count_start()
  for _ in 0..<20_000 { everyOperation(&random) }
  tree.removeAll(&space)
  let allocations = vx_malloc_count()
  #expect(allocations == 0)
  #expect(sum > 0 && tree.count(space) == 0)
}
