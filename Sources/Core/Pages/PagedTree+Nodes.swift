import Bounded

// Nodes by where they lie in the pool: `at` is the byte offset of a node in `space.memory`, taken
// once by `place` (to read) or `writablePlace` (to write) and good until the next fork or digest.
// A place taken to read is stale once the same node was made writable.
extension PagedTree {
  @usableFromInline static var fieldsAt: Int { 16 }

  @inline(__always)
  func place(_ node: UInt32, _ space: borrowing PageSpace) -> Int {
    space.offset(address &+ (Int(node) &<< nodeShift))
  }

  @inline(__always)
  func writablePlace(_ node: UInt32, _ space: inout PageSpace) -> Int {
    space.writableOffset(address &+ (Int(node) &<< nodeShift))
  }

  // MARK: Fields

  @inline(__always)
  func entryCount(_ at: Int, _ space: borrowing PageSpace) -> Int {
    Int(space.memory.load(at, as: UInt32.self))
  }

  @inline(__always)
  func setEntryCount(_ count: Int, _ at: Int, _ space: inout PageSpace) {
    space.memory.store(UInt32(truncatingIfNeeded: count), at)
  }

  @inline(__always)
  func keyAt(_ index: Int, _ at: Int) -> Int { at &+ PagedTree.fieldsAt &+ index &* 16 }

  @inline(__always)
  func countAt(_ index: Int, _ at: Int) -> Int {
    at &+ PagedTree.fieldsAt &+ innerCapacity &* 16 &+ index &* 4
  }

  @inline(__always)
  func childAt(_ index: Int, _ at: Int) -> Int {
    at &+ PagedTree.fieldsAt &+ innerCapacity &* 20 &+ index &* 4
  }

  @inline(__always)
  func key(_ index: Int, _ at: Int, _ space: borrowing PageSpace) -> TreeKey {
    space.memory.load(keyAt(index, at), as: TreeKey.self)
  }

  @inline(__always)
  func child(_ index: Int, _ at: Int, _ space: borrowing PageSpace) -> UInt32 {
    space.memory.load(childAt(index, at), as: UInt32.self)
  }

  @inline(__always)
  func keysBelow(_ index: Int, _ at: Int, _ space: borrowing PageSpace) -> Int {
    Int(space.memory.load(countAt(index, at), as: UInt32.self))
  }

  @inline(__always)
  func addToCount(_ index: Int, _ change: Int, _ at: Int, _ space: inout PageSpace) {
    space.memory.update(countAt(index, at), as: UInt32.self) {
      $0 = $0 &+ UInt32(truncatingIfNeeded: change)
    }
  }

  // MARK: Search

  /// Which child of an inner node leads to `key`.
  @inline(__always)
  func childIndex(_ key: TreeKey, _ at: Int, _ space: borrowing PageSpace) -> Int {
    // As many lowers, but for lower 0, as are not above the key.
    space.memory.countBelow(
      high: key.high, low: key.low, orEqual: true, at: keyAt(1, at),
      count: entryCount(at, space) &- 1)
  }

  /// How many keys of a leaf are below `key`.
  @inline(__always)
  func position(_ key: TreeKey, _ at: Int, _ space: borrowing PageSpace) -> Int {
    space.memory.countBelow(
      high: key.high, low: key.low, at: keyAt(0, at), count: entryCount(at, space))
  }

  // MARK: Taking and giving back

  func takeNode(_ header: inout Header, _ space: inout PageSpace) -> UInt32 {
    if header.free != 0 {
      let node = header.free
      header.free = space.memory.load(place(node, space) &+ 4, as: UInt32.self)
      return node
    }
    header.used += 1
    precondition(Int(header.used) < nodeCount, "tree of \(capacity) keys ran out of nodes")
    return header.used
  }

  func giveBack(_ node: UInt32, _ header: inout Header, _ space: inout PageSpace) {
    space.memory.store(header.free, writablePlace(node, &space) &+ 4)
    header.free = node
  }

  // MARK: Entries

  /// Moves `count` entries, within a node or between two; the caller sets the entry counts.
  func moveEntries(
    _ count: Int, from source: Int, _ sourceAt: Int, to target: Int, _ targetAt: Int, inner: Bool,
    _ space: inout PageSpace
  ) {
    space.memory.move(
      from: keyAt(source, sourceAt), to: keyAt(target, targetAt), count: count &* 16)
    if !inner { return }
    space.memory.move(
      from: countAt(source, sourceAt), to: countAt(target, targetAt), count: count &* 4)
    space.memory.move(
      from: childAt(source, sourceAt), to: childAt(target, targetAt), count: count &* 4)
  }

  /// Opens a gap at `index` of a leaf that holds `held` keys and is not full, for `key`.
  @inline(__always)
  func insertKey(
    _ key: TreeKey, _ index: Int, _ held: Int, _ at: Int, _ space: inout PageSpace
  ) {
    space.memory.move(
      from: keyAt(index, at), to: keyAt(index &+ 1, at), count: (held &- index) &* 16)
    space.memory.store(key, keyAt(index, at))
    setEntryCount(held &+ 1, at, &space)
  }

  /// Closes the gap that the key at `index` leaves in a leaf of `held` keys.
  @inline(__always)
  func removeKey(_ index: Int, _ held: Int, _ at: Int, _ space: inout PageSpace) {
    space.memory.move(
      from: keyAt(index &+ 1, at), to: keyAt(index, at), count: (held &- index &- 1) &* 16)
    setEntryCount(held &- 1, at, &space)
  }

  /// Opens a gap at `index` of an inner node that is not full, for the new half of a split child.
  func insertChild(_ half: TreeHalf, _ index: Int, _ at: Int, _ space: inout PageSpace) {
    let held = entryCount(at, space)
    moveEntries(held - index, from: index, at, to: index + 1, at, inner: true, &space)
    space.memory.store(half.lower, keyAt(index, at))
    space.memory.store(half.count, countAt(index, at))
    space.memory.store(half.node, childAt(index, at))
    setEntryCount(held + 1, at, &space)
  }
}

/// The upper half of a node that was split: a child for its parent to take.
struct TreeHalf {
  var lower: TreeKey
  var node: UInt32
  /// Keys below it.
  var count: UInt32
}
