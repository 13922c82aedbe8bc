/// Half of a player's name as an event of kind `name`: the engine journals two such events, parts 0
/// and 1, when it meets a name for the first time.
///
/// Layout over an event's bytes: `player` the number given to the name (2^63 and up); `treasure`
/// bits 0...7 the part (0 or 1), bits 8...15 the name's size in bytes (1...64); `producer`,
/// `sequence`, `time` and (`x`, `y`) the 32 bytes of the part, in this order, little-endian words.
public struct NamePart: Equatable, Sendable {
  public var number: UInt64
  public var part: Int
  public var size: Int
  public var words: InlineArray<4, UInt64>

  public init(number: UInt64, part: Int, size: Int, words: InlineArray<4, UInt64>) {
    self.number = number
    self.part = part
    self.size = size
    self.words = words
  }

  public init(_ event: Event) {
    number = event.player
    part = Int(event.treasure & 0xff)
    size = Int(event.treasure >> 8 & 0xff)
    words = [
      event.producer, event.sequence, UInt64(bitPattern: event.time),
      UInt64(UInt32(bitPattern: event.x)) | UInt64(UInt32(bitPattern: event.y)) << 32,
    ]
  }

  public var event: Event {
    Event(
      kind: .name, producer: words[0], sequence: words[1], player: number,
      time: Int64(bitPattern: words[2]), x: Int32(truncatingIfNeeded: words[3]),
      y: Int32(truncatingIfNeeded: words[3] >> 32),
      treasure: UInt32(part) | UInt32(size) << 8)
  }

  public static func == (left: NamePart, right: NamePart) -> Bool { left.event == right.event }
}

/// What the books of one producer gained without an event of its own in the journal, as an event of
/// kind `tally`: duplicates, rejected and shed events, since the last tally of that producer.
///
/// Layout over an event's bytes: `producer`; `sequence` duplicates; `player` rejected; `time` shed.
public struct Tally: Equatable, Sendable {
  /// Most of each count: far more than a step can count.
  public static let countMax: UInt64 = 1 << 40

  public var producer: UInt64
  public var duplicate: UInt64
  public var rejected: UInt64
  public var shed: UInt64

  public init(producer: UInt64, duplicate: UInt64, rejected: UInt64, shed: UInt64) {
    self.producer = producer
    self.duplicate = duplicate
    self.rejected = rejected
    self.shed = shed
  }

  public init(_ event: Event) {
    producer = event.producer
    duplicate = event.sequence
    rejected = event.player
    shed = UInt64(bitPattern: event.time)
  }

  public var event: Event {
    Event(
      kind: .tally, producer: producer, sequence: duplicate, player: rejected,
      time: Int64(bitPattern: shed))
  }
}

/// The digest of one slice of the hunt's state after `eventCount` judged events, as an event of
/// kind `digest`; it stands in the journal right behind the last of them.
///
/// Layout over an event's bytes: `producer` and `sequence` the digest (high, low); `player` the
/// count; `treasure` the slice, 0...255: its share of the state's pages, in their order.
public struct DigestMark: Equatable, Sendable {
  public var high: UInt64
  public var low: UInt64
  public var eventCount: UInt64
  public var slice: UInt32

  public init(high: UInt64, low: UInt64, eventCount: UInt64, slice: UInt32) {
    self.high = high
    self.low = low
    self.eventCount = eventCount
    self.slice = slice
  }

  public init(_ event: Event) {
    high = event.producer
    low = event.sequence
    eventCount = event.player
    slice = event.treasure
  }

  public var event: Event {
    Event(kind: .digest, producer: high, sequence: low, player: eventCount, treasure: slice)
  }
}

/// The moment at which another line of history became the hunt's, as an event of kind `promote`.
///
/// Layout over an event's bytes: `player` the promotion's number, 1 and up; `producer` and
/// `sequence` the XXH3-128 (high, low) of the encoded lineage that it brings, which lies in a file
/// of its own, durable before this event is; `time` the hunt's clock.
public struct PromotionMark: Equatable, Sendable {
  public var number: UInt32
  public var high: UInt64
  public var low: UInt64
  public var time: Int64

  public init(number: UInt32, high: UInt64, low: UInt64, time: Int64) {
    self.number = number
    self.high = high
    self.low = low
    self.time = time
  }

  public init(_ event: Event) {
    number = UInt32(clamping: event.player)
    high = event.producer
    low = event.sequence
    time = event.time
  }

  public var event: Event {
    Event(kind: .promote, producer: high, sequence: low, player: UInt64(number), time: time)
  }
}

/// Where a hunt is in its life; `value` of a `control` event.
public enum HuntPhase: Int64, CaseIterable, Sendable, BitwiseCopyable {
  case draft = 0
  case live = 1
  case paused = 2
  case ended = 3

  public var word: String { String(describing: self) }
}
