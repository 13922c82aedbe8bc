public import Authoring

/// What a fork changes, as an engine told it: counts of everything, and rows of some of it.
public struct ForkDifference: Sendable {
  public enum Part: String, CaseIterable, Sendable {
    case players, treasures, prizes, edges, blocks
  }

  /// Nil where it is no engine's fork, but a line made for this difference alone.
  public let fork: UInt64?
  /// `main`, or another fork's number.
  public let against: String
  public let offset: UInt64
  public let head: UInt64
  public let pages: UInt64
  public let pagesDiffering: UInt64
  public let micros: UInt64
  private var counts: [Part: Int] = [:]
  private var rows: [Part: [YamlNode]] = [:]

  /// The counts of an answer; nil when it is none. Rows are given to it.
  init?(_ root: YamlNode, fork: UInt64?) {
    guard let against = root["against"]?.text, let offset = root["offset"]?.number,
      let head = root["head"]?.number, let pages = root["pages"]?.number,
      let differing = root["pages_differing"]?.number, let micros = root["micros"]?.number
    else { return nil }
    self.fork = fork
    (self.against, self.offset, self.head) = (against, offset, head)
    (self.pages, pagesDiffering, self.micros) = (pages, differing, micros)
    for part in Part.allCases {
      guard let count = root["counts"]?[part.rawValue]?.number else { return nil }
      counts[part] = Int(clamping: count)
    }
  }

  /// A difference as an answerer tells it: counts first, then rows in pages.
  ///
  /// - Parameters:
  ///   - rowCountMax: Rows of each part that are read.
  ///   - page: Answers with so many rows (1...1,000) of the parts, all of them where none is named,
  ///     behind so many others.
  public static func read<Failure: Error>(
    _ fork: UInt64?, parts: [Part], rowCountMax: Int,
    page: (_ part: Part?, _ limit: Int, _ after: Int) throws(Failure) -> YamlNode,
    missing: (String) -> Failure
  ) throws(Failure) -> ForkDifference {
    guard var difference = ForkDifference(try page(nil, 1, 0), fork: fork) else {
      throw missing("counts")
    }
    for part in parts {
      let wanted = min(rowCountMax, difference.count(part))
      var rows: [YamlNode] = []
      while rows.count < wanted {
        let answer = try page(part, min(1_000, wanted - rows.count), rows.count)
        let items = answer[part.rawValue]?.items ?? []
        if items.isEmpty { throw missing("row \(rows.count) of \(part.rawValue)") }
        rows += items
      }
      difference.set(part, rows)
    }
    return difference
  }

  /// Rows that differ, read or not.
  public func count(_ part: Part) -> Int { counts[part] ?? 0 }

  /// The rows that were read; nil when the part was not asked for.
  public func rows(_ part: Part) -> [YamlNode]? { rows[part] }

  mutating func set(_ part: Part, _ rows: [YamlNode]) { self.rows[part] = rows }

  /// Whether no row of the parts asked for is missing.
  public var isComplete: Bool { rows.allSatisfy { $0.value.count == count($0.key) } }

  /// One JSON object: the engine's counts, and the rows that were read.
  public var json: String {
    let counts = Part.allCases.map { "\"\($0.rawValue)\":\(count($0))" }.joined(separator: ",")
    var text =
      "{\"fork\":\(fork.map(String.init) ?? "null"),\"against\":\"\(against)\",\"offset\":\(offset),\"head\":\(head),"
      + "\"pages\":\(pages),\"pages_differing\":\(pagesDiffering),\"micros\":\(micros),"
      + "\"counts\":{\(counts)}"
    for part in Part.allCases {
      guard let rows = rows[part] else { continue }
      let items = rows.map { String(decoding: $0.json, as: UTF8.self) }.joined(separator: ",")
      text += ",\"\(part.rawValue)\":[\(items)]"
    }
    return text + ",\"complete\":\(isComplete)}"
  }

  // MARK: For people

  /// Counts first, then who gained and who lost, then prizes, treasures, edges and blocks.
  ///
  /// - Parameter shownMax: Rows of each part that are shown, of those that were read.
  public func lines(shownMax: Int) -> [String] {
    // Blocks are told of voxels alone.
    let told = Part.allCases.filter { $0 != .blocks || count($0) > 0 }
    let parts = told.map { part in
      let count = count(part)
      let word = count == 1 ? String(part.rawValue.dropLast()) : part.rawValue
      return "\(grouped(UInt64(count))) \(word)"
    }
    var lines = [
      fork.map { "fork \($0) against \(against == "main" ? "main" : "fork \(against)")" }
        ?? "the line with omissions against the hunt's own",
      "  differ    \(parts.joined(separator: ", "))",
      "  pages     \(grouped(pagesDiffering)) of \(grouped(pages)) differ",
    ]
    for part in [Part.players, .prizes, .treasures, .edges, .blocks] {
      guard let rows = rows[part], !rows.isEmpty, shownMax > 0 else { continue }
      let table =
        switch part {
        case .players: Self.players(rows, shownMax)
        case .treasures: Self.treasures(rows, shownMax)
        case .prizes: Self.prizes(rows, shownMax)
        case .edges: Self.edges(rows, shownMax)
        case .blocks: Self.blocks(rows, shownMax)
        }
      lines += ["", part.rawValue] + table
      let shown = min(shownMax, rows.count)
      if shown < count(part) {
        var note = "  \(grouped(UInt64(shown))) of \(grouped(UInt64(count(part)))) that differ"
        if part == .players {
          note += ", the largest changes"
          if rows.count < count(part) { note += " of the first \(grouped(UInt64(rows.count)))" }
        }
        lines.append(note + "; --limit shows more")
      }
    }
    return lines
  }

