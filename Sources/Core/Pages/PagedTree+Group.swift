public import Bounded

/// A key that takes the place of another; with `old == new`, a key that is inserted.
@frozen public struct TreeChange: BitwiseCopyable, Equatable, Sendable {
  public var old: TreeKey
  public var new: TreeKey

  @inlinable public init(_ old: TreeKey, to new: TreeKey) {
    self.old = old
    self.new = new
  }
}

// One search waits for memory at every level. Those of a group go down side by side, so that their
// waits overlap; then the changes are made one after the other, as if each had come alone.
extension PagedTree {
  /// Changes whose searches go side by side.
  private static var groupCount: Int { 16 }
  private static var laneCount: Int { groupCount * 2 }
  /// Bytes of working memory for `apply`, which keeps nothing there between two calls.
  ///
  ///     offset  bytes        field
  ///          0  16 x 32 x 8  by level and lane: node << 32 | index of the child taken
  ///      4,096       32 x 4  by lane: the leaf
  ///      4,224       32 x 8  by lane: where the node reached lies in the pool
  public static var laneBytes: Int { 4_480 }
  private static var leavesAt: Int { 4_096 }
  private static var placesAt: Int { 4_224 }

  /// Makes `count` changes, in order, that lie at `offset` of `changes`; false at the first whose
  /// old key is not held or whose new one is, or that the tree has no room for.
  ///
  /// - Parameter lanes: Of `laneBytes`.
  /// - Complexity: O(count log keys), no allocation.
  public func apply(
    _ changes: Slab, at offset: Int, count: Int, lanes: Slab, _ space: inout PageSpace
  ) -> Bool {
    var done = 0
    while done < count {
      let group = min(PagedTree.groupCount, count &- done)
      let made = applyGroup(changes, offset &+ done &* 32, group, lanes, &space)
      if made == 0 { return false }
      done &+= made
    }
    return true
  }

  /// Makes the first changes of a group, up to the one that moves keys between nodes and so makes
  /// the searches of the others stale; how many, or 0 when one cannot be made.
  private func applyGroup(
    _ changes: Slab, _ offset: Int, _ count: Int, _ lanes: Slab, _ space: inout PageSpace
  ) -> Int {
    let header = header(space)
    let height = Int(header.height)
    if header.root != 0 { descend(changes, offset, count &* 2, header, lanes, space) }
    for index in 0..<count {
      let change = changes.load(offset &+ index &* 32, as: TreeChange.self)
      let isInsertion = change.old == change.new
      if header.root != 0 {
        let step =
          isInsertion
          ? insertPlainly(change.new, index &* 2, height, lanes, &space)
          : replacePlainly(change, index &* 2, height, lanes, &space)
        if step == .made { continue }
        if step == .impossible { return 0 }
      }
      let made =
        isInsertion
        ? insert(change.new, &space) == .inserted : replace(change.old, change.new, &space)
      return made ? index &+ 1 : 0
    }
    return count
  }

  /// Goes down to the leaves of all lanes, a level at a time.
  private func descend(
    _ changes: Slab, _ offset: Int, _ laneCount: Int, _ header: Header, _ lanes: Slab,
    _ space: borrowing PageSpace
  ) {
    let root = place(header.root, space)
    for lane in 0..<laneCount {
      lanes.store(root, PagedTree.placesAt &+ lane &* 8)
      lanes.store(header.root, PagedTree.leavesAt &+ lane &* 4)
    }
    for level in 0..<Int(header.height) {
      for lane in 0..<laneCount {
        let key = changes.load(offset &+ lane &* 16, as: TreeKey.self)
        let at = lanes.load(PagedTree.placesAt &+ lane &* 8, as: Int.self)
        let node = lanes.load(PagedTree.leavesAt &+ lane &* 4, as: UInt32.self)
        let index = childIndex(key, at, space)
        let next = child(index, at, space)
        let nextAt = place(next, space)
        prefetchKeys(nextAt, space)
        lanes.store(
          UInt64(node) &<< 32 | UInt64(truncatingIfNeeded: index),
          (level &* PagedTree.laneCount &+ lane) &* 8)
        lanes.store(nextAt, PagedTree.placesAt &+ lane &* 8)
        lanes.store(next, PagedTree.leavesAt &+ lane &* 4)
      }
    }
  }

  private enum PlainStep {
    case made
    /// Entries would have to move between nodes; nothing changed.
    case needsBalance
    /// The old key is not held or the new one is; nothing changed.
    case impossible
  }

  private func replacePlainly(
    _ change: TreeChange, _ lane: Int, _ height: Int, _ lanes: Slab, _ space: inout PageSpace
  ) -> PlainStep {
    let oldLeaf = lanes.load(PagedTree.leavesAt &+ lane &* 4, as: UInt32.self)
    let newLeaf = lanes.load(PagedTree.leavesAt &+ lane &* 4 &+ 4, as: UInt32.self)
    let oldAt = writablePlace(oldLeaf, &space)
    let newAt = oldLeaf == newLeaf ? oldAt : writablePlace(newLeaf, &space)
    let oldPosition = position(change.old, oldAt, space)
    let newPosition = position(change.new, newAt, space)
    let oldHeld = entryCount(oldAt, space)
    let newHeld = entryCount(newAt, space)
    if oldPosition == oldHeld || key(oldPosition, oldAt, space) != change.old {
      return .impossible
    }
    if newPosition < newHeld && key(newPosition, newAt, space) == change.new {
      return .impossible
    }
    if oldLeaf == newLeaf {
      slide(oldPosition, newPosition, change.new, oldAt, &space)
      return .made
    }
    if oldHeld == leafMinimum || newHeld == leafCapacity { return .needsBalance }
    removeKey(oldPosition, oldHeld, oldAt, &space)
    insertKey(change.new, newPosition, newHeld, newAt, &space)
    // From the leaves up to where the two ways part.
    var level = height
    while level > 0 {
      level &-= 1
      let old = lanes.load((level &* PagedTree.laneCount &+ lane) &* 8, as: UInt64.self)
      let new = lanes.load((level &* PagedTree.laneCount &+ lane) &* 8 &+ 8, as: UInt64.self)
      addAlong(old, -1, &space)
      addAlong(new, 1, &space)
      if old &>> 32 == new &>> 32 { break }
    }
    return .made
  }

  private func insertPlainly(
    _ key: TreeKey, _ lane: Int, _ height: Int, _ lanes: Slab, _ space: inout PageSpace
  ) -> PlainStep {
    let at = writablePlace(
      lanes.load(PagedTree.leavesAt &+ lane &* 4, as: UInt32.self), &space)
    let position = position(key, at, space)
    let held = entryCount(at, space)
    if position < held && self.key(position, at, space) == key { return .impossible }
    var header = header(space)
    if held == leafCapacity || Int(header.count) == capacity { return .needsBalance }
    insertKey(key, position, held, at, &space)
    for level in 0..<height {
      addAlong(
        lanes.load((level &* PagedTree.laneCount &+ lane) &* 8, as: UInt64.self), 1, &space)
    }
    header.count += 1
    space.store(header, address)
    return .made
  }

  /// Adds to the count of the child that a lane took.
  @inline(__always)
  private func addAlong(_ step: UInt64, _ change: Int, _ space: inout PageSpace) {
    let at = writablePlace(UInt32(truncatingIfNeeded: step &>> 32), &space)
    addToCount(Int(step & 0xffff_ffff), change, at, &space)
  }
}
