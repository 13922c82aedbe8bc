public import Pages

/// What two worlds over one map do not share.
extension GridWorld {
  /// Calls `body` with each node of which some edge has another multiplier in `other`, ascending.
  ///
  /// - Complexity: As `PageSpace.forEachDifferingRow`.
  public func forEachDifferingNode(
    _ space: borrowing PageSpace, from other: borrowing PageSpace, _ body: (UInt32) -> Void
  ) {
    let region = space.region(of: rowAddress >> 12)
    space.forEachDifferingRow(of: region, from: other) { body(UInt32($0)) }
  }
}
