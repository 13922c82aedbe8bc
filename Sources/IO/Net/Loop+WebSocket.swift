import CWslay

/// WebSockets: accepted from a request, then messages both ways.
extension Loop {
  /// Answers the request that `id` is waiting with by switching to WebSocket.
  ///
  /// - Parameter subprotocol: One that the client offered, to be named in the answer.
  /// - Returns: false when there is no such request, it is no valid handshake
  ///   (`HTTPRequest.wantsUpgrade`), or memory is short; the request then still wants an answer,
  ///   such as 426 with `Sec-WebSocket-Version: 13`.
  public func acceptWebSocket(_ id: ConnectionID, subprotocol: String? = nil) -> Bool {
    guard let (connection, http) = unanswered(id), let accept = http.webSocketAccept,
      let session = WebSocketSession(self, connection, http.application)
    else { return false }
    let before = connection.out.count
    var fits =
      connection.out.append(
        """
        HTTP/1.1 101 Switching Protocols\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Accept: \(accept)\r

        """)
    if let subprotocol {
      fits = fits && connection.out.append("Sec-WebSocket-Protocol: \(subprotocol)\r\n")
    }
    guard fits, connection.out.append("\r\n" as StaticString) else {
      connection.out.truncate(to: before)
      return false
    }
    http.stage = .webSocket(session)
    connection.readDeadlineNs = .max
    settleLater(connection)
    return true
  }

  /// Queues a text message; `bytes` must be UTF-8, which the peer checks and we do not.
  ///
  /// - Returns: false when nothing was queued: `id` is stale, no WebSocket or closing, or its
  ///   out-buffer is full; `drained` follows then.
  /// - Complexity: one copy of `bytes`; no system call.
  public func sendText(_ id: ConnectionID, _ bytes: RawSpan) -> Bool {
    webSocket(id)?.send(bytes, opcode: UInt8(WSLAY_TEXT_FRAME.rawValue)) ?? false
  }

  /// Queues a binary message; as `sendText`.
  public func sendBinary(_ id: ConnectionID, _ bytes: RawSpan) -> Bool {
    webSocket(id)?.send(bytes, opcode: UInt8(WSLAY_BINARY_FRAME.rawValue)) ?? false
  }

  /// Says goodbye with a status code of RFC 6455, section 7.4 (1000 is normal, 1001 going away,
  /// 1008 policy, 1013 try again later). What is queued still leaves; nothing more is delivered.
  ///
  /// - Parameter reason: At most 123 bytes of UTF-8; the rest is cut off.
  public func closeWebSocket(_ id: ConnectionID, code: UInt16 = 1000, reason: String = "") {
    webSocket(id)?.close(code: code, reason: reason)
  }

  private func webSocket(_ id: ConnectionID) -> WebSocketSession? {
    guard let connection = open(id), let http = connection.http,
      case .webSocket(let session) = http.stage
    else { return nil }
    return session
  }
}
