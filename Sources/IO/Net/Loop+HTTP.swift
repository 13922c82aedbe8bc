import Bounded
import CSystem
import Glibc

/// Requests in, answers out, one at a time per connection.
extension Loop {
  /// Answers the request that `id` is waiting with; does nothing when there is none (a stale id, or
  /// answered already).
  ///
  /// HEAD, 204 and 304 send no body. `Content-Length` and `Connection` are the loop's to write; of
  /// the caller's, only `Connection: close` is heeded. Control characters in headers are left out,
  /// so that no value can add a header of its own.
  ///
  /// A body that does not fit `NetLimits.outBytesMax` is answered 503 instead, and the connection
  /// closes.
  public func respond(
    _ id: ConnectionID, status: Int, headers: [(String, String)] = [], body: RawSpan
  ) {
    guard let (connection, http) = unanswered(id) else { return }
    let closes = headers.contains { isSameToken($0.0, "connection") && isSameToken($0.1, "close") }
    http.keepsAlive = http.keepsAlive && !closes && !connection.isPeerDone
    let before = connection.out.count
    let fits =
      before + body.byteCount + 1_024 <= limits.outBytesMax + limits.ownBytesMax
      && appendAnswer(
        status: status, headers: headers, body: body, http, to: &connection.out)
    if !fits {
      counts.sendsRefused += 1
      connection.out.truncate(to: before)
      return refuse(connection, .memoryFull)
    }
    finishAnswer(connection, http)
  }

  /// Answers with `{"error":{"code":...,"message":...}}`, the form of every error Veltrix answers.
  public func respondError(
    _ id: ConnectionID, status: Int, code: String, message: String,
    headers: [(String, String)] = []
  ) {
    respond(
      id, status: status, headers: headers + [("Content-Type", "application/json")],
      body: Array(errorJSON(code: code, message: message).utf8))
  }

  func unanswered(_ id: ConnectionID) -> (Connection, HTTPState)? {
    guard let connection = open(id), let http = connection.http, case .unanswered = http.stage
    else { return nil }
    return (connection, http)
  }

  private func finishAnswer(_ connection: Connection, _ http: HTTPState) {
    if http.keepsAlive {
      http.stage = .reading
      connection.readDeadlineNs = after(limits.idleMs)
      settleLater(connection)
    } else {
      http.stage = .over
      beginClosing(connection)
    }
  }

  /// Answers with an error of the loop's own and closes.
  func refuse(_ connection: Connection, _ rejection: RequestRejection) {
    guard let http = connection.http else { return }
    if rejection != .connectionsFull { counts.rejected += 1 }
    if !appendError(rejection, to: &connection.out) {
      counts.sendsRefused += 1  // not even room to say so; the close has to
    }
    http.stage = .over
    beginClosing(connection)
  }

  // MARK: receiving

  func receiveHTTP(_ connection: Connection) {
    guard connection.http?.kept.isEmpty == true else { return settleLater(connection) }
    unsafe scratch.withMemory { room in
      let got = unsafe recv(connection.descriptor, room.baseAddress!, room.count, 0)
      if got > 0 {
        counts.receivedBytes += got
        connection.receivedNs = nowNs
        let rest = unsafe feed(
          connection, UnsafeRawBufferPointer(start: room.baseAddress!, count: got))
        unsafe keep(rest, on: connection)
      } else if got == 0 {
        endedByPeer(connection)
      } else if errno != EAGAIN && errno != EINTR {
        retire(connection)
      }
    }
  }

  private func keep(_ rest: UnsafeRawBufferPointer, on connection: Connection) {
    guard unsafe !rest.isEmpty, connection.phase == .open, let http = connection.http else {
      return
    }
    if unsafe !http.kept.append(rest) { refuse(connection, .memoryFull) }
  }

  /// The peer sends no more. It may still read, so what it asked for is still answered.
  private func endedByPeer(_ connection: Connection) {
    connection.isPeerDone = true
    guard let http = connection.http else { return retire(connection) }
    switch http.stage {
    case .reading where http.kept.isEmpty: beginClosing(connection)
    case .reading, .unanswered, .over: settleLater(connection)
    case .events, .webSocket: retire(connection)
    }
  }

  /// Whether bytes wait that can be parsed now.
  func canReadOnHTTP(_ connection: Connection) -> Bool {
    guard connection.phase == .open, let http = connection.http, !http.kept.isEmpty,
      !connection.isReadingPaused, connection.out.count <= limits.pauseBytes
    else { return false }
    return switch http.stage {
    case .reading, .events, .webSocket: true
    case .unanswered, .over: false
    }
  }

  /// Parses what waited for an answer or for room in the out-buffer.
  func readOnHTTP(_ connection: Connection) {
    guard let http = connection.http else { return }
    if canReadOnHTTP(connection) {
      let bytes = unsafe http.kept.bytes
      let rest = unsafe feed(connection, bytes)
      http.kept.removeFirst(bytes.count - rest.count)
      if http.kept.isEmpty { http.kept.clear(keeping: 0) }
    }
    if connection.isPeerDone, connection.phase == .open, case .reading = http.stage,
      http.kept.isEmpty
    {
      beginClosing(connection)
    }
  }

  /// Takes bytes until they are used up or the connection can take no more for now.
  ///
  /// - Returns: What was not taken.
  private func feed(
    _ connection: Connection, _ bytes: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    var rest = unsafe bytes
    while connection.phase == .open, let http = connection.http, unsafe !rest.isEmpty {
      switch http.stage {
      case .reading:
        if connection.out.count > limits.pauseBytes { return unsafe rest }
        let before = http.parser.progress
        let (consumed, outcome) = unsafe http.parser.parse(rest)
        unsafe rest = UnsafeRawBufferPointer(rebasing: rest[consumed...])
        advance(connection, http, outcome, from: before)
      case .unanswered: return unsafe rest
      case .webSocket(let session):
        if connection.isReadingPaused { return unsafe rest }
        return unsafe session.receive(rest)
      case .events, .over: return unsafe UnsafeRawBufferPointer(rebasing: rest[rest.count...])
      }
    }
    return unsafe rest
  }

  private func advance(
    _ connection: Connection, _ http: HTTPState, _ outcome: RequestParser.Outcome,
    from before: RequestParser.Progress
  ) {
    switch outcome {
    case .rejected(let rejection): refuse(connection, rejection)
    case .complete: handOver(connection, http)
    case .needsMore:
      let now = http.parser.progress
      if now == .head, before != .head { connection.readDeadlineNs = after(limits.headerMs) }
      if now == .body, before != .body {
        connection.readDeadlineNs = after(limits.bodyMs)
        if http.parser.request.wantsContinue, http.parser.body.isEmpty {
          // A peer that gets no 100 sends the body after a while all the same.
          _ = connection.out.append("HTTP/1.1 100 Continue\r\n\r\n" as StaticString)
          settleLater(connection)
        }
      }
    }
  }

  /// Gives a whole request to the application, and makes the parser ready for the next.
  private func handOver(_ connection: Connection, _ http: HTTPState) {
    counts.requests += 1
    connection.readDeadlineNs = .max
    http.stage = .unanswered
    http.isKnown = true
    http.isHead = http.parser.request.method == .head
    http.minorVersion = http.parser.request.minorVersion
    http.keepsAlive = http.parser.request.keepsAlive
    http.webSocketAccept = http.parser.request.webSocketAccept
    let body = unsafe RawSpan(_unsafeBytes: http.parser.body.bytes)
    http.application.request(http.parser.request, body, connection.id)
    http.parser.startNext()
    settleLater(connection)
  }
}
