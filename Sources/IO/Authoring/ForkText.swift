public import Hunt

/// What a request for another line of history says, in JSON (or YAML).
public struct ForkText: Sendable {
  /// Which request it is; each knows keys of its own.
  public enum Kind: String, Sendable {
    /// `at`, `omit`, `append`, `rules`, `rules_from`.
    case fork
    /// The keys of `omit`, and `promote`.
    case unplay
    /// `to`, and `promote`.
    case rollback
  }

  /// Which events are left out: those that match every list that is not empty.
  public struct Omit: Sendable {
    /// As written: digits are a number, anything else a name, `name:7` the name "7".
    public var players: [String] = []
    public var producers: [UInt64] = []
    public var kinds: [String] = []
    /// Journal offsets of single events.
    public var events: [UInt64] = []
    public var from: HistoryPlace?
    public var to: HistoryPlace?

    var isEmpty: Bool {
      players.isEmpty && producers.isEmpty && kinds.isEmpty && events.isEmpty
    }
  }

  public var kind = Kind.fork
  public var at = HistoryPlace.head
  public var omit: Omit?
  /// Events to add, as one JSON array.
  public var append: [UInt8] = []
  public var rules: HuntRules?
  public var rulesFrom: HistoryPlace?
  public var isPromoted = false

  init() {}

  /// No wishes at all: the hunt as it was.
  public static let past = ForkText()

  /// Reads a request's body.
  ///
  /// - Parameter rules: The hunt's own; the body names those that change.
  public static func parse(
    _ bytes: [UInt8], _ kind: Kind, rules: HuntRules
  ) -> Checked<ForkText> {
    // An empty body is a request without wishes.
    let text = bytes.allSatisfy { $0 == 32 || $0 == 10 || $0 == 13 } ? Array("{}".utf8) : bytes
    let tree = YamlNode.parse(text)
    guard let root = tree.value else {
      var findings = FindingList()
      for finding in tree.findings { findings.add(finding) }
      return Checked(nil, findings)
    }
    var reader = ForkReader(kind: kind, rules: rules)
    let fork = reader.fork(root)
    return Checked(fork, reader.sections.findings)
  }
}

/// Turns a tree into a request.
private struct ForkReader {
  let kind: ForkText.Kind
  let rules: HuntRules
  var sections = SectionReader()

  init(kind: ForkText.Kind, rules: HuntRules) {
    self.kind = kind
    self.rules = rules
  }

  private static let promote = Field<ForkText>(
    "promote", .toggle, default: "false", "whether to make the fork the hunt at once"
  ) { $0.isPromoted = $1.toggle }

  mutating func fork(_ root: YamlNode) -> ForkText {
    var fork = ForkText()
    fork.kind = kind
    let lists = ["players", "producers", "kinds", "teams", "events", "from", "to"]
    switch kind {
    case .fork:
      let section = sections.read(
        root, "", fields: [], sections: ["at", "omit", "append", "rules", "rules_from"],
        into: &fork)
      if let node = section.nodes["at"] { fork.at = place(node, "at") ?? .head }
      if let node = section.nodes["omit"] {
        var omit = ForkText.Omit()
        let inner = sections.read(node, "omit", fields: [], sections: lists, into: &omit)
        fill(&omit, inner, "omit.")
        fork.omit = omit
      }
      if let node = section.nodes["append"] { fork.append = events(node) }
      if let node = section.nodes["rules"] { fork.rules = changedRules(node) }
      if let node = section.nodes["rules_from"] { fork.rulesFrom = place(node, "rules_from") }
    case .unplay:
      let section = sections.read(
        root, "", fields: [Self.promote], sections: lists, into: &fork)
      var omit = ForkText.Omit()
      fill(&omit, section, "")
      if omit.isEmpty && !sections.findings.hasErrors {
        sections.findings.error(
          .missing, root.mark, "players", "name players, producers, kinds or events to take out")
      }
      fork.omit = omit
    case .rollback:
      let section = sections.read(
        root, "", fields: [Self.promote], sections: ["to"], into: &fork)
      guard let node = section.nodes["to"] else {
        sections.findings.error(.missing, root.mark, "to", "missing; \(HistoryPlace.form)")
        return fork
      }
      var omit = ForkText.Omit()
      omit.from = place(node, "to")
      fork.omit = omit
    }
    return fork
  }

  private mutating func fill(_ omit: inout ForkText.Omit, _ section: Section, _ path: String) {
    if let node = section.nodes["players"] { omit.players = texts(node, path + "players") }
    if let node = section.nodes["producers"] { omit.producers = numbers(node, path + "producers") }
    if let node = section.nodes["events"] { omit.events = numbers(node, path + "events") }
    if let node = section.nodes["kinds"] { omit.kinds = texts(node, path + "kinds") }
    if let node = section.nodes["teams"], !sections.items(node, path + "teams").isEmpty {
      sections.findings.error(
        .outside, node.mark, path + "teams",
        "no hunt has teams; name players, producers, kinds or events")
    }
    if let node = section.nodes["from"] { omit.from = place(node, path + "from") }
    if let node = section.nodes["to"] { omit.to = place(node, path + "to") }
  }

  private mutating func place(_ node: YamlNode, _ path: String) -> HistoryPlace? {
    if case .scalar(let text, _) = node.content, let place = HistoryPlace(text) { return place }
    sections.findings.error(.malformed, node.mark, path, "expected \(HistoryPlace.form)")
    return nil
  }

  private mutating func texts(_ node: YamlNode, _ path: String) -> [String] {
    sections.items(node, path).enumerated().compactMap { at, item in
      if case .scalar(let text, _) = item.content, !item.isAbsent { return text }
      sections.findings.error(
        .wrongKind, item.mark, "\(path)[\(at)]", "expected a single value; got \(item.kind)")
      return nil
    }
  }

  private mutating func numbers(_ node: YamlNode, _ path: String) -> [UInt64] {
    sections.items(node, path).enumerated().compactMap { at, item in
      if case .scalar(let text, _) = item.content, let number = UInt64(digits: text) {
        return number
      }
      sections.findings.error(
        .malformed, item.mark, "\(path)[\(at)]",
        "expected a whole number of digits alone, 0...2^64-1")
      return nil
    }
  }

  private mutating func changedRules(_ node: YamlNode) -> HuntRules {
    var changed = rules
    let given = sections.read(node, "rules", fields: HuntFile.ruleFields, into: &changed)
    // What was late was told to its sender, and stands in the books.
    if let mark = given.keys["lateness"] {
      sections.findings.error(
        .conflict, mark, "rules.lateness", "the books hold what was late; it cannot change")
    }
    // How far hints see, and what was left to repair, is worked into the treasure field.
    for key in ["hint_radius", "hint_work"] {
      guard let mark = given.keys[key] else { continue }
      sections.findings.error(
        .conflict, mark, "rules.\(key)", "fixed when the hunt is made; it cannot change")
    }
    return changed
  }

  private mutating func events(_ node: YamlNode) -> [UInt8] {
    let items = sections.items(node, "append")
    return Array("[".utf8) + items.map(\.json).joined(separator: Array(",".utf8))
      + Array("]".utf8)
  }
}
