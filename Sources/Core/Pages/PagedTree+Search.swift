public import Bounded

extension PagedTree {
  /// Whether `key` is held.
  ///
  /// - Complexity: O(log count).
  public func contains(_ key: TreeKey, _ space: borrowing PageSpace) -> Bool {
    let at = leafPlace(key, space)
    if at < 0 { return false }
    let position = position(key, at, space)
    return position < entryCount(at, space) && self.key(position, at, space) == key
  }

  /// How many keys are below `key`, which need not be held: `0...count`.
  ///
  /// - Complexity: O(log count).
  public func rank(_ key: TreeKey, _ space: borrowing PageSpace) -> Int {
    let header = header(space)
    if header.root == 0 { return 0 }
    var at = place(header.root, space)
    var below = 0
    for _ in 0..<Int(header.height) {
      let index = childIndex(key, at, space)
      let next = place(child(index, at, space), space)
      prefetchKeys(next, space)
      below &+= space.memory.sum32(at: countAt(0, at), count: index)
      at = next
    }
    return below &+ position(key, at, space)
  }

  /// The key with `rank` keys below it, or nil unless `0..<count` holds `rank`.
  ///
  /// - Complexity: O(log count).
  public func select(_ rank: Int, _ space: borrowing PageSpace) -> TreeKey? {
    if rank < 0 || rank >= count(space) { return nil }
    let (at, position) = locate(rank, space)
    return key(position, at, space)
  }

  /// The lowest key that is not below `key`.
  ///
  /// - Complexity: O(log count).
  public func first(atOrAfter key: TreeKey, _ space: borrowing PageSpace) -> TreeKey? {
    let at = leafPlace(key, space)
    if at < 0 { return nil }
    let position = position(key, at, space)
    if position < entryCount(at, space) { return self.key(position, at, space) }
    return select(rank(key, space), space)
  }

  /// The highest key below `key`.
  ///
  /// - Complexity: O(log count).
  public func last(before key: TreeKey, _ space: borrowing PageSpace) -> TreeKey? {
    let at = leafPlace(key, space)
    if at < 0 { return nil }
    let position = position(key, at, space)
    if position > 0 { return self.key(position - 1, at, space) }
    return select(rank(key, space) - 1, space)
  }

  /// Calls `body` with the rank and the key of up to `limit` keys, ascending from `rank`; a rank
  /// outside `0..<count` has no keys.
  ///
  /// - Complexity: O(limit + (1 + limit / 31) log count).
  @inlinable
  public func scan(
    from rank: Int, limit: Int, _ space: borrowing PageSpace, _ body: (Int, TreeKey) -> Void
  ) {
    if rank < 0 || limit <= 0 { return }
    var next = rank
    let end = rank &+ min(limit, count(space) &- rank)
    while next < end {
      let leaf = run(at: next, end &- next, space)
      for index in 0..<leaf.count {
        body(next &+ index, space.memory.load(leaf.offset &+ index &* 16, as: TreeKey.self))
      }
      next &+= leaf.count
    }
  }

  /// Where the key of `rank`, which is held, lies in the pool, and how many keys, `1...limit`, lie
  /// side by side from there.
  @usableFromInline
  func run(at rank: Int, _ limit: Int, _ space: borrowing PageSpace) -> (offset: Int, count: Int) {
    let (at, position) = locate(rank, space)
    return (keyAt(position, at), min(limit, entryCount(at, space) - position))
  }

  // MARK: Descents

  /// The leaf that holds `key` if any does, or -1 in a tree that never had a key.
  @inline(__always)
  func leafPlace(_ key: TreeKey, _ space: borrowing PageSpace) -> Int {
    let header = header(space)
    if header.root == 0 { return -1 }
    var at = place(header.root, space)
    for _ in 0..<Int(header.height) {
      at = place(child(childIndex(key, at, space), at, space), space)
      prefetchKeys(at, space)
    }
    return at
  }

  /// The leaf and the position of the key of `rank`, which is in `0..<count`.
  func locate(_ rank: Int, _ space: borrowing PageSpace) -> (at: Int, position: Int) {
    let header = header(space)
    var at = place(header.root, space)
    var left = rank
    for _ in 0..<Int(header.height) {
      let (index, sum) = space.memory.firstExceeding(
        left, at: countAt(0, at), count: entryCount(at, space))
      left &-= sum
      at = place(child(index, at, space), space)
    }
    return (at, left)
  }

  /// Fetches the lines of a node that its search will need, all at once instead of one by one.
  @inline(__always)
  func prefetchKeys(_ at: Int, _ space: borrowing PageSpace) {
    space.memory.prefetch(at, count: 1 &<< nodeShift)
  }
}
