/// A place in a hunt's history, as a person or a program writes it.
///
///     head                      where the journal ends now
///     1200                      a journal offset: everything below it has happened
///     1700000000000ms           a time, milliseconds since 1970
///     2026-11-21T10:30:00Z      a time, UTC, with up to three decimals of a second
public enum HistoryPlace: Equatable, Sendable {
  case head
  case offset(UInt64)
  /// Milliseconds since 1970: everything up to then has happened.
  case time(Int64)

  public static let form = "head, a journal offset, 1700000000000ms or 2026-11-21T10:30:00Z"

  /// Nil when `text` is none of the forms.
  public init?(_ text: String) {
    if text == "head" {
      self = .head
    } else if let offset = UInt64(digits: text) {
      self = .offset(offset)
    } else if text.hasSuffix("ms"), let ms = UInt64(digits: text.dropLast(2)), ms <= Int64.max {
      self = .time(Int64(ms))
    } else if let ms = Self.milliseconds(Array(text.utf8)) {
      self = .time(ms)
    } else {
      return nil
    }
  }

  /// `YYYY-MM-DDTHH:MM:SS[.fff]Z`, proleptic Gregorian.
  private static func milliseconds(_ text: [UInt8]) -> Int64? {
    func number(_ range: Range<Int>) -> Int64? {
      var value: Int64 = 0
      for at in range {
        guard text[at] >= 48, text[at] <= 57 else { return nil }
        value = value * 10 + Int64(text[at] - 48)
      }
      return value
    }
    guard text.count >= 20, text.count <= 24, text.last == UInt8(ascii: "Z") else { return nil }
    let marks: [(Int, Character)] = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")]
    guard marks.allSatisfy({ text[$0.0] == $0.1.asciiValue }),
      let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
      year >= 1970, (1...12).contains(month), (1...daysIn(month, year)).contains(day), hour < 24,
      minute < 60, second < 60
    else { return nil }
    var fraction: Int64 = 0
    if text.count > 20 {
      guard text[19] == UInt8(ascii: "."), text.count > 21,
        let digits = number(20..<(text.count - 1))
      else { return nil }
      fraction = digits * [100, 10, 1][text.count - 22]
    }
    let seconds = (days(year, month, day) * 24 + hour) * 3_600 + minute * 60 + second
    return seconds * 1_000 + fraction
  }

  private static func isLeap(_ year: Int64) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  private static func daysIn(_ month: Int64, _ year: Int64) -> Int64 {
    month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// Days since 1970-01-01.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let before = year - 1
    var days = (year - 1970) * 365 + (before / 4 - before / 100 + before / 400) - 477
    for earlier in 1..<max(month, 1) { days += daysIn(earlier, year) }
    return days + day - 1
  }
}
