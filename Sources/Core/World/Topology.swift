public import Bounded

/// What never changes of a world: which nodes there are, and which steps lead where, as built.
///
/// It is one image, laid out as the world file is (`WorldLayout`), so opening a mapped file copies
/// nothing, and all hunts and forks on a world share one. Nodes of a grid and of voxels are
/// numbered by column, then row, then level: node = (z * height + y) * width + x, with x the column
/// from the left, y the row from the top and z the level from the ground, all from 0. Nodes of a
/// network are numbered by their labels, the ids that its source gives them, ascending.
///
/// Memory of an image: a header of 4,096 bytes; a grid 3 bytes a block, and 4 or 8 more where steps
/// differ in cost; voxels 1/8 byte a cell; a network 8 bytes a node and 16 an edge, 4 more a node
/// where labels have gaps and 8 where places are known.
public final class Topology: Sendable {
  /// Most nodes in a world.
  public static let cellCountMax = 1 << 24
  /// Most edges in a network.
  public static let edgeCountMax = 1 << 27
  /// Greatest weight of an edge in a network.
  public static let weightMax = UInt32(Int32.max)

  public let form: WorldForm
  public let neighbourhood: Neighbourhood
  /// Columns; of a network, nodes.
  public let width: Int
  /// Rows; of a network, 1.
  public let height: Int
  /// Levels; 1 but for voxels.
  public let depth: Int
  public let nodeCount: Int
  /// Directed edges open as built.
  public let edgeCount: Int
  /// Cost of walking one block, `1...`.
  public let unit: UInt32
  /// How walkers get on; of use for `walk`.
  public let walk: WalkRules
  /// Stands for every byte of the image.
  public let digest: Hash128
  /// The bytes of the world file.
  public let image: Slab
  /// Whether steps of a grid differ in cost: see `weights`.
  public let hasWeights: Bool
  /// Whether nodes of a network have places to draw them at.
  public let hasCoordinates: Bool

  @usableFromInline let cells: SlabView
  /// UInt16 a block: bits 0...7 the directions open as built, bits 8...15 those that do not leave
  /// the map.
  @usableFromInline let steps: SlabView
  @usableFromInline let rows: SlabView
  @usableFromInline let solid: SlabView
  @usableFromInline let outStart: SlabView
  @usableFromInline let heads: SlabView
  @usableFromInline let arcWeights: SlabView
  @usableFromInline let inStart: SlabView
  @usableFromInline let inEdges: SlabView
  @usableFromInline let tails: SlabView
  @usableFromInline let labels: SlabView
  @usableFromInline let places: SlabView
  @usableFromInline let hasLabels: Bool
  @usableFromInline let firstLabel: UInt32
  /// Most edges that lead onto one node.
  public let degreeMax: Int

  /// The world of an image that is known to be whole.
  init(whole image: Slab) {
    func number(_ offset: Int) -> Int { Int(image.load(offset, as: UInt32.self)) }
    func view(_ kind: WorldSection) -> SlabView {
      for index in 0..<number(44) {
        let entry = WorldLayout.tableOffset + index * WorldLayout.tableEntryBytes
        if number(entry) == Int(kind.rawValue) {
          return SlabView(
            image, at: Int(image.load(entry + 8, as: UInt64.self)),
            byteCount: Int(image.load(entry + 16, as: UInt64.self)))
        }
      }
      return SlabView(image, at: 0, byteCount: 0)
    }
    guard let form = WorldForm(rawValue: image.load(6, as: UInt8.self)),
      let neighbourhood = Neighbourhood(rawValue: image.load(7, as: UInt8.self))
    else { preconditionFailure("an image without a form") }
    self.image = image
    self.form = form
    self.neighbourhood = neighbourhood
    (width, height, depth) = (number(8), number(12), number(16))
    (nodeCount, edgeCount) = (number(20), number(24))
    unit = image.load(28, as: UInt32.self)
    walk =
      neighbourhood == .walk
      ? WalkRules(
        headroom: Int(image.load(32, as: UInt8.self)), climb: Int(image.load(33, as: UInt8.self)),
        fall: Int(image.load(34, as: UInt8.self))) : .standard
    firstLabel = image.load(40, as: UInt32.self)
    digest = WorldLayout.hash(image, at: WorldLayout.digestOffset)
    cells = view(.cells)
    steps = view(.directions)
    rows = view(.multipliers)
    solid = view(.solid)
    outStart = view(.outStart)
    heads = view(.heads)
    arcWeights = view(.weights)
    inStart = view(.inStart)
    inEdges = view(.inEdges)
    tails = view(.tails)
    labels = view(.labels)
    places = view(.coordinates)
    hasWeights = rows.byteCount > 0
    hasLabels = labels.byteCount > 0
    hasCoordinates = places.byteCount > 0
    var degreeMax = neighbourhood.degree
    if neighbourhood == .walk { degreeMax = 4 * (Int(walk.climb) + Int(walk.fall) + 1) }
    if form == .network {
      for node in 0..<nodeCount {
        let first = inStart.load(node * 4, as: UInt32.self)
        degreeMax = max(degreeMax, Int(inStart.load(node * 4 + 4, as: UInt32.self)) - Int(first))
      }
    }
    self.degreeMax = degreeMax
  }

