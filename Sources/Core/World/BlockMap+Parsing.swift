internal import Bounded

// The text format is that of the MovingAI grid benchmarks (N. Sturtevant, "Benchmarks for
// Grid-Based Pathfinding", 2012): four header lines, then the rows. Lines end with LF or CRLF.
extension BlockMap {
  /// Reads a map; any bytes give a map or a rejection.
  ///
  /// - Complexity: O(text); memory is taken only once the rows have begun, at most 3 bytes for each
  ///   of the blocks that the header declares.
  public convenience init(
    parsing text: Span<UInt8>, neighbourhood: Neighbourhood
  ) throws(MapRejection) {
    let (width, height, cells) = try MapReader.cells(text)
    self.init(neighbourhood: neighbourhood, width: width, height: height, cells: cells)
  }

  /// The map of these rows, from the top, which are as the rows of a text: for maps made by a
  /// program. Traps where a text would be rejected.
  public convenience init(rows: [String], neighbourhood: Neighbourhood) {
    let (width, cells) = MapReader.cells(rows: rows)
    self.init(neighbourhood: neighbourhood, width: width, height: rows.count, cells: cells)
  }

  /// The map as text again, lines ended by LF: parsing it gives an equal digest.
  public func mapText() -> [UInt8] {
    var text = Array("type octile\nheight \(height)\nwidth \(width)\nmap\n".utf8)
    text.reserveCapacity(text.count + (width + 1) * height)
    for y in 0..<height {
      for x in 0..<width { text.append(cells.load(y * width + x, as: UInt8.self)) }
      text.append(UInt8(ascii: "\n"))
    }
    return text
  }
}
