import Bounded
import CMallocCount
import Events
import Testing
import Testkit

/// Good events of a bad batch are kept: one object, an array and lines, each with faults in it.
@Test func badEventsCostOnlyTheirOwnPlace() {
  let good = #"{"kind":"move","player":7,"x":3,"y":-4}"#
  let event = Event(kind: .move, player: 7, x: 3, y: -4)
  #expect(items(good).map(\.event) == [event])
  #expect(items("[\(good),\(good)]").map(\.event) == [event, event])

  let array = items(#"[\#(good),{"kind":"mve","a":[1,{"b":2}]},17,\#(good),{"kind":tru},\#(good)]"#)
  #expect(array.map(\.event) == [event, nil, nil, event, nil])
  #expect(array.map(\.rejection?.code) == [nil, .unknownKind, .wrongType, nil, .malformed])

  let lines = items("\(good)\n\n{\"kind\":\r\n\(good)\r\n  {\"player\":1}\n\(good)")
  #expect(lines.map(\.event) == [event, nil, event, nil, event])
  #expect(lines.map(\.rejection?.code) == [nil, .malformed, nil, .missingField, nil])
}

/// A body of more events than allowed gives those allowed, one `tooLong`, and ends.
@Test func bodiesAreBounded() {
  let good = #"{"kind":"leave","player":7}"#
  for (form, open, comma, close) in [(BodyForm.array, "[", ",", "]"), (.lines, "", "\n", "\n")] {
    let five = Array(
      (open + Array(repeating: good, count: 5).joined(separator: comma) + close).utf8)
    let all = items(five, form: form, eventCountMax: 5).items
    #expect(all.count == 5 && all.allSatisfy { $0.event != nil })
    let some = items(five, form: form, eventCountMax: 3).items
    #expect(some.map(\.rejection?.code) == [nil, nil, nil, .tooLong])
  }
}

/// Names beyond the caller's storage are rejected one by one; players by number go on.
@Test func namesAreBounded() {
  let text = Array(
    #"[{"kind":"join","player":"a"},{"kind":"join","player":"b"},{"kind":"join","player":3}]"#.utf8)
  var names = PlayerNames(capacity: 1)
  var reader = EventReader(text.span.bytes)
  var found: [ResultCode?] = []
  while let item = reader.next(text.span.bytes, names: &names) {
    found.append(item.rejection?.code)
  }
  #expect(found == [nil, .tooLong, nil])
  #expect(names.count == 1 && names.string(0) == "a")
  #expect(names.words(0)[0] == 0x61 && names.part(0, of: 0, number: 9).size == 1)
  names.removeAll()
  #expect(names.append(Array("Zoë".utf8).span.bytes) == 0)
  #expect(names.string(0) == "Zoë")
  #expect(names.append(Array("full".utf8).span.bytes) == nil)
  names.removeAll()
  for (name, index) in [
    ("", nil), (String(repeating: "a", count: 65), nil),
    (String(repeating: "a", count: 64), 0),
  ] as [(String, Int?)] {
    #expect(names.append(Array(name.utf8).span.bytes) == index)
  }
  names.removeAll()
  let broken: [UInt8] = [0x61, 0xff]
  #expect(names.append(broken.span.bytes) == nil)
}

/// A rejected event still tells what was read of it, for its outcome.
@Test func rejectionsKeepTheirIdentity() {
  let text = #"{"kind":"move","sequence":9,"player":7,"x":true}"#
  guard case .rejected(let rejection, let partial)? = items(text).first else {
    Issue.record("not rejected")
    return
  }
  let outcome = Outcome(rejecting: partial, as: rejection, position: 4)
  #expect(outcome.sequence == 9 && outcome.player == 7 && outcome.kindByte == 3)
  #expect(outcome.result == .wrongType && outcome.disposition == .rejected)
  #expect(outcome.field == EventField.x.rawValue && outcome.position == 4)
}

// MARK: Properties

/// Every valid event and name comes back from its JSON as it was.
@Test func eventsSurviveJSON() {
  #expect(
    forAll(cases: 5_000) { random in
      let event = randomEvent(&random)
      var names = PlayerNames(capacity: 2)
      var writer = JSONWriter(capacity: 512)
      var given = event
      if event.player != 0, random.chance(30) {
        let name = "\u{0}\"\\é\u{1f600}\(random.below(1_000))"
        given.player = UInt64(names.append(Array(name.utf8).span.bytes)!)
        given.flags.insert(.playerIsName)
      }
      writer.event(given, names: names)
      let (items, read) = items(writer.bytes)
      if !given.flags.contains(.playerIsName) { return items == [.event(event)] }
      return items == [.event(given)] && read == [names.string(0)]
    })
}

/// Any bytes give events or rejections: every event is valid, every position lies in the body, the
/// good neighbours in lines are all kept, and every code that a reader can give is reached.
@Test func readingIsTotal() {
  var reached = Set<ResultCode>()
  var kept = 0
  #expect(
    forAll(cases: 10_000) { random in
      let form = [BodyForm.object, .array, .lines, .detect][random.below(4)]
      let body = corruptedBody(&random, form)
      let (items, _) = items(body, form: form, eventCountMax: 6)
      for item in items {
        switch item {
        case .event(var event):
          reached.insert(.ok)
          kept += 1
          if event.flags.contains(.playerIsName) { (event.flags, event.player) = ([], 1) }
          do throws(Rejection) { try event.validate() } catch { return false }
        case .rejected(let rejection, _):
          reached.insert(rejection.code)
          guard rejection.position <= body.count else { return false }
          guard !describe(rejection, in: body.span.bytes).isEmpty else { return false }
        }
      }
      return items.count <= 7
    })
  let wanted: Set<ResultCode> = [
    .ok, .malformed, .wrongType, .unknownField, .missingField, .outOfRange, .tooLong,
    .repeatedField, .unknownKind, .unsupportedKind,
  ]
  #expect(reached == wanted, "the generator no longer reaches every outcome")
  #expect(kept > 5_000, "the generator breaks too much: \(kept) events kept")
}

