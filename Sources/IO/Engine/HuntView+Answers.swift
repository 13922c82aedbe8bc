import Bounded
import Disk
import Events
import Hunt
import Journal
import Machine
import Pages
import Partitions
import Scoring
import World

/// Answers to reads, as JSON, taken between two batches. Limits on rows bound the time they take.
extension HuntView {
  /// Most rows in an answer.
  static let rowsMax = 1_000
  /// Most players in a snapshot for viewers.
  static let playersShownMax = 5_000

  func answer(_ query: Query) -> (status: Int, body: [UInt8]) {
    var json = JSONWriter(capacity: 4_096)
    switch query {
    case .welcome(let producer, let rights):
      return (200, welcome(producer, rights))
    case .metrics:
      return (200, metrics())
    case .pulse:
      json.beginObject()
      pulse(&json)
      json.endObject()
      return (200, json.bytes)
    default:
      break
    }
    json.beginObject()
    json.field("offset", partition.nextOffset)
    json.field("durable", journal.durableThrough)
    var failure: (Int, [UInt8])?
    switch query {
    case .hunt(let isDigesting): writeHunt(&json, isDigesting)
    case .board(let name, let limit, let offset, let around, let window):
      failure = writeBoard(&json, name, limit, offset, around, window)
    case .player(let name): failure = writePlayer(&json, name)
    case .hint(let name): failure = writeHint(&json, name)
    case .treasures(let limit, let after, let filter):
      writeTreasures(&json, limit, after, filter)
    case .books: writeBooks(&json)
    case .snapshot: writeSnapshot(&json)
    case .path, .near, .welcome, .metrics, .pulse: break
    }
    if let failure { return failure }
    json.endObject()
    return (200, json.bytes)
  }

  private func welcome(_ producer: UInt64, _ rights: UInt8) -> [UInt8] {
    let welcome = Welcome(
      highSequence: partition.state.highSequence(producer), offset: partition.nextOffset,
      time: partition.state.now, hunt: entry.number, rights: rights)
    let slab = Slab(byteCount: 64)
    slab.store(welcome, 0)
    return (0..<64).map { slab.load($0, as: UInt8.self) }
  }

  // MARK: Hunt

  private func writeHunt(_ json: inout JSONWriter, _ isDigesting: Bool) {
    let counts = partition.state.counts
    json.key("hunt")
    json.beginObject()
    json.key("name")
    json.string(entry.name)
    json.field("id", UInt64(entry.number))
    json.key("state")
    json.string(partition.state.phase.word)
    json.field("time_ms", partition.state.now)
    json.field("players", counts.playersPresent)
    json.field("players_ever", counts.players)
    json.field("treasures", counts.treasures)
    json.field("treasures_open", counts.treasuresOpen)
    json.field("claims", counts.claims)
    json.field("events", counts.events)
    writeDigest(&json, isDigesting)
    json.key("world")
    json.beginObject()
    json.key("form")
    json.string(entry.map.form.word)
    json.field("neighbours", UInt64(entry.map.neighbourhood.degree))
    json.field("width", UInt64(entry.map.width))
    json.field("height", UInt64(entry.map.height))
    json.field("depth", UInt64(entry.map.depth))
    json.field("nodes", UInt64(entry.map.nodeCount))
    json.field("edges", UInt64(entry.map.edgeCount))
    json.field("unit", UInt64(entry.map.unit))
    json.key("digest")
    json.string(entry.map.digest.hex)
    json.endObject()
    json.key("boards")
    json.beginArray()
    for board in entry.definition.boards {
      json.beginObject()
      json.key("name")
      json.string(board.name)
      json.key("window_ms")
      if let window = board.windowMs { json.number(window) } else { json.null() }
      json.endObject()
    }
    json.endArray()
    json.key("journal")
    json.beginObject()
    json.field("head", partition.nextOffset)
    json.field("durable", journal.durableThrough)
    json.field("flushed", journal.flushedThrough)
    json.key("fault")
    if let fault = journal.fault { json.string(fault) } else { json.null() }
    json.endObject()
    json.key("pages")
    json.beginObject()
    json.field("used_bytes", UInt64(pool.usedBytes))
    json.field("max_bytes", UInt64(entry.pageBytesMax))
    json.endObject()
    json.endObject()
  }

