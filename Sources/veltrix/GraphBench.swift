import Bounded
import CMallocCount
import CSystem
import Disk
import Hunt
import Pages
import World

/// What the hunt graph costs at full size: `veltrix bench graph`.
///
/// The world is an open square of blocks with four neighbours each, whose edges all have weights of
/// their own, 1 to 16 at random. Figures of single events are taken by the clock, an operation at a
/// time, and hold what reading it twice costs; what takes milliseconds is given as the processor's
/// time, as whoever else is on the machine takes turns with it. Beside it stands what Dijkstra's
/// algorithm with a binary heap takes for the same answer over the same weights in plain memory
/// (`PlainGraph`).
struct GraphBench: ~Copyable {
  struct Plan {
    /// Blocks along each side.
    var side = 3_400
    var treasures = 100_000
    var fewTreasures = 100
    var runs = 5
    /// Operations of each kind a run.
    var operations = 20_000
    /// Players who walk.
    var players = 100_000
    /// Searches of each kind a run.
    var searches = 1_000
    /// Nodes that one event may look at for repairs; a tick half as many.
    var work = 640
    var seed: UInt64 = 1
    /// Leaves out all figures but those of the first field and of searches.
    var searchesOnly = false
  }

  typealias Figure = PagesBench.Figure

  let plan: Plan
  let map: Topology
  let world: WorldGraph
  let field: TreasureField
  let pool: PagePool
  var space: PageSpace
  private var scratch: FieldScratch
  var plain: PlainGraph
  var random: SplitMix64
  /// Nodes of the open treasures; treasure k + 1 lies on number k.
  private(set) var places: [UInt32] = []
  /// Answers that were not as they must be.
  var faults: [String] = []
  private let rssBefore: Int64

  init(_ plan: Plan) {
    self.plan = plan
    rssBefore = vx_rss_bytes()
    random = SplitMix64(seed: plan.seed)
    map = Self.map(side: plan.side)
    var layout = PageLayout()
    world = WorldGraph(
      "world", map, addedMax: HuntLimits.edgesDefault, in: &layout)
    field = TreasureField("field", over: world, in: &layout)
    pool = PagePool(pageCount: layout.pageCount * 2 + 1)
    adviseHugePages(pool.memory)
    space = PageSpace(layout, pool: pool)
    scratch = FieldScratch(
      nodeCount: map.nodeCount, workMax: plan.work, degreeMax: world.degreeMax)
    plain = PlainGraph(side: plan.side)
    for node in 0..<UInt32(map.nodeCount) {
      for direction in 0..<4 as Range<UInt8> where world.neighbour(node, direction) != nil {
        let weight = UInt8(random.below(16)) + 1
        _ = world.setEdge(node, direction, multiplier: weight, &space)
        plain.set(node, direction, weight)
      }
    }
  }

  private static func map(side: Int) -> Topology {
    var text = Array("type octile\nheight \(side)\nwidth \(side)\nmap\n".utf8)
    let row = [UInt8](repeating: UInt8(ascii: "."), count: side) + [UInt8(ascii: "\n")]
    for _ in 0..<side { text += row }
    do throws(MapRejection) {
      return try Topology(parsing: text.span, neighbourhood: .four)
    } catch { preconditionFailure("the bench's own map: \(error)") }
  }

  /// All figures, one after the other; calls `body` with each.
  mutating func measure(_ body: (Figure) -> Void) {
    spread(plan.treasures, body)
    if plan.searchesOnly { return measureSearches(body) }
    measureHints(body)
    measureEdges(body)
    measureTreasures(body)
    measureBatch(body)
    measureMemory(body)
    measureSearches(body)
    measureFew(body)
    measureMoves(body)
  }

  mutating func draw() -> UInt32 { UInt32(random.below(UInt64(map.nodeCount))) }

  /// A node without a treasure.
  private mutating func drawFree() -> UInt32 {
    while true {
      let node = draw()
      if field.distance(node, space) != 0 { return node }
    }
  }

  // MARK: Whole fields

  /// Places `count` treasures and computes the field from nothing.
  private mutating func spread(_ count: Int, _ body: (Figure) -> Void) {
    var figure = Figure(name: "first full field, \(count) treasures", unit: "ms")
    if count == plan.treasures { figure.target = 3_000 }
    places = []
    var taken = Set<UInt32>()
    while places.count < count {
      let node = draw()
      if taken.insert(node).inserted { places.append(node) }
    }
    for _ in 0..<(count == plan.treasures && !plan.searchesOnly ? plan.runs : 1) {
      var whole = FieldScratch(nodeCount: map.nodeCount)
      field.clear(&space, &whole)
      let start = vx_thread_cpu_ns()
      for (at, node) in places.enumerated() {
        field.place(UInt32(at) + 1, at: node, &space, &whole)
      }
      field.spread(&space, &whole)
      figure.samples.append(Double(vx_thread_cpu_ns() - start) / 1e6)
      figure.floor.append(Double(plain.spread(places)) / 1e6)
    }
    check("the first field")
    body(figure)
  }

