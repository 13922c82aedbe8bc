import Authoring
import Bounded
import CSystem
import Engine
import Events
import Hunt
import Net
import Partitions
import World

/// HTTP, server-sent events and WebSockets: what the paths mean. One thread, the loop's.
final class HTTPGateway: HTTPApplication {
  /// Most events in one request.
  static let eventCountMax = 4_096
  /// The longest message of a WebSocket.
  private static let messageBytesMax = 4_096

  let loop: Loop
  let engine: Engine
  let port: GatewayPort
  let live: LiveHub
  private let queries: SocketQueries
  private let latencies: Latencies
  private let startedNs = vx_monotonic_ns()

  /// Requests that wait for a partition, by connection.
  private var pending: [ConnectionID: PendingEvents] = [:]
  /// What to do with the answer to a query, by its tag.
  private var asked: [UInt64: (Answer) -> Void] = [:]
  private var nextTag: UInt64 = 1
  /// Work finished on other threads, to be answered on this one.
  let inbox = Inbox()
  /// Events refused for load that a hunt's books have not been told of.
  private var untoldShed: [UInt32: (HuntEntry, UInt32)] = [:]

  private var reader = EventIntake()

  init(loop: Loop, engine: Engine, port: GatewayPort, latencies: Latencies) {
    self.loop = loop
    self.engine = engine
    self.port = port
    self.latencies = latencies
    live = LiveHub(loop: loop, engine: engine, latencies: latencies)
    queries = SocketQueries(loop: loop, engine: engine)
    live.ask = { [unowned self] entry, query, body in ask(entry, query, body) }
    queries.ask = { [unowned self] entry, query, view, body in
      engine.ask(entry, query, ticket(body), in: view)
    }
  }

  // MARK: Routes

  func request(_ request: borrowing HTTPRequest, _ body: RawSpan, _ connection: ConnectionID) {
    // Nor may one whose own name was made to lead here.
    if let host = request.header("Host"), !HostName.isOurs(host, engine.settings) {
      return fail(
        connection, 403, "foreign_host", "this server is not called \"\(host)\"; see `hosts`",
        field: "Host")
    }
    // A page of another site may not act on an engine that trusts its own machine.
    if let origin = request.header("Origin"), let host = request.header("Host"),
      origin != "http://\(host)", origin != "https://\(host)"
    {
      return fail(
        connection, 403, "foreign_origin", "requests from pages of other origins are refused",
        field: "Origin")
    }
    let path = request.pathSegments
    let route = Route(method: request.method, path: path)
    switch route {
    case .page: file(connection, .html)
    case .script: file(connection, .script)
    case .module(let name): file(connection, .module(name))
    case .style: file(connection, .style)
    case .icon: loop.respond(connection, status: 204, body: [])  // browsers ask; the page has none
    case .openAPI: file(connection, .openAPI)
    case .alive: text(connection, 200, "alive\n")
    case .ready: text(connection, 200, "ready\n")
    case .metrics: metrics(connection)
    case .liveSocket: openSocket(request, connection)
    case .listHunts: listHunts(connection)
    case .createHunt: createHunt(body, connection)
    case .hunt(let name, let part):
      guard let entry = engine.hunt(named: name) else {
        return fail(connection, 404, "unknown_hunt", "there is no hunt \"\(name)\"")
      }
      huntRequest(part, entry, request, body, connection)
    case .notAllowed(let allowed):
      fail(
        connection, 405, "method_not_allowed",
        "\(request.methodName) is not for this path; allowed: \(allowed)", [("Allow", allowed)])
    case .unknown:
      fail(connection, 404, "unknown_path", "no such path; see /openapi.json")
    }
  }

