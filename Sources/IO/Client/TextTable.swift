/// Rows of words in columns that line up, for people.
public struct TextTable: Sendable {
  public enum Side: Sendable { case left, right }

  private let titles: [String]
  private let sides: [Side]
  private var rows: [[String]] = []

  /// - Parameter columns: Title and the side that the column's words stand on.
  public init(_ columns: [(title: String, side: Side)]) {
    titles = columns.map(\.title)
    sides = columns.map(\.side)
  }

  public var isEmpty: Bool { rows.isEmpty }

  /// - Parameter row: One word a column.
  public mutating func append(_ row: [String]) {
    precondition(row.count == titles.count, "\(row.count) words for \(titles.count) columns")
    rows.append(row)
  }

  /// The titles and the rows, each line behind `indent` spaces, without spaces at a line's end.
  public func lines(indent: Int = 2) -> [String] {
    let all = [titles] + rows
    let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      var line = String(repeating: " ", count: indent)
      for (column, word) in row.enumerated() {
        let gap = String(repeating: " ", count: widths[column] - word.count)
        if column > 0 { line += "  " }
        line += sides[column] == .left ? word + gap : gap + word
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}

/// `-1234567` as `-1,234,567`.
public func grouped(_ value: Int64) -> String {
  (value < 0 ? "-" : "") + grouped(value.magnitude)
}
