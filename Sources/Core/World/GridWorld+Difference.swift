public import Pages

/// What two worlds over one map do not share.
extension GridWorld {
  /// Calls `body` with each edge whose multiplier here and in `other` differ, and both, by node and
  /// direction ascending.
  ///
  /// - Complexity: As `PageSpace.forEachDifferingRow`, a row of which is a node's edges.
  @inlinable public func forEachDifferingEdge(
    _ space: borrowing PageSpace, from other: borrowing PageSpace,
    _ body: (UInt32, UInt8, UInt8, UInt8) -> Void
  ) {
    let region = space.region(of: rowAddress &>> 12)
    space.forEachDifferingRow(of: region, from: other) { node in
      let (here, there) = (row(node, space), row(node, other))
      var differing = here ^ there
      while differing != 0 {
        let direction = differing.trailingZeroBitCount &>> 3
        body(
          UInt32(truncatingIfNeeded: node), UInt8(truncatingIfNeeded: direction),
          UInt8(truncatingIfNeeded: Self.multiplier(here, direction)),
          UInt8(truncatingIfNeeded: Self.multiplier(there, direction)))
        differing &= ~(0xff &<< UInt64(truncatingIfNeeded: direction &<< 3))
      }
    }
  }
}
