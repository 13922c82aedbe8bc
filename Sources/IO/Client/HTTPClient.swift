public import Authoring
import Bounded
import CSystem
public import Net

/// What an HTTP server answered.
public struct HTTPAnswer: Sendable {
  public let status: Int
  public let body: [UInt8]

  /// The body as JSON, or nil when it is none.
  public var json: YamlNode? { YamlNode.parse(body).value }

  /// The message of an error of the engine's interface, or the status.
  public var reason: String {
    json?["error"]?["message"]?.text ?? "HTTP status \(status)"
  }
}

/// Why there is no answer.
public enum HTTPFault: Error, Equatable, Sendable, CustomStringConvertible {
  case notConnected(host: String, port: UInt16)
  /// The connection ended before the answer did.
  case cutOff
  case timedOut(seconds: Int)
  /// Not an answer that this client understands.
  case malformed(String)

  public var description: String {
    switch self {
    case .notConnected(let host, let port): "nothing accepts connections on \(host):\(port)"
    case .cutOff: "the connection ended before the answer did"
    case .timedOut(let seconds): "no answer within \(seconds) s"
    case .malformed(let what): "not an HTTP answer: \(what)"
    }
  }
}

/// Asks one HTTP server, one request at a time over one connection that is kept.
///
/// For the few questions around a run; it allocates. At most 64 requests wait.
public final class HTTPClient: StreamApplication {
  public typealias Done = (Result<HTTPAnswer, HTTPFault>) -> Void

  private struct Request {
    let bytes: [UInt8]
    let done: Done
    /// Sent already on a connection that ended before it answered anything.
    var isRetried = false
  }

  /// Longest answer taken, bytes.
  private static let byteCountMax = 64 << 20

  private let loop: Loop
  private let host: String
  private let port: UInt16
  private var waiting: [Request] = []
  private var current: Request?
  private var connection: ConnectionID?
  private var received: [UInt8] = []
  private var isFresh = true
  private var isOpened = false

  /// - Parameter host: A loopback address.
  public init(loop: Loop, host: String, port: UInt16) {
    self.loop = loop
    self.host = host
    self.port = port
  }

