import Bounded
import CIntrinsics
import Testing
import Testkit

// Hashes and checksums against vectors that others published, and against themselves over slabs,
// spans and seeds. Not verified: how well they mix.

/// The bytes that the tests of xxHash hash: the high bytes of powers of a prime.
private func sanityBytes(_ count: Int) -> [UInt8] {
  var value: UInt64 = 2_654_435_761
  return (0..<count).map { _ in
    defer { value &*= 11_400_714_785_074_694_797 }
    return UInt8(truncatingIfNeeded: value >> 56)
  }
}

/// XXH3-64 gives the sums of xxHash's own tests, at every length where its algorithm changes.
@Test(
  arguments: [
    (0, 0x2d06_8005_38d3_94c2), (1, 0xc44b_dff4_074e_ecdb), (6, 0x27b5_6a84_cd2d_7325),
    (12, 0xa713_daf0_dfbb_77e7), (24, 0xa3fe_70bf_9d35_10eb), (48, 0x397d_a259_ecba_1f11),
    (80, 0xbcde_fbbb_2c47_c90a), (195, 0xcd94_217e_e362_ec3a), (403, 0xcdeb_804d_65c6_dea4),
  ] as [(Int, UInt64)]) func hash64MatchesItsVectors(count: Int, sum: UInt64)
{
  #expect(hash64(sanityBytes(count).span.bytes) == sum)
}

/// XXH3-128 too; the low half is the first of the published pair.
@Test(
  arguments: [
    (0, 0x6001_c324_468d_497f, 0x99aa_06d3_0147_98d8),
    (1, 0xc44b_dff4_074e_ecdb, 0xa6cd_5e93_9200_0f6a),
    (6, 0x3e70_39bd_da43_cfc6, 0x082a_fe0b_8162_d12a),
    (12, 0x061a_1927_13f6_9ad9, 0x6e3e_fd8f_c780_2b18),
    (24, 0x1e70_44d2_8b1b_901d, 0x0ce9_66e4_678d_3761),
    (48, 0xf942_219a_ed80_f67b, 0xa002_ac4e_5478_227e),
    (222, 0xf1ae_bd59_7cec_6b3a, 0x337e_0964_1b94_8717),
    (403, 0xcdeb_804d_65c6_dea4, 0x1b6d_e21e_332d_d73d),
    (512, 0x617e_4959_9013_cb6b, 0x18d2_d110_dcc9_bca1),
    (2_048, 0xdd59_e2c3_a5f0_38e0, 0xf736_557f_d470_73a5),
    (2_367, 0xcb37_aeb9_e5d3_61ed, 0xe89c_0f6f_f369_b427),
  ] as [(Int, UInt64, UInt64)])
func hash128MatchesItsVectors(count: Int, low: UInt64, high: UInt64) {
  #expect(Hash128(of: sanityBytes(count).span.bytes) == Hash128(high: high, low: low))
}

/// A slab's hash is that of its bytes, at any place and with any seed; a seed tells hashes apart.
@Test func slabsHashLikeTheirBytes() {
  #expect(
    forAll(cases: 200) { random in
      let slab = Slab(byteCount: 1_024)
      for at in 0..<1_024 { slab.store(UInt8(truncatingIfNeeded: random.next()), at) }
      let at = random.below(1_024)
      let count = random.below(1_025 - at)
      let bytes = (at..<(at + count)).map { slab.load($0, as: UInt8.self) }
      let seed = random.chance(50) ? 0 : random.next()
      let hash = Hash128(of: bytes.span.bytes, seed: seed)
      return slab.hash(at, count: count, seed: seed) == hash
        && slab.hash(at, count: count, seed: seed ^ 1) != hash
    })
}

/// CRC-32C gives the sums of RFC 3720, appendix B.4, in the processor's form and in the table's.
@Test func crcMatchesItsVectors() {
  let ascending = (0..<32).map { UInt8($0) }
  let vectors: [([UInt8], UInt32)] = [
    (Array("123456789".utf8), 0xe306_9283), ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
    ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43), (ascending, 0x46dd_794e),
    (ascending.reversed(), 0x113f_db5c), ([], 0),
  ]
  for (bytes, sum) in vectors {
    #expect(crc32c(bytes.span.bytes) == sum)
    #expect(vx_crc32c_portable(0, bytes, bytes.count) == sum)
  }
}

/// The two forms agree on any bytes at any alignment, and a sum goes on where another ended.
@Test func crcFormsAgree() {
  #expect(
    forAll(cases: 300) { random in
      let bytes = (0..<random.below(600)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let from = random.below(bytes.count + 1)
      let piece = Array(bytes[from...])
      let start = UInt32(truncatingIfNeeded: random.next())
      let sum = crc32c(piece.span.bytes, continuing: start)
      let other = bytes.withUnsafeBytes { all -> UInt32 in
        guard let base = all.baseAddress else { return start }
        return vx_crc32c_portable(start, base + from, piece.count)
      }
      let cut = random.below(piece.count + 1)
      let head = crc32c(Array(piece[..<cut]).span.bytes, continuing: start)
      return sum == other && crc32c(Array(piece[cut...]).span.bytes, continuing: head) == sum
    })
}

/// SplitMix64 gives the published sequence, and `below` stays below and reaches every value.
@Test func splitMixMatchesItsVectors() {
  var random = SplitMix64(seed: 1_234_567)
  let first: [UInt64] = [
    6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
    4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
  ]
  #expect(first == (0..<5).map { _ in random.next() })
  for bound in [1, 2, 3, 7, 10] as [UInt64] {
    var seen: Set<UInt64> = []
    for _ in 0..<400 { seen.insert(random.below(bound)) }
    #expect(seen == Set(0..<bound))
  }
  for _ in 0..<100 { #expect(random.below(.max) < .max) }
}

/// `mixed` loses nothing: keys that differ stay apart, also those that differ in one bit.
@Test func mixingIsOneToOne() {
  var seen: Set<UInt64> = []
  for key in 0..<4_096 as Range<UInt64> {
    seen.insert(mixed(key))
    seen.insert(mixed(key << 52 | 0xfff))
  }
  for bit in 0..<64 as Range<UInt64> { seen.insert(mixed(0xaaaa_5555_aaaa_5555 ^ 1 << bit)) }
  // 0xfff is a key of the first kind and the first of the second.
  #expect(seen.count == 2 * 4_096 - 1 + 64)
}
