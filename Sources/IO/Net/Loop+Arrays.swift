/// The same operations for callers that hold an array and not a `RawSpan`.
extension Loop {
  public func send(_ id: ConnectionID, _ bytes: [UInt8]) -> Bool {
    unsafe send(id, bytes.span.bytes)
  }

  public func sendText(_ id: ConnectionID, _ bytes: [UInt8]) -> Bool {
    unsafe sendText(id, bytes.span.bytes)
  }

  public func sendText(_ id: ConnectionID, _ text: String) -> Bool {
    unsafe sendText(id, text.utf8Span.span.bytes)
  }

  public func sendBinary(_ id: ConnectionID, _ bytes: [UInt8]) -> Bool {
    unsafe sendBinary(id, bytes.span.bytes)
  }

  public func sendEvent(
    _ id: ConnectionID, id eventID: String? = nil, event: String? = nil, data: [UInt8]
  ) -> Bool {
    unsafe sendEvent(id, id: eventID, event: event, data: data.span.bytes)
  }

  public func respond(
    _ id: ConnectionID, status: Int, headers: [(String, String)] = [], body: [UInt8] = []
  ) {
    unsafe respond(id, status: status, headers: headers, body: body.span.bytes)
  }
}
