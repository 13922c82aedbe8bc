import Testing
import Testkit

@testable import Net

// The growing buffer against an array, in a budget that runs out.

/// Bytes appended, reserved, taken from the front, cut and forgotten are those of an array; nothing
/// grows past its own limit nor its budget's, a refusal changes nothing, and every byte of the
/// budget comes back.
@Test func buffersEqualAnArray() {
  var refusals = 0
  #expect(
    forAll(cases: 300) { random in
      let budget = MemoryBudget(byteCountMax: [1_500, 5_000, 1 << 20][random.below(3)])
      let most = [900, 3_000, 60_000][random.below(3)]
      do {
        var buffer = ByteBuffer(byteCountMax: most, budget: budget)
        var model: [UInt8] = []
        for _ in 0..<60 {
          switch random.below(6) {
          case 0, 1, 2:
            let size = random.chance(20) ? random.below(5_000) : random.below(200)
            let more = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let fits = buffer.append(more.span.bytes)
            if fits { model += more } else { refusals += 1 }
            // What fits the bytes in hand is never refused.
            if !fits, model.count + size <= min(buffer.capacity / 2, most) { return false }
          case 3:
            let count = random.below(model.count + 1)
            buffer.removeFirst(count)
            model.removeFirst(count)
          case 4:
            let count = random.below(model.count + 1)
            buffer.truncate(to: count)
            model.removeSubrange(count...)
          default:
            if random.chance(70) { continue }
            buffer.clear(keeping: random.below(3_000))
            model = []
          }
          guard Array(buffer.bytes) == model, buffer.count == model.count,
            buffer.isEmpty == model.isEmpty, budget.byteCount == buffer.capacity,
            budget.byteCount <= budget.byteCountMax
          else { return false }
        }
      }
      return budget.byteCount == 0
    })
  #expect(refusals > 200, "no limit was reached")
}

/// SHA-1 and base64 give what FIPS 180-4 and RFC 4648 print.
@Test func handshakeSumsMatchTheirVectors() {
  func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
  #expect(hex(sha1([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
  #expect(hex(sha1(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
  #expect(
    hex(sha1(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)))
      == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
  #expect(
    hex(sha1([UInt8](repeating: 0x61, count: 1_000_000)))
      == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
  let texts = ["": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg=="]
  for (plain, coded) in texts { #expect(base64(Array(plain.utf8)) == coded) }
  #expect(base64([0xfb, 0xff, 0xfe]) == "+//+")
}
