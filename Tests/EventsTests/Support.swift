import Bounded
import Events
import Testing
import Testkit

/// All items of a body, with the names of the players of its events in their order.
func items(
  _ text: [UInt8], form: BodyForm = .detect, eventCountMax: Int = FrameHeader.eventCountMax
) -> (items: [EventItem], names: [String]) {
  var names = PlayerNames(capacity: 64)
  var reader = EventReader(text.span.bytes, form: form, eventCountMax: eventCountMax)
  var items: [EventItem] = []
  while let item = reader.next(text.span.bytes, names: &names) {
    #expect(reader.position == items.count)
    items.append(item)
  }
  #expect(reader.next(text.span.bytes, names: &names) == nil, "the end is final")
  return (items, (0..<names.count).map { names.string($0) })
}

func items(_ text: String, form: BodyForm = .detect) -> [EventItem] {
  items(Array(text.utf8), form: form).items
}

extension EventItem {
  var event: Event? { if case .event(let event) = self { event } else { nil } }
  var rejection: Rejection? {
    if case .rejected(let rejection, _) = self { rejection } else { nil }
  }
}

/// The bytes of a value as they lie in memory.
func bytes<Value: BitwiseCopyable>(of value: Value) -> [UInt8] {
  withUnsafeBytes(of: value) { Array($0) }
}
