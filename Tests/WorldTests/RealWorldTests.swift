import Bounded
import Foundation
import Pages
import Testing
import Testkit
import World

/// A world as it was built, with what searches it.
private struct Walked: ~Copyable {
  let world: WorldGraph
  let space: PageSpace
  var finder: PathFinder

  init(_ topology: Topology) {
    var layout = PageLayout()
    world = WorldGraph("world", topology, addedMax: 1, in: &layout)
    space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 1))
    finder = PathFinder(nodeBudgetMax: topology.nodeCount)
  }

  /// Costs from one node to all that can be walked to.
  mutating func costs(from start: UInt32) -> [UInt32: Int] {
    var costs: [UInt32: Int] = [:]
    let end = finder.explore(from: start, nodeBudget: world.nodeCount, world, space) {
      costs[$0] = Int($1)
      return true
    }
    #expect(end == .done)
    return costs
  }

  /// Cost of the path from one node to another, whose steps are edges that lead there and cost as
  /// much together; nil where there is none.
  mutating func cost(from start: UInt32, to goal: UInt32) -> Int? {
    let answer = finder.path(from: start, to: goal, nodeBudget: world.nodeCount, world, space)
    guard case .found(let path) = answer else {
      #expect(answer == .beyond)
      return nil
    }
    var (node, cost) = (start, 0)
    for step in 0..<path.stepCount {
      guard let edge = world.edge(finder.step(step), space), edge.tail == node else { return -1 }
      node = edge.head
      cost += Int(edge.cost)
    }
    return node == goal && cost == Int(path.cost) ? cost : -1
  }
}

private struct Truth: Decodable {
  struct Source: Decodable {
    let source: Int
    let reachable: Int
    let max: Int
    let sum: Int
    let pairs: [[Int]]
  }
  let nodes: Int
  let arcs: Int
  let sources: [Source]
}

/// Monaco's streets have the distances that other programs found: all of them, by count, sum and
/// greatest, from each source, and pair by pair.
@Test func streetsHavePublishedDistances() throws {
  guard let folder = sharedFolder.map({ $0 + "/pathfinding/road" }) else {
    print("streetsHavePublishedDistances: skipped, the shared streets are absent")
    return
  }
  let text = try unzipped("\(folder)/monaco.gr.gz")
  let placesText = try unzipped("\(folder)/monaco.co.gz")
  let truth = try JSONDecoder().decode(
    Truth.self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/monaco.truth.json")))
  let network = try NetworkText(graph: text.span)
  let world = Topology(
    network: network.edges, nodeCount: network.nodeCount, labels: network.labels,
    coordinates: try NetworkText.coordinates(placesText.span, nodeCount: network.nodeCount))
  #expect(world.nodeCount == truth.nodes && world.edgeCount == truth.arcs && opens(world))
  #expect(world.coordinates(0)! == (74_259_518, 437_389_494))
  #expect(truth.sources.count > 1)
  var walked = Walked(world)
  for source in truth.sources {
    let start = try #require(world.node(label: UInt32(source.source)))
    let costs = walked.costs(from: start)
    #expect(costs.count == source.reachable)
    #expect(costs.values.max() == source.max && costs.values.reduce(0, +) == source.sum)
    for pair in source.pairs {
      let goal = try #require(world.node(label: UInt32(pair[0])))
      #expect(costs[goal] ?? -1 == pair[1], "\(source.source) to \(pair[0])")
      #expect(walked.cost(from: start, to: goal) ?? -1 == pair[1])
    }
  }
}

/// Flights among real voxels are as long as published: every one in a release build, a few in a debug
/// build.
@Test(arguments: [("Simple", 80), ("Complex", 400)])
func flightsHavePublishedLengths(name: String, debugStride: Int) throws {
  guard let folder = sharedFolder.map({ $0 + "/pathfinding/voxel" }) else {
    print("flightsHavePublishedLengths: skipped, the shared voxels are absent")
    return
  }
  #if DEBUG
    let stride = debugStride
  #else
    let stride = 1
  #endif
  let text = try unzipped("\(folder)/\(name).3dmap.gz")
  let voxels = try VoxelText(threeDMap: text.span)
  let world = Topology(
    voxels: voxels.solid, width: voxels.width, height: voxels.height, depth: voxels.depth,
    neighbourhood: .twentySix)
  var walked = Walked(world)
  let lines = String(decoding: try unzipped("\(folder)/\(name).3dscen.gz"), as: UTF8.self)
    .split(whereSeparator: \.isNewline).dropFirst(2)
  #expect(lines.count > 10)
  for (at, line) in lines.enumerated() where at % stride == stride / 2 {
    let fields = line.split(separator: " ").compactMap { Double($0) }
    try #require(fields.count == 8)
    let start = try #require(
      world.node(x: Int(fields[0]), y: Int(fields[1]), z: Int(fields[2])))
    let goal = try #require(
      world.node(x: Int(fields[3]), y: Int(fields[4]), z: Int(fields[5])))
    let length = Double(walked.cost(from: start, to: goal) ?? -1) / Double(world.unit)
    // Costs are wrong by less than 2e-7, and the file has 8 decimals.
    #expect(abs(length - fields[6]) < 1e-4, "\(name) pair \(at): \(line): \(length)")
  }
}
