import Bounded
import Pages
import Testkit
import World

/// A world of plain arrays and the slowest algorithms, written from the definitions alone. It shares
/// no code with `World` but the numbering of directions.
struct Model {
  let eight: Bool
  let width: Int
  let height: Int
  /// Whether each block is open.
  var open: [Bool]
  /// Multipliers by node, then direction.
  var edges: [[Int]]
  /// Open treasures by node.
  var treasures: [Int: Set<UInt32>] = [:]

  static let offsets = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]

  init(eight: Bool, width: Int, rows: [String]) {
    self.eight = eight
    self.width = width
    height = rows.count
    open = rows.flatMap { $0.map { ".GS".contains($0) } }
    edges = []
    for node in 0..<(width * height) {
      edges.append(
        (0..<(eight ? 8 : 4)).map { direction in
          Self.allowed(node, direction, eight, width, rows.count, open) ? 1 : 0
        })
    }
  }

  var degree: Int { eight ? 8 : 4 }

  func offset(_ direction: Int) -> (Int, Int) { Self.offsets[eight ? direction : direction * 2] }

  func cost(_ direction: Int) -> Int { eight ? (direction % 2 == 0 ? 13_860 : 19_601) : 1 }

  func neighbour(_ node: Int, _ direction: Int) -> Int? {
    let (dx, dy) = offset(direction)
    let x = node % width + dx
    let y = node / width + dy
    return x >= 0 && x < width && y >= 0 && y < height ? y * width + x : nil
  }

  static func allowed(
    _ node: Int, _ direction: Int, _ eight: Bool, _ width: Int, _ height: Int, _ open: [Bool]
  ) -> Bool {
    let (dx, dy) = offsets[eight ? direction : direction * 2]
    let x = node % width
    let y = node / width
    for (x, y) in [(x, y), (x + dx, y), (x, y + dy), (x + dx, y + dy)] {
      if x < 0 || x >= width || y < 0 || y >= height || !open[y * width + x] { return false }
    }
    return true
  }

  func allowed(_ node: Int, _ direction: Int) -> Bool {
    Self.allowed(node, direction, eight, width, height, open)
  }

  /// Opens or closes a block by looking at every edge of the world.
  mutating func setBlock(_ node: Int, open now: Bool) -> Int {
    if open[node] == now { return 0 }
    let before = open
    open[node] = now
    var changed = 0
    for tail in edges.indices {
      for direction in 0..<degree {
        let was = Self.allowed(tail, direction, eight, width, height, before)
        let will = allowed(tail, direction)
        if was == will { continue }
        let multiplier = will ? 1 : 0
        if edges[tail][direction] != multiplier {
          edges[tail][direction] = multiplier
          changed += 1
        }
      }
    }
    return changed
  }

  /// (distance, treasure) of every node, by relaxing all edges until nothing changes (Bellman-Ford).
  func field(radiusMax: UInt32 = distanceMax) -> [(UInt32, UInt32)] {
    var keys = [(UInt64, UInt32)](
      repeating: (UInt64(UInt32.max), 0), count: width * height)
    for (node, ids) in treasures { if let least = ids.min() { keys[node] = (0, least) } }
    var changed = true
    while changed {
      changed = false
      for node in edges.indices {
        for direction in 0..<degree where edges[node][direction] != 0 {
          let next = keys[neighbour(node, direction)!]
          if next.1 == 0 { continue }
          let offer = (next.0 + UInt64(cost(direction) * edges[node][direction]), next.1)
          if offer.0 <= UInt64(radiusMax) && (keys[node].1 == 0 || offer < keys[node]) {
            keys[node] = offer
            changed = true
          }
        }
      }
    }
    return keys.map { (UInt32($0.0), $0.1) }
  }

  /// Costs of walking from every node to `goal`; nil where there is no way.
  func costs(to goal: Int) -> [UInt32?] {
    var alone = self
    alone.treasures = [goal: [1]]
    return alone.field().map { $0.1 == 0 ? nil : $0.0 }
  }

  /// The walk that takes the lowest direction that stays on a cheapest walk.
  func path(from start: Int, to goal: Int) -> [UInt8]? {
    let costs = costs(to: goal)
    guard costs[start] != nil else { return nil }
    var node = start
    var steps: [UInt8] = []
    while node != goal {
      let direction = (0..<degree).first { direction in
        guard edges[node][direction] != 0, let left = costs[neighbour(node, direction)!] else {
          return false
        }
        return Int(left) + cost(direction) * edges[node][direction] == Int(costs[node]!)
      }!
      steps.append(UInt8(direction))
      node = neighbour(node, direction)!
    }
    return steps
  }
}

/// A random map of letters with about `wallPercent` walls.
func randomRows(_ random: inout TestRandom, width: Int, height: Int, wallPercent: Int) -> [String] {
  (0..<height).map { _ in
    String(
      (0..<width).map { _ -> Character in
        random.chance(wallPercent)
          ? ["@", "T", "W"][random.below(3)] : [".", "G", "S"][random.below(3)]
      })
  }
}

func mapText(_ rows: [String]) -> [UInt8] {
  Array(
    "type octile\nheight \(rows.count)\nwidth \(rows[0].utf8.count)\nmap\n\(rows.joined(separator: "\n"))\n"
      .utf8)
}

/// A map, or a trap: for texts that are right by construction.
func blockMap(_ rows: [String], eight: Bool = true) -> Topology {
  do throws(MapRejection) {
    return try Topology(parsing: mapText(rows).span, neighbourhood: eight ? .eight : .four)
  } catch { fatalError("\(error)") }
}
