import Events

/// Counts of one step that have no event of their own, by producer, until they are journalled.
struct Tallies {
  static let capacity = 16
  private var entries = InlineArray<16, (producer: UInt64, counts: (UInt64, UInt64, UInt64))>(
    repeating: (0, (0, 0, 0)))
  private var used = 0

  /// Adds to a producer's duplicates, rejected or shed; false when there is no room for another
  /// producer.
  mutating func add(producer: UInt64, _ disposition: Disposition, _ times: UInt64) -> Bool {
    var at = 0
    while at < used && entries[at].producer != producer { at += 1 }
    if at == used {
      if used == Self.capacity { return false }
      entries[at] = (producer, (0, 0, 0))
      used += 1
    }
    switch disposition {
    case .duplicate: entries[at].counts.0 += times
    case .rejected: entries[at].counts.1 += times
    case .shed: entries[at].counts.2 += times
    case .applied, .late: break
    }
    return true
  }

  /// Removes one producer's counts; nil when there are none.
  mutating func take() -> Tally? {
    if used == 0 { return nil }
    used -= 1
    let (producer, counts) = entries[used]
    return Tally(
      producer: producer, duplicate: counts.0, rejected: counts.1, shed: counts.2)
  }
}
