import Authoring
import Bounded
import CSystem
import Engine
import Events
import Hunt
import Net

/// Shows hunts to viewers: a snapshot, then numbered deltas at a fixed rate, over WebSocket or
/// server-sent events.
///
/// The engine never waits: effects come through a ring that drops when full. A viewer that reads
/// slowly misses deltas and starts again from a snapshot when it has caught up, so its buffer holds
/// one snapshot and one delta at most.
final class LiveHub {
  private struct Viewer {
    let isSocket: Bool
    let hunt: UInt32
    /// Deltas wait until a snapshot has been sent.
    var hasSnapshot = false
    /// Journal offset of its snapshot: effects before it are old news.
    var snapshotOffset: UInt64 = 0
    /// Its buffer was full: nothing is sent until it has drained.
    var isBehind = false
  }

  private struct Place {
    var key: UInt64
    var x: Int32
    var y: Int32
    var isGone = false
  }

  private final class Hunt {
    let entry: HuntEntry
    var viewers: Set<ConnectionID> = []
    var sequence: UInt64 = 0
    /// Latest place of each player who moved since the last delta, by row.
    var moved: [UInt32: Place] = [:]
    var claims: [Effect] = []
    var treasures: [UInt32: Effect] = [:]
    var isAsking = false
    /// Effects below this journal offset are in the next delta.
    var drainedBelow: UInt64 = 0
    /// Names of players known by name, by number.
    var names: [UInt64: [UInt8]] = [:]
    /// Events a second over the last whole second, and where the next one began.
    var rate: UInt64?
    var rateEvents: UInt64 = 0
    var rateNs: Int64 = 0

    init(_ entry: HuntEntry) { self.entry = entry }
  }

  /// Claims shown in one delta; of more, the first.
  private static let claimsMax = 200

  private let loop: Loop
  private let engine: Engine
  private let latencies: Latencies
  /// Asks a hunt; set by the gateway.
  var ask: (HuntEntry, Query, @escaping (Answer) -> Void) -> Void = { _, _, _ in }
  private var viewers: [ConnectionID: Viewer] = [:]
  private var hunts: [UInt32: Hunt] = [:]
  private var nextNs: Int64 = 0

  init(loop: Loop, engine: Engine, latencies: Latencies) {
    self.loop = loop
    self.engine = engine
    self.latencies = latencies
  }

  var viewerCount: Int { viewers.count }

  // MARK: Viewers

  /// Takes what stands under `subscribe`; false when that names no hunt.
  func subscribe(_ connection: ConnectionID, _ wish: YamlNode) -> Bool {
    guard case .mapping(let inner) = wish.content,
      let hunt = inner.first(where: { $0.key == "hunt" }),
      case .scalar(let name, _) = hunt.value.content
    else { return false }
    guard let entry = engine.hunt(named: name) else {
      tell(connection, error: "unknown_hunt", "there is no such hunt")
      return true
    }
    leave(connection)
    join(connection, entry, isSocket: true)
    return true
  }

  func join(_ connection: ConnectionID, _ entry: HuntEntry, isSocket: Bool) {
    viewers[connection] = Viewer(isSocket: isSocket, hunt: entry.number)
    if hunts[entry.number] == nil {
      // What earlier viewers left in the ring is older than the snapshot to come.
      entry.feed.drain(below: .max) { _ in }
      _ = entry.feed.takeLost()
      hunts[entry.number] = Hunt(entry)
    }
    guard let hunt = hunts[entry.number] else { return }
    hunt.viewers.insert(connection)
    entry.feed.isWanted = true
    sendSnapshot(connection, hunt)
  }

  func leave(_ connection: ConnectionID) {
    guard let viewer = viewers.removeValue(forKey: connection), let hunt = hunts[viewer.hunt] else {
      return
    }
    hunt.viewers.remove(connection)
    if hunt.viewers.isEmpty {
      hunt.entry.feed.isWanted = false
      hunts[viewer.hunt] = nil
    }
  }

  /// The hunt is being deleted: its viewers are told.
  func end(_ entry: HuntEntry) {
    guard let hunt = hunts[entry.number] else { return }
    for connection in hunt.viewers {
      tell(connection, error: "hunt_deleted", "the hunt was deleted")
      let isSocket = viewers[connection]?.isSocket ?? true
      leave(connection)
      if isSocket {
        loop.closeWebSocket(connection, code: 1001, reason: "the hunt was deleted")
      } else {
        loop.close(connection)
      }
    }
  }

  func drained(_ connection: ConnectionID) {
    guard viewers[connection]?.isBehind == true, let viewer = viewers[connection],
      let hunt = hunts[viewer.hunt]
    else { return }
    viewers[connection]?.isBehind = false
    sendSnapshot(connection, hunt)
  }

