import Bounded

/// One slot of a loop's table, used for one connection after another.
final class Connection {
  enum Phase {
    case free
    /// Our connect is under way.
    case connecting
    case open
    /// Waits for its unsent bytes to leave, and takes no new ones.
    case closing
    /// Is to vanish at the end of the iteration, unsent bytes and all.
    case dropped
    /// Has said everything; reads and forgets what still comes, so that the peer sees no reset.
    case lingering
  }

  let index: UInt32
  var generation: UInt32 = 0
  var phase = Phase.free
  var descriptor: Int32 = -1
  /// What the kernel was last told to watch for.
  var watched: UInt32 = 0
  /// Stands in the list of connections to settle at the end of the iteration.
  var isUnsettled = false

  var out: ByteBuffer
  /// The application waits for `drained`.
  var owesDrained = false
  /// An application is writing into `out` in place.
  var isFilling = false

  var isReadingPaused = false
  /// The peer has sent its last byte.
  var isPeerDone = false

  /// When patience with what the peer should send ends; `Int64.max` for never.
  var readDeadlineNs = Int64.max
  /// When patience with a peer that takes nothing of `out` ends.
  var writeDeadlineNs = Int64.max
  var receivedNs: Int64 = 0
  var sentNs: Int64 = 0

  var stream: StreamState?
  var http: HTTPState?

  init(index: UInt32, limits: NetLimits, budget: MemoryBudget) {
    self.index = index
    out = ByteBuffer(byteCountMax: limits.outBytesMax + limits.ownBytesMax, budget: budget)
  }

  var id: ConnectionID { ConnectionID(index: index, generation: generation) }

  /// Whom to tell about the connection's life, once it has seen the connection at all.
  var audience: (any NetApplication)? {
    if let stream { return stream.application }
    if let http, http.isKnown { return http.application }
    return nil
  }
}

/// A stream connection's receive block: bytes `start..<end` of it are received and not consumed.
struct StreamState {
  let application: any StreamApplication
  /// Which block of the loop's slab.
  let block: Int
  var start = 0
  var end = 0
  /// Reading was resumed, so what is kept is due to be offered again.
  var owesOffer = false
}

/// What an HTTP connection is in the middle of.
final class HTTPState {
  enum Stage {
    /// Reads a request.
    case reading
    /// A request is with the application; nothing more is parsed.
    case unanswered
    /// Sends events; whatever the client says is dropped.
    case events
    case webSocket(WebSocketSession)
    /// The last answer is on its way.
    case over
  }

  let application: any HTTPApplication
  let parser: RequestParser
  var stage = Stage.reading
  /// Received and not yet parsed: what came behind a request that is still unanswered.
  var kept: ByteBuffer
  /// The application was given a request, so it hears of the end.
  var isKnown = false

  // The unanswered request's traits that shape its answer.
  var isHead = false
  var minorVersion = 1
  var keepsAlive = false
  var webSocketAccept: String?

  init(application: any HTTPApplication, limits: NetLimits, budget: MemoryBudget) {
    self.application = application
    parser = RequestParser(limits: limits, budget: budget)
    kept = ByteBuffer(byteCountMax: NetLimits.scratchBytes, budget: budget)
  }
}
