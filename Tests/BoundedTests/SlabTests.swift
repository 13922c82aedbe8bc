import Bounded
import Testing
import Testkit

/// Rows sort as an array of them does, whichever of their bits differ, also when they ascend by
/// their lowest bits already.
@Test func rowsSortAsAnArrayDoes() {
  #expect(
    forAll(cases: 200) { random in
      let count = random.below(300)
      let ascendingBits = random.chance(50) ? 24 : 0
      let masks = [0, 0xff, 0xfff0, 0xffff_ffff_0000, UInt64.max]
      let (highMask, lowMask) = (masks[random.below(5)], masks[random.below(5)])
      let slab = Slab(byteCount: 16 * (2 * count + 1))
      var rows: [[UInt64]] = []
      for at in 0..<count {
        let low = random.next() & lowMask
        rows.append([
          random.next() & highMask, ascendingBits == 0 ? low : low & ~0xff_ffff | UInt64(at),
        ])
        slab.store(rows[at][0], at * 16)
        slab.store(rows[at][1], at * 16 + 8)
      }
      let sorted = slab.sortRows(
        at: 0, count: count, spare: count * 16, ascendingBits: ascendingBits)
      rows.sort { $0[0] != $1[0] ? $0[0] < $1[0] : $0[1] < $1[1] }
      return (0..<count).allSatisfy {
        slab.load(sorted + $0 * 16, as: UInt64.self) == rows[$0][0]
          && slab.load(sorted + $0 * 16 + 8, as: UInt64.self) == rows[$0][1]
      }
    })
}
