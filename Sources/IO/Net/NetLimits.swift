/// Every maximum of one `Loop`. Nothing in Net grows past a number stated here.
///
/// A duration ends in `Ms` (milliseconds) and is checked every quarter of a second, so it may be
/// overrun by that much. A size ends in `Bytes` or `BytesMax`.
public struct NetLimits: Sendable, Equatable {
  // MARK: connections

  /// Open connections of all kinds, 1...1,000,000. The next one is answered 503 (HTTP) or closed.
  public var connectionCountMax = 16_384
  /// Open stream connections among them; each holds one receive block for its life.
  public var streamCountMax = 256
  /// Connections waiting in the kernel for `accept`.
  public var backlogCount = 1_024
  /// How long accepting stops after the process ran out of descriptors.
  public var acceptPauseMs = 100

  // MARK: memory

  /// One stream connection's receive block, and so the largest frame it can carry.
  public var streamReceiveBytes = 256 * 1_024
  /// Unsent bytes of one connection; a send that would pass it is refused whole.
  public var outBytesMax = 8 * 1_024 * 1_024
  /// Heads, bodies, messages and unsent bytes of all connections together.
  public var memoryBytesMax = 1_024 * 1_024 * 1_024

  // MARK: HTTP

  /// The request target; more is answered 414.
  public var urlBytesMax = 8 * 1_024
  /// The header lines of a request, and again those of a chunked body's trailer; more: 431.
  public var headerBytesMax = 16 * 1_024
  /// Header lines of a request; more: 431.
  public var headerCountMax = 100
  /// A request body after decoding; more: 413.
  public var bodyBytesMax = 16 * 1_024 * 1_024
  /// From a request's first byte to the end of its head; longer: 408.
  public var headerMs = 10_000
  /// From the end of a request's head to the end of its body; longer: 408.
  public var bodyMs = 30_000

  // MARK: WebSocket and events

  /// A WebSocket message, all fragments together; more closes with 1009.
  public var messageBytesMax = 1_024 * 1_024
  /// Quiet time after which a WebSocket is pinged, or an event stream gets a comment line.
  public var pingMs = 15_000
  /// How long a peer may take to answer our WebSocket close frame.
  public var closeMs = 3_000

  // MARK: patience

  /// Quiet time after which an HTTP or WebSocket connection is closed, and the longest time any
  /// connection may take none of the bytes waiting for it.
  public var idleMs = 60_000
  /// Time without a byte either way after which a stream connection is closed; 0 for never.
  public var streamIdleMs = 300_000
  /// How long a closing connection is drained, so that the peer reads our last answer and not a
  /// reset.
  public var lingerMs = 1_000
  /// Period of the applications' `tick`, 1...1,000.
  public var tickMs = 20
  /// Shortest time between two readings of stream connections while they are busy, 0...20: what
  /// comes meanwhile is read at once. Quiet ones are read when something comes.
  public var gatherMs = 0
  /// Busy is 64 KiB in a window of 10 ms, about 100,000 events/s.
  static let busyWindowNs: Int64 = 10_000_000
  static let busyBytes = 64 * 1_024
  /// Bytes of one reading above which the next one does not wait: the kernel takes some 64 KiB of
  /// a young connection before the peer has to stop.
  static let gatherBytesMax = 40 * 1_024

  /// The defaults above.
  public init() {}

  /// A whole head: the request line adds a method, two spaces and a version to its target.
  var headByteCountMax: Int { urlBytesMax + headerBytesMax + 64 }
  /// What a connection may queue beyond `outBytesMax`: the loop's own answers (errors, pongs, close
  /// frames). One receive never makes more of them than it had bytes.
  var ownBytesMax: Int { Self.scratchBytes + 4_096 }
  /// The loop's shared receive buffer.
  static let scratchBytes = 256 * 1_024
  /// Unsent bytes above which no further request or message is read from a connection.
  var pauseBytes: Int { min(outBytesMax / 2, 256 * 1_024) }
  /// Slots beyond `connectionCountMax`, for saying 503 and for connections that are leaving.
  static let spareSlotCount = 64

  func check() {
    precondition((1...1_000_000).contains(connectionCountMax), "\(connectionCountMax) connections")
    precondition((0...connectionCountMax).contains(streamCountMax), "\(streamCountMax) streams")
    precondition(streamReceiveBytes >= 1_024, "receive block of \(streamReceiveBytes) bytes")
    precondition(outBytesMax >= 4_096, "out-buffer of \(outBytesMax) bytes")
    precondition(urlBytesMax >= 1 && headerBytesMax >= 64 && headerCountMax >= 1)
    precondition(bodyBytesMax >= 0 && messageBytesMax >= 1)
    precondition((1...1_000).contains(tickMs), "tick of \(tickMs) ms")
    precondition((0...20).contains(gatherMs), "gathering for \(gatherMs) ms")
    precondition(idleMs >= 1 && headerMs >= 1 && bodyMs >= 1 && pingMs >= 1 && closeMs >= 1)
    precondition(streamIdleMs >= 0 && lingerMs >= 1 && acceptPauseMs >= 1 && backlogCount >= 1)
  }
}
