import Authoring
import Events
import Hunt

/// Bodies of requests for forks, Unplay and rollback; the first byte chooses which.
let forks = Parser(
  name: "Forks", bytesMax: 1_024,
  seeds: {
    let fork = """
      {"at":"1200","omit":{"players":["bot","name:7",7],"producers":[1],"kinds":["claim"],\
      "events":[3,18446744073709551615],"from":"0","to":"2026-11-21T10:30:00.5Z"},\
      "append":[{"kind":"score","player":"\\u00e4 \\"b","points":1e0}],\
      "rules":{"steps_max":4,"lateness":"1m"},"rules_from":"1700000000000ms"}
      """
    return [
      Seed("fork", mode: 0, Array(fork.utf8)),
      Seed("fork-yaml", mode: 0, Array("at: head\nomit: {players: [a]}\n".utf8)),
      Seed("unplay", mode: 1, Array(#"{"players":["bot"],"promote":true}"#.utf8)),
      Seed("unplay-nothing", mode: 1, Array("{}".utf8)),
      Seed("rollback", mode: 2, Array(#"{"to":"2026-02-29T24:00:00Z"}"#.utf8)),
      Seed("rollback-ms", mode: 2, Array(#"{"to":"9223372036854775807ms"}"#.utf8)),
      Seed("empty", mode: 0, Array(" \r\n".utf8)),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    let text = Array(input.dropFirst())
    let kind: ForkText.Kind = [.fork, .unplay, .rollback, .fork][Int(mode & 3)]
    let read = ForkText.parse(text, kind, rules: HuntRules())
    // The text of an empty body is made up, and so may lie behind the body's end.
    try checkFindings(read.findings, isRefused: read.value == nil, of: text + [0x20, 0x20])
    guard let fork = read.value else { return }
    try require(fork.kind == kind, "\(fork.kind)")
    if fork.append.isEmpty { return }
    do throws(Rejection) { try JSONReader.check(fork.append.span.bytes) } catch {
      throw Broken("\(error) in \(String(decoding: fork.append, as: UTF8.self))")
    }
    _ = try readEvents(fork.append, form: .array)
  })
