import Authoring
import Disk
import Events

/// The bodies of requests for another line of history, made of a command's flags.
///
/// What a flag says is checked here as far as that needs no engine, so that a slip is named as the
/// flag that it was made in.
enum ForkWish {
  /// Takes the flags of `veltrix fork`; the body of `POST .../forks`.
  static func fork(_ arguments: inout Arguments) throws(Arguments.Fault) -> [UInt8] {
    var members: [Member] = []
    if let at = try arguments.takePlace("--at") { members.append(.init("at", text: at)) }
    let omit = try omission(&arguments, prefix: "--omit-")
    if !omit.isEmpty { members.append(.init("omit", json: object(omit))) }
    if let path = arguments.take("--append") {
      members.append(.init("append", json: try events(path)))
    }
    let rulesFrom = try arguments.takePlace("--rules-from")
    if let path = arguments.take("--rules") {
      members.append(.init("rules", json: try tree("--rules", path).json))
      if let rulesFrom { members.append(.init("rules_from", text: rulesFrom)) }
    } else if let rulesFrom {
      throw Arguments.Fault(message: "--rules-from \(rulesFrom): needs --rules")
    }
    return object(members)
  }

  /// Takes the flags of `veltrix unplay`; the body of `POST .../unplay`.
  static func unplay(_ arguments: inout Arguments) throws(Arguments.Fault) -> [UInt8] {
    let omit = try omission(&arguments, prefix: "--")
    guard omit.contains(where: { $0.key != "from" && $0.key != "to" }) else {
      throw Arguments.Fault(message: "one of --players, --producers, --kinds, --events is needed")
    }
    return object(omit)
  }

  /// Takes the flags of `veltrix rollback`; the body of `POST .../rollback`.
  static func rollback(_ arguments: inout Arguments) throws(Arguments.Fault) -> [UInt8] {
    guard let to = try arguments.takePlace("--to") else {
      throw Arguments.Fault(message: "--to: required; \(HistoryPlace.form)")
    }
    return object([.init("to", text: to)])
  }

  // MARK: Parts

  private struct Member {
    let key: String
    let json: [UInt8]

    init(_ key: String, json: [UInt8]) { (self.key, self.json) = (key, json) }
    init(_ key: String, text: String) { self.init(key, json: jsonString(text)) }
  }

  private static func object(_ members: [Member]) -> [UInt8] {
    let parts = members.map { jsonString($0.key) + Array(":".utf8) + $0.json }
    return Array("{".utf8) + parts.joined(separator: Array(",".utf8)) + Array("}".utf8)
  }

  private static func list(_ items: [[UInt8]]) -> [UInt8] {
    Array("[".utf8) + items.joined(separator: Array(",".utf8)) + Array("]".utf8)
  }

  /// What is left out: the lists, and the range that they hold in.
  private static func omission(
    _ arguments: inout Arguments, prefix: String
  ) throws(Arguments.Fault) -> [Member] {
    var members: [Member] = []
    if let players = try arguments.takeList(prefix + "players") {
      members.append(.init("players", json: list(players.map { jsonString($0) })))
    }
    for key in ["producers", "events"] {
      guard let words = try arguments.takeList(prefix + key) else { continue }
      for word in words where UInt64(word) == nil {
        throw Arguments.Fault(
          message: "\(prefix)\(key) \(printable(word)): expected whole numbers, 0...2^64-1")
      }
      members.append(.init(key, json: list(words.map { Array("\(UInt64($0) ?? 0)".utf8) })))
    }
    if let kinds = try arguments.takeList(prefix + "kinds") {
      let known = EventKind.allCases.filter(\.isSupported).map { "\($0.word)" }
      for kind in kinds where !known.contains(kind) {
        let nearest = nearestName(to: kind, among: known).map { "; did you mean \($0)?" } ?? ""
        throw Arguments.Fault(
          message: "\(prefix)kinds \(printable(kind)): expected \(known.joined(separator: ", "))"
            + nearest)
      }
      members.append(.init("kinds", json: list(kinds.map { jsonString($0) })))
    }
    for key in ["from", "to"] {
      if let place = try arguments.takePlace("--" + key) {
        members.append(.init(key, text: place))
      }
    }
    return members
  }

  private static func bytes(_ flag: String, _ path: String) throws(Arguments.Fault) -> [UInt8] {
    do throws(DiskFault) {
      return try Files.read(path, byteCountMax: YamlLimits.byteCountMax)
    } catch { throw Arguments.Fault(message: "\(flag): \(error)") }
  }

  private static func tree(_ flag: String, _ path: String) throws(Arguments.Fault) -> YamlNode {
    let parsed = YamlNode.parse(try bytes(flag, path))
    guard let root = parsed.value else {
      throw Arguments.Fault(
        message: "\(flag): \(parsed.findings.first?.line(file: path) ?? "unreadable")")
    }
    return root
  }

  /// The events of a file, as a list: a JSON array, or one event a line.
  private static func events(_ path: String) throws(Arguments.Fault) -> [UInt8] {
    let text = try bytes("--append", path)
    guard text.first(where: { ![9, 10, 13, 32].contains($0) }) == UInt8(ascii: "{") else {
      let root = try tree("--append", path)
      guard case .sequence = root.content else {
        throw Arguments.Fault(
          message: "--append: \(path):\(root.mark.line): expected a list of events, "
            + "or one event a line")
      }
      return root.json
    }
    var events: [[UInt8]] = []
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (at, line) in lines.enumerated() {
      if line.allSatisfy({ [9, 13, 32].contains($0) }) { continue }
      guard let event = YamlNode.parse(Array(line)).value, case .mapping = event.content else {
        throw Arguments.Fault(message: "--append: \(path):\(at + 1): expected one event in JSON")
      }
      events.append(event.json)
    }
    return list(events)
  }
}
