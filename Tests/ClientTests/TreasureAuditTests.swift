import Client
import Testing
import Testkit

/// Treasures after some claims, and who won them, by a model that grants while there is stock.
private func played(
  _ random: inout TestRandom
) -> (winners: [UInt32: UInt64], before: [TreasureAccount], after: [TreasureAccount]) {
  var before: [TreasureAccount] = []
  for id in 1...UInt32(1 + random.below(8)) {
    let stock = UInt64(1 + random.below(4))
    let claimed = UInt64(random.below(Int(stock)))
    before.append(
      TreasureAccount(
        id: id, stock: stock, free: stock - claimed, claimed: claimed,
        generation: UInt64(random.below(3))))
  }
  var after = before
  var winners: [UInt32: UInt64] = [:]
  for _ in 0..<random.below(60) {
    let at = random.below(after.count)
    if after[at].free > 0 {
      after[at].free -= 1
      after[at].claimed += 1
      winners[after[at].id, default: 0] += 1
    } else if random.chance(50) {
      after[at].free = after[at].stock
      after[at].claimed = 0
      after[at].generation += 1
    }
  }
  return (winners, before, after)
}

/// Honest play has no fault, and one winner too many, anywhere, has.
@Test func auditFindsOneWinnerTooMany() {
  #expect(
    forAll(cases: 2_000) { random in
      let (winners, before, after) = played(&random)
      func faults(_ winners: [UInt32: UInt64], _ after: [TreasureAccount]) -> Int {
        TreasureAudit.faults(winners: winners, before: before, after: after, areAlone: true).count
      }
      guard faults(winners, after) == 0 else { return false }
      var tooMany = winners
      tooMany[UInt32(1 + random.below(after.count)), default: 0] += 1
      var unknown = winners
      unknown[77] = 1
      var bent = after
      bent[random.below(bent.count)].free += 1
      return faults(tooMany, after) > 0 && faults(unknown, after) > 0 && faults(winners, bent) > 0
    })
}

/// Others may win too: then only winners beyond what the engine granted are a fault.
@Test func auditAllowsOtherPlayers() {
  let before = TreasureAccount(id: 1, stock: 3, free: 3, claimed: 0, generation: 0)
  let after = TreasureAccount(id: 1, stock: 3, free: 0, claimed: 3, generation: 0)
  for told in 0...4 as ClosedRange<UInt64> {
    let faults = TreasureAudit.faults(winners: [1: told], before: [before], after: [after])
    #expect(faults.isEmpty == (told <= 3))
  }
}