  /// Asks; `done` is called on the loop's thread, or at once when the client cannot even connect.
  ///
  /// - Parameter headers: Further ones; no value may hold a line's end.
  public func ask(
    _ method: String, _ path: String, body: [UInt8] = [], type: String = "application/yaml",
    headers: [(name: String, value: String)] = [], _ done: @escaping Done
  ) {
    precondition(waiting.count < 64, "64 requests wait for \(host):\(port)")
    var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host):\(port)\r\n"
    if method != "GET" { head += "Content-Type: \(type)\r\nContent-Length: \(body.count)\r\n" }
    for header in headers { head += "\(header.name): \(header.value)\r\n" }
    waiting.append(Request(bytes: Array((head + "\r\n").utf8) + body, done: done))
    next()
  }

  /// Asks, and runs the loop until the answer is there.
  public func wait(
    _ method: String, _ path: String, body: [UInt8] = [], seconds: Int = 30
  ) throws(HTTPFault) -> HTTPAnswer {
    var result: Result<HTTPAnswer, HTTPFault>?
    ask(method, path, body: body) { result = $0 }
    let endNs = vx_monotonic_ns() + Int64(seconds) * 1_000_000_000
    while result == nil {
      if vx_monotonic_ns() >= endNs {
        abandon()
        throw .timedOut(seconds: seconds)
      }
      loop.runOnce(timeoutNs: 20_000_000)
    }
    switch result {
    case .success(let answer): return answer
    case .failure(let fault): throw fault
    case nil: throw .cutOff
    }
  }

  // MARK: one request after another

  private func next() {
    guard current == nil, !waiting.isEmpty else { return }
    current = waiting.removeFirst()
    start()
  }

  private func start() {
    guard let request = current else { return }
    received.removeAll(keepingCapacity: true)
    if connection == nil {
      do throws(NetFault) {
        isFresh = true
        isOpened = false
        connection = try loop.connectStream(host: host, port: port, application: self)
      } catch {
        return finish(.failure(.notConnected(host: host, port: port)))
      }
    } else {
      isFresh = false
    }
    if let connection, !loop.send(connection, request.bytes) {
      finish(.failure(.malformed("the request is too large to send")))
    }
  }

  private func finish(_ result: Result<HTTPAnswer, HTTPFault>) {
    guard let request = current else { return }
    current = nil
    received.removeAll(keepingCapacity: true)
    request.done(result)
    next()
  }

  private func abandon() {
    if let connection { loop.drop(connection) }
    connection = nil
    current = nil
  }

  // MARK: what the loop tells

  public func opened(_ connection: ConnectionID) { isOpened = true }

  public func closed(_ connection: ConnectionID) {
    guard connection == self.connection else { return }
    self.connection = nil
    guard var request = current else { return }
    // A server may end a quiet connection just as we speak on it.
    if !isFresh && !request.isRetried && received.isEmpty {
      request.isRetried = true
      current = request
      return start()
    }
    finish(.failure(isOpened ? .cutOff : .notConnected(host: host, port: port)))
  }

  public func received(_ connection: ConnectionID, _ bytes: RawSpan) -> Int {
    guard connection == self.connection, current != nil else { return bytes.byteCount }
    received.append(bytes)
    if received.count > Self.byteCountMax {
      loop.drop(connection)
      self.connection = nil
      finish(.failure(.malformed("longer than \(Self.byteCountMax >> 20) MiB")))
    } else {
      readAnswer(connection)
    }
    return bytes.byteCount
  }

  private func readAnswer(_ connection: ConnectionID) {
    guard let headEnd = headEnd() else { return }
    let lines = String(decoding: received[..<headEnd], as: UTF8.self).split(separator: "\r\n")
    guard let first = lines.first, first.hasPrefix("HTTP/1."), first.utf8.count >= 12,
      let status = Int(first.dropFirst(9).prefix(3))
    else { return end(connection, .failure(.malformed("no status line"))) }
    var bodyCount: Int?
    var closes = false
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      switch line[..<colon].lowercased() {
      case "content-length": bodyCount = Int(value)
      case "connection": closes = value.lowercased() == "close"
      default: break
      }
    }
    let body = received[(headEnd + 4)...]
    guard let bodyCount else {
      if status == 204 { return end(connection, .success(HTTPAnswer(status: status, body: []))) }
      return end(connection, .failure(.malformed("no Content-Length")))
    }
    guard body.count >= bodyCount else { return }
    let answer = HTTPAnswer(status: status, body: Array(body.prefix(bodyCount)))
    if closes { end(connection, .success(answer)) } else { finish(.success(answer)) }
  }

  /// Finishes the request and gives the connection up.
  private func end(_ connection: ConnectionID, _ result: Result<HTTPAnswer, HTTPFault>) {
    self.connection = nil
    loop.close(connection)
    finish(result)
  }

  /// Where the empty line after the head begins.
  private func headEnd() -> Int? {
    let end: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a]
    guard received.count >= 4 else { return nil }
    for at in 0...received.count - 4 where received[at] == 0x0d {
      if Array(received[at..<at + 4]) == end { return at }
    }
    return nil
  }
}

extension YamlNode {
  /// The value of `key` of a mapping.
  public subscript(key: String) -> YamlNode? {
    guard case .mapping(let pairs) = content else { return nil }
    return pairs.first { $0.key == key }?.value
  }

  /// The values of a list; none for anything else.
  public var items: [YamlNode] {
    guard case .sequence(let items) = content else { return [] }
    return items
  }

  public var text: String? {
    guard case .scalar(let text, _) = content else { return nil }
    return text
  }

  public var number: UInt64? { text.flatMap { UInt64($0) } }
}
