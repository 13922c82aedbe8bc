import Events
import Hunt
import Partitions
import World

/// Tells what one state of a hunt has that another has not.
struct DifferenceText {
  let difference: HuntDifference
  /// How long it took to find out.
  let ns: Int64
  let map: Topology
  /// Journal offset of the fork, and where the hunt was when it was made.
  let offset: UInt64
  let head: UInt64

  /// Counts, then the rows asked for.
  ///
  /// - Parameter name: The name behind a player's number.
  func json(_ wish: DifferenceWish, name: (UInt64) -> NameRow?) -> [UInt8] {
    var json = JSONWriter(capacity: 8_192)
    json.beginObject()
    json.field("offset", offset)
    json.field("head", head)
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
      for at in from..<end { write(part, at, name, &json) }
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
    _ part: DifferenceWish.Part, _ at: Int, _ name: (UInt64) -> NameRow?,
    _ json: inout JSONWriter
  ) {
    json.beginObject()
    switch part {
    case .players: write(difference.players[at], name, &json)
    case .treasures: write(difference.treasures[at], name, &json)
    case .prizes:
      let award = difference.awards[at]
      json.field("treasure", UInt64(award.treasure))
      json.key("player")
      json.player(name(award.player), award.player)
      pair("claims", Int64(award.before), Int64(award.after), &json)
      json.key("winner")
      json.beginArray()
      for holds in [award.before > award.after, award.after > award.before] {
        if holds { json.player(name(award.player), award.player) } else { json.null() }
      }
      json.endArray()
    case .edges:
      write(difference.edges[at], &json)
    case .blocks:
      let block = difference.blocks[at]
      place(block.node, &json)
      json.key("open")
      json.beginArray()
      json.bool(block.isOpenBefore)
      json.bool(!block.isOpenBefore)
      json.endArray()
    }
    json.endObject()
  }

  private func write(
    _ player: HuntDifference.Player, _ name: (UInt64) -> NameRow?, _ json: inout JSONWriter
  ) {
    json.key("player")
    json.player(name(player.key), player.key)
    pair("score", player.before?.score, player.after?.score, &json)
    pair("rank", player.before?.rank.map(Int64.init), player.after?.rank.map(Int64.init), &json)
    pair(
      "claims", player.before.map { Int64($0.claims) }, player.after.map { Int64($0.claims) }, &json
    )
  }

  private func write(
    _ treasure: HuntDifference.Treasure, _ name: (UInt64) -> NameRow?, _ json: inout JSONWriter
  ) {
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
        json.player(name(side.lastWinner), side.lastWinner)
      } else {
        json.null()
      }
    }
    json.endArray()
  }

  private func write(_ edge: EdgeDifference, _ json: inout JSONWriter) {
    json.field("edge", UInt64(edge.id))
    place(edge.tail, &json)
    let isStep = map.form != .network && edge.id < WorldGraph.addedIds
    if isStep {
      json.field("direction", UInt64(edge.id) % UInt64(map.neighbourhood.degree))
      return pair("multiplier", Int64(edge.before), Int64(edge.after), &json)
    }
    if let head = edge.head {
      json.key("to")
      json.beginObject()
      place(head, &json)
      json.endObject()
    }
    pair("cost", Int64(edge.before), Int64(edge.after), &json)
  }

  private func place(_ node: UInt32, _ json: inout JSONWriter) {
    let (x, y, z) = map.place(node)
    json.field("x", Int64(x))
    json.field("y", Int64(y))
    if map.form == .voxels { json.field("z", Int64(z)) }
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

extension JSONWriter {
  /// A player by name, or by number where there is none.
  mutating func player(_ name: NameRow?, _ key: UInt64) {
    if let name { string(name.text) } else { number(key) }
  }
}

extension DifferenceWish.Part {
  var key: StaticString {
    switch self {
    case .players: "players"
    case .treasures: "treasures"
    case .prizes: "prizes"
    case .edges: "edges"
    case .blocks: "blocks"
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
    case .blocks: blocks.count
    }
  }
}
