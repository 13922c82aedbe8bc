import Bounded
import Testing
import Testkit

// Searching, summing and comparing in slabs against arrays.

/// How many rows lie below a row, or not above it, is what counting them gives: for every number of
/// rows up to 40 and every target on, below and above each, high words equal and not.
@Test func rowsBelowAreCounted() {
  let slab = Slab(byteCount: 16 * 41)
  for count in 0...40 {
    for spread in [1, 3, 40] {
      let rows = (0..<count).map { (high: UInt64($0 / spread), low: UInt64($0 % spread * 2 + 1)) }
      for (at, row) in rows.enumerated() {
        slab.store(row.high, 16 + at * 16)
        slab.store(row.low, 24 + at * 16)
      }
      for high in 0...UInt64(count / spread + 1) {
        for low in 0...UInt64(2 * spread + 1) {
          let below = rows.count { ($0.high, $0.low) < (high, low) }
          let equal = rows.count { ($0.high, $0.low) == (high, low) }
          #expect(slab.countBelow(high: high, low: low, at: 16, count: count) == below)
          #expect(
            slab.countBelow(high: high, low: low, orEqual: true, at: 16, count: count)
              == below + equal)
        }
      }
    }
  }
}

/// Sums and running sums are those of an array, for totals near and beyond every one of them.
@Test func sumsEqualAnArray() {
  #expect(
    forAll(cases: 300) { random in
      let count = random.below(40)
      let numbers = (0..<count).map { _ in
        random.chance(30)
          ? 0 : UInt32(truncatingIfNeeded: random.next() >> UInt64(random.below(60)))
      }
      let slab = Slab(byteCount: 4 * (count + 3))
      for (at, value) in numbers.enumerated() { slab.store(value, 8 + at * 4) }
      let sum = numbers.reduce(0) { $0 + Int($1) }
      guard slab.sum32(at: 8, count: count) == sum else { return false }
      var running = 0
      var targets = [-1, 0, sum - 1, sum, sum + 1]
      for value in numbers {
        running += Int(value)
        targets += [running - 1, running]
      }
      return targets.allSatisfy { target in
        var (index, before) = (0, 0)
        while index < count, before + Int(numbers[index]) <= target {
          before += Int(numbers[index])
          index += 1
        }
        let found = slab.firstExceeding(target, at: 8, count: count)
        return found.index == index && found.sum == before
      }
    })
}

/// Equal runs are equal and a byte's difference is seen where it is; moves may overlap; what lies
/// around what was copied, moved or zeroed stays.
@Test func slabsEqualArrays() {
  #expect(
    forAll(cases: 300) { random in
      var model = (0..<200).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let (slab, other) = (Slab(byteCount: 200), Slab(byteCount: 200))
      slab.copy(from: model.span, to: 0)
      let (from, to) = (random.below(200), random.below(200))
      let count = random.below(201 - max(from, to))
      switch random.below(3) {
      case 0:
        slab.move(from: from, to: to, count: count)
        model.replaceSubrange(to..<(to + count), with: Array(model[from..<(from + count)]))
      case 1:
        slab.zero(to, count: count)
        for at in to..<(to + count) { model[at] = 0 }
      default:
        slab.copy(from: other, at: from, to: to, count: count)
        for at in to..<(to + count) { model[at] = 0 }
      }
      other.copy(from: model.span, to: 0)
      guard slab.equals(0, other, 0, count: 200), slab.differing64(100, other, 100) == 0 else {
        return false
      }
      let at = 64 + random.below(64)
      other.store(~model[at], at)
      return !slab.equals(0, other, 0, count: 200) && slab.equals(0, other, 0, count: at)
        && slab.equals(at + 1, other, at + 1, count: 199 - at)
        && slab.differing64(64, other, 64) == 1 << UInt64(at - 64)
    })
}

/// Reads of untrusted bytes end where the bytes do.
@Test func readsEndWithTheirBytes() async {
  let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
  for offset in [-1, 9, Int.max, Int.min] {
    #expect(bytes.span.bytes.byteOrZero(offset) == 0)
  }
  #expect(bytes.span.bytes.byteOrZero(8) == 9 && bytes.span.bytes.byte(0) == 1)
  #expect(bytes.span.bytes.load(1, as: UInt64.self) == 0x0908_0706_0504_0302)
  await #expect(processExitsWith: .failure) {
    _ = ([1, 2] as [UInt8]).span.bytes.byte(2)
  }
  await #expect(processExitsWith: .failure) {
    _ = ([1, 2, 3, 4, 5, 6, 7, 8] as [UInt8]).span.bytes.load(1, as: UInt64.self)
  }
}
