import Bounded
import CSystem
import Disk
import Pages
import World

/// Does what a plan says on the grid of a world file, and tells every answer and every step's time:
/// `veltrix bench graph --world --plan`.
///
/// Each treasure lies on a node of its own. Ways and near treasures are searched for as the reader
/// does, but without its bound of nodes, so that ways across the world have an answer.
struct PlannedGraphBench: ~Copyable {
  private let world: WorldGraph
  private let field: TreasureField
  private var space: PageSpace
  private var scratch: FieldScratch
  private var finder: PathFinder
  private let work: Int
  private var treasures: [UInt32] = []
  private var treasureAt: [UInt32: UInt32] = [:]
  /// A line for each field, way and search.
  private(set) var answers: [String] = []
  /// ns of each step, by kind, in the plan's order.
  private(set) var times: [String: [Int64]] = [:]

  /// As the engine's reader has it.
  private static var nodeBudget: Int { 600_000 }

  /// - Parameter work: Nodes that one event may look at for repairs.
  init(_ map: Topology, work: Int) {
    precondition(map.form == .grid)
    self.work = work
    var layout = PageLayout()
    world = WorldGraph("world", map, addedMax: 1, in: &layout)
    field = TreasureField("field", over: world, in: &layout)
    let pool = PagePool(pageCount: layout.pageCount + 1)
    adviseHugePages(pool.memory)
    space = PageSpace(layout, pool: pool)
    scratch = FieldScratch(nodeCount: map.nodeCount, workMax: work, degreeMax: world.degreeMax)
    finder = PathFinder(nodeBudgetMax: Self.nodeBudget, wholeGrids: true)
  }

  /// Does all of it; what could not be done is said and ends it.
  mutating func run(_ plan: GraphPlan) -> String? {
    for (at, step) in plan.steps.enumerated() {
      switch step {
      case .treasure(let node):
        treasures.append(node)
        if treasureAt[node] == nil { treasureAt[node] = UInt32(treasures.count) }
      case .field: spread()
      case .check: tellField()
      case .edge(let node, let direction, let multiplier):
        if !change(node, direction, multiplier) { return "step \(at + 1): the edge is not open" }
      case .path(let start, let goal, let isWhole):
        answers.append("cost \(cost(start, goal, isWhole ? "whole" : "path"))")
      case .near(let node, let count): near(node, count)
      }
    }
    return nil
  }

  private mutating func add(_ kind: String, _ ns: Int64) { times[kind, default: []].append(ns) }

  private mutating func spread() {
    var whole = FieldScratch(nodeCount: world.nodeCount)
    field.clear(&space, &whole)
    let start = vx_monotonic_ns()
    for (at, node) in treasures.enumerated() {
      field.place(UInt32(at) + 1, at: node, &space, &whole)
    }
    field.spread(&space, &whole)
    add("field", vx_monotonic_ns() - start)
    tellField()
  }

  /// Two numbers for all distances and all nearest treasures (FNV-1a over words).
  private mutating func tellField() {
    var distances: UInt64 = 0xcbf2_9ce4_8422_2325
    var owners = distances
    for node in 0..<UInt32(world.nodeCount) {
      distances = (distances ^ UInt64(field.distance(node, space))) &* 0x100_0000_01b3
      owners = (owners ^ UInt64(field.treasure(node, space))) &* 0x100_0000_01b3
    }
    answers.append("field \(distances) \(owners)")
  }

  private mutating func change(_ node: UInt32, _ direction: UInt8, _ multiplier: UInt8) -> Bool {
    let start = vx_monotonic_ns()
    switch world.setEdge(node, direction, multiplier: multiplier, &space) {
    case .changed(let change): field.repair(change, &space, &scratch)
    case .unchanged: break
    default: return false
    }
    while field.isSettling(space) { field.catchUp(work: work / 2, &space) }
    add("edge", vx_monotonic_ns() - start)
    return true
  }

  /// What the cheapest way costs, -1 where there is none.
  private mutating func cost(_ start: UInt32, _ goal: UInt32, _ kind: String) -> Int64 {
    let begin = vx_monotonic_ns()
    let answer = finder.path(from: start, to: goal, nodeBudget: Self.nodeBudget, world, space)
    add(kind, vx_monotonic_ns() - begin)
    guard case .found(let path) = answer else { return -1 }
    return Int64(path.cost)
  }

  private mutating func near(_ start: UInt32, _ count: Int) {
    let begin = vx_monotonic_ns()
    var found: [(cost: UInt32, id: UInt32)] = []
    found.reserveCapacity(count + 1)
    let field = field
    _ = finder.explore(from: start, nodeBudget: Self.nodeBudget, world, space) { node, cost in
      // Of those as near as the last, the lowest ids count.
      if found.count >= count, cost > found[count - 1].cost { return false }
      if field.distance(node, space) != 0 { return true }
      let entry = (cost: cost, id: field.treasure(node, space))
      let at = found.firstIndex { ($0.cost, $0.id) > (entry.cost, entry.id) } ?? found.count
      found.insert(entry, at: at)
      if found.count > count { found.removeLast() }
      return true
    }
    add("near\(count)", vx_monotonic_ns() - begin)
    answers.append(found.reduce("near") { $0 + " \($1.id):\($1.cost)" })
  }
}
