import Authoring
import Bounded
package import Engine
import Events
import Machine
package import Net
import Partitions

/// The binary stream protocol on top of `Net`: hello, batches in, outcomes and acknowledgements
/// out.
///
/// Frames of one connection reach their partition in order. A connection whose hunt's queue is full
/// is not read until there is room; after `waitMs` of that its frame is answered `busy` and counted
/// as shed, so a sender always hears.
package final class StreamGateway: StreamApplication {
  /// Longest that a frame waits for room before it is shed, ms.
  static let waitMs: Int64 = 100

  private struct Session {
    let entry: HuntEntry
    let producer: UInt64
    let ack: AckLevel
    let rights: UInt8
    let isAckOnly: Bool
    /// Since when a frame waits for room, ns; 0 when none does.
    var waitingSinceNs: Int64 = 0
    /// The waiting frame is to be shed.
    var sheds = false
    /// Events shed that the partition has not been told of.
    var untoldShed: UInt32 = 0
    /// Whether the connection is among the waiting.
    var isWaiting = false
  }

  private let loop: any StreamCarrier
  private let engine: Engine
  let port: GatewayPort
  private let latencies: Latencies
  private var sessions: [ConnectionID: Session] = [:]
  /// Connections that wait for room, or whose shed events are untold, the first of them first; it
  /// may name some that are closed.
  private var waiting: [ConnectionID] = []
  private let frame = Slab(byteCount: FrameReader.byteCountMax)

  /// A gateway whose latencies nobody reads.
  package convenience init(carrier: any StreamCarrier, engine: Engine, port: GatewayPort) {
    self.init(loop: carrier, engine: engine, port: port, latencies: Latencies())
  }

  init(loop: any StreamCarrier, engine: Engine, port: GatewayPort, latencies: Latencies) {
    self.loop = loop
    self.engine = engine
    self.port = port
    self.latencies = latencies
  }

  package func opened(_ connection: ConnectionID) {}

  package func closed(_ connection: ConnectionID) {
    if let session = sessions.removeValue(forKey: connection), session.untoldShed > 0 {
      _ = tellShed(session, session.untoldShed)
    }
  }

  // MARK: In

  package func received(_ connection: ConnectionID, _ bytes: RawSpan) -> Int {
    var at = 0
    let now = ThisMachine.monotonicNs
    while at < bytes.byteCount {
      switch FrameReader.read(bytes, from: at) {
      case .needMore:
        return at
      case .fatal(let rejection):
        refuse(connection, rejection, isClosing: true)
        return bytes.byteCount
      case .corrupt(let header, let end):
        guard takeCorrupt(connection, header, now) else { return at }
        at = end
      case .frame(let header, let payload):
        guard take(connection, header, bytes.extracting(payload), now) else {
          return at
        }
        at = payload.upperBound
      }
    }
    return at
  }

  /// Takes one whole frame; false when it has to wait for room.
  private func take(
    _ connection: ConnectionID, _ header: FrameHeader, _ payload: RawSpan, _ now: Int64
  ) -> Bool {
    switch header.type {
    case .hello:
      greet(connection, payload.load(0, as: Hello.self), header)
      return true
    case .events:
      guard var session = sessions[connection] else {
        refuse(connection, Rejection(.missingField, .producer, position: 0), isClosing: true)
        return true
      }
      if header.count == 0 { return true }
      var batch = batch(.submit, session, connection, header, now)
      if session.isAckOnly { batch.flags.insert(.ackOnly) }
      if !session.sheds && port.send(batch, payload, thread: session.entry.thread) {
        session.waitingSinceNs = 0
        sessions[connection] = session
        return true
      }
      return waitOrShed(connection, &session, header, now)
    case .ping:
      sendFrame(connection, .pong, batch: header.batch, count: 0, byteCount: 0)
      return true
    default:
      refuse(connection, Rejection(.unknownKind, .kind, position: 5), isClosing: true)
      return true
    }
  }

  private func batch(
    _ kind: BatchKind, _ session: Session, _ connection: ConnectionID, _ header: FrameHeader,
    _ now: Int64
  ) -> Batch {
    var batch = Batch(kind)
    batch.ack = session.ack
    batch.flags = .oneProducer
    if session.rights & Hello.rightOperate != 0 { batch.flags.insert(.operate) }
    batch.slot = session.entry.slot
    batch.connection = connection.token
    batch.batch = header.batch
    batch.producer = session.producer
    batch.count = header.count
    batch.stampNs = now
    return batch
  }

  /// A frame whose payload is damaged: its events are counted as rejected; the connection lives on.
  private func takeCorrupt(
    _ connection: ConnectionID, _ header: FrameHeader, _ now: Int64
  ) -> Bool {
    guard let session = sessions[connection], header.type == .events else {
      refuse(connection, Rejection(.corruptFrame, position: 24), isClosing: true)
      return true
    }
    var empty = batch(.rejectAll, session, connection, header, now)
    // The fault is the whole answer: an acknowledgement of this batch too would settle the events
    // for a sender that asked for acknowledgements only, and they would be lost.
    empty.ack = .applied
    empty.connection = .max
    guard port.sendCount(empty, thread: session.entry.thread) else {
      wait(connection, now)
      return false
    }
    let refusal = Refusal(.corruptFrame, position: 24, count: Int(header.count))
    send(connection, .fault, batch: header.batch, refusal)
    return true
  }

  private func greet(_ connection: ConnectionID, _ hello: Hello, _ header: FrameHeader) {
    do throws(Rejection) {
      try hello.validate()
    } catch {
      var rejection = error
      rejection.position += UInt32(FrameHeader.byteCount)
      return refuse(connection, rejection, isClosing: true)
    }
    guard let ack = AckLevel(rawValue: hello.ack), let name = hello.hunt,
      let entry = engine.hunt(named: name)
    else {
      return refuse(connection, Rejection(.wrongHunt, .hunt, position: 48), isClosing: true)
    }
    guard sessions[connection] == nil else {
      return refuse(connection, Rejection(.repeatedField, .producer, position: 0), isClosing: true)
    }
    var rights = hello.rights & (Hello.rightIngest | Hello.rightOperate)
    if !engine.settings.operateFromLoopback { rights &= ~Hello.rightOperate }
    sessions[connection] = Session(
      entry: entry, producer: hello.producer, ack: ack, rights: rights | Hello.rightIngest,
      isAckOnly: hello.options & Hello.optionAckOnly != 0)
    engine.ask(
      entry, .welcome(producer: hello.producer, rights: rights | Hello.rightIngest),
      QueryTicket(port: port, connection: connection.token, tag: header.batch))
  }

  // MARK: Waiting for room

  private func wait(_ connection: ConnectionID, _ now: Int64) {
    if sessions[connection]?.waitingSinceNs == 0 { sessions[connection]?.waitingSinceNs = now }
    enlist(connection)
    loop.pauseReading(connection)
  }

  private func enlist(_ connection: ConnectionID) {
    guard sessions[connection]?.isWaiting == false else { return }
    sessions[connection]?.isWaiting = true
    waiting.append(connection)
  }

  /// Leaves the frame for later, or sheds it when it has waited too long.
  private func waitOrShed(
    _ connection: ConnectionID, _ session: inout Session, _ header: FrameHeader, _ now: Int64
  ) -> Bool {
    if !session.sheds {
      wait(connection, now)
      return false
    }
    session.sheds = false
    session.waitingSinceNs = 0
    session.untoldShed += header.count
    sessions[connection] = session
    enlist(connection)
    let refusal = Refusal(.busy, retryMs: UInt32(Self.waitMs), count: Int(header.count))
    send(connection, .busy, batch: header.batch, refusal)
    return true
  }

  /// Counts shed events in the hunt's books as soon as there is room for a line.
  private func tellShed(_ session: Session, _ count: UInt32) -> Bool {
    var batch = Batch(.shedAll)
    batch.ack = .applied
    batch.slot = session.entry.slot
    batch.connection = .max  // nobody waits for the reply
    batch.producer = session.producer
    batch.count = count
    return port.sendCount(batch, thread: session.entry.thread)
  }

  private func lookAtWaiting() {
    let count = waiting.count
    if count == 0 { return }
    let now = ThisMachine.monotonicNs
    for at in 0..<count {
      let connection = waiting[at]
      guard var session = sessions[connection] else { continue }
      session.isWaiting = false
      if session.untoldShed > 0, tellShed(session, session.untoldShed) { session.untoldShed = 0 }
      if session.waitingSinceNs > 0 && now - session.waitingSinceNs > Self.waitMs * 1_000_000 {
        session.sheds = true
      }
      sessions[connection] = session
      if session.untoldShed > 0 { enlist(connection) }
      // What it reads may have to wait again, behind all others.
      loop.resumeReading(connection)
    }
    waiting.removeFirst(count)
  }

  // MARK: Out

  package func woken() {
    let now = ThisMachine.monotonicNs
    while port.receive(limit: 4_096, { reply, lines in sendReply(reply, lines, now) }) {}
    for answer in port.takeAnswers() where answer.body.count == 64 {
      let connection = ConnectionID(token: answer.connection)
      frame.copy(from: answer.body.span, to: FrameHeader.byteCount)
      sendFrame(connection, .welcome, batch: answer.tag, count: 1, byteCount: 64)
    }
    lookAtWaiting()
  }

  package func tick(nowNs: Int64) { lookAtWaiting() }

  /// Partitions hear once of all that was read.
  package func passed() { port.flush() }

  private func sendReply(_ reply: Reply, _ lines: LineRun, _ now: Int64) {
    if reply.connection == .max { return }
    let connection = ConnectionID(token: reply.connection)
    latencies.record(ns: now - reply.stampNs, nowNs: now)
    if lines.count > 0 {
      lines.copy(to: frame, at: FrameHeader.byteCount)
      sendFrame(
        connection, .outcomes, batch: reply.batch, count: lines.count,
        byteCount: lines.count * 64)
    }
    var acknowledgement = Acknowledgement()
    acknowledgement.head = reply.offset
    acknowledgement.durable = reply.ack == .durable ? reply.offset : 0
    acknowledgement.applied = reply.applied
    acknowledgement.duplicate = reply.duplicate
    acknowledgement.rejected = reply.rejected
    acknowledgement.late = reply.late
    acknowledgement.shed = reply.shed
    acknowledgement.level = reply.ack.rawValue
    send(connection, .acknowledgement, batch: reply.batch, acknowledgement)
  }

  private func refuse(_ connection: ConnectionID, _ rejection: Rejection, isClosing: Bool) {
    let refusal = Refusal(
      rejection.code, field: rejection.field, closing: isClosing,
      position: Int(rejection.position))
    send(connection, .fault, batch: 0, refusal)
    if isClosing { loop.close(connection) }
  }

  private func send<Payload: BitwiseCopyable>(
    _ connection: ConnectionID, _ type: FrameType, batch: UInt64, _ payload: Payload
  ) {
    frame.store(payload, FrameHeader.byteCount)
    sendFrame(connection, type, batch: batch, count: 1, byteCount: 64)
  }

  /// Sends the frame whose payload lies in `frame` behind the place of its header. A peer that
  /// reads nothing until its buffer is full is dropped: it resends what was not acknowledged.
  private func sendFrame(
    _ connection: ConnectionID, _ type: FrameType, batch: UInt64, count: Int, byteCount: Int
  ) {
    let header = frame.withBytes(FrameHeader.byteCount, count: byteCount) { payload in
      FrameHeader(type, batch: batch, count: count, payload: payload)
    }
    frame.store(header, 0)
    let isSent = frame.withBytes(0, count: FrameHeader.byteCount + byteCount) { bytes in
      loop.send(connection, bytes)
    }
    if !isSent { loop.drop(connection) }
  }
}
