import Bounded
import Events
import Journal
import Testkit

/// A disk in memory that takes exactly the blocks that a `JournalWriter` asks for, and can tear a
/// write at sectors of 512 bytes. It verifies the shape of every request.
struct Image {
  let identity: UInt64
  let segmentBytes: Int
  private(set) var segments: [UInt64: Slab] = [:]
  /// What was wrong with a request.
  private(set) var complaints: [String] = []

  init(identity: UInt64, segmentBytes: Int) {
    self.identity = identity
    self.segmentBytes = segmentBytes
  }

  /// The bytes of a segment, made when missing as `Segments.prepare` would.
  mutating func segment(_ number: UInt64) -> Slab {
    if let slab = segments[number] { return slab }
    let slab = Slab(byteCount: segmentBytes)
    slab.store(SegmentHeader(number: number, identity: identity, byteCount: segmentBytes), 0)
    segments[number] = slab
    return slab
  }

  /// Writes the sectors of a request for which `keeps` is true.
  mutating func write(
    _ request: JournalWriter.Request, _ buffer: Slab, keeps: (Int) -> Bool = { _ in true }
  ) {
    let slab = segment(request.segment)
    func complain(_ text: String) { complaints.append("\(text): \(request)") }
    if request.fileOffset % 4096 != 0 || request.count % 4096 != 0 { complain("not whole blocks") }
    if request.fileOffset < SegmentHeader.blockBytes { complain("over the segment's header") }
    if request.fileOffset + request.count > segmentBytes { complain("past the segment's end") }
    for sector in 0..<(request.count / 512) where keeps(sector) {
      slab.copy(
        from: buffer, at: sector * 512, to: request.fileOffset + sector * 512, count: 512)
    }
  }
}

/// One frame as it was written and where.
struct Written: Equatable {
  var segment: UInt64
  var at: Int
  var events: [Event]
  var tick: Int64

  static func == (left: Written, right: Written) -> Bool {
    left.segment == right.segment && left.at == right.at && left.tick == right.tick
      && left.events.count == right.events.count
      && zip(left.events, right.events).allSatisfy { sameBytes($0, $1) }
  }
}

func sameBytes(_ left: Event, _ right: Event) -> Bool {
  withUnsafeBytes(of: left) { left in withUnsafeBytes(of: right) { left.elementsEqual($0) } }
}

func randomEvent(_ random: inout TestRandom) -> Event {
  Event(
    kind: EventKind.allCases[random.below(EventKind.allCases.count)],
    flags: EventFlags(rawValue: UInt16(truncatingIfNeeded: random.next())),
    hunt: UInt32(truncatingIfNeeded: random.next()), producer: random.next(),
    sequence: random.next(), player: random.next(),
    time: Int64(bitPattern: random.next()), x: Int32(truncatingIfNeeded: random.next()),
    y: Int32(truncatingIfNeeded: random.next()), z: Int32(truncatingIfNeeded: random.next()),
    treasure: UInt32(truncatingIfNeeded: random.next()), value: Int64(bitPattern: random.next()))
}

/// Frame lengths as they occur: mostly short, sometimes a burst, sometimes all there is room for.
func randomCount(_ random: inout TestRandom, room: Int) -> Int {
  let wanted =
    switch random.below(10) {
    case 0...4: 1 + random.below(8)
    case 5...7: 1 + random.below(200)
    case 8: 1 + random.below(6_000)
    default: room
    }
  return min(wanted, room)
}

/// Appends `count` random events and seals them.
func seal(
  _ writer: inout JournalWriter, count: Int, tick: Int64, _ random: inout TestRandom
) -> (request: JournalWriter.Request, written: Written) {
  let tail = writer.tailBytes
  let events = (0..<count).map { _ in randomEvent(&random) }
  for event in events { writer.append(event) }
  let request = writer.seal(tick: tick)
  return (
    request,
    Written(
      segment: request.segment, at: request.fileOffset + tail, events: events, tick: tick)
  )
}

/// Reads every frame of an image until a segment stands in the way; why it ended.
func readAll(_ image: inout Image) -> (
  frames: [Written], end: Journal.FrameReading, position: JournalPosition
) {
  var frames: [Written] = []
  var position = JournalPosition()
  var number: UInt64 = 1
  var at = SegmentHeader.blockBytes
  while true {
    let slab = image.segment(number)
    let reading = JournalFrame.read(
      slab, at: at, byteCount: image.segmentBytes, identity: image.identity, position: position)
    guard case .frame(let header, let hash) = reading else {
      // A segment is left behind when fewer than 65 slots of it are left.
      if reading == .end, at + 65 * 64 > image.segmentBytes {
        number += 1
        at = SegmentHeader.blockBytes
        continue
      }
      return (frames, reading, position)
    }
    let events = (0..<Int(header.count)).map { slab.load(at + 64 + $0 * 64, as: Event.self) }
    frames.append(Written(segment: number, at: at, events: events, tick: header.tick))
    position.offset += UInt64(header.count)
    position.previous = hash
    at += header.frameBytes
  }
}
