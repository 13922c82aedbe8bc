public import Bounded

// Any bytes give a world or a fault: who made the file may have made its digests too, so all that
// an accessor or a search relies on is looked at.
extension Topology {
  /// The world whose file has these bytes; keeps them, and reads all of them once.
  ///
  /// - Complexity: O(bytes), and for voxels O(cells x steps) to count the edges; no copy.
  public convenience init(image: Slab) throws(WorldFault) {
    let header = try WorldHeader(checking: image)
    let sections = try header.checkedSections(of: image)
    for section in sections { try section.checkDigest(in: image) }
    self.init(whole: image)
    switch form {
    case .grid: try checkGrid()
    case .voxels: try checkVoxels()
    case .network: try checkNetwork()
    }
  }

  /// Everything that is wrong with an image, as far as can be told: all sections whose bytes are
  /// damaged, or the first thing that a whole image says wrong.
  public static func faults(in image: Slab) -> [WorldFault] {
    do throws(WorldFault) {
      var faults: [WorldFault] = []
      for section in try WorldHeader(checking: image).checkedSections(of: image) {
        do throws(WorldFault) { try section.checkDigest(in: image) } catch { faults.append(error) }
      }
      if faults.isEmpty { _ = try Topology(image: image) }
      return faults
    } catch { return [error] }
  }

  /// The sections of the image: kind, offset and bytes.
  public var sections: [(kind: WorldSection, offset: Int, byteCount: Int)] {
    (0..<Int(image.load(44, as: UInt32.self))).map { index in
      let entry = WorldLayout.tableOffset + index * WorldLayout.tableEntryBytes
      guard let kind = WorldSection(rawValue: image.load(entry, as: UInt32.self)) else {
        preconditionFailure("a section that no world has")
      }
      return (
        kind, Int(image.load(entry + 8, as: UInt64.self)),
        Int(image.load(entry + 16, as: UInt64.self))
      )
    }
  }

  /// Where a fault in a section is, by the offset in the section.
  private func fault(_ kind: WorldSection, _ offset: Int, _ rule: WorldRule) -> WorldFault {
    for index in 0..<WorldLayout.tableEntryCount {
      let entry = WorldLayout.tableOffset + index * WorldLayout.tableEntryBytes
      if image.load(entry, as: UInt32.self) == kind.rawValue {
        return WorldFault(kind, byte: Int(image.load(entry + 8, as: UInt64.self)) + offset, rule)
      }
    }
    preconditionFailure("no section of \(kind)")
  }

  private func checkGrid() throws(WorldFault) {
    for node in 0..<nodeCount {
      let character = cells.load(node, as: UInt8.self)
      if character < 0x20 || character > 0x7e { throw fault(.cells, node, .cell) }
    }
    var found: WorldFault?
    var count = 0
    GridRule(neighbourhood, terrain).forEachNode(cells, width, height) { node, bits in
      if directions(node) != Int(bits) {
        found = fault(.directions, node * 2, .directions)
      } else if hasWeights && Self.isOpen(weights(node)) != Self.spread(Int(bits & 0xff)) {
        let row = neighbourhood == .eight ? 8 : 4
        found = fault(.multipliers, node * row, .weight)
      }
      count += (bits & 0xff).nonzeroBitCount
      return found == nil
    }
    if let found { throw found }
    try checkEdgeCount(count)
  }

  /// Each byte that is not 0 as 1.
  private static func isOpen(_ row: UInt64) -> UInt64 {
    let low = (row & 0x7f7f_7f7f_7f7f_7f7f) &+ 0x7f7f_7f7f_7f7f_7f7f
    return (low | row) &>> 7 & 0x0101_0101_0101_0101
  }

  private func checkVoxels() throws(WorldFault) {
    let last = (nodeCount - 1) / 64
    if nodeCount & 63 != 0 && solidWord(last) >> UInt64(nodeCount & 63) != 0 {
      throw fault(.solid, last * 8, .notZero)
    }
    let rule = VoxelRule(
      solid, width: width, height: height, depth: depth, neighbourhood: neighbourhood, walk: walk)
    try checkEdgeCount(rule.edgeCount())
  }

