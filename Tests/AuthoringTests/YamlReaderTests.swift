import Testing
import Testkit

@testable import Authoring

@Suite struct YamlReaderTests {
  /// Values, order, style and places of a small text.
  @Test func places() throws {
    let text = """
      a: 1
      "bé": [x, 'y',
        ~]
      """
    let root = try #require(parse(text).value)
    #expect(root.mark == Mark(line: 1, column: 1))
    guard case .mapping(let pairs) = root.content else { return #expect(Bool(false), "\(root)") }
    #expect(pairs.map(\.key) == ["a", "bé"])
    #expect(pairs[0].value.mark == Mark(line: 1, column: 4))
    #expect(pairs[1].keyMark == Mark(line: 2, column: 1))
    guard case .sequence(let items) = pairs[1].value.content else { return #expect(Bool(false)) }
    #expect(items.map(\.mark.line) == [2, 2, 3])
    #expect(items.map(\.mark.column) == [8, 11, 3])  // characters: é counts as one
    #expect(items.map(\.isAbsent) == [false, false, true])
    guard case .scalar("y", plain: false) = items[1].content else { return #expect(Bool(false)) }
  }

  /// JSON is read by the same reader, indented with tabs too, escapes included.
  @Test func json() throws {
    let text =
      "{\n\t\"a\": {\"b\": [1, -2.5e3, \"x\\u00e9\\/\\n\", null, true]},\n\t\"c\":\"d\"\n}\n"
    let root = try #require(parse(text).value)
    guard case .mapping(let pairs) = root.content else { return #expect(Bool(false)) }
    guard case .mapping(let inner) = pairs[0].value.content,
      case .sequence(let items) = inner[0].value.content
    else { return #expect(Bool(false)) }
    guard case .scalar("xé/\n", plain: false) = items[2].content else {
      return #expect(Bool(false), "\(items[2])")
    }
    #expect(items.map(\.isAbsent) == [false, false, false, true, false])
  }

  /// Bytes that are no UTF-8 are refused at the place where they are.
  @Test func encoding() {
    let bytes = Array("a: 1\nb: é".utf8) + [0xff, 0x0a]
    #expect(YamlNode.parse(bytes).findings.map(\.mark) == [Mark(line: 2, column: 5)])
    let sixteen: [UInt8] = [0xff, 0xfe, 0x61, 0x00, 0x3a, 0x00]
    #expect(YamlNode.parse(sixteen).findings.map(\.rule) == [.syntax])
    #expect(YamlNode.parse([0xef, 0xbb, 0xbf] + Array("a: 1".utf8)).findings == [])
    #expect(YamlNode.parse([]).findings.map(\.rule) == [.empty])
    #expect(YamlNode.parse([0xef, 0xbb, 0xbf]).findings.map(\.rule) == [.empty])
    #expect(YamlNode.parse([0]).findings.map(\.rule) == [.syntax])
  }

  /// The bounds are where they are said to be: the greatest allowed is read, one more is refused.
  @Test func bounds() {
    let deepest = YamlLimits.depthMax
    #expect(rules(nested(deepest)) == [])
    #expect(rules(nested(deepest + 1)) == [.tooDeep])

    // The list itself is one value.
    let most = YamlLimits.nodeCountMax - 1
    #expect(rules(list(most)) == [])
    #expect(rules(list(most + 1)) == [.tooLarge])

    let padding = [UInt8](repeating: 0x20, count: YamlLimits.byteCountMax - 1)
    #expect(YamlNode.parse([0x61] + padding).findings == [])
    #expect(YamlNode.parse([0x61] + padding + [0x20]).findings.map(\.rule) == [.tooLarge])
  }

  private func nested(_ depth: Int) -> [UInt8] {
    Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
  }

  private func list(_ count: Int) -> [UInt8] {
    Array(("[" + String(repeating: "a,\n", count: count) + "]").utf8)
  }

  /// A mebibyte of one opening after another ends in a tree or a finding, soon: no pattern is
  /// known that costs more than its length.
  @Test(
    .timeLimit(.minutes(2)),
    arguments: [
      "[", "{", "- ", "? ", "{a: ", "[a, ", "&a ", "*a\n", "!a ", "%a\n", "\"", "'", "|\n", "a: ",
      "a: b: ", "---\n", "-\n", "a\n", "#", "\\", "\t", "\n", "}", ":", ",",
    ])
  func hostile(piece: String) {
    for prefix in ["", "[a,", "{a: ", "\"", "|\n "] {
      let count = ((1 << 20) - prefix.utf8.count) / piece.utf8.count
      let read = YamlNode.parse(Array((prefix + String(repeating: piece, count: count)).utf8))
      #expect((read.value == nil) == read.findings.contains { $0.severity == .error })
    }
  }

  private func parse(_ text: String) -> Checked<YamlNode> { YamlNode.parse(Array(text.utf8)) }
  private func rules(_ bytes: [UInt8]) -> [Finding.Rule] {
    YamlNode.parse(bytes).findings.map(\.rule)
  }
}