  func tell(_ connection: ConnectionID, error code: String, _ message: String) {
    var json = JSONWriter(capacity: 128)
    json.beginObject()
    json.key("type")
    json.string("error")
    json.key("code")
    json.string(code)
    json.key("message")
    json.string(message)
    json.endObject()
    let isSocket = viewers[connection]?.isSocket ?? true
    _ = send(connection, isSocket: isSocket, event: "error", sequence: 0, json.bytes)
  }

  private func send(
    _ connection: ConnectionID, isSocket: Bool, event: String, sequence: UInt64, _ body: [UInt8]
  ) -> Bool {
    if isSocket { return loop.sendText(connection, body) }
    return loop.sendEvent(connection, id: String(sequence), event: event, data: body)
  }

  private func sendSnapshot(_ connection: ConnectionID, _ hunt: Hunt) {
    viewers[connection]?.hasSnapshot = false
    ask(hunt.entry, .snapshot) { [unowned self] answer in
      guard let viewer = viewers[connection], viewer.hunt == hunt.entry.number,
        answer.status == 200
      else { return }
      var head = Array(
        "{\"type\":\"snapshot\",\"hunt\":\"\(hunt.entry.name)\",\"seq\":\(hunt.sequence),".utf8)
      head += answer.body.dropFirst()
      let isSent = send(
        connection, isSocket: viewer.isSocket, event: "snapshot", sequence: hunt.sequence, head)
      viewers[connection]?.hasSnapshot = isSent
      viewers[connection]?.snapshotOffset = answer.offset
      viewers[connection]?.isBehind = !isSent
    }
  }

  // MARK: Deltas

  func tick(_ nowNs: Int64) {
    if nowNs < nextNs { return }
    nextNs = nowNs + 1_000_000_000 / Int64(max(1, engine.settings.liveRate))
    for hunt in hunts.values where !hunt.isAsking {
      hunt.isAsking = true
      drain(hunt)
      ask(hunt.entry, .pulse(names: unknownNames(hunt))) { [unowned self, hunt] answer in
        hunt.isAsking = false
        for (number, name) in answer.names { hunt.names[number] = name }
        if answer.status == 200 { sendDelta(hunt, answer) }
      }
    }
  }

  /// Takes what the engine has published and made durable.
  private func drain(_ hunt: Hunt) {
    let ring = hunt.entry.feed
    let durable = ring.durableThrough
    hunt.drainedBelow = durable
    let isLost = ring.takeLost()
    ring.drain(below: durable) { effect in take(effect, hunt) }
    if isLost {
      for connection in hunt.viewers { restart(connection, hunt) }
    }
  }

  private func take(_ effect: Effect, _ hunt: Hunt) {
    switch EventKind(rawValue: effect.kindByte) {
    case .move, .join, .teleport:
      hunt.moved[effect.playerIndex] = Place(key: effect.player, x: effect.x, y: effect.y)
    case .leave:
      hunt.moved[effect.playerIndex] = Place(
        key: effect.player, x: effect.x, y: effect.y, isGone: true)
    case .claim:
      if hunt.claims.count < Self.claimsMax { hunt.claims.append(effect) }
      hunt.treasures[effect.treasure] = effect
    case .spawn, .despawn:
      hunt.treasures[effect.treasure] = effect
    default: break
    }
  }

  /// Numbers of named players that are to be shown and whose names are not known yet.
  private func unknownNames(_ hunt: Hunt) -> [UInt64] {
    var wanted: [UInt64] = []
    for place in hunt.moved.values
    where place.key >= Event.nameBase && hunt.names[place.key] == nil { wanted.append(place.key) }
    for claim in hunt.claims
    where claim.player >= Event.nameBase && hunt.names[claim.player] == nil {
      wanted.append(claim.player)
    }
    return wanted
  }

  private func restart(_ connection: ConnectionID, _ hunt: Hunt) {
    guard let viewer = viewers[connection], viewer.hasSnapshot else { return }
    let body = Array("{\"type\":\"reset\"}".utf8)
    if viewer.isSocket {
      if loop.sendText(connection, body) { leave(connection) } else { markBehind(connection) }
    } else {
      sendSnapshot(connection, hunt)
    }
  }

  private func markBehind(_ connection: ConnectionID) {
    viewers[connection]?.isBehind = true
    viewers[connection]?.hasSnapshot = false
  }