  private func checkEdgeCount(_ count: Int) throws(WorldFault) {
    if count != edgeCount {
      throw WorldFault(byte: 24, .edgeCount(expected: edgeCount, got: count))
    }
  }

  private func checkNetwork() throws(WorldFault) {
    try checkStarts(.outStart, outStart)
    try checkStarts(.inStart, inStart)
    for node in 0..<nodeCount {
      for edge in firstEdge(node)..<firstEdge(node + 1) {
        if Int(tail(edge)) != node { throw fault(.tails, edge * 4, .tail) }
        if Int(head(edge)) >= nodeCount || Int(head(edge)) == node {
          throw fault(.heads, edge * 4, .head)
        }
        if weight(edge) < 1 || weight(edge) > Self.weightMax {
          throw fault(.weights, edge * 4, .weight)
        }
      }
    }
    // Those of a head ascend and no edge has two heads, so none is listed twice; as many are listed
    // as there are, so none is missing.
    for node in 0..<nodeCount {
      var before = -1
      for index in firstIn(node)..<firstIn(node + 1) {
        let edge = inEdge(index)
        guard edge > before && edge < edgeCount && Int(head(edge)) == node else {
          throw fault(.inEdges, index * 4, .inEdge)
        }
        before = edge
      }
    }
    if !hasLabels { return }
    for node in 1..<max(1, nodeCount) where label(UInt32(node - 1)) >= label(UInt32(node)) {
      throw fault(.labels, node * 4, .label)
    }
  }

  private func checkStarts(_ kind: WorldSection, _ starts: SlabView) throws(WorldFault) {
    var before: UInt32 = 0
    for node in 0...nodeCount {
      let start = starts.load(node * 4, as: UInt32.self)
      let isRight =
        start >= before && Int(start) <= edgeCount && (node > 0 || start == 0)
        && (node < nodeCount || Int(start) == edgeCount)
      if !isRight { throw fault(kind, node * 4, .start) }
      before = start
    }
  }
}

/// A section as the header's table tells it.
struct PlacedSection {
  let kind: WorldSection
  let offset: Int
  let byteCount: Int
  let hash: Hash128

  /// The bytes have the digest, and what is left of the last page is zero.
  func checkDigest(in image: Slab) throws(WorldFault) {
    if image.hash(offset, count: byteCount) != hash {
      throw WorldFault(kind, byte: offset, .digest)
    }
    let end = offset + WorldLayout.pagesUp(byteCount)
    for at in (offset + byteCount)..<end where image.load(at, as: UInt8.self) != 0 {
      throw WorldFault(kind, byte: at, .notZero)
    }
  }
}

