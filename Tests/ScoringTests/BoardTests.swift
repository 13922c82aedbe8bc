import Bounded
import CMallocCount
import Pages
import Testing
import Testkit

@testable import Scoring

// Boards are held against sorted arrays. Not verified here: the tree itself (PagesTests), and that
// `reached` never falls, which is the caller's promise.

/// A board by sorting everything, every time.
private struct SortedBoard {
  let windowMs: Int64
  let capacity: Int
  var windows: [Int64: [UInt32: Standing]] = [:]
  var newest: Int64?

  func number(_ timeMs: Int64) -> Int64 {
    if windowMs == 0 { return 0 }
    // Floor division, by way of a wider type.
    let wide = Int128(timeMs)
    let length = Int128(windowMs)
    return Int64(wide >= 0 ? wide / length : -((-wide + length - 1) / length))
  }

  mutating func add(_ member: UInt32, _ points: Int64, _ reached: UInt64, _ timeMs: Int64)
    -> BoardChange
  {
    if member >= capacity { return .full }
    let window = number(timeMs)
    if let newest, Int128(window) < Int128(newest) - 1 { return .late }
    newest = max(newest ?? window, window)
    windows = windows.filter { Int128($0.key) >= Int128(newest!) - 1 }
    var standing = windows[window, default: [:]][member]
    let old = standing?.score
    let wide = Int128(old ?? 0) + Int128(points)
    let score = Int64(min(max(wide, Int128(Int64.min)), Int128(Int64.max)))
    if score != old { standing = Standing(score: score, reached: reached, member: member) }
    windows[window, default: [:]][member] = standing
    return .updated(score)
  }

  func rows(_ window: BoardWindow) -> [Standing] {
    guard let newest else { return [] }
    let number = window == .current ? newest : newest &- 1
    return (windows[number] ?? [:]).values.sorted {
      if $0.score != $1.score { return $0.score > $1.score }
      if $0.reached != $1.reached { return $0.reached < $1.reached }
      return $0.member < $1.member
    }
  }
}

/// Whether every read of a window gives what the sorted rows say.
private func agrees(
  _ board: Board, _ model: SortedBoard, _ window: BoardWindow, _ random: inout TestRandom,
  _ space: borrowing PageSpace
) -> Bool {
  let rows = model.rows(window)
  if board.count(in: window, space) != rows.count { return false }
  let all = rows.enumerated().map { BoardRow(rank: $0 + 1, standing: $1) }
  var seen: [BoardRow] = []
  board.top(limit: .max, in: window, space) { seen.append($0) }
  if seen != all { return false }
  for row in all {
    if board.rank(row.member, in: window, space) != row.rank { return false }
    if board.score(row.member, in: window, space) != row.score { return false }
    if board.row(atRank: row.rank, in: window, space) != row { return false }
    let above = rows.filter { $0.score > row.score }.count
    if board.rank(ofScore: row.score, in: window, space) != above + 1 { return false }
  }
  if board.row(atRank: 0, in: window, space) != nil { return false }
  if board.row(atRank: rows.count + 1, in: window, space) != nil { return false }
  let offset = random.below(6)
  let limit = random.below(6)
  seen = []
  board.top(offset: offset, limit: limit, in: window, space) { seen.append($0) }
  if seen != Array(all.dropFirst(offset).prefix(limit)) { return false }
  for member in 0..<UInt32(model.capacity + 1) {
    seen = []
    let found = board.around(member, before: offset, after: limit, in: window, space) {
      seen.append($0)
    }
    let at = rows.firstIndex { $0.member == member }
    if found != (at != nil) { return false }
    let near = at.map { Array(all[max(0, $0 - offset)...min(all.count - 1, $0 + limit)]) } ?? []
    if seen != near { return false }
    if at == nil && board.rank(member, in: window, space) != nil { return false }
    if at == nil && board.score(member, in: window, space) != nil { return false }
  }
  return true
}

private func makeBoard(_ windowMs: Int64, _ capacity: Int, _ layout: inout PageLayout) -> Board {
  let kind: BoardKind = windowMs == 0 ? .allTime : .tumbling(ms: windowMs)
  return Board(
    BoardDeclaration(name: "board", kind: kind, memberCapacity: capacity), in: &layout)
}

/// Few points, so that ties are common, and now and then the ends of Int64.
private func somePoints(_ random: inout TestRandom) -> Int64 {
  random.below(30) == 0
    ? [Int64.max, .min, .max - 3, .min + 3][random.below(4)] : Int64(random.below(9)) - 3
}