  // MARK: Places

  /// The node at a column, row and level, or nil outside the world. In a network, the node whose
  /// label is `x`, for `y` and `z` of 0.
  ///
  /// - Complexity: O(1); O(log n) in a network whose labels have gaps.
  @inlinable @inline(__always)
  public func node(x: Int, y: Int, z: Int = 0) -> UInt32? {
    if form == .network {
      guard y == 0 && z == 0, let label = UInt32(exactly: x) else { return nil }
      return node(label: label)
    }
    guard x >= 0 && x < width && y >= 0 && y < height && z >= 0 && z < depth else { return nil }
    return UInt32(truncatingIfNeeded: (z &* height &+ y) &* width &+ x)
  }

  /// The column, row and level of `node`; in a network its label, 0 and 0.
  @inlinable @inline(__always)
  public func place(_ node: UInt32) -> (x: Int, y: Int, z: Int) {
    if form == .network { return (Int(label(node)), 0, 0) }
    let (row, x) = Int(node).quotientAndRemainder(dividingBy: width)
    if depth == 1 { return (x, row, 0) }
    let (z, y) = row.quotientAndRemainder(dividingBy: height)
    return (x, y, z)
  }

  /// Whether somebody can be at `node` as built: a grid's step onto it costs something, a voxel is
  /// free (`walk`: a walker can stand in it). Always, in a network.
  @inlinable public func isPassable(_ node: UInt32) -> Bool {
    switch form {
    case .grid: terrainCost(character(node)) != 0
    case .voxels:
      neighbourhood == .walk ? isStandable(node) : !isSolid(node)
    case .network: Int(node) < nodeCount
    }
  }

  // MARK: Grids

  /// The map's character at `node`.
  @inlinable @inline(__always) public func character(_ node: UInt32) -> UInt8 {
    cells.load(Int(node), as: UInt8.self)
  }

  /// What a step onto a character costs, times a plain step: 0 for a wall, `1...255`.
  @inlinable @inline(__always) public func terrainCost(_ character: UInt8) -> UInt8 {
    // The header's table: `WorldLayout.terrainOffset`.
    image.load(1024 &+ Int(character), as: UInt8.self)
  }

  /// What a step onto each character costs.
  public var terrain: Terrain { Terrain(costs: (0...255).map { terrainCost($0) }) }

  /// Bits 0...7: the directions open as built; bits 8...15: those that do not leave the map.
  @inlinable @inline(__always) public func directions(_ node: Int) -> Int {
    Int(steps.load(node &* 2, as: UInt16.self))
  }

  /// The multipliers of the edges that leave `node` as built, direction k in byte k: 0 closed,
  /// `1...255` times the cost of the step.
  @inlinable @inline(__always) public func weights(_ node: Int) -> UInt64 {
    if !hasWeights { return Self.spread(directions(node) & 0xff) }
    if neighbourhood == .eight { return rows.load(node &* 8, as: UInt64.self) }
    return UInt64(rows.load(node &* 4, as: UInt32.self))
  }

  /// Asks for the lines that a step onto `node` of a grid reads.
  @inlinable @inline(__always) public func prefetch(_ node: Int) {
    steps.prefetch(node &* 2)
    if hasWeights { rows.prefetch(node &* (neighbourhood == .eight ? 8 : 4)) }
  }