  /// The field is the one that `plain` found, at every node.
  private mutating func check(_ what: String) {
    while field.isSettling(space) { field.catchUp(work: 1_000_000, &space) }
    _ = plain.spread(places)
    for node in 0..<UInt32(map.nodeCount) {
      let (distance, treasure) = plain.at(node)
      if field.distance(node, space) != distance || field.treasure(node, space) != treasure {
        return faults.append(
          "\(what): node \(node) is \(field.distance(node, space)) from treasure "
            + "\(field.treasure(node, space)), and must be \(distance) from \(treasure)")
      }
    }
  }

  // MARK: Events

  /// Figures of `plan.runs` runs, a line for each part of a million in `parts`.
  private mutating func time(
    _ name: String, unit: String, count: Int, parts: [(String, UInt64, Double?)],
    _ body: (Figure) -> Void, _ operation: (inout GraphBench) -> Int64
  ) {
    var figures = parts.map { Figure(name: "\(name), \($0.0)", unit: unit, target: $0.2) }
    let scale = unit == "ns" ? 1.0 : unit == "us" ? 1e3 : 1e6
    for _ in 0..<plan.runs {
      var times = Histogram()
      for _ in 0..<count { times.record(operation(&self)) }
      for at in figures.indices {
        figures[at].samples.append(Double(times.percentile(perMillion: parts[at].1)) / scale)
      }
    }
    figures.forEach(body)
  }

  private mutating func measureHints(_ body: (Figure) -> Void) {
    let parts: [(String, UInt64, Double?)] = [("p50", 500_000, 100), ("p99", 990_000, 1_000)]
    time("hint", unit: "ns", count: plan.operations, parts: parts, body) { bench in
      let node = bench.draw()
      let start = vx_monotonic_ns()
      let hint = bench.field.hint(node, bench.space)
      let ns = vx_monotonic_ns() - start
      if hint == nil { bench.faults.append("node \(node) has no hint") }
      return ns
    }
  }

  private mutating func measureEdges(_ body: (Figure) -> Void) {
    let parts: [(String, UInt64, Double?)] = [
      ("p50", 500_000, 0.5), ("p99", 990_000, 10), ("p99.9", 999_000, 42),
    ]
    let before = vx_malloc_count()
    time("edge change", unit: "us", count: plan.operations, parts: parts, body) { bench in
      bench.changeEdge()
    }
    let allocations = vx_malloc_count() - before
    if allocations > 10_000 { faults.append("\(allocations) allocations in edge changes") }
    check("after edge changes")
  }

  /// Changes an edge at random; the time until every hint holds it.
  mutating func changeEdge() -> Int64 {
    let edge = drawEdge()
    let start = vx_monotonic_ns()
    field.prefetch(around: edge.node, space)
    change(edge)
    return vx_monotonic_ns() - start
  }

  private typealias Edge = (node: UInt32, direction: UInt8, weight: UInt8)

  /// An edge at random and a weight for it, which `plain` has already.
  private mutating func drawEdge() -> Edge {
    while true {
      let edge = (draw(), UInt8(random.below(4)), UInt8(random.below(16)) + 1)
      if world.neighbour(edge.0, edge.1) == nil { continue }
      plain.set(edge.0, edge.1, edge.2)
      return edge
    }
  }

  private mutating func change(_ edge: Edge) {
    let edit = world.setEdge(edge.node, edge.direction, multiplier: edge.weight, &space)
    if case .changed(let change) = edit { field.repair(change, &space, &scratch) }
    while field.isSettling(space) { field.catchUp(work: plan.work / 2, &space) }
  }

  private mutating func measureTreasures(_ body: (Figure) -> Void) {
    let parts: [(String, UInt64, Double?)] = [("p50", 500_000, 12), ("p99", 990_000, 42)]
    time("claim", unit: "us", count: plan.operations / 2, parts: parts, body) { bench in
      let at = Int(bench.random.below(UInt64(bench.places.count)))
      let ns = bench.close(at)
      _ = bench.open(at)
      return ns
    }
    time("spawn", unit: "us", count: plan.operations / 2, parts: parts, body) { bench in
      let at = Int(bench.random.below(UInt64(bench.places.count)))
      _ = bench.close(at)
      return bench.open(at)
    }
    check("after claims and spawns")
  }

  private mutating func close(_ at: Int) -> Int64 {
    let start = vx_monotonic_ns()
    field.close(UInt32(at) + 1, at: places[at], next: 0, &space, &scratch)
    while field.isSettling(space) { field.catchUp(work: plan.work / 2, &space) }
    let ns = vx_monotonic_ns() - start
    places[at] = .max
    return ns
  }

