import Authoring
import Bounded
import CSystem
import Client
import Disk
import Engine
import Events
import Gateway
import Hunt
import Net
import World

/// The players' side of a demo: plays, shows what happens, and checks it at the end.
final class DemoRun {
  private let options: DemoCommand.Options
  private let hunt: String
  private let board: String
  private let address: String
  private let loop: Loop
  private let http: HTTPClient
  private let players: DemoPlayers
  private var top = ""
  private var books: EngineBooks?
  private var shown = DemoPlayers.Stats.zero

  init(
    _ options: DemoCommand.Options, _ definition: HuntDefinition, _ map: Topology, _ server: Server
  ) throws(DemoFault) {
    self.options = options
    hunt = definition.name
    board = definition.boards[0].name
    address = ServeCommand.address(server.httpHost, server.httpPort)
    var limits = NetLimits()
    limits.connectionCountMax = 16
    limits.streamCountMax = 16
    limits.tickMs = 5
    let area = LargestRegion(map)
    do throws(NetFault) {
      loop = try Loop(limits: limits)
      players = try DemoPlayers(
        loop: loop, host: server.streamHost, port: server.streamPort, hunt: definition.name,
        map: map, players: options.players, seed: options.seed,
        reach: definition.treasures.map(\.reach).min() ?? 1, canStart: area.contains)
    } catch { throw .net(error) }
    http = HTTPClient(loop: loop, host: server.httpHost, port: server.httpPort)
  }

  /// Plays until the time is up or somebody interrupts, then checks; whether all was well.
  func play() throws(DemoFault) -> Bool {
    let before = Before(
      treasures: try treasures(), books: try askBooks(), promotions: try promotions())
    Terminal.out("live page: http://\(address)/   hunt \(hunt), \(options.players) players")
    let startNs = vx_monotonic_ns()
    let endNs = options.seconds.map { startNs + Int64($0) * 1_000_000_000 } ?? Int64.max
    var nextLineNs = startNs + 1_000_000_000
    var nowNs = startNs
    while nowNs < endNs, players.stats.end == nil, vx_wait_signal(0) == 0 {
      players.step(nowNs: nowNs)
      loop.runOnce(timeoutNs: 2_000_000)
      nowNs = vx_monotonic_ns()
      if nowNs >= nextLineNs {
        show(second: Int((nextLineNs - startNs) / 1_000_000_000))
        nextLineNs += 1_000_000_000
        ask()
      }
    }
    players.isPlaying = false
    let graceNs = nowNs + 10_000_000_000
    while !players.isSettled, players.stats.end == nil, vx_monotonic_ns() < graceNs {
      loop.runOnce(timeoutNs: 5_000_000)
    }
    if let end = players.stats.end { throw .players(end) }
    return try check(before)
  }

  // MARK: every second

  /// Asks for what the next lines show.
  private func ask() {
    http.ask("GET", "/v1/hunts/\(hunt)/boards/\(board)?limit=5") { [unowned self] result in
      guard case .success(let answer) = result, let rows = answer.json?["rows"] else { return }
      top = rows.items.map { row in
        "\(row["rank"]?.text ?? "?"). player \(row["player"]?.text ?? "?") \(row["score"]?.text ?? "?")"
      }.joined(separator: "   ")
    }
    http.ask("GET", "/v1/hunts/\(hunt)/books") { [unowned self] result in
      guard case .success(let answer) = result else { return }
      books = EngineBooks(answer.body)
    }
  }

  private func show(second: Int) {
    let now = players.stats
    let latency = players.takeRecentLatency()
    func ms(_ perMillion: UInt64) -> String {
      thousandths(latency.percentile(perMillion: perMillion) / 1_000)
    }
    Terminal.out(
      "\(second) s  \(grouped(now.answered - shown.answered)) events/s"
        + "  claims \(grouped(now.claims)) (+\(now.claims - shown.claims))"
        + "  p50 \(ms(500_000)) ms  p99 \(ms(990_000))  p99.9 \(ms(999_000))"
        + "  books \(booksLine)")
    if !top.isEmpty { Terminal.out("     \(top)") }
    shown = now
  }

  private var booksLine: String {
    guard let books else { return "not asked yet" }
    let sum = books.sum
    return (books.isBalanced ? "balance: " : "DO NOT BALANCE: ")
      + "\(grouped(sum.received)) = \(grouped(sum.applied)) applied + \(grouped(sum.duplicate))"
      + " duplicate + \(grouped(sum.rejected)) rejected + \(grouped(sum.late)) late"
      + " + \(grouped(sum.shed)) shed"
  }

