import Bounded
import CSystem

/// Dijkstra's algorithm (1959) with a binary heap over a square of blocks with four neighbours, in
/// plain memory: what `GraphBench` compares with, and what it checks answers by. It shares nothing
/// with `World` but the numbering of directions.
struct PlainGraph: ~Copyable {
  private let side: Int
  /// A byte an edge: its weight, 0 where there is none.
  private let weights: Slab
  /// For each node distance << 32 | treasure; all ones where not reached.
  private let keys: Slab
  private var heap: [(key: UInt64, node: UInt32)] = []
  private var touched: [UInt32] = []
  private var isRemembering = false
  private var isTreasure: [Bool] = []

  init(side: Int) {
    self.side = side
    weights = Slab(byteCount: side * side * 4)
    keys = Slab(byteCount: side * side * 8)
    forget()
  }

  /// Bytes taken, the heap left out.
  var byteCount: Int { weights.byteCount + keys.byteCount + heap.capacity * 16 }

  func set(_ node: UInt32, _ direction: UInt8, _ weight: UInt8) {
    weights.store(weight, Int(node) * 4 + Int(direction))
  }

  /// Copies the weights, a byte for each direction of each node, to a slab of as many bytes.
  func copyWeights(to target: Slab) {
    target.copy(from: weights, at: 0, to: 0, count: weights.byteCount)
  }

  /// The distance and the treasure of a node, as `spread` found them.
  func at(_ node: UInt32) -> (distance: UInt32, treasure: UInt32) {
    let key = keys.load(Int(node) * 8, as: UInt64.self)
    return (UInt32(key >> 32), key == .max ? 0 : UInt32(truncatingIfNeeded: key))
  }

  /// Finds the nearest treasure of every node; `places` are the nodes of treasures 1..., `.max` for
  /// one that is not open. The ns of the processor that it took.
  mutating func spread(_ places: [UInt32]) -> Int64 {
    forget()
    isRemembering = false
    let start = vx_thread_cpu_ns()
    for (at, node) in places.enumerated() where node != .max {
      let key = UInt64(at + 1)
      keys.store(key, Int(node) * 8)
      push(key, node)
    }
    while let (key, node) = pop() {
      if keys.load(Int(node) * 8, as: UInt64.self) != key { continue }
      for direction in 0..<4 {
        guard let beside = neighbour(Int(node), direction) else { continue }
        // An edge is walked towards the treasure.
        relax(key, beside, (direction + 2) & 3, from: beside)
      }
    }
    return vx_thread_cpu_ns() - start
  }

  /// The cost of the cheapest way from `start` to `goal`.
  mutating func cost(from start: UInt32, to goal: UInt32) -> UInt32 {
    begin(from: start)
    while let (key, node) = pop() {
      if node == goal { return UInt32(key >> 32) }
      if keys.load(Int(node) * 8, as: UInt64.self) != key { continue }
      walkOn(key, node)
    }
    return .max
  }

  private mutating func begin(from start: UInt32) {
    for node in touched { keys.store(UInt64.max, Int(node) * 8) }
    touched.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
    isRemembering = true
    keys.store(1 as UInt64, Int(start) * 8)
    touched.append(start)
    push(1, start)
  }

  private mutating func walkOn(_ key: UInt64, _ node: UInt32) {
    for direction in 0..<4 {
      guard let beside = neighbour(Int(node), direction) else { continue }
      relax(key, beside, direction, from: Int(node))
    }
  }

  /// Marks the nodes of treasures for `nearest`; the others' marks are taken off.
  mutating func mark(_ places: [UInt32]) {
    isTreasure = [Bool](repeating: false, count: side * side)
    for node in places where node != .max { isTreasure[Int(node)] = true }
  }

  /// The cost of the way from `start` to the treasure that `count - 1` are no farther than; `.max`
  /// where there is none. After `mark`.
  mutating func nearest(_ count: Int, from start: UInt32) -> UInt32 {
    begin(from: start)
    var found = 0
    while let (key, node) = pop() {
      if keys.load(Int(node) * 8, as: UInt64.self) != key { continue }
      if isTreasure[Int(node)] { found += 1 }
      if found == count { return UInt32(key >> 32) }
      walkOn(key, node)
    }
    return .max
  }

  /// Has every node be unreached; before searches that follow a `spread`.
  mutating func forget() {
    for node in 0..<side * side { keys.store(UInt64.max, node * 8) }
    touched.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
  }

  @inline(__always)
  private mutating func relax(_ key: UInt64, _ node: Int, _ direction: Int, from tail: Int) {
    let weight = UInt64(weights.load(tail * 4 + direction, as: UInt8.self))
    if weight == 0 { return }
    let offer = key + weight << 32
    let held = keys.load(node * 8, as: UInt64.self)
    if held <= offer { return }
    if held == .max && isRemembering { touched.append(UInt32(node)) }
    keys.store(offer, node * 8)
    push(offer, UInt32(node))
  }

  @inline(__always)
  private func neighbour(_ node: Int, _ direction: Int) -> Int? {
    let x = node % side
    switch direction {
    case 0: return x + 1 < side ? node + 1 : nil
    case 1: return node + side < side * side ? node + side : nil
    case 2: return x > 0 ? node - 1 : nil
    default: return node >= side ? node - side : nil
    }
  }

  private mutating func push(_ key: UInt64, _ node: UInt32) {
    heap.append((key, node))
    var at = heap.count - 1
    while at > 0, heap[(at - 1) / 2].key > key {
      heap[at] = heap[(at - 1) / 2]
      at = (at - 1) / 2
    }
    heap[at] = (key, node)
  }

  private mutating func pop() -> (UInt64, UInt32)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if heap.isEmpty { return first }
    var at = 0
    while true {
      var child = 2 * at + 1
      if child >= heap.count { break }
      if child + 1 < heap.count, heap[child + 1].key < heap[child].key { child += 1 }
      if heap[child].key >= last.key { break }
      heap[at] = heap[child]
      at = child
    }
    heap[at] = last
    return first
  }
}
