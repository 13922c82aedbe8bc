public import Bounded

/// A network as its text tells it.
public struct NetworkText: ~Copyable {
  /// Nodes, `1...Topology.cellCountMax`.
  public let nodeCount: Int
  public let labels: NetworkLabels
  public let edges: NetworkEdges
  /// Edges from a node to itself, which are left out: no way is cheaper with one.
  public let selfLoopCount: Int
  /// Line of the first of them; 0 when there is none.
  public let selfLoopLine: Int

  /// Reads a `.gr` of the 9th DIMACS challenge (2006): comments `c`, one line `p sp <nodes>
  /// <edges>`, and a line `a <tail> <head> <weight>` for each edge; nodes are numbered from 1.
  ///
  /// - Complexity: O(text); memory for the edges that the text has room for.
  public init(graph text: Span<UInt8>) throws(SourceRejection) {
    var reader = SourceReader()
    var counts: (nodes: Int, edges: Int)?
    // No line of an edge is shorter.
    var sieve = EdgeSieve(capacity: min(Topology.edgeCountMax, text.count / 7))
    var lines = 0
    while reader.skipBlankLines(text) {
      let start = reader
      switch reader.byte(text) {
      case UInt8(ascii: "c"): reader.skipLine(text)
      case UInt8(ascii: "a"):
        guard let counts else { throw start.rejection(.countsLine) }
        if lines == counts.edges {
          throw start.rejection(.count(expected: counts.edges, got: lines + 1))
        }
        try reader.words("a", text)
        let tail = try reader.number(1...counts.nodes, text)
        let head = try reader.number(1...counts.nodes, text)
        let weight = try reader.number(1...Int(Topology.weightMax), text)
        try reader.endOfLine(text)
        lines += 1
        sieve.add(UInt32(tail - 1), UInt32(head - 1), UInt32(weight), line: start.line)
      default:
        if counts != nil { throw start.rejection(.expected("a line of an edge, a")) }
        try reader.words("p sp", text)
        let nodes = try reader.number(0...Int(UInt32.max), text)
        if nodes == 0 { throw reader.rejection(.empty) }
        if nodes > Topology.cellCountMax { throw reader.rejection(.tooManyNodes) }
        let edges = try reader.number(0...Int(UInt32.max), text)
        if edges > Topology.edgeCountMax { throw reader.rejection(.tooManyEdges) }
        try reader.endOfLine(text)
        counts = (nodes, edges)
      }
    }
    guard let counts else { throw reader.rejection(.expected("p sp")) }
    if lines != counts.edges {
      throw reader.rejection(.count(expected: counts.edges, got: lines))
    }
    nodeCount = counts.nodes
    labels = .consecutive(first: 1)
    (selfLoopCount, selfLoopLine) = (sieve.selfLoopCount, sieve.selfLoopLine)
    edges = sieve.edges
  }

