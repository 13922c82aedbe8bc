import Foundation
import Net
import Testing
import Testkit

private let requests = [
  "GET /a%2Fb/c?q=x+y%21 HTTP/1.1\r\nHost: h\r\nX-Test:  v \r\n\r\n",
  "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
  "PUT /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n",
  "GET http://h/abs?q= HTTP/1.1\r\nHost: h\r\n\r\n",
]

/// A request cut in two at any byte is answered like the whole one, also behind another.
@Test func splittingARequestChangesNothing() {
  let (running, port) = runEcho()
  for request in requests {
    let whole = ask(port, request)
    #expect(whole?.status == 200)
    let client = Client(port)
    for cut in 1..<request.utf8.count {
      client.send(String(decoding: Array(request.utf8)[..<cut], as: UTF8.self))
      if cut % 4 == 0 { usleep(200) }  // lets the first part arrive alone, often enough
      client.send(String(decoding: Array(request.utf8)[cut...], as: UTF8.self))
      #expect(client.readAnswer() == whole, "cut at \(cut)")
    }
  }
  running.stop()
}

/// Every byte in a segment of its own is as good as all in one.
@Test func byteByByteIsAnsweredTheSame() {
  let (running, port) = runEcho()
  for request in requests {
    let client = Client(port)
    for byte in request.utf8 {
      client.send([byte])
      usleep(50)
    }
    #expect(client.readAnswer() == ask(port, request))
  }
  running.stop()
}

