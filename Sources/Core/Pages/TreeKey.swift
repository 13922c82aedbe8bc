/// A 128-bit key of a `PagedTree`: ordered by `high`, then by `low`, both unsigned.
///
///     offset  bytes  field
///          0      8  high
///          8      8  low
@frozen public struct TreeKey: BitwiseCopyable, Comparable, Hashable, Sendable {
  public var high: UInt64
  public var low: UInt64

  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  @inlinable @inline(__always)
  public static func < (left: TreeKey, right: TreeKey) -> Bool {
    left.high < right.high || (left.high == right.high && left.low < right.low)
  }

  @inlinable @inline(__always)
  public static func == (left: TreeKey, right: TreeKey) -> Bool {
    left.high == right.high && left.low == right.low
  }
}
