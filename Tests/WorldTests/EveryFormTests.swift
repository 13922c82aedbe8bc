import Bounded
import Pages
import Testing
import Testkit

@testable import World

/// A world of any form as a list of edges, with the slowest algorithms. What steps there are among
/// voxels it asks a topology built anew from the cells; the rest it keeps itself.
struct EdgeModel {
  struct Edge: Equatable {
    var id: UInt32
    var tail: Int
    var head: Int
    /// 0 closed.
    var cost: UInt64
  }

  let topology: Topology
  /// Of voxels, by node.
  var solid: [Bool]
  /// Multipliers other than 1, by id of the edge.
  var multipliers: [UInt32: UInt64] = [:]
  /// Of a network.
  var weights: [UInt64] = []
  /// By row.
  var added: [Int: Edge] = [:]
  var treasures: [Int: Set<UInt32>] = [:]
  /// The world's own edges now.
  private(set) var own: [Edge] = []

  init(_ topology: Topology) {
    self.topology = topology
    solid = []
    if topology.form == .voxels {
      solid = (0..<UInt32(topology.nodeCount)).map { topology.isSolid($0) }
    } else if topology.form == .network {
      weights = (0..<topology.edgeCount).map { UInt64(topology.weight($0)) }
    }
    list()
  }

  /// Open edges, by id.
  var edges: [Edge] {
    own.filter { $0.cost != 0 }
      + added.sorted { $0.key < $1.key }.map(\.value).filter { $0.cost != 0 }
  }

  /// Lists the edges anew.
  mutating func list() {
    let degree = topology.neighbourhood.degree
    switch topology.form {
    case .network:
      own = weights.indices.map { edge in
        Edge(
          id: UInt32(edge), tail: Int(topology.tail(edge)), head: Int(topology.head(edge)),
          cost: weights[edge])
      }
    case .voxels:
      let built = voxels(solid, like: topology)
      own = []
      for node in 0..<built.nodeCount {
        for direction in 0..<degree {
          guard let step = built.voxelStep(UInt32(node), direction) else { continue }
          let id = UInt32(node * degree + direction)
          own.append(
            Edge(
              id: id, tail: node, head: Int(step.node),
              cost: UInt64(step.cost) * (multipliers[id] ?? 1)))
        }
      }
    case .grid:
      own = []
      for node in 0..<topology.nodeCount {
        for direction in 0..<degree where topology.directions(node) >> direction & 1 == 1 {
          let (x, y) = topology.neighbourhood.step(UInt8(direction))
          let id = UInt32(node * degree + direction)
          let straight = UInt64(topology.neighbourhood.straightCost)
          let cost = abs(x) + abs(y) == 1 ? straight : UInt64(topology.neighbourhood.diagonalCost)
          own.append(
            Edge(
              id: id, tail: node, head: node + y * topology.width + x,
              cost: cost * (multipliers[id] ?? 1)))
        }
      }
    }
  }

  /// Makes a cell solid or free; steps that come, go or lead elsewhere forget their multipliers.
  mutating func setCell(_ node: Int, open: Bool) {
    let before = Dictionary(uniqueKeysWithValues: own.map { ($0.id, $0.head) })
    solid[node] = !open
    list()
    let after = Dictionary(uniqueKeysWithValues: own.map { ($0.id, $0.head) })
    multipliers = multipliers.filter { after[$0.key] != nil && before[$0.key] == after[$0.key] }
    list()
  }

  /// Keys of every node, (cost, treasure), by relaxing all edges until nothing changes.
  func field() -> [(UInt64, UInt32)?] {
    var keys = [(UInt64, UInt32)?](repeating: nil, count: topology.nodeCount)
    for (node, ids) in treasures { if let least = ids.min() { keys[node] = (0, least) } }
    let edges = edges
    var isChanged = true
    while isChanged {
      isChanged = false
      for edge in edges {
        guard let next = keys[edge.head] else { continue }
        let offer = (next.0 + edge.cost, next.1)
        if offer.0 <= UInt64(distanceMax), keys[edge.tail].map({ offer < $0 }) ?? true {
          keys[edge.tail] = offer
          isChanged = true
        }
      }
    }
    return keys
  }

  /// Cost of the cheapest walk to `goal` from every node.
  func costs(to goal: Int) -> [UInt64?] {
    var alone = self
    alone.treasures = [goal: [1]]
    return alone.field().map { $0?.0 }
  }
}

