internal import Bounded

/// A place in a map's text.
struct MapReader {
  /// The sizes of a map and its characters, row by row; any bytes give a map or a rejection.
  ///
  /// - Complexity: O(text); memory is taken only once the rows have begun.
  static func cells(
    _ text: Span<UInt8>
  ) throws(MapRejection) -> (width: Int, height: Int, cells: Slab) {
    var reader = MapReader()
    if text.count >= 2 && text[0] == 0x1f && text[1] == 0x8b {
      throw reader.rejection(.isCompressed)
    }
    try reader.word(.type, text)
    try reader.word(.octile, text)
    try reader.endOfLine(text)
    try reader.word(.height, text)
    let height = try reader.size(text)
    try reader.endOfLine(text)
    try reader.word(.width, text)
    let width = try reader.size(text)
    if width * height > Topology.cellCountMax {
      throw reader.rejection(.tooManyCells(width * height))
    }
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
    return (width, height, cells)
  }

  /// The width of a map of these rows and its characters; traps where a text would be rejected.
  static func cells(rows: [String]) -> (width: Int, cells: Slab) {
    let width = rows.first?.utf8.count ?? 0
    let cells = Slab(byteCount: width * rows.count, zeroed: false)
    for (y, row) in rows.enumerated() {
      precondition(row.utf8.count == width, "row \(y): \(row.utf8.count) blocks, not \(width)")
      for (x, byte) in row.utf8.enumerated() {
        precondition(byte >= 0x20 && byte <= 0x7e, "row \(y), block \(x): byte \(byte)")
        cells.store(byte, y * width + x)
      }
    }
    return (width, cells)
  }

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
      value = min(value * 10 + Int(byte - UInt8(ascii: "0")), Topology.cellCountMax + 1)
      at += 1
    }
    if value < 1 || value > Topology.cellCountMax {
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