  /// Reads a list of edges with commas: `from,to,weight` or `from,to,weight,both` a line, ids any
  /// `0...4,294,967,295`; `both` is 0 or 1, and 1 adds the way back behind the way there. A first
  /// line that does not begin with a digit names the columns. Nodes are the ids that occur.
  ///
  /// - Complexity: O(text); 12 bytes an edge and 16 more while the ids are put in order.
  public init(edgeList text: Span<UInt8>) throws(SourceRejection) {
    var reader = SourceReader()
    var lines = 1
    for at in 0..<text.count where text[at] == UInt8(ascii: "\n") { lines += 1 }
    var sieve = EdgeSieve(capacity: min(Topology.edgeCountMax, 2 * lines))
    // Ids of nodes that have only edges to themselves occur too.
    var loops: [UInt32] = []
    if reader.skipBlankLines(text), let byte = reader.byte(text), byte > UInt8(ascii: "9") {
      reader.skipLine(text)
    }
    while reader.skipBlankLines(text) {
      let start = reader
      let tail = UInt32(try reader.number(0...Int(UInt32.max), text))
      try reader.comma(text)
      let head = UInt32(try reader.number(0...Int(UInt32.max), text))
      try reader.comma(text)
      let weight = UInt32(try reader.number(1...Int(Topology.weightMax), text))
      reader.skipSpaces(text)
      var isBoth = false
      if reader.take(UInt8(ascii: ","), text) { isBoth = try reader.number(0...1, text) == 1 }
      try reader.endOfLine(text)
      if tail == head { loops.append(tail) }
      if sieve.edges.count + (isBoth ? 2 : 1) > Topology.edgeCountMax {
        throw start.rejection(.tooManyEdges)
      }
      sieve.add(tail, head, weight, line: start.line)
      if isBoth && tail != head { sieve.add(head, tail, weight, line: start.line) }
    }
    let names = NodeNames(of: sieve.edges, and: loops)
    if names.count == 0 { throw reader.rejection(.empty) }
    if names.count > Topology.cellCountMax { throw reader.rejection(.tooManyNodes) }
    sieve.edges.rename { names.node($0) }
    nodeCount = names.count
    labels = names.labels
    (selfLoopCount, selfLoopLine) = (sieve.selfLoopCount, sieve.selfLoopLine)
    edges = sieve.edges
  }

  /// Reads a `.co` of the same challenge: comments `c`, one line `p aux sp co <nodes>`, and a line
  /// `v <node> <x> <y>` for each node; two `Int32` a node.
  ///
  /// - Complexity: O(text + nodes).
  public static func coordinates(
    _ text: Span<UInt8>, nodeCount: Int
  ) throws(SourceRejection) -> Slab {
    var reader = SourceReader()
    var hasCount = false
    let places = Slab(byteCount: nodeCount * 8)
    let isPlaced = Slab(byteCount: nodeCount)
    let range = Int(Int32.min)...Int(Int32.max)
    var lines = 0
    while reader.skipBlankLines(text) {
      let start = reader
      switch reader.byte(text) {
      case UInt8(ascii: "c"): reader.skipLine(text)
      case UInt8(ascii: "v"):
        if !hasCount { throw start.rejection(.countsLine) }
        try reader.words("v", text)
        let node = try reader.number(1...nodeCount, text) - 1
        let x = Int32(try reader.number(range, text))
        let y = Int32(try reader.number(range, text))
        try reader.endOfLine(text)
        if isPlaced.load(node, as: UInt8.self) != 0 { throw start.rejection(.placedTwice) }
        isPlaced.store(UInt8(1), node)
        places.store(x, node * 8)
        places.store(y, node * 8 + 4)
        lines += 1
      default:
        if hasCount { throw start.rejection(.expected("a line of a node, v")) }
        try reader.words("p aux sp co", text)
        let count = try reader.number(0...Int(UInt32.max), text)
        if count != nodeCount { throw reader.rejection(.count(expected: count, got: nodeCount)) }
        try reader.endOfLine(text)
        hasCount = true
      }
    }
    if !hasCount { throw reader.rejection(.expected("p aux sp co")) }
    if lines != nodeCount { throw reader.rejection(.count(expected: nodeCount, got: lines)) }
    return places
  }
}

/// Takes edges, and leaves out those from a node to itself.
private struct EdgeSieve: ~Copyable {
  var edges: NetworkEdges
  private(set) var selfLoopCount = 0
  private(set) var selfLoopLine = 0

  init(capacity: Int) { edges = NetworkEdges(capacity: capacity) }

  mutating func add(_ tail: UInt32, _ head: UInt32, _ weight: UInt32, line: Int) {
    if tail == head {
      if selfLoopCount == 0 { selfLoopLine = line }
      selfLoopCount += 1
    } else {
      edges.append(from: tail, to: head, weight: weight)
    }
  }
}

