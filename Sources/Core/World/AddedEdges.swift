public import Pages

/// Edges that a world did not have when it was built: each in two chains, of those that leave its
/// tail and of those that lead onto its head, both by id ascending.
///
/// An edge keeps its row until it is removed; the next one added takes the row last freed.
@usableFromInline struct AddedEdges: Sendable {
  /// 32 bytes.
  @usableFromInline struct Row: BitwiseCopyable {
    @usableFromInline var tail: UInt32 = 0
    @usableFromInline var head: UInt32 = 0
    /// 0 while it is closed.
    @usableFromInline var cost: UInt32 = 0
    /// One more than the row of the next that leaves the same tail, 0 the last; and of a free row,
    /// than the next free one.
    @usableFromInline var nextOut: UInt32 = 0
    /// One more than the row of the next that leads onto the same head, 0 the last.
    @usableFromInline var nextIn: UInt32 = 0
    /// 1 where there is an edge.
    @usableFromInline var isUsed: UInt32 = 0
    /// What it was added with.
    @usableFromInline var costAdded: UInt32 = 0
    @usableFromInline var reserved: UInt32 = 0
  }

  @usableFromInline struct Header: BitwiseCopyable {
    /// Edges that are there.
    @usableFromInline var count: UInt32 = 0
    /// Rows ever taken.
    @usableFromInline var end: UInt32 = 0
    /// One more than the first free row, 0 none.
    @usableFromInline var free: UInt32 = 0
    /// No edge was cheaper since there were none.
    @usableFromInline var leastCost: UInt32 = 0
  }

  @usableFromInline let header: PagedArray<Header>
  @usableFromInline let rows: PagedArray<Row>
  /// (node + 1) << 1 | 1 for what leads onto it -> one more than the first row of the chain
  @usableFromInline let firsts: PagedTable
  /// A bit a node: it has a chain.
  @usableFromInline let bits: PagedArray<UInt64>

  init(_ name: String, nodeCount: Int, capacity: Int, in layout: inout PageLayout) {
    precondition((1...WorldGraph.addedMax).contains(capacity), "\(capacity) edges to be added")
    header = PagedArray("\(name).count", count: 1, in: &layout)
    rows = PagedArray(name, count: capacity, in: &layout)
    firsts = PagedTable("\(name).index", capacity: capacity * 2, in: &layout)
    bits = PagedArray("\(name).nodes", count: (nodeCount + 63) / 64, in: &layout)
  }

  @inlinable @inline(__always)
  func isEmpty(_ space: borrowing PageSpace) -> Bool {
    header.load(0, byte: 0, as: UInt32.self, space) == 0
  }

  func leastCost(_ space: borrowing PageSpace) -> UInt64 {
    UInt64(max(header.load(0, space).leastCost, 1))
  }

  /// One more than the row of the first edge that leaves `node`, or leads onto it; 0 for none.
  @inlinable @inline(__always)
  func first(_ node: Int, isIn: Bool, _ space: borrowing PageSpace) -> UInt32 {
    if isEmpty(space) { return 0 }
    return firstOfChain(node, isIn: isIn, space)
  }

  @usableFromInline @inline(never)
  func firstOfChain(_ node: Int, isIn: Bool, _ space: borrowing PageSpace) -> UInt32 {
    if bits.load(node >> 6, space) >> UInt64(node & 63) & 1 == 0 { return 0 }
    return UInt32(truncatingIfNeeded: firsts.find(Self.key(node, isIn: isIn), space) ?? 0)
  }

  private static func key(_ node: Int, isIn: Bool) -> UInt64 {
    UInt64(node + 1) << 1 | (isIn ? 1 : 0)
  }

  /// The edge in a row; nil where there is none.
  func edge(_ row: Int, _ space: borrowing PageSpace) -> Row? {
    guard row >= 0 && row < rows.count else { return nil }
    let held = rows.load(row, space)
    return held.isUsed == 1 ? held : nil
  }

