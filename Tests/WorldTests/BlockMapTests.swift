import Bounded
import Testing
import Testkit
import World

private func parse(_ text: String) -> Result<Topology, MapRejection> {
  parse(Array(text.utf8))
}

private func parse(_ text: [UInt8]) -> Result<Topology, MapRejection> {
  do throws(MapRejection) {
    return .success(try Topology(parsing: text.span, neighbourhood: .eight))
  } catch { return .failure(error) }
}

private func rejection(_ text: String) -> MapRejection? {
  if case .failure(let rejection) = parse(text) { return rejection }
  return nil
}

/// One example for each rule, with the place where it is broken.
@Test func everyMapRuleIsNamedWithItsPlace() {
  func at(_ line: Int, _ column: Int, _ rule: MapRule) -> MapRejection {
    MapRejection(line: line, column: column, rule: rule)
  }
  #expect(rejection("") == at(1, 1, .expected(.type)))
  #expect(rejection("type hex") == at(1, 6, .expected(.octile)))
  #expect(rejection("type octile 2\n") == at(1, 13, .textAfterHeader))
  #expect(rejection("type octile\nwidth 2\n") == at(2, 1, .expected(.height)))
  #expect(rejection("type octile\nheight 0\n") == at(2, 8, .sizeOutOfRange))
  #expect(rejection("type octile\nheight x\n") == at(2, 8, .sizeOutOfRange))
  #expect(rejection("type octile\nheight 16777217\n") == at(2, 8, .sizeOutOfRange))
  #expect(
    rejection("type octile\nheight 99999999999999999999999999\n") == at(2, 8, .sizeOutOfRange))
  #expect(rejection("type octile\nheight 1\nhoehe") == at(3, 1, .expected(.width)))
  #expect(
    rejection("type octile\nheight 4097\nwidth 4096\nmap\n")
      == at(3, 11, .tooManyCells(4097 * 4096)))
  #expect(rejection("type octile\nheight 1\nwidth 2\nmop") == at(4, 1, .expected(.map)))
  let head = "type octile\nheight 2\nwidth 2\nmap\n"
  #expect(rejection(head + "..\n.\n") == at(6, 2, .rowTooShort(expected: 2, got: 1)))
  #expect(rejection(head + "..\n...\n") == at(6, 3, .rowTooLong(expected: 2)))
  #expect(rejection(head + "..\n.\t\n") == at(6, 2, .notACell(9)))
  #expect(rejection(head + "..\n") == at(6, 1, .missingRows(expected: 2, got: 1)))
  #expect(rejection(head + "..\n..\n\n.") == at(8, 1, .textAfterMap))
  if case .failure(let rejection) = parse([0x1f, 0x8b, 8, 0]) {
    #expect(rejection == at(1, 1, .isCompressed))
  } else {
    Issue.record("what gzip wrote is a map")
  }
}

/// Line ends, trailing blanks and a missing last line end do not change a map.
@Test func lineEndsDoNotMatter() throws {
  let text = "type octile\nheight 2\nwidth 3\nmap\n.G@\nS.T\n"
  let digest = try parse(text).get().digest
  #expect(try parse(text.replacing("\n", with: "\r\n")).get().digest == digest)
  #expect(try parse(text + "\n \r\n").get().digest == digest)
  #expect(try parse(String(text.dropLast())).get().digest == digest)
  #expect(try parse(text.replacing("height 2\n", with: "height  2 \n")).get().digest == digest)
}

/// A map shows its characters again and parses back to an equal digest, which tells maps apart.
@Test func mapTextRoundTrips() throws {
  let rows = [".G@", "S.T", "W.O"]
  let map = blockMap(rows)
  #expect(map.mapText() == mapText(rows))
  #expect(try parse(map.mapText()).get().digest == map.digest)
  #expect(Topology(rows: rows, neighbourhood: .eight).digest == map.digest)
  #expect(map.digest != blockMap(rows, eight: false).digest)
  #expect(map.digest != blockMap([".G@", "S.T", "W.."]).digest)
  #expect(blockMap(["...."]).digest != blockMap(["..", ".."]).digest)
  #expect((0..<9).map { map.isPassable($0) } == rows.joined().map { ".GS".contains($0) })
  #expect(map.node(x: 1, y: 2) == 7 && map.place(7) == (1, 2, 0) && map.node(x: 3, y: 0) == nil)
  #expect(map.node(x: -1, y: 0) == nil && map.node(x: 0, y: 3) == nil)
}

/// Any bytes give a map of the declared size or a rejection inside the text; nothing traps, and
/// damaged texts reach every rule.
@Test func parsingIsTotal() {
  var rules: Set<String> = []
  #expect(
    forAll(cases: 20_000) { random in
      let width = random.below(5) + 1
      let height = random.below(5) + 1
      var text = mapText(
        randomRows(&random, width: width, height: height, wallPercent: 40))
      for _ in 0..<random.below(4) {
        switch random.below(5) {
        case 0: text.remove(at: random.below(text.count))
        case 1: text.insert(UInt8(random.below(256)), at: random.below(text.count + 1))
        case 2: text[random.below(text.count)] = UInt8(random.below(256))
        case 3: text.removeLast(random.below(text.count))
        default: text.replace(Array("t ".utf8), with: Array("t 1000000".utf8))
        }
        if text.isEmpty { break }
      }
      switch parse(text) {
      case .success(let map):
        rules.insert("map")
        return map.mapText().count >= map.nodeCount && map.nodeCount == map.width * map.height
      case .failure(let rejection):
        rules.insert("\(rejection.rule)".prefix { $0 != "(" }.description)
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return rejection.line >= 1 && rejection.line <= lines.count
          && rejection.column >= 1 && rejection.column <= lines[rejection.line - 1].count + 1
      }
    })
  #expect(
    rules.isSuperset(of: [
      "map", "expected", "sizeOutOfRange", "textAfterHeader", "rowTooShort", "rowTooLong",
      "notACell", "missingRows", "textAfterMap", "tooManyCells",
    ]), "the generator no longer reaches every outcome: \(rules)")
}
