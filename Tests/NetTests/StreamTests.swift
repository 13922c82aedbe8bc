import CSystem
import Foundation
import Testing
import Testkit

@testable import Net

/// Echoes bytes in pieces of its own choosing: consumes parts, pauses and resumes at random, and
/// waits for `drained` when the out-buffer is full.
private final class MoodyEcho: StreamApplication {
  unowned let loop: Loop
  var random: TestRandom
  var paused: [ConnectionID] = []
  let closed: Box<Int>

  init(_ loop: Loop, seed: UInt64, closed: Box<Int> = Box(0)) {
    self.loop = loop
    random = TestRandom(seed: seed)
    self.closed = closed
  }

  func opened(_ connection: ConnectionID) {}

  func received(_ connection: ConnectionID, _ bytes: RawSpan) -> Int {
    let wanted = min(bytes.byteCount, 1 + random.below(20_000))
    let isInPlace = random.chance(50)
    let piece = Array([UInt8](copying: bytes).prefix(wanted))
    let sent =
      isInPlace
      ? loop.send(connection, reserving: wanted + 10) { room in
        for (at, byte) in piece.enumerated() {
          room.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
        }
        return wanted
      } : loop.send(connection, piece)
    // What is left must be offered again, so reading pauses; a tick or `drained` resumes it.
    if !sent || wanted < bytes.byteCount {
      loop.pauseReading(connection)
      if sent { paused.append(connection) }
    }
    return sent ? wanted : 0
  }

  func drained(_ connection: ConnectionID) { loop.resumeReading(connection) }
  func tick(nowNs: Int64) {
    for connection in paused { loop.resumeReading(connection) }
    paused.removeAll()
  }
  func closed(_ connection: ConnectionID) { closed.update { $0 += 1 } }
}

private func runMoodyEcho(
  limits: NetLimits = Running.smallLimits, seed: UInt64 = runSeed, closed: Box<Int> = Box(0)
) -> (Running, UInt16) {
  let port = Box<UInt16>(0)
  let running = Running(limits: limits) { (loop) throws(NetFault) in
    let echo = MoodyEcho(loop, seed: seed, closed: closed)
    port.value = try loop.listenStream(host: "127.0.0.1", port: 0, application: echo)
    return echo
  }
  return (running, port.value)
}

/// Whatever is sent comes back byte for byte, however the two sides cut it and pause, and whether
/// busy streams are read at once or gather.
@Test(arguments: [0, 3]) func streamsEchoExactly(gatherMs: Int) {
  var limits = Running.smallLimits
  limits.gatherMs = gatherMs
  limits.streamReceiveBytes = 32 * 1_024
  limits.outBytesMax = 48 * 1_024
  limits.tickMs = 1
  #expect(
    forAll(cases: 6) { random in
      let (running, port) = runMoodyEcho(limits: limits, seed: random.next())
      defer { running.stop() }
      let count = 1 + random.below(400_000)
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let client = Client(port)
      let seed = random.next()
      let sender = Thread {
        var cutting = TestRandom(seed: seed)
        var at = 0
        while at < count {
          let to = min(count, at + 1 + cutting.below(30_000))
          client.send(Array(bytes[at..<to]))
          at = to
        }
      }
      sender.start()
      return client.read(count) == bytes
    })
}

/// Busy streams are read once in a while, from the start of one reading to the next; quiet ones, and
/// those that brought much, at once.
@Test func onlyBusyStreamsGather() {
  var traffic = StreamTraffic()
  func read(_ startMs: Int64, _ bytes: Int, isMuch: Bool = false) -> Int64 {
    traffic.begin(startMs * 1_000_000)
    traffic.received(bytes, isMuch: isMuch)
    traffic.end(startMs * 1_000_000 + 300_000, gatherNs: 2_000_000)
    return traffic.gatherUntilNs
  }
  var quiet: [Int64] = []
  for ms in 1_000..<1_100 { quiet.append(read(Int64(ms), 4_096)) }
  #expect(quiet.allSatisfy { $0 == 0 }, "4 MB/s is not busy")
  for ms in 1_100..<1_120 { _ = read(Int64(ms), 16_384) }
  #expect(read(1_120, 16_384) == 1_122_000_000)
  #expect(read(1_121, 16_384, isMuch: true) == 0)
  #expect(read(1_122, 64) == 1_124_000_000, "one small reading ends no busy time")
  #expect(read(1_200, 64) == 0, "a pause does")
}

