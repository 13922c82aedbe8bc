import Foundation
import Net
import Testing
import Testkit

@testable import Net

/// A WebSocket client that says anything, right or wrong.
private struct Socket {
  let client: Client
  private let key = "dGhlIHNhbXBsZSBub25jZQ=="

  init?(_ port: UInt16) {
    client = Client(port)
    client.send(
      """
      GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r
      Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n\r\n
      """)
    // The accept value of RFC 6455, section 1.3.
    guard let head = client.readHead(), head.hasPrefix("HTTP/1.1 101 "),
      head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
    else { return nil }
  }

  static func frame(_ opcode: UInt8, _ payload: [UInt8], fin: Bool = true, masked: Bool = true)
    -> [UInt8]
  {
    var bytes: [UInt8] = [(fin ? 0x80 : 0) | opcode]
    let bit: UInt8 = masked ? 0x80 : 0
    switch payload.count {
    case ..<126: bytes.append(bit | UInt8(payload.count))
    case ..<65_536: bytes += [bit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
    default:
      bytes.append(bit | 127)
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift))
      }
    }
    guard masked else { return bytes + payload }
    let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
    return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
  }

  /// One frame; nil at the end.
  func read() -> (opcode: UInt8, payload: [UInt8])? {
    let head = client.read(2)
    guard head.count == 2, head[0] & 0x80 != 0, head[1] & 0x80 == 0 else { return nil }
    var count = Int(head[1])
    if count >= 126 {
      count = client.read(count == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
    }
    return (head[0] & 15, client.read(count))
  }

  /// The status code of the close frame that comes next.
  func readClose() -> Int? {
    guard let (opcode, payload) = read(), opcode == 8, payload.count >= 2 else { return nil }
    return Int(payload[0]) << 8 | Int(payload[1])
  }
}

/// Messages come back whole, however they were fragmented, cut and mixed with pings.
@Test func webSocketsEcho() {
  let (running, port) = runEcho()
  #expect(
    forAll(cases: 25) { random in
      guard let socket = Socket(port) else { return false }
      for _ in 0..<4 {
        let count = [0, 1, 125, 126, 4_096, 65_535, 65_536, random.below(200_000)][random.below(8)]
        let isText = random.chance(50)
        let message = (0..<count).map { _ in
          UInt8(truncatingIfNeeded: random.next()) & (isText ? 0x7F : 0xFF)
        }
        var wire: [UInt8] = []
        var at = 0
        var pings = 0
        var isFirst = true
        repeat {
          let to = random.chance(40) ? count : min(count, at + random.below(count / 2 + 2))
          wire += Socket.frame(
            isFirst ? (isText ? 1 : 2) : 0, Array(message[at..<to]), fin: to == count)
          isFirst = false
          at = to
          if at < count, random.chance(30) {
            wire += Socket.frame(9, [1, 2, 3])
            pings += 1
          }
        } while at < count
        while !wire.isEmpty {
          let cut = min(wire.count, 1 + random.below(30_000))
          socket.client.send(Array(wire[..<cut]))
          wire.removeFirst(cut)
        }
        for _ in 0..<pings {
          guard let pong = socket.read(), pong.opcode == 10, pong.payload == [1, 2, 3] else {
            return false
          }
        }
        guard let echo = socket.read(), echo.opcode == (isText ? 1 : 2), echo.payload == message
        else { return false }
      }
      socket.client.send(Socket.frame(8, [0x03, 0xE8]))
      return socket.readClose() == 1_000 && socket.client.readToEnd().isEmpty
        && socket.client.isEnded
    })
  running.stop()
}

