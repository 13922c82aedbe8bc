import Authoring

@testable import Gateway
@testable import Net

/// HTTP requests, one behind the other, whole and cut into pieces.
///
/// The first byte says how long the pieces are.
let requests = Parser(
  name: "Requests", bytesMax: 2_048,
  seeds: {
    let texts = [
      "GET / HTTP/1.1\r\nHost: localhost:7400\r\nAccept: */*\r\n\r\n",
      "POST /v1/hunts/m/events HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"
        + "GET /livez HTTP/1.0\r\n\r\n",
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n"
        + "T: v\r\n\r\n",
      "GET /v1/live HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
        + "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        + "Sec-WebSocket-Version: 13\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
      "GET http://h/p?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\nHost: h\n\n", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\nx",
      "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
    ]
    return texts.enumerated().map { Seed("request-\($0)", mode: UInt8($0 * 5), Array($1.utf8)) }
  },
  check: { input in
    guard let mode = input.first else { return }
    let bytes = Array(input.dropFirst())
    let whole = try parse(bytes, pieceBytes: max(1, bytes.count))
    let pieces = try parse(bytes, pieceBytes: 1 + Int(mode))
    // A refusal may come at an earlier byte than the whole shows, but the same requests came
    // before.
    try require(
      whole.requests == pieces.requests, "\(whole.requests), in pieces \(pieces.requests)")
    try require(
      (whole.refusal == nil) == (pieces.refusal == nil),
      "\(String(describing: whole.refusal)), in pieces \(String(describing: pieces.refusal))")
  })

/// Limits that short inputs reach.
private let limits = {
  var limits = NetLimits()
  limits.urlBytesMax = 200
  limits.headerBytesMax = 400
  limits.headerCountMax = 8
  limits.bodyBytesMax = 300
  return limits
}()

/// What a connection's bytes ask for, until one request is refused.
private func parse(
  _ bytes: [UInt8], pieceBytes: Int
) throws -> (requests: [String], refusal: RequestRejection?) {
  let budget = MemoryBudget(byteCountMax: 1 << 20)
  let parser = RequestParser(limits: limits, budget: budget)
  var requests: [String] = []
  var at = 0
  while at < bytes.count {
    var piece = at..<min(bytes.count, at + pieceBytes)
    at = piece.upperBound
    while true {
      let (used, outcome) = bytes.withUnsafeBytes {
        parser.parse(UnsafeRawBufferPointer(rebasing: $0[piece]))
      }
      try require((0...piece.count).contains(used), "\(used) of \(piece.count) bytes taken")
      piece = (piece.lowerBound + used)..<piece.upperBound
      switch outcome {
      case .rejected(let rejection):
        try require((400...599).contains(rejection.status), "\(rejection)")
        try require(!rejection.message.isEmpty, "\(rejection)")
        return (requests, rejection)
      case .needsMore:
        try require(used > 0 || piece.isEmpty, "\(piece.count) bytes left, none taken")
      case .complete:
        requests.append(try describe(parser.request, [UInt8](parser.body.bytes)))
        parser.startNext()
      }
      if piece.isEmpty { break }
    }
  }
  return (requests, nil)
}

private func describe(_ request: borrowing HTTPRequest, _ body: [UInt8]) throws -> String {
  var text =
    "\(request.methodName) \(request.path) \(request.pathSegments) 1.\(request.minorVersion)"
  text += " \(request.keepsAlive) \(request.wantsUpgrade) \(request.webSocketAccept ?? "")"
  try require(request.headerCount <= limits.headerCountMax, "\(request.headerCount) lines")
  for at in 0..<request.headerCount {
    let (name, value) = request.header(at: at)
    let line = "\(name): \(value)"
    try require(!name.isEmpty && !line.utf8.contains { $0 < 32 && $0 != 9 }, "the header \(line)")
    text += "\n\(line)"
  }
  if let host = request.header("host") { text += "\n\(HostName.isOurs(host, Settings()))" }
  try require(body.count <= limits.bodyBytesMax, "a body of \(body.count) bytes")
  return text + "\n\(body)"
}
