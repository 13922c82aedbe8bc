/// A world of plain arrays and the slowest algorithms, written from the definitions alone: which
/// steps there are, what they cost, how far it is to walk. It shares no code with the engine.
struct ModelWorld {
  enum Form: Equatable {
    case grid(eight: Bool)
    /// Voxels, in straight lines or to all that touch.
    case flying(corners: Bool)
    case walking(headroom: Int, climb: Int, fall: Int)
    /// The label of its first node.
    case network(first: Int)
  }

  /// A step that the cells allow, or a road.
  struct Step: Equatable {
    var direction: Int
    var head: Int
    /// What it costs as built.
    var base: Int
  }

  struct Edge {
    var id: Int
    var tail: Int
    var head: Int
    /// 0 closed.
    var cost: Int
    /// What a hint calls it.
    var name: UInt8
  }

  struct Added {
    var tail: Int
    var head: Int
    var built: Int
    var cost: Int
  }

  static let addedIds = 1 << 31

  let form: Form
  let width: Int
  let height: Int
  let depth: Int
  /// Most edges added, and most steps of voxels with a multiplier.
  let editsMax: Int
  /// Whether each block or cell is free; all of a network.
  private(set) var free: [Bool]
  /// By tail.
  private var steps: [[Step]] = []
  /// By id of the edge, where it is not as built: multipliers, of roads costs; 0 closed.
  private var edits: [Int: Int] = [:]
  /// By row, with the rows given back, last first.
  private var added: [Added?] = []
  private var rowsFree: [Int] = []
  /// All that there are, by id.
  private(set) var edges: [Edge] = []

  /// - Parameter free: Columns of a row, rows of a level, levels.
  init(_ form: Form, _ width: Int, _ height: Int, free: [Bool], editsMax: Int) {
    self.form = form
    self.width = width
    self.height = height
    depth = free.count / (width * height)
    self.free = free
    self.editsMax = editsMax
    steps = allSteps()
    list()
  }

  /// A network of these roads, `(tail, head, weight)`, by tail.
  init(
    nodes: Int, first: Int, roads: [(tail: Int, head: Int, weight: Int)], editsMax: Int
  ) {
    form = .network(first: first)
    (width, height, depth) = (nodes, 1, 1)
    free = [Bool](repeating: true, count: nodes)
    self.editsMax = editsMax
    steps = [[Step]](repeating: [], count: nodes)
    for road in roads {
      let place = steps[road.tail].count
      steps[road.tail].append(Step(direction: place, head: road.head, base: road.weight))
    }
    list()
  }

  /// A grid of `.` and walls.
  init(_ rows: [String], eight: Bool) {
    self.init(
      .grid(eight: eight), rows[0].utf8.count, rows.count,
      free: rows.flatMap { $0.map { $0 == "." } }, editsMax: 4_096)
  }

  var isVoxels: Bool { !isGrid && !isNetwork }
  var isGrid: Bool { if case .grid = form { true } else { false } }
  var isNetwork: Bool { if case .network = form { true } else { false } }

  /// Cost of walking one block.
  var unit: Int {
    switch form {
    case .grid(let eight): eight ? 13_860 : 1
    case .flying(let corners): corners ? 20_586 : 1
    case .walking, .network: 1
    }
  }

  /// Directions of a node; 0 of a network.
  var degree: Int { directions.count }

