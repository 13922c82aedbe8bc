internal import Bounded

/// A queue of nodes by distance: the smallest of its 64-bit entries leaves first.
///
/// A four-ary heap (Johnson 1975) in a slab of fixed capacity, laid out so that four siblings share
/// half a cache line. An entry is the distance in its high half and a node or label in its low
/// half. There is no decrease-key: owners push a better entry and skip the stale one when it
/// surfaces, and when the heap is full they drop the stale ones (`keepFirst`), which its slack
/// makes rare.
package struct DistanceHeap: ~Copyable {
  private let slab: SlabView
  package let capacity: Int
  package private(set) var count = 0

  /// A heap for owners with at most `liveMax` entries that are not stale. Memory: 10 bytes each.
  init(liveMax: Int) { self.init(capacity: Self.capacity(liveMax: liveMax)) }

  package init(capacity: Int) {
    self.capacity = capacity
    slab = SlabView(Slab(byteCount: Self.byteCount(capacity: capacity), zeroed: false))
  }

  /// A heap in the `byteCount(capacity:)` bytes from `offset` of `memory`, a multiple of 8.
  init(capacity: Int, _ memory: SlabView, at offset: Int) {
    self.capacity = capacity
    slab = SlabView(memory, at: offset, byteCount: Self.byteCount(capacity: capacity))
  }

  static func byteCount(capacity: Int) -> Int { (capacity + 3) * 8 }

  static func capacity(liveMax: Int) -> Int { liveMax + liveMax / 4 + 64 }

  @inline(__always) package var isFull: Bool { count == capacity }

  /// The entry at a position, `0..<count`, in no useful order.
  @inline(__always) package subscript(position: Int) -> UInt64 {
    get { slab.load((position &+ 3) &* 8, as: UInt64.self) }
    set { slab.store(newValue, (position &+ 3) &* 8) }
  }

  /// Adds an entry; the heap must not be full.
  ///
  /// - Complexity: O(log n)
  @inline(__always) package mutating func push(_ entry: UInt64) {
    precondition(count < capacity, "distance heap of \(capacity) entries is full")
    var hole = count
    count &+= 1
    while hole > 0 {
      let parent = (hole &- 1) &>> 2
      let above = self[parent]
      if above <= entry { break }
      self[hole] = above
      hole = parent
    }
    self[hole] = entry
  }

  /// The smallest entry, without removing it.
  @inline(__always) package var first: UInt64? { count > 0 ? self[0] : nil }

  /// Removes the smallest entry.
  ///
  /// - Complexity: O(log n)
  @inline(__always) package mutating func popFirst() -> UInt64? {
    if count == 0 { return nil }
    let first = self[0]
    count &-= 1
    if count > 0 { sink(self[count], from: 0) }
    return first
  }

  package mutating func removeAll() { count = 0 }

  /// Keeps the entries at the first `kept` positions, and restores the heap's order.
  ///
  /// - Complexity: O(n) (Floyd 1964)
  package mutating func keepFirst(_ kept: Int) {
    precondition(kept <= count)
    count = kept
    var position = (kept &- 2) / 4
    while position >= 0 && kept > 1 {
      sink(self[position], from: position)
      position &-= 1
    }
  }

  /// Places `entry` at or below `position`.
  @inline(__always) private mutating func sink(_ entry: UInt64, from position: Int) {
    var hole = position
    while true {
      let child = hole &* 4 &+ 1
      if child >= count { break }
      var least = child
      var value = self[child]
      let end = min(child &+ 4, count)
      var sibling = child &+ 1
      while sibling < end {
        let other = self[sibling]
        if other < value {
          value = other
          least = sibling
        }
        sibling &+= 1
      }
      if entry <= value { break }
      self[hole] = value
      hole = least
    }
    self[hole] = entry
  }
}
