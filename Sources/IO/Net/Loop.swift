import Bounded
import CSystem
import Glibc
import Synchronization

/// An epoll loop: listens, accepts, reads, parses, writes, and tells applications.
///
/// One thread makes it, adds endpoints and calls `run()`; only `waker` may be used from others. One
/// iteration receives once from every readable connection (up to 256 KiB), tells applications, and
/// then writes everything they queued with one `send` per connection. Connections that stay
/// readable come round again in the next iteration, so none starves another.
///
/// - Note: Cost per iteration: one `epoll_wait`, one `recv` per readable and one `send` per
///   answered connection. Memory is stated by `NetLimits`.
public final class Loop {
  public let limits: NetLimits
  /// What happened so far.
  public internal(set) var counts = NetCounts()
  /// Interrupts the loop from any thread.
  public var waker: Waker { Waker(bell: bell) }

  let bell = Bell()
  let epoll: Int32
  let budget: MemoryBudget
  /// The shared receive buffer of HTTP and WebSocket connections.
  let scratch = Slab(byteCount: NetLimits.scratchBytes, zeroed: false)
  /// What the kernel reports as ready, filled anew by each iteration.
  private let ready = Slab(byteCount: Int(readyCountMax) * 16, zeroed: false)
  private static let readyCountMax: Int32 = 256
  /// The stream connections' receive blocks, taken with the first stream endpoint.
  var streamBlocks: Slab?
  var freeStreamBlocks: [Int] = []

  /// Slots made so far; grows up to the limit and never shrinks.
  var connections: [Connection] = []
  var freeSlots: [UInt32] = []
  /// Connections that count against the limit: not those saying goodbye.
  var openCount = 0
  var listeners: [Listener] = []
  var applications: [any NetApplication] = []

  /// Connections with bytes to send, a request to read on, or an end to reach.
  var unsettled: [Connection] = []
  /// Kept open to be given up when `accept` finds no descriptor.
  var spareDescriptor: Int32
  var acceptResumesNs = Int64.max
  /// The monotonic clock at the start of this iteration.
  var nowNs: Int64
  var nextTickNs: Int64
  var sweepCursor = 0
  var traffic = StreamTraffic()

  /// Makes a loop and raises the process's soft descriptor limit to the hard one.
  public init(limits: NetLimits = NetLimits()) throws(NetFault) {
    limits.check()
    self.limits = limits
    budget = MemoryBudget(byteCountMax: limits.memoryBytesMax)
    nowNs = vx_monotonic_ns()
    nextTickNs = nowNs
    // Besides connections: listeners, standard streams, journals and their like.
    let needed = limits.connectionCountMax + NetLimits.spareSlotCount + 64
    let allowed = Int(vx_raise_descriptor_limit())
    guard allowed >= needed else { throw .tooFewDescriptors(needed: needed, allowed: allowed) }
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    spareDescriptor = Self.openSpare()
    unsettled.reserveCapacity(1_024)
    guard epoll >= 0 else { throw .system(call: "epoll_create1", endpoint: "loop", errno: errno) }
    guard bell.descriptor >= 0 else {
      throw .system(call: "eventfd", endpoint: "loop", errno: errno)
    }
    try watch(bell.descriptor, for: EPOLLIN.rawValue, token: Self.bellToken, isNew: true)
  }

  deinit {
    for connection in connections where connection.descriptor >= 0 {
      Glibc.close(connection.descriptor)
    }
    for listener in listeners { Glibc.close(listener.descriptor) }
    if spareDescriptor >= 0 { Glibc.close(spareDescriptor) }
    if epoll >= 0 { Glibc.close(epoll) }
  }

  // MARK: endpoints

  /// Serves HTTP on `host`, which must be loopback. Port 0 lets the kernel pick one.
  ///
  /// - Returns: The bound port.
  public func listenHTTP(
    host: String, port: UInt16, application: any HTTPApplication
  ) throws(NetFault) -> UInt16 {
    try listen(Endpoint(host: host, port: port), serves: .http(application))
  }

  /// Serves raw streams on `host`, which must be loopback. Port 0 lets the kernel pick one.
  ///
  /// - Returns: The bound port.
  public func listenStream(
    host: String, port: UInt16, application: any StreamApplication
  ) throws(NetFault) -> UInt16 {
    takeStreamBlocks()
    return try listen(Endpoint(host: host, port: port), serves: .stream(application))
  }

  private func listen(_ endpoint: Endpoint, serves: Listener.Serves) throws(NetFault) -> UInt16 {
    let (descriptor, port) = try endpoint.listen(backlogCount: limits.backlogCount)
    let token = Self.listenerToken | UInt64(listeners.count)
    listeners.append(Listener(descriptor: descriptor, serves: serves))
    try watch(descriptor, for: EPOLLIN.rawValue, token: token, isNew: true)
    switch serves {
    case .http(let application): enlist(application)
    case .stream(let application): enlist(application)
    }
    return port
  }

  func enlist(_ application: any NetApplication) {
    if !applications.contains(where: { $0 === application }) { applications.append(application) }
  }

  func takeStreamBlocks() {
    guard streamBlocks == nil, limits.streamCountMax > 0 else { return }
    // Pages become resident when bytes first arrive in them.
    streamBlocks = Slab(
      byteCount: limits.streamCountMax * limits.streamReceiveBytes, zeroed: false)
    freeStreamBlocks = Array((0..<limits.streamCountMax).reversed())
  }

