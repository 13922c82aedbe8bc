/// How one value is written: its kind, its range and its unit. The single source for parsing,
/// messages, help and reference pages.
public enum ValueForm: Equatable, Sendable {
  /// A whole number of `unit`.
  case whole(ClosedRange<Int64>, unit: String)
  /// A whole number of `unit` that is a power of two.
  case powerOfTwo(ClosedRange<Int64>, unit: String)
  /// A whole number, or `[least, most]` of which one is drawn.
  case span(ClosedRange<Int64>, unit: String)
  /// A decimal number with at most three places, kept in thousandths; or `any`, kept as 0.
  case decimal(ClosedRange<Int64>, unit: String)
  /// Milliseconds, written `250ms`, `30s`, `5m`, `2h`, `1d` or as a bare number of milliseconds.
  case duration(ClosedRange<Int64>)
  /// The length of a window: `none` (kept as 0), `minute`, or a duration.
  case window(ClosedRange<Int64>)
  /// Bytes, written `64MiB` (`KiB`, `GiB`, `TiB`) or as a bare number; a multiple of the last.
  case bytes(ClosedRange<Int64>, multipleOf: Int64)
  /// One of these words.
  case choice([String])
  /// `true` or `false`.
  case toggle
  /// 1... this many bytes of `a-z 0-9 -`.
  case name(byteCountMax: Int)
  /// A path, 1...4,096 bytes, no NUL.
  case path
  /// Text of any length.
  case text
  /// `host:port` on the loopback interface.
  case loopback
  /// Host names without ports, at most 16, with commas between them.
  case hosts

  /// A value of a form, in the form's smallest unit.
  public enum Value: Equatable, Sendable {
    case number(Int64)
    case span(ClosedRange<Int64>)
    case text(String)
    case toggle(Bool)
    case address(ListenAddress)
  }

  /// The allowed values as a person reads them: `0...64 blocks`.
  public var range: String {
    switch self {
    case .whole(let range, let unit): Self.text(range, unit, grouped)
    case .powerOfTwo(let range, let unit): Self.text(range, unit, grouped) + ", a power of two"
    case .span(let range, let unit):
      Self.text(range, unit, grouped) + ", or [least, most] of them"
    case .decimal(let range, let unit): Self.text(range, unit, decimalText) + ", or any"
    case .duration(let range): Self.text(range, "", durationText)
    case .window(let range): "none, minute, or " + Self.text(range, "", durationText)
    case .bytes(let range, let multiple):
      Self.text(range, "", byteText)
        + (multiple > 1 ? ", a multiple of \(byteText(multiple))" : "")
    case .choice(let words): words.joined(separator: ", ")
    case .toggle: "true, false"
    case .name(let most): "1...\(most) bytes of a-z 0-9 -"
    case .path: "a path"
    case .text: "text"
    case .loopback: "127.x.y.z, [::1] or localhost, and a port"
    case .hosts: "at most 16 host names, separated by commas"
    }
  }

  private static func text(
    _ range: ClosedRange<Int64>, _ unit: String, _ write: (Int64) -> String
  ) -> String {
    let numbers = "\(write(range.lowerBound))...\(write(range.upperBound))"
    return unit.isEmpty ? numbers : "\(numbers) \(unit)"
  }
}

/// Why a text is not a value of a form.
public enum ValueFault: Error, Equatable, Sendable {
  /// It is not written as the form asks; what would be, in words.
  case malformed(expected: String)
  /// It is less than the least value; the least value as text.
  case below(String)
  /// It is more than the greatest value; the greatest value as text.
  case above(String)

  var rule: Finding.Rule {
    switch self {
    case .malformed: .malformed
    case .below: .below
    case .above: .above
    }
  }

  /// `65: above 64`, or `"abc": not a whole number`.
  func message(_ text: String) -> String {
    switch self {
    case .malformed(let expected): "\(quoted(text)): expected \(expected)"
    case .below(let least): "\(printable(text)): below \(least)"
    case .above(let most): "\(printable(text)): above \(most)"
    }
  }
}

/// One key of a file, or one flag of a command: what it takes and what it does.
public struct KeySpec: Equatable, Sendable {
  /// As it is written; in a nested file with the path to it, lists as `[]`: `treasures[].reach`.
  public let key: String
  public let form: ValueForm
  /// What holds when the key is absent, as it would be written; nil when it must be there.
  public let fallback: String?
  /// What it does, one sentence without a full stop.
  public let effect: String

  /// The last part of `key`.
  var name: String { String(key.split(separator: ".").last ?? "") }

  /// A row of a reference page's table: key, values, default, effect.
  public var markdownRow: String {
    let fallback = self.fallback.map { $0.isEmpty ? "none" : "`\($0)`" } ?? "required"
    return "| `\(key)` | \(form.range) | \(fallback) | \(effect) |"
  }
}

extension KeySpec {
  /// The table of a reference page, one row a key; the pages are compared with it in the tests.
  public static func markdownTable(_ keys: [KeySpec]) -> String {
    (["| key | values | default | effect |", "| --- | --- | --- | --- |"]
      + keys.map(\.markdownRow)).joined(separator: "\n")
  }
}
