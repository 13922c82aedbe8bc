internal import Bounded
internal import Pages

/// Changes of standing that the rows of members tell already and the orders of boards do not yet.
///
/// Rows are the truth of a board; its order is an index over them. Following every event at once,
/// an order is searched twice a board and each search waits for memory. Followed together, searches
/// of many events overlap. Deferred, no order is kept at all until `Boards.rebuild` makes each from
/// the rows in one sweep, as a replay wants it.
///
/// It lies beside the page space, belongs to no state and is empty between steps. Memory: 4 KiB a
/// board, and 4.4 KiB.
public struct PendingStandings: ~Copyable {
  /// When the orders follow the rows.
  public enum Following: Equatable, Sendable {
    /// Before `add` returns.
    case atOnce
    /// When somebody settles, or as soon as one order lags by `capacity` changes.
    case together
    /// Not before they are rebuilt; until then a read of a board traps.
    case deferred
  }

  /// Changes that an order can lag by.
  public static var capacity: Int { 64 }

  public internal(set) var following = Following.atOnce
  /// `TreeChange`s, `capacity` for each order; the orders of board i are 2 i and 2 i + 1.
  private let changes: Slab
  private let lanes = Slab(byteCount: PagedTree.laneBytes)
  private var counts = InlineArray<32, Int>(repeating: 0)

  /// For the boards of one hunt.
  public init(_ boards: Boards) {
    changes = Slab(byteCount: max(boards.count, 1) * 2 * Self.capacity * 32)
  }

  /// Whether no order lags.
  public var isEmpty: Bool {
    for order in 0..<32 where counts[order] > 0 { return false }
    return true
  }

  /// Notes a change; the order must be settled before it is read, and at once when it is full.
  @inline(__always)
  mutating func append(_ change: TreeChange, order: Int) {
    let count = counts[order]
    changes.store(change, (order &* Self.capacity &+ count) &* 32)
    counts[order] = count &+ 1
  }

  @inline(__always)
  func isFull(order: Int) -> Bool { counts[order] == Self.capacity }

  /// Forgets the changes of an order that was cleared.
  mutating func forget(order: Int) { counts[order] = 0 }

  /// Makes the changes that `tree`, the order of that number, lags by.
  mutating func settle(order: Int, _ tree: PagedTree, _ space: inout PageSpace) {
    let count = counts[order]
    if count == 0 { return }
    let made = tree.apply(
      changes, at: order &* Self.capacity &* 32, count: count, lanes: lanes, &space)
    precondition(made, "a member's row and place on order \(order) do not agree")
    counts[order] = 0
  }
}
