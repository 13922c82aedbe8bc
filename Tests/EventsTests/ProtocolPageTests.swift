import Events
import Foundation
import Testing
import Testkit

// Verified: the tables of docs/protocol.md have a row for every number here, and none besides.
// Not verified: what the rows explain; the vectors hold the layouts.

@Test func protocolPageListsEveryResult() throws {
  let rows = try rows(after: "## 9.", header: "| code | word")
  #expect(rows.count == ResultCode.allCases.count)
  for (row, code) in zip(rows, ResultCode.allCases) {
    #expect(row[0] == "\(code.rawValue)" && row[1] == code.word)
  }
}

@Test func protocolPageListsEveryKind() throws {
  let rows = try rows(after: "## 3.", header: "| kind | word")
  let supported = EventKind.allCases.filter(\.isSupported)
  #expect(rows.map { $0[0] } == supported.map { "\($0.rawValue)" })
  #expect(rows.map { $0[1] } == supported.map { "\($0.word)" })
}

@Test func protocolPageListsEveryFrame() throws {
  let rows = try rows(after: "## 2.", header: "| type | name")
  #expect(rows.map { $0[0] } == FrameType.allCases.map { "\($0.rawValue)" })
  #expect(rows.map { $0[1] } == FrameType.allCases.map { "\($0)" })
}

@Test func protocolPageListsEveryField() throws {
  let rows = try rows(after: "## 3.", header: "| offset | bytes | field ")
  let fields = EventField.allCases.filter { $0 != .none }
  #expect(rows.map { $0[2] } == fields.map { "\($0.word)" })
  #expect(rows.map { $0[3] } == fields.map { "\($0.rawValue)" })
}

/// Cells of the first table after `heading` whose first line starts with `header`.
private func rows(after heading: String, header: String) throws -> [[String]] {
  let page = try String(
    contentsOf: URL(filePath: repositoryFolder + "/docs/protocol.md"), encoding: .utf8)
  let lines = page.components(separatedBy: "\n")
  let start = try #require(lines.firstIndex { $0.hasPrefix(heading) }, "\(heading) is missing")
  let table = try #require(
    lines[start...].firstIndex { $0.hasPrefix(header) }, "\(header) is missing")
  return lines[(table + 2)...].prefix { $0.hasPrefix("|") }.map { line in
    line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
  }
}