  // MARK: running

  /// Serves until `waker.stop()`. Open connections stay open; `deinit` closes them.
  public func run() {
    while !bell.isStopping.load(ordering: .acquiring) { iterate(timeoutNs: .max) }
  }

  /// Sends what is queued, waits at most `timeoutNs` (0... ns) or until the next tick for something
  /// to happen, and serves it: for a caller that keeps a schedule of its own between iterations.
  public func runOnce(timeoutNs: Int64) {
    settleAll()
    nowNs = vx_monotonic_ns()
    iterate(timeoutNs: timeoutNs)
  }

  private func iterate(timeoutNs: Int64) {
    if gathers(timeoutNs) { return }
    let waitNs = unsettled.isEmpty ? max(0, min(timeoutNs, nextTickNs - nowNs)) : 0
    let count = unsafe ready.withMemory { memory in
      unsafe vx_epoll_wait_ns(
        epoll, memory.bindMemory(to: epoll_event.self).baseAddress!, Self.readyCountMax, waitNs)
    }
    nowNs = vx_monotonic_ns()
    traffic.begin(nowNs)
    // A negative count is EINTR: a signal was handled, and nothing is ready.
    for at in 0..<max(0, Int(count)) {
      let event = unsafe ready.withMemory { memory in
        unsafe memory.assumingMemoryBound(to: epoll_event.self)[at]
      }
      unsafe dispatch(token: event.data.u64, ready: event.events)
    }
    endPass()
  }

  private func endPass() {
    if nowNs >= nextTickNs { tick() }
    for application in applications { application.passed() }
    settleAll()
    // Settling offers bytes again that had to wait.
    for application in applications { application.passed() }
    nowNs = vx_monotonic_ns()
    traffic.end(nowNs, gatherNs: Int64(limits.gatherMs) * 1_000_000)
  }

  /// While busy streams gather, only the waker is heard; whether it was, or the time is not over.
  private func gathers(_ timeoutNs: Int64) -> Bool {
    guard nowNs < traffic.gatherUntilNs, unsettled.isEmpty else { return false }
    let restNs = max(0, min(timeoutNs, min(traffic.gatherUntilNs, nextTickNs) - nowNs))
    let count = vx_wait_readable_ns(bell.descriptor, restNs)
    nowNs = vx_monotonic_ns()
    // Woken late, the loop reads too: one turn for the answers and for what they are followed by.
    if nowNs >= traffic.gatherUntilNs - Int64(limits.gatherMs) * 500_000 { return false }
    if count > 0 {
      bell.silence()
      for application in applications { application.woken() }
    }
    endPass()
    return true
  }

  private func dispatch(token: UInt64, ready: UInt32) {
    if token == Self.bellToken {
      bell.silence()
      for application in applications { application.woken() }
    } else if token & Self.listenerToken == Self.listenerToken {
      accept(from: listeners[Int(token & 0xFFFF)])
    } else if let connection = slot(ConnectionID(token: token)) {
      advance(connection, ready: ready)
    }
  }

  /// Reads from or writes to a connection that the kernel says is ready.
  private func advance(_ connection: Connection, ready: UInt32) {
    if connection.phase == .connecting { return finishConnecting(connection) }
    if ready & EPOLLOUT.rawValue != 0 { settleLater(connection) }
    if ready & EPOLLIN.rawValue != 0 {
      switch connection.phase {
      case .open where connection.stream != nil: receiveStream(connection)
      case .open: receiveHTTP(connection)
      case .lingering: receiveNothing(connection)
      case .free, .connecting, .closing, .dropped: break
      }
    } else if ready & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 {
      retire(connection)
    }
  }

  /// Finishes what this iteration began: reads on, sends, closes, and tells the kernel what to
  /// watch.
  private func settleAll() {
    // What applications queue while being told of drained buffers goes out in the next round; an
    // application that always has more is given turns, not the thread.
    for _ in 0..<4 where !unsettled.isEmpty {
      let round = unsettled
      unsettled.removeAll(keepingCapacity: true)
      for connection in round {
        connection.isUnsettled = false
        settle(connection)
      }
    }
  }

  func settleLater(_ connection: Connection) {
    guard !connection.isUnsettled else { return }
    connection.isUnsettled = true
    unsettled.append(connection)
  }

  // MARK: the kernel's list

  /// Listener tokens carry their index in the low 16 bits; no connection's generation reaches
  /// these.
  static let listenerToken: UInt64 = 0xFFFF_FFFF_0000_0000
  static let bellToken: UInt64 = 0xFFFF_FFFF_FFFF_FFFF

  func watch(
    _ descriptor: Int32, for events: UInt32, token: UInt64, isNew: Bool
  ) throws(NetFault) {
    var event = unsafe epoll_event()
    unsafe event.events = events
    unsafe event.data.u64 = token
    let call = isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
    if unsafe epoll_ctl(epoll, call, descriptor, &event) < 0 {
      throw .system(call: "epoll_ctl", endpoint: "descriptor \(descriptor)", errno: errno)
    }
  }

  static func openSpare() -> Int32 { unsafe vx_open("/dev/null", O_RDONLY, 0) }
}