  private func huntRequest(
    _ part: Route.HuntPart, _ entry: HuntEntry, _ request: borrowing HTTPRequest, _ body: RawSpan,
    _ connection: ConnectionID
  ) {
    do throws(ParameterFault) {
      switch part {
      case .show: try read(connection, entry, .hunt(digest: try request.flag("digest")), request)
      case .delete: delete(entry, connection)
      case .phase(let phase): change(entry, to: phase, connection)
      case .events: try takeEvents(entry, request, body, connection)
      case .world: world(entry, connection)
      case .drawing: drawing(entry, connection)
      case .live: openEvents(entry, connection)
      case .books: try read(connection, entry, .books, request)
      case .board(let name):
        try read(
          connection, entry,
          .board(
            name: name, limit: try request.integer("limit", 1...1_000, default: 20),
            offset: try request.integer("offset", 0...16_777_216, default: 0),
            around: request.query("around").map { PlayerName($0) },
            window: try request.choice("window", default: WindowChoice.current)), request)
      case .player(let name): try read(connection, entry, .player(PlayerName(name)), request)
      case .hint(let name): try read(connection, entry, .hint(PlayerName(name)), request)
      case .treasures:
        try read(
          connection, entry,
          .treasures(
            limit: try request.integer("limit", 1...1_000, default: 100),
            after: UInt32(try request.integer("cursor", 0...16_777_216, default: 0)),
            filter: try request.choice("state", default: TreasureFilter.all)), request)
      case .search(let word): try read(connection, entry, try word.query(request), request)
      case .makeFork, .forks, .fork, .deleteFork, .forkDifference, .promoteFork, .whyPlayer,
        .whyTreasure:
        try forkRequest(part, entry, request, body, connection)
      }
    } catch {
      fail(connection, 400, "bad_parameter", error.message, field: error.field)
    }
  }

  // MARK: Answers

  func respond(
    _ connection: ConnectionID, _ status: Int, json body: [UInt8], offset: UInt64? = nil,
    durable: UInt64? = nil, _ more: [(String, String)] = []
  ) {
    var headers = more
    headers.append(("Content-Type", "application/json"))
    headers.append(("Cache-Control", "no-store"))
    if let offset { headers.append(("Veltrix-Offset", String(offset))) }
    if let durable { headers.append(("Veltrix-Durable", String(durable))) }
    loop.respond(connection, status: status, headers: headers, body: body)
  }

  func fail(
    _ connection: ConnectionID, _ status: Int, _ code: String, _ message: String,
    _ headers: [(String, String)] = [], field: String? = nil
  ) {
    respond(connection, status, json: errorBody(code, message, field: field), headers)
  }

  private func text(_ connection: ConnectionID, _ status: Int, _ text: String) {
    loop.respond(
      connection, status: status, headers: [("Content-Type", "text/plain; charset=utf-8")],
      body: Array(text.utf8))
  }

  private func file(_ connection: ConnectionID, _ file: ConsoleFile) {
    loop.respond(
      connection, status: 200,
      headers: [
        ("Content-Type", file.type),
        ("Content-Security-Policy", "default-src 'self'; img-src 'self' data:"),
        ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-cache"),
      ], body: file.bytes)
  }

  private func world(_ entry: HuntEntry, _ connection: ConnectionID) {
    guard entry.map.form == .grid else {
      let message = "a world of form \(entry.map.form.word) has no map to draw"
      return respond(connection, 404, json: errorBody("no_map", message))
    }
    loop.respond(
      connection, status: 200,
      headers: [
        ("Content-Type", "text/plain; charset=us-ascii"), ("Cache-Control", "no-cache"),
        ("ETag", "\"\(entry.map.digest.hex)\""),
      ], body: entry.map.mapText())
  }

  private func drawing(_ entry: HuntEntry, _ connection: ConnectionID) {
    do throws(WorldDrawing.Refusal) {
      let bytes = try WorldDrawing.bytes(of: entry.map)
      loop.respond(
        connection, status: 200,
        headers: [
          ("Content-Type", "application/octet-stream"), ("Cache-Control", "no-cache"),
          ("ETag", "\"\(entry.map.digest.hex)\""),
        ], body: bytes)
    } catch { fail(connection, 404, error.code, error.message) }
  }

  // MARK: Reads

  /// Asks a hunt and hands the answer to `body` on this thread.
  func ask(_ entry: HuntEntry, _ query: Query, _ body: @escaping (Answer) -> Void) {
    engine.ask(entry, query, ticket(body))
  }

