public import Bounded
import CSystem
public import Events
public import Net

/// Hears what the engine answers on a `StreamSession`, on the loop's thread.
public protocol StreamAudience: AnyObject {
  /// The engine knows us; events may be sent from now on.
  func welcomed(_ session: StreamSession, _ welcome: Welcome)
  /// The outcomes of a batch, 64 bytes each, in the order of its events; lent for this call.
  func judged(_ session: StreamSession, batch: UInt64, _ outcomes: RawSpan)
  /// The batch is as safe as was asked.
  func acknowledged(_ session: StreamSession, batch: UInt64, _ answer: Acknowledgement)
  /// The batch was not taken: for load (`isBusy`) or for its content.
  func refused(_ session: StreamSession, batch: UInt64, _ refusal: Refusal, isBusy: Bool)
  /// The connection is gone; nothing more is heard of it.
  func ended(_ session: StreamSession, _ end: StreamEnd)
}

/// Why a connection of the stream protocol is gone.
public enum StreamEnd: Error, Equatable, Sendable, CustomStringConvertible {
  /// Nobody listens there.
  case notConnected(host: String, port: UInt16)
  /// The engine said why, and closed.
  case refused(ResultCode?, EventField?)
  /// The engine sent what is no frame of the protocol.
  case badFrame(Rejection)
  /// Closed without a word, by the engine or by the kernel.
  case closed
  /// Closed by us.
  case left

  public var description: String {
    switch self {
    case .notConnected(let host, let port): "nothing accepts connections on \(host):\(port)"
    case .refused(.wrongHunt?, _): "the engine has no hunt of this name"
    case .refused(let code, let field):
      "refused by the engine: \(code?.word ?? "unknown reason")"
        + (field.map { $0 == .none ? "" : ", field \($0.word)" } ?? "")
    case .badFrame(let rejection):
      "the engine sent a bad frame: \(rejection.code.word) at byte \(rejection.position)"
    case .closed: "closed by the engine"
    case .left: "closed"
    }
  }
}

/// One connection of the stream protocol: says hello, sends batches, hands answers to its audience.
///
/// The audience owns the session and outlives it. Frames are read where they were received; nothing
/// is allocated for a batch.
public final class StreamSession: StreamApplication {
  public enum Phase: Equatable, Sendable {
    /// The connection or the welcome is under way.
    case greeting
    case ready
    case ended(StreamEnd)
  }

  /// The owner's number for the session.
  public let number: Int
  public let producer: UInt64
  public private(set) var phase = Phase.greeting
  /// When the bytes that are being handed over were received, ns of the monotonic clock.
  public private(set) var receivedNs: Int64 = 0

  private let loop: Loop
  private let hello: Hello
  private let host: String
  private let port: UInt16
  private unowned let audience: any StreamAudience
  private var connection: ConnectionID?
  private var isOpened = false
  private var lastFault: Refusal?

  /// Connects to the engine's stream port on `host` (loopback) and says `hello`.
  public init(
    loop: Loop, host: String, port: UInt16, hello: Hello, number: Int = 0,
    audience: any StreamAudience
  ) throws(NetFault) {
    self.loop = loop
    self.hello = hello
    self.host = host
    self.port = port
    self.number = number
    self.audience = audience
    producer = hello.producer
    do throws(NetFault) {
      connection = try loop.connectStream(host: host, port: port, application: self)
    } catch {
      guard case .system("connect", _, _) = error else { throw error }
      phase = .ended(.notConnected(host: host, port: port))
    }
  }

  /// Bytes sent and not yet taken by the kernel.
  public var pendingBytes: Int { connection.map(loop.pendingBytes) ?? 0 }

