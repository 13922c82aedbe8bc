import Bus
import Disk
import Events
import Hunt
import Pages
import Partitions
import Synchronization
import World

/// A branch of a hunt's pages that a job holds; goes with the job, on whatever thread that is.
///
/// The compiler (6.3.1) fails on a closure that escapes with a noncopyable value itself.
final class ReadFork: Sendable {
  let space: PageSpace
  init(_ space: consuming PageSpace) { self.space = space }
}

/// The thread that answers reads too long for a partition's thread, with the scratch of one search
/// for a path.
final class Readers: Sendable {
  /// Nodes that one search may look at: 32 MB of scratch.
  static let nodeBudget = 600_000
  private let thread = JobThread(name: "vx-reader", waitingMax: 64, atStop: .dropped)
  /// The thread's alone.
  private let finder = Mutex(PathFinder(nodeBudgetMax: Readers.nodeBudget))

  func submit(_ job: @escaping @Sendable (inout PathFinder) -> Void) throws(JobRefusal) {
    try thread.submit { [self] in finder.withLock { job(&$0) } }
  }

  func stop() { thread.stop() }
}

extension HostedHunt {
  /// Starts a search for a path on a branch of the state; nil when it was started, otherwise the
  /// answer that says why not.
  func startPath(
    _ from: (Int, Int, Int), _ to: (Int, Int, Int), _ ticket: QueryTicket,
    _ readers: Readers
  ) -> (Int, [UInt8])? {
    let map = entry.map
    guard let start = map.node(x: from.0, y: from.1), from.2 == 0 else {
      return (422, errorBody("outside_world", "from lies outside the world", field: "from"))
    }
    guard let goal = map.node(x: to.0, y: to.1), to.2 == 0 else {
      return (422, errorBody("outside_world", "to lies outside the world", field: "to"))
    }
    for (node, field) in [(start, "from"), (goal, "to")]
    where !partition.state.world.isOpen(node, partition.state.space) {
      return (422, errorBody("blocked", "\(field) is a blocked block", field: field))
    }
    let fork: ReadFork
    do throws(ForkRefusal) {
      fork = ReadFork(try partition.state.fork())
    } catch {
      return (
        429, errorBody("no_room", "too many long reads hold pages: \(error); try again")
      )
    }
    let offset = partition.nextOffset
    let durable = journal.durableThrough
    let world = partition.state.world
    do throws(JobRefusal) {
      try readers.submit { finder in
        let found = finder.path(
          from: start, to: goal, nodeBudget: Readers.nodeBudget, world, fork.space)
        let answer: (Int, [UInt8])
        if found == .beyond && isConnected(start, goal, world, fork.space) {
          answer = (
            422,
            errorBody(
              "too_long", "there is a way, but it costs more than 2^32-2; no such path is told")
          )
        } else {
          answer = pathAnswer(found, from: start, map, offset: offset, durable: durable, finder)
        }
        ticket.port.put(
          Answer(
            connection: ticket.connection, tag: ticket.tag, status: answer.0, offset: offset,
            durable: durable, body: answer.1))
      }
    } catch { return (429, errorBody("busy", "too many searches wait; try again")) }
    return nil
  }
}

extension HuntView {
  /// The path between two places of this state; on the reader's thread.
  func path(
    _ from: (Int, Int, Int), _ to: (Int, Int, Int), _ finder: inout PathFinder
  ) -> (Int, [UInt8]) {
    guard let start = entry.map.node(x: from.0, y: from.1), from.2 == 0 else {
      return (422, errorBody("outside_world", "from lies outside the world", field: "from"))
    }
    guard let goal = entry.map.node(x: to.0, y: to.1), to.2 == 0 else {
      return (422, errorBody("outside_world", "to lies outside the world", field: "to"))
    }
    let world = partition.state.world
    for (node, field) in [(start, "from"), (goal, "to")]
    where !world.isOpen(node, partition.state.space) {
      return (422, errorBody("blocked", "\(field) is a blocked block", field: field))
    }
    let found = finder.path(
      from: start, to: goal, nodeBudget: Readers.nodeBudget, world, partition.state.space)
    return pathAnswer(
      found, from: start, entry.map, offset: partition.nextOffset,
      durable: journal.durableThrough, finder)
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

private func pathAnswer(
  _ found: PathAnswer, from start: UInt32, _ map: BlockMap, offset: UInt64, durable: UInt64,
  _ finder: borrowing PathFinder
) -> (Int, [UInt8]) {
  switch found {
  case .beyond:
    return (404, errorBody("unreachable", "no way leads from there to there"))
  case .budgetSpent:
    return (
      422,
      errorBody("too_long", "the search looked at \(Readers.nodeBudget) blocks without an end")
    )
  case .found(let path):
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
    return (200, json.bytes)
  }
}
