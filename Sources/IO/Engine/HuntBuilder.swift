public import Authoring
public import Hunt
public import World

/// A hunt file together with its world: everything that is checked before a hunt is made.
public enum HuntBuilder {
  /// Reads a hunt's text and its map, and places its treasures.
  ///
  /// - Parameter maps: Where the text may name a map file; `refused` for texts from a client.
  /// - Returns: The definition and the map, or the findings that stand against them.
  public static func build(
    _ text: [UInt8], maps: MapFiles
  ) -> (value: (HuntDefinition, BlockMap)?, findings: [Finding]) {
    let parsed = HuntFile.parse(text, maps: maps)
    guard let file = parsed.value else { return (nil, parsed.findings) }
    return build(file, findings: parsed.findings)
  }

  /// As `build(_:maps:)`, for a file on disk.
  public static func build(
    path: String
  ) -> (value: (HuntDefinition, BlockMap)?, findings: [Finding]) {
    let parsed = HuntFile.read(path: path)
    guard let file = parsed.value else { return (nil, parsed.findings) }
    return build(file, findings: parsed.findings)
  }

  private static func build(
    _ file: HuntFile, findings: [Finding]
  ) -> (value: (HuntDefinition, BlockMap)?, findings: [Finding]) {
    var findings = findings
    let text = file.mapBytes()
    findings += text.findings
    guard let bytes = text.value else { return (nil, findings) }
    let map: BlockMap
    do throws(MapRejection) {
      map = try BlockMap(
        parsing: bytes.span, neighbourhood: file.world.neighbours == 4 ? .four : .eight)
    } catch {
      findings.append(
        file.mapFinding("line \(error.line), column \(error.column): \(error.rule.sentence)"))
      return (nil, findings)
    }
    let area = LargestArea(map)
    let ground = Ground(
      width: map.width, height: map.height,
      passable: { x, y in map.node(x: x, y: y).map { map.isPassable($0) } ?? false },
      reachable: { x, y in map.node(x: x, y: y).map { area.contains($0) } ?? false })
    let placed = file.definition(on: ground)
    findings += placed.findings
    guard let definition = placed.value, !findings.contains(where: { $0.severity == .error })
    else { return (nil, findings) }
    return ((definition, map), findings)
  }
}

/// The largest set of blocks of a map that can be walked between; generated treasures are put
/// there.
public struct LargestArea: Sendable {
  private let area: [UInt32]
  private let largest: UInt32
  /// Blocks in it.
  public let count: Int

  /// - Complexity: O(blocks).
  public init(_ map: BlockMap) {
    var area = [UInt32](repeating: 0, count: map.nodeCount)
    var stack: [UInt32] = []
    var best = (label: UInt32(0), count: 0)
    var label: UInt32 = 0
    let directions = (0..<UInt8(map.neighbourhood.degree)).filter {
      !map.neighbourhood.isDiagonal($0)
    }
    for start in 0..<UInt32(map.nodeCount) where area[Int(start)] == 0 && map.isPassable(start) {
      label += 1
      area[Int(start)] = label
      stack.append(start)
      var count = 0
      while let node = stack.popLast() {
        count += 1
        let (x, y) = map.place(node)
        for direction in directions {
          // A diagonal needs both straight steps, so straight steps alone find the whole area.
          let (dx, dy) = map.neighbourhood.step(direction)
          guard let next = map.node(x: x + dx, y: y + dy), area[Int(next)] == 0,
            map.isPassable(next)
          else { continue }
          area[Int(next)] = label
          stack.append(next)
        }
      }
      if count > best.count { best = (label, count) }
    }
    self.area = area
    largest = best.label
    count = best.count
  }

  public func contains(_ node: UInt32) -> Bool { largest != 0 && area[Int(node)] == largest }
}
