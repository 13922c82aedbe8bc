import Bounded
import Events
import Hunt
import Net

/// One sender on the stream protocol: numbers its events, keeps what was not acknowledged, and
/// sends it again after a cut.
///
/// Some of them misbehave on purpose: they repeat what was settled, skip numbers or use them twice,
/// send garbage, or cut their own connection.
final class SimulatedClient {
  private struct Pending {
    let number: UInt64
    var events: [Event]
    /// Nobody can say what must come of it.
    var isOdd = false
    var sentNs: Int64 = 0
  }

  let producer: UInt64
  let ack: AckLevel
  let canOperate: Bool
  let isAckOnly: Bool
  private let checker: HuntChecker
  private let machine: SimulatedMachine
  private let network: () -> SimulatedNetwork
  private var random: SimulationRandom
  private(set) var connection: ConnectionID?
  private var isWelcome = false
  private var pending: [Pending] = []
  private var outcomes: [UInt64: [Outcome]] = [:]
  private var settled: [Pending] = []
  private var nextBatch: UInt64 = 1
  private var sequence: UInt64 = 0
  private var inbox: [UInt8] = []
  private var notBeforeNs: Int64 = 0
  /// Large batches that it is going to send without waiting.
  private var floodLeft = 0
  /// Batches settled so far.
  private(set) var settledCount = 0
  /// Whether durable means flushed, in the run's mode.
  let needsFlush: Bool

  init(
    producer: UInt64, _ checker: HuntChecker, _ machine: SimulatedMachine, needsFlush: Bool,
    network: @escaping () -> SimulatedNetwork
  ) {
    self.producer = producer
    self.checker = checker
    self.machine = machine
    self.network = network
    self.needsFlush = needsFlush
    random = SimulationRandom(seed: machine.options.seed, stream: 1_000 + producer)
    ack = random.chance(80) ? .durable : .applied
    canOperate = random.chance(50)
    isAckOnly = random.chance(10)
  }

  var isIdle: Bool { pending.isEmpty }

  // MARK: Acting

  /// Does the next thing; false when there is nothing to do now.
  func act(mayStart: Bool) -> Bool {
    if machine.monotonicNs < notBeforeNs { return false }
    guard let connection, network().isOpen(connection) else {
      if !mayStart && pending.isEmpty { return false }
      connect()
      return true
    }
    if !isWelcome { return false }
    if let late = pending.first, late.sentNs > 0,
      machine.monotonicNs - late.sentNs > 5_000_000_000
    {
      // No answer for long: begin anew.
      cut()
      return true
    }
    if mayStart, machine.happens(.garbage, oneIn: 60) {
      sendGarbage()
      return true
    }
    if mayStart, machine.happens(.duplicate, oneIn: 25), let old = settled.last {
      repeatSettled(old)
      return true
    }
    if mayStart, machine.happens(.limits, oneIn: 1_500) { floodLeft = 40 }
    guard mayStart, pending.count < (floodLeft > 0 ? 40 : 4) else { return false }
    floodLeft = max(0, floodLeft - 1)
    sendNew()
    return true
  }

  func cut() {
    guard let connection else { return }
    network().cut(connection)
    gone()
  }

  private func gone() {
    connection = nil
    isWelcome = false
    inbox = []
    outcomes = [:]
    notBeforeNs = machine.monotonicNs + Int64(random.below(20_000_000))
  }

  private func connect() {
    connection = network().connect()
    inbox = []
    var rights = Hello.rightIngest
    if canOperate { rights |= Hello.rightOperate }
    guard
      let hello = Hello(
        producer: producer, ack: ack, rights: rights, hunt: checker.hunt.definition.name,
        options: isAckOnly ? Hello.optionAckOnly : 0)
    else { return }
    let payload = Slab(byteCount: 64)
    payload.store(hello, 0)
    send(.hello, batch: 1, payload, count: 1)
  }

  private func sendNew() {
    let isLarge = random.once(in: 25) || floodLeft > 0
    let count = isLarge ? 20 + random.below(150) : 1 + random.below(8)
    var batch = Pending(number: nextBatch, events: [])
    nextBatch += 1
    for _ in 0..<count {
      var event = checker.hunt.event(&random, now: machine.wallMs)
      event.producer = random.chance(50) ? producer : 0
      sequence += 1
      if random.chance(3) { sequence += UInt64(1 + random.below(5)) }
      event.sequence = sequence
      if machine.happens(.lie, oneIn: 60) { lie(&event, &batch) }
      batch.events.append(event)
    }
    pending.append(batch)
    send(pending.count - 1)
  }

  /// A number that is not the next one, or something that is no event.
  private func lie(_ event: inout Event, _ batch: inout Pending) {
    switch machine.draw(.lie, below: 12) {
    case 0: event.sequence = max(1, sequence - min(sequence, 5))
    case 1: event.sequence = 0
    case 2: event.sequence = .max
    case 3: event.producer = producer + 1
    case 4: event.kindByte = 200
    case 5: event.kindByte = EventKind.purchase.rawValue
    case 6: event.flags = EventFlags(rawValue: 1 << 14)
    case 7: event.hunt = 9_999
    case 8: event.version = 7
    case 9: event.player = 0
    case 10: event.time = -5
    default: event.player = Event.nameBase + 500
    }
    batch.isOdd = true
  }

  private func send(_ at: Int) {
    pending[at].sentNs = machine.monotonicNs
    let events = pending[at].events
    let payload = Slab(byteCount: max(1, events.count) * 64)
    for (index, event) in events.enumerated() { payload.store(event, index * 64) }
    send(.events, batch: pending[at].number, payload, count: events.count)
  }