/// One bad line, whatever is wrong with it, never changes what its neighbours give.
@Test func badLinesLeaveTheirNeighbours() {
  let good = #"{"kind":"claim","player":7,"treasure":3}"#
  let event = EventItem.event(Event(kind: .claim, player: 7, treasure: 3))
  #expect(
    forAll(cases: 3_000) { random in
      var line = corruptedBody(&random, .object).filter { $0 != 0x0a }
      if line.allSatisfy({ [0x20, 0x09, 0x0d].contains($0) }) { line = Array("{}".utf8) }
      let newline: [UInt8] = [0x0a]
      let body = Array(good.utf8) + newline + line + newline + Array(good.utf8)
      let (items, _) = items(body, form: .lines)
      return items.count == 3 && items[0] == event && items[2] == event
    })
}

/// Reading 10,000 events and writing their outcomes allocates nothing once the buffers are there.
///
/// Only rejections that are found without a throw are among them: in a test run, and nowhere else,
/// the test library's hook allocates on every throw.
@Test func readingDoesNotAllocate() {
  let one = #"{"kind":"move","rank":true,"sequence":123,"player":"Zo\u00eb","x":-3,"y":4}"#
  let two = #"{"kind":"spawn","hint":true,"treasure":123,"points":7,"stock":9,"x":-3,"y":4}"#
  let bad = #"17,{"kind":"move","player":1,"colour":[{"red":1}]}"#
  let body = Array(
    "[\(Array(repeating: "\(one),\(two),\(bad)", count: 250).joined(separator: ","))]".utf8)
  var names = PlayerNames(capacity: 1_000)
  var writer = JSONWriter(capacity: 1_000 * OutcomeWriter.byteCountMax)
  var count = 0

  func readAll() {
    names.removeAll()
    writer.removeAll()
    var reader = EventReader(body.span.bytes)
    while let item = reader.next(body.span.bytes, names: &names) {
      count += 1
      switch item {
      case .event(let event): OutcomeWriter.append(Outcome(of: event), to: &writer)
      case .rejected(let rejection, let partial):
        let outcome = Outcome(rejecting: partial, as: rejection, position: reader.position)
        OutcomeWriter.append(outcome, to: &writer)
      }
    }
  }
  readAll()
  count = 0
  vx_malloc_count_start()
  for _ in 0..<10 { readAll() }
  let allocations = vx_malloc_count()
  #expect(count == 10_000)
  #expect(allocations == 0)
}

