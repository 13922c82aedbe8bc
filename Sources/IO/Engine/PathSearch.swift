import Events
import Pages
import World

/// A hunt's pages at one offset of its journal, frozen: what a search for a path reads; goes with
/// whoever holds it, on whatever thread that is.
///
/// The compiler (6.3.1) fails on a closure that escapes with a noncopyable value itself.
final class ReadFork: Sendable {
  let space: PageSpace
  let world: GridWorld
  let offset: UInt64

  init(_ space: consuming PageSpace, _ world: GridWorld, offset: UInt64) {
    self.space = space
    self.world = world
    self.offset = offset
  }
}

/// A path that somebody asked for: from x, y, z to x, y, z.
struct PathSearch: Sendable {
  let from: (Int, Int, Int)
  let to: (Int, Int, Int)

  /// The path as JSON, or why there is none; on the reader's thread.
  ///
  /// - Parameter offset: What the answer says of `space`: the journal is in it up to there.
  func answer(
    _ world: GridWorld, _ space: borrowing PageSpace, offset: UInt64, durable: UInt64,
    _ finder: inout PathFinder
  ) -> (status: Int, body: [UInt8]) {
    guard let start = world.map.node(x: from.0, y: from.1), from.2 == 0 else {
      return (422, errorBody("outside_world", "from lies outside the world", field: "from"))
    }
    guard let goal = world.map.node(x: to.0, y: to.1), to.2 == 0 else {
      return (422, errorBody("outside_world", "to lies outside the world", field: "to"))
    }
    for (node, field) in [(start, "from"), (goal, "to")] where !world.isOpen(node, space) {
      return (422, errorBody("blocked", "\(field) is a blocked block", field: field))
    }
    switch finder.path(from: start, to: goal, nodeBudget: Readers.nodeBudget, world, space) {
    case .beyond:
      if !isConnected(start, goal, world, space) {
        return (404, errorBody("unreachable", "no way leads from there to there"))
      }
      return (
        422,
        errorBody("too_long", "there is a way, but it costs more than 2^32-2; no such path is told")
      )
    case .budgetSpent:
      return (
        422,
        errorBody("too_long", "the search looked at \(Readers.nodeBudget) blocks without an end")
      )
    case .found(let path):
      return (200, json(path, from: start, world.map, offset: offset, durable: durable, finder))
    }
  }

  private func json(
    _ path: Path, from start: UInt32, _ map: BlockMap, offset: UInt64, durable: UInt64,
    _ finder: borrowing PathFinder
  ) -> [UInt8] {
    var json = JSONWriter(capacity: 4_096)
    json.beginObject()
    json.field("offset", offset)
    json.field("durable", durable)
    json.field("cost", UInt64(path.cost))
    json.field("unit", UInt64(map.neighbourhood.straightCost))
    json.field("straight", UInt64(path.straightCount))
    json.field("diagonal", UInt64(path.diagonalCount))
    json.key("steps")
    json.beginArray()
    var (x, y) = map.place(start)
    for at in -1..<path.stepCount {
      if at >= 0 {
        let (dx, dy) = map.neighbourhood.step(finder.step(at))
        x += dx
        y += dy
      }
      json.beginArray()
      json.number(Int64(x))
      json.number(Int64(y))
      json.endArray()
    }
    json.endArray()
    json.endObject()
    return json.bytes
  }
}

/// Whether any way leads from `start` to `goal`, whatever it costs; on the reader's thread.
///
/// - Complexity: O(blocks).
private func isConnected(
  _ start: UInt32, _ goal: UInt32, _ world: GridWorld, _ space: borrowing PageSpace
) -> Bool {
  var seen = [Bool](repeating: false, count: world.nodeCount)
  var stack = [start]
  seen[Int(start)] = true
  while let node = stack.popLast() {
    if node == goal { return true }
    for direction in 0..<UInt8(world.map.neighbourhood.degree)
    where world.multiplier(node, direction, space) != 0 {
      if let next = world.neighbour(node, direction), !seen[Int(next)] {
        seen[Int(next)] = true
        stack.append(next)
      }
    }
  }
  return false
}
