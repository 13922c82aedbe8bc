import Foundation
import Hunt
import Testing
import Testkit

@testable import Authoring

/// `bytes` after one to four bytes or pieces were changed, removed, doubled or moved.
func corrupted(_ bytes: [UInt8], _ random: inout TestRandom) -> [UInt8] {
  var bytes = bytes
  let marks = Array("0123456789-_:,[]{}\"' \n\t#&*!|>%@".utf8)
  for _ in 0...random.below(4) where bytes.count > 1 {
    let at = random.below(bytes.count)
    let end = min(bytes.count, at + 1 + random.below(12))
    switch random.below(8) {
    case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
    case 1: bytes[at] = marks[random.below(marks.count)]
    case 2: bytes.remove(at: at)
    case 3: bytes.removeSubrange(at..<end)
    case 4: bytes.insert(contentsOf: bytes[at..<end], at: random.below(bytes.count))
    case 5: bytes.insert(contentsOf: Array("99999999999999999999".utf8), at: at)
    case 6:
      let digits = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) }
      if let digit = digits.randomElement(using: &random) {
        bytes.insert(random.chance(50) ? 0x39 : UInt8(ascii: "-"), at: digit)
      }
    default: bytes.removeSubrange(at...)
    }
  }
  return bytes
}

/// What strangers send: broken bytes and strings made to break programs.
@Suite struct HostileInputTests {
  /// Any bytes give a hunt or at least one error, nothing traps, and no report is unprintable.
  @Test func parsingIsTotal() throws {
    let texts = try ["town", "market"].map {
      Array(
        try String(contentsOfFile: "\(repositoryFolder)/Examples/\($0).yaml", encoding: .utf8).utf8)
    }
    var rules: Set<Finding.Rule> = []
    var accepted = 0
    let held = forAll(cases: 3_000) { random in
      let bytes = corrupted(texts[random.below(texts.count)], &random)
      let read = HuntFile.parse(bytes, maps: random.chance(50) ? .refused : .relative(to: "/"))
      rules.formUnion(read.findings.map(\.rule))
      guard let file = read.value else { return isFit(read.findings, refused: true) }
      accepted += 1
      let ground = Ground(width: 17, height: 11, passable: { x, y in (x + y) % 7 != 0 })
      let hunt = file.definition(on: ground)
      rules.formUnion(hunt.findings.map(\.rule))
      if let definition = hunt.value, !isInside(definition) { return false }
      return isFit(read.findings, refused: false)
        && isFit(hunt.findings, refused: hunt.value == nil)
    }
    #expect(held)
    #expect(accepted > 100, "the corruption breaks nearly every file")
    #expect(
      rules.isSuperset(of: [
        .syntax, .unknownKey, .missing, .wrongKind, .malformed, .below, .above, .outside, .blocked,
        .duplicateKey, .remoteMap,
      ]), "\(rules)")
  }

  /// The same for settings.
  @Test func settingsAreTotal() {
    let text = Settings.keys.map { "\($0.key): \($0.fallback ?? "")" }.joined(separator: "\n")
    let held = forAll(cases: 3_000) { random in
      let read = Settings.parse(corrupted(Array(text.utf8), &random))
      return isFit(read.findings, refused: read.value == nil)
    }
    #expect(held)
  }

  /// A quarter of a mebibyte with something wrong in every line gives a short
  /// report, soon.
  @Test(.timeLimit(.minutes(1)))
  func bulk() {
    let head = "hunt: a\nworld: {map: m}\n"
    let lines: [(String, (Int) -> String)] = [
      ("", { "k\($0): 1\n" }), ("", { _ in "hunt: b\n" }), ("rules:\n", { "  speed\($0): 1\n" }),
      ("treasures:\n", { _ in "- {id: 0, x: 0, y: 0}\n" }), ("treasures:\n", { _ in "- 7\n" }),
      ("treasures:\n", { _ in "- {id: 1, x: -1, y: 0}\n" }), ("boards:\n", { _ in "- {}\n" }),
    ]
    for (start, line) in lines {
      var text = head + start
      var count = 0
      while text.utf8.count < 1 << 18 {
        text += line(count)
        count += 1
      }
      let read = HuntFile.parse(Array(text.utf8), maps: .relative(to: "."))
      #expect(isFit(read.findings, refused: true))
      #expect(start == "boards:\n" || read.findings.last?.rule == .moreFindings, "\(start)")
    }
  }

  /// Strings that broke other programs are refused as names, or are names; the report stays fit to
  /// print, and nothing of it is kept where a path, a key or a flag was expected.
  @Test func naughtyStrings() throws {
    guard let folder = sharedFolder else {
      print("skipped: the shared folder with blns.json is not beside the checkout")
      return
    }
    let json = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/text/blns.json"))
    let strings = try #require(try JSONSerialization.jsonObject(with: json) as? [String])
    #expect(strings.count >= 515)
    var refused = 0
    for string in strings {
      let hunt: [String: Any] = [
        "hunt": string, "world": ["text": string], string: string,
        "treasures": [["id": string, "x": 0, "y": 0]], "boards": [["name": string]],
      ]
      let body = Array(try JSONSerialization.data(withJSONObject: hunt))
      let read = HuntFile.parse(body, maps: .refused)
      #expect(isFit(read.findings, refused: true), "\(string)")
      if read.findings.contains(where: { $0.rule == .badName }) { refused += 1 }

      // As YAML, without quotes: whatever it comes to.
      let plain = HuntFile.parse(Array("hunt: \(string)\nworld: {map: m}".utf8), maps: .refused)
      #expect(isFit(plain.findings, refused: plain.value == nil), "\(string)")

      var settings = Settings()
      for key in Settings.keys where key.form != .path {
        do throws(FlagFault) {
          try settings.apply(flag: "--" + key.key, value: string)
        } catch { #expect(isPrintable("\(error)"), "\(string)") }
      }
      do throws(FlagFault) {
        try settings.apply(flag: string, value: "1")
        #expect(Bool(false), "\(string) is a flag")
      } catch { #expect(isPrintable("\(error)"), "\(string)") }
    }
    #expect(refused > 450)
  }

  /// Whether there is an error exactly if there should be, and every line can be printed.
  private func isFit(_ findings: [Finding], refused: Bool) -> Bool {
    findings.contains { $0.severity == .error } == refused
      && findings.count <= FindingList.countMax + 1
      && findings.allSatisfy { isPrintable($0.line(file: "f")) && $0.message.count < 400 }
  }

  private func isPrintable(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      ![.control, .format, .lineSeparator, .paragraphSeparator].contains(
        scalar.properties.generalCategory)
    }
  }

  /// Whether a definition keeps every bound that `HuntDefinition` states.
  private func isInside(_ hunt: HuntDefinition) -> Bool {
    let rules = hunt.rules
    return isName(hunt.name, byteCountMax: 48) && (1...8).contains(hunt.boards.count)
      && Set(hunt.boards.map(\.name)).count == hunt.boards.count
      && hunt.boards.allSatisfy { isName($0.name, byteCountMax: 32) && $0.windowMs ?? 1000 >= 1000 }
      && hunt.treasures.count <= hunt.limits.treasures
      && Set(hunt.treasures.map(\.id)).count == hunt.treasures.count
      && hunt.treasures.allSatisfy {
        $0.id > 0 && $0.reach <= 64 && (0...1_000_000_000).contains($0.points)
          && (1...1_048_575).contains($0.stock)
      }
      && rules.speedMax <= 1_000_000_000 && rules.stepsFree <= 64
      && (1...64).contains(rules.stepsMax) && rules.latenessMs >= 0 && rules.aheadMs >= 0
      && (1...16_777_215).contains(hunt.limits.players)
  }
}