/// Voxels of these cells, by the rules of another world.
private func voxels(_ solid: [Bool], like world: Topology) -> Topology {
  let bits = Slab(byteCount: (solid.count + 63) / 64 * 8)
  for (node, isSolid) in solid.enumerated() where isSolid {
    bits.update(node / 64 * 8, as: UInt64.self) { $0 |= 1 << UInt64(node % 64) }
  }
  return Topology(
    voxels: bits, width: world.width, height: world.height, depth: world.depth,
    neighbourhood: world.neighbourhood, walk: world.walk)
}

enum Shape: CaseIterable {
  case grid, six, twentySix, walk, tallWalk, network

  /// A small random world.
  func world(_ random: inout TestRandom) -> Topology {
    switch self {
    case .grid:
      let rows = randomRows(
        &random, width: 2 + random.below(6), height: 2 + random.below(6), wallPercent: 20)
      return blockMap(rows, eight: random.chance(50))
    case .network:
      let nodes = 2 + random.below(20)
      let count = random.below(nodes * 3)
      var edges = NetworkEdges(capacity: count)
      for _ in 0..<count {
        let tail = random.below(nodes)
        let head = (tail + 1 + random.below(nodes - 1)) % nodes
        let weight = random.chance(5) ? Topology.weightMax : UInt32(1 + random.below(30))
        edges.append(from: UInt32(tail), to: UInt32(head), weight: weight)
      }
      return Topology(
        network: edges, nodeCount: nodes, labels: .consecutive(first: UInt32(random.below(3))))
    case .six, .twentySix, .walk, .tallWalk:
      let (width, height, depth) = (2 + random.below(3), 2 + random.below(3), 2 + random.below(4))
      let percent = [10, 30, 50][random.below(3)]
      let solid = (0..<width * height * depth).map { _ in random.chance(percent) }
      let neighbourhood: Neighbourhood =
        self == .six ? .six : self == .twentySix ? .twentySix : .walk
      let walk =
        self == .tallWalk
        ? WalkRules(
          headroom: 1 + random.below(3), climb: random.below(4), fall: random.below(5)) : .standard
      let bits = Slab(byteCount: (solid.count + 63) / 64 * 8)
      for (node, isSolid) in solid.enumerated() where isSolid {
        bits.update(node / 64 * 8, as: UInt64.self) { $0 |= 1 << UInt64(node % 64) }
      }
      return Topology(
        voxels: bits, width: width, height: height, depth: depth, neighbourhood: neighbourhood,
        walk: walk)
    }
  }
}

private struct Lived: ~Copyable {
  let world: WorldGraph
  let field: TreasureField
  let pool: PagePool
  var space: PageSpace
  var scratch: FieldScratch
  var changes = EdgeChanges()
  var finder: PathFinder
  var model: EdgeModel

  init(_ topology: Topology, workMax: Int?) {
    var layout = PageLayout()
    world = WorldGraph("world", topology, addedMax: 6, in: &layout)
    field = TreasureField("field", over: world, in: &layout)
    pool = PagePool(pageCount: layout.pageCount * 4 + 1)
    space = PageSpace(layout, pool: pool)
    if let workMax {
      scratch = FieldScratch(
        nodeCount: topology.nodeCount, workMax: workMax, degreeMax: world.degreeMax)
    } else {
      scratch = FieldScratch(nodeCount: topology.nodeCount)
    }
    finder = PathFinder(nodeBudgetMax: topology.nodeCount)
    model = EdgeModel(topology)
  }

  /// One random change made to both; what differs, if anything.
  mutating func change(_ random: inout TestRandom) -> String? {
    switch random.below(10) {
    case 0..<2:
      let (node, treasure) = (random.below(world.nodeCount), UInt32(1 + random.below(20)))
      if model.treasures.values.contains(where: { $0.contains(treasure) }) { return nil }
      model.treasures[node, default: []].insert(treasure)
      field.open(treasure, at: UInt32(node), &space, &scratch)
    case 2:
      guard let (node, ids) = model.treasures.min(by: { $0.key < $1.key }),
        let treasure = ids.min()
      else { return nil }
      let rest = ids.subtracting([treasure])
      model.treasures[node] = rest.isEmpty ? nil : rest
      field.close(treasure, at: UInt32(node), next: rest.min() ?? 0, &space, &scratch)
    case 3..<5: return changeAdded(&random)
    case 5..<8 where world.topology.form == .voxels: return changeCell(&random)
    default: return changeOwn(&random)
    }
    return nil
  }

