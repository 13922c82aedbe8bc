import Bounded
import CMallocCount
import CSystem
import World

/// Ways between two places, and the nearest treasures, beside plain Dijkstra.
extension GraphBench {
  /// Nodes that the searches' memory has labels for: 32 MB, as an engine's reader has.
  private static var nodeBudget: Int { 600_000 }

  mutating func measureSearches(_ body: (Figure) -> Void) {
    var finder = PathFinder(nodeBudgetMax: Self.nodeBudget, wholeGrids: true)
    plain.forget()
    plain.mark(places)
    measureNearest(&finder, body)
    let near = min(256, plan.side / 4)
    let count = max(plan.searches / 10, 20)
    paths("path within 256 blocks", near, count, [nil, 1], &finder, body)
    paths("path across the world", nil, count / 2, [25, 100], &finder, body)
    let edits = "path after 1,000 edge changes"
    paths(edits, nil, max(count / 10, 4), [nil, nil], edits: 1_000, &finder, body)
  }

  /// Median and 99th of a hundred of searches for ways, each run anew.
  ///
  /// - Parameters:
  ///   - blocks: How far apart both ends are at most along either side; nil for anywhere.
  ///   - targets: Of both figures, in ms.
  private mutating func paths(
    _ name: String, _ blocks: Int?, _ count: Int, _ targets: [Double?], edits: Int = 0,
    _ finder: inout PathFinder, _ body: (Figure) -> Void
  ) {
    var figures = [
      Figure(name: "\(name), p50", unit: "ms", target: targets[0]),
      Figure(name: "\(name), p99", unit: "ms", target: targets[1]),
    ]
    var allocations: UInt64 = 0
    for _ in 0..<plan.runs {
      var (times, plainTimes) = (Histogram(), Histogram())
      for at in 0..<count {
        for _ in 0..<edits { _ = changeEdge() }
        let (start, goal) = pair(within: blocks)
        vx_malloc_count_start()
        let begin = vx_thread_cpu_ns()
        let answer = finder.path(from: start, to: goal, nodeBudget: Self.nodeBudget, world, space)
        times.record(vx_thread_cpu_ns() - begin)
        allocations += vx_malloc_count()
        // Plain Dijkstra takes a second for the whole world.
        if at % (blocks == nil ? 25 : 8) != 0 { continue }
        let again = vx_thread_cpu_ns()
        let cost = plain.cost(from: start, to: goal)
        plainTimes.record(vx_thread_cpu_ns() - again)
        if case .found(let path) = answer, path.cost == cost { continue }
        faults.append("path from \(start) to \(goal): \(answer), must cost \(cost)")
      }
      for (at, part) in [500_000, 990_000].enumerated() {
        figures[at].samples.append(Double(times.percentile(perMillion: UInt64(part))) / 1e6)
        figures[at].floor.append(Double(plainTimes.percentile(perMillion: UInt64(part))) / 1e6)
      }
    }
    if allocations > 0 { faults.append("\(name): \(allocations) allocations") }
    figures.forEach(body)
  }

  /// Two nodes at most so many blocks apart along either side.
  private mutating func pair(within blocks: Int?) -> (UInt32, UInt32) {
    let start = draw()
    guard let blocks else {
      while true {
        let goal = draw()
        if goal != start { return (start, goal) }
      }
    }
    let (x, y, _) = map.place(start)
    while true {
      let dx = Int(random.below(UInt64(2 * blocks + 1))) - blocks
      let dy = Int(random.below(UInt64(2 * blocks + 1))) - blocks
      if let goal = map.node(x: x + dx, y: y + dy), goal != start { return (start, goal) }
    }
  }

  /// The treasures nearest to a place, by a bounded search as a player's own answers need it; that
  /// one lies on a node is told by the field, how far it is not.
  private mutating func measureNearest(_ finder: inout PathFinder, _ body: (Figure) -> Void) {
    for (count, targets) in [(1, [10.0, 35.0]), (8, [50, 110])] where count <= plan.treasures {
      var figures = [
        Figure(name: "nearest \(count), p50", unit: "us", target: targets[0]),
        Figure(name: "nearest \(count), p99", unit: "us", target: targets[1]),
      ]
      var allocations: UInt64 = 0
      for _ in 0..<plan.runs {
        var (times, plainTimes) = (Histogram(), Histogram())
        for at in 0..<plan.searches {
          let start = draw()
          vx_malloc_count_start()
          let begin = vx_monotonic_ns()
          let cost = nearest(count, start, &finder)
          times.record(vx_monotonic_ns() - begin)
          allocations += vx_malloc_count()
          if at % 8 != 0 { continue }
          let again = vx_monotonic_ns()
          let truth = plain.nearest(count, from: start)
          plainTimes.record(vx_monotonic_ns() - again)
          if cost != truth { faults.append("nearest \(count) of \(start): \(cost), not \(truth)") }
        }
        for (at, part) in [500_000, 990_000].enumerated() {
          figures[at].samples.append(Double(times.percentile(perMillion: UInt64(part))) / 1e3)
          figures[at].floor.append(Double(plainTimes.percentile(perMillion: UInt64(part))) / 1e3)
        }
      }
      if allocations > 0 { faults.append("nearest \(count): \(allocations) allocations") }
      figures.forEach(body)
    }
  }

  /// The cost of the walk to the `count`th nearest treasure, all that are as near visited too.
  private func nearest(_ count: Int, _ start: UInt32, _ finder: inout PathFinder) -> UInt32 {
    var (found, last) = (0, UInt32.max)
    _ = finder.explore(
      from: start, nodeBudget: Self.nodeBudget, world, space,
      ahead: { field.prefetch($0, space) },
      visit: { node, cost in
        if found >= count && cost > last { return false }
        if field.distance(node, space) != 0 { return true }
        found += 1
        if found == count { last = cost }
        return true
      })
    return last
  }
}
