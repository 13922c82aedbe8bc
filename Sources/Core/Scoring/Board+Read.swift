public import Pages

/// The event times of a window, both ends included, so that it is exact at the ends of time.
@frozen public struct WindowBounds: BitwiseCopyable, Equatable, Sendable {
  public var firstMs: Int64
  public var lastMs: Int64

  @inlinable public init(firstMs: Int64, lastMs: Int64) {
    self.firstMs = firstMs
    self.lastMs = lastMs
  }
}

extension Board {
  /// Members on the board.
  public func count(in window: BoardWindow = .current, _ space: borrowing PageSpace) -> Int {
    guard let (slot, _) = held(window, space) else { return 0 }
    return slot.tree.count(space)
  }

  /// The score of `member`, or nil when it is not on the board.
  ///
  /// - Complexity: O(1).
  public func score(
    _ member: UInt32, in window: BoardWindow = .current, _ space: borrowing PageSpace
  ) -> Int64? {
    guard let (slot, tag) = held(window, space) else { return nil }
    return slot.standing(member, tag, space)?.score
  }

  /// The rank of `member`, 1 for the best, or nil when it is not on the board.
  ///
  /// - Complexity: O(log members).
  public func rank(
    _ member: UInt32, in window: BoardWindow = .current, _ space: borrowing PageSpace
  ) -> Int? {
    guard let (slot, tag) = held(window, space) else { return nil }
    guard let standing = slot.standing(member, tag, space) else { return nil }
    return slot.tree.rank(standing.key, space) + 1
  }

  /// The rank that a score would have, were it reached now and nobody held it yet: 1 and as many as
  /// have a higher score.
  ///
  /// - Complexity: O(log members).
  public func rank(
    ofScore score: Int64, in window: BoardWindow = .current, _ space: borrowing PageSpace
  ) -> Int {
    guard let (slot, _) = held(window, space) else { return 1 }
    return slot.tree.rank(TreeKey(high: Standing.reversed(score), low: 0), space) + 1
  }

  /// Who holds `rank`, or nil outside `1...count`.
  ///
  /// - Complexity: O(log members).
  public func row(
    atRank rank: Int, in window: BoardWindow = .current, _ space: borrowing PageSpace
  ) -> BoardRow? {
    guard rank >= 1, let (slot, _) = held(window, space) else { return nil }
    guard let key = slot.tree.select(rank - 1, space) else { return nil }
    return BoardRow(rank: rank, standing: Standing(key))
  }

  /// Calls `body` with up to `limit` rows, best first, after leaving out the best `offset`.
  ///
  /// - Complexity: O(limit + log members).
  public func top(
    offset: Int = 0, limit: Int, in window: BoardWindow = .current, _ space: borrowing PageSpace,
    _ body: (BoardRow) -> Void
  ) {
    guard let (slot, _) = held(window, space) else { return }
    slot.tree.scan(from: offset, limit: limit, space) { rank, key in
      body(BoardRow(rank: rank + 1, standing: Standing(key)))
    }
  }

  /// Calls `body` with `member` between up to `before` better rows and up to `after` worse ones,
  /// best first; false, without a call, when it is not on the board.
  ///
  /// - Complexity: O(before + after + log members).
  public func around(
    _ member: UInt32, before: Int, after: Int, in window: BoardWindow = .current,
    _ space: borrowing PageSpace, _ body: (BoardRow) -> Void
  ) -> Bool {
    precondition(before >= 0 && after >= 0)
    guard let rank = rank(member, in: window, space) else { return false }
    let first = before < rank ? rank - 1 - before : 0
    let (whole, overflow) = (rank - first).addingReportingOverflow(after)
    top(offset: first, limit: overflow ? .max : whole, in: window, space, body)
    return true
  }

  /// The event times of the current window, or nil before the first event; all of time when
  /// all-time.
  public func currentWindow(_ space: borrowing PageSpace) -> WindowBounds? {
    newestWindow(space).map { bounds($0) }
  }

  /// The event times of the window before the current one, whether or not it has members; nil for
  /// an all-time board, before the first event, and at the start of time.
  public func previousWindow(_ space: borrowing PageSpace) -> WindowBounds? {
    guard windowMs > 0, let newest = newestWindow(space) else { return nil }
    let first = bounds(newest).firstMs
    return first == .min ? nil : bounds(windowNumber(first - 1))
  }

  /// Fetches the row of `member`, for an `add` some 16 events later.
  @inlinable @inline(__always)
  public func prefetch(_ member: UInt32, timeMs: Int64, _ space: borrowing PageSpace) {
    let slot = windowNumber(timeMs) & 1 == 0 ? even : odd
    slot.members.prefetch(Int(member), space)
  }

  func bounds(_ window: Int64) -> WindowBounds {
    if windowMs == 0 { return WindowBounds(firstMs: .min, lastMs: .max) }
    let (first, below) = window.multipliedReportingOverflow(by: windowMs)
    if below { return WindowBounds(firstMs: .min, lastMs: (window + 1) * windowMs - 1) }
    let (last, above) = first.addingReportingOverflow(windowMs - 1)
    return WindowBounds(firstMs: first, lastMs: above ? .max : last)
  }
}
