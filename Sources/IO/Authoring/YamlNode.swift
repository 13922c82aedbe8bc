/// One value of a YAML or JSON text, with its place.
public struct YamlNode: Sendable {
  public enum Content: Sendable {
    /// `plain` when it was written without quotes and not as a block: only then can it be no value.
    case scalar(String, plain: Bool)
    case sequence([YamlNode])
    /// In the order of the text; keys are unique.
    case mapping([YamlPair])
  }

  public let content: Content
  public let mark: Mark

  /// Whether nothing was written where a value belongs: an empty plain scalar, `~` or `null`.
  public var isAbsent: Bool {
    guard case .scalar(let text, plain: true) = content else { return false }
    return text.isEmpty || text == "~" || text == "null"
  }

  /// What it is, for messages.
  var kind: String {
    switch content {
    case .scalar: isAbsent ? "nothing" : "a single value"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// A key, its place and its value.
public struct YamlPair: Sendable {
  public let key: String
  public let keyMark: Mark
  public let value: YamlNode
}

/// The bounds of a text; whoever sends more is told which bound and where.
public enum YamlLimits {
  public static let byteCountMax = 16 << 20
  /// Sequences and mappings inside one another.
  public static let depthMax = 32
  /// Scalars, sequences and mappings, keys included. A value takes 32 bytes and a pair 56, texts
  /// above 15 bytes apart; a million pairs, the worst there is, were read within 143 MB in all.
  public static let nodeCountMax = 2_000_000
}

extension YamlNode {
  /// The one document in `bytes`, which are UTF-8 YAML 1.1 as libyaml reads it (so also YAML 1.2
  /// and JSON as people write them), or why there is none. Total: any bytes give one or the other.
  ///
  /// Refused on purpose, each by a rule of its own: anchors and aliases (a few lines of them unfold
  /// to gigabytes), tags (no value here has a type but the schema's), keys that are not scalars,
  /// keys that occur twice in a mapping, more than one document, anything above ``YamlLimits``.
  ///
  /// - Complexity: O(bytes), in time and memory.
  public static func parse(_ bytes: [UInt8]) -> Checked<YamlNode> {
    var findings = FindingList()
    let root = tree(of: bytes, &findings)
    return Checked(root, findings)
  }

  /// ``parse(_:)`` for a caller that goes on: where only keys occur twice there is a tree (of the
  /// first of each) beside the errors, so that whatever else is wrong is found in the same run.
  static func tree(of bytes: [UInt8], _ findings: inout FindingList) -> YamlNode? {
    guard bytes.count <= YamlLimits.byteCountMax else {
      findings.error(
        .tooLarge, nil, "",
        "\(grouped(bytes.count)) bytes; at most \(grouped(YamlLimits.byteCountMax))")
      return nil
    }
    var tree = YamlTree(findings: findings)
    defer { findings = tree.findings }
    do throws(Finding) {
      return try tree.document(of: bytes)
    } catch {
      tree.findings.add(error)
      return nil
    }
  }
}

/// Builds the tree from the reader's events.
private struct YamlTree {
  var findings: FindingList
  private var nodeCount = 0

  init(findings: FindingList) { self.findings = findings }

  mutating func document(of bytes: [UInt8]) throws(Finding) -> YamlNode {
    var nodes: [YamlNode] = []
    // libyaml asserts that there is an input; an empty array need not have an address.
    guard !bytes.isEmpty else { throw refusal(.empty, nil, "nothing is in it") }
    try YamlReader.read(bytes) { (reader) throws(Finding) in
      while true {
        let event = try reader.next()
        switch event.kind {
        case .streamStart, .documentEnd: continue
        case .documentStart where !nodes.isEmpty:
          throw refusal(.documents, event.mark, "a second document starts; a file holds one")
        case .documentStart: nodes.append(try node(from: reader.next(), &reader, depth: 0))
        case .streamEnd: return
        default: preconditionFailure("event outside a document: \(event.kind)")
        }
      }
    }
    guard let root = nodes.first else { throw refusal(.empty, nil, "nothing is in it") }
    return root
  }

  private mutating func node(
    from event: YamlEvent, _ reader: inout YamlReader, depth: Int
  ) throws(Finding) -> YamlNode {
    nodeCount += 1
    if nodeCount > YamlLimits.nodeCountMax {
      let most = grouped(YamlLimits.nodeCountMax)
      throw refusal(.tooLarge, event.mark, "more than \(most) values")
    }
    if event.hasAnchor {
      throw refusal(.alias, event.mark, "anchors (&name) are not supported; write the value out")
    }
    if event.hasTag {
      throw refusal(.tag, event.mark, "tags (!name) are not supported; write the plain value")
    }
    switch event.kind {
    case .scalar(let text, let plain):
      return YamlNode(content: .scalar(text, plain: plain), mark: event.mark)
    case .alias:
      throw refusal(.alias, event.mark, "aliases (*name) are not supported; write the value out")
    case .sequenceStart where depth == YamlLimits.depthMax,
      .mappingStart where depth == YamlLimits.depthMax:
      throw refusal(.tooDeep, event.mark, "more than \(YamlLimits.depthMax) levels")
    case .sequenceStart:
      return YamlNode(content: .sequence(try items(&reader, depth: depth + 1)), mark: event.mark)
    case .mappingStart:
      return YamlNode(content: .mapping(try pairs(&reader, depth: depth + 1)), mark: event.mark)
    default: preconditionFailure("event where a value belongs: \(event.kind)")
    }
  }

  private mutating func items(
    _ reader: inout YamlReader, depth: Int
  ) throws(Finding) -> [YamlNode] {
    var result: [YamlNode] = []
    while true {
      let event = try reader.next()
      if case .sequenceEnd = event.kind { return result }
      result.append(try node(from: event, &reader, depth: depth))
    }
  }

  private mutating func pairs(
    _ reader: inout YamlReader, depth: Int
  ) throws(Finding) -> [YamlPair] {
    var result: [YamlPair] = []
    var lines: [String: UInt32] = [:]
    while true {
      let event = try reader.next()
      if case .mappingEnd = event.kind { return result }
      let keyNode = try node(from: event, &reader, depth: depth)
      guard case .scalar(let key, _) = keyNode.content else {
        throw refusal(.complexKey, keyNode.mark, "a key is \(keyNode.kind); keys are single words")
      }
      let value = try node(from: reader.next(), &reader, depth: depth)
      if let line = lines.updateValue(keyNode.mark.line, forKey: key) {
        findings.add(
          refusal(.duplicateKey, keyNode.mark, "key \(quoted(key)) again; first on line \(line)"))
      } else {
        result.append(YamlPair(key: key, keyMark: keyNode.mark, value: value))
      }
    }
  }

  private func refusal(_ rule: Finding.Rule, _ mark: Mark?, _ message: String) -> Finding {
    Finding(severity: .error, mark: mark, path: "", rule: rule, message: message)
  }
}