extension WorldHeader {
  /// The numbers of an image's header, in their ranges and fitting each other.
  init(checking image: Slab) throws(WorldFault) {
    func number(_ offset: Int) -> Int { Int(image.load(offset, as: UInt32.self)) }
    func byte(_ offset: Int) -> Int { Int(image.load(offset, as: UInt8.self)) }
    guard image.byteCount >= 4 && image.load(0, as: UInt32.self) == WorldLayout.magic else {
      throw WorldFault(byte: 0, .magic)
    }
    guard image.byteCount >= WorldLayout.pageBytes else {
      throw WorldFault(
        byte: image.byteCount, .length(expected: WorldLayout.pageBytes, got: image.byteCount))
    }
    let version = image.load(4, as: UInt16.self)
    if version != WorldLayout.version { throw WorldFault(byte: 4, .version(version)) }
    if WorldLayout.digest(image) != WorldLayout.hash(image, at: WorldLayout.digestOffset) {
      throw WorldFault(byte: 0, .digest)
    }
    func broken(_ byte: Int) -> WorldFault { WorldFault(byte: byte, .header) }
    guard let form = WorldForm(rawValue: UInt8(byte(6))) else { throw broken(6) }
    guard let neighbourhood = Neighbourhood(rawValue: UInt8(byte(7))),
      form.allows(neighbourhood)
    else { throw broken(7) }
    self.form = form
    self.neighbourhood = neighbourhood
    (width, height, depth) = (number(8), number(12), number(16))
    let limit = Topology.cellCountMax
    guard width >= 1 && width <= limit else { throw broken(8) }
    guard height >= 1 && height <= limit / width && (height == 1 || form != .network) else {
      throw broken(12)
    }
    guard depth >= 1 && depth <= limit / (width * height) && (depth == 1 || form == .voxels) else {
      throw broken(16)
    }
    if number(20) != width * height * depth { throw broken(20) }
    edgeCount = number(24)
    // The other forms' edges are counted once their cells are known to be right.
    if form == .network && edgeCount > Topology.edgeCountMax { throw broken(24) }
    unit = image.load(28, as: UInt32.self)
    if unit == 0 { throw broken(28) }
    if neighbourhood == .walk {
      guard WalkRules.isValid(headroom: byte(32), climb: byte(33), fall: byte(34)) else {
        throw broken(32)
      }
      walk = WalkRules(headroom: byte(32), climb: byte(33), fall: byte(34))
    } else {
      for at in 32..<35 where byte(at) != 0 { throw WorldFault(byte: at, .notZero) }
    }
    firstLabel = image.load(40, as: UInt32.self)
    if form == .grid {
      terrain = Terrain(costs: (0...255).map { UInt8(byte(WorldLayout.terrainOffset + $0)) })
    } else if form == .voxels && firstLabel != 0 {
      throw WorldFault(byte: 40, .notZero)
    }
    if form == .grid && firstLabel != 0 { throw WorldFault(byte: 40, .notZero) }
    if Int(firstLabel) + width - 1 > Int(UInt32.max) { throw broken(40) }
    let terrainEnd = WorldLayout.terrainOffset + (form == .grid ? 256 : 0)
    let unused = [35..<40, WorldLayout.tableEnd..<WorldLayout.terrainOffset, terrainEnd..<4096]
    for range in unused {
      for at in range where byte(at) != 0 { throw WorldFault(byte: at, .notZero) }
    }
  }

  /// The sections that the table tells; those that belong to such a world, where they belong.
  func checkedSections(of image: Slab) throws(WorldFault) -> [PlacedSection] {
    func entry(_ index: Int) -> Int {
      WorldLayout.tableOffset + index * WorldLayout.tableEntryBytes
    }
    let count = Int(image.load(44, as: UInt32.self))
    if count > WorldLayout.tableEntryCount { throw WorldFault(byte: 44, .sections) }
    let kinds = (0..<count).map { image.load(entry($0), as: UInt32.self) }
    func has(_ kind: WorldSection) -> Bool { kinds.contains(kind.rawValue) }
    let expected = sections(
      hasMultipliers: has(.multipliers), hasLabels: has(.labels),
      hasCoordinates: has(.coordinates))
    if expected.count != count { throw WorldFault(byte: 44, .sections) }
    if firstLabel != 0 && has(.labels) { throw WorldFault(byte: 40, .notZero) }
    var placed: [PlacedSection] = []
    var at = WorldLayout.pageBytes
    for (index, section) in expected.enumerated() {
      guard kinds[index] == section.kind.rawValue,
        image.load(entry(index) + 4, as: UInt32.self) == 0,
        image.load(entry(index) + 8, as: UInt64.self) == UInt64(at),
        image.load(entry(index) + 16, as: UInt64.self) == UInt64(section.byteCount)
      else { throw WorldFault(byte: entry(index), .sections) }
      placed.append(
        PlacedSection(
          kind: section.kind, offset: at, byteCount: section.byteCount,
          hash: WorldLayout.hash(image, at: entry(index) + 24)))
      at += WorldLayout.pagesUp(section.byteCount)
    }
    for byte in entry(count)..<WorldLayout.tableEnd where image.load(byte, as: UInt8.self) != 0 {
      throw WorldFault(byte: byte, .notZero)
    }
    if image.byteCount != at {
      throw WorldFault(
        byte: min(at, image.byteCount), .length(expected: at, got: image.byteCount))
    }
    return placed
  }
}
