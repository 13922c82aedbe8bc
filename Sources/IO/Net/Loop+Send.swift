import Bounded
import CSystem
import Glibc

/// Queueing, sending and ending.
extension Loop {
  /// Queues `bytes` on a stream connection, or events made by `eventBytes` on an event stream. They
  /// leave at the end of this iteration, together with whatever else is queued by then.
  ///
  /// - Returns: false when nothing was queued: the id is stale, the connection is closing, or its
  ///   out-buffer (`NetLimits.outBytesMax`) or the loop's memory is full; `drained` follows then.
  /// - Complexity: one copy of `bytes`; no system call.
  public func send(_ id: ConnectionID, _ bytes: RawSpan) -> Bool {
    guard let connection = rawConnection(id) else { return false }
    guard let target = unsafe room(bytes.byteCount, on: connection) else { return false }
    unsafe bytes.withUnsafeBytes { source in
      if let from = source.baseAddress {
        unsafe target.copyMemory(from: from, byteCount: source.count)
      }
    }
    connection.out.commit(bytes.byteCount)
    settleLater(connection)
    return true
  }

  /// Queues bytes that `fill` writes in place, so that a large reply is copied once: to the kernel.
  ///
  /// - Parameters:
  ///   - byteCount: Room needed, `0...NetLimits.outBytesMax`.
  ///   - fill: Writes from offset 0 of the room, whose bytes are undefined before, and returns how
  ///     many it wrote. It must not send on the same connection.
  /// - Returns: As `send`; `fill` is not called when there is no room.
  public func send(
    _ id: ConnectionID, reserving byteCount: Int, _ fill: (inout MutableRawSpan) -> Int
  ) -> Bool {
    guard let connection = rawConnection(id) else { return false }
    guard let target = unsafe room(byteCount, on: connection) else { return false }
    var span = unsafe MutableRawSpan(_unsafeStart: target, byteCount: byteCount)
    connection.isFilling = true
    let filled = fill(&span)
    connection.isFilling = false
    precondition((0...byteCount).contains(filled), "filled \(filled) of \(byteCount) bytes")
    connection.out.commit(filled)
    settleLater(connection)
    return true
  }

  /// Bytes queued and not yet taken by the kernel; 0 for a stale id.
  public func pendingBytes(_ id: ConnectionID) -> Int { slot(id)?.out.count ?? 0 }

  /// Whether the kernel was offered bytes and did not take them all, or a send was refused: the
  /// peer reads slowly, and `drained` follows. Bytes that are only queued for this round do not
  /// count.
  public func isBacklogged(_ id: ConnectionID) -> Bool { slot(id)?.owesDrained ?? false }

  /// Ends a connection once its queued bytes have left. It receives nothing more.
  public func close(_ id: ConnectionID) {
    guard let connection = slot(id) else { return }
    if connection.phase == .open || connection.phase == .connecting { beginClosing(connection) }
  }

  /// Ends a connection at once; its queued bytes are lost. For peers that stopped reading.
  public func drop(_ id: ConnectionID) {
    guard let connection = slot(id), connection.phase != .lingering else { return }
    connection.phase = .dropped
    settleLater(connection)
  }

  /// Whether `id` names a connection that can still be sent to.
  public func isOpen(_ id: ConnectionID) -> Bool { open(id) != nil }

  // MARK: lookups

  func slot(_ id: ConnectionID) -> Connection? {
    guard Int(id.index) < connections.count else { return nil }
    let connection = connections[Int(id.index)]
    return connection.generation == id.generation && connection.phase != .free ? connection : nil
  }

  func open(_ id: ConnectionID) -> Connection? {
    guard let connection = slot(id) else { return nil }
    return connection.phase == .open || connection.phase == .connecting ? connection : nil
  }

  private func rawConnection(_ id: ConnectionID) -> Connection? {
    guard let connection = open(id) else { return nil }
    if connection.stream != nil { return connection }
    if let http = connection.http, case .events = http.stage { return connection }
    return nil
  }

  /// Room for `byteCount` bytes an application wants to send; remembers a refusal.
  func room(_ byteCount: Int, on connection: Connection) -> UnsafeMutableRawPointer? {
    precondition(!connection.isFilling, "sent to \(connection.id) while filling it in place")
    if connection.out.count + byteCount <= limits.outBytesMax,
      let target = unsafe connection.out.reserve(byteCount)
    {
      return unsafe target
    }
    counts.sendsRefused += 1
    connection.owesDrained = true
    // With nothing queued nothing will drain: the loop's memory is full, and the sweep asks again.
    if !connection.out.isEmpty { settleLater(connection) }
    return nil
  }

  // MARK: settling

