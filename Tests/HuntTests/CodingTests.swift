import Bounded
import Hunt
import Testing
import Testkit

private func text(_ random: inout TestRandom, max: Int) -> String {
  String((0..<(1 + random.below(max))).map { _ in Array("abcxyz-019")[random.below(10)] })
}

private func randomDefinition(_ random: inout TestRandom) -> HuntDefinition {
  var definition = HuntDefinition(name: text(&random, max: 48))
  definition.limits.players = 1 + random.below(1 << 24 - 1)
  definition.limits.treasures = 1 + random.below(1_000_000)
  definition.limits.claims = 1 + random.below(1 << 26)
  definition.limits.producers = 1 + random.below(1_000_000)
  definition.limits.gaps = 1 + random.below(1 << 24)
  definition.limits.idempotencyKeys = 1 + random.below(1 << 24)
  definition.limits.names = 1 + random.below(1 << 24)
  definition.rules.speedMax = UInt32(random.below(1_000_000_001))
  definition.rules.stepsFree = UInt32(random.below(65))
  definition.rules.stepsMax = UInt32(1 + random.below(64))
  definition.rules.walls = random.chance(50)
  definition.rules.latenessMs = Int64(random.below(1 << 40))
  definition.rules.aheadMs = Int64(random.below(1 << 40))
  definition.rules.claimsPerPlayer = UInt32(random.below(1 << 20))
  definition.rules.joinImplicitly = random.chance(50)
  definition.rules.hintRadius = random.chance(50) ? UInt32(random.below(300_001)) : 0
  if random.chance(50) { definition.rules.hintWork = UInt32(16 + random.below(65_521)) }
  definition.startsLive = random.chance(50)
  for _ in 0..<random.below(5) {
    var spec = TreasureSpec(
      id: UInt32(truncatingIfNeeded: random.next() | 1),
      x: Int32(truncatingIfNeeded: random.next()), y: Int32(truncatingIfNeeded: random.next()))
    spec.z = Int32(truncatingIfNeeded: random.next())
    spec.reach = UInt32(random.below(65))
    spec.points = Int32(random.below(1_000_000_001))
    spec.stock = UInt32(1 + random.below(1 << 20 - 1))
    spec.respawnMs = UInt32(truncatingIfNeeded: random.next())
    definition.treasures.append(spec)
  }
  definition.boards = (0..<(1 + random.below(8))).map { _ in
    BoardSpec(
      name: text(&random, max: 32),
      windowMs: random.chance(50) ? nil : Int64(1_000 + random.below(86_399_001)))
  }
  return definition
}

/// A definition encoded is read back as it was.
@Test func definitionsRoundTrip() {
  #expect(
    forAll(cases: 500) { random in
      let definition = randomDefinition(&random)
      return try HuntDefinition(decoding: definition.encoded()) == definition
    })
}

/// A definition without a rule of version 2 is written as version 1, so that a hunt made before there
/// was one is still the hunt that its journal names; and what such a form does not say stays what it
/// was, whatever is the default today.
@Test func olderDefinitionsKeepTheirIdentity() throws {
  var definition = HuntDefinition(name: "old")
  #expect(definition.encoded()[4] == 3, "today's default has to be said")
  definition.rules.hintWork = 1_024
  let old = definition.encoded()
  #expect(old[4] == 1)
  definition.rules.hintRadius = 64
  #expect(definition.encoded()[4] == 2 && definition.encoded().count == old.count + 8)
  definition.rules.hintWork = 16
  #expect(definition.encoded()[4] == 3 && definition.encoded().count == old.count + 16)
  let rules = try HuntDefinition(decoding: old).rules
  #expect(rules.hintRadius == 0 && rules.hintWork == 1_024)
}

/// Any bytes, encoded and then changed, cut or lengthened, are a fault with its place or a definition
/// of which they are the only encoding; nothing traps.
@Test func decodingIsTotalAndExact() {
  var reached: Set<String> = []
  #expect(
    forAll(cases: 4_000) { random in
      var bytes = randomDefinition(&random).encoded()
      switch random.below(4) {
      case 0: bytes.removeLast(random.below(bytes.count + 1))
      case 1: bytes.append(UInt8(random.below(256)))
      default: break
      }
      for _ in 0..<random.below(4) where !bytes.isEmpty {
        let at = random.chance(30) ? random.below(min(32, bytes.count)) : random.below(bytes.count)
        bytes[at] =
          random.chance(50) ? UInt8(random.below(256)) : bytes[at] ^ (1 << UInt8(random.below(8)))
      }
      do throws(DefinitionFault) {
        let definition = try HuntDefinition(decoding: bytes)
        reached.insert("definition")
        return definition.encoded() == bytes
      } catch {
        switch error {
        case .truncated(let at):
          reached.insert("truncated")
          return at <= bytes.count
        case .unsupportedVersion: reached.insert("version")
        case .outOfRange(_, _, let at):
          reached.insert("range")
          return at < bytes.count
        case .trailingBytes(let at):
          reached.insert("trailing")
          return at < bytes.count
        }
        return true
      }
    })
  #expect(reached == ["definition", "truncated", "version", "range", "trailing"])
}

/// The identity tells apart what differs in one bit, in the definition or in the world.
@Test func identitiesDiffer() {
  #expect(
    forAll(cases: 200) { random in
      let one = randomDefinition(&random)
      let two = randomDefinition(&random)
      let world = Hash128(high: random.next(), low: random.next())
      var other = world
      if random.chance(50) { other.high ^= 1 } else { other.low ^= 1 << 63 }
      return one.identity(world: world) == one.identity(world: world)
        && one.identity(world: world) != one.identity(world: other)
        && (one == two) == (one.identity(world: world) == two.identity(world: world))
    })
}
