import Bounded
import CSystem
import Disk
import Pages

/// What forks, digests, differences and writes of a state in pages cost: `veltrix bench pages`.
///
/// The state is a synthetic one: a row of 64 bytes and a table's slot a player, and the weights of
/// a world's edges. What goes on beside is not told apart from what is measured: a figure is a
/// median, with the least and the most beside it, and the floor was measured in the same minute.
struct PagesBench: ~Copyable {
  struct Plan {
    var players = 1_000_000
    /// As many as 11.6 M nodes of a street map have.
    var edges = 47_000_000
    var runs = 5
    /// Rows changed before a digest.
    var rows = 100_000
    /// Reads and writes a run of the steady figures.
    var accesses = 10_000_000
  }

  /// One line of the table.
  struct Figure {
    var name: String
    var unit: String
    var samples: [Double] = []
    var target: Double?
    var floor: [Double] = []

    var median: Double { samples.sorted()[samples.count / 2] }
    var floorMedian: Double? { floor.isEmpty ? nil : floor.sorted()[floor.count / 2] }
  }

  private let plan: Plan
  private let layout: [PageLayout.Region]
  private let players: PagedArray<InlineArray<8, UInt64>>
  private let table: PagedTable
  private let edges: PagedArray<UInt32>
  private var space: PageSpace
  /// What a program without pages would have: the weights in one buffer, and a copy of it.
  private let plain: Slab
  private let copy: Slab
  private let plainView: SlabView
  private let tables = (Slab(byteCount: 1 << 20), Slab(byteCount: 1 << 20))
  private var state: UInt64 = 1
  /// Sums of what was read, so that nothing is optimised away.
  private(set) var check: UInt64 = 0
  /// Answers that were not as they must be.
  private(set) var faults: [String] = []

  init(_ plan: Plan) {
    self.plan = plan
    var layout = PageLayout()
    players = PagedArray("players", count: plan.players, in: &layout)
    table = PagedTable("players.rows", capacity: plan.players, in: &layout)
    edges = PagedArray("edges", count: plan.edges, in: &layout)
    self.layout = layout.regions
    let pool = PagePool(pageCount: layout.pageCount * 3 + 1_024)
    adviseHugePages(pool.memory)
    space = PageSpace(layout, pool: pool)
    let bytes = (plan.edges * 4 + pageBytes - 1) / pageBytes * pageBytes
    plain = Slab(byteCount: bytes, alignment: 1 << 21)
    adviseHugePages(plain)
    copy = Slab(copying: plain, byteCount: bytes)
    plainView = SlabView(plain)
    for player in 0..<plan.players {
      players.store(InlineArray(repeating: UInt64(player)), player, &space)
      if !table.set(UInt64(player) + 1, UInt64(player), &space) { faults.append("a full table") }
    }
    _ = writeEverywhere(1)
  }

  var pageCount: Int { space.pageCount }

  /// All figures, one after the other; calls `body` with each.
  mutating func measure(_ body: (Figure) -> Void) {
    warm()
    measureForks(body)
    measureMemory(body)
    measureDigests(body)
    measureDifferences(body)
    measureFirstWrites(body)
    measureAccesses(body)
    measureHunts(body)
  }

  /// What the program does with two states, beside what it costs here at the least.
  private mutating func measureHunts(_ body: (Figure) -> Void) {
    var bench = DifferenceBench(plan)
    bench.measure(body)
    faults += bench.faults
  }

  /// Has every page of the pool touched that the figures use: memory is taken at boot.
  private mutating func warm() {
    for value in [2, 3] as [UInt32] {
      let fork = fork()
      _ = writeEverywhere(value)
      check &+= UInt64(edges.load(0, fork))
    }
  }

  // MARK: Forks