  /// Thousandths of a unit as a decimal number.
  private func thousandths(_ value: Int64) -> String {
    let rest = String(value % 1_000)
    return "\(value / 1_000).\(String(repeating: "0", count: 3 - rest.utf8.count))\(rest)"
  }

  // MARK: the checks

  private func get(_ path: String) throws(DemoFault) -> HTTPAnswer {
    let answer: HTTPAnswer
    do throws(HTTPFault) { answer = try http.wait("GET", path) } catch {
      throw .http("GET \(path)", error)
    }
    guard answer.status == 200 else { throw .answer("GET \(path)", answer.reason) }
    return answer
  }

  private func askBooks() throws(DemoFault) -> EngineBooks {
    let path = "/v1/hunts/\(hunt)/books"
    guard let books = EngineBooks(try get(path).body) else {
      throw .answer("GET \(path)", "not the books of a hunt")
    }
    return books
  }

  private func treasures() throws(DemoFault) -> [TreasureAccount] {
    var all: [TreasureAccount] = []
    var cursor = "0"
    while true {
      let path = "/v1/hunts/\(hunt)/treasures?limit=1000&cursor=\(cursor)"
      guard let json = try get(path).json, let page = TreasureAccount.page(json) else {
        throw .answer("GET \(path)", "not a list of treasures")
      }
      all += page.rows
      guard let next = page.cursor else { return all }
      cursor = next
    }
  }

  /// How often the hunt's history was changed by now.
  private func promotions() throws(DemoFault) -> Int {
    let path = "/v1/hunts/\(hunt)/forks"
    guard let list = try get(path).json?["promotions"] else {
      throw .answer("GET \(path)", "not a list of forks")
    }
    return list.items.count
  }

  /// What the engine said before the players came.
  private struct Before {
    var treasures: [TreasureAccount]
    var books: EngineBooks
    var promotions: Int
  }

  private func check(_ before: Before) throws(DemoFault) -> Bool {
    let stats = players.stats
    books = try askBooks()
    var faults: [String] = []
    if let books {
      if !books.isBalanced { faults.append("the engine's books do not balance") }
      let row = books.row(players.producer).since(before.books.row(players.producer))
      if row?.received != stats.sent {
        faults.append(
          "the players sent \(stats.sent) events, the engine counted"
            + " \(row.map { "\($0.received)" } ?? "fewer than before")")
      }
      if row?.applied != stats.counts.applied {
        faults.append(
          "the players were told of \(stats.counts.applied) applied events, the engine counted"
            + " \(row.map { "\($0.applied)" } ?? "fewer than before")")
      }
    }
    if !players.isSettled {
      faults.append("\(stats.sent - stats.answered - stats.refused) events were never answered")
    }
    let after = try treasures()
    let changes = try promotions() - before.promotions
    // What players were told was judged by another history.
    faults +=
      changes > 0
      ? TreasureAudit.faults(winners: [:], before: [], after: after)
      : TreasureAudit.faults(winners: players.winners, before: before.treasures, after: after)
    summarize(stats, after)
    if changes > 0 {
      Terminal.out(
        "the hunt's history was changed \(changes == 1 ? "once" : "\(changes) times") meanwhile:"
          + " what players were told before is not what it says now, and is not compared")
    }
    for fault in faults.prefix(20) { Terminal.out("FAULT  \(fault)") }
    return faults.isEmpty
  }

  private func summarize(_ stats: DemoPlayers.Stats, _ after: [TreasureAccount]) {
    func ms(_ perMillion: UInt64) -> String {
      thousandths(stats.latency.percentile(perMillion: perMillion) / 1_000)
    }
    Terminal.out("")
    Terminal.out(
      "\(grouped(stats.answered)) events of \(grouped(UInt64(stats.joined))) players"
        + "  p50 \(ms(500_000)) ms  p99 \(ms(990_000))  p99.9 \(ms(999_000))"
        + "  max \(thousandths(stats.latency.max / 1_000))")
    for code in ResultCode.allCases where code.rawValue < 128 {
      let count = stats.results[Int(code.rawValue)]
      if count > 0 { Terminal.out("  \(code.word)  \(grouped(count))") }
    }
    let fullest = after.filter { players.winners[$0.id] != nil }.count
    Terminal.out(
      "books \(booksLine)\n\(grouped(stats.claims)) claims granted, of \(fullest) treasures;"
        + " most of one \(grouped(players.winners.values.max() ?? 0))")
  }
}