// MARK: Descriptions

/// One sentence names the place, the field and the rule, and guesses at what was meant.
@Test func rejectionsAreDescribed() {
  func first(_ text: String) -> String {
    let bytes = Array(text.utf8)
    let rejection = items(bytes, form: .detect).items.compactMap(\.rejection).first
    return rejection.map { describe($0, in: bytes.span.bytes) } ?? "no rejection"
  }
  #expect(
    first("{\"kind\":\"move\",\n \"trasure\":1}")
      == """
      line 2, column 2: there is no field "trasure", did you mean "treasure"?; the fields are kind, \
      rank, hint, hunt, producer, sequence, player, time, x, y, z, treasure, value, points, stock, \
      multiplier, direction, block, cost, width, height, depth, change, edge, to
      """)
  #expect(
    first(#"{"kind":"mve"}"#).hasPrefix(#"line 1, column 2: there is no kind "mve", did you"#))
  #expect(first(#"{"é":1}"#).hasPrefix(#"line 1, column 2: there is no field "é"; the fields are"#))
  #expect(
    first(#"{"kind":"move","x":1.5}"#)
      == #"line 1, column 16: "x" must be an integer -2147483648...2147483647"#)
  #expect(first(#"{"kind":"move"}"#) == #"line 1, column 1: the event needs "player""#)
  #expect(first(#"{"kind":"score","player":1}"#) == #"line 1, column 1: the event needs "points""#)
  #expect(first("[1,]") == "line 1, column 2: an event must be an object")
  #expect(first(#"{"kind":"#) == "line 1, column 9: the text ends where JSON needs more")
  #expect(first("{'a'}") == #"line 1, column 2: JSON does not allow "'" here"#)
  func edge(_ keys: String) -> String { first(#"{"kind":"edge",\#(keys)}"#) }
  for (change, need) in [
    ("add", #""to" and "cost""#), ("remove", #""edge""#), ("open", #""direction", or "edge""#),
    ("close", #""direction", or "edge""#),
    ("reweight", #""multiplier" and "direction" or "block": true, or "edge" and "cost""#),
  ] {
    let sentence = #"line 1, column 1: an edge event of change "\#(change)" needs \#(need)"#
    #expect(edge(#""change":"\#(change)""#) == sentence)
  }
  #expect(edge(#""x":1"#) == edge(#""change":"reweight""#))
  #expect(
    edge(#""change":"opne","edge":3"#)
      == """
      line 1, column 16: there is no change "opne", did you mean "open"?; the changes are \
      reweight, open, close, add, remove, place, break
      """)
  #expect(
    edge(#""edge":3,"cost":1,"direction":2"#)
      == #"line 1, column 34: "direction" does not belong to this kind of event or change"#)
  #expect(
    edge(#""change":"place","width":32,"height":17"#)
      == """
      line 1, column 33: "width" must be an integer 1...32, and a box has at most 512 blocks
      """)
  #expect(
    edge(#""change":"open","direction":26"#)
      == #"line 1, column 32: "direction" must be an integer 0...25, for a block 0...7"#)
  #expect(
    edge(#""treasure":3,"edge":3,"cost":1"#)
      == #"line 1, column 29: "edge" says again what the event has said already"#)
  #expect(
    describe(Rejection(.reservedFlag, .flags, position: 2), eventAt: 5)
      == #"event 5, byte 2: "flags" has bits that only the engine may set"#)
}
