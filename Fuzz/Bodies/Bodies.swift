import Bounded
import Events
import Partitions

@testable import Gateway

/// Bodies of events in JSON: one object, an array, lines, or whichever it looks like.
///
/// The first byte chooses: bits 0...1 the form, bits 2...3 the most events, bit 4 the most names,
/// bits 5...7 what the request wished beside.
let bodies = Parser(
  name: "Bodies", bytesMax: 2_048,
  seeds: {
    let join = #"{"kind":"join","player":"anna","x":1,"y":1}"#
    let claim = #"{"kind":"claim","player":7,"treasure":1,"rank":true,"hint":false}"#
    let odd = #"{"kind":"score","player":1,"points":-5,"sequence":3,"producer":4,"time":0,"z":-1}"#
    let spawn = #"{"kind":"spawn","treasure":4,"x":0,"y":9,"points":10,"stock":1048575,"hunt":2}"#
    let edge = #"{"kind":"edge","x":1,"y":2,"multiplier":0,"direction":7,"block":true}"#
    let edges = [
      #""x":1,"direction":0,"change":"open""#, #""x":1,"direction":9,"change":"close""#,
      #""edge":17,"cost":250"#, #""edge":17,"change":"remove""#,
      #""to":5123,"cost":30,"change":"add""#, #""change":"place""#,
      #""width":4,"height":4,"depth":2,"change":"break""#, #""change":"add","edge":1,"cost":0"#,
    ].map { #"{"kind":"edge",\#($0)}"# }
    let deep = String(repeating: #"{"a":["#, count: 17) + String(repeating: "]}", count: 17)
    return [
      Seed("object", mode: 0, Array(join.utf8)), Seed("claim", mode: 1, Array(claim.utf8)),
      Seed("array", mode: 4, Array("[\(join), \(claim),\(odd) ]".utf8)),
      Seed("lines", mode: 8, Array("\(spawn)\r\n\n\(edge)\n\(odd)\n".utf8)),
      Seed("lines-one-bad", mode: 8, Array("\(spawn)\n{\"kind\":}\n\(join)".utf8)),
      Seed("edges", mode: 0x0e, Array("[\(edges.joined(separator: ","))]".utf8)),
      Seed("names", mode: 0x6c, Array("[\(join),\(join)]".utf8)),
      Seed("escapes", mode: 1, Array(#"{"kin\u0064":"jo\u0069n","player":"\ud83d\ude00\n"}"#.utf8)),
      Seed("half-a-pair", mode: 1, Array(#"{"kind":"join","player":"\ud83d"}"#.utf8)),
      Seed("unknown", mode: 1, Array(#"{"kind":"hop","player":1,"plaer":{"b":[1e9,null]}}"#.utf8)),
      Seed("repeated", mode: 1, Array(#"{"kind":"move","x":1,"x":2,"player":1}"#.utf8)),
      Seed("numbers", mode: 1, Array(#"{"player":18446744073709551616,"x":-0,"y":1.0}"#.utf8)),
      Seed("deep", mode: 1, Array(deep.utf8)),
      Seed("not-utf8", mode: 1, Array(#"{"player":""#.utf8) + [0xc0, 0xaf, 0xff, 0x22, 0x7d]),
      Seed("empty-array", mode: 0, Array("[ ]".utf8)), Seed("blank", mode: 3, Array(" \n".utf8)),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    let body = Array(input.dropFirst())
    let form: BodyForm = [.detect, .object, .array, .lines][Int(mode & 3)]
    let eventCountMax = [1, 2, 3, 64][Int(mode >> 2 & 3)]
    let nameCountMax = mode & 16 == 0 ? 64 : 1
    let read = try readEvents(
      body, form: form, eventCountMax: eventCountMax, nameCountMax: nameCountMax)
    try check(read.items, read.names, body, eventCountMax)
    try checkWhole(body, form, read.items)
    checkIntake(body, mode)
  })

/// Good events can be written and come back; bad ones say where.
private func check(
  _ items: [EventItem], _ names: [String], _ body: [UInt8], _ eventCountMax: Int
) throws {
  for (at, item) in items.enumerated() {
    switch item {
    case .rejected(let rejection, _):
      try require(Int(rejection.position) <= body.count, "\(rejection) of \(body.count) bytes")
      let text = describe(rejection, in: body.span.bytes)
      try require(text.utf8.count < 1_000 && !text.contains("\n"), "\(text)")
    case .event(let event):
      try require(at < eventCountMax, "event \(at) of at most \(eventCountMax)")
      guard event.flags.contains(.playerIsName) else {
        var json = JSONWriter(capacity: 256)
        json.event(event)
        let again = try readEvents(json.bytes, form: .object)
        try require(again.items == [.event(event)], "\(event)")
        continue
      }
      try require(event.player < names.count, "name \(event.player) of \(names.count)")
      try checkName(event, names[Int(event.player)])
    }
  }
  try require(names.count <= items.count, "more names than events")
}

private func checkName(_ event: Event, _ name: String) throws {
  try require((1...64).contains(name.utf8.count), "a name of \(name.utf8.count) bytes")
  var stored = PlayerNames(capacity: 1)
  try require(stored.append(Array(name.utf8).span.bytes) == 0, "the name \(name) is no name")
  var copy = event
  copy.player = 0
  var json = JSONWriter(capacity: 256)
  json.event(copy, names: stored)
  let again = try readEvents(json.bytes, form: .object)
  try require(again.items == [.event(copy)] && again.names == [name], "\(event) of \(name)")
}

/// A body that is one value as a whole is one whichever way it is asked, and the other way round.
private func checkWhole(_ body: [UInt8], _ form: BodyForm, _ items: [EventItem]) throws {
  var isJSON = true
  do throws(Rejection) { try JSONReader.check(body.span.bytes) } catch {
    try require(Int(error.position) <= body.count, "\(error)")
    isJSON = false
  }
  let faults = items.filter {
    if case .rejected(let rejection, _) = $0 { rejection.code == .malformed } else { false }
  }
  if form == .object {
    try require(items.count == 1, "\(items.count) items of one object")
    try require(isJSON == faults.isEmpty, "JSON: \(isJSON), faults: \(faults)")
  }
  if form == .array, isJSON, body.first(where: { ![9, 10, 13, 32].contains($0) }) == 0x5b {
    try require(faults.isEmpty, "an array is malformed: \(faults)")
  }
}

nonisolated(unsafe) private var intake = EventIntake()

/// What the gateway makes of a body: a batch of as many lines as it says.
private func checkIntake(_ body: [UInt8], _ mode: UInt8) {
  var wish = EventWish()
  wish.ack = mode & 32 == 0 ? .durable : .applied
  wish.isAtomic = mode & 64 != 0
  wish.idempotencyKey = mode & 128 == 0 ? nil : "key"
  let taken = intake.read(body.span.bytes, wish, stampNs: 1)
  insist(taken.count == Int(taken.batch.count) && taken.messages.count <= 100, "\(taken.count)")
}
