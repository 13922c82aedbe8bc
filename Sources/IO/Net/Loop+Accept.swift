import CSystem
import Glibc

/// How connections come to be.
extension Loop {
  /// Takes up to 64 waiting connections, so that a flood of them leaves room for the open ones.
  func accept(from listener: Listener) {
    for _ in 0..<64 {
      let descriptor = vx_accept4(listener.descriptor)
      if descriptor >= 0 {
        admit(descriptor, listener.serves)
        continue
      }
      switch errno {
      case EMFILE, ENFILE, ENOBUFS, ENOMEM:
        turnAwayWithSpare(listener)
        return
      case EINTR, ECONNABORTED, EPROTO: continue
      default: return  // EAGAIN: none is waiting
      }
    }
  }

  private func admit(_ descriptor: Int32, _ serves: Listener.Serves) {
    _ = vx_tcp_nodelay(descriptor)  // a socket that refuses this still works, only later
    let isFull = openCount >= limits.connectionCountMax
    switch serves {
    case .http(let application):
      guard let connection = take(descriptor) else { return }
      connection.http = HTTPState(application: application, limits: limits, budget: budget)
      connection.readDeadlineNs = after(limits.idleMs)
      if isFull {
        counts.refused += 1
        refuse(connection, .connectionsFull)
      }
    case .stream(let application):
      guard !isFull, let block = freeStreamBlocks.popLast() else {
        counts.refused += 1
        Glibc.close(descriptor)
        return
      }
      guard let connection = take(descriptor) else {
        freeStreamBlocks.append(block)
        return
      }
      connection.stream = StreamState(application: application, block: block)
      connection.readDeadlineNs = after(limits.streamIdleMs)
      application.opened(connection.id)
    }
  }

  /// Gives `descriptor` a slot and watches it; closes it when there is none left.
  private func take(_ descriptor: Int32, watching events: UInt32 = EPOLLIN.rawValue) -> Connection?
  {
    let connection: Connection
    if let index = freeSlots.popLast() {
      connection = connections[Int(index)]
    } else if connections.count < limits.connectionCountMax + NetLimits.spareSlotCount {
      connection = Connection(index: UInt32(connections.count), limits: limits, budget: budget)
      connections.append(connection)
    } else {
      counts.refused += 1
      Glibc.close(descriptor)
      return nil
    }
    connection.generation = connection.generation == 0xFFFF_FFFE ? 1 : connection.generation + 1
    connection.descriptor = descriptor
    connection.phase = .open
    connection.watched = events
    connection.receivedNs = nowNs
    connection.sentNs = nowNs
    do throws(NetFault) {
      try watch(descriptor, for: events, token: connection.id.token, isNew: true)
    } catch {
      // Only memory can be short here; to the peer this is a server that is full.
      counts.refused += 1
      Glibc.close(descriptor)
      connection.descriptor = -1
      connection.phase = .free
      freeSlots.append(connection.index)
      return nil
    }
    openCount += 1
    counts.opened += 1
    return connection
  }

  /// Out of descriptors: uses the spare one to tell the first in the queue, then stops accepting
  /// for a while. Without the spare the queue would stay readable and the loop would spin.
  private func turnAwayWithSpare(_ listener: Listener) {
    counts.descriptorShortages += 1
    if spareDescriptor >= 0 {
      Glibc.close(spareDescriptor)
      let descriptor = vx_accept4(listener.descriptor)
      if descriptor >= 0 {
        counts.refused += 1
        if case .http = listener.serves { sayFull(descriptor) }
        Glibc.close(descriptor)
      }
      spareDescriptor = Self.openSpare()
    }
    if acceptResumesNs == .max {
      acceptResumesNs = nowNs + Int64(limits.acceptPauseMs) * 1_000_000
      setAccepting(false)
    }
  }

  private func sayFull(_ descriptor: Int32) {
    var answer = ByteBuffer(byteCountMax: 1_024, budget: budget)
    guard appendError(.connectionsFull, to: &answer) else {
      return
    }
    let bytes = unsafe answer.bytes
    // A fresh socket has room for this; if not, the close says it too.
    _ = unsafe Glibc.send(descriptor, bytes.baseAddress!, bytes.count, Int32(MSG_NOSIGNAL))
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Watches the listeners or leaves them alone.
  func setAccepting(_ isAccepting: Bool) {
    for (at, listener) in listeners.enumerated() {
      do throws(NetFault) {
        try watch(
          listener.descriptor, for: isAccepting ? EPOLLIN.rawValue : 0,
          token: Self.listenerToken | UInt64(at), isNew: false)
      } catch {
        preconditionFailure("a watched listener can always be changed: \(error)")
      }
    }
  }

  // MARK: connecting

  /// Connects to a stream endpoint on `host`, which must be loopback.
  ///
  /// The connection may be sent to at once; `opened` tells when it stands, `closed` when it failed.
  public func connectStream(
    host: String, port: UInt16, application: any StreamApplication
  ) throws(NetFault) -> ConnectionID {
    let endpoint = try Endpoint(host: host, port: port)
    takeStreamBlocks()
    guard openCount < limits.connectionCountMax, let block = freeStreamBlocks.popLast() else {
      throw .tooManyConnections(openCount)
    }
    let descriptor: Int32
    do throws(NetFault) { descriptor = try endpoint.connect() } catch {
      freeStreamBlocks.append(block)
      throw error
    }
    guard let connection = take(descriptor, watching: EPOLLOUT.rawValue) else {
      freeStreamBlocks.append(block)
      throw .tooManyConnections(openCount)
    }
    connection.phase = .connecting
    connection.stream = StreamState(application: application, block: block)
    connection.readDeadlineNs = after(limits.headerMs)
    enlist(application)
    return connection.id
  }

  func finishConnecting(_ connection: Connection) {
    guard vx_socket_error(connection.descriptor) == 0 else { return retire(connection) }
    connection.phase = .open
    connection.readDeadlineNs = after(limits.streamIdleMs)
    connection.stream?.application.opened(connection.id)
    settleLater(connection)
  }
}
