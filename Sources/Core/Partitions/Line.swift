/// Where a partition stands in its hunt's history: the line that it follows, and those known.
public struct Line: Equatable, Sendable {
  public private(set) var lineage: Lineage
  /// The hunt's own lines. The partition's may be one of them, or one that is tried out.
  public internal(set) var history: History
  /// The next offset at which rules change or events are added.
  private(set) var nextChange: UInt64

  /// - Parameter offset: Where the partition goes on; changes below it have been made.
  public init(
    _ lineage: Lineage = Lineage(), _ history: History = History(), from offset: UInt64 = 0
  ) {
    self.lineage = lineage
    self.history = history
    nextChange = lineage.nextChange(from: offset)
  }

  /// Whether the digest journalled at `offset` is that of this line too.
  func isComparable(at offset: UInt64) -> Bool {
    if history.promotions.isEmpty && lineage == Lineage() { return true }
    // An addition at the mark's own offset comes before it.
    return lineage.firstDifference(from: history.lineage(at: offset)) > offset
  }

  /// The changes at `nextChange` are made.
  mutating func advance() { nextChange = lineage.nextChange(from: nextChange &+ 1) }

  /// Leaves out more, of what is to come.
  mutating func leaveOut(_ omission: Omission) { lineage.omissions.append(omission) }

  /// The lineage has become the hunt's own at `offset`.
  mutating func promote(at offset: UInt64) {
    let promotion = History.Promotion(offset: offset, lineage: lineage)
    lineage = promotion.lineage
    history.append(promotion)
    nextChange = .max
  }
}