extension SourceReader {
  fileprivate mutating func comma(_ text: Span<UInt8>) throws(SourceRejection) {
    skipSpaces(text)
    if !take(UInt8(ascii: ","), text) { throw rejection(.expected("a comma")) }
  }
}

/// The ids that occur in a list of edges, ascending, and the node of each.
private struct NodeNames {
  let count: Int
  private let ids: Slab
  /// Where ids start whose distance from the least, cut by `shift` bits, is at least the index.
  private let starts: Slab
  private let least: UInt32
  private let shift: UInt32

  init(of edges: borrowing NetworkEdges, and loops: [UInt32]) {
    let total = edges.count * 2 + loops.count
    var ids = Slab(byteCount: max(1, total) * 4, zeroed: false)
    for index in 0..<edges.count {
      ids.store(edges.tail(index), index * 8)
      ids.store(edges.head(index), index * 8 + 4)
    }
    for (index, id) in loops.enumerated() { ids.store(id, (edges.count * 2 + index) * 4) }
    ids = Self.sorted(ids, total)
    var count = 0
    for index in 0..<total {
      let id = ids.load(index * 4, as: UInt32.self)
      if count > 0 && ids.load(count * 4 - 4, as: UInt32.self) == id { continue }
      ids.store(id, count * 4)
      count += 1
    }
    self.ids = ids
    self.count = count
    least = count > 0 ? ids.load(0, as: UInt32.self) : 0
    let range = count > 0 ? ids.load(count * 4 - 4, as: UInt32.self) - least : 0
    // About as many starts as ids, a million at most.
    let startBits = min(20, 64 - count.leadingZeroBitCount)
    shift = UInt32(max(0, 32 - range.leadingZeroBitCount - startBits))
    let buckets = Int(range >> shift) + 1
    starts = Slab(byteCount: (buckets + 1) * 4)
    var next = 0
    for index in 0..<count {
      let bucket = Int((ids.load(index * 4, as: UInt32.self) - least) >> shift)
      while next <= bucket {
        starts.store(UInt32(index), next * 4)
        next += 1
      }
    }
    starts.store(UInt32(count), buckets * 4)
  }

  /// The node with an id that occurs.
  func node(_ id: UInt32) -> UInt32 {
    let bucket = Int((id - least) >> shift)
    var low = starts.load(bucket * 4, as: UInt32.self)
    var high = starts.load(bucket * 4 + 4, as: UInt32.self)
    while high - low > 1 {
      let middle = (low + high) / 2
      if ids.load(Int(middle) * 4, as: UInt32.self) <= id { low = middle } else { high = middle }
    }
    return low
  }

  var labels: NetworkLabels {
    let last = ids.load(count * 4 - 4, as: UInt32.self)
    if Int(last - least) == count - 1 { return .consecutive(first: least) }
    return .table(Slab(copying: ids, byteCount: count * 4))
  }

  /// The same numbers ascending, by their digits of 11, 11 and 10 bits.
  private static func sorted(_ ids: Slab, _ count: Int) -> Slab {
    var from = ids
    var into = Slab(byteCount: ids.byteCount, zeroed: false)
    for shift in [UInt32(0), 11, 22] {
      let starts = Slab(byteCount: 2049 * 4)
      func digit(_ id: UInt32) -> Int { Int(id >> shift & 2047) }
      for index in 0..<count {
        let at = (digit(from.load(index * 4, as: UInt32.self)) + 1) * 4
        starts.update(at, as: UInt32.self) { $0 += 1 }
      }
      for at in 1..<2049 {
        let before = starts.load(at * 4 - 4, as: UInt32.self)
        starts.update(at * 4, as: UInt32.self) { $0 += before }
      }
      for index in 0..<count {
        let id = from.load(index * 4, as: UInt32.self)
        let place = starts.update(digit(id) * 4, as: UInt32.self) { next in
          next += 1
          return Int(next) - 1
        }
        into.store(id, place * 4)
      }
      swap(&from, &into)
    }
    return from
  }
}
