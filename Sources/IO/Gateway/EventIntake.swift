import Bounded
import CSystem
import Engine
import Events
import Hunt
import Partitions

/// What the sender of a request of events asked for beside the events.
struct EventWish {
  var ack = AckLevel.durable
  var isAtomic = false
  var idempotencyKey: String?
  var wantsOperate = false
}

/// The word for an acknowledgement level in a query.
enum AckChoice: String, CaseIterable {
  case applied, durable
  var level: AckLevel { self == .applied ? .applied : .durable }
}

/// Reads JSON bodies into batches, in memory taken once.
struct EventIntake: ~Copyable {
  /// Producer of events of requests that name none.
  static var anonymousProducer: UInt64 { 1 << 62 }

  /// One body read.
  struct Taken {
    var count = 0
    var batch = Batch(.submit)
    /// Why events were rejected, by position; the first 100.
    var messages: [Int: String] = [:]
    /// Names of the players of events that gave one, by position.
    var names: [Int: [UInt8]] = [:]

    /// Keeps the sentence about a rejected event, of the first 100.
    mutating func note(_ at: Int, _ message: String) {
      if messages.count < 100 { messages[at] = message }
    }
  }

  private var names = PlayerNames(capacity: HTTPGateway.eventCountMax)
  /// Events, then names: what a partition gets behind the batch's header.
  private let lines = Slab(
    byteCount: (HTTPGateway.eventCountMax * 3 + 1) * 64, zeroed: false)

  mutating func read(_ body: RawSpan, _ wish: EventWish, stampNs: Int64) -> Taken {
    var taken = Taken()
    names.removeAll()
    var reader = EventReader(body, eventCountMax: HTTPGateway.eventCountMax)
    let key = wish.idempotencyKey.map { key in
      let bytes = Array(key.utf8)
      let slab = Slab(byteCount: bytes.count)
      slab.copy(from: bytes.span, to: 0)
      return slab.hash(0, count: bytes.count).low
    }
    let bodyBits = EventFlags.body(wish.idempotencyKey == nil ? 0 : hash64(body))
    while let item = reader.next(body, names: &names) {
      let at = taken.count
      switch item {
      case .event(let event) where event.sequence != 0 && event.producer == 0:
        // Numbers without a producer would share one order with every other such sender.
        let rejection = Rejection(.missingField, .producer, position: 0)
        store(event, rejection, at)
        taken.note(at, "\"sequence\" counts the events of a producer: \"producer\" is missing")
      case .event(var event):
        if event.flags.contains(.playerIsName) {
          taken.names[at] = names.withName(Int(event.player)) { name in
            (0..<name.byteCount).map { name.byte($0) }
          }
        }
        if let key, event.sequence == 0 {
          event.sequence = mixed(key &+ UInt64(at)) & (1 << 63 - 1)
          event.flags.formUnion([.idempotencyKey, bodyBits])
        }
        lines.store(event, at * 64)
      case .rejected(let rejection, let partial):
        store(partial, rejection, at)
        taken.note(at, describe(rejection, in: body))
      }
      taken.count += 1
    }
    for index in 0..<names.count {
      var row = NameRow()
      names.withName(index) { name in
        row.size = UInt64(name.byteCount)
        for at in 0..<name.byteCount {
          row.words[at >> 3] |= UInt64(name.byte(at)) << UInt64(8 * (at & 7))
        }
      }
      lines.store(row, (taken.count + 2 * index) * 64)
    }
    taken.batch.ack = wish.ack
    taken.batch.flags = .fromText
    if wish.isAtomic { taken.batch.flags.insert(.atomic) }
    if wish.wantsOperate { taken.batch.flags.insert(.operate) }
    taken.batch.producer = Self.anonymousProducer
    taken.batch.count = UInt32(taken.count)
    taken.batch.nameCount = UInt32(names.count)
    taken.batch.stampNs = stampNs
    return taken
  }

