import Authoring
import Disk
import Engine
import Gateway
import Hunt
import Machine
import Pages
import Partitions

/// What came of a run.
public struct SimulationResult {
  public let options: SimulationOptions
  /// What was found to be wrong first; nil when nothing was.
  public let violation: String?
  /// A number into which everything went that happened.
  public let trace: UInt64
  public let steps: Int
  /// Events journalled at the end, over all hunts.
  public let events: Int
  public let coverage: SimulationCoverage
  /// The engine's own lines, the latest last.
  public let log: [String]
}

/// One seed, one run of the whole system on one thread: the engine as it is built for production,
/// its clients, and everything that may go wrong around them.
///
/// What it checks is said at the top of `HuntChecker`; beside that: that the engine opens its data
/// after every crash unless the disk was damaged, that it ends when told to, and that every client
/// is answered once the faults have stopped.
public final class SimulationRun: @unchecked Sendable {
  enum Phase: Equatable { case down, opening, serving, ending }

  let options: SimulationOptions
  let coverage = SimulationCoverage()
  let machine: SimulatedMachine
  var random: SimulationRandom
  let settings: Settings
  let hunts: [SimulatedHunt]
  var checkers: [HuntChecker] = []
  var clients: [SimulatedClient] = []
  let texts: SimulatedTexts
  var network: SimulatedNetwork
  var operators: SimulatedOperator

  var phase = Phase.down
  var engine: Engine?
  var gateway: StreamGateway?
  var textPort: GatewayPort?
  private var openFault: EngineFault?
  private var wantsStop = false
  private var wantsWake = false
  private var isEnded = false
  /// Hunts that were made, as the engine said.
  private var isMade: [Bool]
  private(set) var steps = 0
  private(set) var violation: String?
  private(set) var log: [String] = []
  private var lastTickNs: Int64 = 0
  /// Since the engine last came up.
  private var powerWasCut = false
  /// The first offset of each hunt of which the disk did not hold what it was told, at a start.
  private var lies: [UInt64?]
  private var failedOpenings = 0
  private var restartAtStep = Int.max
  /// The journal's mode promises that what is called durable was flushed.
  var needsFlush: Bool { settings.durability == .batch }

  public init(_ options: SimulationOptions) {
    self.options = options
    var faults = options
    // A segment that is compressed keeps what was wrong with it, and nobody can put it right.
    if SimulatedTexts.hasLongBodies(options) {
      faults.faults.subtract([.rot, .misdirected, .dropped])
    }
    machine = SimulatedMachine(faults, coverage: coverage)
    var random = SimulationRandom(seed: options.seed, stream: 200)
    settings = Self.settings(&random)
    let isTight = options.faults.contains(.limits) && random.chance(50)
    if isTight { coverage.count(.limits) }
    hunts = (0..<(random.chance(70) ? 1 : 2)).map {
      SimulatedHunt("hunt-\($0)", &random, isTight: isTight)
    }
    isMade = hunts.map { _ in false }
    lies = hunts.map { _ in nil }
    let needsFlush = settings.durability == .batch
    texts = SimulatedTexts(machine, needsFlush: needsFlush)
    network = SimulatedNetwork(machine)
    operators = SimulatedOperator(machine)
    self.random = random
    for hunt in hunts {
      let journal = machine.journals.journal(
        "\(settings.data)/hunts/\(hunt.definition.name)/journal")
      checkers.append(HuntChecker(hunt, journal, coverage, canary: options.canary))
    }
    for at in 0..<(2 + self.random.below(4)) {
      clients.append(
        SimulatedClient(
          producer: UInt64(10 + 10 * at), checkers[at % checkers.count], machine,
          needsFlush: needsFlush, network: { [unowned self] in network }))
    }
  }

  private static func settings(_ random: inout SimulationRandom) -> Settings {
    var settings = Settings()
    settings.data = "/data"
    settings.threads = 1 + random.below(2)
    settings.durability = [.batch, .batch, .batch, .interval, .os][random.below(5)]
    settings.flushIntervalMs = 5 + random.below(40)
    settings.groupCommitMaxMs = random.below(3)
    settings.segmentBytes = 1 << 20
    settings.digestEveryEvents = 256 * (1 + random.below(20))
    settings.diskReserveBytes = 1 << 20
    settings.snapshotEveryEvents = 200 + random.below(4_000)
    settings.snapshotEveryMs = 500 + random.below(20_000)
    settings.snapshotKeep = 1 + random.below(3)
    settings.snapshotFullEvery = 1 + random.below(5)
    settings.snapshotRate = random.chance(50) ? 0 : 8 << 20
    settings.journalRetention = [.compress, .remove, .keep][random.below(3)]
    settings.forkRoom = 2 + random.below(2)
    settings.queueEvents = 2_048
    return settings
  }

