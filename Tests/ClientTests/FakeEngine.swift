import Bounded
import CSystem
import Client
import Events
import Foundation
import Net

/// Answers the stream protocol and the few HTTP questions of a load run, well or with a fault of
/// choice. It knows no hunt: an event is new, seen before, or invalid.
final class FakeEngine: StreamApplication, HTTPApplication, @unchecked Sendable {
  struct Behaviour: Sendable {
    /// Batches that are never answered.
    var silentBatches: Set<UInt64> = []
    /// Batches that are answered busy, and counted as shed.
    var busyBatches: Set<UInt64> = []
    /// Batches whose outcomes say less than their acknowledgement.
    var shortBatches: Set<UInt64> = []
    /// Before this batch the engine does nothing for a while.
    var stallsBefore: UInt64 = .max
    var stallMs: UInt32 = 0
    /// Closes the connection instead of answering this batch.
    var closesAt: UInt64 = .max
    /// Events that the books show beyond those received.
    var bookError: UInt64 = 0
    var worldDigest = sharedWorld.digest.hex
    var highSequence: UInt64 = 0
  }

  private struct Producer {
    var number: UInt64
    var isAckOnly: Bool
    var seen: Set<UInt64> = []
    var row = [UInt64](repeating: 0, count: 5)
  }

  let behaviour: Behaviour
  private(set) var httpPort: UInt16 = 0
  private(set) var streamPort: UInt16 = 0
  private var loop: Loop!
  private var producers: [ConnectionID: Producer] = [:]
  private var settled: [Producer] = []
  private let frame = Slab(byteCount: FrameReader.byteCountMax)
  private let ended = DispatchSemaphore(value: 0)
  private var waker: Waker!

  init(_ behaviour: Behaviour = Behaviour()) {
    self.behaviour = behaviour
    let started = DispatchSemaphore(value: 0)
    let thread = Thread { [self] in
      do throws(NetFault) {
        loop = try Loop()
        waker = loop.waker
        httpPort = try loop.listenHTTP(host: "127.0.0.1", port: 0, application: self)
        streamPort = try loop.listenStream(host: "127.0.0.1", port: 0, application: self)
      } catch { fatalError("\(error)") }
      started.signal()
      loop.run()
      loop = nil
      ended.signal()
    }
    thread.start()
    started.wait()
  }

  func stop() {
    waker.stop()
    ended.wait()
  }

  // MARK: streams

  func opened(_ connection: ConnectionID) {}

  func closed(_ connection: ConnectionID) {
    if let producer = producers.removeValue(forKey: connection) { settled.append(producer) }
  }

  func received(_ connection: ConnectionID, _ bytes: RawSpan) -> Int {
    var at = 0
    while at < bytes.byteCount {
      switch FrameReader.read(bytes, from: at) {
      case .needMore: return at
      case .fatal(let rejection): fatalError("\(rejection)")
      case .corrupt(let header, let end):
        producers[connection]?.row[Int(Disposition.rejected.rawValue)] += UInt64(header.count)
        send(
          connection, .fault, header.batch,
          Refusal(.corruptFrame, position: 24, count: Int(header.count)))
        at = end
      case .frame(let header, let payload):
        if header.type == .hello {
          greet(connection, bytes.extracting(payload).load(0, as: Hello.self))
        } else {
          judge(connection, header, bytes.extracting(payload))
        }
        at = payload.upperBound
      }
    }
    return at
  }

  private func greet(_ connection: ConnectionID, _ hello: Hello) {
    if hello.hunt != "load" {
      send(connection, .fault, 0, Refusal(.wrongHunt, field: .hunt, closing: true))
      return loop.close(connection)
    }
    producers[connection] = Producer(
      number: hello.producer, isAckOnly: hello.options & Hello.optionAckOnly != 0)
    send(
      connection, .welcome, 0,
      Welcome(
        highSequence: behaviour.highSequence, offset: 0, time: 0, hunt: 1, rights: hello.rights))
  }