  private mutating func measureForks(_ body: (Figure) -> Void) {
    var forks = Figure(name: "fork, 10,000 rows changed before", unit: "us", target: 50)
    var drops = Figure(name: "drop of a fork", unit: "us")
    var oldDrops = Figure(name: "drop, 1 % of pages changed since", unit: "us")
    // A node's number, and a bit a page of three sets.
    let bytes = min((pageCount + 63) / 64 * 28, tables.0.byteCount)
    for _ in 0..<plan.runs * 5 {
      for _ in 0..<min(10_000, plan.players) { changePlayer() }
      forks.floor.append(Self.us { tables.1.copy(from: tables.0, at: 0, to: 0, count: bytes) })
      let start = vx_monotonic_ns()
      var held: PageSpace? = fork()
      let forked = vx_monotonic_ns()
      held = nil
      drops.samples.append(Double(vx_monotonic_ns() - forked) / 1e3)
      forks.samples.append(Double(forked - start) / 1e3)
      held = fork()
      for _ in 0..<max(1, pageCount / 100) { changeEdge() }
      let dropping = vx_monotonic_ns()
      held = nil
      oldDrops.samples.append(Double(vx_monotonic_ns() - dropping) / 1e3)
      if held != nil { faults.append("a fork was not dropped") }
    }
    body(forks)
    body(drops)
    body(oldDrops)
  }

  private mutating func measureMemory(_ body: (Figure) -> Void) {
    var figure = Figure(name: "memory of an unwritten fork", unit: "KiB")
    let count = 200
    for _ in 0..<plan.runs {
      var forks = Forks()
      let before = vx_rss_bytes()
      for _ in 0..<count { forks.held.append(Held(fork())) }
      figure.samples.append(Double(max(0, vx_rss_bytes() - before)) / 1_024 / Double(count))
      figure.floor.append(Double((pageCount + 63) / 64 * 4) / 1_024)
      check &+= UInt64(forks.held.count)
    }
    body(figure)
  }

  private final class Held {
    let space: PageSpace
    init(_ space: consuming PageSpace) { self.space = space }
  }

  private struct Forks { var held: [Held] = [] }

  // MARK: Digests

  private mutating func measureDigests(_ body: (Figure) -> Void) {
    var rows = Figure(name: "digest, \(plan.rows) players' rows changed", unit: "ms", target: 20)
    var weights = Figure(name: "digest, \(plan.rows) edges changed", unit: "ms", target: 20)
    check ^= space.digest().low
    for _ in 0..<plan.runs {
      for _ in 0..<plan.rows { changePlayer() }
      rows.floor.append(hashFloor(space.unsealedCount))
      rows.samples.append(digestMs())
      for _ in 0..<plan.rows { changeEdge() }
      weights.floor.append(hashFloor(space.unsealedCount))
      weights.samples.append(digestMs())
    }
    body(rows)
    body(weights)
  }

  private mutating func digestMs() -> Double {
    let start = vx_monotonic_ns()
    let digest = space.digest()
    let ms = Double(vx_monotonic_ns() - start) / 1e6
    check ^= digest.low
    return ms
  }

  /// Hashing so many pages that lie one behind the other.
  private mutating func hashFloor(_ pages: Int) -> Double {
    let start = vx_monotonic_ns()
    for page in 0..<pages {
      check ^= plain.hash(page * pageBytes % plain.byteCount, count: pageBytes).low
    }
    return Double(vx_monotonic_ns() - start) / 1e6
  }

  // MARK: Differences

  private mutating func measureDifferences(_ body: (Figure) -> Void) {
    let name = "rows that differ, "
    var pages = Figure(name: "pages that differ, 1 % of pages changed", unit: "ms", target: 2)
    var few = Figure(name: name + "1 % of pages changed", unit: "ms", target: 2)
    var some = Figure(name: name + "1 % of edges changed", unit: "ms", target: 40)
    var all = Figure(name: name + "every edge changed", unit: "ms", target: 60)
    for _ in 0..<plan.runs {
      do {
        let fork = fork()
        let changed = max(1, pageCount / 100)
        for at in 0..<changed { space.store(next(), at * 97 % pageCount * pageBytes + 64) }
        let floor = compareFloor(changed)
        pages.floor.append(floor)
        few.floor.append(floor)
        var count = 0
        pages.samples.append(Self.ms { space.forEachDifference(from: fork) { _ in count += 1 } })
        if count != changed { faults.append("\(count) of \(changed) pages differ") }
        few.samples.append(compare(fork, atLeast: changed, atMost: 2 * changed))
      }
      do {
        let fork = fork()
        let changed = max(1, plan.edges / 100)
        for _ in 0..<changed { changeEdge() }
        some.floor.append(compareFloor(edgePages))
        some.samples.append(compare(fork, atLeast: changed / 2, atMost: changed))
      }
      do {
        let fork = fork()
        _ = writeEverywhere(UInt32(truncatingIfNeeded: next()) | 1)
        all.floor.append(compareFloor(edgePages))
        all.samples.append(compare(fork, atLeast: plan.edges, atMost: plan.edges))
      }
    }
    for figure in [pages, few, some, all] { body(figure) }
  }

