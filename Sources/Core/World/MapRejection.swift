/// Why the text of a map was refused, and where; the author of the map is at fault.
public struct MapRejection: Error, Equatable, Sendable {
  /// Line, from 1.
  public let line: Int
  /// Byte in the line, from 1.
  public let column: Int
  public let rule: MapRule

  public init(line: Int, column: Int, rule: MapRule) {
    self.line = line
    self.column = column
    self.rule = rule
  }
}

/// The rules of a map's text.
public enum MapRule: Equatable, Sendable {
  /// The four header lines are `type octile`, `height <n>`, `width <n>`, `map`; this word is
  /// missing.
  case expected(MapWord)
  /// Height and width are decimal numbers, `1...16,777,216`.
  case sizeOutOfRange
  /// Height times width is at most `Topology.cellCountMax`.
  case tooManyCells(Int)
  /// Nothing follows a word or a number on its line but spaces.
  case textAfterHeader
  /// Every row has `width` characters; this one has fewer.
  case rowTooShort(expected: Int, got: Int)
  /// Every row has `width` characters; this one has more.
  case rowTooLong(expected: Int)
  /// A cell is a printable ASCII character.
  case notACell(UInt8)
  /// There are `height` rows; the text ended early.
  case missingRows(expected: Int, got: Int)
  /// Only blank lines follow the last row.
  case textAfterMap
  /// A map is text, not what gzip made of it (RFC 1952: such bytes begin with 1f 8b).
  case isCompressed
}

extension MapRule {
  /// One clause for whoever wrote the map.
  public var sentence: String {
    switch self {
    case .expected(let word):
      "the header's word \"\(word.rawValue)\" is missing (type octile, height, width, map)"
    case .sizeOutOfRange: "height and width are whole numbers from 1 to 16,777,216"
    case .tooManyCells(let count): "\(count) blocks; at most \(Topology.cellCountMax)"
    case .textAfterHeader: "nothing follows a header's word or number on its line"
    case .rowTooShort(let expected, let got):
      "the row has \(got) blocks, the header says \(expected)"
    case .rowTooLong(let expected): "the row has more than the \(expected) blocks of the header"
    case .notACell(let byte): "byte \(byte) is not a block: one printable ASCII character each"
    case .missingRows(let expected, let got): "\(got) rows, the header says \(expected)"
    case .textAfterMap: "only blank lines follow the last row"
    case .isCompressed: "the file is compressed with gzip; unpack it first (gunzip --keep)"
    }
  }
}

/// A word of a map's header.
public enum MapWord: String, Equatable, Sendable {
  case type, octile, height, width, map
}