  /// Adds an edge; its row, nil when there is no room.
  ///
  /// - Complexity: O(edges added at the two nodes).
  func add(
    from tail: UInt32, to head: UInt32, cost: UInt32, _ space: inout PageSpace
  ) -> Int? {
    var counts = header.load(0, space)
    let row: Int
    if counts.free != 0 {
      row = Int(counts.free - 1)
      counts.free = rows.load(row, space).nextOut
    } else if Int(counts.end) < rows.count {
      row = Int(counts.end)
      counts.end += 1
    } else {
      return nil
    }
    counts.leastCost = counts.count == 0 ? cost : min(counts.leastCost, cost)
    counts.count += 1
    header.store(counts, 0, &space)
    var edge = Row()
    (edge.tail, edge.head, edge.cost, edge.costAdded, edge.isUsed) = (tail, head, cost, cost, 1)
    rows.store(edge, row, &space)
    link(row, at: Int(tail), isIn: false, &space)
    link(row, at: Int(head), isIn: true, &space)
    return row
  }

  /// Removes the edge in a row.
  func remove(_ row: Int, _ space: inout PageSpace) {
    let edge = rows.load(row, space)
    precondition(edge.isUsed == 1, "edge \(row) was not added")
    unlink(row, at: Int(edge.tail), isIn: false, &space)
    unlink(row, at: Int(edge.head), isIn: true, &space)
    header.update(0, &space) { counts in
      var freed = Row()
      freed.nextOut = counts.free
      counts.free = UInt32(row) + 1
      counts.count -= 1
      return freed
    }.store(in: rows, row, &space)
  }

  /// Changes what an edge costs; 0 closes it.
  func setCost(_ row: Int, _ cost: UInt32, _ space: inout PageSpace) {
    rows.update(row, &space) { $0.cost = cost }
    if cost != 0 { header.update(0, &space) { $0.leastCost = min($0.leastCost, cost) } }
  }

  private func next(_ row: Row, isIn: Bool) -> UInt32 { isIn ? row.nextIn : row.nextOut }

  private func setNext(_ row: Int, _ next: UInt32, isIn: Bool, _ space: inout PageSpace) {
    rows.update(row, &space) { if isIn { $0.nextIn = next } else { $0.nextOut = next } }
  }

  private func link(_ row: Int, at node: Int, isIn: Bool, _ space: inout PageSpace) {
    let first = firstOfChain(node, isIn: isIn, space)
    let place = UInt32(row) + 1
    if first == 0 || first > place {
      setNext(row, first, isIn: isIn, &space)
      let fits = firsts.set(Self.key(node, isIn: isIn), UInt64(place), &space)
      precondition(fits, "the index has room for the chains of every row")
      bits.update(node >> 6, &space) { $0 |= 1 << UInt64(node & 63) }
      return
    }
    var before = Int(first - 1)
    while true {
      let next = next(rows.load(before, space), isIn: isIn)
      if next == 0 || next > place {
        setNext(row, next, isIn: isIn, &space)
        setNext(before, place, isIn: isIn, &space)
        return
      }
      before = Int(next - 1)
    }
  }

  private func unlink(_ row: Int, at node: Int, isIn: Bool, _ space: inout PageSpace) {
    let place = UInt32(row) + 1
    let after = next(rows.load(row, space), isIn: isIn)
    var at = firstOfChain(node, isIn: isIn, space)
    if at != place {
      while at != 0 {
        let next = next(rows.load(Int(at - 1), space), isIn: isIn)
        if next == place { return setNext(Int(at - 1), after, isIn: isIn, &space) }
        at = next
      }
      preconditionFailure("edge \(row) is in no chain of node \(node)")
    }
    let key = Self.key(node, isIn: isIn)
    if after != 0 {
      let fits = firsts.set(key, UInt64(after), &space)
      precondition(fits, "a key that is there")
      return
    }
    _ = firsts.remove(key, &space)
    if firsts.find(key ^ 1, space) == nil {
      bits.update(node >> 6, &space) { $0 &= ~(1 << UInt64(node & 63)) }
    }
  }
}

extension AddedEdges.Row {
  fileprivate func store(
    in rows: PagedArray<AddedEdges.Row>, _ row: Int, _ space: inout PageSpace
  ) {
    rows.store(self, row, &space)
  }
}