  private var edgePages: Int { plain.byteCount / pageBytes }

  /// Lists all rows of all containers that differ; ms.
  private mutating func compare(
    _ fork: borrowing PageSpace, atLeast: Int, atMost: Int
  ) -> Double {
    var count = 0
    var sum: UInt64 = 0
    let start = vx_monotonic_ns()
    for region in layout {
      space.forEachDifferingRow(of: region, from: fork) {
        count += 1
        sum &+= UInt64($0)
      }
    }
    let ms = Double(vx_monotonic_ns() - start) / 1e6
    check ^= sum
    if count < atLeast || count > atMost {
      faults.append("\(count) rows differ, not \(atLeast) to \(atMost)")
    }
    return ms
  }

  /// Comparing so many pages that are equal and lie one behind the other.
  private mutating func compareFloor(_ pages: Int) -> Double {
    Self.copyAll(plain, to: copy)
    let count = min(pages * pageBytes, plain.byteCount)
    var isEqual = false
    let ms = Self.ms { isEqual = plain.equals(0, copy, 0, count: count) }
    if !isEqual { faults.append("equal buffers differ") }
    return ms
  }

  private static func copyAll(_ from: Slab, to: Slab) {
    to.copy(from: from, at: 0, to: 0, count: to.byteCount)
  }

  // MARK: Writes and reads

  private mutating func measureFirstWrites(_ body: (Figure) -> Void) {
    var figure = Figure(name: "first write to a shared page", unit: "ns", target: 1_000)
    let count = max(1, pageCount / 4)
    for _ in 0..<plan.runs {
      do {
        let fork = fork()
        let start = vx_monotonic_ns()
        for at in 0..<count { space.store(1 as UInt64, at * 7_919 % pageCount * pageBytes) }
        figure.samples.append(Double(vx_monotonic_ns() - start) / Double(count))
        check &+= UInt64(edges.load(0, fork))
      }
      let start = vx_monotonic_ns()
      for at in 0..<count {
        let page = at * 7_919 % edgePages * pageBytes
        copy.copy(from: plain, at: page, to: page, count: pageBytes)
      }
      figure.floor.append(Double(vx_monotonic_ns() - start) / Double(count))
    }
    body(figure)
  }

  private mutating func measureAccesses(_ body: (Figure) -> Void) {
    var figures = [
      Figure(name: "write in order", unit: "ns"), Figure(name: "write at random", unit: "ns"),
      Figure(name: "read at random", unit: "ns"),
    ]
    let (random, all) = (plan.accesses, plan.edges)
    _ = writeEverywhere(4)
    for _ in 0..<plan.runs {
      figures[0].floor.append(Double(writePlain(5)) / Double(all))
      figures[0].samples.append(Double(writeEverywhere(5)) / Double(all))
      figures[1].floor.append(Double(writePlainAtRandom(random)) / Double(random))
      figures[1].samples.append(Double(writeAtRandom(random)) / Double(random))
      figures[2].floor.append(Double(readPlainAtRandom(random)) / Double(random))
      figures[2].samples.append(Double(readAtRandom(random)) / Double(random))
    }
    for figure in figures {
      body(figure)
      var more = Figure(name: figure.name + ", beyond a buffer's", unit: "ns")
      // Of reads no more is asked than that they are shown.
      if figure.name.hasPrefix("write") { more.target = 2 }
      more.samples = zip(figure.samples, figure.floor).map { $0 - $1 }
      body(more)
    }
  }

  @inline(never) private mutating func writeEverywhere(_ value: UInt32) -> Int64 {
    let start = vx_monotonic_ns()
    for edge in 0..<plan.edges { edges.store(value, edge, &space) }
    return vx_monotonic_ns() - start
  }