  private func read(_ connection: ConnectionID, _ entry: HuntEntry, _ query: Query) {
    ask(entry, query) { [unowned self] answer in respond(connection, answer) }
  }

  /// A read that may be of a fork or of the past.
  private func read(
    _ connection: ConnectionID, _ entry: HuntEntry, _ query: Query,
    _ request: borrowing HTTPRequest
  ) throws(ParameterFault) {
    let view = try request.view
    if view == .now { return read(connection, entry, query) }
    engine.ask(entry, query, ticket { [unowned self] in respond(connection, $0) }, in: view)
  }

  func respond(_ connection: ConnectionID, _ answer: Answer) {
    if answer.status == 204 { return loop.respond(connection, status: 204, body: []) }
    let busy = answer.status == 429 || answer.status == 503 ? [("Retry-After", "1")] : []
    respond(
      connection, answer.status, json: answer.body, offset: answer.offset,
      durable: answer.durable, busy)
  }

  /// A ticket whose answer goes to `body`, on this thread.
  func ticket(_ body: @escaping (Answer) -> Void) -> QueryTicket {
    let tag = nextTag
    nextTag += 1
    asked[tag] = body
    return QueryTicket(port: port, connection: 0, tag: tag)
  }

  private func listHunts(_ connection: ConnectionID) {
    let entries = engine.hunts
    gather(entries, .hunt(digest: false)) { [unowned self] answers in
      var json = Array("{\"hunts\":[".utf8)
      var isFirst = true
      for answer in answers where answer.status == 200 {
        // {"offset":1,"durable":1,"hunt":{...}}: the inner object, with its offset.
        guard let inner = innerObject(answer.body, "\"hunt\":{") else { continue }
        if !isFirst { json.append(UInt8(ascii: ",")) }
        isFirst = false
        json += Array("{\"offset\":\(answer.offset),".utf8)
        json += inner
      }
      json += Array("]}".utf8)
      respond(connection, 200, json: json)
    }
  }

  /// What follows `key` in a body, up to the end of the object it opens, which ends the body.
  private func innerObject(_ body: [UInt8], _ key: String) -> ArraySlice<UInt8>? {
    let wanted = Array(key.utf8)
    guard body.count > wanted.count, body.last == UInt8(ascii: "}") else { return nil }
    for at in 0..<(body.count - wanted.count)
    where body[at..<(at + wanted.count)].elementsEqual(wanted) {
      return body[(at + wanted.count)..<(body.count - 1)]
    }
    return nil
  }

  /// Asks every hunt the same; calls `body` when all have answered.
  private func gather(
    _ entries: [HuntEntry], _ query: Query, _ body: @escaping ([Answer]) -> Void
  ) {
    if entries.isEmpty { return body([]) }
    var answers: [Answer?] = entries.map { _ in nil }
    var left = entries.count
    for (at, entry) in entries.enumerated() {
      ask(entry, query) { answer in
        answers[at] = answer
        left -= 1
        if left == 0 { body(answers.compactMap { $0 }) }
      }
    }
  }

  private func metrics(_ connection: ConnectionID) {
    gather(engine.hunts, .metrics) { [unowned self] answers in
      var text = ProcessMetrics.text(uptimeNs: vx_monotonic_ns() - startedNs)
      let latency = latencies.all
      for (label, part) in [("0.5", 500_000), ("0.99", 990_000), ("0.999", 999_000)]
        as [(String, UInt64)]
      {
        text +=
          "veltrix_ack_microseconds{quantile=\"\(label)\"} "
          + "\(latency.percentile(perMillion: part) / 1_000)\n"
      }
      text += "veltrix_batches_total \(latency.count)\n"
      text += "veltrix_http_requests_total \(loop.counts.requests)\n"
      text += "veltrix_connections \(loop.counts.opened - loop.counts.gone)\n"
      for answer in answers { text += String(decoding: answer.body, as: UTF8.self) }
      text = ProcessMetrics.grouped(text)
      loop.respond(
        connection, status: 200,
        headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
        body: Array(text.utf8))
    }
  }

  // MARK: Hunts

