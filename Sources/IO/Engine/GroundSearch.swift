import Events
import Hunt
import Pages
import World

/// A hunt's pages at one offset of its journal, frozen: what a search reads; goes with whoever
/// holds it, on whatever thread that is.
///
/// The compiler (6.3.1) fails on a closure that escapes with a noncopyable value itself.
final class ReadFork: Sendable {
  let space: PageSpace
  let ground: HuntGround
  let offset: UInt64

  init(_ space: consuming PageSpace, _ ground: HuntGround, offset: UInt64) {
    self.space = space
    self.ground = ground
    self.offset = offset
  }
}

/// A search that somebody asked for, with players by number.
struct GroundSearch: Sendable {
  enum End: Sendable {
    case place(Int, Int, Int)
    /// 0 for a name that was never seen.
    case player(UInt64)
    case treasure(UInt32)
  }

  enum Wish: Sendable {
    case path(from: End, to: End)
    case near(End, limit: Int, costMax: UInt32?)
  }

  let wish: Wish

  /// Nil for a query that is no search.
  ///
  /// - Parameter number: The number of a player, known or not; nil for a name never seen.
  init?(_ query: Query, number: (PlayerName) -> UInt64?) {
    func end(_ end: SearchEnd) -> End {
      switch end {
      case .place(let x, let y, let z): .place(x, y, z)
      case .player(let name): .player(number(name) ?? 0)
      case .treasure(let id): .treasure(id)
      }
    }
    switch query {
    case .path(let from, let to): wish = .path(from: end(from), to: end(to))
    case .near(let from, let limit, let costMax):
      wish = .near(end(from), limit: limit, costMax: costMax)
    default: return nil
    }
  }

  /// Why a search has no answer.
  private struct Fault: Error {
    let status: Int
    let body: [UInt8]

    init(_ status: Int, _ code: String, _ message: String, field: String? = nil) {
      self.status = status
      body = errorBody(code, message, field: field)
    }
  }

  /// What was found as JSON, or why nothing was; on the reader's thread.
  ///
  /// - Parameter offset: What the answer says of `space`: the journal is in it up to there.
  func answer(
    _ ground: HuntGround, _ space: borrowing PageSpace, offset: UInt64, durable: UInt64,
    _ finder: inout PathFinder
  ) -> (status: Int, body: [UInt8]) {
    var json = JSONWriter(capacity: 4_096)
    json.beginObject()
    json.field("offset", offset)
    json.field("durable", durable)
    do throws(Fault) {
      switch wish {
      case .path(let from, let to):
        try writePath(from, to, ground, space, &json, &finder)
      case .near(let from, let limit, let costMax):
        try writeNear(from, limit, costMax, ground, space, &json, &finder)
      }
    } catch { return (error.status, error.body) }
    json.endObject()
    return (200, json.bytes)
  }

  /// The node of one end of a way.
  private func node(
    _ end: End, _ field: String, _ ground: HuntGround, _ space: borrowing PageSpace
  ) throws(Fault) -> UInt32 {
    let node: UInt32
    switch end {
    case .place(let x, let y, let z):
      guard let there = ground.world.topology.node(x: x, y: y, z: z) else {
        throw Fault(422, "outside_world", "\(field) lies outside the world", field: field)
      }
      node = there
    case .player(let number):
      guard let walker = ground.walker(number, space) else {
        throw Fault(404, "unknown_player", "no event of this player was applied")
      }
      guard let there = walker.node else {
        throw Fault(
          409, "not_placed", "the player has no place yet: send a join or a move")
      }
      node = there
    case .treasure(let id):
      guard let treasure = ground.treasure(id, space) else {
        throw Fault(404, "unknown_treasure", "the hunt has no treasure \(id)", field: field)
      }
      node = treasure.node
    }
    guard ground.world.isOpen(node, space) else {
      throw Fault(422, "blocked", "\(field) is a blocked block", field: field)
    }
    return node
  }

