import Authoring
import Bounded
import CSystem
public import Events
public import Net

/// Why a load run did not come about or broke off.
public enum LoadFault: Error, Sendable, CustomStringConvertible {
  case net(NetFault)
  case http(String, HTTPFault)
  /// The engine answered a question with an error.
  case answer(String, String)
  /// A connection of the stream protocol ended before the run began.
  case stream(StreamEnd)
  case noWelcome(seconds: Int)
  case wrongWorld(hunt: String, world: String?)
  /// The treasures of a hunt on a world file are not ones that a run can have players stand on.
  case treasures(hunt: String, String)

  public var description: String {
    switch self {
    case .net(let fault): "\(fault)"
    case .http(let question, let fault): "\(question): \(fault)"
    case .answer(let question, let reason): "\(question): \(reason)"
    case .stream(let end): "stream: \(end)"
    case .noWelcome(let seconds): "stream: no welcome within \(seconds) s"
    case .wrongWorld(let hunt, nil):
      "hunt \(hunt) was not made by veltrix load --create: its world is another"
    case .wrongWorld(let hunt, let world?): "hunt \(hunt): its world is not \(world)"
    case .treasures(let hunt, let reason): "hunt \(hunt): \(reason)"
    }
  }
}

/// A run of `veltrix load`: an open loop at a stated rate, on one thread.
///
/// Every event has its place on the schedule before the run begins; a frame leaves when its last
/// event is due, or as soon after as the connection takes it, and nothing is skipped to catch up.
/// The latency of an event ends when the bytes of the answer are received and counts from its place
/// on the schedule: waiting for the rest of the frame is in it, and so is every delay of the
/// sender.
public final class Load: StreamAudience {
  /// How long answers may take after the last frame was sent.
  public var graceSeconds = 10

  private let options: LoadOptions
  private let progress: (String) -> Void
  private let loop: Loop
  private let http: HTTPClient
  private var world: LoadWorld
  private var sessions: [StreamSession] = []
  private var welcomes: [Welcome?] = []
  private var lanes: [LoadLane] = []
  private var schedule = SendSchedule(startNs: 0, rate: 1, connections: 1)
  private var ackTimes = Histogram()
  private var outcomeTimes = Histogram()
  /// What a second's line shows.
  private var secondTimes = Histogram()
  private var lastAnswerNs: Int64 = 0
  private var ends: [String] = []
  /// Answers that fit no open frame.
  private var strayAnswers: UInt64 = 0
  /// Thousandths of ns between two slots of a connection.
  private var slotStep: Int64 = 0

  /// - Parameters:
  ///   - world: That of `options.worldPath`, where there is one.
  ///   - progress: Gets a line a second.
  public init(
    _ options: LoadOptions, world: LoadWorld = LoadWorld(),
    progress: @escaping (String) -> Void
  ) throws(LoadFault) {
    self.options = options
    self.world = world
    self.progress = progress
    var limits = NetLimits()
    limits.connectionCountMax = options.plan.connections + 8
    limits.streamCountMax = options.plan.connections + 8
    limits.streamIdleMs = 0
    do throws(NetFault) { loop = try Loop(limits: limits) } catch { throw .net(error) }
    http = HTTPClient(loop: loop, host: options.http.host, port: options.http.port)
  }

  /// Prepares, sends, waits for the answers, and compares books.
  public func run() throws(LoadFault) -> LoadReport {
    _ = vx_set_timer_slack(1_000)
    if options.creates { try create() }
    try checkWorld()
    if !world.isDrawn { try findTreasures() }
    try connect()
    let before = try books()
    let usageBefore = try usage()
    let cpuBefore = vx_process_cpu_ns()

    makeLanes()
    send()
    waitForAnswers()

    var report = LoadReport(options)
    report.clientCPUSeconds = Double(vx_process_cpu_ns() - cpuBefore) / 1e9
    fill(&report)
    do throws(LoadFault) {
      report.usage(from: usageBefore, to: try usage())
      try compareBooks(before, &report)
      let hunt = try get("/v1/hunts/\(options.hunt)?digest=true").json?["hunt"]
      report.digest = hunt?["digest"]?.text
      report.digestEvents = hunt?["digest_events"]?.number
    } catch {
      // An engine that is gone leaves what was counted until then, and no books to compare.
      report.booksFaults.append("after the run: \(error)")
    }
    for session in sessions { session.close() }
    loop.runOnce(timeoutNs: 0)
    return report
  }

