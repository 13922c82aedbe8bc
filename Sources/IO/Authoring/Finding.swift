/// A place in a text, as an editor shows it: both from 1, the column in characters (a tab is one).
public struct Mark: Equatable, Sendable {
  public var line: UInt32
  public var column: UInt32

  public init(line: UInt32, column: UInt32) {
    self.line = line
    self.column = column
  }
}

/// One thing that is wrong, or may be, with a file that a person wrote.
public struct Finding: Error, Equatable, Sendable {
  /// An error refuses the file; a warning does not.
  public enum Severity: String, Sendable { case error, warning }

  public var severity: Severity
  /// Nil when the finding is about the file as a whole.
  public var mark: Mark?
  /// Where in the schema, as in `treasures[3].reach` (lists count from 0); empty for the whole.
  public var path: String
  public var rule: Rule
  /// One line; whatever it repeats of the file is cut to 48 characters and has its control and
  /// invisible characters escaped, so it is safe in a terminal, a log and JSON.
  public var message: String

  /// `town.yaml:12:5: error: treasures[3].reech: unknown key; did you mean "reach"?`
  public func line(file: String) -> String {
    let place = mark.map { ":\($0.line):\($0.column)" } ?? ""
    let subject = path.isEmpty ? "" : "\(path): "
    return "\(file)\(place): \(severity.rawValue): \(subject)\(message)"
  }
}

extension Finding {
  /// What was broken. The raw values are part of the interface: scripts match on them.
  public enum Rule: String, CaseIterable, Sendable {
    // The file and its text.
    case unreadable, syntax, tooLarge, tooDeep, empty, documents, alias, tag, complexKey
    case duplicateKey
    // One key and its value.
    case unknownKey, missing, wrongKind, malformed, below, above, badName
    // Several values together.
    case conflict, duplicate, tooMany, emptyHunt, tight
    // The hunt on its world.
    case remoteMap, badMap, outside, blocked, unreachable, noRoom, crowded
    // The report itself.
    case moreFindings
  }
}

/// A value that was read and checked, with what was found on the way.
public struct Checked<Value> {
  /// Nil exactly when a finding is an error.
  public let value: Value?
  /// In the order of the text, those without a place first; at most ``FindingList/countMax``, and a
  /// last one that counts the rest.
  public let findings: [Finding]

  init(_ value: Value?, _ findings: FindingList) {
    precondition(value != nil || findings.hasErrors, "refused without a reason")
    self.value = findings.hasErrors ? nil : value
    self.findings = findings.all
  }
}

extension Checked: Sendable where Value: Sendable {}

/// Collects findings up to a bound, so that a hostile file cannot make the report outgrow it.
public struct FindingList: Sendable {
  /// Findings kept one by one.
  public static let countMax = 100

  private var kept: [Finding] = []
  private var more = 0
  private(set) var hasErrors = false

  init() {}

  /// What was kept, and one finding for the rest if there is a rest.
  var all: [Finding] {
    let kept = kept.sorted { left, right in
      let (left, right) = (left.mark, right.mark)
      return (left?.line ?? 0, left?.column ?? 0) < (right?.line ?? 0, right?.column ?? 0)
    }
    guard more > 0 else { return kept }
    let rest = Finding(
      severity: hasErrors ? .error : .warning, mark: nil, path: "", rule: .moreFindings,
      message: "cut after \(Self.countMax) findings; \(more) more")
    return kept + [rest]
  }

  /// Whether further findings are only counted; what is costly to say need not be said then.
  var isFull: Bool { kept.count == Self.countMax }

  mutating func add(_ finding: Finding) {
    if finding.severity == .error { hasErrors = true }
    if kept.count < Self.countMax { kept.append(finding) } else { more += 1 }
  }

  mutating func error(_ rule: Finding.Rule, _ mark: Mark?, _ path: String, _ message: String) {
    add(Finding(severity: .error, mark: mark, path: path, rule: rule, message: message))
  }

  mutating func warn(_ rule: Finding.Rule, _ mark: Mark?, _ path: String, _ message: String) {
    add(Finding(severity: .warning, mark: mark, path: path, rule: rule, message: message))
  }
}

/// `text` fit to be repeated in a message: at most `countMax` characters and then `...`; what a
/// terminal would obey or not show (controls, direction marks, line separators, unassigned) is
/// written as `\u{...}`.
public func printable(_ text: String, _ countMax: Int = 48) -> String {
  var result = ""
  var count = 0
  for scalar in text.unicodeScalars {
    let shown =
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
        .unassigned:
        "\\u{\(String(scalar.value, radix: 16))}"
      default: String(scalar)
      }
    count += shown.unicodeScalars.count
    if count > countMax { return result + "..." }
    result += shown
  }
  return result
}

/// `text` in double quotes, ``printable(_:)``.
func quoted(_ text: String) -> String { "\"\(printable(text))\"" }
