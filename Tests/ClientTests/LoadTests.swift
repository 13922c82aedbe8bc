import Authoring
import Bounded
import Client
import Events
import Foundation
import Testing

func options(_ engine: FakeEngine, _ more: [String] = []) throws -> LoadOptions {
  try LoadOptions(
    [
      "--target", "tcp://127.0.0.1:\(engine.streamPort)", "--http", "127.0.0.1:\(engine.httpPort)",
      "--rate", "10000", "--seconds", "1", "--players", "500", "--batch", "50",
    ] + more)
}

/// Runs a load against an engine that behaves as said.
func run(
  _ behaviour: FakeEngine.Behaviour = FakeEngine.Behaviour(), _ more: [String] = []
) throws -> LoadReport {
  let engine = FakeEngine(behaviour)
  defer { engine.stop() }
  let load = try Load(try options(engine, more), world: sharedWorld) { _ in }
  load.graceSeconds = 1
  return try load.run()
}

@Suite(.serialized) struct LoadTests {
  /// Every slot is sent, answered, and counted the same on both sides.
  @Test(arguments: [
    [], ["--outcomes", "no"], ["--connections", "3", "--batch", "7"],
    ["--malformed-percent", "50", "--duplicate-percent", "20", "--connections", "2"],
    ["--malformed-percent", "100"],
  ])
  func countsEverySlot(_ more: [String]) throws {
    let report = try run(FakeEngine.Behaviour(), more)
    #expect(report.isGood, "\(report.summary)")
    #expect(report.counts.sent == 10_000 && report.counts.unanswered == 0)
    #expect(report.counts.rejected == report.malformed)
    #expect(report.counts.duplicate == report.duplicates)
    #expect(report.counts.applied == 10_000 - report.malformed - report.duplicates)
    #expect(report.outcomeTimes.count == (more.first == "--outcomes" ? 0 : report.ackTimes.count))
  }

  /// A sender that had to wait is no excuse: what the engine did to events that were due while it
  /// slept is measured, each from its own time.
  @Test func latencyCountsFromTheSchedule() throws {
    var behaviour = FakeEngine.Behaviour()
    behaviour.stallsBefore = 100
    behaviour.stallMs = 400
    let report = try run(behaviour)
    #expect(report.isGood)
    // Of 1 s, 0.4 s of events were due while the engine slept; their waits are evenly spread.
    #expect(report.ackTimes.max > 380_000_000)
    let p80 = report.ackTimes.percentile(perMillion: 800_000)
    #expect(p80 > 150_000_000, "p80 \(p80) ns")
  }

  /// Answers that never come are counted, and the run is not good; the books still say what came in.
  @Test func unansweredEventsAreCounted() throws {
    var behaviour = FakeEngine.Behaviour()
    behaviour.silentBatches = [3, 4]
    let report = try run(behaviour)
    #expect(!report.isGood)
    #expect(report.counts.unanswered == 100)
    #expect(!report.booksBalance, "the engine counted events that it never answered")
  }

  /// A refusal for load is an answer: its events are counted as shed, by both.
  @Test func shedEventsBalance() throws {
    var behaviour = FakeEngine.Behaviour()
    behaviour.busyBatches = [1, 17, 18]
    let report = try run(behaviour)
    #expect(report.isGood, "\(report.summary)")
    #expect(report.counts.shed == 150)
  }

  /// One event more in the engine's books is seen.
  @Test func wrongBooksAreSeen() throws {
    var behaviour = FakeEngine.Behaviour()
    behaviour.bookError = 1
    let report = try run(behaviour)
    #expect(!report.booksBalance && !report.isGood)
    #expect(report.booksFaults.contains { $0.contains("10001 received") })
  }

  /// Outcomes that disagree with their acknowledgement are seen.
  @Test func contradictionsAreSeen() throws {
    var behaviour = FakeEngine.Behaviour()
    behaviour.shortBatches = [5]
    #expect(try !run(behaviour).isGood)
  }