  // MARK: before the run

  private func get(_ path: String) throws(LoadFault) -> HTTPAnswer {
    let question = "GET \(path)"
    let answer: HTTPAnswer
    do throws(HTTPFault) { answer = try http.wait("GET", path) } catch {
      throw .http(question, error)
    }
    guard answer.status == 200 else { throw .answer(question, answer.reason) }
    return answer
  }

  private func create() throws(LoadFault) {
    let players = options.plan.players + 1_000
    let body =
      options.worldName.map {
        LoadWorld.huntFile(
          name: options.hunt, players: players, world: $0, blocks: world.blockCount)
      } ?? world.huntFile(name: options.hunt, players: players)
    let answer: HTTPAnswer
    do throws(HTTPFault) {
      answer = try http.wait("POST", "/v1/hunts", body: body, seconds: 120)
    } catch { throw .http("POST /v1/hunts", error) }
    guard answer.status == 200 || answer.status == 201 else {
      let advice = answer.status == 409 ? "; leave out --create to use the hunt there is" : ""
      throw .answer("POST /v1/hunts", answer.reason + advice)
    }
  }

  private func checkWorld() throws(LoadFault) {
    let hunt = try get("/v1/hunts/\(options.hunt)?digest=true").json?["hunt"]
    guard hunt?["world"]?["digest"]?.text == world.digest.hex else {
      throw .wrongWorld(hunt: options.hunt, world: options.worldPath)
    }
  }

  /// Asks the engine where the hunt's treasures lie.
  private func findTreasures() throws(LoadFault) {
    var blocks: [UInt32] = []
    var cursor = "0"
    while true {
      let path = "/v1/hunts/\(options.hunt)/treasures?limit=1000&cursor=\(cursor)"
      guard let json = try get(path).json, let rows = json["treasures"] else {
        throw .answer("GET \(path)", "not a list of treasures")
      }
      for row in rows.items {
        guard row["id"]?.number == UInt64(blocks.count + 1), let x = row["x"]?.number,
          let y = row["y"]?.number, x < world.width, y < world.blockCount / world.width
        else {
          throw .treasures(
            hunt: options.hunt, "treasure \(blocks.count + 1) is missing; ids have to be 1, 2, ...")
        }
        blocks.append(UInt32(y) * UInt32(world.width) + UInt32(x))
      }
      guard let next = json["next_cursor"], !next.isAbsent, let text = next.text else { break }
      cursor = text
    }
    if blocks.isEmpty { throw .treasures(hunt: options.hunt, "it has no treasures") }
    world = LoadWorld(world, treasuresOn: blocks)
  }

  private func connect() throws(LoadFault) {
    let count = options.plan.connections
    welcomes = Array(repeating: nil, count: count)
    for number in 0..<count {
      guard
        let hello = Hello(
          producer: 1_000 + UInt64(number), ack: options.ack,
          // Only orders change edges.
          rights: Hello.rightIngest | (options.edges ?? 0 > 0 ? Hello.rightOperate : 0),
          hunt: options.hunt, options: options.acksOnly ? Hello.optionAckOnly : 0)
      else { preconditionFailure("hunt \(options.hunt)") }
      do throws(NetFault) {
        sessions.append(
          try StreamSession(
            loop: loop, host: options.target.host, port: options.target.port, hello: hello,
            number: number, audience: self))
      } catch { throw .net(error) }
    }
    let seconds = 10
    let endNs = vx_monotonic_ns() + Int64(seconds) * 1_000_000_000
    while welcomes.contains(where: { $0 == nil }) {
      for session in sessions {
        if case .ended(let end) = session.phase { throw .stream(end) }
      }
      if vx_monotonic_ns() > endNs { throw .noWelcome(seconds: seconds) }
      loop.runOnce(timeoutNs: 10_000_000)
    }
  }

  private func books() throws(LoadFault) -> EngineBooks {
    let path = "/v1/hunts/\(options.hunt)/books"
    guard let books = EngineBooks(try get(path).body) else {
      throw .answer("GET \(path)", "not the books of a hunt")
    }
    return books
  }