  // MARK: The run

  /// Runs it to its end.
  public func run() -> SimulationResult {
    LastWords.set("\nthe run trapped; repeat it with\n  \(options.command)\n")
    ThisMachine.with(machine) {
      while steps < options.steps && violation == nil { step() }
      if violation == nil { calmDown() }
      // Whatever came of it, nothing of the engine may be left on a stack.
      machine.isCalm = true
      endProcess(cutsPower: false)
      gateway = nil
      textPort = nil
    }
    machine.note(UInt64(steps))
    for checker in checkers { machine.note(checker.journal.written) }
    LastWords.set("")
    return SimulationResult(
      options: options, violation: violation, trace: machine.trace, steps: steps,
      events: checkers.reduce(0) { $0 + Int($1.journal.written) }, coverage: coverage, log: log)
  }

  func fail(_ text: String) { if violation == nil { violation = "step \(steps): \(text)" } }

  /// One turn: of a thread, of the network, of a client, or of fate.
  private func step() {
    steps += 1
    if phase == .down { open() }
    if machine.isOff { return crash() }
    if isEnded { return ended() }
    inject()
    if machine.isOff { return crash() }
    if phase == .opening { noteLies() }
    let isDone: Bool
    switch random.below(10) {
    case 0...5: isDone = machine.runOne()
    case 6...7: isDone = deliver()
    default: isDone = act(mayStart: true)
    }
    if !isDone && !machine.runOne() && !deliver() && !act(mayStart: true) { passTime() }
    machine.pass(500)
    look()
  }

  /// Looks at what the last turn may have brought about.
  private func look() {
    if phase == .serving { serve() }
    for checker in checkers { if let found = checker.violation { fail(found) } }
  }

  private func passTime() {
    // What is due already waits for something else than time.
    let now = machine.monotonicNs
    let next = [machine.nextWakeNs, network.nextDueNs].compactMap { $0 }.filter { $0 > now }.min()
    let limit = machine.monotonicNs + 5_000_000
    machine.advance(to: max(machine.monotonicNs + 1_000, min(next ?? limit, limit)))
  }

  private func deliver() -> Bool {
    guard phase == .serving else { return false }
    let (isDone, arrival) = network.deliverOne(&random)
    switch arrival {
    case .bytes(let id, let bytes): clients.first { $0.connection == id }?.heard(bytes)
    case .closed(let id): clients.first { $0.connection == id }?.heardClosed()
    case nil: break
    }
    return isDone
  }

  private func act(mayStart: Bool) -> Bool {
    guard phase == .serving, let engine, let textPort, let gateway else { return false }
    if random.chance(15), mayStart {
      let at = random.below(hunts.count)
      guard let entry = engine.hunt(named: hunts[at].definition.name) else { return false }
      if random.chance(3) {
        operators.act(engine, entry, checkers[at], textPort, settings)
      } else {
        texts.act(textPort, entry, checkers[at])
      }
      return true
    }
    defer { gateway.passed() }
    return clients[random.below(clients.count)].act(mayStart: mayStart)
  }

  // MARK: Serving

  private func serve() {
    guard let engine, let gateway, let textPort else { return }
    if wantsWake {
      wantsWake = false
      gateway.woken()
      texts.receive(textPort)
      operators.receive(textPort)
      network.offerResumed()
    }
    if machine.monotonicNs - lastTickNs > 20_000_000 {
      lastTickNs = machine.monotonicNs
      gateway.tick(nowNs: lastTickNs)
      network.offerResumed()
      readEffects(engine)
    }
    if options.canary == .skippedDedupe, random.once(in: 100) { forgetSequences(engine) }
    if steps % 2_500 == 0 { compareAll() }
  }

  private func readEffects(_ engine: Engine) {
    for (hunt, checker) in zip(hunts, checkers) {
      guard let entry = engine.hunt(named: hunt.definition.name) else { continue }
      entry.feed.isWanted = true
      if entry.feed.takeLost() { checker.lostEffects() }
      var effects: [Effect] = []
      entry.feed.drain(below: entry.journal.durableThrough) { effects.append($0) }
      if options.canary == .effectsSwapped, effects.count > 1 { effects.reverse() }
      for effect in effects { checker.showed(effect) }
    }
  }