  /// The digest now, where it is cheap or asked for: it costs hashing every page written since the
  /// last one, 0.4 ms a thousand.
  private func writeDigest(_ json: inout JSONWriter, _ isDigesting: Bool) {
    guard isDigesting || partition.state.space.unsealedCount <= 2_048 else { return }
    json.key("digest")
    json.string(partition.state.digest().hex)
    json.field("digest_events", partition.state.eventCount)
  }

  // MARK: Boards

  private func writeBoard(
    _ json: inout JSONWriter, _ name: String, _ limit: Int, _ offset: Int, _ around: PlayerName?,
    _ window: WindowChoice
  ) -> (Int, [UInt8])? {
    guard let index = entry.definition.boards.firstIndex(where: { $0.name == name }) else {
      return (404, errorBody("unknown_board", "the hunt has no board \"\(name)\""))
    }
    let board = partition.state.boards[index]
    let which: BoardWindow = window == .current ? .current : .previous
    json.key("board")
    json.string(name)
    json.key("window")
    let bounds =
      window == .current
      ? board.currentWindow(partition.state.space) : board.previousWindow(partition.state.space)
    if entry.definition.boards[index].windowMs != nil, let bounds {
      json.beginObject()
      json.field("from_ms", bounds.firstMs)
      json.field("to_ms", bounds.lastMs)
      json.endObject()
    } else {
      json.null()
    }
    json.field("count", UInt64(board.count(in: which, partition.state.space)))
    json.key("rows")
    json.beginArray()
    if let around {
      guard let row = row(of: around) else { return unknownPlayer }
      let half = max(0, limit - 1) / 2
      _ = board.around(
        UInt32(row), before: half, after: max(0, limit - 1) - half, in: which,
        partition.state.space
      ) { writeRow(&json, $0) }
    } else {
      board.top(offset: offset, limit: limit, in: which, partition.state.space) {
        writeRow(&json, $0)
      }
    }
    json.endArray()
    return nil
  }

  private func writeRow(_ json: inout JSONWriter, _ row: BoardRow) {
    let player = partition.state.player(Int(row.member))
    json.beginObject()
    json.field("rank", UInt64(row.rank))
    json.key("player")
    writePlayerName(&json, player.key)
    json.field("score", row.score)
    json.endObject()
  }

  func writePlayerName(_ json: inout JSONWriter, _ key: UInt64) {
    json.player(partition.state.name(of: key), key)
  }

  // MARK: Players

  private var unknownPlayer: (Int, [UInt8]) {
    (404, errorBody("unknown_player", "no event of this player was applied"))
  }

  func row(of name: PlayerName) -> Int? {
    number(of: name).flatMap { partition.state.row(of: $0) }
  }

  /// The number of a player, known or not; nil for a name that was never seen.
  func number(of name: PlayerName) -> UInt64? { partition.state.number(of: name) }

  private func writePlayer(_ json: inout JSONWriter, _ name: PlayerName) -> (Int, [UInt8])? {
    guard let row = row(of: name) else { return unknownPlayer }
    let player = partition.state.player(row)
    json.key("player")
    writePlayerName(&json, player.key)
    json.key("present")
    json.bool(player.isPresent)
    json.key("x")
    if player.isPlaced { json.number(Int64(player.x)) } else { json.null() }
    json.key("y")
    if player.isPlaced { json.number(Int64(player.y)) } else { json.null() }
    json.key("z")
    if player.isPlaced { json.number(Int64(player.z)) } else { json.null() }
    json.field("score", player.total)
    json.key("rank")
    if let rank = partition.state.boards[0].rank(UInt32(row), partition.state.space) {
      json.number(UInt64(rank))
    } else {
      json.null()
    }
    json.field("claims", UInt64(player.claims))
    json.field("moves", player.moves)
    json.field("last_time_ms", player.lastSeen)
    return nil
  }