  // MARK: Ways

  private func writePath(
    _ from: End, _ to: End, _ ground: HuntGround, _ space: borrowing PageSpace,
    _ json: inout JSONWriter, _ finder: inout PathFinder
  ) throws(Fault) {
    let world = ground.world
    let start = try node(from, from.word ?? "from", ground, space)
    let goal = try node(to, to.word ?? "to", ground, space)
    switch finder.path(from: start, to: goal, nodeBudget: Readers.nodeBudget, world, space) {
    case .beyond:
      guard world.isConnected(from: start, to: goal, space) else {
        throw Fault(404, "unreachable", "no way leads from there to there")
      }
      throw Fault(
        422, "too_long", "there is a way, but it costs more than 2^32-2; no such path is told")
    case .budgetSpent:
      throw Fault(422, "too_long", finder.spentReason)
    case .found(let path):
      write(path, from: start, world, space, &json, finder)
    }
  }

  private func write(
    _ path: Path, from start: UInt32, _ world: WorldGraph, _ space: borrowing PageSpace,
    _ json: inout JSONWriter, _ finder: borrowing PathFinder
  ) {
    json.field("cost", UInt64(path.cost))
    json.field("unit", UInt64(world.topology.unit))
    json.field("straight", UInt64(path.straightCount))
    json.field("diagonal", UInt64(path.diagonalCount))
    if world.topology.form == .voxels { json.field("corner", UInt64(path.cornerCount)) }
    json.key("steps")
    json.beginArray()
    write(start, world.topology, &json)
    for at in 0..<path.stepCount {
      guard let edge = world.edge(finder.step(at), space) else {
        preconditionFailure("edge \(finder.step(at)) of a path is closed")
      }
      write(edge.head, world.topology, &json)
    }
    json.endArray()
    json.key("edges")
    json.beginArray()
    for at in 0..<path.stepCount { json.number(UInt64(finder.step(at))) }
    json.endArray()
  }

  /// A place of a way: column, row and in voxels level; or a network's label.
  private func write(_ node: UInt32, _ topology: Topology, _ json: inout JSONWriter) {
    let (x, y, z) = topology.place(node)
    if topology.form == .network { return json.number(Int64(x)) }
    json.beginArray()
    json.number(Int64(x))
    json.number(Int64(y))
    if topology.form == .voxels { json.number(Int64(z)) }
    json.endArray()
  }

  // MARK: Treasures

  private func writeNear(
    _ from: End, _ limit: Int, _ costMax: UInt32?, _ ground: HuntGround,
    _ space: borrowing PageSpace, _ json: inout JSONWriter, _ finder: inout PathFinder
  ) throws(Fault) {
    let start = try node(from, from.word ?? "from", ground, space)
    var walker: HuntGround.Walker?
    if case .player(let number) = from { walker = ground.walker(number, space) }
    let (found, isComplete) = ground.treasures(
      near: start, for: walker, limit: limit, costMax: costMax ?? distanceMax,
      nodeBudget: Readers.nodeBudget, space, &finder)
    let (x, y, z) = ground.world.topology.place(start)
    json.field("x", Int64(x))
    json.field("y", Int64(y))
    json.field("z", Int64(z))
    json.field("unit", UInt64(ground.world.topology.unit))
    json.key("treasures")
    json.beginArray()
    for (cost, treasure) in found {
      json.beginObject()
      json.field("id", UInt64(treasure.id))
      json.field("x", Int64(treasure.x))
      json.field("y", Int64(treasure.y))
      json.field("z", Int64(treasure.z))
      json.field("cost", UInt64(cost))
      json.endObject()
    }
    json.endArray()
    json.key("complete")
    json.bool(isComplete)
  }
}

extension GroundSearch.End {
  /// The parameter that names it, where that tells what it is.
  fileprivate var word: String? {
    switch self {
    case .place: nil
    case .player: "player"
    case .treasure: "treasure"
    }
  }
}