  /// A lost connection ends its events, not the run's report.
  @Test func lostConnectionIsReported() throws {
    var behaviour = FakeEngine.Behaviour()
    behaviour.closesAt = 100
    let report = try run(behaviour, ["--connections", "1"])
    #expect(!report.isGood && !report.ends.isEmpty)
    #expect(report.counts.sent < 10_000)
  }

  /// An engine that dies takes its books with it; what was answered until then is reported.
  @Test func deadEngineLeavesAReport() throws {
    let engine = FakeEngine()
    let load = try Load(try options(engine, ["--seconds", "2"]), world: sharedWorld) { line in
      if line.hasPrefix("1 s") { engine.stop() }
    }
    let report = try load.run()
    #expect(!report.isGood && !report.ends.isEmpty)
    #expect(report.counts.applied > 4_000)
    #expect(report.booksFaults.contains { $0.hasPrefix("after the run: GET /metrics") })
  }

  /// A hunt with a past gets sequences after its highest, and players who leave before they join.
  @Test func goesOnAfterAnEarlierRun() throws {
    var behaviour = FakeEngine.Behaviour()
    behaviour.highSequence = 1_000
    #expect(try run(behaviour).isGood)
  }

  /// What keeps a run from starting is said in words.
  @Test func faultsAreClear() throws {
    let engine = FakeEngine()
    defer { engine.stop() }
    func fault(_ more: [String]) throws -> String {
      do {
        _ = try Load(try options(engine, more), world: sharedWorld) { _ in }.run()
        return "none"
      } catch let fault as LoadFault { return "\(fault)" }
    }
    #expect(try fault(["--hunt", "other"]).contains("there is no such hunt"))
    #expect(try fault(["--create"]).contains("leave out --create"))
    #expect(
      try fault(["--http", "127.0.0.1:1"]).contains("nothing accepts connections on 127.0.0.1:1"))
    #expect(
      try fault(["--target", "127.0.0.1:1"]).contains("nothing accepts connections on 127.0.0.1:1"))
    var behaviour = FakeEngine.Behaviour()
    behaviour.worldDigest = "00"
    #expect(throws: LoadFault.self) { try run(behaviour) }
  }

  /// The result is JSON with the agreed keys.
  @Test func resultIsJSON() throws {
    let report = try run()
    let json = try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any]
    for key in [
      "offered_per_second", "achieved_per_second", "seconds", "ack_us", "outcome_us", "counts",
      "books_balance", "server", "digest", "client",
    ] { #expect(json?[key] != nil, "\(key)") }
    let times = json?["ack_us"] as? [String: Double]
    #expect(times?["samples"] == 10_000)
    for key in ["p50", "p90", "p99", "p999", "p9999", "max"] { #expect(times?[key] ?? 0 > 0) }
    let server = json?["server"] as? [String: Double]
    #expect(server?["rss_bytes"] == 1_048_576 && server?["cpu_seconds"] == 0)
  }
}

/// Every option is checked, and the message names it.
@Test(arguments: [
  (["--rate", "0"], "--rate 0: below 1"), (["--rate"], "--rate: a value must follow"),
  (["--speed", "1"], "--speed: unknown option"),
  (["--target", "tcp://10.0.0.1:7401"], "--target 10.0.0.1:7401: expected host:port on loopback"),
  (["--ack", "maybe"], "--ack maybe: expected applied or durable"),
  (["--batch", "2049"], "--batch 2049: above 2,048"),
  (["--malformed-percent", "60", "--duplicate-percent", "41"], "more than 100 together"),
  (["--events", "9", "--duplicate-percent", "100"], "--events: no valid event comes"),
  (["--players", "3", "--connections", "4"], "--connections 4: more than --players 3"),
  (["--hunt", "A"], "--hunt A: expected 1...48 bytes of a-z 0-9 -"),
])
func badOptionsAreNamed(_ arguments: [String], _ message: String) {
  do throws(LoadOptions.Fault) {
    _ = try LoadOptions(arguments)
    Issue.record("accepted")
  } catch { #expect(error.description.contains(message), "\(error)") }
}