  private func createHunt(_ body: RawSpan, _ connection: ConnectionID) {
    let bytes = (0..<body.byteCount).map { body.byte($0) }
    let inbox = inbox
    let waker = loop.waker
    engine.create(text: bytes) { result in
      inbox.put(.created(result, connection))
      waker.wake()
    }
  }

  private func created(
    _ result: Result<HuntEntry, CreateRefusal>, _ connection: ConnectionID
  ) {
    switch result {
    case .success(let entry):
      ask(entry, .hunt(digest: false)) { [unowned self] answer in
        respond(
          connection, 201, json: answer.body, offset: answer.offset, durable: answer.durable,
          [("Location", "/v1/hunts/\(entry.name)")])
      }
    case .failure(.findings(let findings)):
      respond(connection, 422, json: findingsJSON(findings))
    case .failure(.nameTaken):
      fail(connection, 409, "name_taken", "a hunt of this name exists", field: "hunt")
    case .failure(.tooLarge(let needed, let available)):
      fail(
        connection, 422, "too_large",
        "the limits need \(needed >> 20) MiB of pages; this machine has \(available >> 20) MiB left",
        field: "limits")
    case .failure(.tooMany(let most)):
      fail(connection, 429, "too_many_hunts", "\(most) hunts exist; delete one first")
    case .failure(.disk(let reason)): fail(connection, 507, "disk", reason)
    case .failure(.busy(let count)):
      fail(connection, 429, "busy", "\(count) hunts wait to be made or deleted; try again")
    case .failure(.stopping): fail(connection, 503, "stopping", "the engine is stopping")
    }
  }

  private func delete(_ entry: HuntEntry, _ connection: ConnectionID) {
    live.end(entry)
    let inbox = inbox
    let waker = loop.waker
    engine.delete(entry) { problem in
      inbox.put(.deleted(problem, connection))
      waker.wake()
    }
  }

  private func change(_ entry: HuntEntry, to phase: HuntPhase, _ connection: ConnectionID) {
    var batch = Batch(.control)
    batch.slot = entry.slot
    batch.connection = connection.token
    batch.detail = UInt64(phase.rawValue)
    guard port.sendCount(batch, thread: entry.thread) else { return busy(connection) }
    pending[connection] = PendingEvents(entry: entry, isControl: true)
    port.flush()
  }

  private func busy(_ connection: ConnectionID) {
    fail(
      connection, 429, "busy", "the hunt's queue is full; send again later", [("Retry-After", "1")])
  }

  // MARK: Events

  private func takeEvents(
    _ entry: HuntEntry, _ request: borrowing HTTPRequest, _ body: RawSpan,
    _ connection: ConnectionID
  ) throws(ParameterFault) {
    var wish = EventWish()
    wish.ack = try request.choice("ack", default: AckChoice.durable).level
    wish.isAtomic = try request.flag("atomic")
    wish.idempotencyKey = request.header("Idempotency-Key")
    wish.wantsOperate = request.header("Veltrix-Rights", lists: "operate")
    if let key = wish.idempotencyKey, key.utf8.isEmpty || key.utf8.count > 255 {
      throw ParameterFault(field: "Idempotency-Key", message: "1 to 255 bytes")
    }
    if wish.wantsOperate && !engine.settings.operateFromLoopback {
      return fail(
        connection, 403, "not_permitted", "the setting operate_from_loopback is off",
        field: "Veltrix-Rights")
    }
    let intake = reader.read(body, wish, stampNs: vx_monotonic_ns())
    if intake.count == 0 {
      return fail(connection, 400, "no_events", "the body holds no event")
    }
    var waiting = PendingEvents(entry: entry, isControl: false)
    waiting.messages = intake.messages
    waiting.names = intake.names
    var batch = intake.batch
    batch.slot = entry.slot
    batch.connection = connection.token
    waiting.isAtomic = wish.isAtomic
    guard reader.send(batch, port, thread: entry.thread) else {
      return shed(entry, batch, connection)
    }
    pending[connection] = waiting
    port.flush()
  }

  private func shed(_ entry: HuntEntry, _ batch: Batch, _ connection: ConnectionID) {
    untoldShed[entry.number, default: (entry, 0)].1 += batch.count
    busy(connection)
  }

