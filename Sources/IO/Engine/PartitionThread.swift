import Authoring
import Bounded
import Bus
import CSystem
import Disk
import Events
import Hunt
import Journal
import Pages
import Partitions
import Synchronization

/// One thread and the hunts that live on it: takes batches from the gateways, steps partitions,
/// feeds their journals, and sends replies back when they may go.
final class PartitionThread: @unchecked Sendable {
  /// What other threads ask of this one beside batches.
  enum Command: Sendable {
    case attach(HostedHunt)
    /// Stops the hunt's journal and lets go of it; `done` is called when nothing refers to it.
    case detach(slot: UInt32, done: @Sendable () -> Void)
    case query(slot: UInt32, Query, QueryTicket)
    /// Offset of the next event; nil when the hunt is gone.
    case offset(slot: UInt32, Handoff<UInt64?>)
    case promote(slot: UInt32, Promotion, Handoff<Promotion.Answer>)
    /// Searches for a path in a branch of the hunt, as its shadow is behind.
    case findInBranch(slot: UInt32, GroundSearch, QueryTicket)
  }

  let bell = Doorbell()
  private let settings: Settings
  private let clock: EngineClock
  let log: Engine.Log
  private let mailbox = Mutex<[Command]>([])
  private let hasMail = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)
  private var ports: [GatewayPort] = []
  private let index: Int
  /// Where what this thread must not wait for is done.
  let forkThread: JobThread
  private var hunts: [HostedHunt?] = []
  private var thread: OSThread?
  private(set) var readers: Readers?
  /// Ports that got replies since they were last woken.
  private var toWake: [Bool] = []

  init(
    index: Int, settings: Settings, clock: EngineClock, forkThread: JobThread,
    log: @escaping Engine.Log
  ) {
    self.index = index
    self.settings = settings
    self.forkThread = forkThread
    self.log = log
    self.clock = clock
  }

  func start(ports: [GatewayPort], readers: Readers) {
    self.ports = ports
    self.readers = readers
    toWake = ports.map { _ in false }
    thread = OSThread(
      name: "vx-partition-\(index)", priority: settings.priority(rank: 2)
    ) { [self] in run() }
  }

  func post(_ command: Command) {
    mailbox.withLock { $0.append(command) }
    hasMail.store(true, ordering: .releasing)
    bell.ring()
  }

  /// Stops the thread and the journals of its hunts, flushing what they hold.
  func stop() {
    stopping.store(true, ordering: .releasing)
    bell.ring()
    thread?.join()
    thread = nil
  }

  // MARK: The loop

  private func run() {
    while !stopping.load(ordering: .acquiring) {
      var worked = readMail()
      let now = clock.nowMs
      for port in 0..<ports.count where takeBatches(port, now) { worked = true }
      for hunt in hunts {
        if let hunt, tend(hunt, now) { worked = true }
      }
      wakePorts()
      if !worked { rest(now) }
    }
    _ = readMail()
    for hunt in hunts {
      guard let hunt else { continue }
      close(hunt)
    }
    wakePorts()
  }

  private func rest(_ now: Int64) {
    var waitMs: Int64 = 1_000
    for hunt in hunts {
      // The timers of a hunt whose journal has failed fire no more.
      if let hunt, !hunt.hasFailed, let due = hunt.partition.state.nextWake {
        waitMs = min(waitMs, max(0, due - now))
      }
    }
    bell.wait(timeoutNs: max(waitMs, 0) * 1_000_000 + 100_000) { [self] in hasWork }
  }

  private var hasWork: Bool {
    if stopping.load(ordering: .acquiring) || hasMail.load(ordering: .acquiring) { return true }
    for port in ports {
      let ring = port.toThreads[index]
      if ring.availableNow > 0, canTake(ring.load(ring.readIndex, as: Batch.self), port) {
        return true
      }
    }
    for hunt in hunts {
      guard let hunt else { continue }
      if canRelease(hunt) { return true }
      if hunt.journal.hasFailed != hunt.hasFailed { return true }
    }
    return false
  }

  // MARK: Batches

  func hunt(_ slot: UInt32) -> HostedHunt? {
    slot < hunts.count ? hunts[Int(slot)] : nil
  }

  /// Whether the batch, its journal lines and its reply all find room.
  private func canTake(_ batch: Batch, _ port: GatewayPort) -> Bool {
    if hasRoom(for: batch, port) { return true }
    port.askForReplyRoom()
    return hasRoom(for: batch, port)
  }

  private func hasRoom(for batch: Batch, _ port: GatewayPort) -> Bool {
    let replies = port.fromThreads[index].free
    guard let hunt = hunt(batch.slot) else { return replies > 1 }
    return hunt.journal.ring.hasRoom(Partition.journalLines(batch))
      && hunt.partition.hasRoom(for: batch, replyLinesFree: replies)
  }

  /// Steps the batches of one gateway, at most so many events that the others need not wait long.
  private func takeBatches(_ at: Int, _ now: Int64) -> Bool {
    let port = ports[at]
    let ring = port.toThreads[index]
    let replies = port.fromThreads[index].writeIndex
    var events = 0
    while events < 8_192, ring.available > 0 {
      let batch = ring.load(ring.readIndex, as: Batch.self)
      guard canTake(batch, port) else { break }
      let lines = LineRun(ring.lines, first: ring.readIndex + 1, count: batch.lineCount)
      if let hunt = hunt(batch.slot) {
        step(hunt, batch, lines, now, port)
      } else {
        refuse(batch, port)
      }
      ring.release(1 + batch.lineCount)
      events += Int(batch.count) + 1
    }
    if events == 0 { return false }
    if port.isAwaitingRoom() || port.fromThreads[index].writeIndex != replies { toWake[at] = true }
    return true
  }

  private func step(
    _ hunt: HostedHunt, _ batch: Batch, _ lines: LineRun, _ now: Int64, _ port: GatewayPort
  ) {
    let replies = port.fromThreads[index]
    withOutput(hunt, replies: replies) { output in
      hunt.partition.step(
        batch, lines, tick: now, isStopped: hunt.journal.hasFailed, &output)
    }
  }

  /// Runs `body` on buffers in the hunt's journal ring and a gateway's reply ring, then publishes
  /// what it filled.
  func withOutput(
    _ hunt: HostedHunt, replies: LineRing?, _ body: (inout StepOutput) -> Void
  ) {
    let journal = hunt.journal.ring
    guard var effects = hunt.effects.take() else { preconditionFailure("a step within a step") }
    effects.isWanted = hunt.entry.feed.isWanted
    let target =
      replies.map { LineTarget($0.lines, first: $0.writeIndex, capacity: $0.free) }
      ?? LineTarget(journal.lines, first: 0, capacity: 0)
    var output = StepOutput(
      journal: LineTarget(journal.lines, first: journal.writeIndex, capacity: journal.free),
      replies: target, effects: effects)
    body(&output)
    if output.journal.count > 0 {
      journal.publish(output.journal.count)
      hunt.hasJournalled = true
    }
    if let replies, output.replies.count > 0 { replies.publish(output.replies.count) }
    publish(&output.effects, hunt.entry.feed)
    hunt.effects = output.takeEffects()
  }

  /// Moves effects to the feed's ring; what does not fit is lost, and said to be.
  private func publish(_ effects: inout EffectBuffer, _ feed: EffectFeed) {
    if effects.count == 0 && effects.dropped == 0 { return }
    let count = min(effects.count, feed.ring.free)
    for at in 0..<count { feed.ring.store(effects[at], feed.ring.writeIndex + at) }
    if count > 0 { feed.ring.publish(count) }
    if count < effects.count || effects.dropped > 0 { feed.setLost() }
    effects.removeAll()
  }

  /// Answers a batch for a hunt that is gone.
  private func refuse(_ batch: Batch, _ port: GatewayPort) {
    var reply = Reply(.gone, to: batch)
    reply.ack = .applied
    reply.shed = batch.count
    let ring = port.fromThreads[index]
    ring.store(reply, ring.writeIndex)
    ring.publish(1)
  }

  // MARK: Between batches

  /// Releases replies, fires timers; whether there was anything to do.
  private func tend(_ hunt: HostedHunt, _ now: Int64) -> Bool {
    var worked = false
    if hunt.hasJournalled {
      hunt.hasJournalled = false
      hunt.journal.ringBell()
      worked = true
    }
    if hunt.journal.hasFailed && !hunt.hasFailed {
      hunt.hasFailed = true
      log(
        .error,
        "hunt \(hunt.entry.name): the journal has failed and admits nothing more: "
          + (hunt.journal.fault ?? "unknown"))
      hunt.partition.abandonHeld()
      worked = true
    }
    let durable = hunt.journal.durableThrough
    hunt.entry.feed.durableThrough = durable
    if canRelease(hunt) {
      worked = true
      hunt.partition.release(durable: hunt.hasFailed ? .max : durable) { run in
        let reply = run.load(0, as: Reply.self)
        let ring = ports[Int(reply.gateway)].fromThreads[index]
        guard ring.hasRoom(run.count) else { return false }
        run.copy(to: ring.lines, first: ring.writeIndex)
        ring.publish(run.count)
        toWake[Int(reply.gateway)] = true
        return true
      }
    }
    if hunt.hasFailed { return worked }
    let hasTimer = hunt.partition.state.nextWake.map { $0 <= now } ?? false
    if hasTimer, hunt.journal.ring.hasRoom(16) {
      worked = true
      withOutput(hunt, replies: nil) { output in
        hunt.partition.advance(to: now, &output)
      }
    }
    return worked
  }

  /// Whether the oldest reply that a hunt holds may go and finds room; where it only wants room,
  /// the gateway rings when there is some.
  private func canRelease(_ hunt: HostedHunt) -> Bool {
    guard let reply = hunt.partition.oldestHeld,
      hunt.hasFailed || reply.offset <= hunt.journal.durableThrough
    else { return false }
    let port = ports[Int(reply.gateway)]
    let ring = port.fromThreads[index]
    let count = 1 + Int(reply.lineCount)
    if ring.hasRoom(count) { return true }
    port.askForReplyRoom()
    return ring.hasRoom(count)
  }

  private func wakePorts() {
    for at in 0..<ports.count where toWake[at] {
      toWake[at] = false
      ports[at].wake()
    }
  }

  // MARK: Mail

  private func readMail() -> Bool {
    guard hasMail.exchange(false, ordering: .acquiringAndReleasing) else { return false }
    let commands = mailbox.withLock { held in
      let taken = held
      held.removeAll(keepingCapacity: true)
      return taken
    }
    for command in commands {
      switch command {
      case .attach(let hunt):
        while hunts.count <= Int(hunt.entry.slot) { hunts.append(nil) }
        hunts[Int(hunt.entry.slot)] = hunt
      case .detach(let slot, let done):
        if let hunt = hunt(slot) {
          close(hunt)
          hunts[Int(slot)] = nil
        }
        done()
      case .query(let slot, let query, let ticket):
        answer(slot, query, ticket)
      case .offset(let slot, let answer):
        answer.put(hunt(slot)?.partition.nextOffset)
      case .promote(let slot, let promotion, let answer):
        answer.put(hunt(slot).map { promote($0, promotion) } ?? .gone)
      case .findInBranch(let slot, let search, let ticket):
        if let hunt = hunt(slot) {
          findInBranch(search, hunt, ticket)
        } else {
          answerGone(ticket)
        }
      }
    }
    return !commands.isEmpty
  }

  /// Flushes the hunt's journal and sends what it held.
  private func close(_ hunt: HostedHunt) {
    hunt.journal.ringBell()
    hunt.journal.stop()
    _ = tend(hunt, 0)
  }

  private func answerGone(_ ticket: QueryTicket) {
    ticket.port.put(
      Answer(
        connection: ticket.connection, tag: ticket.tag, status: 404, offset: 0, durable: 0,
        body: errorBody("unknown_hunt", "the hunt is gone")))
  }

  private func answer(_ slot: UInt32, _ query: Query, _ ticket: QueryTicket) {
    guard let hunt = hunt(slot) else { return answerGone(ticket) }
    if let search = GroundSearch(query, number: hunt.number) {
      return find(search, hunt, ticket)
    }
    let (status, body) = hunt.answer(query)
    var answer = Answer(
      connection: ticket.connection, tag: ticket.tag, status: status,
      offset: hunt.partition.nextOffset, durable: hunt.journal.durableThrough, body: body)
    answer.events = hunt.partition.state.counts.events
    if case .pulse(let names) = query {
      for number in names {
        if let name = hunt.partition.state.name(of: number) {
          answer.names.append((number, Array(name.text.utf8)))
        }
      }
    }
    ticket.port.put(answer)
  }
}