  private static func players(_ rows: [YamlNode], _ shownMax: Int) -> [String] {
    // Who gained most first, who lost most last; of many, the largest changes are shown.
    let changed = rows.enumerated().map { at, row in
      let score = Pair(row["score"])
      return (at: at, row: row, change: (score.after ?? 0).subtractingClamped(score.before ?? 0))
    }
    let shown = changed.sorted { left, right in
      let (one, other) = (left.change.magnitude, right.change.magnitude)
      return one != other ? one > other : left.at < right.at
    }.prefix(shownMax).sorted { left, right in
      left.change != right.change ? left.change > right.change : left.at < right.at
    }
    var table = TextTable([
      ("player", .left), ("change", .right), ("score", .left), ("rank", .left), ("claims", .left),
    ])
    for (_, row, change) in shown {
      table.append([
        name(row["player"]), change > 0 ? "+\(grouped(change))" : grouped(change),
        Pair(row["score"]).text, Pair(row["rank"]).text, Pair(row["claims"]).text,
      ])
    }
    return table.lines()
  }

  /// Of each treasure: who no longer has it beside who has it instead.
  private static func prizes(_ rows: [YamlNode], _ shownMax: Int) -> [String] {
    var table = TextTable([("treasure", .right), ("old winner", .left), ("new winner", .left)])
    var at = 0
    let rows = rows.prefix(shownMax)
    while at < rows.count {
      let treasure = rows[at]["treasure"]?.text ?? ""
      var (old, new): ([String], [String]) = ([], [])
      while at < rows.count, rows[at]["treasure"]?.text == treasure {
        let claims = Pair(rows[at]["claims"])
        let change = (claims.after ?? 0).subtractingClamped(claims.before ?? 0)
        let times = change.magnitude > 1 ? " (\(change.magnitude) claims)" : ""
        let name = name(rows[at]["player"]) + times
        if change < 0 { old.append(name) } else { new.append(name) }
        at += 1
      }
      for line in 0..<max(old.count, new.count) {
        table.append([
          treasure, line < old.count ? old[line] : "nobody",
          line < new.count ? new[line] : "nobody",
        ])
      }
    }
    return table.lines()
  }

  private static func treasures(_ rows: [YamlNode], _ shownMax: Int) -> [String] {
    var table = TextTable([
      ("treasure", .right), ("state", .left), ("free", .left), ("claimed", .left),
      ("last winner", .left),
    ])
    for row in rows.prefix(shownMax) {
      table.append([
        row["treasure"]?.text ?? "", words(row["state"]), Pair(row["free"]).text,
        Pair(row["claimed"]).text, words(row["last_winner"]),
      ])
    }
    return table.lines()
  }

  private static func edges(_ rows: [YamlNode], _ shownMax: Int) -> [String] {
    var table = TextTable([
      ("edge", .right), ("from", .left), ("to", .left), ("multiplier or cost", .left),
    ])
    for row in rows.prefix(shownMax) {
      let to = row["direction"]?.text.map { "direction \($0)" } ?? place(row["to"])
      table.append([
        row["edge"]?.text ?? "", place(row), to, Pair(row["multiplier"] ?? row["cost"]).text,
      ])
    }
    return table.lines()
  }

  private static func blocks(_ rows: [YamlNode], _ shownMax: Int) -> [String] {
    var table = TextTable([("block", .left), ("open", .left)])
    for row in rows.prefix(shownMax) { table.append([place(row), words(row["open"])]) }
    return table.lines()
  }

  /// Column, row and, where there is one, level.
  private static func place(_ node: YamlNode?) -> String {
    let parts = ["x", "y", "z"].compactMap { node?[$0]?.text }
    return parts.joined(separator: ", ")
  }

  /// A player as the engine wrote one, safe on a screen.
  private static func name(_ node: YamlNode?) -> String {
    guard let node, !node.isAbsent, let text = node.text else { return "nobody" }
    return printable(text)
  }

  /// `open -> empty`, or one word where both are the same.
  private static func words(_ node: YamlNode?) -> String {
    let items = node?.items ?? []
    guard items.count == 2 else { return "" }
    let (before, after) = (name(items[0]), name(items[1]))
    return before == after ? before : "\(before) -> \(after)"
  }
}

/// A number before and after; nil where the state knows none.
private struct Pair {
  var before: Int64?
  var after: Int64?

  init(_ node: YamlNode?) {
    let items = node?.items ?? []
    guard items.count == 2 else { return }
    before = items[0].text.flatMap { Int64($0) }
    after = items[1].text.flatMap { Int64($0) }
  }

  /// `60 -> 160`, one number where both are the same.
  var text: String {
    let before = before.map { grouped($0) } ?? "none"
    let after = after.map { grouped($0) } ?? "none"
    return before == after ? before : "\(before) -> \(after)"
  }
}

extension Int64 {
  fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
    let (difference, overflows) = subtractingReportingOverflow(other)
    return overflows ? (self < other ? .min : .max) : difference
  }
}
