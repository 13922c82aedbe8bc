internal import Bounded
public import Pages

// Orders that follow their rows later than at once.
extension Boards {
  /// As `add` to every board, with orders that follow when `pending` says.
  ///
  /// - Complexity: O(count log members) when all is settled, O(count) when deferred; no allocation.
  public func add(
    _ member: UInt32, _ points: Int64, reached: UInt64, timeMs: Int64,
    _ pending: inout PendingStandings, _ space: inout PageSpace
  ) {
    for index in 0..<boards.count {
      boards[index].add(
        member, points, reached: reached, timeMs: timeMs, orders: index &* 2, &pending, &space)
    }
  }

  /// Takes `member` off every board; the boards it was on, by bit.
  public func remove(
    _ member: UInt32, _ pending: inout PendingStandings, _ space: inout PageSpace
  ) -> UInt16 {
    settle(&pending, &space)
    if pending.following != .deferred { return remove(member, &space) }
    var removed: UInt16 = 0
    for index in 0..<boards.count where boards[index].removeRow(member, &space) {
      removed |= 1 &<< UInt16(truncatingIfNeeded: index)
    }
    return removed
  }

  /// Lets the orders lag until they are settled.
  public func hold(_ pending: inout PendingStandings) {
    if pending.following == .atOnce { pending.following = .together }
  }

  /// Brings every order to where the rows are; they may lag again afterwards. Deferred ones
  /// stay so.
  public func settle(_ pending: inout PendingStandings, _ space: inout PageSpace) {
    if pending.following != .together { return }
    for index in 0..<boards.count {
      pending.settle(order: index &* 2, boards[index].even.tree, &space)
      if boards[index].windowMs > 0 {
        pending.settle(order: index &* 2 &+ 1, boards[index].odd.tree, &space)
      }
    }
  }

  /// Settles, and lets the orders follow at once again.
  public func release(_ pending: inout PendingStandings, _ space: inout PageSpace) {
    settle(&pending, &space)
    if pending.following == .together { pending.following = .atOnce }
  }

  /// Gives up every order until `rebuild`; reading a board traps meanwhile.
  public func deferOrders(_ pending: inout PendingStandings, _ space: inout PageSpace) {
    release(&pending, &space)
    for board in boards { board.withholdOrders(&space) }
    pending.following = .deferred
  }

  /// Pages that giving up and making every order may write for so many members.
  public func pagesOfRebuild(memberCount: Int) -> Int {
    boards.reduce(0) { pages, board in
      pages + (board.windowMs > 0 ? 2 : 1) * board.even.tree.pagesOfFill(keys: memberCount)
    }
  }

  /// Makes every order from the rows of the members below `memberCount`, who are all there are.
  ///
  /// - Complexity: O(members), and memory for two keys a member while it runs.
  public func rebuild(
    memberCount: Int, _ pending: inout PendingStandings, _ space: inout PageSpace
  ) {
    precondition(pending.following == .deferred, "boards rebuilt that were not deferred")
    let keys = Slab(byteCount: max(memberCount, 1) * 32, zeroed: false)
    for board in boards { board.rebuildOrders(memberCount, keys, &space) }
    pending.following = .atOnce
  }
}

extension Board {
  /// As `add`; `orders` and the next are the numbers of its orders in `pending`.
  @inline(__always)
  func add(
    _ member: UInt32, _ points: Int64, reached: UInt64, timeMs: Int64, orders: Int,
    _ pending: inout PendingStandings, _ space: inout PageSpace
  ) {
    if Int(member) >= memberCapacity { return }
    guard let (index, tag, isNew) = open(windowNumber(timeMs), &space) else { return }
    // What an order lagged by went with it when it was cleared.
    if isNew { pending.forget(order: orders &+ index) }
    let slot = slot(index)
    let (_, change) = slot.addToRow(
      member, points, min(reached, Standing.reachedMax), tag, &space)
    guard let change else { return }
    switch pending.following {
    case .atOnce: slot.follow(change, &space)
    case .together:
      pending.append(change, order: orders &+ index)
      if pending.isFull(order: orders &+ index) {
        pending.settle(order: orders &+ index, slot.tree, &space)
      }
    case .deferred: break
    }
  }

  /// Takes `member`'s rows off both kept windows without a look at the orders.
  func removeRow(_ member: UInt32, _ space: inout PageSpace) -> Bool {
    var removed = false
    if let (slot, tag) = kept(.current, space) {
      removed = slot.removeRow(member, tag, &space) != nil
    }
    if let (slot, tag) = kept(.previous, space) {
      removed = slot.removeRow(member, tag, &space) != nil || removed
    }
    return removed
  }

  func withholdOrders(_ space: inout PageSpace) {
    even.tree.withhold(&space)
    if windowMs > 0 { odd.tree.withhold(&space) }
  }

  func rebuildOrders(_ memberCount: Int, _ keys: Slab, _ space: inout PageSpace) {
    // A slot whose window is kept no longer is cleared before anything reads it.
    even.tree.fill(keys, at: 0, count: 0, &space)
    if windowMs > 0 { odd.tree.fill(keys, at: 0, count: 0, &space) }
    for window in [BoardWindow.current, .previous] {
      guard let (slot, tag) = kept(window, space) else { continue }
      let (at, count) = slot.sortedKeys(min(memberCount, memberCapacity), tag, keys, space)
      slot.tree.fill(keys, at: at, count: count, &space)
    }
  }
}

extension BoardSlot {
  /// The keys of the members below `memberCount` in this opening, ascending in `keys`: where they
  /// lie, and how many.
  func sortedKeys(
    _ memberCount: Int, _ tag: UInt32, _ keys: Slab, _ space: borrowing PageSpace
  ) -> (at: Int, count: Int) {
    var count = 0
    for member in 0..<memberCount {
      let row = members.load(member, space)
      if row.tag != tag { continue }
      let standing = Standing(
        score: row.score, reached: row.reached, member: UInt32(truncatingIfNeeded: member))
      keys.store(standing.key, count &* 16)
      count &+= 1
    }
    // They were met in the order of members, the lowest bits of a key.
    return (
      keys.sortRows(at: 0, count: count, spare: count * 16, ascendingBits: 24), count
    )
  }
}
