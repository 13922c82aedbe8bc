internal import Bounded

/// A queue of nodes by distance for searches that only go on to greater distances: what leaves it
/// next is at most one bucket nearer than all that is left.
///
/// Buckets of `1 << shift` distances each (Dial 1969), no wider than the cheapest edge, so that
/// nothing in a bucket can be improved by anything else in it and their order does not matter. A
/// ring of 1,024 buckets holds what is at most so many behind the last one taken; what lies farther
/// waits in a heap. An entry is the distance in its high half and a node in its low half. There is
/// no decrease-key: owners push a better entry and skip the stale one when it surfaces, and when
/// the queue is full they drop the stale ones (`keep`), which its slack makes rare.
struct BucketQueue: ~Copyable {
  private static var bucketCount: Int { 1_024 }

  let capacity: Int
  private(set) var count = 0
  private var far: DistanceHeap
  /// Entries, 16 bytes each: the entry, the place of the next one in its bucket plus 1.
  private let entries: Slab
  /// For each bucket the place of its first entry plus 1, 4 bytes.
  private let firsts: Slab
  /// A bit a bucket: it is not empty. (Not an inline array: reading one element copies all.)
  private let filled = Slab(byteCount: bucketCount / 8, alignment: 64)
  /// The bucket of the last entry taken, counted from distance 0.
  private var now = 0
  private var shift = 0
  /// Places ever used, and the first one given back plus 1.
  private var used = 0
  private var free: UInt32 = 0

  init(capacity: Int) {
    self.capacity = capacity
    far = DistanceHeap(capacity: capacity)
    entries = Slab(byteCount: capacity * 16, zeroed: false)
    firsts = Slab(byteCount: Self.bucketCount * 4)
  }

  /// Forgets all entries, and is for edges that cost at least `leastCost` from here on.
  mutating func removeAll(leastCost: UInt64) {
    shift = 63 - leastCost.leadingZeroBitCount
    for word in 0..<16 {
      var bits = filled.load(word * 8, as: UInt64.self)
      while bits != 0 {
        firsts.store(0 as UInt32, (word << 6 | bits.trailingZeroBitCount) * 4)
        bits &= bits - 1
      }
      filled.store(0 as UInt64, word * 8)
    }
    far.removeAll()
    (count, now, used, free) = (0, 0, 0, 0)
  }

  @inline(__always) var isFull: Bool { count == capacity }

  /// Adds an entry no nearer than the bucket of the last one taken, or any entry where nothing is
  /// left; the queue must not be full.
  @inline(__always) mutating func push(_ entry: UInt64) {
    precondition(count < capacity, "queue of \(capacity) entries is full")
    if count == 0 { now = 0 }
    count &+= 1
    let bucket = Int(truncatingIfNeeded: entry &>> 32) &>> shift
    if bucket &- now >= Self.bucketCount { return far.push(entry) }
    put(entry, bucket & (Self.bucketCount &- 1))
  }

  @inline(__always) private mutating func put(_ entry: UInt64, _ ring: Int) {
    let place: Int
    if free != 0 {
      place = Int(free) &- 1
      free = entries.load(place &* 16 &+ 8, as: UInt32.self)
    } else {
      place = used
      used &+= 1
    }
    entries.store(entry, place &* 16)
    entries.store(firsts.load(ring &* 4, as: UInt32.self), place &* 16 &+ 8)
    firsts.store(UInt32(truncatingIfNeeded: place &+ 1), ring &* 4)
    mark(ring)
  }

  /// Removes an entry of the nearest bucket.
  @inline(__always) mutating func popFirst() -> UInt64? {
    if count == 0 { return nil }
    count &-= 1
    let bucket = nearestBucket()
    if let first = far.first, Int(truncatingIfNeeded: first &>> 32) &>> shift < bucket {
      now = Int(truncatingIfNeeded: first &>> 32) &>> shift
      return far.popFirst()
    }
    now = bucket
    let ring = bucket & (Self.bucketCount &- 1)
    let place = Int(firsts.load(ring &* 4, as: UInt32.self)) &- 1
    let entry = entries.load(place &* 16, as: UInt64.self)
    let next = entries.load(place &* 16 &+ 8, as: UInt32.self)
    firsts.store(next, ring &* 4)
    if next == 0 { unmark(ring) }
    entries.store(free, place &* 16 &+ 8)
    free = UInt32(truncatingIfNeeded: place &+ 1)
    return entry
  }

