import Bounded
import Testing
import Testkit

// Runs of lines in rings against arrays, every small ring and place of it.

/// A ring of so many lines, line n holding n + 1.
private func ring(_ lineCount: Int) -> Slab {
  let slab = Slab(byteCount: lineCount * 64)
  for line in 0..<lineCount { slab.store(UInt64(line + 1), line * 64 + 8) }
  return slab
}

private func number(_ run: LineRun, _ index: Int) -> UInt64 {
  run.load(index, byte: 8, as: UInt64.self)
}

/// A run reads around the end of its ring, also at places far beyond it; copied to any place of any
/// ring or slab, whatever wraps, its lines lie there in order and nothing else changes.
@Test func runsReadAndCopyAroundTheEnd() {
  for sourceLines in [1, 2, 4, 8] {
    let source = ring(sourceLines)
    for targetLines in [1, 2, 4, 8] {
      for first in 0..<(2 * sourceLines) {
        for target in 0..<targetLines {
          for count in 0...min(sourceLines, targetLines) {
            let run = LineRun(source, first: first + 8 * sourceLines, count: count)
            let expected = (0..<count).map { UInt64((first + $0) % sourceLines + 1) }
            #expect((0..<count).map { number(run, $0) } == expected)
            let copy = Slab(byteCount: targetLines * 64)
            run.copy(to: copy, first: target + 16 * targetLines)
            let all = LineRun(copy, first: target, count: targetLines)
            let rest = [UInt64](repeating: 0, count: targetLines - count)
            #expect((0..<targetLines).map { number(all, $0) } == expected + rest)
            let flat = Slab(byteCount: (targetLines + 2) * 64)
            run.copy(to: flat, at: 64)
            #expect(
              (0..<count).map { flat.load(($0 + 1) * 64 + 8, as: UInt64.self) } == expected)
            #expect(flat.load(8, as: UInt64.self) == 0)
          }
        }
      }
    }
  }
}

/// Lines appended, replaced and taken back are those of an array, at any place of the ring.
@Test func targetsEqualAnArray() {
  #expect(
    forAll(cases: 300) { random in
      let lineCount = 1 << (1 + random.below(4))
      let slab = Slab(byteCount: lineCount * 64)
      let first = random.below(100)
      let capacity = random.below(lineCount + 1)
      var target = LineTarget(slab, first: first, capacity: capacity)
      var model: [UInt64] = []
      for _ in 0..<40 {
        switch random.below(4) {
        case 0, 1:
          guard target.free > 0 else { continue }
          let value = random.next()
          target.append(SIMD8<UInt64>(repeating: value))
          model.append(value)
        case 2:
          guard !model.isEmpty else { continue }
          let (at, value) = (random.below(model.count), random.next())
          target.replace(at, SIMD8<UInt64>(repeating: value))
          model[at] = value
        default:
          let at = random.below(model.count + 1)
          target.truncate(at)
          model.removeSubrange(at...)
        }
        if target.count != model.count || target.free != capacity - model.count { return false }
        let run = LineRun(slab, first: first, count: model.count)
        if (0..<model.count).contains(where: { number(run, $0) != model[$0] }) { return false }
      }
      return true
    })
}

/// Reading or writing beyond a run or a target stops the process.
@Test func placesOutsideTrap() async {
  await #expect(processExitsWith: .failure) {
    _ = LineRun(Slab(byteCount: 256), first: 0, count: 2).load(2, as: UInt64.self)
  }
  await #expect(processExitsWith: .failure) {
    var target = LineTarget(Slab(byteCount: 256), first: 0, capacity: 1)
    target.append(1 as UInt64)
    target.append(2 as UInt64)
  }
  await #expect(processExitsWith: .failure) {
    _ = LineRun(Slab(byteCount: 256), first: 0, count: 2).load(0, byte: 64, as: UInt8.self)
  }
}