  private func writeHint(_ json: inout JSONWriter, _ name: PlayerName) -> (Int, [UInt8])? {
    guard let row = row(of: name) else { return unknownPlayer }
    let player = partition.state.player(row)
    guard player.isPlaced, let node = partition.state.world.node(player.x, player.y, player.z)
    else {
      return (409, errorBody("not_placed", "the player has no place yet: send a join or a move"))
    }
    let unit = UInt64(entry.map.unit)
    json.key("player")
    writePlayerName(&json, player.key)
    json.field("x", Int64(player.x))
    json.field("y", Int64(player.y))
    json.field("z", Int64(player.z))
    json.field("unit", unit)
    let isCertain = partition.state.isHintCertain(node)
    if !isCertain {
      json.key("settling")
      json.bool(true)
    }
    guard isCertain, let (hint, step) = partition.state.hint(for: row, at: node) else {
      json.key("treasure")
      json.null()
      return nil
    }
    json.field("treasure", UInt64(hint.treasure))
    json.field("distance", UInt64(hint.distance))
    json.key("blocks")
    json.string(blocks(UInt64(hint.distance), unit))
    json.key("next")
    if let step {
      let next = entry.map.place(step.head)
      json.beginObject()
      json.field("x", Int64(next.x))
      json.field("y", Int64(next.y))
      json.field("z", Int64(next.z))
      json.field("edge", UInt64(step.edge))
      json.endObject()
    } else {
      json.null()
    }
    json.key("trend")
    if player.lastDistance == .max {
      json.string("none")
    } else if hint.distance < player.lastDistance {
      json.string("warmer")
    } else {
      json.string(hint.distance > player.lastDistance ? "colder" : "same")
    }
    return nil
  }

  /// Blocks with three decimals, rounded down.
  private func blocks(_ distance: UInt64, _ unit: UInt64) -> String {
    let thousandths = distance * 1_000 / unit
    let rest = String(thousandths % 1_000)
    return "\(thousandths / 1_000).\(String(repeating: "0", count: 3 - rest.utf8.count))\(rest)"
  }

  // MARK: Treasures

  private func writeTreasures(
    _ json: inout JSONWriter, _ limit: Int, _ after: UInt32, _ filter: TreasureFilter
  ) {
    json.key("treasures")
    json.beginArray()
    var at = Int(after)
    var written = 0
    let count = Int(partition.state.counts.treasures)
    while at < count && written < limit {
      let treasure = partition.state.treasure(at)
      at += 1
      if filter != .all && treasure.phase.word != filter.rawValue { continue }
      written += 1
      json.beginObject()
      json.field("id", UInt64(treasure.id))
      json.field("x", Int64(treasure.x))
      json.field("y", Int64(treasure.y))
      json.field("z", Int64(treasure.z))
      json.field("reach", UInt64(treasure.reach))
      json.field("points", Int64(treasure.points))
      json.field("stock", UInt64(treasure.stock))
      json.field("free", UInt64(treasure.free))
      json.field("claimed", UInt64(treasure.claimed))
      json.field("generation", UInt64(treasure.generation))
      json.key("state")
      json.string(treasure.phase.word)
      json.field("respawn_ms", UInt64(treasure.respawnMs))
      json.key("due_ms")
      if treasure.due > 0 { json.number(treasure.due) } else { json.null() }
      json.key("last_winner")
      if treasure.lastWinner != 0 {
        writePlayerName(&json, treasure.lastWinner)
      } else {
        json.null()
      }
      json.endObject()
    }
    json.endArray()
    json.key("next_cursor")
    if at < count { json.string(String(at)) } else { json.null() }
  }

  // MARK: Books

  private func writeBooks(_ json: inout JSONWriter) {
    json.key("books")
    writeBooksRow(&json, partition.books.sum, isBalanced: partition.books.isBalanced)
    json.key("producers")
    json.beginArray()
    for at in 0..<min(partition.books.count, Self.rowsMax) {
      let row = partition.books[at]
      if at == 0 && row.received == 0 { continue }
      writeBooksRow(&json, row, isBalanced: row.isBalanced, producer: row.producer)
    }
    json.endArray()
  }

  private func writeBooksRow(
    _ json: inout JSONWriter, _ row: BooksRow, isBalanced: Bool, producer: UInt64? = nil
  ) {
    json.beginObject()
    if let producer { json.field("producer", producer) }
    json.field("received", row.received)
    json.field("applied", row.applied)
    json.field("duplicate", row.duplicate)
    json.field("rejected", row.rejected)
    json.field("late", row.late)
    json.field("shed", row.shed)
    json.key("balanced")
    json.bool(isBalanced)
    json.endObject()
  }

  // MARK: Viewers