  /// Removes up to 16 entries of the nearest bucket; their number.
  @inline(__always) mutating func popFirst(_ batch: inout InlineArray<16, UInt64>) -> Int {
    guard let first = popFirst() else { return 0 }
    batch[0] = first
    var taken = 1
    let ring = now & (Self.bucketCount &- 1)
    var place = firsts.load(ring &* 4, as: UInt32.self)
    if place == 0 { return 1 }
    while taken < 16 && place != 0 {
      let at = Int(place &- 1) &* 16
      batch[taken] = entries.load(at, as: UInt64.self)
      let next = entries.load(at &+ 8, as: UInt32.self)
      entries.store(free, at &+ 8)
      free = place
      place = next
      taken &+= 1
    }
    count &-= taken &- 1
    firsts.store(place, ring &* 4)
    if place == 0 { unmark(ring) }
    return taken
  }

  /// Notes that a bucket of the ring is not empty.
  @inline(__always) private func mark(_ ring: Int) {
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: ring & 63)
    filled.store(word(ring &>> 6) | bit, ring &>> 6 &* 8)
  }

  @inline(__always) private func unmark(_ ring: Int) {
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: ring & 63)
    filled.store(word(ring &>> 6) & ~bit, ring &>> 6 &* 8)
  }

  /// Which of 64 buckets of the ring are not empty.
  @inline(__always) private func word(_ index: Int) -> UInt64 {
    filled.load(index &* 8, as: UInt64.self)
  }

  /// The nearest bucket of the ring that is not empty, counted from distance 0; `.max` for none.
  @inline(__always) private func nearestBucket() -> Int {
    let start = now & (Self.bucketCount &- 1)
    let ahead = word(start &>> 6) &>> UInt64(truncatingIfNeeded: start & 63)
    if ahead != 0 { return now &+ ahead.trailingZeroBitCount }
    for step in 1...16 {
      let at = (start &>> 6 &+ step) & 15
      let bits = word(at)
      if bits == 0 { continue }
      let ring = at &<< 6 | bits.trailingZeroBitCount
      return now &+ (ring &- start) & (Self.bucketCount &- 1)
    }
    return .max
  }

  /// A distance that no entry is nearer than.
  var leastDistance: UInt64 {
    let bucket = nearestBucket()
    let near = bucket == .max ? UInt64.max : UInt64(bucket) << UInt64(shift)
    return min(near, far.first.map { $0 >> 32 } ?? .max)
  }

  /// Calls `body` with every entry.
  func visit(_ body: (UInt64) -> Void) {
    for ring in 0..<Self.bucketCount {
      var place = firsts.load(ring * 4, as: UInt32.self)
      while place != 0 {
        body(entries.load(Int(place - 1) * 16, as: UInt64.self))
        place = entries.load(Int(place - 1) * 16 + 8, as: UInt32.self)
      }
    }
    for at in 0..<far.count { body(far[at]) }
  }

  /// Drops the entries for which `isKept` is false.
  mutating func keep(_ isKept: (UInt64) -> Bool) {
    for ring in 0..<Self.bucketCount {
      var place = firsts.load(ring * 4, as: UInt32.self)
      firsts.store(0 as UInt32, ring * 4)
      unmark(ring)
      while place != 0 {
        let at = Int(place - 1) * 16
        let next = entries.load(at + 8, as: UInt32.self)
        if isKept(entries.load(at, as: UInt64.self)) {
          entries.store(firsts.load(ring * 4, as: UInt32.self), at + 8)
          firsts.store(place, ring * 4)
          mark(ring)
        } else {
          entries.store(free, at + 8)
          free = place
          count -= 1
        }
        place = next
      }
    }
    var kept = 0
    for at in 0..<far.count where isKept(far[at]) {
      far[kept] = far[at]
      kept += 1
    }
    count -= far.count - kept
    far.keepFirst(kept)
  }
}
