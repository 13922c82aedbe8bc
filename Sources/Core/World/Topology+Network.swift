public import Bounded

/// The edges of a network in the order of their source, in memory of a fixed size.
public struct NetworkEdges: ~Copyable {
  /// Edges that there is room for.
  public let capacity: Int
  public private(set) var count = 0
  /// Tail, head and weight, 12 bytes an edge.
  private let rows: Slab

  /// - Parameter capacity: `0...Topology.edgeCountMax`.
  public init(capacity: Int) {
    precondition(capacity >= 0 && capacity <= Topology.edgeCountMax)
    self.capacity = capacity
    rows = Slab(byteCount: max(1, capacity) * 12, zeroed: false)
  }

  /// Adds an edge at the back; traps when there is no room.
  ///
  /// - Parameters:
  ///   - tail: The node it leaves.
  ///   - head: The node it leads to; another one.
  ///   - weight: Its cost, `1...Topology.weightMax`.
  public mutating func append(from tail: UInt32, to head: UInt32, weight: UInt32) {
    precondition(count < capacity && tail != head)
    precondition(weight >= 1 && weight <= Topology.weightMax)
    rows.store(tail, count * 12)
    rows.store(head, count * 12 + 4)
    rows.store(weight, count * 12 + 8)
    count += 1
  }

  func tail(_ index: Int) -> UInt32 { rows.load(index * 12, as: UInt32.self) }
  func head(_ index: Int) -> UInt32 { rows.load(index * 12 + 4, as: UInt32.self) }
  func weight(_ index: Int) -> UInt32 { rows.load(index * 12 + 8, as: UInt32.self) }

  /// Calls both ends of every edge by another name.
  mutating func rename(_ name: (UInt32) -> UInt32) {
    for index in 0..<count {
      rows.store(name(tail(index)), index * 12)
      rows.store(name(head(index)), index * 12 + 4)
    }
  }
}

/// The ids that a network's source gives its nodes.
public enum NetworkLabels: Sendable {
  /// Node 0 has this one, and each next node the next.
  case consecutive(first: UInt32)
  /// `UInt32` for each node, strictly ascending.
  case table(Slab)
}

extension Topology {
  /// A network of `nodeCount` nodes, `1...cellCountMax`, and these edges, which are numbered by
  /// tail, those of one tail in the order given.
  ///
  /// - Parameters:
  ///   - coordinates: Two `Int32` a node, to draw it at.
  ///   - unit: Cost of walking one block.
  /// - Complexity: O(nodes + edges).
  public convenience init(
    network edges: borrowing NetworkEdges, nodeCount: Int,
    labels: NetworkLabels = .consecutive(first: 0), coordinates: Slab? = nil, unit: UInt32 = 1
  ) {
    precondition(nodeCount > 0 && nodeCount <= Self.cellCountMax && unit > 0)
    var header = WorldHeader(
      form: .network, neighbourhood: .network, width: nodeCount, edgeCount: edges.count, unit: unit)
    var table: Slab?
    switch labels {
    case .consecutive(let first):
      precondition(Int(first) + nodeCount - 1 <= Int(UInt32.max), "labels above 32 bits")
      header.firstLabel = first
    case .table(let slab): table = slab
    }
    let draft = WorldDraft(
      header, header.sections(hasLabels: table != nil, hasCoordinates: coordinates != nil))
    let image = draft.image
    if let table {
      for node in 1..<max(1, nodeCount) {
        precondition(
          table.load(node * 4 - 4, as: UInt32.self) < table.load(node * 4, as: UInt32.self),
          "labels do not ascend at node \(node)")
      }
      image.copy(from: table, at: 0, to: draft.offset(.labels), count: nodeCount * 4)
    }
    if let coordinates {
      image.copy(from: coordinates, at: 0, to: draft.offset(.coordinates), count: nodeCount * 8)
    }
    Self.sort(edges, nodeCount, draft)
    draft.seal()
    self.init(whole: image)
  }

  /// Counting sorts: edges by tail, then their numbers by head.
  private static func sort(
    _ edges: borrowing NetworkEdges, _ nodeCount: Int, _ draft: WorldDraft
  ) {
    let image = draft.image
    let (outStart, inStart) = (draft.offset(.outStart), draft.offset(.inStart))
    let (heads, weights) = (draft.offset(.heads), draft.offset(.weights))
    let (tails, inEdges) = (draft.offset(.tails), draft.offset(.inEdges))
    // While edges are placed, entry n + 1 is where the next edge of node n goes; in the end that is
    // where those of node n + 1 start.
    func count(_ start: Int, _ node: UInt32) {
      precondition(Int(node) < nodeCount, "an edge of node \(node), of \(nodeCount)")
      if Int(node) + 2 <= nodeCount {
        image.update(start + (Int(node) + 2) * 4, as: UInt32.self) { $0 += 1 }
      }
    }
    func take(_ start: Int, _ node: UInt32) -> Int {
      image.update(start + (Int(node) + 1) * 4, as: UInt32.self) { next in
        next += 1
        return Int(next) - 1
      }
    }
    for index in 0..<edges.count {
      count(outStart, edges.tail(index))
      count(inStart, edges.head(index))
    }
    for start in [outStart, inStart] {
      for node in 1..<(nodeCount + 1) {
        let before = image.load(start + node * 4 - 4, as: UInt32.self)
        image.update(start + node * 4, as: UInt32.self) { $0 += before }
      }
    }
    for index in 0..<edges.count {
      let edge = take(outStart, edges.tail(index))
      image.store(edges.tail(index), tails + edge * 4)
      image.store(edges.head(index), heads + edge * 4)
      image.store(edges.weight(index), weights + edge * 4)
    }
    for edge in 0..<edges.count {
      let place = take(inStart, image.load(heads + edge * 4, as: UInt32.self))
      image.store(UInt32(edge), inEdges + place * 4)
    }
  }
}
