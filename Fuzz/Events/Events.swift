import Bounded
import Events

/// Events of 64 bytes, one after the other: checked, written as JSON and read back.
let events = Parser(
  name: "Events", bytesMax: 64 * 8,
  seeds: {
    let spawn = SpawnOffer(points: 50, stock: 3).value
    let edge: Int64 = 9 | 3 << 8 | 1 << 12
    let good = EventKind.allCases.map { kind in
      let value: Int64 = kind == .spawn ? spawn : kind == .edge ? edge : 12
      return Event(
        kind: kind, flags: [.wantRank, .wantHint], hunt: 1, producer: 7, sequence: 8, player: 9,
        time: 1_700_000_000_000, x: 3, y: -4, z: 5, treasure: 6, value: value)
    }
    var seeds = good.map { Seed("\($0.kind?.word ?? "none")", [UInt8](of: $0)) }
    let most = Event(
      kind: .score, hunt: .max, producer: .max, sequence: Event.sequenceMax, player: .max,
      time: Event.timeMax, x: .max, y: .min, z: .max, treasure: .max, value: -1_000_000_000)
    seeds.append(Seed("limits", [UInt8](of: most)))
    let orders: [EdgeOrder] = [
      .step(direction: 9, multiplier: 3), .open(direction: 25), .edge(cost: 250), .openEdge,
      .add(cost: 30), .remove, .place(width: 32), .break(width: 4, height: 4, depth: 2),
    ]
    let edges = orders.map {
      Event(kind: .edge, x: 1, y: 2, z: 3, treasure: 17, value: $0.value)
    }
    for (order, event) in zip(orders, edges) {
      seeds.append(Seed("edge-\(order.action)", [UInt8](of: event)))
    }
    seeds.append(Seed("all", good.flatMap { [UInt8](of: $0) }))
    return seeds
  },
  check: { input in
    var at = 0
    while at + Event.byteCount <= input.count {
      try checkEvent(input.span.bytes.load(at, as: Event.self))
      at += Event.byteCount
    }
  })

private func checkEvent(_ event: Event) throws {
  do throws(Rejection) { try event.validate() } catch {
    try require(error.position < 64, "\(error)")
    try require(error.code != .ok && error.code.rawValue >= 100, "\(error)")
    _ = describe(error, eventAt: 0)
    return
  }
  guard let kind = event.kind, kind.isSupported else { throw Broken("valid and of no kind") }
  if let order = EdgeOrder(event.value) { try require(order.value == event.value, "\(order)") }
  var json = JSONWriter(capacity: 256)
  json.event(event)
  let read = try readEvents(json.bytes, form: .object)
  // A stock of 0 and of 1 are the same, and an event says it either way.
  try require(
    read.items == [.event(event)], "\(event) is \(String(decoding: json.bytes, as: UTF8.self))")
}

/// All items of a body, and the names in it.
func readEvents(
  _ body: [UInt8], form: BodyForm, eventCountMax: Int = 64, nameCountMax: Int = 64
) throws -> (items: [EventItem], names: [String]) {
  let bytes = body.span.bytes
  var names = PlayerNames(capacity: nameCountMax)
  var reader = EventReader(bytes, form: form, eventCountMax: eventCountMax)
  var items: [EventItem] = []
  while let item = reader.next(bytes, names: &names) {
    try require(reader.position == items.count, "item \(items.count) at \(reader.position)")
    items.append(item)
    try require(items.count <= eventCountMax + 1, "more items than \(eventCountMax)")
  }
  try require(reader.next(bytes, names: &names) == nil, "an item after the end")
  return (items, (0..<names.count).map { names.string($0) })
}
