public import Events

/// Events of the journal that a line of history leaves out: those in a range of offsets that match
/// every selector given.
///
/// Only what senders send can be left out, and starts and pauses where everything of a range is.
/// The clock, names and the books go on as they were, and sequences stay seen.
public struct Omission: Equatable, Sendable {
  /// First journal offset.
  public var from: UInt64
  /// Journal offset behind the last; `.max` until the line is promoted.
  public var to: UInt64
  /// Players, ascending; empty for any.
  public var players: [UInt64]
  /// Producers, ascending; empty for any.
  public var producers: [UInt64]
  /// Bit n set: `EventKind` n; 0 for any.
  public var kinds: UInt64
  /// Single journal offsets, ascending; empty for any.
  public var offsets: [UInt64]

  /// Most entries of each list.
  public static let listMax = 100_000

  public init(
    from: UInt64 = 0, to: UInt64 = .max, players: [UInt64] = [], producers: [UInt64] = [],
    kinds: UInt64 = 0, offsets: [UInt64] = []
  ) {
    self.from = from
    self.to = to
    self.players = players.sorted()
    self.producers = producers.sorted()
    self.kinds = kinds
    self.offsets = offsets.sorted()
  }

  /// The bit of a kind in `kinds`.
  public static func bit(_ kind: EventKind) -> UInt64 { 1 << UInt64(kind.rawValue) }

  /// Whether every event of the range is left out.
  public var isWhole: Bool {
    players.isEmpty && producers.isEmpty && kinds == 0 && offsets.isEmpty
  }

  /// Whether the event at `offset` is left out.
  ///
  /// - Complexity: O(log of the lists); one comparison outside the range.
  public func omits(_ event: Event, at offset: UInt64) -> Bool {
    if offset < from || offset >= to { return false }
    guard let kind = event.kind else { return false }
    if kind == .control { return isWhole }
    if !kind.isSupported { return false }
    if kinds != 0 && kinds & Self.bit(kind) == 0 { return false }
    if !players.isEmpty && !players.holds(event.player) { return false }
    if !producers.isEmpty && !producers.holds(event.producer) { return false }
    return offsets.isEmpty || offsets.holds(offset)
  }
}

extension [UInt64] {
  /// Whether an ascending list holds `value`.
  fileprivate func holds(_ value: UInt64) -> Bool {
    let all = span
    var low = 0
    var high = all.count
    while low < high {
      let middle = (low + high) / 2
      if all[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low < all.count && all[low] == value
  }
}
