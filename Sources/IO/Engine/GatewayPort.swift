public import Bounded
import Bus
public import Partitions
import Synchronization

/// One gateway thread's way to and from every partition thread: a ring each way, and a tray of
/// answers.
public final class GatewayPort: @unchecked Sendable {
  /// Number of the gateway, for batches.
  public let number: UInt8
  let toThreads: [LineRing]
  let fromThreads: [LineRing]
  private let bells: [Doorbell]
  private let wakeGateway: @Sendable () -> Void
  private let answers = Mutex<[Answer]>([])
  /// The gateway found no room for a batch, and waits to hear of some.
  private let wantsRoom = Atomic<Bool>(false)
  /// A partition thread found no room for replies, and waits to hear of some.
  private let wantsReplyRoom = Atomic<Bool>(false)
  private var rung: [Bool]

  init(
    number: UInt8, bells: [Doorbell], queueLines: Int, wake: @escaping @Sendable () -> Void
  ) {
    self.number = number
    self.bells = bells
    wakeGateway = wake
    toThreads = bells.map { _ in LineRing(capacity: queueLines) }
    fromThreads = bells.map { _ in LineRing(capacity: queueLines * 2) }
    rung = bells.map { _ in false }
  }

  // MARK: The gateway's side

  /// Whether a batch of `lines` lines behind its header finds room now.
  public func hasRoom(thread: Int, lines: Int) -> Bool { toThreads[thread].hasRoom(1 + lines) }

  /// Most lines that a batch may have behind its header.
  public var batchLinesMax: Int { toThreads[0].capacity / 4 }

  /// Sends a batch whose events and names are the bytes of `lines`; false when there is no room.
  public func send(_ batch: Batch, _ lines: RawSpan, thread: Int) -> Bool {
    let ring = toThreads[thread]
    precondition(lines.byteCount == batch.lineCount * 64)
    guard hasRoom(ring, 1 + batch.lineCount) else { return false }
    var batch = batch
    batch.gateway = number
    ring.store(batch, ring.writeIndex)
    if lines.byteCount > 0 { ring.copy(from: lines, to: ring.writeIndex + 1) }
    ring.publish(1 + batch.lineCount)
    rung[thread] = true
    return true
  }

  /// Sends a batch of which only the count matters (`rejectAll`, `shedAll`, `control`); false when
  /// there is no room.
  public func sendCount(_ batch: Batch, thread: Int) -> Bool {
    let ring = toThreads[thread]
    guard hasRoom(ring, 1) else { return false }
    var batch = batch
    batch.gateway = number
    ring.store(batch, ring.writeIndex)
    ring.publish(1)
    rung[thread] = true
    return true
  }

  private func hasRoom(_ ring: LineRing, _ lines: Int) -> Bool {
    if ring.hasRoom(lines) { return true }
    // Said before the second look, so that what is given back after it is heard of.
    wantsRoom.store(true, ordering: .relaxed)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    return ring.hasRoom(lines)
  }

  /// Wakes the threads that were sent something since the last call. Once a loop, not once a batch.
  public func flush() {
    for thread in 0..<bells.count where rung[thread] {
      rung[thread] = false
      bells[thread].ring()
    }
  }

  /// Calls `body` with each reply (header and lines) that has come; at most `limit` of them.
  ///
  /// - Returns: Whether there may be more.
  public func receive(limit: Int, _ body: (Reply, LineRun) -> Void) -> Bool {
    var left = limit
    for ring in fromThreads {
      while ring.available > 0 {
        if left == 0 { return true }
        left -= 1
        let reply = ring.load(ring.readIndex, as: Reply.self)
        let count = Int(reply.lineCount)
        body(reply, LineRun(ring.lines, first: ring.readIndex + 1, count: count))
        ring.release(1 + count)
      }
    }
    if Self.heard(wantsReplyRoom) { for bell in bells { bell.ring() } }
    return false
  }

  /// The answers that have come, oldest first.
  public func takeAnswers() -> [Answer] {
    answers.withLock { held in
      if held.isEmpty { return [] }
      let taken = held
      held.removeAll(keepingCapacity: true)
      return taken
    }
  }

  // MARK: The engine's side

  func put(_ answer: Answer) {
    answers.withLock { $0.append(answer) }
    wakeGateway()
  }

  func wake() { wakeGateway() }

  /// Whether the gateway waits for room, which there now is. Call after releasing lines.
  func isAwaitingRoom() -> Bool { Self.heard(wantsRoom) }

  /// Asks to be rung when lines of a reply ring are given back; look at the ring again afterwards.
  func askForReplyRoom() {
    wantsReplyRoom.store(true, ordering: .relaxed)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }

  /// Takes back a wish, if there was one. The fence orders the caller's release of lines before it.
  private static func heard(_ wish: borrowing Atomic<Bool>) -> Bool {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    return wish.load(ordering: .relaxed) && wish.exchange(false, ordering: .acquiringAndReleasing)
  }
}
