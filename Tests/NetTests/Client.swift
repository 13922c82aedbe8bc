import CSystem
import Foundation

/// A plain blocking socket; every wait ends after `patience` seconds. One thread may send while
/// another reads.
final class Client: @unchecked Sendable {
  let descriptor: Int32
  private var received: [UInt8] = []
  private(set) var isEnded = false

  init(_ port: UInt16, patience: Double = 5) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let made = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    precondition(made == 0, "connect: \(errno)")
    _ = vx_tcp_nodelay(descriptor)
    var limit = timeval(tv_sec: Int(patience), tv_usec: Int(patience * 1e6) % 1_000_000)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(
      descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { Foundation.close(descriptor) }

  /// false when the server is gone.
  @discardableResult func send(_ bytes: [UInt8]) -> Bool {
    var at = 0
    while at < bytes.count {
      let sent = bytes.withUnsafeBytes {
        Foundation.send(descriptor, $0.baseAddress! + at, bytes.count - at, Int32(MSG_NOSIGNAL))
      }
      if sent <= 0 { return false }
      at += sent
    }
    return true
  }

  @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  /// Says that nothing more will be sent.
  func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Receives once; false at the end or after too long.
  private func receive() -> Bool {
    var block = [UInt8](repeating: 0, count: 65_536)
    let got = recv(descriptor, &block, block.count, 0)
    if got > 0 { received += block[..<got] }
    if got == 0 || (got < 0 && errno != EAGAIN) { isEnded = true }
    return got > 0
  }

  /// Exactly `count` bytes, or fewer at the end.
  func read(_ count: Int) -> [UInt8] {
    while received.count < count, receive() {}
    let taken = Array(received.prefix(count))
    received.removeFirst(taken.count)
    return taken
  }

  func readToEnd() -> [UInt8] {
    while receive() {}
    defer { received = [] }
    return received
  }

  /// Everything through the first blank line, or nil.
  func readHead() -> String? {
    while true {
      if let end = received.firstRange(of: Array("\r\n\r\n".utf8)) {
        let head = String(decoding: received[..<end.upperBound], as: UTF8.self)
        received.removeFirst(end.upperBound)
        return head
      }
      if !receive() { return nil }
    }
  }

  struct Answer: Equatable {
    var status = 0
    var head = ""
    var body = ""
  }

  /// One answer with a Content-Length; nil at the end or after too long. Skips a 100.
  func readAnswer(hasBody: Bool = true) -> Answer? {
    guard let head = readHead(), let status = Int(head.dropFirst(9).prefix(3)) else { return nil }
    if status == 100 { return readAnswer(hasBody: hasBody) }
    var count = 0
    for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length:") {
      count = Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces)) ?? 0
    }
    let body = hasBody ? String(decoding: read(count), as: UTF8.self) : ""
    return Answer(status: status, head: head, body: body)
  }
}

/// One request on a connection of its own.
func ask(_ port: UInt16, _ request: String) -> Client.Answer? {
  let client = Client(port)
  client.send(request)
  return client.readAnswer()
}
