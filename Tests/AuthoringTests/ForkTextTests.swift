import Hunt
import Testing
import Testkit

@testable import Authoring

private func parse(_ text: String, _ kind: ForkText.Kind = .fork) -> Checked<ForkText> {
  ForkText.parse(Array(text.utf8), kind, rules: HuntRules())
}

/// The path and the rule of the only error of a text.
private func fault(_ text: String, _ kind: ForkText.Kind = .fork) -> String {
  let parsed = parse(text, kind)
  guard parsed.value == nil else { return "taken" }
  let errors = parsed.findings.filter { $0.severity == .error }
  return errors.map { "\($0.path) \($0.rule)" }.joined(separator: ", ")
}

/// A place written in one of its forms, and what it means.
private func place(_ random: inout TestRandom) -> (text: String, place: HistoryPlace) {
  switch random.below(3) {
  case 0: return ("head", .head)
  case 1:
    let offset = random.next()
    return ("\(offset)", .offset(offset))
  default:
    let ms = Int64(random.below(1 << 50))
    return ("\(ms)ms", .time(ms))
  }
}

/// Whatever a request asks for is read as it was meant, as a fork's `omit` and as an Unplay.
@Test func wishesAreReadAsMeant() {
  #expect(
    forAll(cases: 2_000) { random in
      var members: [String] = []
      let players = (0..<random.below(4)).map { _ in
        random.chance(50)
          ? "\(random.below(99))" : ["anna", "name:7", "Zoë", "a b"][random.below(4)]
      }
      let numbers = (0..<random.below(4)).map { _ in random.next() }
      let kinds = (0..<random.below(3)).map { _ in ["move", "claim", "what"][random.below(3)] }
      // Numbers may stand with or without quotes; names need them.
      members.append(
        "\"players\":[\(players.map { "\"\($0)\"" }.joined(separator: ","))]")
      members.append("\"producers\":[\(numbers.map(String.init).joined(separator: ","))]")
      members.append("\"events\":[\(numbers.map { "\"\($0)\"" }.joined(separator: ","))]")
      members.append("\"kinds\":[\(kinds.map { "\"\($0)\"" }.joined(separator: ","))]")
      let (from, to) = (place(&random), place(&random))
      let bounded = (random.chance(50), random.chance(50))
      if bounded.0 { members.append("\"from\":\"\(from.text)\"") }
      if bounded.1 { members.append("\"to\":\(to.text == "head" ? "\"head\"" : to.text)") }
      members.shuffle(using: &random)
      func isMeant(_ omit: ForkText.Omit?) -> Bool {
        guard let omit else { return false }
        return omit.players == players && omit.producers == numbers && omit.events == numbers
          && omit.kinds == kinds && omit.from == (bounded.0 ? from.place : nil)
          && omit.to == (bounded.1 ? to.place : nil)
      }
      let body = members.joined(separator: ",")
      let at = place(&random)
      let fork = parse("{\"at\":\"\(at.text)\",\"omit\":{\(body)}}")
      guard let value = fork.value, isMeant(value.omit), value.at == at.place else { return false }
      let promotes = random.chance(50)
      let unplay = parse("{\(body),\"promote\":\(promotes)}", .unplay)
      if players.isEmpty && numbers.isEmpty && kinds.isEmpty { return unplay.value == nil }
      return isMeant(unplay.value?.omit) && unplay.value?.isPromoted == promotes
    })
}

/// No wishes are a fork of the hunt as it is; a rollback has one wish.
@Test func emptyWishes() throws {
  for text in ["", " \r\n", "{}"] {
    let fork = try #require(parse(text).value)
    #expect(fork.at == .head && fork.omit == nil && fork.append.isEmpty && fork.rules == nil)
  }
  let rollback = try #require(parse(#"{"to":12}"#, .rollback).value)
  #expect(rollback.omit?.from == .offset(12) && rollback.omit?.to == nil)
  #expect(!rollback.isPromoted)
}

/// Rules that are named change, and no other; events are one JSON array, words and numbers as given.
@Test func rulesAndEvents() throws {
  let text = """
    {"rules":{"claims_per_player":3,"walls":false},"rules_from":"7",
     "append":[{"kind":"score","player":-7,"value":1.5,"a\\"b":null},["x",true],"7"]}
    """
  let fork = try #require(parse(text).value)
  var rules = HuntRules()
  rules.claimsPerPlayer = 3
  rules.walls = false
  #expect(fork.rules == rules && fork.rulesFrom == .offset(7))
  #expect(
    String(decoding: fork.append, as: UTF8.self)
      == #"[{"kind":"score","player":-7,"value":1.5,"a\"b":null},["x",true],"7"]"#)
}