  /// Reads on where reading was held up, sends, and reaches ends.
  func settle(_ connection: Connection) {
    switch connection.phase {
    case .free, .connecting: return
    case .dropped: return retire(connection)
    case .open: readOn(connection)
    case .closing, .lingering: break
    }
    guard connection.phase != .dropped else { return retire(connection) }
    guard flush(connection) else { return retire(connection) }
    if connection.phase == .closing, connection.out.isEmpty { linger(connection) }
    if connection.phase == .open, connection.out.isEmpty, connection.owesDrained {
      connection.owesDrained = false
      connection.audience?.drained(connection.id)
    }
    if connection.phase == .dropped { return retire(connection) }
    if canReadOnHTTP(connection) { settleLater(connection) }
    updateWatch(connection)
  }

  /// Offers kept bytes again and parses requests that waited for an answer or for room.
  private func readOn(_ connection: Connection) {
    if let stream = connection.stream {
      if stream.owesOffer, !connection.isReadingPaused { offer(connection) }
    } else {
      readOnHTTP(connection)
    }
  }

  /// Sends what is queued with one system call.
  ///
  /// - Returns: false when the peer is gone.
  private func flush(_ connection: Connection) -> Bool {
    if connection.out.isEmpty { return true }
    let bytes = unsafe connection.out.bytes
    let sent = unsafe Glibc.send(
      connection.descriptor, bytes.baseAddress!, bytes.count, Int32(MSG_NOSIGNAL))
    if sent < 0 {
      guard errno == EAGAIN || errno == EINTR || errno == ENOBUFS else { return false }
    } else {
      connection.out.removeFirst(sent)
      counts.sentBytes += sent
      connection.sentNs = nowNs
      connection.writeDeadlineNs = .max
      if connection.stream != nil { connection.readDeadlineNs = after(limits.streamIdleMs) }
    }
    if connection.out.isEmpty {
      // A stream's buffer is used again at once; thousands of viewers would keep theirs for
      // nothing.
      connection.out.clear(keeping: connection.stream == nil ? 16 * 1_024 : 1_024 * 1_024)
    } else {
      connection.owesDrained = true
      if connection.writeDeadlineNs == .max { connection.writeDeadlineNs = after(limits.idleMs) }
    }
    return true
  }

  /// Tells the kernel what to watch for, when that changed.
  func updateWatch(_ connection: Connection) {
    var events: UInt32 = 0
    switch connection.phase {
    case .free, .connecting, .dropped: return
    case .open: if wantsRead(connection) { events |= EPOLLIN.rawValue }
    case .closing: break
    case .lingering: events |= EPOLLIN.rawValue
    }
    if !connection.out.isEmpty { events |= EPOLLOUT.rawValue }
    guard events != connection.watched else { return }
    do throws(NetFault) {
      try watch(connection.descriptor, for: events, token: connection.id.token, isNew: false)
      connection.watched = events
    } catch {
      preconditionFailure("a watched connection can always be changed: \(error)")
    }
  }

  func wantsRead(_ connection: Connection) -> Bool {
    if connection.isReadingPaused || connection.isPeerDone { return false }
    guard let http = connection.http else { return true }
    if connection.out.count > limits.pauseBytes { return false }
    return switch http.stage {
    case .reading, .webSocket: http.kept.isEmpty
    case .events: true
    case .unanswered, .over: false
    }
  }

  // MARK: ending

  func beginClosing(_ connection: Connection) {
    connection.phase = .closing
    connection.readDeadlineNs = .max
    settleLater(connection)
  }

  /// Everything is sent: tells the peer so and waits for its end. Closing at once with bytes unread
  /// would reset the connection and could take our last answer with it.
  private func linger(_ connection: Connection) {
    shutdown(connection.descriptor, Int32(SHUT_WR))
    connection.phase = .lingering
    connection.readDeadlineNs = after(limits.lingerMs)
    connection.writeDeadlineNs = .max
    openCount -= 1
    tellClosed(connection)
    if connection.isPeerDone { retire(connection) }
  }

  func receiveNothing(_ connection: Connection) {
    let got = unsafe scratch.withMemory { room in
      unsafe recv(connection.descriptor, room.baseAddress!, room.count, 0)
    }
    if got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) { retire(connection) }
  }

  /// Ends a connection now and frees its slot.
  func retire(_ connection: Connection) {
    guard connection.phase != .free else { return }
    let isAnnounced = connection.phase == .lingering
    connection.phase = .free
    if !isAnnounced {
      openCount -= 1
      tellClosed(connection)
    }
    Glibc.close(connection.descriptor)
    counts.gone += 1
    connection.descriptor = -1
    connection.out.clear(keeping: 0)
    connection.owesDrained = false
    connection.isReadingPaused = false
    connection.isPeerDone = false
    connection.readDeadlineNs = .max
    connection.writeDeadlineNs = .max
    freeSlots.append(connection.index)
  }

  /// Tells the application, and gives back what only an open connection needs. The phase has
  /// changed already, so nothing the application calls reaches this connection.
  private func tellClosed(_ connection: Connection) {
    let audience = connection.audience
    if let stream = connection.stream { freeStreamBlocks.append(stream.block) }
    connection.stream = nil
    connection.http = nil
    audience?.closed(connection.id)
  }
}
