/// Time: ticks for the applications, deadlines for the peers.
extension Loop {
  /// The clock at `ms` milliseconds from now; never for 0.
  func after(_ ms: Int) -> Int64 { ms == 0 ? .max : nowNs + Int64(ms) * 1_000_000 }

  func tick() {
    nextTickNs += Int64(limits.tickMs) * 1_000_000
    // A loop that was held up ticks once, not once for each tick missed.
    if nextTickNs <= nowNs { nextTickNs = after(limits.tickMs) }
    if nowNs >= acceptResumesNs {
      acceptResumesNs = .max
      if spareDescriptor < 0 { spareDescriptor = Self.openSpare() }
      setAccepting(true)
    }
    sweep()
    for application in applications { application.tick(nowNs: nowNs) }
  }

  /// Looks at a share of all slots, so that each is seen about every 250 ms.
  private func sweep() {
    guard !connections.isEmpty else { return }
    let share = min(connections.count, connections.count * limits.tickMs / 250 + 1)
    for _ in 0..<share {
      sweepCursor = sweepCursor + 1 < connections.count ? sweepCursor + 1 : 0
      let connection = connections[sweepCursor]
      if connection.phase == .free { continue }
      if connection.owesDrained, connection.out.isEmpty { settleLater(connection) }
      if nowNs >= connection.writeDeadlineNs {
        counts.timedOut += 1
        retire(connection)
      } else if nowNs >= connection.readDeadlineNs {
        expire(connection)
      } else if connection.phase == .open, let http = connection.http {
        keepLively(connection, http)
      }
    }
  }

  /// The peer did not say what it should have said by now.
  private func expire(_ connection: Connection) {
    if connection.phase == .lingering { return retire(connection) }
    if isSilentByOurWish(connection) { return }
    counts.timedOut += 1
    guard connection.phase == .open, let http = connection.http else { return retire(connection) }
    if case .reading = http.stage, http.parser.progress != .idle {
      refuse(connection, .slow)
    } else if case .webSocket = http.stage {
      retire(connection)
    } else {
      beginClosing(connection)
    }
  }

  /// Whether we do not read what the peer may well be sending.
  private func isSilentByOurWish(_ connection: Connection) -> Bool {
    guard connection.phase == .open, !wantsRead(connection) else { return false }
    guard let http = connection.http else { return connection.isReadingPaused }
    if case .reading = http.stage { return true }
    return false
  }

  /// Shows quiet viewers, and whatever stands between us and them, that the connection lives.
  private func keepLively(_ connection: Connection, _ http: HTTPState) {
    let quietNs = Int64(limits.pingMs) * 1_000_000
    switch http.stage {
    case .events:
      if nowNs - connection.sentNs >= quietNs, connection.out.isEmpty {
        connection.sentNs = nowNs
        // A comment line; when memory is full, the next sweep tries again.
        if connection.out.append(":\n\n" as StaticString) { settleLater(connection) }
      }
    case .webSocket(let session):
      // While we do not read, silence is no sign of anything.
      guard wantsRead(connection) else { return }
      if nowNs - connection.receivedNs >= Int64(limits.idleMs) * 1_000_000 {
        counts.timedOut += 1
        return retire(connection)
      }
      if nowNs - max(connection.receivedNs, session.pingedNs) >= quietNs {
        session.ping(nowNs: nowNs)
      }
    case .reading, .unanswered, .over: break
    }
  }
}