  /// Lets the journals come to rest, then compares every state.
  func compareAll() {
    guard let engine else { return }
    for (hunt, checker) in zip(hunts, checkers) {
      guard let entry = engine.hunt(named: hunt.definition.name) else { continue }
      for _ in 0..<4_000 {
        guard let hosted = engine.hosted(entry), !machine.isOff else { break }
        if hosted.hasFailed || hosted.partition.nextOffset == checker.journal.written { break }
        if !machine.runOne() { passTime() }
      }
      guard let hosted = engine.hosted(entry), !machine.isOff, !isEnded else { return }
      if hosted.hasFailed { continue }
      guard hosted.partition.nextOffset == checker.journal.written else { continue }
      checker.compare(&hosted.partition, isStopped: false)
      checker.compare(
        pool: entry.pool, hosted.partition, forks: operators.forkCount(entry),
        checkpoints: entry.forks.checkpointCount)
      operators.compare(entry, checker)
    }
  }

  // MARK: Faults

  private func inject() {
    let m = machine
    if m.doomIn == nil {
      if m.happens(.kill, oneIn: 2_500) {
        m.doom = .kill
        m.doomIn = m.draw(.kill, below: 60)
      } else if m.happens(.power, oneIn: 2_500) {
        m.doom = .power
        m.doomIn = m.draw(.power, below: 60)
      }
    }
    if phase == .serving {
      if m.happens(.stop, oneIn: 6_000) { stop() }
      if m.happens(.cut, oneIn: 400) { clients[m.draw(.cut, below: clients.count)].cut() }
      if steps >= restartAtStep { stop() }
    }
    if m.happens(.clock, oneIn: 1_500) {
      if m.draw(.clock, below: 2) == 0 {
        m.wallBaseMs += Int64(m.draw(.clock, below: 7_200_000)) - 3_600_000
      } else {
        // The machine stood still.
        m.pass(Int64(m.draw(.clock, below: 10_000)) * 1_000_000)
      }
    }
    if m.options.faults.contains(.rot), phase != .down, random.once(in: 6_000) { m.rotOneBit() }
  }

  private func stop() {
    restartAtStep = .max
    wantsStop = true
    phase = .ending
    coverage.count(.stopped)
  }

  // MARK: The process

  private func open() {
    machine.switchOn()
    noteLies()
    network = SimulatedNetwork(machine)
    phase = .opening
    isEnded = false
    wantsStop = false
    openFault = nil
    _ = machine.spawn("main") { [unowned self] in main() }
  }

  /// Remembers what the disk holds otherwise than it was told: a start may cut it.
  private func noteLies() {
    if !machine.disk.isLying { return }
    for (at, checker) in checkers.enumerated() {
      if let lie = checker.journal.firstLie(machine.disk) { lies[at] = min(lies[at] ?? .max, lie) }
    }
  }

  /// What the program's main thread does.
  private func main() {
    do throws(EngineFault) {
      let engine = try Engine(settings) { [unowned self] level, line in said(level, line) }
      checkRecovery(engine)
      let stream = engine.addPort { [unowned self] in wantsWake = true }
      let text = engine.addPort { [unowned self] in wantsWake = true }
      let gateway = StreamGateway(carrier: network, engine: engine, port: stream)
      engine.start()
      self.engine = engine
      self.gateway = gateway
      textPort = text
      network.application = gateway
      makeHunts(engine)
      if !wantsStop { phase = .serving }
      machine.wait(timeoutNs: -1) { [unowned self] in wantsStop }
      engine.stop()
    } catch { openFault = error }
    isEnded = true
  }

  private func makeHunts(_ engine: Engine) {
    for (at, hunt) in hunts.enumerated() where engine.hunt(named: hunt.definition.name) == nil {
      var outcome: Result<HuntEntry, CreateRefusal>?
      let box = Box<Result<HuntEntry, CreateRefusal>>()
      engine.create(hunt.definition, map: hunt.map) { box.value = $0 }
      machine.wait(timeoutNs: -1) { box.value != nil }
      outcome = box.value
      if case .success? = outcome { isMade[at] = true }
    }
    // Where the disk would not have it, another start will.
    if hunts.contains(where: { engine.hunt(named: $0.definition.name) == nil }) { wantsStop = true }
  }

  private final class Box<Value>: @unchecked Sendable { var value: Value? }

  private func checkRecovery(_ engine: Engine) {
    failedOpenings = 0
    var recovered = false
    for (at, hunt) in hunts.enumerated() {
      let checker = checkers[at]
      guard let entry = engine.hunt(named: hunt.definition.name) else {
        if isMade[at] { fail("hunt \(hunt.definition.name) was made, and is gone") }
        continue
      }
      recovered = true
      isMade[at] = true
      checker.recovered(
        to: entry.journal.durableThrough, least: checker.journal.durable, lie: lies[at],
        mayLose: !needsFlush && powerWasCut)
    }
    if recovered { coverage.count(.recovery) }
    powerWasCut = false
    lies = hunts.map { _ in nil }
  }

