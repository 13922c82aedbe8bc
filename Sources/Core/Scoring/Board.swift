public import Pages

/// Which scores a board adds up.
@frozen public enum BoardKind: Equatable, Sendable {
  /// Every event since the start or the last `clear`.
  case allTime
  /// The events of one window; windows are `ms` long, `1...`, and start at multiples of it.
  case tumbling(ms: Int64)
}

/// A board as its author asks for it.
public struct BoardDeclaration: Equatable, Sendable {
  public var name: String
  public var kind: BoardKind
  /// Members are `0..<memberCapacity`; `1...2^24`.
  public var memberCapacity: Int

  public init(name: String, kind: BoardKind, memberCapacity: Int) {
    self.name = name
    self.kind = kind
    self.memberCapacity = memberCapacity
  }
}

/// What came of one event on one board.
@frozen public enum BoardChange: Equatable, Sendable {
  /// The member's score is now this.
  case updated(Int64)
  /// The event belongs to a window that is no longer kept; nothing changed.
  case late
  /// The member is not below the board's capacity; nothing changed.
  case full
}

/// One of the windows that a board keeps.
@frozen public enum BoardWindow: Equatable, Sendable {
  /// The newest window that an event has opened; the only one of an all-time board.
  case current
  /// The one right before it.
  case previous
}

/// A leaderboard: sums of points by member, with the exact rank of each, in a page space.
///
/// It is a place, not memory. A higher score ranks first; of equal scores the one reached first; so
/// the order is total and a function of the events. A tumbling board keeps two windows, each in the
/// slot of its window number's parity; opening a window clears its slot in O(1), because the rows
/// of a member count only when they carry the tag of the slot's latest opening.
///
///     slot row  offset  bytes  field
///                    0      8  window   number of the window held: floor(ms / length)
///                    8      4  tag      1...2^24 - 1, changes at every opening; 0: never opened
///                   12      4  sweep    the next member row to zero
///                   16     16  zero
///
///     member row     0      8  score    sum of points, kept within Int64
///                    8      8  mark     bits 24...63 reached, bits 0...23 tag of the opening
///
/// Each opening zeroes two stale rows, so by the time a tag comes round again no row carries it.
///
/// Bytes a member and slot: 16, and up to 35 of tree (20 to 26 in practice); an all-time board has
/// one slot, a tumbling board two.
@frozen public struct Board: BitwiseCopyable, Sendable {
  @usableFromInline let even: BoardSlot
  @usableFromInline let odd: BoardSlot
  @usableFromInline let slots: PagedArray<BoardSlot.Row>
  /// Milliseconds a window; 0 for an all-time board.
  public let windowMs: Int64
  /// Members are `0..<memberCapacity`.
  public let memberCapacity: Int

  /// Reserves the pages of the board; traps on a declaration outside its ranges.
  public init(_ declaration: BoardDeclaration, in layout: inout PageLayout) {
    let name = declaration.name
    let capacity = declaration.memberCapacity
    precondition(
      capacity >= 1 && capacity <= Standing.membersMax, "board \(name) of \(capacity) members")
    memberCapacity = capacity
    slots = PagedArray("board.\(name).slots", count: 2, in: &layout)
    even = BoardSlot("board.\(name)", capacity, in: &layout)
    switch declaration.kind {
    case .allTime:
      windowMs = 0
      odd = even
    case .tumbling(let ms):
      precondition(ms >= 1, "board \(name) with windows of \(ms) ms")
      windowMs = ms
      odd = BoardSlot("board.\(name).odd", capacity, in: &layout)
    }
  }

  // MARK: Change

  /// Adds `points` to the score of `member` in the window of `timeMs`, joining the board at 0
  /// first.
  ///
  /// A score that would leave Int64 stays at its end. A score that does not change keeps its place
  /// among ties.
  ///
  /// - Parameters:
  ///   - points: Any value, negative ones too.
  ///   - reached: Events applied before this one, `0...Standing.reachedMax`, never falling.
  ///   - timeMs: Event time, any value; opens a newer window when it lies in one. An all-time board
  ///     ignores it.
  /// - Complexity: O(log members), no allocation.
  public func add(
    _ member: UInt32, _ points: Int64, reached: UInt64, timeMs: Int64, _ space: inout PageSpace
  ) -> BoardChange {
    if Int(member) >= memberCapacity { return .full }
    guard let (index, tag, _) = open(windowNumber(timeMs), &space) else { return .late }
    let slot = slot(index)
    let (score, change) = slot.addToRow(
      member, points, min(reached, Standing.reachedMax), tag, &space)
    if let change { slot.follow(change, &space) }
    return .updated(score)
  }

