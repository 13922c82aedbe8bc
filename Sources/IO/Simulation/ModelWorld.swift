/// A block world of plain arrays and the slowest algorithms, written from the definitions alone:
/// which steps are open, what they cost, how far it is to walk. It shares no code with the engine.
struct ModelWorld {
  let eight: Bool
  let width: Int
  let height: Int
  /// Whether each block is open.
  private(set) var open: [Bool]
  /// Multiplier of each edge by node, then direction; 0 closed.
  private(set) var edges: [[Int]]

  static let compass = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]

  init(_ rows: [String], eight: Bool) {
    self.eight = eight
    width = rows[0].utf8.count
    height = rows.count
    open = rows.flatMap { $0.map { $0 == "." } }
    edges = open.map { _ in [Int](repeating: 0, count: eight ? 8 : 4) }
    for node in open.indices {
      for direction in 0..<degree { edges[node][direction] = isAllowed(node, direction) ? 1 : 0 }
    }
  }

  var degree: Int { eight ? 8 : 4 }
  var straightCost: Int { eight ? 13_860 : 1 }

  func node(_ x: Int32, _ y: Int32) -> Int? {
    x >= 0 && x < width && y >= 0 && y < height ? Int(y) * width + Int(x) : nil
  }

  private func step(_ direction: Int) -> (Int, Int) {
    Self.compass[eight ? direction : direction * 2]
  }

  private func isOpen(_ x: Int, _ y: Int) -> Bool {
    x >= 0 && x < width && y >= 0 && y < height && open[y * width + x]
  }

  /// Whether an edge may be open: both its blocks are, and the two beside it when it is diagonal.
  private func isAllowed(_ node: Int, _ direction: Int) -> Bool {
    let (dx, dy) = step(direction)
    let (x, y) = (node % width, node / width)
    return isOpen(x, y) && isOpen(x + dx, y + dy) && isOpen(x + dx, y) && isOpen(x, y + dy)
  }

  func neighbour(_ node: Int, _ direction: Int) -> Int? {
    let (dx, dy) = step(direction)
    return self.node(Int32(node % width + dx), Int32(node / width + dy))
  }

  private func cost(_ node: Int, _ direction: Int) -> Int {
    edges[node][direction] * (eight && direction % 2 == 1 ? 19_601 : straightCost)
  }

  // MARK: Edits

  enum Edit { case changed, unchanged, refused }

  mutating func setEdge(_ node: Int, _ direction: Int, _ multiplier: Int) -> Edit {
    guard neighbour(node, direction) != nil else { return .refused }
    guard isAllowed(node, direction) else { return multiplier == 0 ? .unchanged : .refused }
    if edges[node][direction] == multiplier { return .unchanged }
    edges[node][direction] = multiplier
    return .changed
  }

  /// Opens or closes a block: edges that may no longer be open close, those that now may open.
  mutating func setBlock(_ node: Int, open now: Bool) -> Edit {
    if open[node] == now { return .unchanged }
    let before = self
    open[node] = now
    for tail in edges.indices {
      for direction in 0..<degree {
        let was = before.isAllowed(tail, direction)
        let may = isAllowed(tail, direction)
        if was != may && (edges[tail][direction] != 0) != may {
          edges[tail][direction] = may ? 1 : 0
        }
      }
    }
    return .changed
  }

  // MARK: Walks

  /// (distance, treasure) of the nearest treasure from every node, by relaxing all edges until
  /// nothing changes; of several as near, the lowest id.
  func field(_ treasures: [(node: Int, id: UInt32)]) -> [(distance: Int, treasure: UInt32)?] {
    var keys = [(distance: Int, treasure: UInt32)?](repeating: nil, count: open.count)
    func isBetter(_ left: (Int, UInt32), _ right: (distance: Int, treasure: UInt32)?) -> Bool {
      guard let right else { return true }
      return left.0 < right.distance || (left.0 == right.distance && left.1 < right.treasure)
    }
    for (node, id) in treasures where isBetter((0, id), keys[node]) { keys[node] = (0, id) }
    var isChanged = true
    while isChanged {
      isChanged = false
      for node in edges.indices {
        for direction in 0..<degree where edges[node][direction] != 0 {
          guard let next = neighbour(node, direction), let key = keys[next] else { continue }
          let offer = (key.distance + cost(node, direction), key.treasure)
          if isBetter(offer, keys[node]) {
            keys[node] = offer
            isChanged = true
          }
        }
      }
    }
    return keys
  }

  /// The lowest direction that stays on a cheapest walk of a field; 255 on the treasure.
  func direction(
    _ node: Int, _ field: [(distance: Int, treasure: UInt32)?]
  ) -> UInt8 {
    guard let here = field[node], here.distance > 0 else { return 255 }
    for direction in 0..<degree where edges[node][direction] != 0 {
      if let next = neighbour(node, direction), let key = field[next],
        key.treasure == here.treasure, key.distance + cost(node, direction) == here.distance
      {
        return UInt8(direction)
      }
    }
    return 255
  }

  /// Cost of the cheapest walk, by Dijkstra's algorithm with a list for a queue; nil when none.
  func cost(from start: Int, to goal: Int) -> Int? {
    var best = [Int](repeating: .max, count: open.count)
    var isSettled = [Bool](repeating: false, count: open.count)
    var reached = [start]
    best[start] = 0
    while true {
      var next: Int?
      for node in reached where !isSettled[node] && best[node] < next.map({ best[$0] }) ?? .max {
        next = node
      }
      guard let node = next else { return nil }
      if node == goal { return best[node] }
      isSettled[node] = true
      for direction in 0..<degree where edges[node][direction] != 0 {
        guard let neighbour = neighbour(node, direction) else { continue }
        if best[neighbour] == .max { reached.append(neighbour) }
        best[neighbour] = min(best[neighbour], best[node] + cost(node, direction))
      }
      reached.removeAll { isSettled[$0] }
    }
  }
}
