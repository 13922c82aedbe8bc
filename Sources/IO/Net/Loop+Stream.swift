import Bounded
import Glibc

/// Raw byte streams: one receive block per connection, offered from its front.
extension Loop {
  /// Stops reading from a stream or WebSocket connection: the kernel's buffers fill, and the peer
  /// waits. A WebSocket may still deliver messages of which the first bytes were read.
  public func pauseReading(_ id: ConnectionID) {
    guard let connection = open(id) else { return }
    connection.isReadingPaused = true
    settleLater(connection)
  }

  /// Reads again; kept bytes are offered again at the end of this iteration.
  public func resumeReading(_ id: ConnectionID) {
    guard let connection = open(id), connection.isReadingPaused else { return }
    connection.isReadingPaused = false
    connection.stream?.owesOffer = true
    connection.readDeadlineNs = after(limits.streamIdleMs)
    settleLater(connection)
  }

  /// Fills the rest of the block with one system call, then offers everything in it.
  func receiveStream(_ connection: Connection) {
    guard !connection.isReadingPaused, let stream = connection.stream, let blocks = streamBlocks
    else { return settleLater(connection) }
    let base = stream.block * limits.streamReceiveBytes
    let got = unsafe blocks.withMemory { memory in
      unsafe recv(
        connection.descriptor, memory.baseAddress! + base + stream.end,
        limits.streamReceiveBytes - stream.end, 0)
    }
    if got > 0 {
      counts.receivedBytes += got
      let isMuch = got > NetLimits.gatherBytesMax || stream.end + got == limits.streamReceiveBytes
      traffic.received(got, isMuch: isMuch)
      connection.stream?.end += got
      connection.receivedNs = nowNs
      connection.readDeadlineNs = after(limits.streamIdleMs)
      offer(connection)
    } else if got == 0 {
      connection.isPeerDone = true
      let staysOpen = stream.application.peerFinished(connection.id)
      if !staysOpen, connection.phase == .open { beginClosing(connection) }
      settleLater(connection)
    } else if errno != EAGAIN && errno != EINTR {
      retire(connection)
    }
  }

  /// Hands the application what is received and not consumed.
  func offer(_ connection: Connection) {
    guard let stream = connection.stream, let blocks = streamBlocks else { return }
    let base = stream.block * limits.streamReceiveBytes
    let available = stream.end - stream.start
    connection.stream?.owesOffer = false
    guard available > 0 else { return }
    let consumed = blocks.withBytes(base + stream.start, count: available) { bytes in
      stream.application.received(connection.id, bytes)
    }
    precondition((0...available).contains(consumed), "consumed \(consumed) of \(available) bytes")
    guard connection.stream != nil else { return }
    connection.stream?.start += consumed
    makeRoom(connection, blocks, base)
    if connection.isReadingPaused { settleLater(connection) }
  }

  /// Moves kept bytes to the front of the block when little room is left behind them.
  private func makeRoom(_ connection: Connection, _ blocks: Slab, _ base: Int) {
    guard var stream = connection.stream else { return }
    let kept = stream.end - stream.start
    if kept == 0 {
      (stream.start, stream.end) = (0, 0)
    } else if kept == limits.streamReceiveBytes {
      // Nothing was consumed of a full block. Unless the application is pausing, its frame is
      // larger than any may be.
      if !connection.isReadingPaused, connection.phase == .open {
        counts.framesTooLong += 1
        connection.phase = .dropped
        settleLater(connection)
      }
    } else if stream.start > 0, stream.end > limits.streamReceiveBytes / 2 {
      blocks.move(from: base + stream.start, to: base, count: kept)
      (stream.start, stream.end) = (0, kept)
    }
    connection.stream = stream
  }
}
