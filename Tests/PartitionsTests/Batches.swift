import Events
import Partitions
import Testkit

/// Makes batches as several producers would send them: in their order with gaps, repeats and late
/// resends, by number and by name, with and without idempotency keys.
struct BatchMaker {
  /// Producers that send; each on a connection of its own with one acknowledgement level.
  let producerCount: Int
  /// Whether some events let the partition number them, so that a resend is a new event.
  var numbersItself = false
  /// Whether operators pause the hunt and let it go on; nobody resends such an order.
  var isControlled = true
  /// Percent of events that are no events.
  var malformedPercent = 0
  private(set) var clock: Int64 = 1_700_000_000_000
  private var sequences: [UInt64]
  private var sentEvents: [[Event]]
  private var batchNumber: UInt64 = 0

  static let base: Int64 = 1_700_000_000_000

  init(producers: Int) {
    producerCount = producers
    sequences = [UInt64](repeating: 0, count: producers)
    sentEvents = [[Event]](repeating: [], count: producers)
  }

  private func producer(_ index: Int) -> UInt64 { UInt64(100 + index) }

  /// A batch of at most `countMax` events from a random producer.
  mutating func next(_ random: inout TestRandom, countMax: Int = 40) -> TestBatch {
    clock += random.chance(60) ? Int64(random.below(300)) : 0
    batchNumber += 1
    let from = random.below(producerCount)
    var header = Batch(.submit)
    header.gateway = UInt8(from % 3)
    header.connection = UInt64(1_000 + from)
    header.producer = producer(from)
    header.batch = batchNumber
    header.ack = from % 2 == 0 ? .durable : .applied
    if random.chance(30) { header.flags.insert(.operate) }
    if random.chance(20) { header.flags.insert(.ackOnly) }
    if random.chance(20) { header.flags.insert(.oneProducer) }
    // What a producer sends by text it resends by text.
    let isText = from % 4 == 3
    if isText { header.flags.insert(.fromText) }
    if isControlled && random.chance(3) {
      header.kind = .control
      header.detail = UInt64([1, 1, 1, 2][random.below(4)])
      header.count = 0
      return TestBatch(header: header, tick: clock)
    }
    let names = isText ? (0..<6).map { "player \($0 + 6 * random.below(3))" } : []
    var events: [Event] = []
    for _ in 0..<random.below(countMax + 1) {
      var event: Event
      if let old = sentEvents[from].last, random.chance(15), !isText {
        event = random.chance(50) ? old : sentEvents[from][random.below(sentEvents[from].count)]
      } else {
        event = fresh(&random, from, isText: isText, names: names.count)
        if !isText { sentEvents[from].append(event) }
      }
      if random.chance(malformedPercent) {
        if header.flags.contains(.oneProducer) && random.chance(20) {
          event.producer = 99
        } else {
          Self.spoil(&event, &random, isText: isText)
        }
      }
      events.append(event)
    }
    header.count = UInt32(events.count)
    header.nameCount = UInt32(names.count)
    return TestBatch(header: header, events: events, names: names, tick: clock)
  }

  private mutating func fresh(
    _ random: inout TestRandom, _ from: Int, isText: Bool, names: Int
  ) -> Event {
    let kinds: [EventKind] = [
      .join, .leave, .move, .move, .move, .move, .teleport, .claim, .claim, .claim, .score, .spawn,
      .despawn, .edge,
    ]
    var event = Event(kind: kinds[random.below(kinds.count)])
    event.hunt = random.chance(50) ? 3 : 0
    event.producer = random.chance(50) ? 0 : producer(from)
    event.player = UInt64(1 + random.below(30))
    event.time = random.chance(30) ? 0 : clock + Int64(random.below(2_000)) - 1_500
    event.x = Int32(random.below(13))
    event.y = Int32(random.below(12))
    event.treasure = UInt32(1 + random.below(12))
    if random.chance(30) { event.flags.insert(.wantRank) }
    if random.chance(30) { event.flags.insert(.wantHint) }
    switch event.kind {
    case .score: event.value = Int64(random.below(2_000)) - 500
    case .spawn: event.value = Int64(random.below(100)) | Int64(random.below(4)) << 31
    case .edge:
      let (multiplier, direction) = (UInt8(random.below(4)), UInt8(random.below(8)))
      let isBlock = random.chance(30)
      event.value = Int64(multiplier) | Int64(direction) << 8 | (isBlock ? 1 << 12 : 0)
    default: break
    }
    if isText, random.chance(60) {
      event.flags.insert(.playerIsName)
      event.player = UInt64(random.below(names))
    }
    if isText, random.chance(40) {
      event.flags.insert(.idempotencyKey)
      event.sequence = random.next() & (1 << 63 - 1)
    } else if numbersItself && random.chance(10) {
      event.sequence = 0
    } else {
      sequences[from] += random.chance(90) ? 1 : UInt64(2 + random.below(5))
      // Some numbers come later, or never.
      let back = random.chance(10) ? UInt64(random.below(8)) : 0
      event.sequence = max(1, sequences[from] - min(back, sequences[from] - 1))
    }
    return event
  }

  /// Makes an event one that must be rejected.
  static func spoil(_ event: inout Event, _ random: inout TestRandom, isText: Bool) {
    switch random.below(isText ? 9 : 8) {
    case 0: event.version = UInt8(2 + random.below(200))
    case 1: event.kindByte = UInt8(32 + random.below(200))
    case 2: event.kindByte = EventKind.tick.rawValue
    case 3: event.flags = EventFlags(rawValue: 1 << UInt16(2 + random.below(11)))
    case 4:
      event.sequence = .max
      event.flags.remove(.idempotencyKey)
    case 5: event.time = random.chance(50) ? -1 : .max
    case 6: event.hunt = 4
    case 7:
      event.kindByte = EventKind.claim.rawValue
      event.treasure = 0
    default:
      event = .rejected(Rejection(.malformed, .kind, position: random.below(1_000)))
      event.player = 5
    }
  }

  /// Batches of nothing but what changes no state: garbage, repeats of what `journal` holds, corrupt
  /// frames, shed counts.
  static func storm(
    _ random: inout TestRandom, journal: [Event], tick: Int64
  ) -> TestBatch {
    var header = Batch(.submit)
    header.connection = 7
    header.gateway = 1
    header.producer = UInt64(100 + random.below(40))
    header.ack = random.chance(50) ? .durable : .applied
    let count = random.below(60)
    header.count = UInt32(count)
    switch random.below(6) {
    case 0:
      header.kind = .rejectAll
      return TestBatch(header: header, tick: tick)
    case 1:
      header.kind = .shedAll
      return TestBatch(header: header, tick: tick)
    default: break
    }
    let seen = journal.filter {
      $0.kind?.isSupported == true && !$0.flags.contains(.idempotencyKey)
    }
    let events = (0..<count).map { _ -> Event in
      if random.chance(50), !seen.isEmpty {
        var event = seen[random.below(seen.count)]
        event.flags.formIntersection(.allowedFromSender)
        // A name's number is known by now; everything else about a repeat may have changed.
        if random.chance(30) { event.x = 1 }
        return event
      }
      var event = Event(kind: .move, player: 3)
      spoil(&event, &random, isText: false)
      return event
    }
    return TestBatch(header: header, events: events, tick: tick)
  }
}
