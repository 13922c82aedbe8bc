import World

/// What a page needs to draw a world that has no map: how high voxels reach, or where roads lie.
/// As built; edits are not in it. All numbers are little-endian.
///
/// Voxels, 2 bytes a column, row by row from the map's top: the highest level whose cell is free
/// and lies on a solid one or on the ground, so what is seen from above, or below the lid of a
/// cave; `solidColumn` where there is none.
///
/// A network: 4 bytes nodes, 4 bytes edges, then 12 bytes a node (4 id, signed 4 x, signed 4 y) in
/// the order of ids, then 8 bytes an edge (the places of its ends among these nodes, 4 each). Of
/// more than `edgeCountMax` edges, that many at even distances.
enum WorldDrawing {
  /// Most columns of voxels, nodes and edges: 3 MB at the most.
  static let columnCountMax = 1 << 20
  static let nodeCountMax = 1 << 17
  static let edgeCountMax = 1 << 17
  static let solidColumn = UInt16.max

  /// Why there is none.
  struct Refusal: Error {
    let code: String
    let message: String
  }

  /// - Complexity: O(cells) for voxels, O(nodes) for networks, both within the limits above.
  static func bytes(of map: Topology) throws(Refusal) -> [UInt8] {
    switch map.form {
    case .grid:
      throw Refusal(code: "no_drawing", message: "a grid has a map: ask for /world")
    case .voxels:
      guard map.width * map.height <= columnCountMax, map.depth <= Int(solidColumn) else {
        throw Refusal(
          code: "too_large",
          message: "over \(columnCountMax) columns or \(solidColumn) levels are not drawn")
      }
      return heights(map)
    case .network:
      guard map.hasCoordinates else {
        throw Refusal(
          code: "no_coordinates", message: "nobody has said where the nodes of this network lie")
      }
      guard map.nodeCount <= nodeCountMax else {
        throw Refusal(code: "too_large", message: "over \(nodeCountMax) nodes are not drawn")
      }
      return roads(map)
    }
  }

  private static func heights(_ map: Topology) -> [UInt8] {
    let columns = map.width * map.height
    var bytes: [UInt8] = []
    bytes.reserveCapacity(columns * 2)
    for column in 0..<columns {
      let level = highestFloor(map, column, columns).map { UInt16($0) } ?? solidColumn
      bytes.append(UInt8(truncatingIfNeeded: level))
      bytes.append(UInt8(truncatingIfNeeded: level >> 8))
    }
    return bytes
  }

  private static func highestFloor(_ map: Topology, _ column: Int, _ columns: Int) -> Int? {
    var isFreeAbove = false
    for level in stride(from: map.depth - 1, through: 0, by: -1) {
      let isSolid = map.isSolid(UInt32(level * columns + column))
      if isSolid && isFreeAbove { return level + 1 }
      isFreeAbove = !isSolid
    }
    return isFreeAbove ? 0 : nil
  }

  private static func roads(_ map: Topology) -> [UInt8] {
    let edgeCount = min(map.edgeCount, edgeCountMax)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + map.nodeCount * 12 + edgeCount * 8)
    func append(_ value: UInt32) {
      for shift in stride(from: 0, to: 32, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
      }
    }
    append(UInt32(map.nodeCount))
    append(UInt32(edgeCount))
    for node in 0..<UInt32(map.nodeCount) {
      let (x, y) = map.coordinates(node) ?? (0, 0)
      append(map.label(node))
      append(UInt32(bitPattern: x))
      append(UInt32(bitPattern: y))
    }
    for at in 0..<edgeCount {
      let edge = at * map.edgeCount / edgeCount
      append(map.tail(edge))
      append(map.head(edge))
    }
    return bytes
  }
}
