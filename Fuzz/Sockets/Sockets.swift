import Bounded
import Events

@testable import Net

/// What a client sends over a WebSocket, whole and cut into pieces; messages are echoed.
///
/// The first byte says how long the pieces are.
let sockets = Parser(
  name: "Sockets", bytesMax: 1_024,
  seeds: {
    func frame(_ first: UInt8, _ payload: [UInt8], mask: [UInt8] = [0, 0, 0, 0]) -> [UInt8] {
      var head = [first, 0x80 | UInt8(min(payload.count, 126))]
      if payload.count > 125 { head += [UInt8(payload.count >> 8), UInt8(payload.count & 255)] }
      return head + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
    }
    let subscribe = Array(#"{"subscribe":{"hunt":"market"}}"#.utf8)
    let long = [UInt8](repeating: 0x61, count: 300)
    return [
      Seed("text", mode: 9, frame(0x81, subscribe, mask: [1, 2, 3, 4])),
      Seed("fragments", mode: 3, frame(0x01, [0x61]) + frame(0x89, [7]) + frame(0x80, [0x62])),
      Seed("binary", mode: 200, frame(0x82, long) + frame(0x81, [])),
      Seed("close", mode: 0, frame(0x88, [0x03, 0xe8, 0x62, 0x79, 0x65])),
      Seed("close-half-a-code", mode: 0, frame(0x88, [0x03])),
      Seed("close-bad-code", mode: 0, frame(0x88, [0x03, 0xed])),
      Seed("ping-pong", mode: 1, frame(0x89, []) + frame(0x8a, [1, 2])),
      Seed("not-utf8", mode: 2, frame(0x81, [0xc3, 0x28])),
      Seed("half-a-character", mode: 2, frame(0x01, [0xe2, 0x82]) + frame(0x80, [0xac])),
      Seed("unmasked", mode: 0, [0x81, 0x01, 0x61]),
      Seed("reserved-bit", mode: 0, frame(0xc1, [1])),
      Seed("unknown-opcode", mode: 0, frame(0x83, [])),
      Seed("continuation-first", mode: 0, frame(0x80, [1])),
      Seed("long-ping", mode: 0, [0x89, 0xfe, 0, 126, 0, 0, 0, 0] + long[..<126]),
      Seed("too-long", mode: 0, [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
      Seed("longest-length", mode: 0, [0x82, 0xff] + [UInt8](repeating: 0xff, count: 12)),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    let bytes = Array(input.dropFirst())
    let whole = try talk(bytes, pieceBytes: max(1, bytes.count))
    let pieces = try talk(bytes, pieceBytes: 1 + Int(mode))
    try require(
      whole.messages == pieces.messages, "\(whole.messages), in pieces \(pieces.messages)")
    // Which code, and how soon, may differ: wslay looks at the reason of a close frame piece by
    // piece, and leaves out the first two bytes of each.
    try require(
      whole.close != nil || pieces.close == nil,
      "closed \(String(describing: whole.close)), in pieces \(String(describing: pieces.close))")
  })

/// What a client is told: its messages back, and the code that it is closed with.
private struct Told {
  var messages: [String] = []
  var close: [UInt8]?
}

private final class Echo: HTTPApplication {
  let loop: Loop
  var told = Told()

  init(_ loop: Loop) { self.loop = loop }

  func request(_ request: borrowing HTTPRequest, _ body: RawSpan, _ connection: ConnectionID) {}

  func webSocketMessage(_ connection: ConnectionID, _ bytes: RawSpan, isText: Bool) {
    let copy = (0..<bytes.byteCount).map { bytes.byte($0) }
    let isUTF8 = String(validating: copy, as: UTF8.self) != nil
    told.messages.append("\(isText) \(!isText || isUTF8) \(copy)")
    _ = isText ? loop.sendText(connection, bytes) : loop.sendBinary(connection, bytes)
  }
}

nonisolated(unsafe) private let loop: Loop = {
  var limits = NetLimits()
  limits.connectionCountMax = 8
  limits.streamCountMax = 0
  limits.messageBytesMax = 400
  limits.outBytesMax = 1 << 16
  do { return try Loop(limits: limits) } catch { preconditionFailure("\(error)") }
}()

/// Gives a fresh WebSocket the bytes in pieces, as the loop does until it closes.
private func talk(_ bytes: [UInt8], pieceBytes: Int) throws -> Told {
  let echo = Echo(loop)
  let connection = Connection(index: 0, limits: loop.limits, budget: loop.budget)
  connection.generation = 1
  connection.phase = .open
  let http = HTTPState(application: echo, limits: loop.limits, budget: loop.budget)
  connection.http = http
  loop.connections = [connection]
  defer {
    loop.connections = []
    loop.unsettled = []
  }
  guard let session = WebSocketSession(loop, connection, echo) else { throw Broken("no memory") }
  http.stage = .webSocket(session)
  var at = 0
  while at < bytes.count, connection.phase == .open {
    let end = min(bytes.count, at + pieceBytes)
    let rest = bytes.withUnsafeBytes { all in
      session.receive(UnsafeRawBufferPointer(rebasing: all[at..<end])).count
    }
    // What a peer says behind its goodbye is not read.
    try require(rest == 0 || session.isClosing || connection.phase != .open, "\(rest) bytes left")
    at = end
  }
  echo.told.close = try readAnswers([UInt8](connection.out.bytes))
  try require(
    echo.told.messages.allSatisfy { !$0.hasPrefix("true false") }, "a text that is not UTF-8")
  return echo.told
}

/// What we say is frames, unmasked and whole; the code of a close frame, which is the last.
private func readAnswers(_ out: [UInt8]) throws -> [UInt8]? {
  var at = 0
  while at < out.count {
    try require(at + 2 <= out.count, "half a frame at \(at) of \(out)")
    let opcode = out[at] & 15
    try require(out[at] & 0xf0 == 0x80 && out[at + 1] & 0x80 == 0, "a frame at \(at) of \(out)")
    var count = Int(out[at + 1])
    at += 2
    if count == 126 {
      try require(at + 2 <= out.count, "half a length at \(at)")
      count = Int(out[at]) << 8 | Int(out[at + 1])
      at += 2
    }
    try require(count < 127 || opcode & 8 == 0, "a control frame of \(count) bytes")
    try require(at + count <= out.count, "half a payload at \(at) of \(out)")
    if opcode == 8 {
      try require(at + count == out.count, "a frame behind the close frame: \(out)")
      try require(count != 1, "half a code")
      return Array(out[at..<at + min(2, count)])
    }
    at += count
  }
  return nil
}
