import Authoring
import Bounded
import CSystem
import Disk
import Events
import Foundation
import Hunt
import Pages
import Partitions
import Synchronization
import Testing
import Testkit
import World

@testable import Engine

// Searches for paths while a hunt plays, through a whole engine: what they see, and what becomes of them
// when the hunt's memory goes wrong. Not verified here: the path itself (PathFinderTests).

/// An engine on a folder of its own with one hunt, and the one gateway that it has.
private final class Host {
  let engine: Engine
  let port: GatewayPort
  let entry: HuntEntry
  let lines = Lines()
  private let data: String
  private var batches: UInt64 = 0
  private var asked: UInt64 = 0

  final class Lines: Sendable {
    let all = Mutex<[String]>([])
  }

  init(_ definition: HuntDefinition, _ map: Topology) throws {
    data = NSTemporaryDirectory() + "/veltrix-host-\(UUID().uuidString)"
    var settings = Settings()
    settings.data = data
    settings.digestEveryEvents = 1_000
    let lines = lines
    engine = try Engine(settings) { level, line in
      if level != .info { lines.all.withLock { $0.append(line) } }
    }
    port = engine.addPort(wake: {})
    engine.start()
    engine.create(definition, map: map) { _ in }
    for _ in 0..<60_000 where engine.hunt(named: definition.name) == nil { usleep(1_000) }
    entry = try #require(engine.hunt(named: definition.name))
  }

  func stop() {
    engine.stop()
    try? Files.removeTree(data)  // what is left is in a folder for temporary files
  }

  /// Sends events and waits for the reply: the journal offset behind them.
  func send(_ events: [Event], _ ack: AckLevel = .durable) throws -> Reply {
    let flat = Slab(byteCount: events.count * 64)
    for (at, event) in events.enumerated() { flat.store(event, at * 64) }
    var batch = Batch(.submit)
    batch.slot = entry.slot
    batch.ack = ack
    batch.flags = [.operate]
    batch.producer = 7
    batch.count = UInt32(events.count)
    batches += 1
    batch.batch = batches
    var isSent = false
    flat.withBytes(0, count: events.count * 64) { bytes in
      isSent = port.send(batch, bytes, thread: entry.thread)
    }
    #expect(isSent)
    port.flush()
    var reply: Reply?
    for _ in 0..<100_000 where reply == nil {
      _ = port.receive(limit: 10) { header, _ in if header.batch == batches { reply = header } }
      if reply == nil { usleep(50) }
    }
    return try #require(reply)
  }

  func ask(_ query: Query) throws -> Answer {
    asked += 1
    engine.ask(entry, query, QueryTicket(port: port, connection: 1, tag: asked))
    for _ in 0..<100_000 {
      if let answer = port.takeAnswers().first(where: { $0.tag == asked }) { return answer }
      usleep(50)
    }
    throw Unanswered()
  }

  struct Unanswered: Error {}
}

private func corridor() -> (HuntDefinition, Topology) {
  var definition = HuntDefinition(name: "corridor")
  definition.limits.players = 200
  definition.limits.treasures = 10
  definition.limits.claims = 100
  definition.limits.idempotencyKeys = 1_000
  definition.limits.producers = 16
  definition.limits.gaps = 1_000
  definition.limits.names = 16
  definition.rules.joinImplicitly = true
  return (definition, blockMap(["......"]))
}

/// Moves of players, numbered in the one producer's order.
private struct Numbered {
  var sequence: UInt64 = 0

  mutating func event(_ kind: EventKind, player: UInt64, x: Int32 = 0, value: Int64 = 0) -> Event {
    sequence += 1
    var event = Event(kind: kind, producer: 7, sequence: sequence, player: player, x: x, y: 0)
    event.value = value
    return event
  }
}

/// Whoever closed or opened a block finds paths accordingly at once, whether the reply was durable or
/// provisional; the answer says at which offset, and it is not one before the reply's.
@Test func aPathIsThatOfTheAskersOwnWrites() throws {
  let (definition, map) = corridor()
  let host = try Host(definition, map)
  defer { host.stop() }
  var random = TestRandom(seed: runSeed)
  var numbered = Numbered()
  var isOpen = true
  for _ in 0..<200 {
    isOpen.toggle()
    let order = isOpen ? EdgeOrder.break() : .place()
    let reply = try host.send(
      [numbered.event(.edge, player: 1, x: 3, value: order.value)],
      random.chance(50) ? .applied : .durable)
    #expect(reply.applied == 1)
    if random.chance(20) { usleep(UInt32(random.below(40_000))) }
    let answer = try host.ask(.path(from: .place(0, 0, 0), to: .place(5, 0, 0)))
    let body = String(decoding: answer.body, as: UTF8.self)
    #expect(answer.status == (isOpen ? 200 : 404), "SEED=\(runSeed): \(body)")
    #expect(answer.offset >= reply.offset, "SEED=\(runSeed)")
    #expect(!isOpen || body.contains("\"offset\":\(answer.offset)"), "\(body)")
  }
}

/// A bit that flips in one of the two copies of a player's row is found by the next digest that holds
/// the row's page: the shadow stops and says so, and the engine plays on, paths included.
@Test func aFlippedBitIsFoundAndTheHuntGoesOn() throws {
  let (definition, map) = corridor()
  let host = try Host(definition, map)
  defer { host.stop() }
  var numbered = Numbered()
  func play(_ events: Int) throws -> Reply {
    var reply: Reply?
    for first in stride(from: 0, to: events, by: 100) {
      let count = min(100, events - first)
      let moves = (0..<count).map { at in
        numbered.event(.score, player: 0x5eed_0000 + UInt64((first + at) % 60), value: 1)
      }
      reply = try host.send(moves)
    }
    return try #require(reply)
  }
  let before = try play(2_000)
  let shadow = host.entry.forks.shadow
  for _ in 0..<60_000 where shadow.offset < before.offset { usleep(1_000) }
  #expect(shadow.offset >= before.offset && !shadow.hasFailed)

  // Rows of the last player: the hunt's own, the shadow's, and perhaps a checkpoint's.
  let memory = host.entry.pool.memory
  let key: UInt64 = 0x5eed_0000 + 59
  let rows = stride(from: 0, to: memory.byteCount, by: 64).filter { at in
    memory.load(at, as: PlayerRow.self).key == key && memory.load(at, as: PlayerRow.self).total > 0
  }
  #expect(rows.count >= 2, "\(rows)")
  let most = rows.map { memory.load($0, as: PlayerRow.self).total }.max()
  let current = rows.filter { memory.load($0, as: PlayerRow.self).total == most }
  #expect(current.count == 2, "the hunt's and the shadow's: \(rows)")
  memory.update(current[0], as: PlayerRow.self) { $0.moves ^= 1 << 40 }

  for _ in 0..<40 where !shadow.hasFailed { _ = try play(500) }
  for _ in 0..<60_000 where !shadow.hasFailed { usleep(1_000) }
  #expect(shadow.hasFailed)
  let after = try play(500)
  #expect(after.applied == 100 && after.ack == .durable)
  usleep(100_000)
  let said = host.lines.all.withLock { $0 }
  #expect(said.count { $0.contains("its shadow follows no more") } == 1, "\(said)")
  let metrics = String(decoding: try host.ask(.metrics).body, as: UTF8.self)
  #expect(metrics.contains("veltrix_shadow_failed{hunt=\"corridor\"} 1"))
  let path = try host.ask(.path(from: .place(0, 0, 0), to: .place(5, 0, 0)))
  #expect(path.status == 200 && path.offset >= after.offset)
}
