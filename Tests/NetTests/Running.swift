import CSystem
import Foundation
import Net
import Synchronization

/// A loop on a thread of its own, stopped and gone before `stop()` returns.
final class Running: @unchecked Sendable {
  private(set) var waker: Waker!
  private(set) var fault: NetFault?
  /// The totals, readable once `stop()` returned.
  private(set) var counts = NetCounts()
  private let ended = DispatchSemaphore(value: 0)

  /// `build` runs on the loop's thread, before anything is served; the value is kept alive until the
  /// loop ended.
  init(
    limits: NetLimits = Running.smallLimits,
    build: @escaping (Loop) throws(NetFault) -> Any
  ) {
    let started = DispatchSemaphore(value: 0)
    nonisolated(unsafe) let build = build
    let thread = Thread { [self] in
      do throws(NetFault) {
        let loop = try Loop(limits: limits)
        waker = loop.waker
        let kept = try build(loop)
        started.signal()
        loop.run()
        counts = loop.counts
        withExtendedLifetime(kept) {}
      } catch {
        fault = error
        started.signal()
      }
      ended.signal()
    }
    thread.start()
    started.wait()
  }

  @discardableResult func stop() -> NetCounts {
    waker?.stop()
    ended.wait()
    return counts
  }

  /// Small enough that many loops fit beside each other and every limit is in reach.
  static var smallLimits: NetLimits {
    var limits = NetLimits()
    limits.connectionCountMax = 64
    limits.streamCountMax = 8
    limits.bodyBytesMax = 1_024 * 1_024
    limits.memoryBytesMax = 64 * 1_024 * 1_024
    return limits
  }
}

/// A value handed from the loop's thread to the test's.
final class Box<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private var stored: Value
  init(_ value: Value) { stored = value }
  var value: Value {
    get { lock.withLock { stored } }
    set { lock.withLock { stored = newValue } }
  }
  func update(_ body: (inout Value) -> Void) { lock.withLock { body(&stored) } }
  /// Looks at the value under the lock: of a copy the thread sanitizer does not see the counting of
  /// references that guards it, and calls it a race.
  func read<Result>(_ body: (Value) -> Result) -> Result { lock.withLock { body(stored) } }
}

extension Array where Element == UInt8 {
  init(copying bytes: RawSpan) {
    self = bytes.withUnsafeBytes { Array($0) }
  }
}

/// Waits up to two seconds for `condition`.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<2_000 {
    if condition() { return true }
    usleep(1_000)
  }
  return condition()
}

/// Answers every request with what it understood; "/ws" echoes messages, "/events" sends three,
/// "/later" answers when woken or ticked.
final class Echo: HTTPApplication {
  unowned let loop: Loop
  var waiting: [ConnectionID] = []
  var closedCount = 0
  let seen: Box<[String]>

  init(_ loop: Loop, seen: Box<[String]> = Box([])) {
    self.loop = loop
    self.seen = seen
  }

  func request(_ request: borrowing HTTPRequest, _ body: RawSpan, _ connection: ConnectionID) {
    let path = request.path
    seen.update { $0.append("\(request.methodName) \(path)") }
    if path == "/ws" {
      if loop.acceptWebSocket(connection) { return }
      return loop.respond(connection, status: 426, headers: [("Sec-WebSocket-Version", "13")])
    }
    if path == "/events" {
      guard loop.startEvents(connection) else { return }
      for at in 1...3 {
        _ = loop.sendEvent(connection, id: "\(at)", event: "step", data: Array("a\nb".utf8))
      }
      return
    }
    if path == "/later" {
      waiting.append(connection)
      return
    }
    if path == "/empty" { return loop.respond(connection, status: 204) }
    var text = "\(request.methodName) \(request.pathSegments) q=\(request.query("q") ?? "-")"
    text += " x=\(request.header("X-Test") ?? "-") body=\(body.byteCount):"
    loop.respond(
      connection, status: 200, headers: [("Content-Type", "text/plain")],
      body: Array(text.utf8) + Array(copying: body))
  }

  func webSocketMessage(_ connection: ConnectionID, _ bytes: RawSpan, isText: Bool) {
    let sent = isText ? loop.sendText(connection, bytes) : loop.sendBinary(connection, bytes)
    if !sent { loop.closeWebSocket(connection, code: 1013, reason: "too slow") }
  }

  func tick(nowNs: Int64) {
    for connection in waiting { loop.respond(connection, status: 200, body: Array("later".utf8)) }
    waiting.removeAll()
  }

  func closed(_ connection: ConnectionID) { seen.update { $0.append("closed") } }
}

/// An `Echo` and its port.
func runEcho(
  limits: NetLimits = Running.smallLimits, seen: Box<[String]> = Box([])
) -> (Running, UInt16) {
  let port = Box<UInt16>(0)
  let running = Running(limits: limits) { (loop) throws(NetFault) in
    let echo = Echo(loop, seen: seen)
    port.value = try loop.listenHTTP(host: "127.0.0.1", port: 0, application: echo)
    return echo
  }
  return (running, port.value)
}
