import Events
import Testing
import Testkit

@testable import Hunt

/// Effects wanted are kept in order up to the capacity and counted beyond; nothing is kept, counted
/// or even made while nobody watches.
@Test func effectsEqualAnArray() {
  #expect(
    forAll(cases: 200) { random in
      let capacity = random.below(5)
      var buffer = EffectBuffer(capacity: capacity)
      var (kept, dropped, made): ([UInt64], Int, Int) = ([], 0, 0)
      for number in 0..<30 as Range<UInt64> {
        if random.chance(10) { buffer.isWanted.toggle() }
        if random.chance(10) {
          buffer.removeAll()
          (kept, dropped) = ([], 0)
        }
        let before = made
        buffer.append(
          {
            made += 1
            var effect = Effect(.move)
            effect.player = number
            return effect
          }())
        if buffer.isWanted {
          if kept.count < capacity { kept.append(number) } else { dropped += 1 }
        } else if made != before {
          return false
        }
        guard (0..<buffer.count).map({ buffer[$0].player }) == kept, buffer.dropped == dropped
        else { return false }
      }
      return true
    })
}