  private var directions: [(x: Int, y: Int, z: Int)] {
    let round = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]
    let straight = [0, 2, 4, 6].map { (x: round[$0].0, y: round[$0].1, z: 0) }
    switch form {
    case .grid(let eight): return eight ? round.map { ($0.0, $0.1, 0) } : straight
    case .flying(false): return straight + [(0, 0, 1), (0, 0, -1)]
    case .walking: return straight
    case .network: return []
    case .flying(true):
      var all: [(x: Int, y: Int, z: Int)] = []
      for z in -1...1 {
        for y in -1...1 { for x in -1...1 where (x, y, z) != (0, 0, 0) { all.append((x, y, z)) } }
      }
      return all
    }
  }

  // MARK: Places

  func node(_ x: Int, _ y: Int, _ z: Int) -> Int? {
    if case .network(let first) = form {
      return y == 0 && z == 0 && x >= first && x < first + width ? x - first : nil
    }
    let z = isGrid ? 0 : z
    let isInside = x >= 0 && x < width && y >= 0 && y < height && z >= 0 && z < depth
    return isInside ? (z * height + y) * width + x : nil
  }

  func node(_ place: (x: Int32, y: Int32, z: Int32)) -> Int? {
    node(Int(place.x), Int(place.y), Int(place.z))
  }

  /// The node that an order to add an edge calls by a number.
  func node(called number: Int) -> Int? {
    isNetwork ? node(number, 0, 0) : number < free.count ? number : nil
  }

  private func place(_ node: Int) -> (x: Int, y: Int, z: Int) {
    (node % width, node / width % height, node / width / height)
  }

  private func isFree(_ x: Int, _ y: Int, _ z: Int) -> Bool {
    node(x, y, z).map { free[$0] } ?? false
  }

  /// Whether somebody can be there.
  func isOpen(_ node: Int) -> Bool {
    guard case .walking(let headroom, _, _) = form else { return free[node] }
    let (x, y, z) = place(node)
    return stands(x, y, z, headroom)
  }

  // MARK: Steps

  private func allSteps() -> [[Step]] { free.indices.map(steps(from:)) }

  private func steps(from tail: Int) -> [Step] {
    let (x, y, z) = place(tail)
    return directions.indices.compactMap { direction in
      let step = directions[direction]
      if case .walking(let headroom, let climb, let fall) = form {
        guard stands(x, y, z, headroom),
          let level = landing(x, y, z, (x + step.x, y + step.y), headroom, climb, fall),
          let head = node(x + step.x, y + step.y, level)
        else { return nil }
        return Step(direction: direction, head: head, base: 1 + max(0, level - z))
      }
      guard let head = node(x + step.x, y + step.y, z + step.z) else { return nil }
      // Whatever the box of both ends holds is free.
      for dz in Set([0, step.z]) {
        for dy in Set([0, step.y]) {
          for dx in Set([0, step.x]) where !isFree(x + dx, y + dy, z + dz) { return nil }
        }
      }
      let axes = abs(step.x) + abs(step.y) + abs(step.z)
      let isEight = form == .grid(eight: true)
      let base =
        axes == 1 ? unit : axes == 2 ? (isEight ? 19_601 : 29_113) : 35_656
      return Step(direction: direction, head: head, base: base)
    }
  }

  /// The floor is solid, and above the top all is free.
  private func isSolid(_ x: Int, _ y: Int, _ z: Int) -> Bool {
    z < 0 || (z < depth && !isFree(x, y, z))
  }

  private func fits(_ x: Int, _ y: Int, _ z: Int, _ headroom: Int) -> Bool {
    (z..<z + headroom).allSatisfy { !isSolid(x, y, $0) }
  }

  private func stands(_ x: Int, _ y: Int, _ z: Int, _ headroom: Int) -> Bool {
    isSolid(x, y, z - 1) && fits(x, y, z, headroom)
  }

  /// The level on which a walker's step to the next column ends.
  private func landing(
    _ x: Int, _ y: Int, _ z: Int, _ next: (x: Int, y: Int), _ headroom: Int, _ climb: Int,
    _ fall: Int
  ) -> Int? {
    guard next.x >= 0 && next.x < width && next.y >= 0 && next.y < height else { return nil }
    if fits(next.x, next.y, z, headroom) {
      let ground = (0...z).last { isSolid(next.x, next.y, $0 - 1) } ?? 0
      return z - ground <= fall ? ground : nil
    }
    let levels = (z + 1..<z + 1 + climb).filter { $0 < depth }
    guard let level = levels.first(where: { stands(next.x, next.y, $0, headroom) }) else {
      return nil
    }
    // What the head passes in its own column.
    return (z + headroom..<level + headroom).allSatisfy { !isSolid(x, y, $0) } ? level : nil
  }

  /// Lists the edges anew.
  private mutating func list() {
    edges = []
    var road = 0
    for tail in steps.indices {
      for step in steps[tail] {
        let id = isNetwork ? road : tail * degree + step.direction
        road += 1
        let edit = edits[id]
        let cost = isNetwork ? edit ?? step.base : step.base * (edit ?? 1)
        edges.append(
          Edge(id: id, tail: tail, head: step.head, cost: cost, name: UInt8(step.direction)))
      }
    }
    for (row, held) in added.enumerated() {
      guard let held else { continue }
      edges.append(
        Edge(
          id: Self.addedIds + row, tail: held.tail, head: held.head, cost: held.cost, name: 254))
    }
  }

  // MARK: Edits

  enum Edit { case changed, unchanged, refused, noRoom }

  /// - Parameter multiplier: 0 closes the step; nil is what it was built with.
  mutating func setStep(_ node: Int, _ direction: Int, _ multiplier: Int?) -> Edit {
    let step = directions[direction]
    let (x, y, z) = place(node)
    guard self.node(x + step.x, y + step.y, z + step.z) != nil else { return .refused }
    let id = node * degree + direction
    guard steps[node].contains(where: { $0.direction == direction }) else {
      return multiplier == 0 ? .unchanged : .refused
    }
    let new = multiplier ?? 1
    if edits[id] ?? 1 == new { return .unchanged }
    if isVoxels && edits[id] == nil && edits.count == editsMax { return .noRoom }
    edits[id] = new == 1 ? nil : new
    list()
    return .changed
  }

  /// - Parameter cost: 0 closes the road; nil is what it was built with.
  mutating func setRoad(_ id: Int, _ cost: Int?) -> Edit {
    let roads = steps.flatMap { $0 }
    guard id < roads.count else { return .refused }
    let (held, new) = (edits[id] ?? roads[id].base, cost ?? roads[id].base)
    if held == new { return .unchanged }
    edits[id] = new == roads[id].base ? nil : new
    list()
    return .changed
  }

  /// Opens or closes a block: steps that come, go or lead elsewhere are as built.
  mutating func setBlock(_ node: Int, open now: Bool) -> Edit {
    if free[node] == now { return .unchanged }
    let before = steps
    free[node] = now
    steps = allSteps()
    for tail in steps.indices where before[tail] != steps[tail] {
      for direction in 0..<degree {
        let was = before[tail].first { $0.direction == direction }
        if was != steps[tail].first(where: { $0.direction == direction }) {
          edits[tail * degree + direction] = nil
        }
      }
    }
    list()
    return .changed
  }

  /// The new edge's id; nil where there is no room.
  mutating func add(from tail: Int, to head: Int, cost: Int) -> Int? {
    let row = rowsFree.popLast() ?? added.count
    if row == editsMax { return nil }
    if row == added.count { added.append(nil) }
    added[row] = Added(tail: tail, head: head, built: cost, cost: cost)
    list()
    return Self.addedIds + row
  }

  mutating func setAdded(_ id: Int, _ cost: Int?) -> Edit {
    guard let row = row(id), let held = added[row] else { return .refused }
    let new = cost ?? held.built
    if held.cost == new { return .unchanged }
    added[row]?.cost = new
    list()
    return .changed
  }

  mutating func removeAdded(_ id: Int) -> Edit {
    guard let row = row(id), added[row] != nil else { return .refused }
    added[row] = nil
    rowsFree.append(row)
    list()
    return .changed
  }

  private func row(_ id: Int) -> Int? {
    let row = id - Self.addedIds
    return row >= 0 && row < added.count ? row : nil
  }

  // MARK: Walks

  /// (distance, treasure) of the nearest treasure from every node, by relaxing all edges until
  /// nothing changes; of several as near, the lowest id.
  func field(_ treasures: [(node: Int, id: UInt32)]) -> [(distance: Int, treasure: UInt32)?] {
    var keys = [(distance: Int, treasure: UInt32)?](repeating: nil, count: free.count)
    func isBetter(_ left: (Int, UInt32), _ right: (distance: Int, treasure: UInt32)?) -> Bool {
      guard let right else { return true }
      return left.0 < right.distance || (left.0 == right.distance && left.1 < right.treasure)
    }
    for (node, id) in treasures where isBetter((0, id), keys[node]) { keys[node] = (0, id) }
    var isChanged = true
    while isChanged {
      isChanged = false
      for edge in edges where edge.cost != 0 {
        guard let key = keys[edge.head] else { continue }
        let offer = (key.distance + edge.cost, key.treasure)
        if isBetter(offer, keys[edge.tail]) {
          keys[edge.tail] = offer
          isChanged = true
        }
      }
    }
    return keys
  }

  /// The lowest edge that stays on a cheapest walk of a field, as a hint calls it; 255 on the
  /// treasure.
  func direction(
    _ node: Int, _ field: [(distance: Int, treasure: UInt32)?]
  ) -> UInt8 {
    guard let here = field[node], here.distance > 0 else { return 255 }
    for edge in edges where edge.tail == node && edge.cost != 0 {
      if let key = field[edge.head], key.treasure == here.treasure,
        key.distance + edge.cost == here.distance
      {
        return edge.name
      }
    }
    return 255
  }

  /// Cost of the cheapest walk; nil when there is none.
  func cost(from start: Int, to goal: Int) -> Int? { field([(goal, 1)])[start]?.distance }
}