/// Any events - negative points, zero, ties, windows moving on, leaping and late - give the boards
/// that sorting gives.
@Test(arguments: [0, 1, 7, 60_000] as [Int64])
func boardsAreWhatSortingSays(windowMs: Int64) {
  #expect(
    forAll(cases: 25) { random in
      var layout = PageLayout()
      let board = makeBoard(windowMs, 40, &layout)
      let pool = PagePool(pageCount: layout.pageCount + 2)
      var space = PageSpace(layout, pool: pool)
      var model = SortedBoard(windowMs: windowMs, capacity: 40)
      var time = [0, -100, Int64.min, Int64.max - 1_000_000][random.below(4)]
      for event in 0..<400 {
        let step = max(windowMs, 1)
        if random.chance(20) {
          let leap = Int64(random.below(random.chance(20) ? 9 : 2)) * step + Int64(random.below(3))
          let (later, overflow) = time.addingReportingOverflow(leap)
          time = overflow ? time : later
        }
        let (earlier, overflow) = time.subtractingReportingOverflow(
          random.chance(30) ? Int64(random.below(4)) * step : 0)
        let at = overflow ? .min : earlier
        let member = UInt32(random.below(random.chance(5) ? 60 : 40))
        let points = somePoints(&random)
        let change = board.add(member, points, reached: UInt64(event), timeMs: at, &space)
        if change != model.add(member, points, UInt64(event), at) { return false }
        if event % 40 == 39 {
          if !agrees(board, model, .current, &random, space) { return false }
          if !agrees(board, model, .previous, &random, space) { return false }
        }
      }
      return true
    })
}

/// A fork keeps its board whatever happens to the other, and both go on as they should.
@Test func boardForksAreUnaffected() {
  #expect(
    forAll(cases: 20) { random in
      var layout = PageLayout()
      let board = makeBoard(10, 60, &layout)
      let pool = PagePool(pageCount: layout.pageCount * 5 + 2)
      var live = PageSpace(layout, pool: pool)
      var model = SortedBoard(windowMs: 10, capacity: 60)
      for event in 0..<150 {
        let member = UInt32(random.below(60))
        _ = board.add(member, 2, reached: UInt64(event), timeMs: Int64(event / 8), &live)
        _ = model.add(member, 2, UInt64(event), Int64(event / 8))
      }
      var fork: PageSpace
      do throws(ForkRefusal) { fork = try live.fork(writable: true) } catch { return false }
      var modelFork = model
      for event in 150..<300 {
        let member = UInt32(random.below(60))
        let points = somePoints(&random)
        _ = board.add(member, points, reached: UInt64(event), timeMs: Int64(event / 9), &live)
        _ = model.add(member, points, UInt64(event), Int64(event / 9))
        _ = board.add(member, 0 &- points, reached: UInt64(event), timeMs: Int64(event / 5), &fork)
        _ = modelFork.add(member, 0 &- points, UInt64(event), Int64(event / 5))
      }
      return agrees(board, model, .current, &random, live)
        && agrees(board, model, .previous, &random, live)
        && agrees(board, modelFork, .current, &random, fork)
        && agrees(board, modelFork, .previous, &random, fork)
    })
}

/// Taking members off, or all of them, leaves the others' order; they may join again.
@Test func removedMembersLeaveNoTrace() {
  #expect(
    forAll(cases: 20) { random in
      var layout = PageLayout()
      let board = makeBoard(10, 50, &layout)
      let pool = PagePool(pageCount: layout.pageCount + 2)
      var space = PageSpace(layout, pool: pool)
      var model = SortedBoard(windowMs: 10, capacity: 50)
      for event in 0..<300 {
        let member = UInt32(random.below(50))
        let time = Int64(event / 20)
        if random.chance(25) {
          let was = model.windows.values.contains { $0[member] != nil }
          for window in model.windows.keys { model.windows[window]?[member] = nil }
          if board.remove(member, &space) != was { return false }
        } else if random.below(100) == 0 {
          board.clear(&space)
          model.windows = [:]
        } else {
          let change = board.add(member, 1, reached: UInt64(event), timeMs: time, &space)
          if change != model.add(member, 1, UInt64(event), time) { return false }
        }
      }
      return agrees(board, model, .current, &random, space)
        && agrees(board, model, .previous, &random, space)
    })
}

