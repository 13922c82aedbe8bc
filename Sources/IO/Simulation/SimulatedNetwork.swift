import Bounded
import Net

/// Connections whose bytes arrive late, in pieces, or not at all.
///
/// Each direction of a connection keeps its order, as TCP does; between connections there is none,
/// so that what was sent on an old one may arrive after what was sent on a new one.
final class SimulatedNetwork: StreamCarrier {
  /// Bytes on their way.
  private struct Chunk {
    let dueNs: Int64
    let bytes: [UInt8]
  }

  private final class Wire {
    let id: ConnectionID
    var toServer: [Chunk] = []
    var toClient: [Chunk] = []
    /// Arrived, and not yet taken by the application.
    var inbox: [UInt8] = []
    var isPaused = false
    /// The server closed it: what is on its way to the client still arrives.
    var isClosing = false
    var isOpened = false
    init(_ id: ConnectionID) { self.id = id }
  }

  /// Something for a client.
  enum Arrival {
    case bytes(ConnectionID, [UInt8])
    case closed(ConnectionID)
  }

  private let machine: SimulatedMachine
  private var wires: [UInt64: Wire] = [:]
  private var nextToken: UInt64 = 1
  private var closedByServer: [ConnectionID] = []
  weak var application: (any StreamApplication)?

  init(_ machine: SimulatedMachine) { self.machine = machine }

  // MARK: The client's side

  func connect() -> ConnectionID {
    let id = ConnectionID(token: nextToken)
    nextToken += 1
    wires[id.token] = Wire(id)
    return id
  }

  func isOpen(_ id: ConnectionID) -> Bool { wires[id.token] != nil }

  func clientSends(_ id: ConnectionID, _ bytes: [UInt8]) {
    guard let wire = wires[id.token] else { return }
    enqueue(&wire.toServer, bytes)
  }

  /// Both ends learn of it; what is on its way is lost.
  func cut(_ id: ConnectionID) {
    guard let wire = wires.removeValue(forKey: id.token) else { return }
    if wire.isOpened { application?.closed(id) }
  }

  /// The server is gone, and every connection with it.
  func cutAll() -> [ConnectionID] {
    let all = wires.keys.sorted().map { ConnectionID(token: $0) }
    wires = [:]
    closedByServer = []
    return all
  }

  private func enqueue(_ chunks: inout [Chunk], _ bytes: [UInt8]) {
    var due = max(machine.monotonicNs + 50_000, chunks.last?.dueNs ?? 0)
    if machine.happens(.delay, oneIn: 10) {
      due += Int64(machine.draw(.delay, below: 40_000_000))
    }
    if bytes.count > 1, machine.happens(.split, oneIn: 8) {
      let at = 1 + machine.draw(.split, below: bytes.count - 1)
      chunks.append(Chunk(dueNs: due, bytes: Array(bytes[..<at])))
      chunks.append(Chunk(dueNs: due + 30_000, bytes: Array(bytes[at...])))
    } else {
      chunks.append(Chunk(dueNs: due, bytes: bytes))
    }
  }

  // MARK: Time

  var nextDueNs: Int64? {
    var next = Int64.max
    for wire in wires.values {
      if let chunk = wire.toServer.first { next = min(next, chunk.dueNs) }
      if let chunk = wire.toClient.first { next = min(next, chunk.dueNs) }
      if wire.isClosing && wire.toClient.isEmpty { return machine.monotonicNs }
    }
    return next == .max ? nil : next
  }

  /// Delivers one thing that is due; whether there was one.
  func deliverOne(_ random: inout SimulationRandom) -> (isDone: Bool, arrival: Arrival?) {
    let now = machine.monotonicNs
    var due: [(Wire, Bool)] = []
    for token in wires.keys.sorted() {
      guard let wire = wires[token] else { continue }
      if let chunk = wire.toServer.first, chunk.dueNs <= now { due.append((wire, true)) }
      if let chunk = wire.toClient.first, chunk.dueNs <= now { due.append((wire, false)) }
      if wire.isClosing && wire.toClient.isEmpty { due.append((wire, false)) }
    }
    if due.isEmpty { return (false, nil) }
    let (wire, isToServer) = due[random.below(due.count)]
    if !isToServer {
      if wire.toClient.isEmpty {
        wires[wire.id.token] = nil
        application?.closed(wire.id)
        return (true, .closed(wire.id))
      }
      return (true, .bytes(wire.id, wire.toClient.removeFirst().bytes))
    }
    let chunk = wire.toServer.removeFirst()
    if wire.isClosing { return (true, nil) }
    if !wire.isOpened {
      wire.isOpened = true
      application?.opened(wire.id)
    }
    wire.inbox += chunk.bytes
    offer(wire)
    return (true, nil)
  }

  private func offer(_ wire: Wire) {
    while !wire.isPaused, !wire.isClosing, !wire.inbox.isEmpty, let application {
      let held = Slab(byteCount: wire.inbox.count, zeroed: false)
      held.copy(from: wire.inbox.span, to: 0)
      let taken = held.withBytes(0, count: wire.inbox.count) { application.received(wire.id, $0) }
      wire.inbox.removeFirst(taken)
      if taken == 0 { break }
    }
    application?.passed()
  }

  // MARK: The server's side

  func send(_ id: ConnectionID, _ bytes: RawSpan) -> Bool {
    guard let wire = wires[id.token], !wire.isClosing else { return false }
    var copy: [UInt8] = []
    copy.reserveCapacity(bytes.byteCount)
    for at in 0..<bytes.byteCount { copy.append(bytes.byte(at)) }
    enqueue(&wire.toClient, copy)
    return true
  }

  func close(_ id: ConnectionID) { wires[id.token]?.isClosing = true }

  func drop(_ id: ConnectionID) {
    wires[id.token]?.toClient = []
    wires[id.token]?.isClosing = true
  }

  func pauseReading(_ id: ConnectionID) { wires[id.token]?.isPaused = true }

  func resumeReading(_ id: ConnectionID) {
    guard let wire = wires[id.token], wire.isPaused else { return }
    wire.isPaused = false
    resumed.append(wire.id)
  }

  private var resumed: [ConnectionID] = []

  /// Offers again what waited on connections that may be read again.
  func offerResumed() {
    let ids = resumed
    resumed = []
    for id in ids { if let wire = wires[id.token] { offer(wire) } }
  }
}
