import Bounded
import Foundation
import Pages
import Testing
import Testkit
import World

private let names = [
  "bg512-AR0011SR", "bg512-AR0300SR", "cities-Berlin_0_256", "dao-arena", "dao-brc202d",
  "dao-den312d", "dao-lak303d", "dao-ost003d", "mazes-maze512-8-0", "random-random512-10-0",
  "rooms-32room_000", "sc1-Aftershock",
]

/// The bytes of a gzip file, decompressed by the system's `gzip`.
func unzipped(_ path: String) throws -> [UInt8] {
  let gzip = Process()
  let pipe = Pipe()
  gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  gzip.arguments = ["gzip", "-dc", path]
  gzip.standardOutput = pipe
  try gzip.run()
  let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
  gzip.waitUntilExit()
  try #require(gzip.terminationStatus == 0, "gzip -dc \(path)")
  return Array(bytes)
}

/// On real maps of games, cities, mazes and rooms (MovingAI benchmarks) every start and goal has the
/// published counts of straight and diagonal moves, and following the steps leads to the goal.
///
/// Release builds check all 11,716 pairs, debug builds every 499th. It does not check which of several
/// cheapest paths is found; `pathsEqualTheModel` does.
@Test(arguments: names) func publishedPathsAreFound(name: String) throws {
  guard let folder = sharedFolder.map({ $0 + "/pathfinding" }) else {
    print("publishedPathsAreFound: skipped, the shared maps are absent")
    return
  }
  #if DEBUG
    let stride = 499
  #else
    let stride = 1
  #endif
  let text = try unzipped("\(folder)/maps/\(name).map.gz")
  let map = try Topology(parsing: text.span, neighbourhood: .eight)
  var layout = PageLayout()
  let world = WorldGraph("world", map, addedMax: 8, in: &layout)
  let pool = PagePool(pageCount: layout.pageCount + 1)
  let space = PageSpace(layout, pool: pool)
  var finder = PathFinder(nodeBudgetMax: map.nodeCount)
  let truth = try unzipped("\(folder)/truth/\(name).tsv.gz")
  let lines = truth.split(separator: UInt8(ascii: "\n")).filter { $0.first != UInt8(ascii: "#") }
  #expect(lines.count > 10)
  for (at, line) in lines.enumerated() where at % stride == stride / 2 {
    let fields = String(decoding: line, as: UTF8.self).split { " \t\r".contains($0) }
    let numbers = fields.map { Int($0) ?? -1 }
    try #require(numbers.count == 7)
    let start = try #require(map.node(x: numbers[0], y: numbers[1]))
    let goal = try #require(map.node(x: numbers[2], y: numbers[3]))
    let answer = finder.path(from: start, to: goal, nodeBudget: map.nodeCount, world, space)
    guard case .found(let path) = answer else {
      #expect(answer == .beyond && numbers[5] == -1, "\(name): \(line)")
      continue
    }
    #expect(
      path.straightCount == numbers[5] && path.diagonalCount == numbers[6],
      "\(name) pair \(at): \(path)")
    var node = start
    for step in 0..<path.stepCount {
      guard let edge = world.edge(finder.step(step), space), edge.tail == node else {
        Issue.record("\(name) pair \(at): step \(step) is no way from \(node)")
        return
      }
      node = edge.head
    }
    #expect(node == goal)
  }
}
