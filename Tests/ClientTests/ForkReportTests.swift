import Authoring
import Testing
import Testkit

@testable import Client

/// Whatever stands in it, a table's columns begin or end at one place in every line.
@Test func tablesLineUp() {
  #expect(
    forAll(cases: 300) { random in
      let sides = (0..<(1 + random.below(5))).map { _ in
        random.chance(50) ? TextTable.Side.left : .right
      }
      func word() -> String { String(repeating: "x", count: 1 + random.below(9)) }
      var table = TextTable(sides.map { (word(), $0) })
      var rows: [[String]] = []
      for _ in 0..<random.below(6) {
        rows.append(sides.map { _ in word() })
        table.append(rows[rows.count - 1])
      }
      let lines = table.lines(indent: 3)
      guard lines.count == rows.count + 1,
        lines.allSatisfy({ $0.hasPrefix("   x") || sides[0] == .right })
      else { return false }
      // Where each word begins and ends in each line.
      let places = lines.map { line -> [(Int, Int)] in
        let letters = Array(line)
        return letters.indices.filter { letters[$0] == "x" && letters[$0 - 1] == " " }.map {
          begin in
          (begin, letters[begin...].firstIndex(of: " ") ?? letters.count)
        }
      }
      return sides.indices.allSatisfy { column in
        let edges = places.map { sides[column] == .left ? $0[column].0 : $0[column].1 }
        return Set(edges).count == 1
      }
    })
  #expect(TextTable([("a", .left), ("b", .left)]).lines() == ["  a  b"])
}

@Test func numbersAreGrouped() {
  #expect(grouped(Int64.min) == "-9,223,372,036,854,775,808")
  #expect(grouped(Int64(-999)) == "-999")
  #expect(grouped(Int64(1_000)) == "1,000")
}

private func difference(_ rows: [ForkDifference.Part: String]) throws -> ForkDifference {
  let root = YamlNode.parse(
    Array(
      """
      {"offset":9,"head":9,"against":"main","pages":100,"pages_differing":3,"micros":12,
      "counts":{"players":5,"treasures":1,"prizes":4,"edges":1,"blocks":0}}
      """.utf8))
  let tree = try #require(root.value)
  var difference = try #require(ForkDifference(tree, fork: 2))
  for (part, text) in rows {
    difference.set(part, try #require(YamlNode.parse(Array(text.utf8)).value).items)
  }
  return difference
}

/// Who gains most comes first, who loses most last; of too many, the largest changes are shown.
@Test func playersAreInTheOrderOfWhatTheyGain() throws {
  let rows = """
    [{"player":1,"score":[10,5],"rank":[1,2],"claims":[1,1]},
     {"player":"b\\u001b","score":[null,30],"rank":[null,1],"claims":[null,2]},
     {"player":3,"score":[7,7],"rank":[2,2],"claims":[1,0]},
     {"player":4,"score":[9223372036854775807,-9223372036854775808],"rank":[1,null],"claims":[1,1]}]
    """
  let made = try difference([.players: rows])
  let players = made.lines(shownMax: 10).dropFirst(5).map { $0.split(separator: " ").first ?? "" }
  #expect(players == ["player", "b\\u{1b}", "3", "1", "4", "4"], "the last says what is missing")
  let two = made.lines(shownMax: 2)
  #expect(two[6].hasPrefix("  b\\u{1b}     +30  none -> 30") || two[6].contains("+30"))
  #expect(two[7].hasPrefix("  4"))
  #expect(
    two[8]
      == "  2 of 5 that differ, the largest changes of the first 4; --limit shows more")
}

/// Each prize has the one who lost it beside the one who won it.
@Test func prizesArePaired() throws {
  let rows = """
    [{"treasure":1,"player":7,"claims":[1,0],"winner":[7,null]},
     {"treasure":1,"player":8,"claims":[0,1],"winner":[null,8]},
     {"treasure":2,"player":"x","claims":[0,3],"winner":[null,"x"]},
     {"treasure":3,"player":7,"claims":[2,0],"winner":[7,null]}]
    """
  let lines = try difference([.prizes: rows]).lines(shownMax: 10)
  #expect(
    lines.dropFirst(5) == [
      "  treasure  old winner    new winner",
      "         1  7             8",
      "         2  nobody        x (3 claims)",
      "         3  7 (2 claims)  nobody",
    ])
}

/// Counts come first; what was not read is not shown, and JSON says so.
@Test func countsComeFirst() throws {
  let made = try difference([.edges: #"[{"edge":9,"x":1,"y":2,"direction":0,"multiplier":[16,0]}]"#]
  )
  #expect(
    made.lines(shownMax: 5) == [
      "fork 2 against main",
      "  differ    5 players, 1 treasure, 4 prizes, 1 edge",
      "  pages     3 of 100 differ",
      "", "edges",
      "  edge  from  to           multiplier or cost",
      "     9  1, 2  direction 0  16 -> 0",
    ])
  #expect(made.isComplete)
  #expect(
    made.json == """
      {"fork":2,"against":"main","offset":9,"head":9,"pages":100,"pages_differing":3,"micros":12,\
      "counts":{"players":5,"treasures":1,"prizes":4,"edges":1,"blocks":0},\
      "edges":[{"edge":9,"x":1,"y":2,"direction":0,"multiplier":[16,0]}],"complete":true}
      """)
  #expect(try !difference([.players: "[]"]).isComplete)
}

/// A fork that replays nothing yet is not said to be replaying.
@Test func stagesOfAFork() throws {
  for (progress, stage) in [
    ("0.0", "about to replay"), ("0.009", "about to replay"), ("0.01", "replaying, 1 %"),
    ("0.999", "replaying, 99 %"),
  ] {
    let text = """
      {"id":3,"kind":"fork","state":"building","progress":\(progress),"head":9,"base":0,"offset":0,
      "build_micros":0}
      """
    let node = try #require(YamlNode.parse(Array(text.utf8)).value)
    #expect(try #require(ForkSummary(node)).stage == stage)
  }
}
