import Bounded

/// The same numbers for the same seed on every machine.
struct SimulationRandom: Drawing {
  private var numbers: SplitMix64

  init(seed: UInt64) { numbers = SplitMix64(seed: seed) }

  /// A stream of its own for each use, so that leaving one fault out moves no other.
  init(seed: UInt64, stream: UInt64) {
    self.init(seed: seed &* 0x9e37_79b9_7f4a_7c15 ^ (stream &+ 1) &* 0xd6e8_feb8_6659_fd93)
    _ = next()
  }

  mutating func next() -> UInt64 { numbers.next() }

  /// A value in `0..<bound`; 0 where the bound is below 1.
  mutating func below(_ bound: Int) -> Int { bound < 1 ? 0 : Int(next() % UInt64(bound)) }
  /// Whether one of so many times.
  mutating func once(in times: Int) -> Bool { below(times) == 0 }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}
