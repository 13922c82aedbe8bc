import Bounded
import CMallocCount
import Pages
import Testing
import Testkit

@testable import Scoring

// Boards whose orders follow in groups, or are rebuilt, are held against boards that follow at once,
// which BoardTests hold against sorting.

/// Three boards in a space of their own.
private struct Held: ~Copyable {
  let boards: Boards
  var space: PageSpace
  var pending: PendingStandings

  init(_ capacity: Int) {
    var layout = PageLayout()
    boards = Boards(
      [
        BoardDeclaration(name: "all", kind: .allTime, memberCapacity: capacity),
        BoardDeclaration(name: "short", kind: .tumbling(ms: 10), memberCapacity: capacity),
        BoardDeclaration(name: "long", kind: .tumbling(ms: 70), memberCapacity: capacity),
      ], in: &layout)
    space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 2))
    pending = PendingStandings(boards)
  }

  /// Every order is sound.
  var isSound: Bool {
    (0..<boards.count).allSatisfy {
      boards[$0].even.tree.audit(space) != nil && boards[$0].odd.tree.audit(space) != nil
    }
  }
}

/// Whether two give every reader the same, and have the same digest.
private func agree(_ one: inout Held, _ two: inout Held, _ capacity: Int) -> Bool {
  guard one.isSound, two.isSound, one.space.digest() == two.space.digest() else { return false }
  for index in 0..<one.boards.count {
    for window in [BoardWindow.current, .previous] {
      var rows: [[BoardRow]] = [[], []]
      one.boards[index].top(limit: .max, in: window, one.space) { rows[0].append($0) }
      two.boards[index].top(limit: .max, in: window, two.space) { rows[1].append($0) }
      if rows[0] != rows[1] { return false }
      if one.boards[index].count(in: window, one.space) != rows[0].count { return false }
      for member in 0..<UInt32(capacity) {
        let board = one.boards[index]
        guard
          board.rank(member, in: window, one.space) == board.rank(member, in: window, two.space),
          board.score(member, in: window, one.space) == board.score(member, in: window, two.space)
        else { return false }
      }
    }
  }
  return true
}

/// Any events - ties, removals, everyone taken off, windows moving on, leaping and late - give the
/// same digest, the same rows and the same ranks whether the orders follow at once, in groups, or are
/// deferred and rebuilt; and all go on alike from there.
@Test func ordersFollowWheneverTheyAreAsked() {
  #expect(
    forAll(cases: 60) { random in
      let capacity = [1, 40, 400][random.below(3)]
      var direct = Held(capacity)
      var grouped = Held(capacity)
      var deferred = Held(capacity)
      var time: Int64 = 0
      var reached: UInt64 = 0
      for round in 0..<6 {
        grouped.boards.hold(&grouped.pending)
        if round % 2 == 0 { deferred.boards.deferOrders(&deferred.pending, &deferred.space) }
        for _ in 0..<random.below(400) {
          reached += 1
          if random.chance(6) { time += Int64(random.below(random.chance(10) ? 300 : 8)) }
          let at = time - (random.chance(20) ? Int64(random.below(30)) : 0)
          let member = UInt32(random.below(random.chance(3) ? capacity + 3 : capacity))
          let draw = random.below(100)
          if draw < 4 {
            let removed = direct.boards.remove(member, &direct.space)
            if grouped.boards.remove(member, &grouped.pending, &grouped.space) != removed
              || deferred.boards.remove(member, &deferred.pending, &deferred.space) != removed
            {
              return false
            }
          } else {
            let points = Int64(random.below(7)) - 2
            _ = direct.boards.add(
              member, points, reached: reached, timeMs: at, &direct.space)
            grouped.boards.add(
              member, points, reached: reached, timeMs: at, &grouped.pending, &grouped.space)
            deferred.boards.add(
              member, points, reached: reached, timeMs: at, &deferred.pending, &deferred.space)
          }
        }
        grouped.boards.release(&grouped.pending, &grouped.space)
        if !grouped.pending.isEmpty { return false }
        if round % 2 == 0 {
          deferred.boards.rebuild(
            memberCount: capacity, &deferred.pending, &deferred.space)
        }
        if !agree(&direct, &grouped, capacity) || !agree(&direct, &deferred, capacity) {
          return false
        }
      }
      return true
    })
}

/// Boards without a member, and boards that were never written, are rebuilt empty.
@Test func emptyBoardsAreRebuilt() {
  var held = Held(20)
  for _ in 0..<2 {
    held.boards.deferOrders(&held.pending, &held.space)
    held.boards.rebuild(memberCount: 20, &held.pending, &held.space)
    #expect(held.isSound && held.boards[0].count(held.space) == 0)
    #expect(held.boards[1].rank(3, held.space) == nil)
    held.boards.add(3, 1, reached: 1, timeMs: 5, &held.pending, &held.space)
    #expect(held.boards[1].rank(3, held.space) == 1)
    #expect(held.boards.remove(3, &held.pending, &held.space) == 0b111)
  }
}

/// Nobody reads a board that waits for its order.
@Test func deferredBoardsTrap() async {
  await #expect(processExitsWith: .failure) {
    var held = Held(20)
    held.boards.add(3, 1, reached: 1, timeMs: 5, &held.pending, &held.space)
    held.boards.deferOrders(&held.pending, &held.space)
    _ = held.boards[0].rank(3, held.space)
  }
}

/// Following in groups and deferred allocates nothing per event.
@Test func followingDoesNotAllocate() {
  var held = Held(300)
  var random = TestRandom(seed: 3)
  var reached: UInt64 = 0
  func events(_ held: inout Held) {
    for _ in 0..<4_000 {
      reached += 1
      held.boards.add(
        UInt32(random.below(300)), Int64(random.below(9)), reached: reached,
        timeMs: Int64(reached / 50), &held.pending, &held.space)
    }
  }
  // Each way once, so that what the runtime makes at the first call is there.
  held.boards.deferOrders(&held.pending, &held.space)
  events(&held)
  held.boards.rebuild(memberCount: 300, &held.pending, &held.space)
  held.boards.hold(&held.pending)
  events(&held)
  vx_malloc_count_start()
  events(&held)
  var allocations = vx_malloc_count()
  held.boards.deferOrders(&held.pending, &held.space)
  vx_malloc_count_start()
  events(&held)
  allocations += vx_malloc_count()
  #expect(allocations == 0)
}