  private func send(_ type: FrameType, batch: UInt64, _ payload: Slab, count: Int) {
    guard let connection else { return }
    let whole = Slab(byteCount: FrameHeader.byteCount + count * 64)
    let header = payload.withBytes(0, count: count * 64) {
      FrameHeader(type, batch: batch, count: count, payload: $0)
    }
    whole.store(header, 0)
    whole.copy(from: payload, at: 0, to: FrameHeader.byteCount, count: count * 64)
    network().clientSends(connection, bytes(of: whole))
  }

  private func bytes(of slab: Slab) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(slab.byteCount)
    for at in 0..<slab.byteCount { bytes.append(slab.load(at, as: UInt8.self)) }
    return bytes
  }

  /// Sends something settled again: it must be called a duplicate.
  private func repeatSettled(_ old: Pending) {
    var batch = Pending(number: nextBatch, events: old.events)
    batch.isOdd = old.isOdd
    nextBatch += 1
    pending.append(batch)
    send(pending.count - 1)
  }

  private func sendGarbage() {
    guard let connection else { return }
    if random.chance(50) {
      // A frame whose payload was damaged on the way.
      let payload = Slab(byteCount: 128)
      payload.store(checker.hunt.event(&random, now: machine.wallMs), 0)
      let whole = Slab(byteCount: FrameHeader.byteCount + 128)
      let header = payload.withBytes(0, count: 128) {
        FrameHeader(.events, batch: 1 << 60, count: 2, payload: $0)
      }
      whole.store(header, 0)
      whole.copy(from: payload, at: 0, to: FrameHeader.byteCount, count: 128)
      whole.store(UInt8(0x55), FrameHeader.byteCount + random.below(128))
      network().clientSends(connection, bytes(of: whole))
      return
    }
    network().clientSends(
      connection, (0..<(1 + random.below(90))).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    )
  }

  // MARK: Hearing

  func heard(_ bytes: [UInt8]) {
    inbox += bytes
    while !inbox.isEmpty {
      let held = Slab(byteCount: inbox.count, zeroed: false)
      held.copy(from: inbox.span, to: 0)
      let taken = held.withBytes(0, count: inbox.count) { takeOne($0) }
      // A fault may have ended the connection.
      if taken == 0 || inbox.count < taken { return }
      inbox.removeFirst(taken)
    }
  }

  /// Takes the first frame of what has come; its bytes, 0 when it is not whole.
  private func takeOne(_ span: RawSpan) -> Int {
    switch FrameReader.read(span) {
    case .needMore: return 0
    case .fatal, .corrupt:
      checker.fail("the engine sent what is no frame")
      return 0
    case .frame(let header, let payload):
      take(header, span.extracting(payload))
      return payload.upperBound
    }
  }

  func heardClosed() { gone() }

  private func take(_ header: FrameHeader, _ payload: RawSpan) {
    switch header.type {
    case .welcome:
      isWelcome = true
      for at in pending.indices { send(at) }
    case .outcomes:
      outcomes[header.batch] = (0..<Int(header.count)).map {
        payload.load($0 * 64, as: Outcome.self)
      }
    case .acknowledgement:
      settle(header.batch, payload.load(0, as: Acknowledgement.self))
    case .busy:
      machine.coverage.count(.busy)
      if let at = pending.firstIndex(where: { $0.number == header.batch }) { send(at) }
    case .fault:
      let refusal = payload.load(0, as: Refusal.self)
      if let code = ResultCode(rawValue: refusal.result) { machine.coverage.count(code) }
    default: checker.fail("the engine sent a frame of type \(header.typeByte)")
    }
  }

  private func settle(_ number: UInt64, _ acknowledgement: Acknowledgement) {
    let told = outcomes.removeValue(forKey: number) ?? []
    guard let at = pending.firstIndex(where: { $0.number == number }) else { return }
    let batch = pending[at]
    let isDurable = acknowledgement.level == AckLevel.durable.rawValue
    if isDurable {
      machine.coverage.count(.acknowledgedDurable)
      checker.calledDurable(acknowledgement.durable, needsFlush: needsFlush)
    }
    let sum =
      UInt32(acknowledgement.applied) + acknowledgement.duplicate + acknowledgement.rejected
      + acknowledgement.late + acknowledgement.shed
    if Int(sum) != batch.events.count {
      return checker.fail("batch \(number) of \(batch.events.count) events: \(acknowledgement)")
    }
    if !isAckOnly {
      guard told.count == batch.events.count else {
        return checker.fail("\(told.count) outcomes for \(batch.events.count) events")
      }
      for (event, outcome) in zip(batch.events, told) { hear(event, outcome, isDurable) }
    }
    pending.remove(at: at)
    if told.contains(where: { $0.disposition == .shed }) || acknowledgement.shed > 0 {
      // Later, and until it is taken; what was taken of it is then a duplicate.
      notBeforeNs = machine.monotonicNs + 5_000_000
      if told.contains(where: { $0.result == .limitReached }) || told.isEmpty { return }
      pending.insert(
        Pending(number: nextBatch, events: batch.events, isOdd: batch.isOdd), at: at)
      nextBatch += 1
      send(at)
      return
    }
    settledCount += 1
    settled.append(batch)
    if settled.count > 8 { settled.removeFirst() }
  }

  private func hear(_ event: Event, _ outcome: Outcome, _ isDurable: Bool) {
    if let result = outcome.result { machine.coverage.count(result) }
    var event = event
    if event.producer == 0 { event.producer = producer }
    guard outcome.sequence == event.sequence || event.sequence == 0 else {
      return checker.fail("event \(event.sequence) was answered as \(outcome.sequence)")
    }
    switch outcome.disposition {
    case .applied, .late: checker.acknowledged(event, outcome, isDurable: isDurable)
    case .duplicate: if isDurable { checker.calledDuplicate(event) }
    default: break
    }
  }
}
