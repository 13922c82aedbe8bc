import Foundation
import Testing
import Testkit

@testable import Authoring

/// Any time from 1970 to 9999 is read as a calendar of another make writes it.
@Test func timesAreThoseOfTheCalendar() throws {
  let formatter = ISO8601DateFormatter()
  let last = try #require(formatter.date(from: "9999-12-31T23:59:59Z"))
  let seconds = Int(last.timeIntervalSince1970)
  #expect(
    forAll(cases: 5_000) { random in
      let second = random.below(seconds + 1)
      let text = formatter.string(from: Date(timeIntervalSince1970: TimeInterval(second)))
      let whole = Int64(second) * 1_000
      let ms = random.below(1_000)
      let digits = String(String(1_000 + ms).dropFirst())
      return HistoryPlace(text) == .time(whole)
        && HistoryPlace("\(text.dropLast()).\(digits)Z") == .time(whole + Int64(ms))
        && HistoryPlace("\(text.dropLast()).\(digits.prefix(1))Z")
          == .time(whole + Int64(ms / 100 * 100))
        && HistoryPlace("\(whole)ms") == .time(whole)
    })
}

/// Offsets and milliseconds are digits alone; dates exist; whatever else is nil.
@Test func otherPlacesAreRefused() {
  #expect(HistoryPlace("head") == .head)
  #expect(HistoryPlace("0") == .offset(0))
  #expect(HistoryPlace("18446744073709551615") == .offset(.max))
  #expect(HistoryPlace("9223372036854775807ms") == .time(.max))
  #expect(HistoryPlace("2024-02-29T00:00:00Z") == .time(1_709_164_800_000))
  for text in [
    "", "Head", "head ", " 1", "+1", "-1", "1.0", "1e3", "0x10", "18446744073709551616", "ms",
    "+1ms",
    "-1ms", "-0ms", "1 ms", "9223372036854775808ms", "1s", "2026-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z", "2026-04-31T00:00:00Z", "1969-12-31T23:59:59Z",
    "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00", "2026-01-01T00:00:00z", "2026-01-01 00:00:00Z",
    "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234Z", "2026-01-01T00:00:00+00:00",
    "2026-01-01T00:00Z", "20260101T000000Z", "２０２６-01-01T00:00:00Z",
  ] { #expect(HistoryPlace(text) == nil, "\"\(text)\"") }
}

/// Any text is a place or none, and nothing traps.
@Test func placesAreTotal() {
  let seeds = [
    "head", "1200", "1700000000000ms", "2026-11-21T10:30:00Z", "2026-11-21T10:30:00.125Z",
  ]
  var taken = 0
  #expect(
    forAll(cases: 20_000) { random in
      var bytes = Array(seeds[random.below(seeds.count)].utf8)
      for _ in 0..<random.below(3) {
        let at = random.below(bytes.count + 1)
        switch random.below(3) {
        case 0: bytes.insert(UInt8(random.below(256)), at: at)
        case 1: if at < bytes.count, bytes.count > 1 { bytes.remove(at: at) }
        default: if at < bytes.count { bytes[at] = UInt8(48 + random.below(11)) }
        }
      }
      if HistoryPlace(String(decoding: bytes, as: UTF8.self)) != nil { taken += 1 }
      return true
    })
  #expect(taken > 5_000 && taken < 18_000)
}
