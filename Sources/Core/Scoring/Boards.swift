public import Pages

/// What came of one event on the boards of a hunt; bit i stands for board i.
@frozen public struct BoardsChange: BitwiseCopyable, Equatable, Sendable {
  public var updated: UInt16 = 0
  public var late: UInt16 = 0
  public var full: UInt16 = 0
  /// The member's score on the lowest-numbered board that was updated; 0 when none was.
  public var score: Int64 = 0

  @inlinable public init() {}
}

/// The leaderboards of one hunt, all updated by the one event.
///
/// Boards are places in the hunt's page space, numbered in the order they were declared,
/// `0..<count`.
public struct Boards: Sendable {
  /// Most boards of a hunt.
  public static var countMax: Int { 16 }

  @usableFromInline let boards: [Board]
  /// What was declared, in order.
  public let declarations: [BoardDeclaration]

  /// Reserves the pages of every board; traps on more than `countMax`, or on two of one name.
  public init(_ declarations: [BoardDeclaration], in layout: inout PageLayout) {
    precondition(declarations.count <= Boards.countMax, "\(declarations.count) boards")
    var boards: [Board] = []
    for (index, declaration) in declarations.enumerated() {
      for other in declarations[..<index] {
        precondition(other.name != declaration.name, "two boards named \(other.name)")
      }
      boards.append(Board(declaration, in: &layout))
    }
    self.boards = boards
    self.declarations = declarations
  }

  @inlinable public var count: Int { boards.count }

  /// The board of that number; traps outside `0..<count`.
  @inlinable public subscript(index: Int) -> Board { boards[index] }

  /// The number of the board declared with `name`.
  public func index(named name: String) -> Int? {
    declarations.firstIndex { $0.name == name }
  }

  /// Adds `points` to the score of `member` on every board whose bit is set in `on`.
  ///
  /// - Parameter reached: Events applied before this one, never falling.
  /// - Complexity: O(count log members), no allocation.
  public func add(
    _ member: UInt32, _ points: Int64, reached: UInt64, timeMs: Int64, on: UInt16 = .max,
    _ space: inout PageSpace
  ) -> BoardsChange {
    var change = BoardsChange()
    var index = 0
    while index < boards.count {
      let bit: UInt16 = 1 &<< UInt16(truncatingIfNeeded: index)
      if on & bit != 0 {
        switch boards[index].add(member, points, reached: reached, timeMs: timeMs, &space) {
        case .updated(let score):
          if change.updated == 0 { change.score = score }
          change.updated |= bit
        case .late: change.late |= bit
        case .full: change.full |= bit
        }
      }
      index += 1
    }
    return change
  }

  /// Takes `member` off every board; the boards it was on, by bit.
  public func remove(_ member: UInt32, _ space: inout PageSpace) -> UInt16 {
    var removed: UInt16 = 0
    for index in 0..<boards.count where boards[index].remove(member, &space) {
      removed |= 1 &<< UInt16(truncatingIfNeeded: index)
    }
    return removed
  }

  /// Takes everyone off every board.
  public func clear(_ space: inout PageSpace) {
    for index in 0..<boards.count { boards[index].clear(&space) }
  }

  /// Fetches the rows of `member` on every board, for an `add` soon.
  @inlinable public func prefetch(
    _ member: UInt32, timeMs: Int64, _ space: borrowing PageSpace
  ) {
    var index = 0
    while index < boards.count {
      boards[index].prefetch(member, timeMs: timeMs, space)
      index += 1
    }
  }
}