  @inline(never) private mutating func writePlain(_ value: UInt32) -> Int64 {
    let start = vx_monotonic_ns()
    for edge in 0..<plan.edges { plainView.store(value, edge &<< 2) }
    return vx_monotonic_ns() - start
  }

  @inline(never) private mutating func writeAtRandom(_ count: Int) -> Int64 {
    let start = vx_monotonic_ns()
    var state = next()
    for _ in 0..<count {
      let edge = Self.draw(&state, plan.edges)
      edges.store(UInt32(truncatingIfNeeded: state), edge, &space)
    }
    return vx_monotonic_ns() - start
  }

  @inline(never) private mutating func writePlainAtRandom(_ count: Int) -> Int64 {
    let start = vx_monotonic_ns()
    var state = next()
    for _ in 0..<count {
      let edge = Self.draw(&state, plan.edges)
      plainView.store(UInt32(truncatingIfNeeded: state), edge &<< 2)
    }
    return vx_monotonic_ns() - start
  }

  @inline(never) private mutating func readAtRandom(_ count: Int) -> Int64 {
    let start = vx_monotonic_ns()
    var state = next()
    var sum: UInt64 = 0
    for _ in 0..<count {
      sum &+= UInt64(edges.load(Self.draw(&state, plan.edges), space))
    }
    check &+= sum
    return vx_monotonic_ns() - start
  }

  @inline(never) private mutating func readPlainAtRandom(_ count: Int) -> Int64 {
    let start = vx_monotonic_ns()
    var state = next()
    var sum: UInt64 = 0
    for _ in 0..<count {
      sum &+= UInt64(plainView.load(Self.draw(&state, plan.edges) &<< 2, as: UInt32.self))
    }
    check &+= sum
    return vx_monotonic_ns() - start
  }

  // MARK: Changes

  private mutating func fork() -> PageSpace {
    do throws(ForkRefusal) { return try space.fork() } catch {
      preconditionFailure("the bench's pool is too small: \(error)")
    }
  }

  private mutating func changePlayer() {
    players.update(Self.draw(&state, plan.players), &space) { $0[3] &+= 1 }
  }

  private mutating func changeEdge() {
    edges.update(Self.draw(&state, plan.edges), &space) { $0 &+= 1 }
  }

  private mutating func next() -> UInt64 {
    _ = Self.draw(&state, 2)
    return state
  }

  /// A number below `count`: a step of a congruential generator, the cheapest that goes everywhere.
  @inline(__always) private static func draw(_ state: inout UInt64, _ count: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state.multipliedFullWidth(by: UInt64(count)).high)
  }

  private static func ms(_ body: () -> Void) -> Double { us(body) / 1e3 }

  private static func us(_ body: () -> Void) -> Double {
    let start = vx_monotonic_ns()
    body()
    return Double(vx_monotonic_ns() - start) / 1e3
  }
}

extension PagesBench.Figure {
  static let title =
    "                                               median       least ... most      target    floor"

  var line: String {
    let name = self.name + String(repeating: " ", count: max(0, 43 - self.name.count))
    let (least, most) = (samples.min() ?? 0, samples.max() ?? 0)
    let spread = "\(Self.short(least)) ... \(Self.short(most))"
    let target = self.target.map { "<= \(Self.short($0))" } ?? ""
    return name + Self.right(Self.short(median) + " " + unit, 11) + Self.right(spread, 21)
      + Self.right(target, 11) + Self.right(floorMedian.map(Self.short) ?? "", 9)
  }

  var json: String {
    "{\"name\":\"\(name)\",\"unit\":\"\(unit)\",\"median\":\(median),"
      + "\"min\":\(samples.min() ?? 0),\"max\":\(samples.max() ?? 0),"
      + "\"target\":\(target.map { "\($0)" } ?? "null"),"
      + "\"floor\":\(floorMedian.map { "\($0)" } ?? "null")}"
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(1, width - text.count)) + text
  }

  private static func short(_ value: Double) -> String {
    let scale: Double = abs(value) >= 100 ? 1 : abs(value) >= 10 ? 10 : 100
    let rounded = (value * scale).rounded() / scale
    return scale == 1 ? "\(Int(rounded))" : "\(rounded)"
  }
}
