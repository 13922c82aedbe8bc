import Authoring
import Bounded
import Disk
import Events
import Hunt
import Partitions
import World

/// `{"fork":{...}}`.
func forkJSON(_ entry: HuntEntry, _ record: ForkRecord) -> [UInt8] {
  var json = JSONWriter(capacity: 512)
  json.beginObject()
  json.field("offset", record.now.offset)
  json.field("durable", entry.journal.durableThrough)
  json.key("fork")
  write(record, &json)
  json.endObject()
  return json.bytes
}

/// `{"forks":[...]}`, with the hunt's promotions.
func forksJSON(_ entry: HuntEntry, _ records: [ForkRecord]) -> [UInt8] {
  var json = JSONWriter(capacity: 4_096)
  json.beginObject()
  json.field("offset", entry.journal.durableThrough)
  json.field("durable", entry.journal.durableThrough)
  json.key("forks")
  json.beginArray()
  for record in records { write(record, &json) }
  json.endArray()
  json.key("promotions")
  json.beginArray()
  for (at, promotion) in entry.forks.history.promotions.enumerated() {
    json.beginObject()
    json.field("number", UInt64(at + 1))
    json.field("offset", promotion.offset)
    json.endObject()
  }
  json.endArray()
  json.key("checkpoints")
  json.beginArray()
  for checkpoint in entry.forks.checkpoints { json.number(checkpoint.offset) }
  json.endArray()
  json.endObject()
  return json.bytes
}

private func write(_ record: ForkRecord, _ json: inout JSONWriter) {
  let status = record.now
  json.beginObject()
  json.field("id", UInt64(record.id))
  json.key("kind")
  json.string(record.spec.kind)
  json.key("state")
  json.string(status.phase.rawValue)
  json.key("progress")
  json.thousandths(UInt64(status.progress))
  json.field("created_ms", record.createdMs)
  json.field("head", status.head)
  json.field("base", status.base)
  json.field("offset", status.offset)
  json.key("digest")
  if let digest = status.digest { json.string(digest.hex) } else { json.null() }
  json.field("build_micros", UInt64(max(0, status.buildNs / 1_000)))
  json.key("promoted_at")
  if let offset = status.promotedAt { json.number(offset) } else { json.null() }
  json.key("reason")
  if let reason = status.reason { json.string(reason) } else { json.null() }
  json.endObject()
}

extension HuntView {
  /// What a fork changes: counts, then the rows asked for. `self` is the fork.
  func differenceJSON(
    _ difference: HuntDifference, ns: Int64, _ status: ForkRecord.Status, _ wish: DifferenceWish
  ) -> [UInt8] {
    var json = JSONWriter(capacity: 8_192)
    json.beginObject()
    json.field("offset", status.offset)
    json.field("head", status.head)
    json.key("against")
    json.string(wish.against.map(String.init) ?? "main")
    json.field("pages", UInt64(difference.pageCount))
    json.field("pages_differing", UInt64(difference.pagesDiffering))
    json.field("micros", UInt64(max(0, ns / 1_000)))
    json.key("counts")
    json.beginObject()
    for part in DifferenceWish.Part.allCases {
      json.field(part.key, UInt64(difference.count(part)))
    }
    json.endObject()
    var passed = wish.after
    var left = wish.limit
    for part in wish.parts {
      json.key(part.key)
      json.beginArray()
      let count = difference.count(part)
      let from = min(passed, count)
      let end = min(from + left, count)
      for at in from..<end { write(part, at, difference, &json) }
      passed -= from
      left -= end - from
      json.endArray()
    }
    let total = wish.parts.reduce(0) { $0 + difference.count($1) }
    json.key("next_cursor")
    let next = wish.after + wish.limit
    if next < total { json.string(String(next)) } else { json.null() }
    json.endObject()
    return json.bytes
  }

  private func write(
    _ part: DifferenceWish.Part, _ at: Int, _ difference: HuntDifference, _ json: inout JSONWriter
  ) {
    json.beginObject()
    switch part {
    case .players: write(difference.players[at], &json)
    case .treasures: write(difference.treasures[at], &json)
    case .prizes:
      let award = difference.awards[at]
      json.field("treasure", UInt64(award.treasure))
      json.key("player")
      writePlayerName(&json, award.player)
      pair("claims", Int64(award.before), Int64(award.after), &json)
      json.key("winner")
      json.beginArray()
      for holds in [award.before > award.after, award.after > award.before] {
        if holds { writePlayerName(&json, award.player) } else { json.null() }
      }
      json.endArray()
    case .edges:
      let edge = difference.edges[at]
      let (x, y) = entry.map.place(edge.node)
      json.field("x", Int64(x))
      json.field("y", Int64(y))
      json.field("direction", UInt64(edge.direction))
      pair("multiplier", Int64(edge.before), Int64(edge.after), &json)
    }
    json.endObject()
  }

  private func write(_ player: HuntDifference.Player, _ json: inout JSONWriter) {
    json.key("player")
    writePlayerName(&json, player.key)
    pair("score", player.before?.score, player.after?.score, &json)
    pair("rank", player.before?.rank.map(Int64.init), player.after?.rank.map(Int64.init), &json)
    pair(
      "claims", player.before.map { Int64($0.claims) }, player.after.map { Int64($0.claims) }, &json
    )
  }

  private func write(_ treasure: HuntDifference.Treasure, _ json: inout JSONWriter) {
    json.field("treasure", UInt64(treasure.id))
    json.key("state")
    json.beginArray()
    for side in [treasure.before, treasure.after] {
      if let side { json.string(side.phase.word) } else { json.null() }
    }
    json.endArray()
    pair(
      "free", treasure.before.map { Int64($0.free) }, treasure.after.map { Int64($0.free) }, &json)
    pair(
      "claimed", treasure.before.map { Int64($0.claimed) },
      treasure.after.map { Int64($0.claimed) }, &json)
    json.key("last_winner")
    json.beginArray()
    for side in [treasure.before, treasure.after] {
      if let side, side.lastWinner != 0 {
        writePlayerName(&json, side.lastWinner)
      } else {
        json.null()
      }
    }
    json.endArray()
  }

  private func pair(
    _ key: StaticString, _ before: Int64?, _ after: Int64?, _ json: inout JSONWriter
  ) {
    json.key(key)
    json.beginArray()
    for side in [before, after] {
      if let side { json.number(side) } else { json.null() }
    }
    json.endArray()
  }
}

extension DifferenceWish.Part {
  var key: StaticString {
    switch self {
    case .players: "players"
    case .treasures: "treasures"
    case .prizes: "prizes"
    case .edges: "edges"
    }
  }
}

extension HuntDifference {
  func count(_ part: DifferenceWish.Part) -> Int {
    switch part {
    case .players: players.count
    case .treasures: treasures.count
    case .prizes: awards.count
    case .edges: edges.count
    }
  }
}
