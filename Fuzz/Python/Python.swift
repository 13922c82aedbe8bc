import Bounded
import Events
import Glibc

/// The Swift decoders against those of `clients/python`, which were written apart from them: the
/// same bytes are taken or refused, with the same code, field and position, and mean the same.
///
/// The first byte chooses: 0 a frame, 1 a frame whose checksums are set right, 2 an event, 3 a
/// hello.
let python = Parser(
  name: "Python", bytesMax: 512,
  seeds: {
    let event = Event(kind: .claim, sequence: 2, player: 5, treasure: 3)
    let hello = Hello(producer: 7, ack: .durable, rights: 3, hunt: "m\u{e4}rkte")
    var seeds = EventKind.allCases.map { kind in
      Seed(
        "event-\(kind)", mode: 2,
        [UInt8](
          of: Event(
            kind: kind, flags: .wantRank, hunt: 3, producer: 4, sequence: 5, player: 6, time: 7,
            x: -1, y: 2, z: 3, treasure: 1, value: kind == .edge ? 0x1703 : 9 << 31 | 7)))
    }
    let parts: [Int64] = [9 << 32 | 3, 25 << 32, 250, 0, 30, 0, 31 << 44, 0x463 << 44]
    for (form, parts) in zip(1...8 as ClosedRange<Int64>, parts) {
      let order = Event(kind: .edge, x: 1, treasure: 17, value: form << 40 | parts)
      seeds.append(Seed("event-edge-\(form)", mode: 2, [UInt8](of: order)))
    }
    seeds.append(Seed("hello", mode: 3, [UInt8](of: hello)))
    seeds += FrameType.allCases.map { type in
      let isEmpty = type == .ping || type == .pong
      return Seed("frame-\(type)", mode: 1, frame(type, isEmpty ? [] : [[UInt8](of: event)]))
    }
    seeds.append(Seed("two-events", mode: 0, frame(.events, [[UInt8](of: event)])))
    return seeds
  },
  check: { input in
    guard let mode = input.first else { return }
    var bytes = Array(input.dropFirst())
    let ours: String
    switch mode & 3 {
    case 2, 3:
      bytes = Array((bytes + [UInt8](repeating: 0, count: 64)).prefix(64))
      ours = mode & 3 == 2 ? readEvent(bytes) : readHello(bytes)
    default:
      if mode & 3 == 1 { withChecksums(&bytes) }
      ours = readFrame(bytes)
    }
    let theirs = try peer.ask(mode & 3, bytes)
    try require(ours == theirs, "Swift: \(ours)\nPython: \(theirs)")
  })

private func withChecksums(_ bytes: inout [UInt8]) {
  guard bytes.count >= FrameHeader.byteCount else { return }
  var header = bytes.get(0, as: FrameHeader.self)
  let payload = Array(bytes[FrameHeader.byteCount...])
  header.payloadCRC = crc32c(payload.span.bytes)
  header.headerCRC = header.checksum
  bytes.put(header, 0)
}

private func refused(_ rejection: Rejection) -> String {
  "refused \(rejection.code.rawValue) \(rejection.field.rawValue) \(rejection.position)"
}

private func readFrame(_ bytes: [UInt8]) -> String {
  switch FrameReader.read(bytes.span.bytes) {
  case .needMore: "more"
  case .fatal(let rejection): refused(rejection)
  case .corrupt(let header, let end):
    "frame \(header.typeByte) \(header.batch) \(header.count) \(end) damaged"
  case .frame(let header, let payload):
    "frame \(header.typeByte) \(header.batch) \(header.count) \(payload.upperBound) whole"
  }
}

private func readEvent(_ bytes: [UInt8]) -> String {
  let event = bytes.span.bytes.load(0, as: Event.self)
  do throws(Rejection) { try event.validate() } catch { return refused(error) }
  var json = JSONWriter(capacity: 256)
  json.event(event)
  return "event \(event.kindByte) \(event.flags.rawValue) \(event.hunt) \(event.producer)"
    + " \(event.sequence) \(event.player) \(event.time) \(event.x) \(event.y) \(event.z)"
    + " \(event.treasure) \(event.value) " + String(decoding: json.bytes, as: UTF8.self)
}

private func readHello(_ bytes: [UInt8]) -> String {
  let hello = bytes.span.bytes.load(0, as: Hello.self)
  do throws(Rejection) { try hello.validate() } catch { return refused(error) }
  let name = (hello.hunt ?? "").utf8.map { String($0) }.joined(separator: ",")
  return "hello \(hello.producer) \(hello.ack) \(hello.rights) \(hello.options) \(name)"
}

nonisolated(unsafe) private let peer = PythonPeer()

/// A Python process that decodes what it is sent: a byte for what, a byte for how many bytes, low
/// and high, and the bytes; it answers with one line each.
private final class PythonPeer {
  private let requests: Int32
  private let answers: UnsafeMutablePointer<FILE>?

  init() {
    let script = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    var downward: [Int32] = [0, 0]
    var upward: [Int32] = [0, 0]
    guard pipe(&downward) == 0, pipe(&upward) == 0 else { preconditionFailure("pipe: \(errno)") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, downward[0], 0)
    posix_spawn_file_actions_adddup2(&actions, upward[1], 1)
    for end in downward + upward { posix_spawn_file_actions_addclose(&actions, end) }
    var arguments: [UnsafeMutablePointer<CChar>?] = [
      strdup("python3"), strdup("/\(script)/peer.py"), nil,
    ]
    defer { for argument in arguments { free(argument) } }
    var child = pid_t()
    let failed = posix_spawnp(&child, "python3", &actions, nil, &arguments, environ)
    precondition(failed == 0, "python3 cannot be started: \(failed)")
    close(downward[0])
    close(upward[1])
    // The child ends when our ends of the pipes close, at the latest with this process.
    requests = downward[1]
    answers = fdopen(upward[0], "r")
  }

  func ask(_ what: UInt8, _ bytes: [UInt8]) throws -> String {
    let request = [what, UInt8(bytes.count & 255), UInt8(bytes.count >> 8)] + bytes
    guard write(requests, request, request.count) == request.count else {
      throw Broken("the Python process takes nothing: \(errno)")
    }
    var line: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { free(line) }
    var count = getline(&line, &room, answers)
    // libFuzzer looks at the clock by a signal.
    while count < 0, errno == EINTR {
      clearerr(answers)
      count = getline(&line, &room, answers)
    }
    guard count > 0, let line else { throw Broken("the Python process has ended") }
    return String(decoding: UnsafeRawBufferPointer(start: line, count: count - 1), as: UTF8.self)
  }
}
