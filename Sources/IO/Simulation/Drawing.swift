package import Events
package import Hunt

/// What the simulation's hunts and those of the property tests are drawn with.
package protocol Drawing {
  /// A value in `0..<bound`.
  mutating func below(_ bound: Int) -> Int
  mutating func chance(_ percent: Int) -> Bool
}

extension HuntRules {
  /// Rules each of which is soon met, or left out.
  package init(drawnBy random: inout some Drawing) {
    self.init()
    speedMax = [0, 500, 2_000, 10_000][random.below(4)]
    stepsFree = UInt32(random.below(4))
    stepsMax = UInt32(1 + random.below(12))
    walls = random.chance(70)
    latenessMs = random.chance(50) ? Int64(500 + random.below(3_000)) : 0
    aheadMs = random.chance(60) ? Int64(500 + random.below(3_000)) : 0
    claimsPerPlayer = UInt32(random.below(4))
    joinImplicitly = random.chance(70)
    hintRadius = random.chance(40) ? UInt32(1 + random.below(6)) : 0
  }
}

/// The value of an order to spawn or to edit an edge; 0 for other kinds, which draw nothing.
package func orderValue(_ kind: EventKind?, _ random: inout some Drawing) -> Int64 {
  switch kind {
  case .spawn:
    return SpawnOffer(points: 7, stock: UInt32(random.below(4))).value
  case .edge:
    let multiplier: UInt8 = [0, 1, 2, 3, 60, 255][random.below(6)]
    let direction = UInt8(random.below(8))
    if random.chance(40) { return (multiplier == 0 ? EdgeOrder.place() : .break()).value }
    return EdgeOrder.step(direction: direction, multiplier: multiplier).value
  default: return 0
  }
}
