import Bounded
import Events
import Foundation
import Testing
import Testkit

/// The reader agrees with JSONTestSuite: it takes what every parser must take and refuses what
/// every parser must refuse. Where the suite leaves a choice, only that an answer comes is checked.
@Test func conformsToJSONTestSuite() throws {
  guard let folder = sharedFolder else {
    print("conformsToJSONTestSuite skipped: no folder of shared inputs beside the checkout")
    return
  }
  struct Case: Decodable {
    var id: String
    var expect: String
    var rawB64: Data
  }
  let path = URL(filePath: folder + "/conformance/json/json_cases.ndjson")
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  var counts: [String: Int] = [:]
  for line in try Data(contentsOf: path).split(separator: UInt8(ascii: "\n")) {
    let one = try decoder.decode(Case.self, from: line)
    let isValid = check(Array(one.rawB64))
    counts[one.expect, default: 0] += 1
    if one.expect == "accept" { #expect(isValid, "\(one.id)") }
    if one.expect == "reject" { #expect(!isValid, "\(one.id)") }
  }
  #expect(counts["accept"] ?? 0 > 0 && counts["reject"] ?? 0 > 0, "the suite was not read")
}

private func check(_ bytes: [UInt8]) -> Bool {
  do throws(Rejection) {
    try JSONReader.check(bytes.span.bytes)
    return true
  } catch {
    #expect(error.code == .malformed && Int(error.position) <= bytes.count)
    return false
  }
}

@Test func nestingEndsAt32Levels() {
  func nested(_ depth: Int) -> [UInt8] {
    Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
  }
  #expect(check(nested(JSONReader.depthMax)))
  #expect(!check(nested(JSONReader.depthMax + 1)))
  #expect(!check(Array(repeating: UInt8(ascii: "["), count: 100_000)))
}

/// Integers are exact to the last one that 64 bits hold, and known not to be beyond it.
@Test func numbersAreExactOrSaidNotToBe() throws {
  func read(_ text: String) throws -> JSONNumber? {
    var reader = JSONReader()
    let bytes = Array(text.utf8)
    let number = try reader.numberIfPresent(bytes.span.bytes)
    #expect(number == nil || reader.at == bytes.count, "\(text)")
    return number
  }
  #expect(try read("18446744073709551615")?.magnitude == .max)
  #expect(try read("18446744073709551615")?.fits == true)
  #expect(try read("18446744073709551616")?.fits == false)
  #expect(try read("99999999999999999999")?.fits == false)
  #expect(try read("100000000000000000000")?.fits == false)
  #expect(try read("-5")?.isNegative == true)
  #expect(try read("5.0")?.isPlain == false)
  #expect(try read("5e0")?.isPlain == false)
  #expect(try read("true") == nil)
  #expect(
    forAll(cases: 2_000) { random in
      let value = random.next() >> UInt64(random.below(64))
      return try read("\(value)")?.magnitude == value
    })
}

/// What the writer writes, the reader and Foundation read back: any text, any bytes.
@Test func stringsSurviveTheWriter() {
  #expect(
    forAll(cases: 2_000) { random in
      let bytes = (0..<random.below(40)).map { _ -> UInt8 in
        random.chance(50)
          ? UInt8(random.below(256)) : Array("\"\\/\n\u{7f}é\u{1f600}a".utf8)[random.below(12)]
      }
      var writer = JSONWriter(capacity: 0)
      writer.beginArray()
      writer.string(utf8: bytes.span.bytes)
      let text = String(decoding: bytes, as: UTF8.self)
      writer.string(text)
      writer.endArray()
      guard check(writer.bytes) else { return false }
      let read = try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String]
      return read?[1] == text
        && (read?[0] == text || String(validating: bytes, as: UTF8.self) == nil)
    })
}

/// Commas and colons stand where JSON wants them.
@Test func writerPlacesItsCommas() {
  var writer = JSONWriter(capacity: 64)
  writer.beginObject()
  writer.key("a")
  writer.beginArray()
  writer.number(-1 as Int64)
  writer.number(UInt64.max)
  writer.number(Int64.min)
  writer.beginObject()
  writer.endObject()
  writer.endArray()
  writer.key("b")
  writer.bool(false)
  writer.key("c")
  writer.null()
  writer.endObject()
  writer.newline()
  writer.word("d")
  let wanted = """
    {"a":[-1,18446744073709551615,-9223372036854775808,{}],"b":false,"c":null}
    "d"
    """
  #expect(String(decoding: writer.bytes, as: UTF8.self) == wanted)
}