  private func tellShed() {
    for (number, (entry, count)) in untoldShed {
      var batch = Batch(.shedAll)
      batch.ack = .applied
      batch.slot = entry.slot
      batch.connection = .max
      batch.producer = EventIntake.anonymousProducer
      batch.count = count
      if port.sendCount(batch, thread: entry.thread) { untoldShed[number] = nil }
    }
    port.flush()
  }

  private func finish(_ reply: Reply, _ lines: LineRun) {
    if reply.connection == .max { return }
    let connection = ConnectionID(token: reply.connection)
    guard let waiting = pending.removeValue(forKey: connection) else { return }
    let now = vx_monotonic_ns()
    if reply.kind == .gone {
      return fail(connection, 404, "unknown_hunt", "the hunt is gone")
    }
    if waiting.isControl {
      if reply.rejected > 0 {
        return fail(connection, 409, "ended", "the hunt has ended, which is for good")
      }
      if reply.shed > 0 {
        return fail(
          connection, 503, "stopped", "the hunt's journal has failed", [("Retry-After", "1")])
      }
      return read(connection, waiting.entry, .hunt(digest: false))
    }
    latencies.record(ns: now - reply.stampNs, nowNs: now)
    let (status, body) = waiting.body(reply, lines)
    let headers = status == 429 || status == 503 ? [("Retry-After", "1")] : []
    respond(
      connection, status, json: body, offset: reply.offset,
      durable: reply.ack == .durable ? reply.offset : nil, headers)
  }

  // MARK: Live

  private func openSocket(_ request: borrowing HTTPRequest, _ connection: ConnectionID) {
    guard request.wantsUpgrade else {
      return fail(
        connection, 426, "upgrade_required", "this path is a WebSocket",
        [("Upgrade", "websocket"), ("Connection", "Upgrade")])
    }
    _ = loop.acceptWebSocket(connection)
  }

  private func openEvents(_ entry: HuntEntry, _ connection: ConnectionID) {
    if loop.startEvents(connection, headers: [("X-Accel-Buffering", "no")]) {
      live.join(connection, entry, isSocket: false)
    }
  }

  func webSocketMessage(_ connection: ConnectionID, _ bytes: RawSpan, isText: Bool) {
    guard isText else {
      return loop.closeWebSocket(connection, code: 1003, reason: "text only")
    }
    if !take(connection, bytes) {
      live.tell(
        connection, error: "bad_message",
        "expected {\"subscribe\":{\"hunt\":\"NAME\"}}, or {\"ask\":{\"id\":NUMBER, ...}}")
    }
  }

  /// Does what a message asks for; false when it makes no sense.
  private func take(_ connection: ConnectionID, _ bytes: RawSpan) -> Bool {
    guard bytes.byteCount <= Self.messageBytesMax else { return false }
    let text = (0..<bytes.byteCount).map { bytes.byte($0) }
    guard let root = YamlNode.parse(text).value, case .mapping(let pairs) = root.content,
      pairs.count == 1
    else { return false }
    switch pairs[0].key {
    case "subscribe": return live.subscribe(connection, pairs[0].value)
    case "ask": return queries.take(connection, pairs[0].value)
    default: return false
    }
  }

  // MARK: The loop's other calls

  func drained(_ connection: ConnectionID) { live.drained(connection) }

  func closed(_ connection: ConnectionID) {
    pending[connection] = nil
    queries.closed(connection)
    live.leave(connection)
  }

  func woken() {
    while port.receive(limit: 1_024, { reply, lines in finish(reply, lines) }) {}
    for answer in port.takeAnswers() {
      if let body = asked.removeValue(forKey: answer.tag) { body(answer) }
    }
    for done in inbox.take() {
      switch done {
      case .created(let result, let connection): created(result, connection)
      case .deleted(nil, let connection): loop.respond(connection, status: 204, body: [])
      case .deleted(let problem?, let connection): fail(connection, 500, "disk", problem)
      }
    }
  }

  func tick(nowNs: Int64) {
    if !untoldShed.isEmpty { tellShed() }
    live.tick(nowNs)
  }
}