  private mutating func changeAdded(_ random: inout TestRandom) -> String? {
    if random.chance(50) || model.added.isEmpty {
      let tail = random.below(world.nodeCount)
      let head = (tail + 1 + random.below(world.nodeCount - 1)) % world.nodeCount
      let cost = UInt32(1 + random.below(random.chance(50) ? 10 : 40_000))
      let (edit, id) = world.addEdge(
        from: UInt32(tail), to: UInt32(head), cost: cost, &space)
      guard case .changed(let change) = edit, let id else {
        return model.added.count == 6 && edit == .refused(.noRoom) ? nil : "\(edit) of an addition"
      }
      let row = Int(id - WorldGraph.addedIds)
      if model.added[row] != nil { return "row \(row) was taken" }
      model.added[row] = EdgeModel.Edge(id: id, tail: tail, head: head, cost: UInt64(cost))
      field.repair(change, &space, &scratch)
      return nil
    }
    let row = model.added.keys.sorted()[random.below(model.added.count)]
    let held = model.added[row]!
    let removes = random.chance(40)
    let cost = UInt32(random.below(20))
    if removes { model.added[row] = nil } else { model.added[row]!.cost = UInt64(cost) }
    let edit =
      removes
      ? world.removeAdded(edge: held.id, &space)
      : world.setAdded(edge: held.id, cost: cost, &space)
    let new = removes ? 0 : cost
    if UInt64(new) == held.cost { return edit == .unchanged ? nil : "\(edit), it was so" }
    guard case .changed(let change) = edit, change.old == UInt32(held.cost), change.new == new
    else { return "\(edit) of added \(held)" }
    field.repair(change, &space, &scratch)
    return nil
  }

  private mutating func changeCell(_ random: inout TestRandom) -> String? {
    let node = random.below(world.nodeCount)
    let opens = random.chance(50)
    let before = model.edges
    let isChange = world.setBlock(UInt32(node), open: opens, &space, &changes)
    if isChange != (model.solid[node] == opens) { return "cell \(node) was so" }
    model.setCell(node, open: opens)
    // Every edge that came or went is named, and no other.
    var (gone, come): (Set<[UInt64]>, Set<[UInt64]>) = ([], [])
    let after = model.edges
    for edge in before where !after.contains(edge) {
      gone.insert([UInt64(edge.tail), UInt64(edge.head), edge.cost])
    }
    for edge in after where !before.contains(edge) {
      come.insert([UInt64(edge.tail), UInt64(edge.head), edge.cost])
    }
    var (told, toldNew): (Set<[UInt64]>, Set<[UInt64]>) = ([], [])
    for at in 0..<changes.count {
      let change = changes[at]
      let (tail, head) = (UInt64(change.tail), UInt64(change.head))
      if change.old != 0 { told.insert([tail, head, UInt64(change.old)]) }
      if change.new != 0 { toldNew.insert([tail, head, UInt64(change.new)]) }
    }
    if told != gone || toldNew != come {
      return "cell \(node): \(told), \(gone); \(toldNew), \(come)"
    }
    if isChange { field.repair(&changes, &space, &scratch) }
    return nil
  }

  private mutating func changeOwn(_ random: inout TestRandom) -> String? {
    if model.own.isEmpty { return nil }
    let edge = model.own[random.below(model.own.count)]
    let amount: UInt32? = random.chance(20) ? nil : UInt32(random.below(5))
    let edit: EdgeEdit
    if world.topology.form == .network {
      edit = world.setWeight(edge: edge.id, amount, &space)
      model.weights[Int(edge.id)] = UInt64(amount ?? world.topology.weight(Int(edge.id)))
    } else {
      let (node, direction) = Int(edge.id).quotientAndRemainder(dividingBy: world.degree)
      edit = world.setEdge(
        UInt32(node), UInt8(direction), multiplier: amount.map { UInt8($0) }, &space)
      if edit == .refused(.noRoom) { return nil }
      model.multipliers[edge.id] = amount.map { UInt64($0) }
    }
    model.list()
    let new = model.own.first { $0.id == edge.id }!
    if new.cost == edge.cost { return edit == .unchanged ? nil : "\(edit) of \(edge)" }
    let expected = EdgeChange(
      tail: UInt32(edge.tail), head: UInt32(edge.head), old: UInt32(edge.cost),
      new: UInt32(new.cost))
    guard edit == .changed(expected) else { return "\(edit), not \(expected)" }
    field.repair(expected, &space, &scratch)
    return nil
  }

  /// Several edges of a network weighed at once, some dearer and some cheaper, and one repair.
  mutating func weighSeveral(_ random: inout TestRandom) {
    changes.removeAll()
    var edges: Set<Int> = []
    for _ in 0..<1 + random.below(6) where !model.weights.isEmpty {
      edges.insert(random.below(model.weights.count))
    }
    for edge in edges.sorted() {
      let weight = UInt32(random.below(3) * random.below(20))
      if case .changed(let change) = world.setWeight(edge: UInt32(edge), weight, &space) {
        changes.append(change)
      }
      model.weights[edge] = UInt64(weight)
    }
    model.list()
    field.repair(&changes, &space, &scratch)
  }

