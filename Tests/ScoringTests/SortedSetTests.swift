import Foundation
import Pages
import Testing
import Testkit

@testable import Scoring

// Recorded answers of a sorted-set server, replayed on an all-time board: a score is set by adding the
// difference. Mapped: zadd (with nx, xx, gt, lt, ch, incr), zincrby, zrem, zremrangebyrank, zscore,
// zcard, zcount, zrank, zrevrank, zrange, zrevrange, and ranges by score with whole bounds. Left out:
// cases with scores that are no whole numbers or lie past Int64, commands not listed, and every answer
// that depends on the order of equal scores, because that server breaks ties by name and a board by
// who came first.

/// One case on one board; nil from a step when it is left out.
private struct Replay: ~Copyable {
  enum Answer: Equatable {
    case value(String?)
    case list([String])
  }
  enum Left: Error { case out }

  let board: Board
  var space: PageSpace
  var names: [String] = []
  var applied: UInt64 = 0

  init() {
    var layout = PageLayout()
    let declaration = BoardDeclaration(name: "zset", kind: .allTime, memberCapacity: 2000)
    board = Board(declaration, in: &layout)
    space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 2))
  }

  private mutating func member(_ name: String) -> UInt32 {
    if let at = names.firstIndex(of: name) { return UInt32(at) }
    names.append(name)
    return UInt32(names.count - 1)
  }

  private func whole(_ text: String) throws(Left) -> Int64 {
    guard let value = Int64(text) else { throw .out }
    return value
  }

  /// Lowest and highest whole score of a bound as the server writes it.
  private func bound(_ text: String, low: Bool) throws(Left) -> Int64? {
    switch text.lowercased() {
    case "-inf": return low ? Int64.min : nil
    case "+inf", "inf": return low ? nil : Int64.max
    default: break
    }
    if text.hasPrefix("(") { return try whole(String(text.dropFirst())) + (low ? 1 : -1) }
    return try whole(text)
  }

  private mutating func set(_ name: String, _ score: Int64) {
    let member = member(name)
    let change = board.score(member, space).map { score - $0 } ?? score
    applied += 1
    #expect(board.add(member, change, reached: applied, timeMs: 0, &space) == .updated(score))
  }

  private mutating func zadd(_ arguments: [String]) throws(Left) -> Answer {
    var words = arguments[...]
    var flags: [String] = []
    let known = ["nx", "xx", "gt", "lt", "ch", "incr"]
    while let word = words.first?.lowercased(), known.contains(word) {
      flags.append(word)
      words = words.dropFirst()
    }
    if words.count % 2 != 0 || words.isEmpty { throw .out }
    var added = 0
    var changed = 0
    var last: String?
    while let first = words.first {
      let name = words[words.startIndex + 1]
      words = words.dropFirst(2)
      let given = try whole(first)
      let old = board.score(member(name), space)
      let score = flags.contains("incr") ? given + (old ?? 0) : given
      if let old {
        if flags.contains("nx") { continue }
        if flags.contains("gt") && score <= old { continue }
        if flags.contains("lt") && score >= old { continue }
        if score != old { changed += 1 }
      } else {
        if flags.contains("xx") { continue }
        added += 1
        changed += 1
      }
      set(name, score)
      last = String(score)
    }
    if flags.contains("incr") { return .value(last) }
    return .value(String(flags.contains("ch") ? changed : added))
  }

  /// Rows by rank, best first; negative indices count from the worst.
  private func rows(_ from: String, _ to: String) throws(Left) -> [BoardRow] {
    let count = Int64(board.count(space))
    var first = try whole(from)
    var last = try whole(to)
    if first < 0 { first = max(0, first + count) }
    if last < 0 { last += count }
    var rows: [BoardRow] = []
    if first <= last {
      board.top(offset: Int(first), limit: Int(last - first) + 1, space) { rows.append($0) }
    }
    return rows
  }

  /// The same, worst first.
  private func rowsUp(_ from: String, _ to: String) throws(Left) -> [BoardRow] {
    let count = Int64(board.count(space))
    var first = try whole(from)
    var last = try whole(to)
    if first < 0 { first = max(0, first + count) }
    if last < 0 { last += count }
    last = min(last, count - 1)
    if first > last { return [] }
    return try rows(String(count - 1 - last), String(count - 1 - first)).reversed()
  }

  /// `rows`, best first, if no two in it and around it have equal scores.
  private func untied(_ rows: [BoardRow]) throws(Left) -> [BoardRow] {
    for (better, worse) in zip(rows, rows.dropFirst()) where better.score == worse.score {
      throw .out
    }
    guard let first = rows.first, let last = rows.last else { return rows }
    if board.row(atRank: first.rank - 1, space)?.score == first.score { throw .out }
    if board.row(atRank: last.rank + 1, space)?.score == last.score { throw .out }
    return rows
  }

  private func list(_ rows: [BoardRow], scores: Bool) -> Answer {
    .list(
      rows.flatMap { row in
        scores ? [names[Int(row.member)], String(row.score)] : [names[Int(row.member)]]
      })
  }

  /// Rows with scores in bounds, best first.
  private func rows(from low: String, to high: String) throws(Left) -> [BoardRow] {
    guard let low = try bound(low, low: true), let high = try bound(high, low: false),
      low <= high
    else { return [] }
    let first = high == .max ? 1 : board.rank(ofScore: high, space)
    let end = low == .min ? board.count(space) + 1 : board.rank(ofScore: low - 1, space)
    var rows: [BoardRow] = []
    board.top(offset: first - 1, limit: end - first, space) { rows.append($0) }
    return rows
  }

  private func limited(_ rows: [BoardRow], _ words: [String]) throws(Left) -> Answer {
    var words = words
    var rows = rows
    var scores = false
    while let word = words.first?.lowercased() {
      words.removeFirst()
      if word == "withscores" {
        scores = true
      } else if word == "limit", words.count >= 2 {
        let offset = try whole(words[0])
        let count = try whole(words[1])
        words.removeFirst(2)
        rows = offset < 0 ? [] : Array(rows.dropFirst(Int(offset)))
        if count >= 0 { rows = Array(rows.prefix(Int(count))) }
      } else {
        throw .out
      }
    }
    return list(rows, scores: scores)
  }

  mutating func answer(_ command: [String]) throws(Left) -> Answer {
    let name = command[0].lowercased()
    let words = Array(command.dropFirst())
    switch name {
    case "zadd": return try zadd(words)
    case "zincrby":
      let score = (board.score(member(words[1]), space) ?? 0) + (try whole(words[0]))
      set(words[1], score)
      return .value(String(score))
    case "zrem":
      var removed = 0
      for name in words where board.remove(member(name), &space) { removed += 1 }
      return .value(String(removed))
    case "zremrangebyrank":
      // Which of equal scores go is the server's rule: the first by name.
      let ranks = try rowsUp(words[0], words[1]).map { board.count(space) - $0.rank }
      let rows = try rowsUp("0", "-1").sorted {
        ($0.score, names[Int($0.member)]) < ($1.score, names[Int($1.member)])
      }
      for row in ranks.map({ rows[$0] }) { #expect(board.remove(row.member, &space)) }
      return .value(String(ranks.count))
    case "zremrangebyscore":
      let rows = try rows(from: words[0], to: words[1])
      for row in rows { #expect(board.remove(row.member, &space)) }
      return .value(String(rows.count))
    case "zscore": return .value(board.score(member(words[0]), space).map { String($0) })
    case "zcard": return .value(String(board.count(space)))
    case "zcount": return .value(String(try rows(from: words[0], to: words[1]).count))
    case "zrevrank", "zrank":
      if words.count != 1 { throw .out }
      let count = board.count(space)
      let rank = board.rank(member(words[0]), space)
      if let rank { _ = try untied(try rows(String(rank - 1), String(rank - 1))) }
      return .value(rank.map { String(name == "zrank" ? count - $0 : $0 - 1) })
    case "zrevrange":
      return try limited(try untied(try rows(words[0], words[1])), Array(words.dropFirst(2)))
    case "zrange":
      let rows = try untied(try rowsUp(words[0], words[1]).reversed())
      return try limited(rows.reversed(), Array(words.dropFirst(2)))
    case "zrevrangebyscore":
      let rows = try untied(try rows(from: words[1], to: words[0]))
      return try limited(rows, Array(words.dropFirst(2)))
    case "zrangebyscore":
      let rows = try untied(try rows(from: words[0], to: words[1]))
      return try limited(rows.reversed(), Array(words.dropFirst(2)))
    default: throw .out
    }
  }
}

/// A board answers as a sorted-set server did, wherever a question means the same to both.
@Test func boardsAnswerLikeASortedSetServer() throws {
  guard let folder = sharedFolder,
    let text = try? String(  // absent in a plain checkout; said below
      contentsOfFile: folder + "/leaderboard/zset_cases.ndjson", encoding: .utf8)
  else {
    print("sorted-set cases are absent; nothing was compared")
    return
  }
  var compared = 0
  var unordered = 0
  var casesDone = 0
  var casesLeft = 0
  for line in text.split(separator: "\n") {
    let row = try #require(
      try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    let id = try #require(row["id"] as? String)
    let steps = try #require(row["steps"] as? [[String: Any]])
    var replay = Replay()
    var whole = true
    for step in steps {
      let command = try #require(step["cmd"] as? [String])
      let answer: Replay.Answer
      do throws(Replay.Left) { answer = try replay.answer(command) } catch {
        // A question left out changes nothing; a change left out ends the case.
        unordered += 1
        if ["zadd", "zincrby"].contains(command[0]) || command[0].hasPrefix("zrem") {
          whole = false
          break
        }
        continue
      }
      let reply = step["reply"]
      let expected: Replay.Answer
      if let list = reply as? [String] {
        expected = .list(list)
      } else if let number = reply as? NSNumber {
        expected = .value(number.stringValue)
      } else {
        expected = .value(reply as? String)
      }
      #expect(answer == expected, "\(id): \(command)")
      compared += 1
    }
    if whole { casesDone += 1 } else { casesLeft += 1 }
  }
  print(
    "sorted-set cases: \(compared) answers compared, \(unordered) left out;",
    "\(casesDone) cases to their end, \(casesLeft) cut short")
  #expect(compared > 5000)
}
