import Authoring
import Hunt

@testable import Gateway
@testable import Net

/// Targets of HTTP requests: the path's meaning, its query's parameters, and places in history.
///
/// The first byte chooses the method.
let paths = Parser(
  name: "Paths", bytesMax: 512,
  seeds: {
    let targets = [
      "/", "/console/map.js", "/v1/hunts", "/v1/hunts/market", "/v1/hunts/market/start",
      "/v1/hunts/market/boards/all-time?from=1&limit=10&around=anna",
      "/v1/hunts/a%2Fb/players/na%6De%3A7/hint?fork=3&as_of=2026-11-21T10:30:00Z",
      "/v1/hunts/m/path?from=1,2&to=3,4,0&max=100",
      "/v1/hunts/m/forks/4294967296/promote",
      "/v1/hunts/m/treasures/7/why?as_of=1700000000000ms", "/v1/hunts/m/events?ack=applied&atomic",
      "http://host:80/livez?x", "*", "/%", "/a?%&=&&a=+%2b%zz#frag", "//..//%00/\u{7f}",
      "/v1/hunts/m/forks/1/diff?limit=99999999999999999999&place=2147483648,-1",
      "/v1/hunts/m/nearest?player=name:7&k=8", "/v1/hunts/m/reachable?from=1,2&cost=4294967295",
    ]
    let methods: [UInt8] = [0, 0, 0, 5, 2, 0, 0, 0, 2, 0, 2, 0, 6, 0, 0, 1, 0, 0, 1]
    return zip(targets, methods).enumerated().map { at, seed in
      Seed("target-\(at)", mode: seed.1, Array(seed.0.utf8))
    }
  },
  check: { input in
    guard let mode = input.first else { return }
    let target = Array(input.dropFirst())
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
    let head =
      Array("\(methods[Int(mode & 7)]) ".utf8) + target + Array(" HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
    let parser = RequestParser(limits: NetLimits(), budget: MemoryBudget(byteCountMax: 1 << 24))
    guard case .complete = head.withUnsafeBytes({ parser.parse($0).outcome }) else { return }
    try checkTarget(parser.request, target)
  })

private func checkTarget(_ request: borrowing HTTPRequest, _ target: [UInt8]) throws {
  let segments = request.pathSegments
  let path = request.path
  try require(path.utf8.count <= 3 * target.count, "the path \(path)")
  try require(segments.count <= target.count, "\(segments.count) segments")
  // What no escape hides is the path.
  if !path.utf8.contains(UInt8(ascii: "%")), path.hasPrefix("/"), path.utf8.count > 1 {
    try require("/" + segments.joined(separator: "/") == path, "\(segments) of \(path)")
  }
  let route = Route(method: request.method, path: segments)
  if case .hunt(let name, _) = route { try require(!name.isEmpty, "a hunt without a name") }
  for name in ["limit", "from", "max", "x", ""] {
    do throws(ParameterFault) {
      let number = try request.integer(name, 1...1_000, default: 7)
      insist((1...1_000).contains(number), "\(name) is \(number)")
    } catch { try require(error.message.contains(name), error.message) }
  }
  do throws(ParameterFault) {
    _ = try request.choice("ack", default: AckChoice.durable)
    _ = try request.flag("atomic")
    let place = try request.place("to")
    insist(Int32(exactly: place.0) != nil && Int32(exactly: place.2) != nil, "\(place)")
  } catch { try require(!error.message.isEmpty, error.field) }
  for name in ["as_of", "at", "from", "to"] {
    guard let text = request.query(name), let place = HistoryPlace(text) else { continue }
    switch place {
    case .head: try require(text == "head", text)
    case .offset(let offset): try require(UInt64(text) == offset, text)
    case .time(let ms): try require(ms >= 0 || text.hasSuffix("ms"), "\(text) is \(ms)")
    }
  }
  for at in 0..<request.headerCount { _ = request.header(at: at) }
}
