import Bounded
import Testing
import Testkit

// On one thread, against a dictionary of counts; several threads are PagesTests' to try.

/// A number that was given back goes out again first, last in first out; numbers never taken follow
/// in order; counts, marks and what is free are those of the model, also when all are taken.
@Test(arguments: [2, 3, 5, 40]) func countsEqualAModel(count: Int) {
  #expect(
    forAll(cases: 100) { random in
      let counts = ReferenceCounts(count: count)
      var held: [Int: Int] = [:]
      var marked: Set<Int> = []
      var givenBack: [Int] = []
      var untouched = 1
      for _ in 0..<120 {
        let some = held.keys.sorted().randomElement(using: &random)
        switch random.below(5) {
        case 0, 1:
          let expected = givenBack.popLast() ?? (untouched < count ? untouched : nil)
          if expected == untouched { untouched += 1 }
          guard counts.take() == expected else { return false }
          if let expected { held[expected] = 1 }
        case 2:
          guard let some else { continue }
          counts.retain(some)
          held[some, default: 0] += 1
        case 3:
          guard let some, let references = held[some] else { continue }
          if references == 1, random.chance(50) {
            counts.mark(some)
            marked.insert(some)
          } else if references == 1, marked.contains(some) {
            counts.unmarkSole(some)
            marked.remove(some)
          }
        default:
          guard let some, let references = held[some] else { continue }
          guard counts.release(some) == (references == 1) else { return false }
          held[some] = references == 1 ? nil : references - 1
          if references > 1 { continue }
          marked.remove(some)
          var chain = ReferenceCounts.Chain()
          counts.add(some, to: &chain)
          counts.give(chain)
          givenBack.append(some)
        }
        guard counts.freeCount == count - 1 - held.count,
          held.allSatisfy({
            counts.isSole($0.key) == ($0.value == 1)
              && counts.isMarked($0.key) == marked.contains($0.key)
          })
        else { return false }
      }
      return true
    })
}

/// A chain of any numbers comes out again in the order in which a stack would give it.
@Test func chainsComeBackAsAStack() {
  let counts = ReferenceCounts(count: 6)
  let all = (0..<5).compactMap { _ in counts.take() }
  #expect(all == [1, 2, 3, 4, 5] && counts.take() == nil)
  var chain = ReferenceCounts.Chain()
  for number in all {
    #expect(counts.release(number))
    counts.add(number, to: &chain)
  }
  #expect(chain.count == 5)
  counts.give(chain)
  counts.give(ReferenceCounts.Chain())
  #expect((0..<5).compactMap { _ in counts.take() } == [5, 4, 3, 2, 1] && counts.freeCount == 0)
}
