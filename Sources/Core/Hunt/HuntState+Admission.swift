import Bounded
public import Events
public import Pages

/// What the sequence of an event says about it.
public enum Admission: Equatable, Sendable {
  /// Not seen before.
  case new
  case duplicate
  /// The tables of producers or gaps are full; nothing was changed.
  case full
}

extension HuntState {
  /// Highest sequence seen from `producer`; 0 for none.
  public mutating func highSequence(_ producer: UInt64) -> UInt64 {
    guard let row = producerRow(producer) else { return 0 }
    return producers.load(Int(row), space).high
  }

  /// Whether `sequence` of `producer` is new, by the state alone: exact for the life of the hunt.
  ///
  /// The numbers missing below the highest seen are kept as the sorted places where "missing"
  /// begins or ends, so a number is missing when an odd count of places lies at or below it.
  ///
  /// - Complexity: O(1) for the next number of a producer, O(log gaps) otherwise.
  public mutating func decide(_ producer: UInt64, _ sequence: UInt64) -> Admission {
    guard let row = producerRow(producer) else {
      return Int(counts.producers) < limits.producers && (sequence == 1 || hasGapRoom)
        ? .new : .full
    }
    let high = producers.load(Int(row), space).high
    if sequence == high + 1 { return .new }
    if sequence <= high {
      if !isMissing(row, sequence) { return .duplicate }
      // At either end of its gap it makes none more, so a full table can be emptied.
      if gaps.contains(TreeKey(high: row, low: sequence), space)
        || gaps.contains(TreeKey(high: row, low: sequence + 1), space)
      {
        return .new
      }
    }
    return hasGapRoom ? .new : .full
  }

  /// Producers, and runs of missing numbers, that still find room.
  public var producerRoom: Int { mutating get { limits.producers - Int(counts.producers) } }
  public var gapRoom: Int { mutating get { limits.gaps - gaps.count(space) / 2 } }

  private var hasGapRoom: Bool { mutating get { gapRoom > 0 } }

  private mutating func isMissing(_ row: UInt64, _ sequence: UInt64) -> Bool {
    if gaps.count(space) == 0 { return false }
    let below = gaps.rank(TreeKey(high: row, low: sequence + 1), space)
    let before = gaps.rank(TreeKey(high: row, low: 0), space)
    return (below - before) & 1 == 1
  }

  /// Remembers `sequence` of `producer`, which `decide` called new, as seen.
  mutating func admit(_ producer: UInt64, _ sequence: UInt64) {
    let row = producerRow(producer) ?? addProducer(producer)
    let high = producers.load(Int(row), space).high
    if sequence > high {
      if sequence > high + 1 {
        toggle(row, high + 1)
        toggle(row, sequence)
      }
      producers.update(Int(row), &space) { $0.high = sequence }
    } else {
      precondition(isMissing(row, sequence), "sequence \(sequence) journalled twice")
      toggle(row, sequence)
      toggle(row, sequence + 1)
    }
  }

  /// The row of a producer, which is most often the last one's; nil when it was never seen.
  @inline(__always)
  private mutating func producerRow(_ producer: UInt64) -> UInt64? {
    if producer != 0,
      producers.load(lastProducer, byte: 0, as: UInt64.self, space) == producer
    {
      return UInt64(truncatingIfNeeded: lastProducer)
    }
    return findProducer(producer)
  }

  @inline(never)
  private mutating func findProducer(_ producer: UInt64) -> UInt64? {
    guard let row = producerIndex.find(producer, space) else { return nil }
    lastProducer = Int(row)
    return row
  }

  private mutating func addProducer(_ producer: UInt64) -> UInt64 {
    let row = counts.producers
    precondition(producerIndex.set(producer, row, &space), "producer table full at \(row)")
    producers.store(ProducerRow(producer: producer, high: 0), Int(row), &space)
    counts { $0.producers += 1 }
    return row
  }

  /// Begins or ends "missing" at `sequence`; twice is as if never.
  private mutating func toggle(_ row: UInt64, _ sequence: UInt64) {
    let key = TreeKey(high: row, low: sequence)
    if gaps.remove(key, &space) { return }
    precondition(gaps.insert(key, &space) == .inserted, "gap tree full below its capacity")
  }

  // MARK: Idempotency keys

  /// Journal offset of the event admitted with `key`, and the flags that tell its body; nil when
  /// the window does not hold it.
  public mutating func idempotent(_ key: UInt64) -> (offset: UInt64, body: EventFlags)? {
    guard let held = idempotencyIndex.find(key | 1 << 63, space) else { return nil }
    let slot = Int(held & 0xffff_ffff)
    return (
      idempotencyOffsets.load(slot, space),
      EventFlags(rawValue: UInt16(truncatingIfNeeded: held >> 48))
    )
  }

  /// Remembers `key`, forgetting the oldest one when the window is full.
  mutating func remember(_ key: UInt64, offset: UInt64, body: EventFlags) {
    let count = counts.idempotencyKeys
    let slot = Int(count % UInt64(limits.idempotencyKeys))
    if count >= UInt64(limits.idempotencyKeys) {
      let oldest = idempotencyRing.load(slot, space)
      precondition(idempotencyIndex.remove(oldest, &space), "idempotency ring without its key")
    }
    let held = key | 1 << 63
    let value = UInt64(slot) | UInt64(body.rawValue) << 48
    precondition(idempotencyIndex.set(held, value, &space), "idempotency window overfull")
    idempotencyRing.store(held, slot, &space)
    idempotencyOffsets.store(offset, slot, &space)
    counts { $0.idempotencyKeys += 1 }
  }

  // MARK: Names

  /// The number of a player's name; nil when it was never seen.
  public mutating func number(of name: NameRow) -> UInt64? {
    var key = hash(name)
    while let row = nameIndex.find(key, space) {
      if names.load(Int(row), space) == name { return Event.nameBase | (row + 1) }
      key = next(key)
    }
    return nil
  }

  /// The name behind a number of 2^63 and up; nil for a player known by number.
  @inlinable @inline(__always)
  public func name(of player: UInt64) -> NameRow? {
    guard player > Event.nameBase else { return nil }
    let row = player - Event.nameBase - 1
    guard row < counts.names else { return nil }
    return names.load(Int(row), space)
  }

  /// The number that the next new name will get; nil when the table is full.
  public var nextNameNumber: UInt64? {
    mutating get {
      let count = counts.names
      return count < UInt64(limits.names) ? Event.nameBase | (count + 1) : nil
    }
  }

  /// Takes one half of a name; the second half makes the name known.
  mutating func apply(_ part: NamePart) {
    let row = Int(part.number & ~Event.nameBase) - 1
    guard row >= 0, row < limits.names, part.part < 2, part.size >= 1, part.size <= 64 else {
      return
    }
    names.update(row, &space) { name in
      name.size = UInt64(part.size)
      for at in 0..<4 { name.words[part.part * 4 + at] = part.words[at] }
    }
    guard part.part == 1, UInt64(row) == counts.names else { return }
    var key = hash(names.load(row, space))
    while nameIndex.find(key, space) != nil { key = next(key) }
    precondition(nameIndex.set(key, UInt64(row), &space), "name table full below its capacity")
    counts { $0.names += 1 }
  }

  private func hash(_ name: NameRow) -> UInt64 {
    var hash = name.size
    for at in 0..<8 { hash = mixed(hash ^ name.words[at]) }
    return hash | 1
  }

  private func next(_ key: UInt64) -> UInt64 { key &+ 2 | 1 }
}
