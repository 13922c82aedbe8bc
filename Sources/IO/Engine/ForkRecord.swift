import Authoring
package import Bounded
import Events
package import Hunt
import Machine
import Partitions
import Synchronization

/// What somebody asked a fork for.
struct ForkSpec: Sendable {
  var text: ForkText
  /// Whose operate right it is that `append` uses.
  var append: [AddedEvent] = []
  /// A short word for lists: `fork`, `unplay`, `rollback`, `as_of`.
  var kind: String { text.kind.rawValue }
}

/// One fork of a hunt, from the request until it is deleted.
///
/// Its partition is touched by whoever holds its lock: the fork thread while it builds or promotes,
/// the reader thread while it answers.
package final class ForkRecord: @unchecked Sendable {
  package enum Phase: String, Sendable {
    case building, ready, failed, promoting, promoted
  }

  /// What everybody may know of it at any time.
  package struct Status: Sendable {
    package var phase = Phase.building
    /// Thousandths.
    var progress = 0
    package var reason: String?
    /// Journal offset that the fork has come to.
    package var offset: UInt64 = 0
    /// Journal offset at which the hunt was when the fork was asked for.
    var head: UInt64 = 0
    /// Where the replay began.
    var base: UInt64 = 0
    /// The line that the hunt has once the fork is promoted; what a restart needs for that is kept.
    /// Nil where that is gone, or not known yet, or the fork is.
    var line: Line?
    package var digest: Hash128?
    var buildNs: Int64 = 0
    package var promotedAt: UInt64?
  }

  package let id: UInt32
  let spec: ForkSpec
  let createdMs: Int64
  let status = Mutex(Status())
  let isCancelled = Atomic<Bool>(false)
  private let lock = Mutex<Void>(())
  private var view: HuntView?
  /// The hunt itself at `head`, for comparing.
  private var reference: HuntView?
  private var differenceHeld: (HuntDifference, ns: Int64)?

  init(id: UInt32, spec: ForkSpec, createdMs: Int64) {
    self.id = id
    self.spec = spec
    self.createdMs = createdMs
  }

  package var now: Status { status.withLock { $0 } }

  func finish(_ view: HuntView, reference: HuntView?) {
    lock.letHolderRun()
    lock.withLock { _ in
      self.view = view
      self.reference = reference
    }
  }

  /// Lets go of the fork's pages.
  func drop() {
    isCancelled.store(true, ordering: .releasing)
    lock.letHolderRun()
    lock.withLock { _ in
      view = nil
      reference = nil
      differenceHeld = nil
    }
    status.withLock { $0.line = nil }
  }

  /// Runs `body` on the fork, if there is one.
  package func withView<Result, Failure: Error>(
    _ body: (HuntView?) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock.letHolderRun()
    return try lock.withLock { (_) throws(Failure) -> Result in try body(view) }
  }

  /// The name behind a player's number, which the fork may have ended too early to know.
  func name(of player: UInt64) -> NameRow? {
    lock.withLock { _ in
      view?.partition.state.name(of: player) ?? reference?.partition.state.name(of: player)
    }
  }

  /// What differs between the hunt and the fork, and how long it took to find out; worked out once.
  package func difference() -> (HuntDifference, ns: Int64)? {
    lock.letHolderRun()
    return lock.withLock { _ in
      if let held = differenceHeld { return held }
      guard let view, let reference else { return nil }
      let start = ThisMachine.monotonicNs
      let difference = HuntDifference(&reference.partition.state, &view.partition.state)
      differenceHeld = (difference, ThisMachine.monotonicNs - start)
      return differenceHeld
    }
  }

  /// As `difference`, against another fork; not remembered.
  func difference(from other: ForkRecord) -> (HuntDifference, ns: Int64)? {
    // In one order, so that two such requests cannot wait for each other.
    let (first, second) = id < other.id ? (self, other) : (other, self)
    if first === second { return nil }
    first.lock.letHolderRun()
    second.lock.letHolderRun()
    return first.lock.withLock { _ in
      second.lock.withLock { _ in
        guard let mine = view, let its = other.view else { return nil }
        let start = ThisMachine.monotonicNs
        let difference = HuntDifference(&its.partition.state, &mine.partition.state)
        return (difference, ThisMachine.monotonicNs - start)
      }
    }
  }
}
