import Bounded
import Testing
import Testkit

// Against a sorted array of the values. Not verified: how the sum rounds, as it does not.

/// A histogram beside the values that it was given.
private struct Twin {
  var histogram = Histogram()
  var values: [Int64] = []

  mutating func record(_ value: Int64, times: Int) {
    histogram.record(value, times: UInt64(times))
    values += [Int64](repeating: value, count: times)
  }

  /// Whether each percentile lies on the value of that rank or at most a bucket above it, and no
  /// further than the largest.
  var readsRight: Bool {
    let sorted = values.sorted()
    guard histogram.count == UInt64(sorted.count), histogram.max == sorted.last ?? 0,
      histogram.sum == sorted.reduce(0, &+)
    else { return false }
    for perMillion in [1, 500_000, 900_000, 990_000, 999_000, 999_999, 1_000_000] as [UInt64] {
      let told = histogram.percentile(perMillion: perMillion)
      if sorted.isEmpty {
        if told != 0 { return false }
        continue
      }
      let rank = max(1, (sorted.count * Int(perMillion) + 999_999) / 1_000_000)
      let value = sorted[rank - 1]
      // A bucket is at most a 32nd of its values wide.
      if told < value || told > value + value / 32 || told > histogram.max { return false }
    }
    return true
  }
}

/// Any values, however many times each, give percentiles that are right to 3 %; so do two
/// histograms merged.
@Test func percentilesAreRightToThreePercent() {
  #expect(
    forAll(cases: 200) { random in
      var twins = [Twin(), Twin()]
      for _ in 0..<random.below(60) {
        let value = Int64(random.next() >> UInt64(22 + random.below(42)))
        twins[random.below(2)].record(value, times: 1 + random.below(5))
      }
      guard twins[0].readsRight, twins[1].readsRight else { return false }
      twins[0].histogram.merge(twins[1].histogram)
      twins[0].values += twins[1].values
      return twins[0].readsRight
    })
}

/// Every value up to 4,096, every bound between two buckets and its neighbours, alone in a
/// histogram, is its own percentile: nothing falls between buckets, and none is wider than a 32nd.
@Test func everyBucketHoldsItsValues() {
  var values = Array(0...4_096 as ClosedRange<Int64>)
  for shift in 7..<42 as Range<Int64> {
    for step in 32..<64 as Range<Int64> {
      values += [step << (shift - 5), (step << (shift - 5)) - 1, (step << (shift - 5)) + 1]
    }
  }
  for value in values {
    var histogram = Histogram()
    histogram.record(value)
    // A larger one beside it, so that the bucket's top and not the maximum is told.
    histogram.record(1 << 42)
    let told = histogram.percentile(perMillion: 1)
    #expect(told >= value && told <= value + value / 32, "\(value) is told as \(told)")
  }
}

/// Values beyond the range count as the largest or the smallest, and the maximum is exact.
@Test func valuesOutsideCountAtTheEnds() {
  var histogram = Histogram()
  histogram.record(.max)
  #expect(histogram.max == .max && histogram.count == 1)
  histogram.record(-5)
  histogram.record(0)
  #expect(histogram.percentile(perMillion: 400_000) == 0 && histogram.count == 3)
}
