import Bounded
import Engine
import Events
import Hunt
import Partitions

/// What the HTTP gateway sends a partition once it has read a request: events with names and
/// idempotency keys, atomic batches, starts and pauses, counts of what was no event.
///
/// It stands behind the reading of HTTP and JSON, which has tests of its own.
final class SimulatedTexts {
  private struct Sent {
    let header: Batch
    let events: [Event]
    let checker: HuntChecker
  }

  private let machine: SimulatedMachine
  private var random: SimulationRandom
  private var sent: [UInt64: Sent] = [:]
  private var old: [(Batch, [Event], [String])] = []
  private var nextBatch: UInt64 = 1
  /// Who checks the atomic body that begins with a key.
  private var owners: [UInt64: HuntChecker] = [:]
  let needsFlush: Bool
  private let countMax: Int

  /// In some runs bodies may be long, so that segments fill up, end where one does not fit, and are
  /// compressed.
  static func hasLongBodies(_ options: SimulationOptions) -> Bool {
    var random = SimulationRandom(seed: options.seed, stream: 51)
    return random.chance(10)
  }

  init(_ machine: SimulatedMachine, needsFlush: Bool) {
    self.machine = machine
    self.needsFlush = needsFlush
    random = SimulationRandom(seed: machine.options.seed, stream: 50)
    countMax = Self.hasLongBodies(machine.options) ? 800 : 6
  }

  /// The engine is gone, and with it every answer.
  func forget() { sent = [:] }

  var waiting: String { sent.values.map { "\($0.header)" }.sorted().first ?? "none" }
  /// Answers under way.
  var isIdle: Bool { sent.isEmpty }

  func act(_ port: GatewayPort, _ entry: HuntEntry, _ checker: HuntChecker) {
    var batch = Batch(.submit)
    batch.slot = entry.slot
    batch.producer = UInt64(900 + random.below(3))
    batch.ack = random.chance(70) ? .durable : .applied
    batch.flags = .fromText
    if random.chance(50) { batch.flags.insert(.operate) }
    if random.chance(25) { batch.flags.insert(.atomic) }
    if random.chance(4) {
      batch.kind = .control
      batch.detail = UInt64([1, 1, 1, 2][random.below(4)])
      return submit(batch, [], [], port, entry, checker)
    }
    if random.chance(3) {
      batch.kind = random.chance(50) ? .rejectAll : .shedAll
      batch.count = UInt32(1 + random.below(9))
      return submit(batch, [], [], port, entry, checker)
    }
    if !old.isEmpty, machine.happens(.duplicate, oneIn: 8) {
      let (header, events, names) = old[random.below(old.count)]
      return submit(header, events, names, port, entry, checker)
    }
    let names = (0..<random.below(4)).map { _ in "player \(random.below(14))" }
    var events: [Event] = []
    let keyed = random.chance(70)
    let body = EventFlags.body(random.next())
    var isFresh = keyed && batch.flags.contains(.atomic)
    // As many lies a body, however long.
    let each = countMax / 6
    for _ in 0..<(1 + random.below(countMax)) {
      var event = checker.hunt.event(&random, now: machine.wallMs)
      if !names.isEmpty, random.chance(60) {
        event.flags.insert(.playerIsName)
        event.player = UInt64(random.below(names.count))
      }
      if keyed {
        event.flags.formUnion([.idempotencyKey, body])
        event.sequence = random.next() & (1 << 63 - 1)
        if machine.happens(.lie, oneIn: 30 * each), let last = old.last?.1.first {
          event.sequence = last.sequence
          // Wherever it was sent to: this body may be sent there again.
          owners[last.sequence]?.sendsAlone(last.sequence)
          isFresh = false
        }
      }
      if machine.happens(.lie, oneIn: 40 * each) {
        event = .rejected(Rejection(.malformed, .kind, position: random.below(100)))
      }
      if machine.happens(.lie, oneIn: 40 * each) {
        event.kindByte = EventKind.claim.rawValue
        event.treasure = 0
      }
      events.append(event)
    }
    batch.count = UInt32(events.count)
    batch.nameCount = UInt32(names.count)
    // What was no event has no key; it rejects the others.
    if isFresh {
      checker.sendsWhole(events.map(\.sequence).filter { $0 != 0 })
      owners[events[0].sequence] = checker
    }
    if keyed { old.append((batch, events, names)) }
    if old.count > 12 { old.removeFirst() }
    submit(batch, events, names, port, entry, checker)
  }

  private func submit(
    _ header: Batch, _ events: [Event], _ names: [String], _ port: GatewayPort,
    _ entry: HuntEntry, _ checker: HuntChecker
  ) {
    var batch = header
    batch.slot = entry.slot
    batch.batch = nextBatch
    batch.connection = nextBatch
    nextBatch += 1
    let lines = Slab(byteCount: max(1, batch.lineCount) * 64)
    for (at, event) in events.enumerated() { lines.store(event, at * 64) }
    for (at, name) in names.enumerated() {
      if let row = NameRow(Array(name.utf8).span) {
        lines.store(row, (events.count + 2 * at) * 64)
      }
    }
    let isTaken =
      batch.kind == .submit
      ? lines.withBytes(0, count: batch.lineCount * 64) {
        port.send(batch, $0, thread: entry.thread)
      } : port.sendCount(batch, thread: entry.thread)
    if isTaken {
      sent[batch.batch] = Sent(header: batch, events: events, checker: checker)
    } else {
      machine.coverage.count(.busy)
    }
    port.flush()
  }

  func receive(_ port: GatewayPort) {
    while port.receive(limit: 1_000, { reply, lines in take(reply, lines) }) {}
  }

  private func take(_ reply: Reply, _ lines: LineRun) {
    guard let asked = sent.removeValue(forKey: reply.batch) else { return }
    let isDurable = reply.ack == .durable
    if isDurable { asked.checker.calledDurable(reply.offset, needsFlush: needsFlush) }
    guard asked.header.kind == .submit else { return }
    guard lines.count == asked.events.count else {
      return asked.checker.fail("\(lines.count) outcomes for \(asked.events.count) events of text")
    }
    let isAtomic = asked.header.flags.contains(.atomic)
    var taken = 0
    for (at, event) in asked.events.enumerated() {
      let outcome = lines.load(at, as: Outcome.self)
      if let result = outcome.result { machine.coverage.count(result) }
      var event = event
      if event.producer == 0 { event.producer = asked.header.producer }
      if [.applied, .late, .duplicate].contains(outcome.disposition) { taken += 1 }
      if outcome.disposition == .applied || outcome.disposition == .late {
        asked.checker.acknowledged(event, outcome, isDurable: isDurable)
      }
    }
    if isAtomic, taken != 0, taken != asked.events.count {
      asked.checker.fail("an atomic batch of \(asked.events.count) was taken in part: \(taken)")
    }
  }
}
