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
    let omit = try omission(flags(&arguments, "--omit-"))
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

  /// Takes `--at` and `--omit` of `veltrix replay`: what a running engine would be asked of a fork.
  static func replay(
    _ arguments: inout Arguments
  ) throws(Arguments.Fault) -> (body: [UInt8], omits: Bool) {
    var members: [Member] = []
    if let at = try arguments.takePlace("--at") { members.append(.init("at", text: at)) }
    let omit = try omission(omitFlag(&arguments))
    if !omit.isEmpty { members.append(.init("omit", json: object(omit))) }
    return (object(members), !omit.isEmpty)
  }

  /// Takes the flags of `veltrix unplay`; the body of `POST .../unplay`.
  static func unplay(_ arguments: inout Arguments) throws(Arguments.Fault) -> [UInt8] {
    let omit = try omission(flags(&arguments, "--"))
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

  /// One key of an omission as a command line gives it.
  private struct OmissionPart {
    /// As the person wrote it.
    let flag: String
    let words: [String]
  }

  private static let lists = ["players", "producers", "events", "kinds"]
  private static let bounds = ["from", "to"]

  /// Takes the parts of an omission that have a flag each.
  private static func flags(
    _ arguments: inout Arguments, _ prefix: String
  ) throws(Arguments.Fault) -> [String: OmissionPart] {
    var parts: [String: OmissionPart] = [:]
    for key in lists {
      guard let words = try arguments.takeList(prefix + key) else { continue }
      parts[key] = OmissionPart(flag: prefix + key, words: words)
    }
    for key in bounds {
      guard let word = arguments.take("--" + key) else { continue }
      parts[key] = OmissionPart(flag: "--" + key, words: [word])
    }
    return parts
  }

  /// Takes `--omit players=anna,7,kinds=claim,from=1200`: words between commas, a key before the
  /// first of each list.
  private static func omitFlag(
    _ arguments: inout Arguments
  ) throws(Arguments.Fault) -> [String: OmissionPart] {
    var parts: [String: OmissionPart] = [:]
    let known = lists + bounds
    for value in arguments.takeAll("--omit") {
      var key: String?
      for word in value.split(separator: ",", omittingEmptySubsequences: false) {
        var text = word[...]
        if let equals = word.firstIndex(of: "="), isKey(word[..<equals]) {
          let name = String(word[..<equals])
          guard name != "teams" else {
            throw Arguments.Fault(
              message: "--omit teams: no hunt has teams; name players, producers, kinds or events")
          }
          guard known.contains(name) else {
            let nearest = nearestName(to: name, among: known).map { "; did you mean \($0)?" }
            throw Arguments.Fault(
              message: "--omit \(printable(name)): expected \(known.joined(separator: ", "))"
                + (nearest ?? "; a player of such a name is name:\(printable(String(word)))"))
          }
          if bounds.contains(name) && parts[name] != nil {
            throw Arguments.Fault(message: "--omit \(name): given twice")
          }
          key = name
          text = word[word.index(after: equals)...]
        }
        guard let key else {
          throw Arguments.Fault(
            message: "--omit \(printable(value)): expected <key>=<word,...> with a key of "
              + known.joined(separator: ", "))
        }
        let words = parts[key]?.words ?? []
        guard !text.isEmpty else {
          throw Arguments.Fault(message: "--omit \(key): an empty word")
        }
        guard words.isEmpty || lists.contains(key) else {
          throw Arguments.Fault(message: "--omit \(key): one place; got \(printable(String(text)))")
        }
        parts[key] = OmissionPart(flag: "--omit \(key)", words: words + [String(text)])
      }
    }
    return parts
  }

  private static func isKey(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
  }

  /// What is left out: the lists, and the range that they hold in.
  private static func omission(
    _ parts: [String: OmissionPart]
  ) throws(Arguments.Fault) -> [Member] {
    var members: [Member] = []
    if let players = parts["players"] {
      members.append(.init("players", json: list(players.words.map { jsonString($0) })))
    }
    for key in ["producers", "events"] {
      guard let part = parts[key] else { continue }
      var numbers: [[UInt8]] = []
      for word in part.words {
        guard let number = UInt64(digits: word) else {
          throw Arguments.Fault(
            message: "\(part.flag) \(printable(word)): expected whole numbers, 0...2^64-1")
        }
        numbers.append(Array("\(number)".utf8))
      }
      members.append(.init(key, json: list(numbers)))
    }
    if let part = parts["kinds"] {
      let known = EventKind.allCases.filter(\.isSupported).map { "\($0.word)" }
      for kind in part.words where !known.contains(kind) {
        let nearest = nearestName(to: kind, among: known).map { "; did you mean \($0)?" } ?? ""
        throw Arguments.Fault(
          message: "\(part.flag) \(printable(kind)): expected \(known.joined(separator: ", "))"
            + nearest)
      }
      members.append(.init("kinds", json: list(part.words.map { jsonString($0) })))
    }
    for key in bounds {
      guard let part = parts[key], let text = part.words.first else { continue }
      guard HistoryPlace(text) != nil else {
        throw Arguments.Fault(
          message: "\(part.flag) \(printable(text)): expected \(HistoryPlace.form)")
      }
      members.append(.init(key, text: text))
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
