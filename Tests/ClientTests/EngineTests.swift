import Authoring
import CSystem
import Client
import Engine
import Events
import Foundation
import Gateway
import Net
import Testing
import Testkit
import World

/// An engine of its own in a folder of its own, gone afterwards.
func withEngine<Result>(_ body: (Server) throws -> Result) throws -> Result {
  var settings = Settings()
  settings.data =
    FileManager.default.temporaryDirectory
    .appendingPathComponent("veltrix-client-\(UUID().uuidString)").path
  try settings.apply(flag: "--http", value: "127.0.0.1:0")
  try settings.apply(flag: "--stream", value: "127.0.0.1:0")
  let server = try Server(settings: settings) { _, _ in }
  defer {
    server.stop()
    try? FileManager.default.removeItem(atPath: settings.data)  // left behind, it harms nobody
  }
  return try body(server)
}

@Suite(.serialized) struct EngineTests {
  /// The engine takes the hunt, applies every valid event as its rules allow, and both count the same;
  /// a second run goes on where the first ended.
  @Test func loadAgainstTheEngine() throws {
    try withEngine { server in
      let arguments = [
        "--target", "127.0.0.1:\(server.streamPort)", "--http", "127.0.0.1:\(server.httpPort)",
        "--rate", "5000", "--seconds", "1", "--players", "200", "--connections", "2", "--batch",
        "25",
        "--duplicate-percent", "10",
      ]
      for more in [["--create"], ["--ack", "applied"]] {
        let load = try Load(try LoadOptions(arguments + more), world: sharedWorld) { _ in }
        let report = try load.run()
        #expect(report.isGood, "\(report.summary)")
        #expect(report.counts.applied == 5_000 - report.duplicates)
        // The rules say no to distant claims only: the sender knows where its players are.
        #expect(Set(report.results.keys) == [0, 1, 13], "\(report.results)")
      }
    }
  }

  /// The state follows from the events alone: the same seed gives the same digest at any rate.
  @Test func digestDoesNotDependOnTheRate() throws {
    var digests: [String?] = []
    for (rate, seconds) in [(4_000, 1), (2_000, 2)] {
      try withEngine { server in
        let options = try LoadOptions([
          "--target", "127.0.0.1:\(server.streamPort)", "--http", "127.0.0.1:\(server.httpPort)",
          "--rate", "\(rate)", "--seconds", "\(seconds)", "--players", "200", "--batch", "40",
          "--create",
        ])
        let report = try Load(options, world: sharedWorld) { _ in }.run()
        #expect(report.isGood && report.digestEvents == 4_000)
        digests.append(report.digest)
      }
    }
    #expect(digests[0] != nil && digests[0] == digests[1])
  }

  /// Garbage and repetitions change no state: the same valid events give the same digest.
  @Test func stormsChangeNoDigest() throws {
    var digests: [String?] = []
    try withEngine { server in
      for (name, more) in [
        ("clean", []), ("flood", ["--malformed-percent", "50"]),
        ("storm", ["--duplicate-percent", "50"]),
      ] {
        let options = try LoadOptions(
          [
            "--target", "127.0.0.1:\(server.streamPort)", "--http", "127.0.0.1:\(server.httpPort)",
            "--rate", "10000", "--events", "3001", "--players", "200", "--batch", "40", "--create",
            "--hunt", name,
          ] + more)
        let report = try Load(options, world: sharedWorld) { _ in }.run()
        #expect(report.isGood && report.valid == 3_001 && report.digestEvents == 3_001)
        digests.append(report.digest)
      }
    }
    #expect(digests[0] != nil && Set(digests).count == 1)
  }

  /// The demo's players join, find treasures and win no more than there is.
  @Test func demoPlayersHunt() throws {
    try withEngine { server in
      let text = """
        hunt: yard
        world:
          text: |
        \(yard(60).split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
        treasures:
          generate: {count: 40, stock: 2, respawn: 1s}
        boards: [{name: all-time}]

        """
      let built = HuntBuilder.build(Array(text.utf8), maps: .refused)
      let (definition, map) = try #require(built.value, "\(built.findings)")
      server.engine.create(definition, map: map) { _ in }
      while server.engine.hunt(named: "yard") == nil { usleep(1_000) }

      var limits = NetLimits()
      limits.connectionCountMax = 8
      limits.streamCountMax = 8
      let loop = try Loop(limits: limits)
      let http = HTTPClient(loop: loop, host: "127.0.0.1", port: server.httpPort)
      let players = try DemoPlayers(
        loop: loop, host: "127.0.0.1", port: server.streamPort, hunt: "yard", map: map,
        players: 100, seed: 1)
      let end = vx_monotonic_ns() + 4_000_000_000
      while vx_monotonic_ns() < end {
        players.step(nowNs: vx_monotonic_ns())
        loop.runOnce(timeoutNs: 2_000_000)
      }
      players.isPlaying = false
      while !players.isSettled, vx_monotonic_ns() < end + 5_000_000_000 {
        loop.runOnce(timeoutNs: 2_000_000)
      }
      #expect(players.isSettled && players.stats.joined == 100 && players.stats.end == nil)
      #expect(players.stats.claims > 20, "only \(players.stats.claims) claims")
      let refused = Set((0..<128).filter { players.stats.results[$0] > 0 })
      #expect(refused.isSubset(of: [0, 14, 15]), "results \(refused)")

      let books = try #require(
        EngineBooks(try http.wait("GET", "/v1/hunts/yard/books").body))
      #expect(books.isBalanced && books.row(77).applied == players.stats.sent)
      let json = try #require(try http.wait("GET", "/v1/hunts/yard/treasures?limit=100").json)
      let page = try #require(TreasureAccount.page(json))
      #expect(page.rows.count == 40 && page.cursor == nil)
      #expect(
        TreasureAudit.faults(
          winners: players.winners, before: [], after: page.rows, areAlone: true) == [])
    }
  }

  /// A yard of `side` blocks with a wall across the middle and a gate.
  private func yard(_ side: Int) -> String {
    var text = "type octile\nheight \(side)\nwidth \(side)\nmap\n"
    for y in 0..<side {
      for x in 0..<side { text += y == side / 2 && x > 3 ? "@" : "." }
      text += "\n"
    }
    return text
  }
}
