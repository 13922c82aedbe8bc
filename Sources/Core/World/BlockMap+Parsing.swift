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
    var reader = MapReader()
    try reader.word(.type, text)
    try reader.word(.octile, text)
    try reader.endOfLine(text)
    try reader.word(.height, text)
    let height = try reader.size(text)
    try reader.endOfLine(text)
    try reader.word(.width, text)
    let width = try reader.size(text)
    if width * height > Self.cellCountMax { throw reader.rejection(.tooManyCells(width * height)) }
    try reader.endOfLine(text)
    try reader.word(.map, text)
    try reader.endOfLine(text)
    let cells = Slab(byteCount: width * height, zeroed: false)
    for row in 0..<height {
      if reader.at >= text.count {
        throw reader.rejection(.missingRows(expected: height, got: row))
      }
      try reader.row(into: cells, row * width, width: width, text)
    }
    try reader.onlyBlankLines(text)
    self.init(neighbourhood: neighbourhood, width: width, height: height, cells: cells)
  }

  /// The map of these rows, from the top, which are as the rows of a text: for maps made by a
  /// program. Traps where a text would be rejected.
  public convenience init(rows: [String], neighbourhood: Neighbourhood) {
    let width = rows.first?.utf8.count ?? 0
    let cells = Slab(byteCount: width * rows.count, zeroed: false)
    for (y, row) in rows.enumerated() {
      precondition(row.utf8.count == width, "row \(y): \(row.utf8.count) blocks, not \(width)")
      for (x, byte) in row.utf8.enumerated() {
        precondition(byte >= 0x20 && byte <= 0x7e, "row \(y), block \(x): byte \(byte)")
        cells.store(byte, y * width + x)
      }
    }
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

/// A place in a map's text.
private struct MapReader {
  private(set) var at = 0
  private var line = 1
  private var lineStart = 0

  func rejection(_ rule: MapRule) -> MapRejection {
    MapRejection(line: line, column: at - lineStart + 1, rule: rule)
  }

  private func byte(_ text: Span<UInt8>) -> UInt8? { at < text.count ? text[at] : nil }

  private mutating func skipSpaces(_ text: Span<UInt8>) {
    while let byte = byte(text), byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { at += 1 }
  }

  /// Moves past a line's end (LF or CRLF); false when there is none here.
  private mutating func newline(_ text: Span<UInt8>) -> Bool {
    let carriage = byte(text) == UInt8(ascii: "\r") ? 1 : 0
    guard at + carriage < text.count && text[at + carriage] == UInt8(ascii: "\n") else {
      return false
    }
    at += carriage + 1
    line += 1
    lineStart = at
    return true
  }

  mutating func word(_ word: MapWord, _ text: Span<UInt8>) throws(MapRejection) {
    skipSpaces(text)
    let start = at
    for expected in word.rawValue.utf8 {
      if byte(text) != expected {
        at = start
        throw rejection(.expected(word))
      }
      at += 1
    }
  }

  mutating func size(_ text: Span<UInt8>) throws(MapRejection) -> Int {
    skipSpaces(text)
    let start = at
    var value = 0
    while let byte = byte(text), byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") {
      value = min(value * 10 + Int(byte - UInt8(ascii: "0")), BlockMap.cellCountMax + 1)
      at += 1
    }
    if value < 1 || value > BlockMap.cellCountMax {
      at = start
      throw rejection(.sizeOutOfRange)
    }
    return value
  }

  mutating func endOfLine(_ text: Span<UInt8>) throws(MapRejection) {
    skipSpaces(text)
    if at < text.count && !newline(text) { throw rejection(.textAfterHeader) }
  }

  mutating func row(
    into cells: Slab, _ offset: Int, width: Int, _ text: Span<UInt8>
  ) throws(MapRejection) {
    for x in 0..<width {
      guard let byte = byte(text), byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") else {
        throw rejection(.rowTooShort(expected: width, got: x))
      }
      if byte < 0x20 || byte > 0x7e { throw rejection(.notACell(byte)) }
      cells.store(byte, offset + x)
      at += 1
    }
    if at < text.count && !newline(text) { throw rejection(.rowTooLong(expected: width)) }
  }

  mutating func onlyBlankLines(_ text: Span<UInt8>) throws(MapRejection) {
    while at < text.count {
      skipSpaces(text)
      if at < text.count && !newline(text) { throw rejection(.textAfterMap) }
    }
  }
}
