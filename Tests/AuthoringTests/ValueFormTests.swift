import Testing
import Testkit

@testable import Authoring

@Suite struct ValueFormTests {
  @Test(
    arguments: [
      ("0", 0), ("7", 7), ("-7", -7), ("+7", 7), ("1_000_000", 1_000_000), ("-0", 0),
      ("99999999999999999999", .max), ("-99999999999999999999", .min),
    ] as [(String, Int64)])
  func whole(text: String, value: Int64) { #expect(parseWhole(text) == value) }

  @Test(arguments: [
    "", "-", "_1", "1_", "1__0", "01", "-01", "1.0", "1e3", "0x10", " 1", "١", "1k",
  ])
  func notWhole(text: String) { #expect(parseWhole(text) == nil) }

  @Test(
    arguments: [
      ("10", 10_000), ("10.5", 10_500), ("0.001", 1), ("-0.25", -250), ("1_000.125", 1_000_125),
      ("99999999999999999999", .max),
    ] as [(String, Int64)])
  func decimal(text: String, value: Int64) { #expect(parseDecimal(text) == value) }

  @Test(arguments: ["", ".5", "5.", "1.2345", "1.2.3", "1.-2", "1._2", "1,5", "ten"])
  func notDecimal(text: String) { #expect(parseDecimal(text) == nil) }

  @Test(
    arguments: [
      ("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000),
      ("1 d", 86_400_000), ("1_500", 1_500), ("0", 0), ("999999999999999999d", .max),
    ] as [(String, Int64)])
  func duration(text: String, value: Int64) {
    #expect(parseQuantity(text, durationUnits) == value)
  }

  @Test(arguments: ["", "s", "1.5h", "1h30m", "5 ", "5  s", "5S", "5min", "m5", "5µs"])
  func notDuration(text: String) { #expect(parseQuantity(text, durationUnits) == nil) }

  @Test(arguments: [
    ("127.0.0.1:7400", "127.0.0.1:7400"), ("localhost:0", "127.0.0.1:0"),
    ("[::1]:65535", "[::1]:65535"), ("127.1.2.3:1", "127.1.2.3:1"),
  ])
  func loopback(text: String, address: String) {
    #expect(ListenAddress(text)?.description == address)
  }

  @Test(arguments: [
    "", ":7400", "7400", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
    "0.0.0.0:7400", "*:7400", "[::]:7400", "::1:7400", "10.0.0.1:7400", "128.0.0.1:1",
    "127.0.0:1", "127.0.0.1.1:1", "127.0.0.256:1", "127.0.0.01:1", "127.+0.0.1:1",
    "127.0.0.1:7_400", "127.0.0.1:+1", "localhost.example:1", "LOCALHOST:1", "127.0.0.1:74 00",
  ])
  func notLoopback(text: String) { #expect(ListenAddress(text) == nil) }

  /// What is written as text is read back as the same number, whatever the unit.
  @Test func roundTrip() {
    #expect(
      forAll(cases: 2_000) { random in
        let number = Int64(random.next() >> (1 + UInt64(random.below(62))))
        let plain = { (text: String) in String(text.filter { $0 != "," }) }
        return parseQuantity(plain(durationText(number)), durationUnits) == number
          && parseQuantity(plain(byteText(number)), byteUnits) == number
          && parseDecimal(plain(decimalText(number))) == number
          && parseWhole(plain(grouped(number))) == number
      })
  }

  /// The nearest name is found for the slips that people make, and none for another word.
  @Test func nearestNames() {
    let names = ["reach", "respawn", "points", "stock", "x"]
    for (word, name) in [
      ("reech", "reach"), ("raech", "reach"), ("respwan", "respawn"), ("point", "points"),
      ("stoock", "stock"), ("Stock", "stock"), ("X", "x"),
    ] { #expect(nearestName(to: word, among: names) == name) }
    for word in ["colour", "", String(repeating: "reach", count: 100)] where word != "" {
      #expect(nearestName(to: word, among: names) == nil)
    }
    #expect(editDistance(Array("kitten".utf8), Array("sitting".utf8)) == 3)
    #expect(editDistance([], Array("abc".utf8)) == 3)
  }

  /// What a message repeats of a file cannot move a cursor, hide or reverse text, or flood a log.
  @Test func printableText() {
    #expect(
      printable("a\u{1b}[31m\u{202e}\u{feff}\u{2028}é")
        == "a\\u{1b}[31m\\u{202e}\\u{feff}\\u{2028}é")
    #expect(printable(String(repeating: "\u{200b}", count: 49)).count == 48 / 8 * 8 + 3)
    #expect(
      printable(String(repeating: "x", count: 49)) == String(repeating: "x", count: 48) + "...")
  }
}
