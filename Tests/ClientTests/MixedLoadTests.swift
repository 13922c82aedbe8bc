import Authoring
import CSystem
import Client
import Engine
import Events
import Foundation
import Gateway
import Testing
import Testkit
import World

/// A square world of `side` blocks with four neighbours and weights, and what a run knows of it.
func weighedWorld(side: Int) throws -> (map: Topology, world: LoadWorld) {
  let text =
    "type octile\nheight \(side)\nwidth \(side)\nmap\n"
    + String(repeating: String(repeating: ".", count: side) + "\n", count: side)
  let map = try Topology(parsing: Array(text.utf8).span, neighbourhood: .four)
  return (map, try #require(LoadWorld(map)))
}

/// Of any `total` events in a row as many are of each kind as are wanted a second, and no stretch has
/// more than its share of the rare ones.
@Test func mixedKindsAreSpreadEvenly() {
  #expect(
    forAll(cases: 200) { random in
      let mix = LoadMix(
        moves: 1 + UInt64(random.below(400)), edges: UInt64(random.below(60)),
        claims: UInt64(random.below(20)))
      let first = random.next() >> 20
      func count(_ kind: EventKind, _ places: Range<UInt64>) -> UInt64 {
        UInt64(places.count { mix.kind(first + $0) == kind })
      }
      let all = 0..<mix.total
      let stretch = 0..<min(50, mix.total)
      // Evenly: what a stretch holds is its share, or one more or less at each end.
      let rare = count(.edge, stretch) + count(.claim, stretch)
      let share = (mix.edges + mix.claims) * UInt64(stretch.count) / mix.total
      return count(.move, all) == mix.moves && count(.edge, all) == mix.edges
        && count(.claim, all) == mix.claims && rare <= share + 2 && rare + 2 >= share
    })
}

/// Every event of a mixed stream is valid; moves go one step, changed steps exist, claims name
/// treasures that are there, and most claimants stand on theirs.
@Test func mixedEventsAreWhatTheySay() throws {
  var plan = LoadPlan()
  (plan.players, plan.connections) = (400, 2)
  plan.mix = LoadMix(moves: 1_000, edges: 100, claims: 50)
  for connection in 0..<2 {
    let source = EventSource(plan, world: sharedWorld, connection: connection)
    var places: [UInt64: (x: Int32, y: Int32)] = [:]
    var (claims, near, edges) = (0, 0, 0)
    for event in events(source, frames: 60, batch: 256) {
      #expect(isValid(event))
      switch event.kind {
      case .edge:
        edges += 1
        let order = try #require(EdgeOrder(event.value))
        #expect(order.action == .step && (1...16).contains(order.amount) && event.player == 0)
      case .claim:
        claims += 1
        #expect((1...UInt32(sharedWorld.treasureCount)).contains(event.treasure))
        let (y, x) = Int(sharedWorld.block(ofTreasure: event.treasure))
          .quotientAndRemainder(dividingBy: sharedWorld.width)
        if x == event.x && y == event.y { near += 1 }
      case .move:
        let place = try #require(places[event.player])
        #expect(max(abs(event.x - place.x), abs(event.y - place.y)) <= 1)
      default: #expect(event.kind == .join)
      }
      if event.kind != .edge { places[event.player] = (event.x, event.y) }
    }
    #expect(abs(edges - 60 * 256 * 100 / 1_150) <= 1)
    #expect(claims > 500 && near * 10 > claims * 5 && near < claims, "\(near) of \(claims)")
  }
}

/// A mixed stream through the engine, on a hunt that somebody else made on a world with four
/// neighbours: each kind is judged, some claims are granted and some not, and the books balance.
@Test func mixedLoadAgainstTheEngine() throws {
  let (map, world) = try weighedWorld(side: 64)
  try withEngine { server in
    let worlds = server.engine.settings.data + "/worlds"
    try FileManager.default.createDirectory(atPath: worlds, withIntermediateDirectories: true)
    try WorldFile.write(map, to: worlds + "/square.vxw")
    let arguments = [
      "--target", "127.0.0.1:\(server.streamPort)", "--http", "127.0.0.1:\(server.httpPort)",
      "--world", "elsewhere/square.vxw", "--rate", "4000", "--edges-per-second", "500",
      "--claims-per-second", "100", "--seconds", "1", "--players", "300", "--connections", "2",
      "--batch", "25",
    ]
    for more in [["--create"], ["--ack", "applied", "--seed", "2"]] {
      let load = try Load(try LoadOptions(arguments + more), world: world) { _ in }
      let report = try load.run()
      #expect(report.isGood, "\(report.summary)")
      #expect(report.counts.applied == 4_600)
      let kinds = report.kinds.mapValues { $0.values.reduce(0, +) }
      #expect(kinds[EventKind.edge.rawValue] == 500)
      #expect(kinds.values.reduce(0, +) == 4_600)
      let edges = try #require(report.kinds[EventKind.edge.rawValue])
      #expect(edges[ResultCode.ok.rawValue] ?? 0 > 400)
      #expect(Set(edges.keys).isSubset(of: [0, ResultCode.nothingChanged.rawValue]))
      let claims = try #require(report.kinds[EventKind.claim.rawValue])
      // Treasures open again after 10 s only, so the second run may find none.
      let isFirst = more == ["--create"]
      #expect(!isFirst || claims[ResultCode.ok.rawValue] ?? 0 > 0, "\(claims)")
      #expect(claims.contains { $0.key != ResultCode.ok.rawValue && $0.value > 0 }, "\(claims)")
      let json = try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any]
      let told = (json?["kinds"] as? [String: [String: Int]])?["edge"]?["ok"]
      #expect(told == edges[ResultCode.ok.rawValue].map(Int.init))
      #expect((json?["mix_per_second"] as? [String: Int])?["claim"] == 100)
    }
    #expect(throws: LoadFault.self, "another world's hunt is refused") {
      let other = try weighedWorld(side: 32).world
      _ = try Load(try LoadOptions(arguments), world: other) { _ in }.run()
    }
  }
}
