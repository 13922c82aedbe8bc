import Bounded
import Events
import Testing
import Testkit

@Test func frameVectors() {
  for vector in Vectors.shared.frames {
    let bytes = vector.bytes
    guard case .frame(let header, let payload) = FrameReader.read(bytes.span.bytes) else {
      Issue.record("\(vector.name): \(FrameReader.read(bytes.span.bytes))")
      continue
    }
    #expect(header.typeByte == vector.type && header.batch == vector.batch, "\(vector.name)")
    #expect(header.count == vector.count && header.length == vector.length, "\(vector.name)")
    #expect(payload == 32..<bytes.count, "\(vector.name)")
    let written = FrameHeader(
      header.type!, batch: vector.batch, count: Int(vector.count),
      payload: bytes.span.bytes.extracting(payload))
    #expect(EventsTests.bytes(of: written) == Array(bytes[..<32]), "\(vector.name)")
  }
}

@Test func invalidFrameVectors() {
  for vector in Vectors.shared.invalidFrames {
    switch FrameReader.read(vector.hex.bytes.span.bytes) {
    case .frame: Issue.record("\(vector.name) was taken")
    case .needMore(let count):
      #expect(vector.reading == "need_more" && count == vector.bytes, "\(vector.name)")
    case .corrupt(let header, let end):
      #expect(vector.reading == "corrupt" && end == vector.end, "\(vector.name)")
      #expect(header.count == vector.count, "\(vector.name)")
    case .fatal(let rejection):
      #expect(vector.reading == "fatal" && rejection == vector.rejection, "\(vector.name)")
    }
  }
}

/// The payloads of the handshake and the answers lie as published.
@Test func payloadVectors() throws {
  let frames = Vectors.shared.frames
  func payload(_ name: String) -> [UInt8] {
    Array(frames.first { $0.name == name }!.bytes[32...])
  }
  let hello = try #require(
    Hello(producer: 77, ack: .durable, rights: 3, hunt: "Zoë", options: Hello.optionAckOnly))
  #expect(bytes(of: hello) == payload("hello"))
  #expect(hello.hunt == "Zoë")
  let welcome = Welcome(
    highSequence: 41, offset: 1000, time: 1_700_000_000_000, hunt: 9, rights: 1)
  #expect(bytes(of: welcome) == payload("welcome"))
  var acknowledgement = Acknowledgement()
  acknowledgement.head = 1010
  acknowledgement.durable = 1005
  (acknowledgement.applied, acknowledgement.duplicate) = (5, 4)
  (acknowledgement.rejected, acknowledgement.late, acknowledgement.shed) = (3, 2, 1)
  acknowledgement.level = AckLevel.durable.rawValue
  #expect(bytes(of: acknowledgement) == payload("acknowledgement"))
  #expect(bytes(of: Refusal(.busy, retryMs: 250, count: 12)) == payload("busy"))
}

/// A stream gives the same frames however it is cut into pieces, and asks for no more than is
/// missing.
@Test func framesDoNotDependOnPieces() {
  let stream = Vectors.shared.frames.flatMap(\.bytes)
  let whole = readAll([stream])
  #expect(whole.count == Vectors.shared.frames.count)
  #expect(
    forAll(cases: 40) { random in
      var pieces: [[UInt8]] = []
      var at = 0
      while at < stream.count {
        let size = min(stream.count - at, 1 + random.below(random.chance(50) ? 64 : 40_000))
        pieces.append(Array(stream[at..<at + size]))
        at += size
      }
      return readAll(pieces) == whole
    })
}

/// Headers and payloads of a stream that comes in pieces.
private func readAll(_ pieces: [[UInt8]]) -> [[UInt8]] {
  var received: [UInt8] = []
  var frames: [[UInt8]] = []
  for piece in pieces {
    received += piece
    var at = 0
    reading: while true {
      switch FrameReader.read(received.span.bytes, from: at) {
      case .frame(let header, let payload):
        frames.append(bytes(of: header) + received[payload])
        at = payload.upperBound
      case .needMore(let count):
        #expect(count >= 1 && received.count - at + count <= FrameReader.byteCountMax)
        break reading
      case .corrupt, .fatal:
        Issue.record("a good stream was refused")
        return frames
      }
    }
    received.removeFirst(at)
  }
  #expect(received.isEmpty)
  return frames
}

/// Any bytes give an answer; a corrupted frame is never taken as another frame than it was.
@Test func frameReadingIsTotal() {
  let frames = Vectors.shared.frames.filter { $0.bytes.count <= 4096 }.map(\.bytes)
  var reached: [String: Int] = [:]
  #expect(
    forAll(cases: 10_000) { random in
      let original = frames[random.below(frames.count)]
      var bytes = original
      for _ in 0..<random.below(3) {
        bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8))
      }
      if random.chance(20) { bytes.removeLast(random.below(bytes.count + 1)) }
      switch FrameReader.read(bytes.span.bytes) {
      case .frame(let header, let payload):
        reached["frame", default: 0] += 1
        return bytes == original && payload.count == Int(header.length)
      case .needMore(let count):
        reached["needMore", default: 0] += 1
        return count > 0
      case .corrupt(let header, let end):
        reached["corrupt", default: 0] += 1
        return end == bytes.count && Int(header.length) == end - 32
      case .fatal(let rejection):
        reached["\(rejection.code)", default: 0] += 1
        return rejection.position < 32
      }
    })
  let wanted = ["frame", "needMore", "corrupt", "malformed", "unsupportedVersion", "corruptFrame"]
  #expect(wanted.allSatisfy { reached[$0] != nil }, "the generator reaches only \(reached)")
}