  /// Puts a rejection in the place of an event.
  private func store(_ event: Event, _ rejection: Rejection, _ at: Int) {
    var marker = Event.rejected(rejection)
    marker.sequence = event.sequence
    marker.player = event.flags.contains(.playerIsName) ? 0 : event.player
    lines.store(marker, at * 64)
  }

  /// Sends what was read last; false when the partition's queue has no room.
  func send(_ batch: Batch, _ port: GatewayPort, thread: Int) -> Bool {
    lines.withBytes(0, count: batch.lineCount * 64) { bytes in
      port.send(batch, bytes, thread: thread)
    }
  }
}

/// A request that waits for its events' outcomes.
struct PendingEvents {
  let entry: HuntEntry
  /// A change of phase; it waits for nothing but being durable.
  let isControl: Bool
  var messages: [Int: String] = [:]
  var names: [Int: [UInt8]] = [:]
  var isAtomic = false

  init(entry: HuntEntry, isControl: Bool) {
    self.entry = entry
    self.isControl = isControl
  }

  /// Status and body for the reply.
  func body(_ reply: Reply, _ lines: LineRun) -> (Int, [UInt8]) {
    var json = JSONWriter(capacity: 256 + lines.count * 256)
    json.beginObject()
    json.field("offset", reply.offset)
    json.key("ack")
    json.string(reply.ack == .durable ? "durable" : "applied")
    json.key("counts")
    json.beginObject()
    json.field("applied", UInt64(reply.applied))
    json.field("duplicate", UInt64(reply.duplicate))
    json.field("rejected", UInt64(reply.rejected))
    json.field("late", UInt64(reply.late))
    json.field("shed", UInt64(reply.shed))
    json.endObject()
    let status = status(reply, lines)
    if status != 200 { writeError(&json, status, reply) }
    json.key("outcomes")
    json.beginArray()
    for at in 0..<lines.count {
      let outcome = lines.load(at, as: Outcome.self)
      let message = messages[Int(outcome.position)]
      if let name = names[Int(outcome.position)] {
        let slab = Slab(byteCount: max(1, name.count))
        slab.copy(from: name.span, to: 0)
        slab.withBytes(0, count: name.count) { bytes in
          OutcomeWriter.append(outcome, name: bytes, message: message, to: &json)
        }
      } else {
        OutcomeWriter.append(outcome, message: message, to: &json)
      }
    }
    json.endArray()
    json.endObject()
    return (status, json.bytes)
  }

  private func status(_ reply: Reply, _ lines: LineRun) -> Int {
    let taken = reply.applied + reply.duplicate + reply.late
    if taken > 0 { return 200 }
    if reply.rejected > 0 {
      for at in 0..<lines.count
      where lines.load(at, as: Outcome.self).result == .idempotencyConflict { return 409 }
      return 400
    }
    if reply.shed > 0 {
      let first = lines.count > 0 ? lines.load(0, as: Outcome.self).result : nil
      return first == .stopped ? 503 : first == .limitReached ? 422 : 429
    }
    return 200
  }

  private func writeError(_ json: inout JSONWriter, _ status: Int, _ reply: Reply) {
    json.key("error")
    json.beginObject()
    json.key("code")
    switch status {
    case 503:
      json.string("stopped")
      json.key("message")
      json.string("the hunt's journal has failed; it admits nothing until the engine is restarted")
    case 429:
      json.string("busy")
      json.key("message")
      json.string("no event was taken; send them again later")
    case 422:
      json.string("limit_reached")
      json.key("message")
      json.string("a table of the hunt (names, producers or gaps) is full; see its limits")
    case 409:
      json.string("idempotency_conflict")
      json.key("message")
      json.string("another request came with this Idempotency-Key; none of these events was taken")
    default:
      json.string(isAtomic ? "batch_rejected" : "rejected")
      json.key("message")
      let first = messages.min { $0.key < $1.key }
      json.string(
        (isAtomic ? "atomic=true and a bad event: none was taken; " : "")
          + (first.map { "event \($0.key): \($0.value)" } ?? "every event was rejected"))
    }
    json.endObject()
  }
}
