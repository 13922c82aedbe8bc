import Bounded
import Events
import Testing
import Testkit

// Names against an array of strings.

/// Some text: plain, of several bytes a character, too long, or no UTF-8 at all.
private func someName(_ random: inout TestRandom) -> [UInt8] {
  let letters: [Character] = ["a", "\u{e4}", "\u{20ac}", "\u{1f600}", "\0"]
  let text = String((0..<random.below(70)).map { _ in letters[random.below(5)] })
  var bytes = Array(text.utf8)
  if random.chance(20), !bytes.isEmpty { bytes[random.below(bytes.count)] ^= 0x80 }
  return bytes
}

/// A name of 1...64 bytes of UTF-8 is kept as it was given while there is room, any other is
/// refused and changes nothing; its halves as journalled put it together again.
@Test func namesAreKeptAsGiven() {
  var outcomes: Set<String> = []
  #expect(
    forAll(cases: 300) { random in
      let capacity = 1 + random.below(5)
      var names = PlayerNames(capacity: capacity)
      var model: [[UInt8]] = []
      for _ in 0..<12 {
        if random.chance(8) {
          names.removeAll()
          model = []
        }
        let name = someName(&random)
        let isName =
          (1...64).contains(name.count) && String(validating: name, as: UTF8.self) != nil
        let fits = isName && model.count < capacity
        outcomes.insert("\(isName) \(model.count < capacity)")
        guard names.append(name.span.bytes) == (fits ? model.count : nil) else { return false }
        if fits { model.append(name) }
        guard names.count == model.count else { return false }
        for (at, name) in model.enumerated() {
          let kept = names.withName(at) { bytes in (0..<bytes.byteCount).map { bytes.byte($0) } }
          guard kept == name, names.size(at) == name.count,
            names.string(at) == String(decoding: name, as: UTF8.self)
          else { return false }
          guard joined(names.part(0, of: at, number: 9), names.part(1, of: at, number: 9)) == name
          else { return false }
        }
      }
      return true
    })
  #expect(outcomes == ["true true", "true false", "false true", "false false"])
}

/// The name in two halves that went through the journal's layout.
private func joined(_ first: NamePart, _ second: NamePart) -> [UInt8]? {
  let halves = [NamePart(first.event), NamePart(second.event)]
  guard halves[0] == first, halves[1] == second, first.part == 0, second.part == 1,
    first.size == second.size, first.number == 9
  else { return nil }
  let all = halves.flatMap { half in
    (0..<4).flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: half.words[word] >> UInt64(8 * $0)) }
    }
  }
  return all[first.size...].allSatisfy { $0 == 0 } ? Array(all[..<first.size]) : nil
}

/// Everything that the engine journals of its own comes back from an event's layout, whatever its
/// bits.
@Test func internalEventsRoundTrip() {
  #expect(
    forAll(cases: 500) { random in
      let tally = Tally(
        producer: random.next(), duplicate: random.next(), rejected: random.next(),
        shed: random.next())
      let digest = DigestMark(
        high: random.next(), low: random.next(), eventCount: random.next(),
        slice: UInt32(truncatingIfNeeded: random.next()))
      let promotion = PromotionMark(
        number: UInt32(truncatingIfNeeded: random.next()), high: random.next(),
        low: random.next(), time: Int64(bitPattern: random.next()))
      return Tally(tally.event) == tally && tally.event.kind == .tally
        && DigestMark(digest.event) == digest && digest.event.kind == .digest
        && PromotionMark(promotion.event) == promotion && promotion.event.kind == .promote
    })
}

/// Offers of treasures are what their bits say.
@Test func offersRoundTrip() {
  #expect(
    forAll(cases: 500) { random in
      let offer = SpawnOffer(
        points: Int32(truncatingIfNeeded: random.next() & 0x7fff_ffff),
        stock: UInt32(1 + random.below(Int(SpawnOffer.stockMax))))
      return SpawnOffer(offer.value) == offer && offer.value <= SpawnOffer.valueMax
    })
}
