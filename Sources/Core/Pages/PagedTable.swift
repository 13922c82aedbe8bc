public import Bounded

/// A hash table from a non-zero 64-bit key to a 64-bit value, in a page space.
///
/// Open addressing with linear probing and backward-shift deletion; slots are 16 bytes, the first
/// two of which pages hold the count. Filled to at most two thirds of its slots.
@frozen public struct PagedTable: Sendable {
  @frozen @usableFromInline struct Slot: BitwiseCopyable {
    @usableFromInline var key: UInt64
    @usableFromInline var value: UInt64
    @usableFromInline init(key: UInt64, value: UInt64) {
      self.key = key
      self.value = value
    }
  }

  @usableFromInline let header: PagedArray<UInt64>
  @usableFromInline let slots: PagedArray<Slot>
  @usableFromInline let mask: Int
  /// Most keys it holds.
  public let capacity: Int

  public init(_ name: String, capacity: Int, in layout: inout PageLayout) {
    precondition(capacity >= 0)
    self.capacity = capacity
    var slotCount = 256
    while slotCount * 2 < capacity * 3 { slotCount *= 2 }
    mask = slotCount - 1
    header = PagedArray("\(name).count", count: 1, in: &layout)
    slots = PagedArray(name, count: slotCount, in: &layout)
  }

  /// Keys held.
  @inlinable public func count(_ space: borrowing PageSpace) -> Int {
    Int(header.load(0, space))
  }

  @inlinable @inline(__always)
  func home(_ key: UInt64) -> Int { Int(truncatingIfNeeded: mixed(key)) & mask }

  /// Where `key` is, or the empty slot where it would go.
  @inlinable @inline(__always)
  func probe(_ key: UInt64, _ space: borrowing PageSpace) -> (index: Int, found: Bool, Slot) {
    precondition(key != 0)
    var index = home(key)
    while true {
      let slot = slots.load(index, space)
      if slot.key == key { return (index, true, slot) }
      if slot.key == 0 { return (index, false, slot) }
      index = (index &+ 1) & mask
    }
  }

  /// The value of `key`, which must not be zero.
  ///
  /// - Complexity: O(1) expected.
  @inlinable @inline(__always)
  public func find(_ key: UInt64, _ space: borrowing PageSpace) -> UInt64? {
    let (_, found, slot) = probe(key, space)
    return found ? slot.value : nil
  }

  /// Sets the value of `key`; false, and nothing changed, when the table is full.
  @inlinable public func set(_ key: UInt64, _ value: UInt64, _ space: inout PageSpace) -> Bool {
    let (index, found, _) = probe(key, space)
    if !found {
      let held = count(space)
      if held >= capacity { return false }
      header.store(UInt64(held + 1), 0, &space)
    }
    slots.store(Slot(key: key, value: value), index, &space)
    return true
  }

  /// Removes `key`; false when it was not there.
  @inlinable public func remove(_ key: UInt64, _ space: inout PageSpace) -> Bool {
    var (hole, found, _) = probe(key, space)
    if !found { return false }
    header.store(header.load(0, space) - 1, 0, &space)
    var next = (hole &+ 1) & mask
    while true {
      let slot = slots.load(next, space)
      if slot.key == 0 { break }
      // A key moves back into the hole unless its home lies after the hole on its probe path.
      if (next &- home(slot.key)) & mask >= (next &- hole) & mask {
        slots.store(slot, hole, &space)
        hole = next
      }
      next = (next &+ 1) & mask
    }
    slots.store(Slot(key: 0, value: 0), hole, &space)
    return true
  }

  /// Calls `body` with every key and value, in slot order.
  @inlinable public func forEach(
    _ space: borrowing PageSpace, _ body: (UInt64, UInt64) -> Void
  ) {
    for index in 0..<slots.count {
      let slot = slots.load(index, space)
      if slot.key != 0 { body(slot.key, slot.value) }
    }
  }

  /// As `forEach`, for slots that hold something else in `other`: whatever is left out has the same
  /// value there.
  ///
  /// - Complexity: As `PageSpace.forEachDifferingRow`.
  @inlinable public func forEachDifference(
    _ space: borrowing PageSpace, from other: borrowing PageSpace, _ body: (UInt64, UInt64) -> Void
  ) {
    slots.forEachDifferingRow(space, from: other) { index in
      let slot = slots.load(index, space)
      if slot.key != 0 { body(slot.key, slot.value) }
    }
  }

  @inlinable @inline(__always)
  public func prefetch(_ key: UInt64, _ space: borrowing PageSpace) {
    slots.prefetch(home(key), space)
  }
}
