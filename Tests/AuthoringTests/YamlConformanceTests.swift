import Foundation
import Testing
import Testkit

@testable import Authoring

/// The reader against the YAML project's own cases (yaml-test-suite).
///
/// Verifies: every case is accepted or refused as the suite says, and an accepted text gives the
/// suite's values. Does not verify: comments, styles, or which types YAML's schemas would give a
/// plain scalar, because the reader keeps scalars as text.
@Suite struct YamlConformanceTests {
  struct Case {
    let id: String
    let expect: String
    let yaml: String
    /// The value that the suite gives, where it gives one.
    let json: Any?
  }

  static func cases() -> [Case]? {
    guard let folder = sharedFolder,
      let text = try? String(
        contentsOfFile: "\(folder)/conformance/yaml/yaml_cases.ndjson", encoding: .utf8)
    else { return nil }
    return text.split(separator: "\n").compactMap { line in
      let value = try? JSONSerialization.jsonObject(with: Data(line.utf8))
      guard let object = value as? [String: Any] else { return nil }
      return Case(
        id: object["id"] as? String ?? "", expect: object["expect"] as? String ?? "",
        yaml: object["yaml"] as? String ?? "", json: object["json"])
    }
  }

  /// Valid YAML that the reader refuses on purpose, and by which rule (see `YamlNode.parse`).
  static let refusedOnPurpose: [String: Finding.Rule] = [
    "2AUY/00": .tag, "2XXW/00": .tag, "33X3/00": .tag, "5TYM/00": .tag, "6WLZ/00": .tag,
    "74H7/00": .tag, "7FWL/00": .tag, "FH7J/00": .tag, "S4JQ/00": .tag, "UGM3/00": .tag,
    "Z67P/00": .tag,
    "3GZX/00": .alias, "3R3P/00": .alias, "6M2F/00": .alias, "7BUB/00": .alias,
    "BU8L/00": .alias, "CN3R/00": .alias, "JS2J/00": .alias,
    "4FJ6/00": .complexKey, "9MMW/00": .complexKey, "RZP5/00": .complexKey,
    "JHB9/00": .documents, "U9NS/00": .documents,
  ]

  /// Valid YAML 1.2 that libyaml, a YAML 1.1 parser, refuses; nothing a hunt file needs.
  static let refusedByLibyaml: [String: String] = [
    "2LFX/00": "unknown directives are an error", "6LVF/00": "unknown directives are an error",
    "MUS6/05": "unknown directives are an error", "MUS6/06": "unknown directives are an error",
    "ZYU8/01": "a %YAML directive with more after it", "ZYU8/02": "an odd %YAML version",
    "W4TN/00": "% at the start of a line of a block scalar", "UT92/00": "% inside a flow mapping",
    "6BCT/00": "tabs as separation", "96NN/00": "a tab before a block scalar's text",
    "Y79Y/01": "a tab before a block scalar's text",
    "CFD4/00": "empty keys", "FRK4/00": "empty keys", "M2N8/00": "empty keys",
    "NHX8/00": "empty keys", "NJ66/00": "a key over two lines", "HWV9/00": "only an end marker",
    "M7A3/00": "a second document without ---",
  ]

  /// Invalid YAML that libyaml accepts.
  static let acceptedByLibyaml: [String: String] = [
    "DK95/01": "a tab as indentation inside double quotes"
  ]

  /// Every case ends as the suite says or as one of the three tables says, and each entry of the
  /// tables is needed; accepted texts give the suite's values.
  @Test func suite() throws {
    guard let cases = Self.cases() else {
      print("skipped: the shared folder with yaml-test-suite is not beside the checkout")
      return
    }
    #expect(cases.count >= 134)
    var agreed = 0
    for one in cases {
      let read = YamlNode.parse(Array(one.yaml.utf8))
      let isAccepted = read.value != nil
      if let rule = Self.refusedOnPurpose[one.id] {
        #expect(one.expect == "accept" && read.findings.last?.rule == rule, "\(one.id)")
      } else if Self.refusedByLibyaml[one.id] != nil {
        #expect(one.expect == "accept" && read.findings.last?.rule == .syntax, "\(one.id)")
      } else if Self.acceptedByLibyaml[one.id] != nil {
        #expect(one.expect == "reject" && isAccepted, "\(one.id)")
      } else {
        #expect(one.expect == "either" || isAccepted == (one.expect == "accept"), "\(one.id)")
        if let root = read.value, let json = one.json { #expect(matches(root, json), "\(one.id)") }
        agreed += 1
      }
    }
    #expect(agreed >= 92)
  }

  /// Whether `node` is `json`, scalars compared as text or as numbers.
  private func matches(_ node: YamlNode, _ json: Any) -> Bool {
    switch node.content {
    case .sequence(let items):
      guard let list = json as? [Any], list.count == items.count else { return false }
      return zip(items, list).allSatisfy { matches($0, $1) }
    case .mapping(let pairs):
      guard let object = json as? [String: Any], object.count == pairs.count else { return false }
      return pairs.allSatisfy { pair in object[pair.key].map { matches(pair.value, $0) } ?? false }
    case .scalar(let text, let plain):
      if json is NSNull { return node.isAbsent }
      if let string = json as? String { return string == text }
      guard plain, let number = json as? NSNumber else { return false }
      return text == "true" && number == true || text == "false" && number == false
        || Double(text) == number.doubleValue
    }
  }
}