  /// Takes `member` off the board in both kept windows; whether it was on any.
  public func remove(_ member: UInt32, _ space: inout PageSpace) -> Bool {
    var removed = false
    if let (slot, tag) = held(.current, space) { removed = slot.remove(member, tag, &space) }
    if let (slot, tag) = held(.previous, space) {
      removed = slot.remove(member, tag, &space) || removed
    }
    return removed
  }

  /// Takes everyone off the board. A tumbling board keeps its windows, so late events stay late.
  ///
  /// - Complexity: O(1).
  public func clear(_ space: inout PageSpace) {
    for index in 0..<2 {
      let row = slots.load(index, space)
      if row.tag != 0 { _ = reopen(index, row, row.window, &space) }
    }
  }

  // MARK: Windows

  /// The number of the window that `timeMs` lies in: floor(timeMs / windowMs), 0 when all-time.
  @inlinable @inline(__always)
  func windowNumber(_ timeMs: Int64) -> Int64 {
    if windowMs == 0 { return 0 }
    let (quotient, remainder) = timeMs.quotientAndRemainder(dividingBy: windowMs)
    return remainder < 0 ? quotient &- 1 : quotient
  }

  /// The newest window opened, or nil before the first event.
  func newestWindow(_ space: borrowing PageSpace) -> Int64? {
    let even = slots.load(0, space)
    let odd = slots.load(1, space)
    if even.tag == 0 { return odd.tag == 0 ? nil : odd.window }
    return odd.tag == 0 ? even.window : max(even.window, odd.window)
  }

  @inline(__always)
  func slot(_ index: Int) -> BoardSlot { index == 0 ? even : odd }

  /// The slot that holds `window`, opened if need be, and its tag; nil when the window is too old.
  @inline(__always)
  func open(
    _ window: Int64, _ space: inout PageSpace
  ) -> (index: Int, tag: UInt32, isNew: Bool)? {
    let index = Int(window & 1)
    let row = slots.load(index, space)
    let other = slots.load(index ^ 1, space)
    if row.tag != 0 && row.window > window { return nil }
    if other.tag != 0 && other.window > window && other.window &- window != 1 { return nil }
    if row.tag != 0 && row.window == window { return (index, row.tag, false) }
    return (index, reopen(index, row, window, &space), true)
  }

  /// Clears a slot for `window`; its new tag.
  @inline(never)
  private func reopen(
    _ index: Int, _ old: BoardSlot.Row, _ window: Int64, _ space: inout PageSpace
  ) -> UInt32 {
    var row = old
    row.window = window
    row.tag = row.tag == BoardSlot.tagMax ? 1 : row.tag + 1
    for _ in 0..<2 {
      slot(index).sweep(Int(row.sweep), &space)
      row.sweep = Int(row.sweep) + 1 == memberCapacity ? 0 : row.sweep + 1
    }
    slot(index).tree.removeAll(&space)
    slots.store(row, index, &space)
    return row.tag
  }

  /// The slot of a kept window and its tag, for a reader of its order; nil when no event has opened
  /// it. Traps while the order is deferred.
  @inline(__always)
  func held(_ window: BoardWindow, _ space: borrowing PageSpace) -> (BoardSlot, UInt32)? {
    guard let (slot, tag) = kept(window, space) else { return nil }
    precondition(!slot.tree.isWithheld(space), "a board was read before its order was rebuilt")
    return (slot, tag)
  }

  /// The slot of a kept window and its tag, or nil when no event has opened it.
  @inline(__always)
  func kept(_ window: BoardWindow, _ space: borrowing PageSpace) -> (BoardSlot, UInt32)? {
    guard let newest = newestWindow(space) else { return nil }
    let number = window == .current ? newest : newest &- 1
    let index = Int(number & 1)
    let row = slots.load(index, space)
    if row.tag == 0 || row.window != number { return nil }
    return (slot(index), row.tag)
  }
}
