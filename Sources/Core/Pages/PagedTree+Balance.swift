import Bounded

// Splits on the way up after an insertion into a full leaf, and mends on the way up after a removal
// that left a leaf less than half full.
extension PagedTree {
  /// Splits a full leaf in two halves that take `key` at `position`; the upper half is returned.
  func splitLeaf(
    _ leaf: UInt32, _ key: TreeKey, _ position: Int, _ header: inout Header,
    _ space: inout PageSpace
  ) -> TreeHalf {
    let upper = takeNode(&header, &space)
    let at = writablePlace(leaf, &space)
    let upperAt = writablePlace(upper, &space)
    let lowerCount = (leafCapacity + 1) / 2
    let upperCount = leafCapacity + 1 - lowerCount
    let intoLower = position < lowerCount
    let kept = intoLower ? lowerCount - 1 : lowerCount
    moveEntries(leafCapacity - kept, from: kept, at, to: 0, upperAt, inner: false, &space)
    if intoLower {
      insertKey(key, position, kept, at, &space)
      setEntryCount(upperCount, upperAt, &space)
    } else {
      setEntryCount(kept, at, &space)
      insertKey(key, position - kept, upperCount - 1, upperAt, &space)
    }
    return TreeHalf(lower: self.key(0, upperAt, space), node: upper, count: UInt32(upperCount))
  }

  /// Hands the upper half of a split leaf to its parent, splitting full parents, up to a new root.
  func rise(
    _ leafHalf: TreeHalf, _ path: TreePath, _ header: inout Header, _ space: inout PageSpace
  ) {
    var half = leafHalf
    var level = Int(header.height)
    while level > 0 {
      level -= 1
      let node = path.node(level)
      let index = path.index(level)
      let at = writablePlace(node, &space)
      addToCount(index, -Int(half.count), at, &space)
      if entryCount(at, space) < innerCapacity {
        insertChild(half, index + 1, at, &space)
        return
      }
      half = splitInner(node, half, index + 1, &header, &space)
    }
    let root = takeNode(&header, &space)
    let at = writablePlace(root, &space)
    setEntryCount(1, at, &space)
    space.memory.store(TreeKey(high: 0, low: 0), keyAt(0, at))
    space.memory.store(header.count - half.count, countAt(0, at))
    space.memory.store(header.root, childAt(0, at))
    insertChild(half, 1, at, &space)
    header.root = root
    header.height += 1
  }

  /// Splits a full inner node in two halves that take `child` at `index`, which is not 0.
  private func splitInner(
    _ node: UInt32, _ child: TreeHalf, _ index: Int, _ header: inout Header,
    _ space: inout PageSpace
  ) -> TreeHalf {
    let upper = takeNode(&header, &space)
    let at = writablePlace(node, &space)
    let upperAt = writablePlace(upper, &space)
    let lowerCount = (innerCapacity + 1) / 2
    let intoLower = index < lowerCount
    let kept = intoLower ? lowerCount - 1 : lowerCount
    moveEntries(innerCapacity - kept, from: kept, at, to: 0, upperAt, inner: true, &space)
    setEntryCount(kept, at, &space)
    setEntryCount(innerCapacity - kept, upperAt, &space)
    if intoLower {
      insertChild(child, index, at, &space)
    } else {
      insertChild(child, index - kept, upperAt, &space)
    }
    let count = space.memory.sum32(at: countAt(0, upperAt), count: entryCount(upperAt, space))
    return TreeHalf(lower: key(0, upperAt, space), node: upper, count: UInt32(count))
  }

  /// Brings the nodes along the way back to half full, from the leaf up, and drops a root that is
  /// left with one child.
  func mend(_ path: TreePath, _ header: inout Header, _ space: inout PageSpace) {
    var level = Int(header.height)
    var low = true
    while low && level > 0 {
      level -= 1
      let inner = level + 1 < Int(header.height)
      let parentAt = writablePlace(path.node(level), &space)
      low =
        mergeOrShare(path.index(level), parentAt, inner: inner, &header, &space)
        && entryCount(parentAt, space) < innerMinimum
    }
    if header.height == 0 { return }
    let at = place(header.root, space)
    if entryCount(at, space) > 1 { return }
    let child = child(0, at, space)
    giveBack(header.root, &header, &space)
    header.root = child
    header.height -= 1
  }

