import Pages

/// Where the edges lie, for those who compare pages.
extension GridWorld {
  /// The logical pages of the edges.
  public var edgePages: Range<Int> {
    let first = rowAddress >> 12
    return first..<(first + ((nodeCount << rowShift) + pageBytes - 1) / pageBytes)
  }

  /// The nodes whose edges lie on one of `edgePages`.
  public func nodes(onEdgePage page: Int) -> Range<UInt32> {
    let perPage = pageBytes >> rowShift
    let first = (page - edgePages.lowerBound) * perPage
    return UInt32(first)..<UInt32(min(first + perPage, nodeCount))
  }
}
