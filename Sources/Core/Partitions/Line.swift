import Events

/// Where a partition stands in its hunt's history: the line that it follows, and those known.
public struct Line: Equatable, Sendable {
  public private(set) var lineage: Lineage {
    didSet { sieve = OmissionSieve(lineage.omissions) }
  }
  private var sieve: OmissionSieve
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
    sieve = OmissionSieve(lineage.omissions)
  }

  /// Whether the line leaves the event at `offset` out.
  @inline(__always)
  func omits(_ event: Event, at offset: UInt64) -> Bool {
    sieve.passes(event.player, offset) && lineage.omits(event, at: offset)
  }

  /// Whether the digest journalled at `offset` is that of this line too.
  func isComparable(at offset: UInt64) -> Bool {
    if history.promotions.isEmpty && lineage == Lineage() { return true }
    // An addition at the mark's own offset comes before it.
    return lineage.firstDifference(from: history.lineage(at: offset)) > offset
  }

  /// Events that are still to be added.
  var additionsAhead: Int {
    if nextChange == .max { return 0 }
    return lineage.additions.reduce(0) { $0 + ($1.at >= nextChange ? $1.events.count : 0) }
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

/// A first look at an event, which nearly all of those that stay do not pass: for few the lists of
/// omissions are searched.
private struct OmissionSieve: Equatable, Sendable {
  /// The lowest offset that is left out.
  private var from = UInt64.max
  /// Bit n set: players whose number ends in n, of 6 bits.
  private var players: UInt64 = 0

  init(_ omissions: [Omission]) {
    for omission in omissions {
      from = min(from, omission.from)
      if omission.players.isEmpty { players = .max }
      for player in omission.players { players |= 1 << (player & 63) }
    }
  }

  @inline(__always)
  func passes(_ player: UInt64, _ offset: UInt64) -> Bool {
    offset >= from && players >> (player & 63) & 1 == 1
  }
}