  private func sendDelta(_ hunt: Hunt, _ answer: Answer) {
    let sequence = hunt.sequence + 1
    hunt.sequence = sequence
    let tail = pulse(hunt, answer)
    let body = delta(hunt, answer, tail)
    hunt.moved.removeAll(keepingCapacity: true)
    hunt.claims.removeAll(keepingCapacity: true)
    hunt.treasures.removeAll(keepingCapacity: true)
    // For viewers whose snapshot is newer than what was drained: the same number, no old places.
    let quiet = delta(hunt, answer, tail)
    let event = Loop.eventBytes(id: String(sequence), event: "delta", data: body)
    for connection in hunt.viewers {
      guard let viewer = viewers[connection], viewer.hasSnapshot, !viewer.isBehind else { continue }
      // Something still waits for this viewer to read: it starts again when it has caught up.
      guard !loop.isBacklogged(connection) else {
        markBehind(connection)
        continue
      }
      let isNewer = viewer.snapshotOffset > hunt.drainedBelow
      let isSent =
        if viewer.isSocket {
          loop.sendText(connection, isNewer ? quiet : body)
        } else if isNewer {
          loop.sendEvent(connection, id: String(sequence), event: "delta", data: quiet)
        } else {
          loop.send(connection, event)
        }
      if !isSent { markBehind(connection) }
    }
  }

  private func delta(_ hunt: Hunt, _ answer: Answer, _ tail: [UInt8]) -> [UInt8] {
    var json = JSONWriter(capacity: 4_096 + hunt.moved.count * 24)
    json.beginObject()
    json.key("type")
    json.string("delta")
    json.key("hunt")
    json.string(hunt.entry.name)
    json.field("seq", hunt.sequence)
    json.field("offset", answer.offset)
    writeMoves(&json, hunt)
    writeClaims(&json, hunt)
    writeTreasures(&json, hunt)
    return json.bytes + tail
  }

  /// How a delta ends: the pulse is `{"board":{...},"stats":{...}}`; its members end the delta's
  /// object, and the rates end `stats`.
  private func pulse(_ hunt: Hunt, _ answer: Answer) -> [UInt8] {
    var bytes = [UInt8(ascii: ",")]
    bytes += answer.body.dropFirst().dropLast(2)
    bytes += rates(hunt, answer)
    bytes += Array("}}".utf8)
    return bytes
  }

  private func writePlayer(_ json: inout JSONWriter, _ key: UInt64, _ hunt: Hunt) {
    if key < Event.nameBase {
      json.number(key)
    } else {
      json.string(hunt.names[key].map { String(decoding: $0, as: UTF8.self) } ?? "")
    }
  }

  private func writeMoves(_ json: inout JSONWriter, _ hunt: Hunt) {
    json.key("moves")
    json.beginArray()
    for place in hunt.moved.values where !place.isGone {
      json.beginArray()
      writePlayer(&json, place.key, hunt)
      json.number(Int64(place.x))
      json.number(Int64(place.y))
      json.endArray()
    }
    json.endArray()
    json.key("left")
    json.beginArray()
    for place in hunt.moved.values where place.isGone { writePlayer(&json, place.key, hunt) }
    json.endArray()
  }

  private func writeClaims(_ json: inout JSONWriter, _ hunt: Hunt) {
    json.key("claims")
    json.beginArray()
    for claim in hunt.claims {
      json.beginObject()
      json.field("offset", claim.offset)
      json.key("player")
      writePlayer(&json, claim.player, hunt)
      json.field("treasure", UInt64(claim.treasure))
      json.field("points", Int64(claim.points))
      json.field("x", Int64(claim.x))
      json.field("y", Int64(claim.y))
      json.field("free", UInt64(claim.stockLeft))
      json.endObject()
    }
    json.endArray()
  }

  private func writeTreasures(_ json: inout JSONWriter, _ hunt: Hunt) {
    json.key("treasures")
    json.beginArray()
    for effect in hunt.treasures.values where effect.isRemoval == 0 {
      json.beginArray()
      for value in [
        Int64(effect.treasure), Int64(effect.x), Int64(effect.y),
        Int64(effect.stockLeft), Int64(effect.stock), Int64(effect.points),
      ] { json.number(value) }
      json.endArray()
    }
    json.endArray()
    json.key("removed")
    json.beginArray()
    for effect in hunt.treasures.values where effect.isRemoval == 1 {
      json.number(UInt64(effect.treasure))
    }
    json.endArray()
  }

  /// Members of `stats` that only the gateway knows, each with a comma before it.
  private func rates(_ hunt: Hunt, _ answer: Answer) -> [UInt8] {
    var text = ""
    let now = vx_monotonic_ns()
    if now >= hunt.rateNs + 1_000_000_000 {
      if hunt.rateNs > 0 {
        hunt.rate = (answer.events &- hunt.rateEvents) * 1_000_000_000 / UInt64(now - hunt.rateNs)
      }
      hunt.rateNs = now
      hunt.rateEvents = answer.events
    }
    if let rate = hunt.rate { text += ",\"events_per_second\":\(rate)" }
    let recent = latencies.recent
    if recent.count > 0 {
      func us(_ part: UInt64) -> Int64 { recent.percentile(perMillion: part) / 1_000 }
      text += ",\"ack_us\":{\"p50\":\(us(500_000)),\"p99\":\(us(990_000)),\"p999\":\(us(999_000))}"
    }
    return Array(text.utf8)
  }
}
