internal import Bounded

// The text format is that of the MovingAI grid benchmarks (N. Sturtevant, "Benchmarks for
// Grid-Based Pathfinding", 2012): four header lines, then the rows. Lines end with LF or CRLF.
extension Topology {
  /// Reads a map; any bytes give a grid or a rejection.
  ///
  /// - Complexity: O(text); memory is taken only once the rows have begun, at most 12 bytes for
  ///   each of the blocks that the header declares.
  public convenience init(
    parsing text: Span<UInt8>, neighbourhood: Neighbourhood, terrain: Terrain = .standard,
    unit: UInt32? = nil
  ) throws(MapRejection) {
    let (width, height, cells) = try MapReader.cells(text)
    self.init(
      grid: cells, width: width, height: height, neighbourhood: neighbourhood, terrain: terrain,
      unit: unit)
  }

  /// The grid of these rows, from the top, which are as the rows of a text: for maps made by a
  /// program. Traps where a text would be rejected.
  public convenience init(
    rows: [String], neighbourhood: Neighbourhood, terrain: Terrain = .standard
  ) {
    let (width, cells) = MapReader.cells(rows: rows)
    self.init(
      grid: cells, width: width, height: rows.count, neighbourhood: neighbourhood,
      terrain: terrain)
  }

  /// A grid's map as text again, lines ended by LF: parsing it with the same neighbourhood and
  /// terrain gives an equal digest, unless weights were generated.
  public func mapText() -> [UInt8] {
    precondition(form == .grid, "a world of form \(form) has no map")
    var text = Array("type octile\nheight \(height)\nwidth \(width)\nmap\n".utf8)
    text.reserveCapacity(text.count + (width + 1) * height)
    for y in 0..<height {
      for x in 0..<width { text.append(cells.load(y * width + x, as: UInt8.self)) }
      text.append(UInt8(ascii: "\n"))
    }
    return text
  }
}