  /// Places a treasure that is not open anywhere.
  private mutating func open(_ at: Int) -> Int64 {
    let node = drawFree()
    places[at] = node
    let start = vx_monotonic_ns()
    field.open(UInt32(at) + 1, at: node, &space, &scratch)
    while field.isSettling(space) { field.catchUp(work: plan.work / 2, &space) }
    return vx_monotonic_ns() - start
  }

  private mutating func measureBatch(_ body: (Figure) -> Void) {
    var figure = Figure(name: "10,000 edge changes in one batch", unit: "ms", target: 10)
    for _ in 0..<plan.runs {
      let edges = (0..<10_000).map { _ in drawEdge() }
      let start = vx_thread_cpu_ns()
      // As a partition does with the events of a batch, it asks ahead for what they will touch.
      for at in 0..<10_000 {
        let ahead = edges[min(at + 8, 9_999)].node
        world.prefetch(ahead, space)
        field.prefetch(around: ahead, space)
        change(edges[at])
      }
      figure.samples.append(Double(vx_thread_cpu_ns() - start) / 1e6)
    }
    body(figure)
  }

  /// World, weights, field, and a fork that everything was written beside.
  private mutating func measureMemory(_ body: (Figure) -> Void) {
    var figure = Figure(name: "memory of world, field and a live fork", unit: "MB", target: 600)
    do throws(ForkRefusal) {
      let fork = try space.fork()
      for _ in 0..<plan.operations { _ = changeEdge() }
      let kept = Double(fork.writtenCount)
      let plainBytes = Double(plain.byteCount)
      figure.samples.append(
        (Double(vx_rss_bytes() - rssBefore) - plainBytes) / 1e6 + (kept < 0 ? 1 : 0))
    } catch { faults.append("\(error)") }
    body(figure)
  }

  // MARK: Few treasures

  /// What a claim costs where it changes a large part of the world: how long anybody waits, and how
  /// long hints around there are unknown at a tick every millisecond. Memory is there from the
  /// start, as the engine has it: the kernel's zeroing of a page would be the longest wait.
  private mutating func measureFew(_ body: (Figure) -> Void) {
    touchPages(pool.memory)
    spread(plan.fewTreasures, body)
    let name = "\(plan.fewTreasures) treasures: "
    var waits = Figure(name: name + "longest wait", unit: "us", target: 100)
    var ticks = Figure(name: name + "ticks until settled", unit: "")
    var total = Figure(name: name + "claim and spawn, all work", unit: "ms")
    for _ in 0..<plan.runs {
      var longest: Int64 = 0
      var count = 0
      var sum: Int64 = 0
      for _ in 0..<4 {
        let at = Int(random.below(UInt64(places.count)))
        for isClaim in [true, false] {
          let node = isClaim ? places[at] : drawFree()
          var start = vx_thread_cpu_ns()
          if isClaim {
            field.close(UInt32(at) + 1, at: node, next: 0, &space, &scratch)
          } else {
            field.open(UInt32(at) + 1, at: node, &space, &scratch)
          }
          repeat {
            let ns = vx_thread_cpu_ns() - start
            longest = max(longest, ns)
            sum += ns
            start = vx_thread_cpu_ns()
            field.catchUp(work: plan.work / 2, &space)
            count += 1
          } while field.isSettling(space)
          places[at] = node
        }
      }
      waits.samples.append(Double(longest) / 1e3)
      ticks.samples.append(Double(count) / 8)
      total.samples.append(Double(sum) / 8e6)
    }
    check("after claims of few treasures")
    body(waits)
    body(ticks)
    body(total)
  }

  // MARK: Moves

  /// A whole move with a hint, judged by a hunt of its own on the same weights.
  private mutating func measureMoves(_ body: (Figure) -> Void) {
    var figures = [
      Figure(name: "move with hint, mean of 512, p50", unit: "ns", target: 100),
      Figure(name: "move with hint, mean of 512, p99", unit: "ns", target: 1_000),
      Figure(name: "move with hint, alone, p50", unit: "ns"),
      Figure(name: "move with hint, alone, p99", unit: "ns", target: 1_000),
    ]
    var moves = MoveBench(
      side: plan.side, treasures: plan.treasures, players: plan.players, seed: plan.seed,
      weights: plain)
    _ = plain.spread(moves.places)
    for _ in 0..<plan.runs {
      let (means, single) = moves.run(moves: plan.operations * 50, against: plain)
      for (at, part) in [500_000, 990_000].enumerated() {
        figures[at].samples.append(Double(means.percentile(perMillion: UInt64(part))))
        figures[at + 2].samples.append(Double(single.percentile(perMillion: UInt64(part))))
      }
    }
    faults += moves.faults
    figures.forEach(body)
  }
}
