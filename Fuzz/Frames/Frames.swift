import Bounded
import Events

/// The binary stream: frames, and the payloads that the engine and its clients read.
///
/// The first byte chooses: bit 0 whether checksums are set right first, so that what lies behind
/// them is reached; bit 1 where the stream is cut in two pieces.
let frames = Parser(
  name: "Frames", bytesMax: 4_096,
  seeds: {
    let hello = Hello(producer: 7, ack: .durable, rights: 3, hunt: "market")
    let events = [
      Event(kind: .join, sequence: 1, player: 5, x: 1, y: 2),
      Event(kind: .claim, flags: .wantRank, sequence: 2, player: 5, treasure: 3),
    ]
    let outcomes = events.map { Outcome(of: $0) }
    var all: [UInt8] = []
    var seeds = FrameType.allCases.map { type in
      let items: [[UInt8]] =
        switch type {
        case .hello: [[UInt8](of: hello)]
        case .events: events.map { [UInt8](of: $0) }
        case .outcomes: outcomes.map { [UInt8](of: $0) }
        case .welcome:
          [[UInt8](of: Welcome(highSequence: 9, offset: 8, time: 7, hunt: 1, rights: 3))]
        case .acknowledgement: [[UInt8](of: Acknowledgement())]
        case .busy, .fault: [[UInt8](of: Refusal(.busy, retryMs: 100, count: 2))]
        case .ping, .pong: []
        }
      let bytes = frame(type, items)
      all += bytes
      return Seed("\(type)", mode: 1, bytes)
    }
    seeds.append(Seed("all-in-pieces", mode: 3, all))
    seeds.append(Seed("damaged-payload", mode: 0, frame(.events, events.map { [UInt8](of: $0) })))
    seeds[seeds.count - 1] = Seed(
      "damaged-payload", Array(seeds[seeds.count - 1].bytes.dropLast()) + [99])
    seeds.append(Seed("cut", Array(seeds[0].bytes.dropLast(9))))
    return seeds
  },
  check: { input in
    guard let mode = input.first else { return }
    var stream = Array(input.dropFirst())
    if mode & 1 != 0 { repairFrames(&stream) }
    let whole = try read(stream)
    if mode & 2 == 0 { return }
    // Read in two pieces, a stream is what it is in one.
    let cut = stream.isEmpty ? 0 : Int(mode >> 2) * stream.count / 64
    let head = try read(Array(stream[..<cut]))
    if head.isOver {
      try require(
        whole.isOver && whole.frames == head.frames, "a piece is refused for another fault")
    } else {
      let tail = try read(Array(stream[head.end...]))
      try require(head.frames + tail.frames == whole.frames, "frames depend on the pieces")
    }
  })

/// A frame of items of 64 bytes.
func frame(_ type: FrameType, batch: UInt64 = 1, _ items: [[UInt8]]) -> [UInt8] {
  let payload = items.flatMap { $0 }
  let header = FrameHeader(type, batch: batch, count: items.count, payload: payload.span.bytes)
  return [UInt8](of: header) + payload
}

/// Sets magic, version and checksums of the frames in a stream right.
private func repairFrames(_ stream: inout [UInt8]) {
  var at = 0
  while at + FrameHeader.byteCount <= stream.count {
    var header = stream.get(at, as: FrameHeader.self)
    header.magic = FrameHeader.magicValue
    header.version = 1
    let start = at + FrameHeader.byteCount
    let end = min(stream.count, start + Int(min(header.length, UInt32(FrameHeader.lengthMax))))
    // One frame in eight keeps the payload's checksum that it has, which is hardly ever right.
    if header.batch & 7 != 7 { header.payloadCRC = crc32c(stream[start..<end].span.bytes) }
    header.headerCRC = header.checksum
    stream.put(header, at)
    at = end
  }
}

/// What a stream holds: a line for each frame, where reading ended, and whether it ended for good.
private func read(_ stream: [UInt8]) throws -> (frames: [String], end: Int, isOver: Bool) {
  let bytes = stream.span.bytes
  var frames: [String] = []
  var at = 0
  while at < stream.count {
    switch FrameReader.read(bytes, from: at) {
    case .needMore(let count):
      let whole = stream.count - at + count
      try require(count > 0 && whole <= FrameReader.byteCountMax, "\(count) more bytes at \(at)")
      return (frames, at, false)
    case .fatal(let rejection):
      let position = Int(rejection.position)
      try require(
        position < FrameHeader.byteCount && at + position < stream.count,
        "position \(position) at \(at)")
      return (frames + ["\(rejection)"], at, true)
    case .corrupt(let header, let end):
      try require(end > at && end <= stream.count, "ends at \(end)")
      frames.append("corrupt \(header)")
      at = end
    case .frame(let header, let payload):
      try require(
        payload.lowerBound == at + FrameHeader.byteCount && payload.upperBound <= stream.count
          && payload.count == Int(header.length), "payload \(payload) at \(at)")
      try readPayload(header, bytes.extracting(payload))
      frames.append("\(header)")
      at = payload.upperBound
    }
  }
  return (frames, at, false)
}

/// A whole frame is one that the writer would have written, and so is what it holds.
private func readPayload(_ header: FrameHeader, _ payload: RawSpan) throws {
  guard let type = header.type else { throw Broken("a frame of type \(header.typeByte)") }
  let again = FrameHeader(
    type, batch: header.batch, count: Int(header.count), payload: payload)
  try require(again == header, "written again: \(again)")
  switch type {
  case .hello:
    let hello = payload.load(0, as: Hello.self)
    do throws(Rejection) { try hello.validate() } catch {
      return try require(error.position < 64, "\(error)")
    }
    guard let name = hello.hunt, let ack = AckLevel(rawValue: hello.ack) else {
      throw Broken("a valid hello without hunt or acknowledgement")
    }
    let copy = Hello(
      producer: hello.producer, ack: ack, rights: hello.rights, hunt: name,
      options: hello.options)
    try require(copy.map { [UInt8](of: $0) } == [UInt8](of: hello), "hello of \(name)")
  case .outcomes:
    for at in 0..<Int(header.count) {
      var json = JSONWriter(capacity: OutcomeWriter.byteCountMax)
      OutcomeWriter.append(payload.load(at * 64, as: Outcome.self), to: &json)
      try require(json.bytes.count <= OutcomeWriter.byteCountMax, "\(json.bytes.count) bytes")
      do throws(Rejection) { try JSONReader.check(json.bytes.span.bytes) } catch {
        throw Broken("\(error): \(String(decoding: json.bytes, as: UTF8.self))")
      }
    }
  default: break
  }
}
