import CSystem
import Foundation
import Net
import Testing
import Testkit

/// Each limit and each rule answers its own status, as JSON, and ends the connection.
@Test func limitsAnswerTheirCodes() {
  var limits = Running.smallLimits
  limits.urlBytesMax = 100
  limits.headerBytesMax = 400
  limits.headerCountMax = 10
  limits.bodyBytesMax = 1_000
  let (running, port) = runEcho(limits: limits)
  let host = "Host: h\r\n"
  let chunk = "3e9\r\n" + String(repeating: "x", count: 1_001) + "\r\n0\r\n\r\n"
  let cases: [(String, String, Int, String)] = [
    (
      "url", "GET /\(String(repeating: "a", count: 100)) HTTP/1.1\r\n\(host)\r\n", 414,
      "url_too_long"
    ),
    ("endless url", "GET /\(String(repeating: "a", count: 1_000))", 414, "url_too_long"),
    (
      "headers", "GET / HTTP/1.1\r\n\(host)X: \(String(repeating: "a", count: 400))\r\n\r\n", 431,
      "headers_too_large"
    ),
    (
      "endless header", "GET / HTTP/1.1\r\nX: \(String(repeating: "a", count: 9_000))", 431,
      "headers_too_large"
    ),
    ("blank lines", String(repeating: "\r\n", count: 5_000), 431, "headers_too_large"),
    (
      "header count", "GET / HTTP/1.1\r\n\(host)\(String(repeating: "X: 1\r\n", count: 10))\r\n",
      431, "headers_too_many"
    ),
    ("length", "POST / HTTP/1.1\r\n\(host)Content-Length: 1001\r\n\r\n", 413, "body_too_large"),
    (
      "absurd length", "POST / HTTP/1.1\r\n\(host)Content-Length: 99999999999999999999999\r\n\r\n",
      400, "content_length_invalid"
    ),
    (
      "chunked length", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n\(chunk)", 413,
      "body_too_large"
    ),
    (
      "chunk extension",
      "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n1;\(String(repeating: "a", count: 2_000))",
      431, "headers_too_large"
    ),
    (
      "both lengths",
      "POST / HTTP/1.1\r\n\(host)Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
      "content_length_with_transfer_encoding"
    ),
    (
      "two lengths", "POST / HTTP/1.1\r\n\(host)Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
      400, "content_length_invalid"
    ),
    (
      "coding", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: gzip\r\n\r\n", 501,
      "transfer_encoding_unknown"
    ),
    (
      "codings", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
      "transfer_encoding_unknown"
    ),
    (
      "old coding", "POST / HTTP/1.0\r\n\(host)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
      "malformed_request"
    ),
    ("version 2", "GET / HTTP/2.0\r\n\(host)\r\n", 505, "version_unsupported"),
    ("preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version_unsupported"),
    ("no host", "GET / HTTP/1.1\r\n\r\n", 400, "host_missing"),
    ("two hosts", "GET / HTTP/1.1\r\n\(host)\(host)\r\n", 400, "host_invalid"),
    ("odd host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "host_invalid"),
    ("connect", "CONNECT h:1 HTTP/1.1\r\n\(host)\r\n", 501, "method_unsupported"),
    ("bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400, "malformed_request"),
    ("bare CR", "GET / HTTP/1.1\r\n\(host)X: a\rY: b\r\n\r\n", 400, "malformed_request"),
    (
      "bare LF after a chunk size",
      "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", 400,
      "malformed_request"
    ),
    (
      "bare LF in a trailer",
      "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\r\n", 400,
      "malformed_request"
    ),
    (
      "bare CR in a chunk extension",
      "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n1;a\rb\r\nx\r\n0\r\n\r\n", 400,
      "malformed_request"
    ),
    (
      "chunk too long",
      "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", 400,
      "malformed_request"
    ),
    (
      "chunk size overflow",
      "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx", 400,
      "malformed_request"
    ),
    ("nameless header", "GET / HTTP/1.1\r\n: v\r\n\(host)\r\n", 400, "malformed_request"),
    ("later nameless header", "GET / HTTP/1.1\r\n\(host): v\r\n\r\n", 400, "malformed_request"),
    ("two spaces", "GET  / HTTP/1.1\r\n\(host)\r\n", 400, "malformed_request"),
    ("space after version", "GET / HTTP/1.1 \r\n\(host)\r\n", 505, "version_unsupported"),
    ("relative target", "GET a HTTP/1.1\r\n\(host)\r\n", 400, "malformed_request"),
    ("star", "GET * HTTP/1.1\r\n\(host)\r\n", 400, "malformed_request"),
    (
      "odd length", "POST / HTTP/1.1\r\n\(host)Content-Length: 0x3\r\n\r\nabc", 400,
      "content_length_invalid"
    ),
    (
      "listed lengths", "POST / HTTP/1.1\r\n\(host)Content-Length: 3, 3\r\n\r\nabc", 400,
      "content_length_invalid"
    ),
    ("fold", "GET / HTTP/1.1\r\n\(host)X: a\r\n b\r\n\r\n", 400, "malformed_request"),
  ]
  for (name, request, status, code) in cases {
    let client = Client(port)
    client.send(request)
    let answer = client.readAnswer()
    #expect(answer?.status == status, "\(name)")
    #expect(
      answer?.body.hasPrefix("{\"error\":{\"code\":\"\(code)\",\"message\":\"") == true, "\(name)")
    #expect(answer?.head.contains("Connection: close\r\n") == true, "\(name)")
    #expect(client.readToEnd().isEmpty && client.isEnded, "\(name)")
  }
  // The largest that fit do.
  let url = "GET /\(String(repeating: "a", count: 99)) HTTP/1.1\r\n\(host)\r\n"
  #expect(ask(port, url)?.status == 200)
  let body =
    "POST / HTTP/1.1\r\n\(host)Content-Length: 1000\r\n\r\n\(String(repeating: "x", count: 1_000))"
  #expect(ask(port, body)?.status == 200)
  let headers = "GET / HTTP/1.1\r\n\(host)\(String(repeating: "X: 1\r\n", count: 9))\r\n"
  #expect(ask(port, headers)?.status == 200)
  let counts = running.stop()
  #expect(counts.rejected == cases.count)
}

/// A refused upload is told so even while it is still sending.
@Test func refusedUploadsReadTheirAnswer() {
  let (running, port) = runEcho()
  let client = Client(port)
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n")
  let block = [UInt8](repeating: 0, count: 100_000)
  for _ in 0..<10 { client.send(block) }
  #expect(client.readAnswer()?.status == 413)
  running.stop()
}

/// Slow heads and bodies are told 408; silent connections just end; a paused stream does not.
@Test func patienceEnds() {
  var limits = Running.smallLimits
  limits.headerMs = 200
  limits.bodyMs = 200
  limits.idleMs = 400
  limits.streamIdleMs = 400
  let seen = Box<[String]>([])
  let (running, port) = runEcho(limits: limits, seen: seen)
  let slowHead = Client(port)
  let slowBody = Client(port)
  let silent = Client(port)
  let patient = Client(port)
  slowHead.send("GET / HT")
  slowBody.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nx")
  patient.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
  #expect(patient.readAnswer()?.status == 200)
  let began = Date()
  #expect(slowHead.readAnswer()?.status == 408)
  #expect(slowBody.readAnswer()?.status == 408)
  #expect(silent.readToEnd().isEmpty && silent.isEnded)
  #expect(patient.readToEnd().isEmpty && patient.isEnded)
  #expect(Date().timeIntervalSince(began) < 3)
  #expect(running.stop().timedOut == 4)
}

/// A viewer that takes nothing is dropped after the idle time, and its memory comes back.
@Test func deadViewersAreDropped() {
  final class Firehose: HTTPApplication {
    unowned let loop: Loop
    let refused = Box(0), ended = Box(0)
    var viewers: [ConnectionID] = []
    init(_ loop: Loop) { self.loop = loop }
    func request(_ request: borrowing HTTPRequest, _ body: RawSpan, _ connection: ConnectionID) {
      if loop.startEvents(connection) { viewers.append(connection) }
    }
    func tick(nowNs: Int64) {
      let event = [UInt8](repeating: 65, count: 200_000)
      for viewer in viewers where !loop.sendEvent(viewer, data: event) {
        refused.update { $0 += 1 }
      }
    }
    func closed(_ connection: ConnectionID) { ended.update { $0 += 1 } }
  }
  var limits = Running.smallLimits
  limits.idleMs = 300
  limits.outBytesMax = 1_024 * 1_024
  let port = Box<UInt16>(0)
  let made = Box<Firehose?>(nil)
  let running = Running(limits: limits) { (loop) throws(NetFault) in
    let firehose = Firehose(loop)
    made.value = firehose
    port.value = try loop.listenHTTP(host: "127.0.0.1", port: 0, application: firehose)
    return firehose
  }
  let client = Client(port.value)
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
  _ = client.readHead()
  #expect(eventually { made.value?.ended.value == 1 })
  #expect((made.value?.refused.value ?? 0) > 0)
  running.stop()
}

/// Beyond the connection limit clients are told when to come back, and those inside stay served.
@Test func fullServersSaySo() {
  var limits = Running.smallLimits
  limits.connectionCountMax = 3
  limits.streamCountMax = 1
  let (running, port) = runEcho(limits: limits)
  do {
    let inside = (0..<3).map { _ in Client(port) }
    for client in inside {
      client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
      #expect(client.readAnswer()?.status == 200)
    }
    for _ in 0..<20 {
      let outside = Client(port)
      outside.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
      let answer = outside.readAnswer()
      #expect(answer?.status == 503)
      #expect(answer?.head.contains("Retry-After: 1\r\n") == true)
      #expect(outside.readToEnd().isEmpty)
    }
    inside[0].send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(inside[0].readAnswer()?.status == 200)
  }
  #expect(eventually { ask(port, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 200 })
  #expect(running.stop().refused >= 20)
}

/// Bodies of all connections together stay inside the memory limit; the rest is told 503.
@Test func memoryIsShared() {
  var limits = Running.smallLimits
  limits.memoryBytesMax = 1_024 * 1_024
  let (running, port) = runEcho(limits: limits)
  let clients = (0..<8).map { _ in Client(port) }
  let head = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n"
  for client in clients {
    client.send(head)
    client.send([UInt8](repeating: 1, count: 390_000))
  }
  usleep(100_000)
  for client in clients { client.send([UInt8](repeating: 1, count: 10_000)) }
  let statuses = clients.compactMap { $0.readAnswer()?.status }
  #expect(statuses.count == 8)
  #expect(statuses.contains(503) && Set(statuses).isSubset(of: [200, 503]))
  #expect(eventually { ask(port, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 200 })
  running.stop()
}

/// Random bytes, and good requests gone bad, never stop the loop: the next good client is served.
@Test func garbageIsSurvived() {
  let (running, port) = runEcho()
  let socket =
    "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
  let seeds = [
    "POST /p?q=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", socket,
  ]
  #expect(
    forAll(cases: 400) { random in
      let client = Client(port)
      var bytes: [UInt8] = []
      switch random.below(3) {
      case 0:
        bytes = (0..<random.below(2_000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      case 1:
        bytes = Array(seeds[random.below(seeds.count)].utf8)
        for _ in 0...random.below(3) {
          bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        }
      default:
        bytes = Array(socket.utf8)
        bytes += (0..<random.below(300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      }
      client.send(bytes)
      if random.chance(50) { client.finish() }
      return ask(port, "GET /ok HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 200
    })
  running.stop()
}
