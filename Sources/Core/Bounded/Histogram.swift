/// Counts of durations in buckets of at most 3 % width, after HdrHistogram: 32 buckets a doubling.
///
/// Values are nanoseconds, `0...2^42` (73 minutes); larger ones count as the largest. Fixed size,
/// no allocation after creation.
public struct Histogram: Sendable {
  private static let bucketCount = 38 * 32 + 32
  private var counts: [UInt64]
  /// Values recorded.
  public private(set) var count: UInt64 = 0
  /// Largest value recorded, exact.
  public private(set) var max: Int64 = 0
  /// Sum of all values, for averages in metrics.
  public private(set) var sum: Int64 = 0

  public init() { counts = [UInt64](repeating: 0, count: Self.bucketCount) }

  private static func bucket(_ value: Int64) -> Int {
    if value < 64 { return Int(Swift.max(0, value)) }
    let shift = 63 - value.leadingZeroBitCount - 5
    return Swift.min(bucketCount - 1, (shift << 5) + Int(value >> Int64(shift)))
  }

  /// Largest value that falls into `bucket`.
  private static func top(_ bucket: Int) -> Int64 {
    if bucket < 64 { return Int64(bucket) }
    let shift = (bucket >> 5) - 1
    return (Int64((bucket & 31) + 33) << Int64(shift)) - 1
  }

  /// - Complexity: O(1).
  public mutating func record(_ value: Int64, times: UInt64 = 1) {
    counts[Self.bucket(value)] += times
    count += times
    sum &+= value &* Int64(times)
    if value > max { max = value }
  }

  public mutating func merge(_ other: Histogram) {
    for at in 0..<Self.bucketCount { counts[at] += other.counts[at] }
    count += other.count
    sum &+= other.sum
    max = Swift.max(max, other.max)
  }

  /// The smallest bucket's top below which `perMillion` of a million values lie; 0 when empty.
  public func percentile(perMillion: UInt64) -> Int64 {
    if count == 0 { return 0 }
    let wanted = Swift.max(1, (count * perMillion + 999_999) / 1_000_000)
    var seen: UInt64 = 0
    for at in 0..<Self.bucketCount {
      seen += counts[at]
      if seen >= wanted { return Swift.min(Self.top(at), max) }
    }
    return max
  }
}
