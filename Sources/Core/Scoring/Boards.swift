public import Pages

/// The boards of one hunt, updated together by one event.
public struct Boards: Sendable {
  public static let countMax = 8
  private let boards: InlineArray<8, Board>
  /// Boards declared.
  public let count: Int

  /// - Parameter declarations: 1...8.
  public init(_ declarations: [BoardDeclaration], in layout: inout PageLayout) {
    precondition(!declarations.isEmpty && declarations.count <= Self.countMax)
    count = declarations.count
    let first = Board(declarations[0], in: &layout)
    var boards = InlineArray<8, Board>(repeating: first)
    for at in 1..<max(1, declarations.count) { boards[at] = Board(declarations[at], in: &layout) }
    self.boards = boards
  }

  /// Board `index`, `0..<count`.
  public subscript(_ index: Int) -> Board {
    precondition(index >= 0 && index < count)
    return boards[index]
  }

  /// Adds points to a member on every board.
  public func add(
    _ member: UInt32, _ points: Int64, reached: UInt64, timeMs: Int64, _ space: inout PageSpace
  ) {
    for at in 0..<count {
      _ = boards[at].add(member, points, reached: reached, timeMs: timeMs, &space)
    }
  }

  public func prefetch(_ member: UInt32, timeMs: Int64, _ space: borrowing PageSpace) {
    for at in 0..<count { boards[at].prefetch(member, timeMs: timeMs, space) }
  }
}
