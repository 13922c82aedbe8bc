import Bounded
import Foundation
import Testing
import Testkit
import World

/// Costs from one node to all, by the definition of Dijkstra's algorithm on a world's own edges; ends
/// once `goal` is known.
private func costs(_ world: Topology, from start: UInt32, to goal: UInt32? = nil) -> [UInt32: Int] {
  var known: [UInt32: Int] = [:]
  // Nodes by cost, in buckets: costs are integers.
  var open: [Int: [UInt32]] = [0: [start]]
  var keys: [Int] = [0]
  func push(_ key: Int) {
    keys.append(key)
    var at = keys.count - 1
    while at > 0, keys[(at - 1) / 2] > keys[at] {
      keys.swapAt(at, (at - 1) / 2)
      at = (at - 1) / 2
    }
  }
  func pop() -> Int {
    keys.swapAt(0, keys.count - 1)
    let least = keys.removeLast()
    var at = 0
    while true {
      var child = 2 * at + 1
      if child >= keys.count { break }
      if child + 1 < keys.count && keys[child + 1] < keys[child] { child += 1 }
      if keys[at] <= keys[child] { break }
      keys.swapAt(at, child)
      at = child
    }
    return least
  }
  while !keys.isEmpty {
    let cost = pop()
    for node in open.removeValue(forKey: cost) ?? [] where known[node] == nil {
      known[node] = cost
      if node == goal { return known }
      for (head, step) in steps(world, node) where known[head] == nil {
        if open[cost + Int(step)] == nil { push(cost + Int(step)) }
        open[cost + Int(step), default: []].append(head)
      }
    }
  }
  return known
}

private func steps(_ world: Topology, _ node: UInt32) -> [(UInt32, UInt32)] {
  if world.form == .network {
    return (world.firstEdge(Int(node))..<world.firstEdge(Int(node) + 1)).map {
      (world.head($0), world.weight($0))
    }
  }
  return (0..<world.neighbourhood.degree).compactMap {
    world.voxelStep(node, $0).map { ($0.node, $0.cost) }
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
  for source in truth.sources {
    let start = try #require(world.node(label: UInt32(source.source)))
    let costs = costs(world, from: start)
    #expect(costs.count == source.reachable)
    #expect(costs.values.max() == source.max && costs.values.reduce(0, +) == source.sum)
    for pair in source.pairs {
      let goal = try #require(world.node(label: UInt32(pair[0])))
      #expect(costs[goal] ?? -1 == pair[1], "\(source.source) to \(pair[0])")
    }
  }
}

/// Flights among real voxels are as long as published: every one in a release build, every 80th in
/// a debug build.
@Test func flightsHavePublishedLengths() throws {
  guard let folder = sharedFolder.map({ $0 + "/pathfinding/voxel" }) else {
    print("flightsHavePublishedLengths: skipped, the shared voxels are absent")
    return
  }
  #if DEBUG
    let stride = 80
  #else
    let stride = 1
  #endif
  let text = try unzipped("\(folder)/Simple.3dmap.gz")
  let voxels = try VoxelText(threeDMap: text.span)
  let world = Topology(
    voxels: voxels.solid, width: voxels.width, height: voxels.height, depth: voxels.depth,
    neighbourhood: .twentySix)
  let lines = String(decoding: try unzipped("\(folder)/Simple.3dscen.gz"), as: UTF8.self)
    .split(whereSeparator: \.isNewline).dropFirst(2)
  #expect(lines.count > 10)
  for (at, line) in lines.enumerated() where at % stride == 0 {
    let fields = line.split(separator: " ").compactMap { Double($0) }
    try #require(fields.count == 8)
    let start = try #require(
      world.node(x: Int(fields[0]), y: Int(fields[1]), z: Int(fields[2])))
    let goal = try #require(
      world.node(x: Int(fields[3]), y: Int(fields[4]), z: Int(fields[5])))
    let cost = costs(world, from: start, to: goal)[goal]
    let length = Double(cost ?? -1) / Double(world.unit)
    // Costs are wrong by less than 2e-7, and the file has 8 decimals.
    #expect(abs(length - fields[6]) < 1e-5, "pair \(at): \(line): \(length)")
  }
}
