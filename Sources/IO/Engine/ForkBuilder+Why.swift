import Bounded
import Disk
import Events
import Hunt
import Pages
import Partitions
import Scoring

/// Why a number is what it is: the journal's events behind it, found by replaying the hunt's line
/// from its beginning and looking on.
extension ForkBuilder {
  /// One event and what it gave.
  private struct Contribution {
    var offset: UInt64
    var kind: StaticString
    var player: UInt64
    var treasure: UInt32
    var points: Int64
    var total: Int64
    var time: Int64
    var result: UInt16
  }

  /// The events behind a player's score, all time or in a board's current window.
  ///
  /// What an operator added has no event; it is listed where the next event of the player finds it.
  func why(
    player name: PlayerName, board: String?, limit: Int, after: Int
  ) throws(ForkFault) -> [UInt8] {
    let head = try head()
    let now = try view(head)
    guard let key = now.number(of: name), let row = now.partition.state.row(of: key) else {
      throw ForkFault(404, "unknown_player", "no event of this player was applied")
    }
    var window: ClosedRange<Int64> = .min ... .max
    var score = now.partition.state.player(row).total
    if let board {
      guard let at = entry.definition.boards.firstIndex(where: { $0.name == board }) else {
        throw ForkFault(404, "unknown_board", "the hunt has no board \"\(board)\"", field: "board")
      }
      let place = now.partition.state.boards[at]
      score = place.score(UInt32(row), now.partition.state.space) ?? 0
      if entry.definition.boards[at].windowMs != nil,
        let bounds = place.currentWindow(now.partition.state.space)
      {
        window = bounds.firstMs...bounds.lastMs
      }
    }
    var found: [Contribution] = []
    var total: Int64 = 0
    let see = { (event: Event, offset: UInt64, outcome: Outcome) in
      guard event.player == key, outcome.disposition == .applied else { return }
      let points = Int64(outcome.points)
      let before = outcome.total &- points
      if before != total && (outcome.total != 0 || points != 0) {
        found.append(
          Contribution(
            offset: offset, kind: "addition", player: key, treasure: 0, points: before &- total,
            total: before, time: event.time, result: 0))
        total = before
      }
      guard points != 0, window.contains(event.time) else {
        total = points != 0 ? outcome.total : total
        return
      }
      total = outcome.total
      found.append(
        Contribution(
          offset: offset, kind: event.kind?.word ?? "", player: key, treasure: event.treasure,
          points: points, total: total, time: event.time, result: outcome.resultRaw))
    }
    try look(head, see)
    let last = now.partition.state.player(row).total
    if last != total && window == .min ... .max {
      found.append(
        Contribution(
          offset: head.offset, kind: "addition", player: key, treasure: 0, points: last &- total,
          total: last, time: head.now, result: 0))
    }
    var json = JSONWriter(capacity: 4_096)
    begin(&json, head)
    json.key("player")
    now.writePlayerName(&json, key)
    json.key("board")
    if let board { json.string(board) } else { json.null() }
    json.field("score", score)
    json.field("sum", found.reduce(0) { $0 &+ $1.points })
    write(found, limit, after, now, &json)
    return json.bytes
  }

  /// The events behind every award of a treasure.
  func why(treasure id: UInt32, limit: Int, after: Int) throws(ForkFault) -> [UInt8] {
    let head = try head()
    let now = try view(head)
    guard let row = now.partition.state.row(ofTreasure: id) else {
      throw ForkFault(404, "unknown_treasure", "the hunt never had a treasure \(id)")
    }
    var found: [Contribution] = []
    let see = { (event: Event, offset: UInt64, outcome: Outcome) in
      guard event.kind == .claim, event.treasure == id, outcome.result == .ok,
        outcome.disposition == .applied
      else { return }
      found.append(
        Contribution(
          offset: offset, kind: "claim", player: event.player, treasure: id,
          points: Int64(outcome.points), total: outcome.total, time: event.time,
          result: outcome.resultRaw))
    }
    try look(head, see)
    let treasure = now.partition.state.treasure(row)
    var json = JSONWriter(capacity: 4_096)
    begin(&json, head)
    json.field("treasure", UInt64(id))
    json.field("stock", UInt64(treasure.stock))
    json.field("free", UInt64(treasure.free))
    json.field("claimed", UInt64(treasure.claimed))
    json.field("generation", UInt64(treasure.generation))
    json.field("awards", UInt64(found.count))
    write(found, limit, after, now, &json)
    return json.bytes
  }

  // MARK: Parts

  private func view(_ head: HeldCheckpoint) throws(ForkFault) -> HuntView {
    do throws(ForkRefusal) {
      return HuntView(entry, try head.branch(entry, along: head.line))
    } catch {
      throw ForkFault(507, "no_room", "the hunt's page budget has no room for a fork: \(error)")
    }
  }

  /// Replays the hunt's line up to `head` and shows every event that was not left out.
  private func look(
    _ head: HeldCheckpoint, _ see: @escaping (Event, UInt64, Outcome) -> Void
  ) throws(ForkFault) {
    let history = entry.forks.history
    let lineage = history.current
    var partition: Partition
    do throws(ForkRefusal) {
      partition = try entry.genesis(Line(lineage, history), pages: head.pages)
    } catch {
      throw ForkFault(507, "no_room", "the hunt's page budget has no room for a replay: \(error)")
    }
    try replay(&partition, to: head.offset, nil) { event, offset, outcome in
      if !lineage.omits(event, at: offset) { see(event, offset, outcome) }
    }
  }

  private func begin(_ json: inout JSONWriter, _ head: HeldCheckpoint) {
    json.beginObject()
    json.field("offset", head.offset)
    json.field("durable", entry.journal.durableThrough)
  }

  private func write(
    _ found: [Contribution], _ limit: Int, _ after: Int, _ now: HuntView,
    _ json: inout JSONWriter
  ) {
    json.key("events")
    json.beginArray()
    for item in found.dropFirst(after).prefix(limit) {
      json.beginObject()
      json.field("offset", item.offset)
      json.key("kind")
      json.word(item.kind)
      json.key("player")
      now.writePlayerName(&json, item.player)
      if item.treasure != 0 { json.field("treasure", UInt64(item.treasure)) }
      json.field("points", item.points)
      json.field("total", item.total)
      json.field("time_ms", item.time)
      json.endObject()
    }
    json.endArray()
    json.key("next_cursor")
    if after + limit < found.count { json.string(String(after + limit)) } else { json.null() }
    json.endObject()
  }
}