  /// Merges child `index` with a neighbour, or shares their entries evenly when those of both are
  /// enough for two nodes; whether it merged, and so took a child from the parent.
  private func mergeOrShare(
    _ index: Int, _ parentAt: Int, inner: Bool, _ header: inout Header, _ space: inout PageSpace
  ) -> Bool {
    let children = entryCount(parentAt, space)
    let left = index + 1 < children ? index : index - 1
    let right = left + 1
    let rightNode = child(right, parentAt, space)
    let leftAt = writablePlace(child(left, parentAt, space), &space)
    let rightAt = writablePlace(rightNode, &space)
    let leftCount = entryCount(leftAt, space)
    let rightCount = entryCount(rightAt, space)
    // Lower 0 gets its meaning from the parent, so that every entry can move.
    if inner { space.memory.store(key(right, parentAt, space), keyAt(0, rightAt)) }

    if leftCount + rightCount < 2 * (inner ? innerMinimum : leafMinimum) {
      moveEntries(rightCount, from: 0, rightAt, to: leftCount, leftAt, inner: inner, &space)
      setEntryCount(leftCount + rightCount, leftAt, &space)
      addToCount(left, keysBelow(right, parentAt, space), parentAt, &space)
      moveEntries(
        children - right - 1, from: right + 1, parentAt, to: right, parentAt, inner: true, &space)
      setEntryCount(children - 1, parentAt, &space)
      giveBack(rightNode, &header, &space)
      return true
    }

    share(left, leftAt, rightAt, parentAt, inner: inner, &space)
    return false
  }

  /// Makes room in a full leaf by sharing its keys with a neighbour that has an eighth to spare;
  /// whether it did. Without it, keys that arrive in ascending runs would leave leaves half full.
  func spill(_ path: TreePath, _ header: Header, _ space: inout PageSpace) -> Bool {
    if header.height == 0 { return false }
    let level = Int(header.height) - 1
    let index = path.index(level)
    let readable = place(path.node(level), space)
    let spare = max(leafCapacity / 8, 1)
    let left: Int
    if index > 0 && keysBelow(index - 1, readable, space) + spare <= leafCapacity {
      left = index - 1
    } else if index + 1 < entryCount(readable, space)
      && keysBelow(index + 1, readable, space) + spare <= leafCapacity
    {
      left = index
    } else {
      return false
    }
    let parentAt = writablePlace(path.node(level), &space)
    let leftAt = writablePlace(child(left, parentAt, space), &space)
    let rightAt = writablePlace(child(left + 1, parentAt, space), &space)
    share(left, leftAt, rightAt, parentAt, inner: false, &space)
    return true
  }

  /// Shares the entries of child `left` and the next one evenly between them.
  private func share(
    _ left: Int, _ leftAt: Int, _ rightAt: Int, _ parentAt: Int, inner: Bool,
    _ space: inout PageSpace
  ) {
    let leftCount = entryCount(leftAt, space)
    let rightCount = entryCount(rightAt, space)
    let shared = (leftCount + rightCount) / 2
    let moved: Int
    if leftCount < shared {
      let count = shared - leftCount
      moved = keysHeld(0, count, rightAt, inner: inner, space)
      moveEntries(count, from: 0, rightAt, to: leftCount, leftAt, inner: inner, &space)
      moveEntries(rightCount - count, from: count, rightAt, to: 0, rightAt, inner: inner, &space)
    } else {
      let count = leftCount - shared
      moved = -keysHeld(shared, count, leftAt, inner: inner, space)
      moveEntries(rightCount, from: 0, rightAt, to: count, rightAt, inner: inner, &space)
      moveEntries(count, from: shared, leftAt, to: 0, rightAt, inner: inner, &space)
    }
    setEntryCount(shared, leftAt, &space)
    setEntryCount(leftCount + rightCount - shared, rightAt, &space)
    addToCount(left, moved, parentAt, &space)
    addToCount(left + 1, -moved, parentAt, &space)
    space.memory.store(key(0, rightAt, space), keyAt(left + 1, parentAt))
  }

  /// Keys in, or below, `count` entries from `index`.
  private func keysHeld(
    _ index: Int, _ count: Int, _ at: Int, inner: Bool, _ space: borrowing PageSpace
  ) -> Int {
    inner ? space.memory.sum32(at: countAt(index, at), count: count) : count
  }
}