  /// Leaves nothing to repair.
  mutating func settle() {
    var rounds = 0
    while field.isSettling(space) && rounds < 10_000 {
      field.catchUp(work: 50, &space)
      rounds += 1
    }
  }

  /// What of edges, field, hints and paths is not the model's.
  mutating func difference(_ random: inout TestRandom) -> String? {
    let edges = model.edges
    for node in 0..<world.nodeCount {
      var told: [[UInt32]] = []
      world.forEachEdge(from: UInt32(node), space) { told.append([$0, $1]) }
      let own = edges.filter { $0.tail == node }.map { [UInt32($0.head), UInt32($0.cost)] }
      if told != own { return "edges of \(node): \(told), not \(own)" }
    }
    let wanted = model.field()
    for node in 0..<world.nodeCount {
      let place = UInt32(node)
      let (cost, treasure) = wanted[node].map { (UInt32($0.0), $0.1) } ?? (unreachable, 0)
      if field.distance(place, space) != cost || field.treasure(place, space) != treasure {
        return "field at \(node): \(field.distance(place, space)) to "
          + "\(field.treasure(place, space)), not \(cost) to \(treasure)"
      }
      let hint = field.hint(place, space)
      if treasure == 0 || cost == 0 {
        if (hint == nil) != (treasure == 0) { return "hint at \(node)" }
        continue
      }
      // The edge with the lowest id that keeps the promise.
      let first = edges.first { edge in
        edge.tail == node
          && wanted[edge.head].map { $0.1 == treasure && $0.0 + edge.cost == UInt64(cost) } ?? false
      }
      let step = field.step(from: place, space)
      guard let first, let step, step.edge == first.id, step.head == UInt32(first.head) else {
        return "step from \(node): \(String(describing: step)), not \(String(describing: first))"
      }
    }
    return pathDifference(edges, &random)
  }

  private mutating func pathDifference(
    _ edges: [EdgeModel.Edge], _ random: inout TestRandom
  ) -> String? {
    let (start, goal) = (random.below(world.nodeCount), random.below(world.nodeCount))
    let costs = model.costs(to: goal)
    let answer = finder.path(
      from: UInt32(start), to: UInt32(goal), nodeBudget: world.nodeCount, world, space)
    guard let cost = costs[start] else {
      return answer == .beyond ? nil : "\(answer) from \(start) to \(goal), where no way is"
    }
    guard case .found(let path) = answer, UInt64(path.cost) == cost else {
      return "\(answer) from \(start) to \(goal), not \(cost)"
    }
    var node = start
    for at in 0..<path.stepCount {
      let next = edges.first { edge in
        edge.tail == node && costs[edge.head].map { $0 + edge.cost == costs[node]! } ?? false
      }
      guard let next, next.id == finder.step(at) else {
        return "step \(at) from \(start) to \(goal): \(finder.step(at)), not \(next as Any)"
      }
      if world.edge(next.id, space)?.head != UInt32(next.head) { return "edge \(next)" }
      node = next.head
    }
    return node == goal ? nil : "the path from \(start) ends at \(node), not \(goal)"
  }
}

/// Whatever is done to a world of any form - treasures opened and closed, edges weighed, closed,
/// opened, added and removed, cells placed and broken - its edges, its field, its hints and its paths
/// are those of a list of edges and Bellman-Ford; at once, and with work left over for later.
@Test(arguments: Shape.allCases) func everyFormEqualsTheModel(_ shape: Shape) {
  for workMax in [nil, 2] {
    #expect(
      forAll(cases: 60) { random in
        var lived = Lived(shape.world(&random), workMax: workMax)
        for change in 0..<40 {
          if let wrong = lived.change(&random) {
            Issue.record("\(shape), change \(change): \(wrong)")
            return false
          }
          if workMax != nil {
            if random.chance(70) { lived.field.catchUp(work: random.below(8), &lived.space) }
            if !random.chance(20) { continue }
            lived.settle()
          }
          if let wrong = lived.difference(&random) {
            Issue.record("\(shape), change \(change), work \(workMax as Any): \(wrong)")
            return false
          }
        }
        return true
      })
  }
}