  private func usage() throws(LoadFault) -> EngineUsage {
    EngineUsage(try get("/metrics").body)
  }

  private func makeLanes() {
    var plan = options.plan
    plan.rejoins = welcomes.contains { ($0?.highSequence ?? 0) > 0 }
    schedule = SendSchedule(
      startNs: 0, rate: UInt64(options.offered), connections: UInt64(plan.connections))
    slotStep = Int64(plan.connections) * 1_000_000_000_000 / Int64(options.offered)
    for session in sessions {
      let source = EventSource(
        plan, world: world, connection: session.number,
        firstSequence: (welcomes[session.number]?.highSequence ?? 0) + 1)
      lanes.append(
        LoadLane(
          number: session.number, session: session, source: source,
          slotCount: options.slots.map { schedule.slotCount(session.number, of: $0) } ?? .max,
          batch: plan.batch))
    }
  }

  // MARK: the run

  private func send() {
    // Whatever delays this thread is reported as the engine's delay.
    vx_run_promptly(1)
    let startNs = vx_monotonic_ns() + 5_000_000
    schedule = SendSchedule(
      startNs: startNs, rate: UInt64(options.offered), connections: schedule.connections)
    for lane in lanes { lane.prepare(schedule) }
    var nextLineNs = startNs + 1_000_000_000
    var nextLookNs = startNs
    var told = LoadCounts()
    while true {
      var nowNs = vx_monotonic_ns()
      if nowNs >= nextLookNs {
        // The program blocks the signals that would end it.
        if vx_wait_signal(0) != 0 { return }
        nextLookNs = nowNs + 50_000_000
      }
      var nextNs = Int64.max
      var isDone = true
      for lane in lanes where !lane.isDone && isAlive(lane) {
        isDone = false
        // A lane that is behind gives the others and the answers a turn between its frames.
        if lane.hasFrame, lane.frameDueNs <= nowNs {
          if lane.send() {
            lane.prepare(schedule)
          } else {
            nextNs = min(nextNs, nowNs + 200_000)
            continue
          }
        }
        if lane.hasFrame { nextNs = min(nextNs, lane.frameDueNs) }
      }
      if isDone { return }
      nowNs = vx_monotonic_ns()
      if nowNs >= nextLineNs {
        tell(&told, second: Int((nextLineNs - startNs) / 1_000_000_000))
        nextLineNs += 1_000_000_000
      }
      loop.runOnce(timeoutNs: max(0, min(nextNs, nextLineNs) - nowNs))
    }
  }

  private func isAlive(_ lane: LoadLane) -> Bool { lane.session.phase == .ready }

  private func waitForAnswers() {
    let endNs = vx_monotonic_ns() + Int64(graceSeconds) * 1_000_000_000
    while vx_monotonic_ns() < endNs,
      lanes.contains(where: { $0.counts.unanswered > 0 && isAlive($0) })
    {
      loop.runOnce(timeoutNs: 5_000_000)
    }
  }

  private var counts: LoadCounts {
    var sum = LoadCounts()
    for lane in lanes { sum.add(lane.counts) }
    return sum
  }

  private func tell(_ told: inout LoadCounts, second: Int) {
    let now = counts
    progress(
      "\(second) s: sent \(grouped(now.sent - told.sent)), answered"
        + " \(grouped(now.answered - told.answered)), p99"
        + " \(decimal(Double(secondTimes.percentile(perMillion: 990_000)) / 1e6, 3)) ms, open"
        + " \(grouped(now.unanswered))")
    told = now
    secondTimes = Histogram()
  }

  // MARK: answers

  public func welcomed(_ session: StreamSession, _ welcome: Welcome) {
    welcomes[session.number] = welcome
  }

  public func judged(_ session: StreamSession, batch: UInt64, _ outcomes: RawSpan) {
    guard session.number < lanes.count,
      let (slot, count) = lanes[session.number].judged(batch, outcomes)
    else { return stray() }
    record(session, slot, count, isAck: false)
  }