/// Each rule that a wish can break is named with the place where it was broken.
@Test func refusalsNameTheirPlace() {
  for (text, kind, expected) in [
    ("{", .fork, " syntax"), ("[]", .fork, " wrongKind"),
    (#"{"omitt":{}}"#, .fork, "omitt unknownKey"),
    (#"{"at":"noon"}"#, .fork, "at malformed"), (#"{"at":[1]}"#, .fork, "at malformed"),
    (#"{"omit":{"players":[["x"]]}}"#, .fork, "omit.players[0] wrongKind"),
    (#"{"omit":{"players":[null]}}"#, .fork, "omit.players[0] wrongKind"),
    (#"{"omit":{"producers":[1,-1]}}"#, .fork, "omit.producers[1] malformed"),
    (#"{"omit":{"events":["x"]}}"#, .fork, "omit.events[0] malformed"),
    (#"{"omit":{"events":[1,"+5"]}}"#, .fork, "omit.events[1] malformed"),
    (#"{"omit":{"producers":["+5"]}}"#, .fork, "omit.producers[0] malformed"),
    (#"{"omit":{"producers":[" 5"]}}"#, .fork, "omit.producers[0] malformed"),
    (#"{"omit":{"teams":["red"]}}"#, .fork, "omit.teams outside"),
    (#"{"omit":{"from":"-1"}}"#, .fork, "omit.from malformed"),
    (#"{"rules":{"lateness":"1s"}}"#, .fork, "rules.lateness conflict"),
    (#"{"rules":{"hint_radius":5}}"#, .fork, "rules.hint_radius conflict"),
    (#"{"rules":{"hint_work":64}}"#, .fork, "rules.hint_work conflict"),
    (#"{"rules":{"wall":false}}"#, .fork, "rules.wall unknownKey"),
    (#"{"promote":true}"#, .fork, "promote unknownKey"),
    ("{}", .unplay, "players missing"), (#"{"from":3}"#, .unplay, "players missing"),
    (#"{"players":[7],"promote":"maybe"}"#, .unplay, "promote malformed"),
    ("{}", .rollback, "to missing"), (#"{"to":"x"}"#, .rollback, "to malformed"),
    (#"{"to":1,"players":[7]}"#, .rollback, "players unknownKey"),
  ] as [(String, ForkText.Kind, String)] {
    #expect(fault(text, kind) == expected, "\(text)")
  }
}

/// No hunt has teams: naming one is refused in words, and an empty list of them asks for nothing.
@Test func teamsAreRefused() throws {
  for (text, kind, path) in [
    (#"{"omit":{"players":[7],"teams":["red"]}}"#, .fork, "omit.teams"),
    (#"{"players":[7],"teams":[1]}"#, .unplay, "teams"),
  ] as [(String, ForkText.Kind, String)] {
    let findings = parse(text, kind).findings
    #expect(findings.map(\.path) == [path])
    #expect(findings.first?.message.contains("no hunt has teams") == true)
  }
  #expect(parse(#"{"omit":{"players":[7],"teams":[]}}"#).value != nil)
}

/// Any bytes give a wish or at least one error, and what `append` hands on is always JSON.
@Test func wishesAreTotal() {
  let omit = #""players":["anna",7],"producers":[1,2],"kinds":["move"],"events":[5],"from":3"#
  let texts: [(ForkText.Kind, String)] = [
    (
      .fork,
      """
      {"at":"1700000000000ms","omit":{\(omit),"to":"head"},"rules":{"walls":false,"steps_max":4},
      "append":[{"kind":"score","player":7,"value":-3},{"kind":"leave"}],"rules_from":0}
      """
    ),
    (.unplay, "{\(omit),\"to\":\"2026-11-21T10:30:00Z\",\"promote\":false}"),
    (.rollback, #"{"promote":true,"to":4}"#),
  ]
  var outcomes: Set<String> = []
  #expect(
    forAll(cases: 6_000) { random in
      let (kind, text) = texts[random.below(3)]
      let bytes = corrupted(Array(text.utf8), &random)
      let parsed = ForkText.parse(bytes, kind, rules: HuntRules())
      guard let fork = parsed.value else {
        outcomes.insert("refused")
        return parsed.findings.contains { $0.severity == .error }
      }
      outcomes.insert("taken")
      if fork.append.isEmpty { return true }
      guard let again = YamlNode.parse(fork.append).value, case .sequence = again.content else {
        return false
      }
      return again.json == fork.append
    })
  #expect(outcomes == ["refused", "taken"])
}
