import Bounded
import Events
import Hunt
import Pages
import Partitions
import World

/// Events as a journal holds them, replayed into a small hunt: admitted events and what the engine
/// writes of its own, also such as the engine would never have written.
///
/// An input is a list of events, each twelve bytes that are mostly sensible, or, where bit 7 of the
/// first is set, that byte and the 64 of an event as it stands.
let replays = Parser(
  name: "Replays", bytesMax: 512,
  seeds: {
    func short(_ kind: EventKind, _ rest: UInt8...) -> [UInt8] {
      [kind.rawValue] + rest + [UInt8](repeating: 0, count: 11 - rest.count)
    }
    // After the kind: flags, producer, steps of sequence, player, x, y, treasure, value (2), time
    // (2).
    let play =
      short(.tick, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1) + short(.join, 1, 1, 0, 1, 1, 1)
      + short(.move, 2, 1, 0, 1, 2, 1) + short(.claim, 3, 1, 0, 1, 2, 1, 1)
      + short(.spawn, 0, 2, 3, 0, 3, 3, 5, 0x80, 2) + short(.edge, 0, 2, 0, 0, 1, 1, 0, 0, 0)
      + short(.score, 1, 1, 0, 2, 0, 0, 0, 9) + short(.tick, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99, 9)
      + short(.despawn, 0, 2, 0, 0, 0, 0, 5) + short(.leave, 0, 1, 0, 1)
      + short(.tally, 0, 1, 5, 6, 0, 0, 0, 0, 0, 7) + short(.control, 0, 0, 0, 0, 0, 0, 0, 2)
    func whole(_ event: Event) -> [UInt8] { [0xff] + [UInt8](of: event) }
    return [
      Seed("play", play),
      Seed(
        "claims-race",
        play + short(.teleport, 0, 3, 0, 2, 2, 1) + short(.claim, 1, 3, 0, 2, 2, 1, 1)),
      Seed(
        "sequence-most",
        whole(Event(kind: .score, producer: 1, sequence: .max, player: 1))
          + whole(Event(kind: .score, producer: 1, sequence: 1, player: 1))),
      Seed("tick-most", play + whole(Event(kind: .tick, time: .max))),
      Seed("tick-negative", whole(Event(kind: .tick, time: .min)) + play),
      Seed("tally-most", whole(Tally(producer: 1, duplicate: .max, rejected: .max, shed: 9).event)),
      Seed("phase-unknown", whole(Event(kind: .control, value: 77)) + play),
      Seed("name-unknown", whole(Event(kind: .join, producer: 1, sequence: 1, player: .max))),
      Seed("promotion", whole(PromotionMark(number: 1, high: 1, low: 2, time: 3).event)),
      Seed("digest", whole(DigestMark(high: 1, low: 2, eventCount: 0, slice: 300).event)),
      Seed("key", whole(Event(kind: .score, flags: .idempotencyKey, sequence: 1 << 62, player: 1))),
    ]
  },
  check: { input in
    let events = journalled(input)
    let first = try replay(events, inRuns: false)
    // The same journal gives the same state, one by one or in runs.
    let second = try replay(events, inRuns: true)
    try require(first == second, "\(first), in runs \(second)")
  })

/// The events that an input stands for.
private func journalled(_ input: [UInt8]) -> [Event] {
  var choices = Choices(input)
  var events: [Event] = []
  var sequences = [UInt64](repeating: 0, count: 4)
  while !choices.rest.isEmpty {
    let kind = choices.byte()
    if kind & 0x80 != 0 {
      let bytes = (0..<64).map { _ in choices.byte() }
      events.append(bytes.span.bytes.load(0, as: Event.self))
      continue
    }
    let flags = choices.byte()
    let producer = Int(choices.byte() & 3)
    let step = choices.byte()
    sequences[producer] &+= UInt64(step & 7) + 1
    var event = Event(
      kind: .join, flags: EventFlags(rawValue: UInt16(flags & 3)),
      producer: UInt64(producer) + 1, sequence: step & 8 == 0 ? sequences[producer] : UInt64(step))
    event.kindByte = kind
    event.player = UInt64(choices.byte() & 15)
    event.x = Int32(choices.byte() & 7) - 1
    event.y = Int32(choices.byte() & 7) - 1
    event.treasure = UInt32(choices.byte() & 7)
    event.value = Int64(Int16(bitPattern: choices.word()))
    if kind == EventKind.spawn.rawValue { event.value = (event.value & 0xff) << 29 | 7 }
    event.time = Int64(choices.word()) * 10
    events.append(event)
  }
  return events
}

private let map: Topology = {
  let text = Array("type octile\nheight 5\nwidth 5\nmap\n.....\n.@@..\n.....\n...@.\n.....\n".utf8)
  do { return try Topology(parsing: text.span, neighbourhood: .eight) } catch {
    fatalError("\(error)")
  }
}()

private let definition: HuntDefinition = {
  var definition = HuntDefinition(name: "small")
  definition.limits.players = 6
  definition.limits.treasures = 4
  definition.limits.claims = 5
  definition.limits.producers = 3
  definition.limits.gaps = 4
  definition.limits.idempotencyKeys = 3
  definition.limits.names = 2
  var first = TreasureSpec(id: 1, x: 2, y: 2)
  first.stock = 2
  first.points = 10
  first.respawnMs = 500
  definition.treasures = [first, TreasureSpec(id: 2, x: 4, y: 4)]
  return definition
}()

private let pool = PagePool(
  pageCount: 2 * Partition.pagesNeeded(definition, map))

/// What came of a journal: where replay ended and why, and the state, as text.
private func replay(_ events: [Event], inRuns: Bool) throws -> String {
  var partition = Partition(
    definition, map: map, number: 3, digestEvery: 2_560, heldLines: 4_096, pool: pool)
  var effects = EffectBuffer(capacity: 16)
  effects.isWanted = true
  var fault = ""
  partition.beginReplay()
  do throws(ReplayFault) {
    if inRuns {
      let slab = Slab(byteCount: 64 * 64)
      for (at, event) in events.prefix(64).enumerated() { slab.store(event, at * 64) }
      try partition.replay(LineRun(slab, first: 0, count: min(64, events.count)), &effects)
    } else {
      for event in events.prefix(64) {
        effects.removeAll()
        _ = try partition.replay(event, &effects)
      }
    }
  } catch { fault = "\(error)" }
  partition.endReplay()
  try require(partition.books.isBalanced, "the books do not balance")
  let mark = partition.mark
  return "\(fault) \(partition.state.digest().hex) \(partition.books.sum) \(mark)"
}