  private func writeSnapshot(_ json: inout JSONWriter) {
    json.field("time_ms", partition.state.now)
    json.key("players")
    json.beginArray()
    let counts = partition.state.counts
    for row in 0..<min(Int(counts.players), Self.playersShownMax) {
      let player = partition.state.player(row)
      guard player.isPresent, player.isPlaced else { continue }
      json.beginArray()
      writePlayerName(&json, player.key)
      json.number(Int64(player.x))
      json.number(Int64(player.y))
      json.endArray()
    }
    json.endArray()
    json.key("treasures")
    json.beginArray()
    for row in 0..<min(Int(counts.treasures), Self.playersShownMax) {
      let treasure = partition.state.treasure(row)
      guard treasure.phase != .removed else { continue }
      json.beginArray()
      for value in [
        Int64(treasure.id), Int64(treasure.x), Int64(treasure.y), Int64(treasure.free),
        Int64(treasure.stock), Int64(treasure.points),
      ] { json.number(value) }
      json.endArray()
    }
    json.endArray()
    pulse(&json)
  }

  /// The members `board` and `stats` of what viewers get.
  private func pulse(_ json: inout JSONWriter) {
    json.key("board")
    json.beginObject()
    json.key("name")
    json.string(entry.definition.boards[0].name)
    json.key("rows")
    json.beginArray()
    partition.state.boards[0].top(offset: 0, limit: 20, partition.state.space) {
      writeRow(&json, $0)
    }
    json.endArray()
    json.endObject()
    let counts = partition.state.counts
    json.key("stats")
    json.beginObject()
    json.key("state")
    json.string(partition.state.phase.word)
    json.field("applied", counts.events)
    json.field("players", counts.playersPresent)
    json.field("players_total", counts.players)
    json.field("claims", counts.claims)
    json.field("treasures_open", counts.treasuresOpen)
    json.key("books")
    writeBooksRow(&json, partition.books.sum, isBalanced: partition.books.isBalanced)
    json.endObject()
  }

  // MARK: Metrics

  /// Lines about the last snapshot and about segments put away.
  private func snapshotMetrics(_ line: (String, UInt64, String) -> Void) {
    let status = entry.snapshots.status
    line("snapshots_total", status.written, "")
    line("snapshot_failures_total", status.failures, "")
    line("segments_compressed_total", status.compressedSegments, "")
    line("segments_removed_total", status.removedSegments, "")
    guard let last = status.last else { return }
    line("snapshot_offset", last.offset, "")
    line("snapshot_bytes", last.byteCount, "")
    line("snapshot_milliseconds", UInt64(status.tookMs), "")
    line("snapshot_age_seconds", UInt64(max(0, ThisMachine.wallMs - status.takenMs) / 1_000), "")
  }

  private func metrics() -> [UInt8] {
    let counts = partition.state.counts
    let books = partition.books.sum
    let flushes = journal.flushTimes
    var text = ""
    func line(_ name: String, _ value: UInt64, _ label: String = "") {
      text += "veltrix_\(name){hunt=\"\(entry.name)\"\(label)} \(value)\n"
    }
    line("events_received_total", books.received)
    for (name, value) in [
      ("applied", books.applied), ("duplicate", books.duplicate), ("rejected", books.rejected),
      ("late", books.late), ("shed", books.shed),
    ] { line("events_total", value, ",disposition=\"\(name)\"") }
    line("books_balanced", partition.books.isBalanced ? 1 : 0)
    line("players", counts.playersPresent)
    line("claims_total", counts.claims)
    line("treasures_open", counts.treasuresOpen)
    line("journal_head_offset", partition.nextOffset)
    line("journal_durable_offset", journal.durableThrough)
    line("journal_failed", journal.hasFailed ? 1 : 0)
    line("page_bytes_used", UInt64(pool.usedBytes))
    line("page_bytes_max", UInt64(entry.pageBytesMax))
    // The last is the longest of all.
    for (label, part) in [
      ("0.5", 500_000), ("0.99", 990_000), ("0.999", 999_000), ("1", 1_000_000),
    ] as [(String, UInt64)] {
      line(
        "flush_microseconds", UInt64(flushes.percentile(perMillion: part) / 1_000),
        ",quantile=\"\(label)\"")
    }
    line("flushes_total", flushes.count)
    line("shadow_offset", entry.forks.shadow.offset)
    line("shadow_failed", entry.forks.shadow.hasFailed ? 1 : 0)
    snapshotMetrics { line($0, $1, $2) }
    return Array(text.utf8)
  }
}