/// The bounds of a window hold exactly the times whose events it takes.
@Test(arguments: [1, 7, 60_000, Int64.max] as [Int64])
func windowBoundsAreExact(windowMs: Int64) {
  var layout = PageLayout()
  let board = makeBoard(windowMs, 4, &layout)
  let pool = PagePool(pageCount: layout.pageCount + 2)
  for time in [Int64.min, .min + 1, -60_001, -60_000, -1, 0, 1, 59_999, 60_000, .max - 1, .max] {
    var space = PageSpace(layout, pool: pool)
    #expect(board.currentWindow(space) == nil && board.previousWindow(space) == nil)
    _ = board.add(1, 1, reached: 1, timeMs: time, &space)
    guard let window = board.currentWindow(space) else {
      Issue.record("no window")
      continue
    }
    #expect(window.firstMs <= time && time <= window.lastMs)
    let number = board.windowNumber(time)
    #expect(board.windowNumber(window.firstMs) == number)
    #expect(board.windowNumber(window.lastMs) == number)
    if window.firstMs == .min {
      #expect(board.previousWindow(space) == nil)
    } else {
      #expect(board.windowNumber(window.firstMs - 1) == number - 1)
      #expect(board.previousWindow(space)?.lastMs == window.firstMs - 1)
    }
    if window.lastMs < .max { #expect(board.windowNumber(window.lastMs + 1) == number + 1) }
  }
}

/// A tag that comes round again finds no row that carries it: every row is swept before that, and the
/// tag goes from its greatest value to 1.
@Test func staleRowsAreSwept() {
  var layout = PageLayout()
  let board = makeBoard(10, 33, &layout)
  let pool = PagePool(pageCount: layout.pageCount + 2)
  var space = PageSpace(layout, pool: pool)
  for member in 0..<33 {
    _ = board.add(UInt32(member), 5, reached: 1, timeMs: 0, &space)
  }
  var row = board.slots.load(0, space)
  row.tag = BoardSlot.tagMax - 3
  board.slots.store(row, 0, &space)
  for opening in 1...17 {
    _ = board.add(7, 1, reached: 2, timeMs: Int64(opening) * 20, &space)
    #expect(board.count(space) == 1 && board.score(7, space) == 1)
  }
  #expect(board.slots.load(0, space).tag == 14)
  let tags = (0..<33).filter { board.even.members.load($0, space).tag != 0 }
  #expect(tags.allSatisfy { $0 == 7 })
}

/// `reached` past its 40 bits counts as the last one, and ties then go to the lower member.
@Test func reachedStaysInItsBits() {
  var layout = PageLayout()
  let board = makeBoard(0, 1 << 10, &layout)
  let pool = PagePool(pageCount: layout.pageCount + 2)
  var space = PageSpace(layout, pool: pool)
  _ = board.add(900, 5, reached: Standing.reachedMax + 1, timeMs: 0, &space)
  _ = board.add(3, 5, reached: .max, timeMs: 0, &space)
  _ = board.add(5, 5, reached: Standing.reachedMax - 1, timeMs: 0, &space)
  #expect([5, 3, 900].map { board.rank($0, space) } == [1, 2, 3])
}

/// An event reaches every board asked for, and each says what came of it.
@Test func oneEventUpdatesEveryBoard() {
  var layout = PageLayout()
  let boards = Boards(
    [
      BoardDeclaration(name: "all", kind: .allTime, memberCapacity: 10),
      BoardDeclaration(name: "minute", kind: .tumbling(ms: 60_000), memberCapacity: 10),
      BoardDeclaration(name: "few", kind: .allTime, memberCapacity: 2),
    ], in: &layout)
  let pool = PagePool(pageCount: layout.pageCount + 2)
  var space = PageSpace(layout, pool: pool)
  var change = boards.add(4, 7, reached: 1, timeMs: 180_000, &space)
  #expect(change.updated == 0b011 && change.late == 0 && change.full == 0b100 && change.score == 7)
  change = boards.add(1, 9, reached: 2, timeMs: 59_999, &space)
  #expect(change.updated == 0b101 && change.late == 0b010 && change.full == 0 && change.score == 9)
  change = boards.add(1, 9, reached: 3, timeMs: 180_001, on: 0b010, &space)
  #expect(change.updated == 0b010 && change.score == 9)
  #expect(boards[0].score(1, space) == 9 && boards[1].rank(1, space) == 1)
  #expect(boards.index(named: "minute") == 1 && boards.index(named: "hour") == nil)
  #expect(boards.remove(1, &space) == 0b111 && boards.remove(1, &space) == 0)
  boards.clear(&space)
  #expect((0..<3).allSatisfy { boards[$0].count(space) == 0 })
}

/// Nothing allocates per event, windows opening included, once every page was written.
@Test func addingDoesNotAllocate() {
  var layout = PageLayout()
  let boards = Boards(
    [
      BoardDeclaration(name: "all", kind: .allTime, memberCapacity: 500),
      BoardDeclaration(name: "minute", kind: .tumbling(ms: 100), memberCapacity: 500),
    ], in: &layout)
  let pool = PagePool(pageCount: layout.pageCount + 2)
  var space = PageSpace(layout, pool: pool)
  var random = TestRandom(seed: runSeed)
  var reached: UInt64 = 0
  var sum = 0
  func event() {
    reached += 1
    let member = UInt32(random.below(500))
    boards.prefetch(member, timeMs: Int64(reached / 10), space)
    let change = boards.add(
      member, Int64(random.below(9)), reached: reached, timeMs: Int64(reached / 10), &space)
    sum += Int(change.updated)
    let board = boards[0]
    if case .some(let rank) = board.rank(member, space) { sum += rank }
    if case .some(let row) = board.row(atRank: 1, space) { sum += Int(row.member) }
    board.top(limit: 3, space) { sum += $0.rank }
    if board.around(member, before: 2, after: 2, space, { sum += $0.rank }) { sum += 1 }
    if random.chance(5) { sum += Int(boards.remove(member, &space)) }
  }
  for _ in 0..<3000 { event() }
  vx_malloc_count_start()
  for _ in 0..<10_000 { event() }
  let allocations = vx_malloc_count()
  #expect(allocations == 0)
  #expect(sum > 0)
}
