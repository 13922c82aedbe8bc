/// Why the text of a world was refused, and where; the author of the text is at fault.
public struct SourceRejection: Error, Equatable, Sendable {
  /// Line, from 1.
  public let line: Int
  /// Byte in the line, from 1.
  public let column: Int
  public let rule: SourceRule

  public init(line: Int, column: Int, rule: SourceRule) {
    self.line = line
    self.column = column
    self.rule = rule
  }
}

/// The rules of the texts of voxels and networks.
public enum SourceRule: Equatable, Sendable {
  /// These words stand here.
  case expected(String)
  /// A whole number in this range, ends included.
  case number(ClosedRange<Int>)
  /// Nothing follows on the line.
  case textAfter
  /// At most `Topology.cellCountMax` cells.
  case tooManyCells
  /// At most `Topology.cellCountMax` nodes.
  case tooManyNodes
  /// At most `Topology.edgeCountMax` edges.
  case tooManyEdges
  /// The line that tells the counts comes before all that it counts, and once.
  case countsLine
  /// There are as many as the header says.
  case count(expected: Int, got: Int)
  /// A node is placed once.
  case placedTwice
  /// A cell of a layer is `#` or `.`.
  case notACell(UInt8)
  /// A row has as many cells as the header says.
  case rowLength(expected: Int, got: Int)
  /// A world has a node.
  case empty
}

extension SourceRule {
  /// One clause for whoever wrote the text.
  public var sentence: String {
    switch self {
    case .expected(let words): "\(words) is missing"
    case .number(let range):
      "a whole number of \(range.lowerBound)...\(range.upperBound) belongs here"
    case .textAfter: "nothing more may stand on the line"
    case .tooManyCells: "more than \(Topology.cellCountMax) cells"
    case .tooManyNodes: "more than \(Topology.cellCountMax) nodes"
    case .tooManyEdges: "more than \(Topology.edgeCountMax) edges"
    case .countsLine: "the line with the counts comes once, before all that it counts"
    case .count(let expected, let got): "\(got) lines, the header says \(expected)"
    case .placedTwice: "the node has a place already"
    case .notACell(let byte): "byte \(byte) is not a cell: # is solid, . is free"
    case .rowLength(let expected, let got): "the row has \(got) cells, the header says \(expected)"
    case .empty: "there is no node in it"
    }
  }
}

/// A place in a text of numbers and words. Lines end with LF or CRLF; spaces and tabs lie between.
struct SourceReader {
  private(set) var at = 0
  private(set) var line = 1
  private var lineStart = 0

  func rejection(_ rule: SourceRule) -> SourceRejection {
    SourceRejection(line: line, column: at - lineStart + 1, rule: rule)
  }

  @inline(__always) func byte(_ text: Span<UInt8>) -> UInt8? { at < text.count ? text[at] : nil }

  @inline(__always) mutating func skipSpaces(_ text: Span<UInt8>) {
    while at < text.count && (text[at] == UInt8(ascii: " ") || text[at] == UInt8(ascii: "\t")) {
      at += 1
    }
  }

  /// Moves past a line's end (LF or CRLF); false when there is none here.
  @inline(__always) mutating func newline(_ text: Span<UInt8>) -> Bool {
    var end = at
    if end < text.count && text[end] == UInt8(ascii: "\r") { end += 1 }
    guard end < text.count && text[end] == UInt8(ascii: "\n") else { return false }
    at = end + 1
    line += 1
    lineStart = at
    return true
  }

  /// Moves to the next line's start, or to the text's end.
  mutating func skipLine(_ text: Span<UInt8>) {
    while at < text.count && text[at] != UInt8(ascii: "\n") { at += 1 }
    if at < text.count { _ = newline(text) }
  }

  /// Moves to the first thing that is neither space nor line's end; false at the text's end.
  @inline(__always) mutating func skipBlankLines(_ text: Span<UInt8>) -> Bool {
    skipSpaces(text)
    while newline(text) { skipSpaces(text) }
    return at < text.count
  }

  @inline(__always) mutating func endOfLine(_ text: Span<UInt8>) throws(SourceRejection) {
    skipSpaces(text)
    if at < text.count && !newline(text) { throw rejection(.textAfter) }
  }

  /// Moves past the byte, when it is the next one.
  mutating func take(_ wanted: UInt8, _ text: Span<UInt8>) -> Bool {
    guard byte(text) == wanted else { return false }
    at += 1
    return true
  }

  /// Moves past these words and the spaces before them.
  mutating func words(_ words: String, _ text: Span<UInt8>) throws(SourceRejection) {
    var start = self
    start.skipSpaces(text)
    for word in words.split(separator: " ") {
      skipSpaces(text)
      for expected in word.utf8 where !take(expected, text) {
        throw start.rejection(.expected(words))
      }
      if let next = byte(text), next > 0x20 { throw start.rejection(.expected(words)) }
    }
  }

  /// Moves past a whole number and the spaces before it.
  @inline(__always) mutating func number(
    _ range: ClosedRange<Int>, _ text: Span<UInt8>
  ) throws(SourceRejection) -> Int {
    skipSpaces(text)
    let start = at
    let isNegative = range.lowerBound < 0 && byte(text) == UInt8(ascii: "-")
    if isNegative { at += 1 }
    let digits = at
    var value = 0
    while at < text.count {
      let digit = text[at] &- UInt8(ascii: "0")
      if digit > 9 { break }
      // Far above every range, and far below what overflows.
      value = min(value &* 10 &+ Int(digit), 1 << 40)
      at += 1
    }
    if isNegative { value = -value }
    if at == digits || value < range.lowerBound || value > range.upperBound {
      at = start
      throw rejection(.number(range))
    }
    return value
  }
}