/// A client that never reads is held up by back-pressure; nothing is lost once it does.
@Test func slowReadersLoseNothing() {
  var limits = Running.smallLimits
  limits.outBytesMax = 16 * 1_024
  limits.streamReceiveBytes = 16 * 1_024
  limits.tickMs = 1
  let (running, port) = runMoodyEcho(limits: limits)
  let client = Client(port, patience: 20)
  let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
  let (isSent, isOver) = (Box(false), DispatchSemaphore(value: 0))
  let sender = Thread {
    isSent.value = client.send(bytes)
    isOver.signal()
  }
  sender.start()
  usleep(100_000)
  #expect(client.read(bytes.count) == bytes)
  // The last byte may be back before the thread that sent it runs on.
  #expect(isOver.wait(timeout: .now() + 20) == .success)
  #expect(isSent.value)
  running.stop()
}

/// A frame that cannot fit the receive block ends its connection, and no other.
@Test func tooLongFramesEndTheConnection() {
  final class Hoarder: StreamApplication {
    func opened(_ connection: ConnectionID) {}
    func received(_ connection: ConnectionID, _ bytes: RawSpan) -> Int { 0 }
  }
  var limits = Running.smallLimits
  limits.streamReceiveBytes = 4_096
  let port = Box<UInt16>(0)
  let running = Running(limits: limits) { (loop) throws(NetFault) in
    let hoarder = Hoarder()
    port.value = try loop.listenStream(host: "127.0.0.1", port: 0, application: hoarder)
    return hoarder
  }
  let client = Client(port.value)
  client.send([UInt8](repeating: 1, count: 4_095))
  usleep(50_000)
  client.send([UInt8](repeating: 1, count: 4_096))
  #expect(client.readToEnd().isEmpty)
  #expect(client.isEnded)
  #expect(running.stop().framesTooLong == 1)
}

/// Ids of connections that are gone do nothing, also when their slot is used again.
@Test func staleIdsAreHarmless() {
  final class Stale: StreamApplication {
    unowned let loop: Loop
    var old: [ConnectionID] = []
    let refusals = Box(0)
    init(_ loop: Loop) { self.loop = loop }
    func opened(_ connection: ConnectionID) {
      for id in old {
        loop.close(id)
        loop.drop(id)
        loop.pauseReading(id)
        loop.resumeReading(id)
        loop.respond(id, status: 200)
        loop.closeWebSocket(id)
        if !loop.send(id, [1, 2, 3]), !loop.sendText(id, "x"), !loop.acceptWebSocket(id),
          !loop.startEvents(id), loop.pendingBytes(id) == 0, !loop.isOpen(id)
        {
          refusals.update { $0 += 1 }
        }
      }
    }
    func received(_ connection: ConnectionID, _ bytes: RawSpan) -> Int {
      _ = loop.send(connection, bytes)
      return bytes.byteCount
    }
    func closed(_ connection: ConnectionID) {
      if loop.isOpen(connection) || loop.send(connection, [1]) { refusals.value = -1_000 }
      old.append(connection)
    }
  }
  let port = Box<UInt16>(0)
  let refusals = Box<Box<Int>?>(nil)
  let running = Running { (loop) throws(NetFault) in
    let stale = Stale(loop)
    refusals.value = stale.refusals
    port.value = try loop.listenStream(host: "127.0.0.1", port: 0, application: stale)
    return stale
  }
  for at in 0..<20 {
    let client = Client(port.value)
    client.send([7, UInt8(at)])
    #expect(client.read(2) == [7, UInt8(at)])
  }
  running.stop()
  #expect((refusals.value?.value ?? 0) > 20)
}

/// Two loops talk to each other; `close` delivers what was queued, and both hear of the end once.
@Test func clientsConnect() {
  final class Caller: StreamApplication {
    unowned let loop: Loop
    let heard = Box<[UInt8]>([])
    let events = Box<[String]>([])
    init(_ loop: Loop) { self.loop = loop }
    func opened(_ connection: ConnectionID) { events.update { $0.append("opened") } }
    func received(_ connection: ConnectionID, _ bytes: RawSpan) -> Int {
      heard.update { $0 += [UInt8](copying: bytes) }
      if heard.value.count >= 70_000 { loop.close(connection) }
      return bytes.byteCount
    }
    func closed(_ connection: ConnectionID) { events.update { $0.append("closed") } }
  }
  let closed = Box(0)
  let (server, port) = runMoodyEcho(closed: closed)
  let made = Box<Caller?>(nil)
  let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0) }
  let client = Running { (loop) throws(NetFault) in
    let caller = Caller(loop)
    made.value = caller
    let id = try loop.connectStream(host: "localhost", port: port, application: caller)
    #expect(loop.send(id, bytes))
    return caller
  }
  #expect(eventually { made.value?.events.value == ["opened", "closed"] && closed.value == 1 })
  #expect(made.value?.heard.value == bytes)
  client.stop()
  server.stop()
}

