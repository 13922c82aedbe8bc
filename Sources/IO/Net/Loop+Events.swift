/// Server-sent events (HTML Living Standard, section 9.2).
///
/// The stream ends with the connection, so an event costs its own bytes and nothing around them.
/// Quiet streams get a comment line every `NetLimits.pingMs`.
extension Loop {
  /// Answers the request that `id` is waiting with by a stream of events that stays open.
  ///
  /// - Returns: false when there is no such request, or no memory for the answer.
  public func startEvents(_ id: ConnectionID, headers: [(String, String)] = []) -> Bool {
    guard let (connection, http) = unanswered(id) else { return false }
    let before = connection.out.count
    let fits =
      appendHead(status: 200, headers: headers, to: &connection.out)
      && connection.out.append(
        """
        Content-Type: text/event-stream\r
        Cache-Control: no-cache\r
        Connection: close\r
        \r

        """ as StaticString)
    guard fits else {
      connection.out.truncate(to: before)
      refuse(connection, .memoryFull)
      return false
    }
    http.keepsAlive = false
    if http.isHead {
      http.stage = .over
      beginClosing(connection)
    } else {
      http.stage = .events
    }
    settleLater(connection)
    return true
  }

  /// Queues one event on a stream begun with `startEvents`.
  ///
  /// For the same event to many viewers, make its bytes once with `eventBytes` and `send` those.
  ///
  /// - Returns: As `send`.
  public func sendEvent(
    _ id: ConnectionID, id eventID: String? = nil, event: String? = nil, data: RawSpan
  ) -> Bool {
    let bytes = Self.eventBytes(id: eventID, event: event, data: data)
    return unsafe send(id, bytes.span.bytes)
  }

  /// As `eventBytes(id:event:data:)`, for bytes in an array.
  public static func eventBytes(id: String?, event: String?, data: [UInt8]) -> [UInt8] {
    eventBytes(id: id, event: event, data: unsafe data.span.bytes)
  }

  /// The bytes of one event. Lines of `data` (ended by LF, CR or both) become lines of the event;
  /// line ends and NUL in `id` and `event` are left out.
  public static func eventBytes(id: String?, event: String?, data: RawSpan) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(data.byteCount + 32)
    func append(_ name: StaticString, _ value: String?) {
      guard let value else { return }
      unsafe bytes.append(
        contentsOf: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
      bytes.append(contentsOf: value.utf8.filter { $0 != 0x0A && $0 != 0x0D && $0 != 0 })
      bytes.append(0x0A)
    }
    append("id: ", id)
    append("event: ", event)
    bytes.append(contentsOf: "data: ".utf8)
    var previous: UInt8 = 0
    for at in 0..<data.byteCount {
      let byte = unsafe data.unsafeLoad(fromByteOffset: at, as: UInt8.self)
      switch byte {
      case 0x0A where previous == 0x0D: break
      case 0x0A, 0x0D: bytes.append(contentsOf: "\ndata: ".utf8)
      default: bytes.append(byte)
      }
      previous = byte
    }
    bytes.append(contentsOf: "\n\n".utf8)
    return bytes
  }
}
