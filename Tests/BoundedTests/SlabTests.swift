import Bounded
import Testing
import Testkit

/// The processor's CRC-32C and the table's agree on any bytes, and on the published check value.
@Test func crcMatchesTheStandardAndItself() {
  let check = Array("123456789".utf8)
  #expect(crc32c(check.span.bytes) == 0xe306_9283)
  #expect(
    forAll(cases: 200) { random in
      let slab = Slab(byteCount: 512)
      for at in 0..<512 { slab.store(UInt8(truncatingIfNeeded: random.next()), at) }
      let count = random.below(512)
      let split = random.below(count + 1)
      let whole = slab.crc32c(0, count: count)
      let first = slab.crc32c(0, count: split)
      return slab.crc32c(split, count: count - split, continuing: first) == whole
    })
}

/// XXH3-128 of the empty input, from the specification's test vectors.
@Test func hashMatchesTheSpecification() {
  let empty: [UInt8] = []
  #expect(Hash128(of: empty.span.bytes).hex == "99aa06d3014798d86001c324468d497f")
}