/// A connection that cannot be made is closed, not opened.
@Test func failedConnectsAreClosed() throws {
  final class Caller: StreamApplication {
    let events = Box<[String]>([])
    func opened(_ connection: ConnectionID) { events.update { $0.append("opened") } }
    func received(_ connection: ConnectionID, _ bytes: RawSpan) -> Int { 0 }
    func closed(_ connection: ConnectionID) { events.update { $0.append("closed") } }
  }
  let (server, port) = runMoodyEcho()
  server.stop()
  let caller = Caller()
  nonisolated(unsafe) let heard = caller
  let client = Running { (loop) throws(NetFault) in
    do throws(NetFault) {
      _ = try loop.connectStream(host: "127.0.0.1", port: port, application: heard)
    } catch { heard.events.value = ["closed"] }
    return heard
  }
  #expect(eventually { caller.events.value == ["closed"] })
  client.stop()
}

/// Wakes from many threads are never lost, and rings while one is pending count as one.
@Test func wakesAreNeverLost() {
  final class Sleeper: HTTPApplication {
    let wanted: Box<Int>, got = Box(0), calls = Box(0)
    init(_ wanted: Box<Int>) { self.wanted = wanted }
    func request(_ request: borrowing HTTPRequest, _ body: RawSpan, _ connection: ConnectionID) {}
    func woken() {
      calls.update { $0 += 1 }
      got.value = wanted.value
    }
  }
  let wanted = Box(0)
  let made = Box<Sleeper?>(nil)
  var limits = Running.smallLimits
  limits.tickMs = 1_000
  let running = Running(limits: limits) { (loop) throws(NetFault) in
    let sleeper = Sleeper(wanted)
    made.value = sleeper
    _ = try loop.listenHTTP(host: "127.0.0.2", port: 0, application: sleeper)
    _ = try loop.listenHTTP(host: "127.0.0.1", port: 0, application: sleeper)
    return sleeper
  }
  let waker = running.waker!
  for round in 0..<20 {
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<100 {
        wanted.update { $0 += 1 }
        waker.wake()
      }
    }
    #expect(eventually { made.value?.got.value == 400 * (round + 1) })
  }
  #expect((made.value?.calls.value ?? 0) <= 8_000)
  running.stop()
}

/// Only loopback addresses are served or called.
@Test func onlyLoopback() {
  let faults = Box<[NetFault]>([])
  let hosts = ["0.0.0.0", "10.0.0.1", "::", "example.org", "127.1", "127.0.0.01", "128.0.0.1", ""]
  let running = Running { (loop) throws(NetFault) in
    let echo = Echo(loop)
    for host in hosts {
      do throws(NetFault) {
        _ = try loop.listenHTTP(host: host, port: 0, application: echo)
      } catch { faults.update { $0.append(error) } }
    }
    _ = try loop.listenHTTP(host: "127.9.8.7", port: 0, application: echo)
    return echo
  }
  #expect(running.fault == nil)
  #expect(faults.value == hosts.map { .notLoopback(host: $0) })
  running.stop()
}

/// A port in use is a fault that says so.
@Test func portInUse() {
  let (running, port) = runEcho()
  let second = Running { (loop) throws(NetFault) in
    let echo = Echo(loop)
    _ = try loop.listenHTTP(host: "127.0.0.1", port: port, application: echo)
    return echo
  }
  #expect(
    second.fault == .system(call: "listen", endpoint: "127.0.0.1:\(port)", errno: EADDRINUSE))
  #expect(second.fault?.description == "listen 127.0.0.1:\(port): Address already in use")
  running.stop()
}

/// A client that ends its sending still gets what the application owes it.
@Test func finishedPeersStillRead() {
  final class Slow: StreamApplication {
    unowned let loop: Loop
    var owed: [(ConnectionID, [UInt8])] = []
    init(_ loop: Loop) { self.loop = loop }
    func opened(_ connection: ConnectionID) {}
    func received(_ connection: ConnectionID, _ bytes: RawSpan) -> Int {
      owed.append((connection, [UInt8](copying: bytes)))
      return bytes.byteCount
    }
    func peerFinished(_ connection: ConnectionID) -> Bool { true }
    func tick(nowNs: Int64) {
      for (connection, bytes) in owed {
        _ = loop.send(connection, bytes)
        loop.close(connection)
      }
      owed.removeAll()
    }
  }
  let port = Box<UInt16>(0)
  let running = Running { (loop) throws(NetFault) in
    let slow = Slow(loop)
    port.value = try loop.listenStream(host: "127.0.0.1", port: 0, application: slow)
    return slow
  }
  let client = Client(port.value)
  client.send([1, 2, 3])
  client.finish()
  #expect(client.readToEnd() == [1, 2, 3])
  #expect(client.isEnded)
  running.stop()
}
