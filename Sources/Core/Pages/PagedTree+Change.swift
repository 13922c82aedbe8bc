import Bounded

extension PagedTree {
  /// Adds `key`.
  ///
  /// - Complexity: O(log count), no allocation.
  public func insert(_ key: TreeKey, _ space: inout PageSpace) -> TreeInsertion {
    var header = self.header(space)
    if header.root == 0 {
      if capacity == 0 { return .full }
      header.root = takeNode(&header, &space)
      let at = writablePlace(header.root, &space)
      setEntryCount(0, at, &space)
    }
    var path = TreePath()
    var leaf = descend(key, header, &path, space)
    let readable = place(leaf, space)
    var position = position(key, readable, space)
    var held = entryCount(readable, space)
    if position < held && self.key(position, readable, space) == key { return .present }
    if header.count == capacity { return .full }
    header.count += 1
    if held == leafCapacity && spill(path, header, &space) {
      leaf = descend(key, header, &path, space)
      let at = place(leaf, space)
      position = self.position(key, at, space)
      held = entryCount(at, space)
    }
    addAlong(path, from: 0, to: Int(header.height), 1, &space)
    if held < leafCapacity {
      insertKey(key, position, held, writablePlace(leaf, &space), &space)
    } else {
      let half = splitLeaf(leaf, key, position, &header, &space)
      rise(half, path, &header, &space)
    }
    space.store(header, address)
    return .inserted
  }

  /// Removes `key`; false, and nothing changed, when it was not there.
  ///
  /// - Complexity: O(log count), no allocation.
  public func remove(_ key: TreeKey, _ space: inout PageSpace) -> Bool {
    var header = self.header(space)
    if header.root == 0 { return false }
    var path = TreePath()
    let leaf = descend(key, header, &path, space)
    let readable = place(leaf, space)
    let position = position(key, readable, space)
    let held = entryCount(readable, space)
    if position == held || self.key(position, readable, space) != key { return false }
    header.count -= 1
    addAlong(path, from: 0, to: Int(header.height), -1, &space)
    removeKey(position, held, writablePlace(leaf, &space), &space)
    if held - 1 < leafMinimum { mend(path, &header, &space) }
    space.store(header, address)
    return true
  }

  /// Takes `old` out and puts `new` in; false, and nothing changed, unless `old` was held and `new`
  /// was not (or is the same).
  ///
  /// Both ways down are searched side by side. When neither leaf splits or runs low, only the two
  /// leaves and the counts below the node where the ways part are written.
  ///
  /// - Complexity: O(log count), no allocation.
  public func replace(_ old: TreeKey, _ new: TreeKey, _ space: inout PageSpace) -> Bool {
    if old == new { return contains(old, space) }
    let header = header(space)
    if header.root == 0 { return false }
    let height = Int(header.height)
    var oldPath = TreePath()
    var newPath = TreePath()
    var oldLeaf = header.root
    var newLeaf = header.root
    var oldAt = place(header.root, space)
    var newAt = oldAt
    var sharedLevels = 0
    for level in 0..<height {
      let oldIndex = childIndex(old, oldAt, space)
      let newIndex = childIndex(new, newAt, space)
      oldPath.set(level, node: oldLeaf, index: oldIndex)
      newPath.set(level, node: newLeaf, index: newIndex)
      oldLeaf = child(oldIndex, oldAt, space)
      newLeaf = child(newIndex, newAt, space)
      oldAt = place(oldLeaf, space)
      newAt = place(newLeaf, space)
      prefetchKeys(oldAt, space)
      prefetchKeys(newAt, space)
      sharedLevels &+= oldLeaf == newLeaf ? 1 : 0
    }
    let oldPosition = position(old, oldAt, space)
    let newPosition = position(new, newAt, space)
    let oldHeld = entryCount(oldAt, space)
    let newHeld = entryCount(newAt, space)
    if oldPosition == oldHeld || key(oldPosition, oldAt, space) != old { return false }
    if newPosition < newHeld && key(newPosition, newAt, space) == new { return false }

    if oldLeaf == newLeaf {
      slide(oldPosition, newPosition, new, writablePlace(oldLeaf, &space), &space)
      return true
    }
    if oldHeld == leafMinimum || newHeld == leafCapacity {
      let removed = remove(old, &space)
      let inserted = insert(new, &space)
      precondition(removed && inserted == .inserted)
      return true
    }
    removeKey(oldPosition, oldHeld, writablePlace(oldLeaf, &space), &space)
    insertKey(new, newPosition, newHeld, writablePlace(newLeaf, &space), &space)
    addAlong(oldPath, from: sharedLevels, to: height, -1, &space)
    addAlong(newPath, from: sharedLevels, to: height, 1, &space)
    return true
  }

  // MARK: Parts of a change

  /// Moves a key within its leaf: `old` is where it is, `new` how many keys are below its new
  /// value.
  @inline(__always)
  func slide(
    _ old: Int, _ new: Int, _ key: TreeKey, _ at: Int, _ space: inout PageSpace
  ) {
    if new > old {
      space.memory.move(
        from: keyAt(old &+ 1, at), to: keyAt(old, at), count: (new &- old &- 1) &* 16)
      space.memory.store(key, keyAt(new &- 1, at))
    } else {
      space.memory.move(
        from: keyAt(new, at), to: keyAt(new &+ 1, at), count: (old &- new) &* 16)
      space.memory.store(key, keyAt(new, at))
    }
  }

  /// The leaf where `key` belongs, and the way there.
  private func descend(
    _ key: TreeKey, _ header: Header, _ path: inout TreePath, _ space: borrowing PageSpace
  ) -> UInt32 {
    var node = header.root
    for level in 0..<Int(header.height) {
      let at = place(node, space)
      let index = childIndex(key, at, space)
      path.set(level, node: node, index: index)
      node = child(index, at, space)
      prefetchKeys(place(node, space), space)
    }
    return node
  }

  /// Adds `change` to the counts along the way, from one level to before another.
  @inline(__always)
  private func addAlong(
    _ path: TreePath, from: Int, to: Int, _ change: Int, _ space: inout PageSpace
  ) {
    var level = from
    while level < to {
      addToCount(path.index(level), change, writablePlace(path.node(level), &space), &space)
      level &+= 1
    }
  }
}