  private func judge(_ connection: ConnectionID, _ header: FrameHeader, _ payload: RawSpan) {
    guard var producer = producers[connection] else { return }
    let count = Int(header.count)
    if header.batch == behaviour.stallsBefore { usleep(behaviour.stallMs * 1_000) }
    if header.batch == behaviour.closesAt { return loop.close(connection) }
    if behaviour.busyBatches.contains(header.batch) {
      producer.row[Int(Disposition.shed.rawValue)] += UInt64(count)
      producers[connection] = producer
      return send(
        connection, .busy, header.batch, Refusal(.busy, retryMs: 100, count: count))
    }
    var answer = Acknowledgement()
    answer.level = AckLevel.durable.rawValue
    for at in 0..<count {
      let event = payload.load(at * 64, as: Event.self)
      let disposition: Disposition =
        !isValid(event)
        ? .rejected : producer.seen.insert(event.sequence).inserted ? .applied : .duplicate
      producer.row[Int(disposition.rawValue)] += 1
      answer.count(disposition)
      frame.store(
        Outcome(of: event, disposition: disposition), FrameHeader.byteCount + at * 64)
    }
    producers[connection] = producer
    if behaviour.silentBatches.contains(header.batch) { return }
    if behaviour.shortBatches.contains(header.batch) {
      frame.update(FrameHeader.byteCount, as: Outcome.self) {
        $0.dispositionRaw = Disposition.duplicate.rawValue
      }
    }
    if !producer.isAckOnly { sendFrame(connection, .outcomes, header.batch, count) }
    send(connection, .acknowledgement, header.batch, answer)
  }

  private func send<Payload: BitwiseCopyable>(
    _ connection: ConnectionID, _ type: FrameType, _ batch: UInt64, _ payload: Payload
  ) {
    frame.store(payload, FrameHeader.byteCount)
    sendFrame(connection, type, batch, 1)
  }

  private func sendFrame(
    _ connection: ConnectionID, _ type: FrameType, _ batch: UInt64, _ count: Int
  ) {
    let header = frame.withBytes(FrameHeader.byteCount, count: count * 64) { payload in
      FrameHeader(type, batch: batch, count: count, payload: payload)
    }
    frame.store(header, 0)
    _ = frame.withBytes(0, count: FrameHeader.byteCount + count * 64) { loop.send(connection, $0) }
  }

  // MARK: HTTP

  func request(_ request: borrowing HTTPRequest, _ body: RawSpan, _ connection: ConnectionID) {
    switch request.path {
    case "/v1/hunts/load":
      answer(
        connection,
        #"{"offset":1,"hunt":{"name":"load","digest":"00ff","digest_events":5,"world":{"digest":""#
          + behaviour.worldDigest + #""}}}"#)
    case "/v1/hunts/load/books": answer(connection, books)
    case "/metrics":
      answer(
        connection,
        """
        # TYPE veltrix_process_cpu_seconds_total counter
        veltrix_process_cpu_seconds_total 1.25
        veltrix_process_resident_bytes 1048576
        veltrix_process_context_switches_total 77

        """)
    case "/v1/hunts":
      loop.respond(
        connection, status: 409,
        body: Array(#"{"error":{"code":"name_taken","message":"the name is taken"}}"#.utf8))
    default:
      loop.respond(
        connection, status: 404,
        body: Array(#"{"error":{"code":"unknown_hunt","message":"there is no such hunt"}}"#.utf8))
    }
  }

  private func answer(_ connection: ConnectionID, _ text: String) {
    loop.respond(connection, status: 200, body: Array(text.utf8))
  }

  private var books: String {
    let words = ["applied", "duplicate", "rejected", "late", "shed"]
    func row(_ counts: [UInt64]) -> String {
      var counts = counts
      if counts.reduce(0, +) > 0 { counts[0] += behaviour.bookError }
      let fields = zip(words, counts).map { "\"\($0)\":\($1)" }.joined(separator: ",")
      return "\"received\":\(counts.reduce(0, +)),\(fields),\"balanced\":true"
    }
    let all = Array(producers.values) + settled
    let sum = all.reduce([0, 0, 0, 0, 0]) { sum, one in zip(sum, one.row).map { $0 + $1 } }
    let rows = all.map { "{\"producer\":\($0.number),\(row($0.row))}" }.joined(separator: ",")
    return "{\"offset\":1,\"books\":{\(row(sum))},\"producers\":[\(rows)]}"
  }
}