/// Requests sent without waiting are answered in their order, also when one is answered late.
@Test func pipelinedAnswersKeepTheirOrder() {
  let (running, port) = runEcho()
  let client = Client(port)
  var all = ""
  var expected: [String] = []
  for at in 0..<2_000 {
    let isLate = at % 500 == 7
    all += "GET \(isLate ? "/later" : "/n\(at)") HTTP/1.1\r\nHost: h\r\n\r\n"
    expected.append(isLate ? "later" : "GET [\"n\(at)\"] q=- x=- body=0:")
  }
  client.send(all)
  for text in expected { #expect(client.readAnswer()?.body == text) }
  let counts = running.stop()
  #expect(counts.requests == 2_000)
}

/// The target is taken apart before it is decoded.
@Test func targetsAreDecoded() {
  let (running, port) = runEcho()
  let cases = [
    ("/", "[] q=-"), ("/a/b", #"["a", "b"] q=-"#), ("/a/", #"["a", ""] q=-"#),
    ("/..%2f..%2fetc", #"["../../etc"] q=-"#), ("/%C3%A9?q=%C3%A9", #"["é"] q=é"#),
    ("/x?a=1&q=2&q=3", #"["x"] q=2"#), ("/x?q", #"["x"] q="#), ("/x?q=100%", #"["x"] q=100%"#),
    ("/x?Q=1", #"["x"] q=-"#), ("http://h?q=1", "[] q=1"), ("/x?q=1#frag", #"["x"] q=1"#),
  ]
  for (target, expected) in cases {
    let answer = ask(port, "GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(answer?.body == "GET \(expected) x=- body=0:", "\(target)")
  }
  #expect(ask(port, "GET /a%zz HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 400)
  #expect(ask(port, "GET /a%2 HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 400)
  running.stop()
}

/// HEAD and 204 have no body; the length is still told for HEAD.
@Test func bodilessAnswers() {
  let (running, port) = runEcho()
  let client = Client(port)
  client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET /empty HTTP/1.1\r\nHost: h\r\n\r\n")
  let head = client.readAnswer(hasBody: false)
  #expect(head?.status == 200)
  #expect(head?.head.contains("Content-Length: ") == true)
  let empty = client.readAnswer()
  #expect(empty?.status == 204)
  #expect(empty?.head.contains("Content-Length") == false)
  running.stop()
}

/// A connection closes exactly when the version and the Connection header say so.
@Test func keepingAlive() {
  let (running, port) = runEcho()
  let cases = [
    ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.0", "", false),
    ("1.0", "Connection: keep-alive\r\n", true), ("1.1", "Connection: x, Close\r\n", false),
  ]
  for (version, header, keeps) in cases {
    let client = Client(port)
    let request = "GET /a HTTP/\(version)\r\nHost: h\r\n\(header)\r\n"
    client.send(request)
    let first = client.readAnswer()
    #expect(first?.status == 200)
    #expect(first?.head.contains("Connection: close") == !keeps)
    client.send(request)
    #expect((client.readAnswer() != nil) == keeps, "HTTP/\(version) \(header)")
  }
  running.stop()
}

/// A peer that ends its sending still reads the answers it is owed.
@Test func halfClosedPeersAreAnswered() {
  let (running, port) = runEcho()
  for path in ["/a", "/later"] {
    let client = Client(port)
    client.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n")
    client.finish()
    #expect(client.readAnswer()?.status == 200)
    #expect(client.readAnswer()?.status == 200)
    #expect(client.readToEnd().isEmpty)
    #expect(client.isEnded)
  }
  running.stop()
}

/// The body is asked for when the client waits to be asked, and not when it will be refused.
@Test func expectContinue() {
  let (running, port) = runEcho()
  let client = Client(port)
  client.send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
  #expect(client.readHead() == "HTTP/1.1 100 Continue\r\n\r\n")
  client.send("ok")
  #expect(client.readAnswer()?.body.hasSuffix("body=2:ok") == true)

  let large = Client(port)
  large.send(
    "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
  #expect(large.readHead()?.hasPrefix("HTTP/1.1 413 ") == true)
  let odd = ask(port, "GET /a HTTP/1.1\r\nHost: h\r\nExpect: cake\r\n\r\n")
  #expect(odd?.status == 417)
  running.stop()
}

/// Events arrive as the standard writes them, and the application hears of the viewer's leaving.
@Test func eventStreams() {
  let seen = Box<[String]>([])
  let (running, port) = runEcho(seen: seen)
  do {
    let client = Client(port)
    client.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
    let head = client.readHead()
    #expect(head?.contains("Content-Type: text/event-stream\r\n") == true)
    let event = "event: step\ndata: a\ndata: b\n\n"
    let all = (1...3).map { "id: \($0)\n" + event }.joined()
    #expect(String(decoding: client.read(all.utf8.count), as: UTF8.self) == all)
    client.send("ignored")
  }
  #expect(eventually { seen.read { $0.last == "closed" } })
  running.stop()
}

/// Quiet event streams get a comment, and quiet WebSockets a ping.
@Test func quietViewersHearThatWeLive() {
  var limits = Running.smallLimits
  limits.pingMs = 200
  let (running, port) = runEcho(limits: limits)
  let client = Client(port)
  client.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
  _ = client.readHead()
  _ = client.read(3 * "id: 1\nevent: step\ndata: a\ndata: b\n\n".utf8.count)
  #expect(client.read(6) == Array(":\n\n:\n\n".utf8))
  running.stop()
}

/// Whatever an application puts in a header stays in that header.
@Test func answersCannotBeSplit() {
  let port = Box<UInt16>(0)
  final class Careless: HTTPApplication {
    unowned let loop: Loop
    init(_ loop: Loop) { self.loop = loop }
    func request(_ request: borrowing HTTPRequest, _ body: RawSpan, _ connection: ConnectionID) {
      let value = request.query("v") ?? ""
      loop.respond(
        connection, status: 200, headers: [("X-Echo", value), ("Content-Length", "999")],
        body: [1, 2])
    }
  }
  let running = Running { (loop) throws(NetFault) in
    let careless = Careless(loop)
    port.value = try loop.listenHTTP(host: "localhost", port: 0, application: careless)
    return careless
  }
  let answer = ask(port.value, "GET /?v=a%0D%0AEvil:%20b HTTP/1.1\r\nHost: h\r\n\r\n")
  #expect(answer?.head == "HTTP/1.1 200 OK\r\nX-Echo: aEvil: b\r\nContent-Length: 2\r\n\r\n")
  running.stop()
}