  private func said(_ level: Settings.LogLevel, _ line: String) {
    if machine.isOff { return }
    log.append("\(steps) \(level) \(line)")
    if log.count > 60 { log.removeFirst() }
    if line.contains("a snapshot of") { coverage.count(.recoveryFromSnapshot) }
    if line.contains("a torn write") { coverage.count(.recoveryCutTail) }
    if line.contains("the journal has failed") { coverage.count(.journalFailed) }
    // The shadow meets the repeated sequence too; here it is to be found at the disk.
    guard level == .error, options.canary != .skippedDedupe else { return }
    if line.contains("the journal has failed") {
      restartAtStep = min(restartAtStep, steps + 300)
    } else {
      restartAtStep = min(restartAtStep, steps + 300)
    }
    let isExcused = machine.diskHasFailed || machine.isOff || machine.diskHasLied
    if !isExcused { fail("the engine says: \(line)") }
  }

  /// The process ended by itself: it was told to, or could not open its data.
  private func ended() {
    let fault = openFault
    endProcess(cutsPower: false)
    guard let fault else { return }
    if machine.diskHasLied {
      // Somebody puts the files right, as from a backup.
      coverage.count(.damageRefused)
      _ = machine.disk.repair()
      return
    }
    failedOpenings += 1
    if !machine.diskHadFailed || failedOpenings > 50 {
      fail("the engine does not open its data: \(fault)")
    }
  }

  private func crash() {
    let cutsPower = machine.doom == .power
    if phase == .opening { coverage.count(.recoveryInterrupted) }
    endProcess(cutsPower: cutsPower)
  }

  /// Nothing that the process does from here on counts; its threads unwind.
  private func endProcess(cutsPower: Bool) {
    if engine != nil && !machine.isOff { countTrails() }
    machine.endNow()
    for checker in checkers { checker.journal.end() }
    for id in network.cutAll() { clients.first { $0.connection == id }?.heardClosed() }
    texts.forget()
    operators.forget()
    network.application = nil
    wantsStop = true
    var turns = 0
    while !machine.areAllDone {
      turns += 1
      if !machine.runOne() { passTime() }
      if turns > 400_000 {
        fail("the engine does not end: \(machine.waitingNames)")
        Terminal.error("threads that do not end: \(machine.waitingNames)")
        preconditionFailure("threads that do not end")
      }
    }
    engine = nil
    gateway = nil
    textPort = nil
    phase = .down
    isEnded = false
    restartAtStep = .max
    if cutsPower {
      machine.cutPower()
      if options.canary == .tornCheckLost { hideTears() }
      powerWasCut = true
    }
    machine.pass(Int64(1 + random.below(3_000)) * 1_000_000)
  }

  private func countTrails() {
    for hunt in hunts {
      guard let status = engine?.hunt(named: hunt.definition.name)?.snapshots.status else {
        continue
      }
      coverage.count(.snapshot, Int(status.written))
      coverage.count(.segmentPutAway, Int(status.compressedSegments + status.removedSegments))
    }
    for checker in checkers where checker.journal.segments.count > 1 {
      coverage.count(.segmentRolled)
    }
    for checker in checkers where checker.journal.endings > 0 { coverage.count(.segmentEnded) }
  }

  // MARK: The end

  /// No more faults: everybody is answered, everything is compared, and a last start finds it all.
  private func calmDown() {
    machine.isCalm = true
    machine.doomIn = nil
    if machine.disk.isLying { _ = machine.disk.repair() }
    settle()
    if violation != nil { return }
    compareAll()
    look()
    if violation != nil { return }
    wantsStop = true
    finishProcess()
    open()
    settle()
    compareAll()
    look()
  }

  private func settle() {
    let start = steps
    while violation == nil {
      steps += 1
      if phase == .down { open() }
      if machine.isOff { crash() }
      if isEnded { ended() }
      if steps - start > 400_000 {
        let waiting = clients.filter { !$0.isIdle }.map(\.producer)
        return fail(
          "not answered: clients \(waiting), texts \(texts.waiting), operator "
            + "\(operators.waiting); \(phase), threads \(machine.waiting)")
      }
      let isDone: Bool
      switch random.below(3) {
      case 0: isDone = machine.runOne()
      case 1: isDone = deliver()
      default: isDone = act(mayStart: false)
      }
      if !isDone && !machine.runOne() && !deliver() && !act(mayStart: false) { passTime() }
      look()
      if steps >= restartAtStep { stop() }
      if phase == .serving, clients.allSatisfy(\.isIdle), texts.isIdle, operators.isIdle { return }
    }
  }

  /// An orderly stop, to its end.
  private func finishProcess() {
    phase = .ending
    var turns = 0
    while !isEnded {
      turns += 1
      if !machine.runOne() { passTime() }
      if turns > 400_000 { return fail("the engine does not stop: \(machine.waitingNames)") }
    }
    endProcess(cutsPower: false)
  }
}
