public import Events

/// What a gateway asks of a partition: one line, followed by `count` events and `nameCount` names
/// of two lines each, or by nothing.
///
/// In memory only, 64 bytes; never on the wire or on disk.
@frozen public struct Batch: BitwiseCopyable, Sendable {
  public var kind: BatchKind
  /// Which gateway thread asks; the reply goes back there.
  public var gateway: UInt8 = 0
  public var ack: AckLevel = .durable
  public var flags: BatchFlags = []
  /// The partition's slot on its thread.
  public var slot: UInt32 = 0
  /// The gateway's own number for who asked.
  public var connection: UInt64 = 0
  /// The sender's number for the batch, repeated in the reply.
  public var batch: UInt64 = 0
  /// Producer of events that name none.
  public var producer: UInt64 = 0
  public var count: UInt32 = 0
  public var nameCount: UInt32 = 0
  /// When the bytes came in, ns of the monotonic clock.
  public var stampNs: Int64 = 0
  /// By kind: the phase to go to, the query's number.
  public var detail: UInt64 = 0
  public var reserved: UInt64 = 0

  public init(_ kind: BatchKind) { self.kind = kind }

  /// Lines that follow the header.
  @inlinable public var lineCount: Int {
    kind == .submit ? Int(count) + 2 * Int(nameCount) : 0
  }
}

public enum BatchKind: UInt8, Sendable, BitwiseCopyable {
  /// `count` events to judge.
  case submit = 1
  /// `count` events that came in a corrupt frame: rejected, unseen.
  case rejectAll = 2
  /// `count` events that the gateway found no room for.
  case shedAll = 3
  /// Change of phase to `detail`.
  case control = 4
  /// A read; `detail` is the gateway's number for it.
  case query = 5
  /// A producer's greeting.
  case hello = 6
}

@frozen public struct BatchFlags: OptionSet, BitwiseCopyable, Sendable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// The sender holds the `operate` right.
  @inlinable public static var operate: BatchFlags { BatchFlags(rawValue: 1) }
  /// The gateway read the events from text: it may have set `playerIsName` and `idempotencyKey`,
  /// and events may be `rejected(_:)` markers.
  @inlinable public static var fromText: BatchFlags { BatchFlags(rawValue: 2) }
  /// Counts only, no outcomes.
  @inlinable public static var ackOnly: BatchFlags { BatchFlags(rawValue: 4) }
  /// All events or none: one that cannot be taken rejects the others as `batchRejected`.
  @inlinable public static var atomic: BatchFlags { BatchFlags(rawValue: 16) }
  /// Every event must be of the batch's producer.
  @inlinable public static var oneProducer: BatchFlags { BatchFlags(rawValue: 8) }
}

/// What a partition answers: one line, followed by `lineCount` lines (outcomes, or bytes).
@frozen public struct Reply: BitwiseCopyable, Sendable {
  public var kind: ReplyKind
  public var gateway: UInt8
  public var ack: AckLevel
  public var reserved: UInt8 = 0
  public var lineCount: UInt32 = 0
  public var connection: UInt64
  public var batch: UInt64
  /// The journal's end after the batch: the reply waits until everything below is durable.
  public var offset: UInt64 = 0
  public var stampNs: Int64
  public var applied: UInt32 = 0
  public var duplicate: UInt32 = 0
  public var rejected: UInt32 = 0
  public var late: UInt32 = 0
  public var shed: UInt32 = 0
  /// Bytes of an answer.
  public var byteCount: UInt32 = 0

  public init(_ kind: ReplyKind, to batch: Batch) {
    self.kind = kind
    gateway = batch.gateway
    ack = batch.ack
    connection = batch.connection
    self.batch = batch.batch
    stampNs = batch.stampNs
  }

  @inlinable mutating func count(_ disposition: Disposition) {
    switch disposition {
    case .applied: applied += 1
    case .duplicate: duplicate += 1
    case .rejected: rejected += 1
    case .late: late += 1
    case .shed: shed += 1
    }
  }
}

public enum ReplyKind: UInt8, Sendable, BitwiseCopyable {
  case outcomes = 1
  case answer = 2
  case welcome = 3
  /// The hunt is gone.
  case gone = 4
}

extension Event {
  /// Stands in a batch for bytes that were not an event.
  public static func rejected(_ rejection: Rejection) -> Event {
    var event = Event(kind: .move)
    event.version = 0
    event.kindByte = 0
    event.hunt = UInt32(rejection.code.rawValue)
    event.treasure = rejection.position
    event.x = Int32(rejection.field.rawValue)
    return event
  }

  /// The rejection that this event stands for, if it does.
  public var rejection: Rejection? {
    guard version == 0, kindByte == 0, let code = ResultCode(rawValue: UInt16(clamping: hunt))
    else { return nil }
    return Rejection(
      code, EventField(rawValue: UInt8(clamping: x)) ?? .none, position: Int(treasure))
  }
}
