import Bounded
import CSystem
import Disk
import Events
import Hunt
import Pages
import Partitions
import World

/// What `HuntDifference` costs, which `diff` answers with: two states of a real hunt, whose players
/// score and whose edges are edited by events.
struct DifferenceBench: ~Copyable {
  private static let time: Int64 = 1_767_225_600_000

  private let plan: PagesBench.Plan
  private let definition: HuntDefinition
  private let map: Topology
  private var state: HuntState
  private var effects = EffectBuffer(capacity: 1)
  private var random: SplitMix64
  private var offset: UInt64 = 0
  /// Answers that were not as they must be.
  private(set) var faults: [String] = []

  init(_ plan: PagesBench.Plan) {
    self.plan = plan
    random = SplitMix64(seed: 1)
    var side = 8
    while side * side * 8 < plan.edges { side += 1 }
    let row = String(repeating: ".", count: side)
    map = Topology(rows: Array(repeating: row, count: side), neighbourhood: .eight)
    var definition = HuntDefinition(name: "bench")
    definition.limits.players = plan.players
    definition.rules.claimsPerPlayer = 1
    self.definition = definition
    let pool = PagePool(pageCount: Partition.pagesNeeded(definition, map))
    adviseHugePages(pool.memory)
    state = HuntState(definition, map: map, pool: pool)
    _ = state.apply(
      Event(kind: .tick, producer: 0, sequence: 0, player: 0, time: Self.time), offset: 0, &effects)
    for player in 0..<plan.players { apply(.join, UInt64(player + 1), 0) }
    for player in 0..<plan.players { apply(.score, UInt64(player + 1), Int64(player % 1_000) + 1) }
  }

  /// Calls `body` with each figure.
  mutating func measure(_ body: (PagesBench.Figure) -> Void) {
    let name = "difference of hunts, "
    var few = PagesBench.Figure(name: name + "1 % of pages", unit: "ms")
    var some = PagesBench.Figure(name: name + "1 % of edges", unit: "ms")
    for _ in 0..<plan.runs {
      let pages = max(8, state.space.pageCount / 100)
      few.samples.append(
        compare { bench in
          // A score changes some pages, an edit one, often one that was changed before.
          for _ in 0..<pages where bench.state.space.ownCount < pages {
            bench.scoreAtRandom()
            bench.editAtRandom()
          }
        } floor: {
          few.floor.append($0)
        })
      let edits = max(8, plan.edges / 100)
      some.samples.append(
        compare { bench in
          for _ in 0..<edits { bench.editAtRandom() }
        } floor: {
          some.floor.append($0)
        })
    }
    for figure in [few, some] { body(figure) }
  }

  /// Has `change` change a hunt that a fork was made of, and tells the two apart; ms.
  ///
  /// - Parameter floor: Gets the ms that listing the pages that differ took.
  private mutating func compare(
    _ change: (inout DifferenceBench) -> Void, floor: (Double) -> Void
  ) -> Double {
    let fork: PageSpace
    do throws(ForkRefusal) { fork = try state.fork() } catch {
      preconditionFailure("the bench's pool is too small: \(error)")
    }
    var before = HuntState(
      definition, map: map, rules: state.rules, now: state.now, space: fork)
    change(&self)
    var start = vx_monotonic_ns()
    var pages = 0
    before.space.forEachDifference(from: state.space) { _ in pages += 1 }
    floor(Double(vx_monotonic_ns() - start) / 1e6)
    var derived = 0
    for region in HuntState.layout(definition, map).regions where region.isDerived {
      before.space.forEachDifference(from: state.space) { page in
        derived += region.pages.contains(page) ? 1 : 0
      }
    }
    start = vx_monotonic_ns()
    let difference = HuntDifference(&before, &state)
    let ms = Double(vx_monotonic_ns() - start) / 1e6
    if difference.pagesDiffering != pages - derived || pages == 0 || difference.edges.isEmpty {
      faults.append(
        "\(pages) pages differ, \(difference.pagesDiffering) are told, and "
          + "\(difference.edges.count) edges")
    }
    return ms
  }

  private mutating func scoreAtRandom() {
    apply(.score, 1 + random.below(UInt64(plan.players)), 1)
  }

  /// Edits an edge that does not leave the map.
  private mutating func editAtRandom() {
    let node = UInt32(random.below(UInt64(map.nodeCount)))
    let direction = UInt8(random.below(8))
    guard state.world.neighbour(node, direction) != nil else { return }
    let held = state.world.multiplier(node, direction, state.space)
    let order = EdgeOrder.step(direction: direction, multiplier: held % 255 + 1)
    let (x, y, _) = map.place(node)
    apply(.edge, 1, order.value, x, y)
  }

  private mutating func apply(
    _ kind: EventKind, _ player: UInt64, _ value: Int64, _ x: Int = 0, _ y: Int = 0
  ) {
    offset += 1
    var event = Event(
      kind: kind, producer: 7, sequence: offset, player: player, time: Self.time,
      x: Int32(x), y: Int32(y))
    event.value = value
    let outcome = state.apply(event, offset: offset, &effects)
    if outcome.result != .ok && faults.isEmpty {
      faults.append("\(kind) at \(offset): \(String(describing: outcome.result))")
    }
  }
}