  public func acknowledged(_ session: StreamSession, batch: UInt64, _ answer: Acknowledgement) {
    guard session.number < lanes.count,
      let (slot, count) = lanes[session.number].acknowledged(batch, answer, level: options.ack)
    else { return stray() }
    record(session, slot, count, isAck: true)
    lastAnswerNs = session.receivedNs
  }

  public func refused(_ session: StreamSession, batch: UInt64, _ refusal: Refusal, isBusy: Bool) {
    guard session.number < lanes.count,
      lanes[session.number].refused(batch, isBusy: isBusy) != nil
    else { return stray() }
    // A refusal is an answer, but not the one whose time is measured.
    lastAnswerNs = session.receivedNs
  }

  public func ended(_ session: StreamSession, _ end: StreamEnd) {
    if end != .left { ends.append("connection \(session.number): \(end)") }
  }

  private func stray() { strayAnswers += 1 }

  private func record(_ session: StreamSession, _ slot: UInt64, _ count: Int, isAck: Bool) {
    var elapsed = (session.receivedNs - schedule.dueNs(slot, session.number)) * 1_000
    if isAck {
      secondTimes.record(elapsed / 1_000 - slotStep * Int64(count / 2) / 1_000, times: 1)
      for _ in 0..<count {
        ackTimes.record(elapsed / 1_000)
        elapsed -= slotStep
      }
    } else {
      for _ in 0..<count {
        outcomeTimes.record(elapsed / 1_000)
        elapsed -= slotStep
      }
    }
  }

  // MARK: after the run

  /// Compares what the engine counted for our producers with what we sent and were told; waits for
  /// counts that the engine writes down late.
  private func compareBooks(_ before: EngineBooks, _ report: inout LoadReport) throws(LoadFault) {
    let endNs = vx_monotonic_ns() + Int64(min(3, graceSeconds)) * 1_000_000_000
    while true {
      let now = try books()
      report.booksFaults = differences(before, now)
      if report.booksFaults.isEmpty || vx_monotonic_ns() >= endNs { break }
      let resumeNs = vx_monotonic_ns() + 100_000_000
      while vx_monotonic_ns() < resumeNs { loop.runOnce(timeoutNs: 20_000_000) }
    }
  }

  private func differences(_ before: EngineBooks, _ now: EngineBooks) -> [String] {
    var faults: [String] = []
    if !now.isBalanced { faults.append("the engine says that its books do not balance") }
    for lane in lanes {
      let producer = lane.session.producer
      guard let row = now.row(producer).since(before.row(producer)) else {
        faults.append("producer \(producer): a count of the books went back")
        continue
      }
      if !row.isBalanced { faults.append("producer \(producer): its row does not balance") }
      for (word, engine, own) in [
        ("received", row.received, lane.counts.sent),
        ("applied", row.applied, lane.counts.applied),
        ("duplicate", row.duplicate, lane.counts.duplicate),
        ("rejected", row.rejected, lane.counts.rejected),
        ("late", row.late, lane.counts.late), ("shed", row.shed, lane.counts.shed),
      ] where engine != own {
        faults.append(
          "producer \(producer): the engine counted \(engine) \(word), its sender \(own)")
      }
    }
    return faults
  }

  private func fill(_ report: inout LoadReport) {
    report.counts = counts
    report.graceSeconds = graceSeconds
    report.ackTimes = ackTimes
    report.outcomeTimes = outcomeTimes
    report.ends = ends
    report.strayAnswers = strayAnswers
    let leastNs = options.slots == nil ? 1 : Int64(options.seconds) * 1_000_000_000
    report.seconds = Double(max(leastNs, lastAnswerNs - schedule.startNs)) / 1e9
    for lane in lanes {
      report.malformed += lane.malformed
      report.duplicates += lane.duplicates
      report.surprises += lane.surprises
      report.outcomes.add(lane.outcomes)
      for code in ResultCode.allCases where code.rawValue < 128 {
        let count = lane.results.load(Int(code.rawValue) * 8, as: UInt64.self)
        if count > 0 { report.results[code.rawValue, default: 0] += count }
      }
      for place in 0..<LoadLane.kindCount * 128 {
        let count = lane.kinds.load(place * 8, as: UInt64.self)
        if count == 0 { continue }
        report.kinds[UInt8(place / 128), default: [:]][UInt16(place % 128), default: 0] += count
      }
    }
  }
}
