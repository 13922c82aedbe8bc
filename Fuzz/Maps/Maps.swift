import World

/// Maps in the text format of MovingAI; bit 0 of the first byte chooses the neighbourhood.
let maps = Parser(
  name: "Maps", bytesMax: 2_048,
  seeds: {
    let small = "type octile\nheight 3\nwidth 4\nmap\n.@.T\nGSW.\n....\n"
    return [
      Seed("small", mode: 0, Array(small.utf8)), Seed("small-8", mode: 1, Array(small.utf8)),
      Seed(
        "crlf", mode: 1, Array("type octile \r\nheight\t1\r\nwidth 1\r\nmap\r\n.\r\n \r\n".utf8)),
      Seed("no-last-line-end", mode: 0, Array("type octile\nheight 1\nwidth 2\nmap\n..".utf8)),
      Seed(
        "declares-most", mode: 0, Array("type octile\nheight 4096\nwidth 4096\nmap\n.".utf8)),
      Seed(
        "declares-more", mode: 0,
        Array("type octile\nheight 16777216\nwidth 99999999999999999999\nmap\n".utf8)),
      Seed("row-short", mode: 0, Array("type octile\nheight 2\nwidth 3\nmap\n..\n...\n".utf8)),
      Seed("row-long", mode: 0, Array("type octile\nheight 1\nwidth 1\nmap\n..\n".utf8)),
      Seed("cell", mode: 0, Array("type octile\nheight 1\nwidth 1\nmap\n\u{7f}\n".utf8)),
      Seed("after", mode: 0, Array("type octile\nheight 1\nwidth 1\nmap\n.\nx".utf8)),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    let text = Array(input.dropFirst())
    let neighbourhood: Neighbourhood = mode & 1 == 0 ? .four : .eight
    let map: Topology
    do throws(MapRejection) {
      map = try Topology(parsing: text.span, neighbourhood: neighbourhood)
    } catch {
      let lines = text.count { $0 == 0x0a } + 1
      try require((1...lines).contains(error.line), "\(error) of \(lines) lines")
      try require((1...text.count + 1).contains(error.column), "\(error)")
      return try require(!error.rule.sentence.isEmpty, "\(error)")
    }
    try require(map.width * map.height <= text.count, "a map larger than its text")
    let again = map.mapText()
    var isSame = false
    do throws(MapRejection) {
      let copy = try Topology(parsing: again.span, neighbourhood: neighbourhood)
      isSame = copy.digest == map.digest && copy.mapText() == again
    } catch { throw Broken("the map's own text is refused: \(error)") }
    try require(isSame, "the map's text gives another map")
  })
