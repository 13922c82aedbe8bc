public import CIntrinsics

extension Slab {
  /// How many of `count` ascending 16-byte rows at `offset` are below the row (`high`, `low`), or,
  /// with `orEqual`, not above it.
  ///
  ///     offset  bytes  field
  ///          0      8  high word, compared first
  ///          8      8  low word
  ///
  /// - Parameter offset: A multiple of 8; the rows lie inside the slab, or it traps.
  /// - Complexity: O(log count), without a branch on what the rows hold.
  @inlinable @inline(__always)
  public func countBelow(
    high: UInt64, low: UInt64, orEqual: Bool = false, at offset: Int, count: Int
  ) -> Int {
    precondition(offset >= 0 && offset & 7 == 0 && count >= 0 && count <= byteCount)
    precondition(offset &+ count &* 16 <= byteCount)
    let rows = unsafe UnsafeRawPointer(base + offset)
    let target = UInt128(_low: low, _high: high)
    // The rows before `from` count; the answer lies within `left` rows of it.
    var from = 0
    var left = count
    while left > 1 {
      let half = left &>> 1
      let row = unsafe row128(rows + (from &+ half &- 1) &* 16)
      // A mask and not a branch: half of such branches would be guessed wrong.
      let mask = vx_opaque(0 &- ((orEqual ? !(target < row) : row < target) ? 1 : 0))
      from &+= half & Int(bitPattern: UInt(mask))
      left &-= half
    }
    if left == 1 {
      let row = unsafe row128(rows + from &* 16)
      from &+= (orEqual ? !(target < row) : row < target) ? 1 : 0
    }
    return from
  }

  /// Asks the processor to fetch the lines of `count` bytes from `offset`; traps out of range.
  @inlinable @inline(__always)
  public func prefetch(_ offset: Int, count: Int) {
    precondition(offset >= 0 && count >= 0 && offset &+ count <= byteCount)
    var at = 0
    while at < count {
      unsafe vx_prefetch(base + offset + at)
      at &+= 64
    }
  }

  /// The sum of `count` `UInt32` at `offset`, a multiple of 4.
  ///
  /// - Complexity: O(count), several a cycle.
  @inlinable
  public func sum32(at offset: Int, count: Int) -> Int {
    precondition(offset >= 0 && offset & 3 == 0 && count >= 0 && count <= byteCount)
    precondition(offset &+ count &* 4 <= byteCount)
    let words = unsafe base + offset
    var sum: UInt64 = 0
    var at = 0
    while at < count {
      sum &+= UInt64(unsafe words.load(fromByteOffset: at &* 4, as: UInt32.self))
      at &+= 1
    }
    return Int(truncatingIfNeeded: sum)
  }

  /// The first of `count` `UInt32` at `offset` whose running sum exceeds `target`, and the sum of
  /// those before it; (`count`, whole sum) when none does.
  ///
  /// - Complexity: O(count).
  @inlinable
  public func firstExceeding(_ target: Int, at offset: Int, count: Int) -> (index: Int, sum: Int) {
    precondition(offset >= 0 && offset & 3 == 0 && count >= 0 && count <= byteCount)
    precondition(offset &+ count &* 4 <= byteCount)
    let words = unsafe base + offset
    var sum = 0
    var at = 0
    while at < count {
      let next = sum &+ Int(unsafe words.load(fromByteOffset: at &* 4, as: UInt32.self))
      if next > target { return (at, sum) }
      sum = next
      at &+= 1
    }
    return (count, sum)
  }
}

/// A row as one number, so that a comparison is two instructions and no branch.
@inlinable @inline(__always)
func row128(_ row: UnsafeRawPointer) -> UInt128 {
  let high = unsafe row.load(as: UInt64.self)
  let low = unsafe row.load(fromByteOffset: 8, as: UInt64.self)
  return UInt128(_low: low, _high: high)
}
