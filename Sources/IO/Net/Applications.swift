/// What a loop tells whoever listens on one of its endpoints.
///
/// Every call comes on the loop's thread, and never from inside one of the loop's own methods: an
/// application may call the loop from any of these. An object that serves several endpoints gets
/// one `woken` and one `tick` for all of them.
public protocol NetApplication: AnyObject {
  /// The out-buffer of `connection` is empty again, after a send was refused or had to wait.
  func drained(_ connection: ConnectionID)
  /// `connection` is gone, whoever ended it; its id is stale. Called once for each connection the
  /// application has seen.
  func closed(_ connection: ConnectionID)
  /// Somebody called `Waker.wake()` since the last `woken`.
  func woken()
  /// What was ready has been told, and the loop goes on to send, or to wait.
  func passed()
  /// About every `NetLimits.tickMs`; `nowNs` is the monotonic clock.
  func tick(nowNs: Int64)
}

extension NetApplication {
  public func drained(_ connection: ConnectionID) {}
  public func closed(_ connection: ConnectionID) {}
  public func woken() {}
  public func passed() {}
  public func tick(nowNs: Int64) {}
}

/// Speaks a binary protocol over raw byte streams.
public protocol StreamApplication: NetApplication {
  /// A client connected, or the connection asked for with `connectStream` stands.
  func opened(_ connection: ConnectionID)
  /// Bytes arrived.
  ///
  /// - Parameter bytes: Everything received and not yet consumed, in order; valid for this call.
  /// - Returns: How many bytes were consumed from the front, `0...bytes.byteCount`. The rest is
  ///   kept and offered again together with more, or after `pauseReading` and `resumeReading`. A
  ///   frame that does not fit `NetLimits.streamReceiveBytes` ends the connection.
  func received(_ connection: ConnectionID, _ bytes: RawSpan) -> Int
  /// The peer will send no more, and may still read.
  ///
  /// - Returns: Whether the connection stays open for sending, until the application closes it.
  ///   Otherwise, and by default, it closes once what is queued has left.
  func peerFinished(_ connection: ConnectionID) -> Bool
}

extension StreamApplication {
  public func peerFinished(_ connection: ConnectionID) -> Bool { false }
}

/// What such an application asks of whatever carries its connections: a loop, or a simulation.
public protocol StreamCarrier: AnyObject {
  /// Queues bytes to be sent; false when the connection is gone or its buffer is full.
  func send(_ id: ConnectionID, _ bytes: RawSpan) -> Bool
  /// Ends the connection once what is queued has left.
  func close(_ id: ConnectionID)
  /// Ends the connection at once.
  func drop(_ id: ConnectionID)
  /// Reads no more from the connection until `resumeReading`.
  func pauseReading(_ id: ConnectionID)
  func resumeReading(_ id: ConnectionID)
}

extension Loop: StreamCarrier {}

/// Answers HTTP requests, follows event streams and talks over WebSockets.
public protocol HTTPApplication: NetApplication {
  /// A whole request arrived.
  ///
  /// Answer with `respond`, `startEvents` or `acceptWebSocket`, now or later from the loop's
  /// thread. Until then no further request is read from this connection, so pipelined answers keep
  /// their order.
  ///
  /// - Parameters:
  ///   - request: The head; lent for this call.
  ///   - body: The decoded body; valid for this call.
  func request(_ request: borrowing HTTPRequest, _ body: RawSpan, _ connection: ConnectionID)
  /// A whole WebSocket message arrived; text is valid UTF-8. `bytes` is valid for this call.
  func webSocketMessage(_ connection: ConnectionID, _ bytes: RawSpan, isText: Bool)
}

extension HTTPApplication {
  public func webSocketMessage(_ connection: ConnectionID, _ bytes: RawSpan, isText: Bool) {}
}