  /// Queues the frame whose `count` events lie in `frame` behind `FrameHeader.byteCount` free
  /// bytes.
  ///
  /// - Parameters:
  ///   - batch: Repeated by the answers; not 0, which the engine uses for itself.
  ///   - corrupting: Breaks the checksum of the payload, to see it refused.
  /// - Returns: false when the connection takes nothing now: it is not ready, or 8 MiB wait
  ///   already.
  public func send(
    _ frame: Slab, count: Int, batch: UInt64, corrupting: Bool = false
  ) -> Bool {
    guard phase == .ready, let connection else { return false }
    let payload = FrameHeader.byteCount..<FrameHeader.byteCount + count * Event.byteCount
    var header = frame.withBytes(payload.lowerBound, count: payload.count) { bytes in
      FrameHeader(.events, batch: batch, count: count, payload: bytes)
    }
    if corrupting {
      header.payloadCRC ^= 0x0001_0000
      header.headerCRC = header.checksum
    }
    frame.store(header, 0)
    return frame.withBytes(0, count: payload.upperBound) { loop.send(connection, $0) }
  }

  /// Ends the connection once everything queued has left.
  public func close() {
    guard let connection else { return }
    self.connection = nil
    loop.close(connection)
    finish(.left)
  }

  // MARK: what the loop tells

  public func opened(_ connection: ConnectionID) {
    isOpened = true
    let frame = Slab(byteCount: FrameHeader.byteCount + 64)
    frame.store(hello, FrameHeader.byteCount)
    let header = frame.withBytes(FrameHeader.byteCount, count: 64) { payload in
      FrameHeader(.hello, batch: 0, count: 1, payload: payload)
    }
    frame.store(header, 0)
    let isSent = frame.withBytes(0, count: FrameHeader.byteCount + 64) {
      loop.send(connection, $0)
    }
    precondition(isSent, "a fresh connection has room for a hello")
  }

  public func closed(_ connection: ConnectionID) {
    guard connection == self.connection else { return }
    self.connection = nil
    if let fault = lastFault {
      finish(.refused(ResultCode(rawValue: fault.result), EventField(rawValue: fault.field)))
    } else {
      finish(isOpened ? .closed : .notConnected(host: host, port: port))
    }
  }

  private func finish(_ end: StreamEnd) {
    if case .ended = phase { return }
    phase = .ended(end)
    audience.ended(self, end)
  }

  public func received(_ connection: ConnectionID, _ bytes: RawSpan) -> Int {
    receivedNs = vx_monotonic_ns()
    var at = 0
    while at < bytes.byteCount {
      switch FrameReader.read(bytes, from: at) {
      case .needMore: return at
      case .fatal(let rejection):
        end(badFrame: rejection)
        return bytes.byteCount
      case .corrupt(let header, _):
        end(badFrame: Rejection(.corruptFrame, position: Int(header.length)))
        return bytes.byteCount
      case .frame(let header, let payload):
        take(header, bytes.extracting(payload))
        at = payload.upperBound
      }
      // The audience may have closed us.
      if self.connection == nil { return bytes.byteCount }
    }
    return at
  }

  private func take(_ header: FrameHeader, _ payload: RawSpan) {
    switch header.type {
    case .outcomes:
      audience.judged(self, batch: header.batch, payload)
    case .acknowledgement:
      audience.acknowledged(self, batch: header.batch, payload.load(0, as: Acknowledgement.self))
    case .welcome:
      phase = .ready
      audience.welcomed(self, payload.load(0, as: Welcome.self))
    case .busy:
      audience.refused(
        self, batch: header.batch, payload.load(0, as: Refusal.self), isBusy: true)
    case .fault:
      let refusal = payload.load(0, as: Refusal.self)
      if refusal.closing != 0 || header.batch == 0 {
        lastFault = refusal
      } else {
        audience.refused(self, batch: header.batch, refusal, isBusy: false)
      }
    case .pong: break
    case .hello, .events, .ping, nil:
      end(badFrame: Rejection(.unknownKind, .kind, position: 5))
    }
  }

  private func end(badFrame rejection: Rejection) {
    guard let connection else { return }
    self.connection = nil
    loop.drop(connection)
    finish(.badFrame(rejection))
  }
}