/// Each breach of RFC 6455 is answered with its close code, and then the end.
@Test func breachesHaveTheirCodes() {
  let (running, port) = runEcho()
  let cases: [(String, [UInt8], Int)] = [
    ("unmasked", Socket.frame(1, [65], masked: false), 1_002),
    ("reserved bit", [0xC1] + Socket.frame(1, [65]).dropFirst(), 1_002),
    ("reserved opcode", Socket.frame(3, []), 1_002),
    ("reserved control opcode", Socket.frame(11, []), 1_002),
    ("long ping", Socket.frame(9, [UInt8](repeating: 0, count: 126)), 1_002),
    ("fragmented ping", Socket.frame(9, [], fin: false), 1_002),
    ("continuation of nothing", Socket.frame(0, [65]), 1_002),
    ("message inside a message", Socket.frame(1, [65], fin: false) + Socket.frame(1, [65]), 1_002),
    ("bad UTF-8", Socket.frame(1, [0xC3, 0x28]), 1_007),
    ("cut UTF-8", Socket.frame(1, [0xC3]), 1_007),
    (
      "bad UTF-8 across fragments",
      Socket.frame(1, [0xE2, 0x82], fin: false) + Socket.frame(0, [0x41]), 1_007
    ),
    ("surrogate", Socket.frame(1, [0xED, 0xA0, 0x80]), 1_007),
    ("close with one byte", Socket.frame(8, [3]), 1_002),
    ("close with code 999", Socket.frame(8, [0x03, 0xE7]), 1_002),
    ("close with code 1005", Socket.frame(8, [0x03, 0xED]), 1_002),
    ("close with bad UTF-8", Socket.frame(8, [0x03, 0xE8, 0xFF]), 1_007),
    ("large", Socket.frame(2, [UInt8](repeating: 0, count: 1_024 * 1_024 + 1)), 1_009),
    (
      "large in parts",
      Socket.frame(2, [UInt8](repeating: 0, count: 700_000), fin: false)
        + Socket.frame(0, [UInt8](repeating: 0, count: 700_000)), 1_009
    ),
  ]
  for (name, bytes, code) in cases {
    guard let socket = Socket(port) else {
      Issue.record("no handshake")
      continue
    }
    socket.client.send(bytes)
    #expect(socket.readClose() == code, "\(name)")
    #expect(socket.client.readToEnd().isEmpty && socket.client.isEnded, "\(name)")
  }
  running.stop()
}

/// A text cut inside a character is one text, and the largest message passes.
@Test func edgesThatMustPass() {
  let (running, port) = runEcho()
  guard let socket = Socket(port) else {
    Issue.record("no handshake")
    return
  }
  socket.client.send(Socket.frame(1, [0xE2, 0x82], fin: false) + Socket.frame(0, [0xAC]))
  #expect(socket.read()?.payload == Array("€".utf8))
  let large = [UInt8](repeating: 9, count: 1_024 * 1_024)
  socket.client.send(Socket.frame(2, large))
  #expect(socket.read()?.payload == large)
  running.stop()
}

/// Only a real handshake is accepted; the application answers the others.
@Test func handshakesAreChecked() {
  let (running, port) = runEcho()
  let good = [
    "Host: h", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ]
  #expect(ask(port, "GET /ws HTTP/1.1\r\n\(good.joined(separator: "\r\n"))\r\n\r\n")?.status == 101)
  for at in 1..<good.count {
    var headers = good
    headers.remove(at: at)
    let answer = ask(port, "GET /ws HTTP/1.1\r\n\(headers.joined(separator: "\r\n"))\r\n\r\n")
    #expect(answer?.status == 426, "without \(good[at])")
  }
  for key in [
    "short", "dGhlIHNhbXBsZSBub25jZQ=!", "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: x",
  ] {
    let headers = good.dropLast() + ["Sec-WebSocket-Key: \(key)"]
    let answer = ask(port, "GET /ws HTTP/1.1\r\n\(headers.joined(separator: "\r\n"))\r\n\r\n")
    #expect(answer?.status == 426, "\(key)")
  }
  // A client that offers HTTP/2 is answered in HTTP/1.1, on a connection that stays.
  let client = Client(port)
  let offer = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
  client.send(offer + offer)
  #expect(client.readAnswer()?.status == 200)
  #expect(client.readAnswer()?.status == 200)
  running.stop()
}

/// The published vectors of SHA-1 (FIPS 180) and base64 (RFC 4648).
@Test func digestVectors() {
  func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
  #expect(hex(sha1([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
  #expect(hex(sha1(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
  let long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
  #expect(hex(sha1(Array(long.utf8))) == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
  for (plain, coded) in [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ] {
    #expect(base64(Array(plain.utf8)) == coded)
  }
}

/// A quiet peer is pinged; one that answers stays, one that does not is dropped.
@Test func quietWebSocketsArePinged() {
  var limits = Running.smallLimits
  limits.pingMs = 150
  limits.idleMs = 900
  let seen = Box<[String]>([])
  let (running, port) = runEcho(limits: limits, seen: seen)
  guard let lively = Socket(port), let dead = Socket(port) else {
    Issue.record("no handshake")
    return
  }
  let began = Date()
  while Date().timeIntervalSince(began) < 1.8 {
    #expect(lively.read()?.opcode == 9)
    lively.client.send(Socket.frame(10, []))
  }
  lively.client.send(Socket.frame(1, Array("still here".utf8)))
  var frame = lively.read()
  while frame?.opcode == 9 { frame = lively.read() }
  #expect(frame?.payload == Array("still here".utf8))
  while let (opcode, _) = dead.read() { #expect(opcode == 9) }
  #expect(dead.client.isEnded)
  #expect(running.stop().timedOut == 1)
}