/// A hint over an edge that was added names no direction of the world's own.
@Test func aHintOverAnAddedEdgeIsNoDirection() {
  var layout = PageLayout()
  let world = WorldGraph("world", blockMap([".@.", ".@."]), addedMax: 2, in: &layout)
  let field = TreasureField("field", over: world, in: &layout)
  let pool = PagePool(pageCount: layout.pageCount + 1)
  var space = PageSpace(layout, pool: pool)
  var scratch = FieldScratch(nodeCount: world.nodeCount)
  field.open(7, at: 2, &space, &scratch)
  #expect(field.hint(0, space) == nil)
  guard case (.changed(let change), let id?) = world.addEdge(from: 0, to: 5, cost: 3, &space)
  else { return #expect(Bool(false), "no edge was added") }
  field.repair(change, &space, &scratch)
  #expect(field.hint(0, space)?.direction == Hint.far)
  #expect(field.step(from: 0, space)?.edge == id)
  #expect(field.hint(3, space)?.direction != Hint.far)
}

/// No edge is cheaper than what queues of buckets take for the least: whoever is wider than that
/// hands on keys before they are final.
///
/// The first direction of the 26 leads to a corner; its cost was taken for the least, and closing a
/// treasure left a node with the owner of a farther one (`SEED=420862851` of the property above).
@Test(arguments: Shape.allCases) func noEdgeIsCheaperThanTheLeast(_ shape: Shape) {
  #expect(
    forAll(cases: 40) { random in
      let lived = Lived(shape.world(&random), workMax: nil)
      let least = lived.world.leastCost(lived.space)
      return lived.model.edges.allSatisfy { $0.cost >= least }
    })
}

/// An edit that makes some ways dearer and others cheaper at once, as a placed block can, leaves no
/// node with a key that its own new way promised and that was given up in the same edit.
@Test(arguments: [nil, 1, 2, 5] as [Int?]) func mixedEditsEqualTheModel(workMax: Int?) {
  #expect(
    forAll(cases: 150) { random in
      var lived = Lived(Shape.network.world(&random), workMax: workMax)
      for _ in 0..<4 {
        let (node, treasure) = (random.below(lived.world.nodeCount), UInt32(1 + random.below(20)))
        if lived.model.treasures.values.contains(where: { $0.contains(treasure) }) { continue }
        lived.model.treasures[node, default: []].insert(treasure)
        lived.field.open(treasure, at: UInt32(node), &lived.space, &lived.scratch)
      }
      for edit in 0..<30 {
        lived.weighSeveral(&random)
        if random.chance(50) { lived.field.catchUp(work: random.below(4), &lived.space) }
        if workMax != nil && random.chance(60) { continue }
        lived.settle()
        if let wrong = lived.difference(&random) {
          Issue.record("edit \(edit): \(wrong)")
          return false
        }
      }
      return true
    })
}

/// A fork of a world keeps its edges, whatever is done to the world; both are told apart by exactly
/// the edges and cells that differ.
@Test(arguments: Shape.allCases) func differencesAreThoseOfTheModels(_ shape: Shape) {
  #expect(
    forAll(cases: 40) { random in
      var lived = Lived(shape.world(&random), workMax: nil)
      for _ in 0..<15 { if lived.change(&random) != nil { return false } }
      let kept = lived.model
      let fork: PageSpace
      do throws(ForkRefusal) { fork = try lived.space.fork() } catch { return false }
      for _ in 0..<15 { if lived.change(&random) != nil { return false } }
      var told: [UInt32: [UInt32]] = [:]
      lived.world.forEachDifferingEdge(lived.space, from: fork) {
        told[$0.id, default: []] += [$0.before, $0.after]
      }
      var cells: Set<UInt32> = []
      lived.world.forEachDifferingCell(lived.space, from: fork) { node, isOpen in
        if isOpen == !lived.model.solid[Int(node)] { cells.insert(node) }
      }
      let differing = kept.solid.indices.filter { kept.solid[$0] != lived.model.solid[$0] }
      if cells != Set(differing.map { UInt32($0) }) { return false }
      if shape == .network {
        let pairs = zip(lived.model.weights, kept.weights).enumerated().filter { $1.0 != $1.1 }
        for (edge, (here, there)) in pairs
        where told[UInt32(edge)] != [UInt32(here), UInt32(there)] { return false }
      }
      for row in 0..<6 {
        let (here, there) = (lived.model.added[row], kept.added[row])
        let id = WorldGraph.addedIds | UInt32(row)
        if here == there, told[id] != nil { return false }
        if here?.tail == there?.tail, here?.head == there?.head { continue }
        let open = [here, there].contains { ($0?.cost ?? 0) != 0 }
        if open && told[id] == nil { return false }
      }
      return true
    })
}
