public import Bounded

// A tree that is an index over rows need not follow every change of theirs: it is withheld while
// they change, and filled from them afterwards.
extension PagedTree {
  /// Empties the tree and bars it: until it is filled, whatever else uses it traps; `removeAll`
  /// alone does not, and changes nothing.
  public func withhold(_ space: inout PageSpace) {
    var header = Header()
    header.withheld = 1
    space.store(header, address)
  }

  /// Whether the tree waits for being filled.
  public func isWithheld(_ space: borrowing PageSpace) -> Bool {
    space.load(address, as: Header.self).withheld != 0
  }

  /// Puts `count` ascending keys, at `offset` of `keys`, in the place of what the tree held.
  ///
  /// Nodes are filled to three quarters, as random insertions would leave them, so that the changes
  /// to come find room and do not all split nodes at once.
  ///
  /// - Parameter count: `0...capacity`.
  /// - Complexity: O(count), no allocation.
  public func fill(_ keys: Slab, at offset: Int, count: Int, _ space: inout PageSpace) {
    precondition(count >= 0 && count <= capacity, "tree of \(capacity) keys filled with \(count)")
    var header = Header()
    if count > 0 {
      var nodes = PagedTree.parts(count, most: leafCapacity, least: leafMinimum)
      for leaf in 0..<nodes {
        let from = leaf * count / nodes
        let held = (leaf + 1) * count / nodes - from
        let at = writablePlace(UInt32(leaf + 1), &space)
        space.memory.copy(from: keys, at: offset + from * 16, to: keyAt(0, at), count: held * 16)
        setEntryCount(held, at, &space)
      }
      var first = 1
      while nodes > 1 {
        let parents = PagedTree.parts(nodes, most: innerCapacity, least: innerMinimum)
        for parent in 0..<parents {
          let children = (parent * nodes / parents)..<((parent + 1) * nodes / parents)
          gather(
            first + children.lowerBound, children.count, into: UInt32(first + nodes + parent),
            isAboveLeaves: header.height == 0, &space)
        }
        first += nodes
        nodes = parents
        header.height += 1
      }
      header.root = UInt32(first)
      header.used = UInt32(first)
      precondition(first < nodeCount, "tree of \(capacity) keys ran out of nodes")
    }
    header.count = UInt32(count)
    space.store(header, address)
  }

  /// Nodes that share `count` entries evenly, three quarters full where none is left with too few.
  private static func parts(_ count: Int, most: Int, least: Int) -> Int {
    let filled = most * 3 / 4
    var parts = (count + filled - 1) / filled
    while parts > 1 && count / parts < least { parts -= 1 }
    return parts
  }

  /// Writes an inner node over `count` nodes in a row from `first`.
  private func gather(
    _ first: Int, _ count: Int, into node: UInt32, isAboveLeaves: Bool, _ space: inout PageSpace
  ) {
    let at = writablePlace(node, &space)
    setEntryCount(count, at, &space)
    for index in 0..<count {
      let child = UInt32(first + index)
      let childAt = place(child, space)
      let entries = entryCount(childAt, space)
      let keys =
        isAboveLeaves ? entries : space.memory.sum32(at: countAt(0, childAt), count: entries)
      // Lower 0 has no meaning to a search; here it hands the least key on to the level above.
      space.memory.store(key(0, childAt, space), keyAt(index, at))
      space.memory.store(UInt32(keys), countAt(index, at))
      space.memory.store(child, self.childAt(index, at))
    }
  }
}
