import Bounded

/// What a whole tree looks like from inside.
public struct TreeShape: Equatable, Sendable {
  public var leaves = 0
  public var inners = 0
  /// Nodes on the free list.
  public var free = 0
  public var height = 0
}

extension PagedTree {
  /// The tree's shape, or nil where it breaks its own rules: order, fill, counts, equal depth, and
  /// every node ever taken being either reachable or free.
  ///
  /// - Complexity: O(count). For tests, and for checking a restored image.
  public func audit(_ space: borrowing PageSpace) -> TreeShape? {
    let header = header(space)
    var shape = TreeShape()
    shape.height = Int(header.height)
    var free = header.free
    while free != 0 {
      shape.free += 1
      if shape.free > header.used { return nil }
      free = space.memory.load(place(free, space) &+ 4, as: UInt32.self)
    }
    if header.root == 0 { return header.count == 0 && header.used == 0 ? shape : nil }
    let whole = Bounds(
      least: TreeKey(high: 0, low: 0), most: TreeKey(high: .max, low: .max), level: shape.height)
    guard let held = audit(header.root, whole, isRoot: true, &shape, space) else { return nil }
    if held != header.count || Int(header.count) > capacity { return nil }
    return shape.leaves + shape.inners + shape.free == header.used ? shape : nil
  }

  private struct Bounds {
    var least: TreeKey
    var most: TreeKey
    var level: Int
  }

  /// Keys below `node`, all of them in `least...most`, or nil where a rule is broken.
  private func audit(
    _ node: UInt32, _ bounds: Bounds, isRoot: Bool, _ shape: inout TreeShape,
    _ space: borrowing PageSpace
  ) -> Int? {
    let at = place(node, space)
    let entries = entryCount(at, space)
    if bounds.level == 0 {
      shape.leaves += 1
      if entries > leafCapacity || (!isRoot && entries < leafMinimum) { return nil }
      for index in 0..<entries {
        let key = key(index, at, space)
        if key < bounds.least || key > bounds.most { return nil }
        if index > 0 && !(self.key(index - 1, at, space) < key) { return nil }
      }
      return entries
    }
    shape.inners += 1
    if entries > innerCapacity || entries < (isRoot ? 2 : innerMinimum) { return nil }
    var held = 0
    for index in 0..<entries {
      var inside = bounds
      inside.level -= 1
      if index > 0 { inside.least = key(index, at, space) }
      if index + 1 < entries {
        let next = key(index + 1, at, space)
        if next <= inside.least { return nil }
        inside.most =
          next.low > 0
          ? TreeKey(high: next.high, low: next.low - 1) : TreeKey(high: next.high &- 1, low: .max)
      }
      let child = child(index, at, space)
      guard let below = audit(child, inside, isRoot: false, &shape, space) else { return nil }
      if below != keysBelow(index, at, space) { return nil }
      held += below
    }
    return held
  }
}
