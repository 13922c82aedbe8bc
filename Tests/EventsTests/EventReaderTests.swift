import Bounded
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
