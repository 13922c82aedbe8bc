import Bounded
import Pages
import Testing
import Testkit

@testable import Scoring

@Test func smoke() {
  var layout = PageLayout()
  let board = Board(BoardDeclaration(name: "all", kind: .allTime, memberCapacity: 100), in: &layout)
  let pool = PagePool(pageCount: layout.pageCount + 2)
  var space = PageSpace(layout, pool: pool)
  #expect(board.add(3, 10, reached: 1, timeMs: 5, &space) == .updated(10))
  #expect(board.add(4, 10, reached: 2, timeMs: 5, &space) == .updated(10))
  #expect(board.rank(4, space) == 2)
  #expect(board.add(4, 1, reached: 3, timeMs: 5, &space) == .updated(11))
  #expect(board.rank(4, space) == 1 && board.rank(3, space) == 2 && board.rank(9, space) == nil)
  #expect(board.row(atRank: 2, space)?.member == 3)
}