  /// Bit k of `bits` as byte k, 0 or 1.
  @inlinable @inline(__always) static func spread(_ bits: Int) -> UInt64 {
    let copies = UInt64(truncatingIfNeeded: bits) &* 0x0101_0101_0101_0101
    // Byte k keeps bit k alone; adding 0x7f carries it, whichever it was, into the byte's top bit.
    let single = (copies & 0x8040_2010_0804_0201) &+ 0x7f7f_7f7f_7f7f_7f7f
    return single &>> 7 & 0x0101_0101_0101_0101
  }

  // MARK: Voxels

  /// Whether the cell is solid as built.
  @inlinable @inline(__always) public func isSolid(_ node: UInt32) -> Bool {
    solidWord(Int(node) &>> 6) &>> UInt64(node & 63) & 1 == 1
  }

  /// Bit k: cell 64 * `index` + k is solid as built; those past the last cell are 0.
  @inlinable @inline(__always) public func solidWord(_ index: Int) -> UInt64 {
    solid.load(index &* 8, as: UInt64.self)
  }

  /// Whether a walker can stand in the cell as built.
  @inlinable public func isStandable(_ node: UInt32) -> Bool {
    let level = width &* height
    let (z, base) = Int(node).quotientAndRemainder(dividingBy: level)
    return walk.isStandable(z) { at in
      // The floor is solid, and above the top all is free.
      at < 0 || (at < depth && isSolid(UInt32(truncatingIfNeeded: at &* level &+ base)))
    }
  }

  // MARK: Networks

  /// The first edge that leaves `node`, `0...nodeCount`: its edges end where the next node's start.
  @inlinable @inline(__always) public func firstEdge(_ node: Int) -> Int {
    Int(outStart.load(node &* 4, as: UInt32.self))
  }

  /// The node that an edge leads to.
  @inlinable @inline(__always) public func head(_ edge: Int) -> UInt32 {
    heads.load(edge &* 4, as: UInt32.self)
  }

  /// The node that an edge leaves.
  @inlinable @inline(__always) public func tail(_ edge: Int) -> UInt32 {
    tails.load(edge &* 4, as: UInt32.self)
  }

  /// The cost of an edge as built, `1...weightMax`.
  @inlinable @inline(__always) public func weight(_ edge: Int) -> UInt32 {
    arcWeights.load(edge &* 4, as: UInt32.self)
  }

  /// Where the edges that lead to `node` start in the list of `inEdge`, `0...nodeCount`.
  @inlinable @inline(__always) public func firstIn(_ node: Int) -> Int {
    Int(inStart.load(node &* 4, as: UInt32.self))
  }

  /// An edge by its place in the list of edges by head, those of a head ascending.
  @inlinable @inline(__always) public func inEdge(_ index: Int) -> Int {
    Int(inEdges.load(index &* 4, as: UInt32.self))
  }

  /// The id that the network's source gives `node`.
  @inlinable @inline(__always) public func label(_ node: UInt32) -> UInt32 {
    hasLabels ? labels.load(Int(node) &* 4, as: UInt32.self) : firstLabel &+ node
  }

  /// The node with a label, or nil.
  ///
  /// - Complexity: O(1), or O(log n) where labels have gaps.
  @inlinable public func node(label: UInt32) -> UInt32? {
    if !hasLabels {
      let node = label &- firstLabel
      return label >= firstLabel && Int(node) < nodeCount ? node : nil
    }
    var low = 0
    var high = nodeCount
    while low < high {
      let middle = (low &+ high) &>> 1
      if labels.load(middle &* 4, as: UInt32.self) < label {
        low = middle &+ 1
      } else {
        high = middle
      }
    }
    guard low < nodeCount, labels.load(low &* 4, as: UInt32.self) == label else { return nil }
    return UInt32(truncatingIfNeeded: low)
  }

  /// Where to draw a node of a network, in the source's unit, or nil where that is not known.
  @inlinable public func coordinates(_ node: UInt32) -> (x: Int32, y: Int32)? {
    guard hasCoordinates else { return nil }
    return (
      places.load(Int(node) &* 8, as: Int32.self), places.load(Int(node) &* 8 &+ 4, as: Int32.self)
    )
  }
}
