import Authoring
import Bounded
import Bus
import Disk
import Events
import Hunt
import Journal
import Machine
import Pages
import Partitions
import Synchronization

/// A second copy of a hunt, which follows its journal's durable part: what forks begin from, and
/// what snapshots hold.
///
/// The hunt itself is never branched while it plays. Every page that a branch shares must be copied
/// before it is written, and a busy hunt of a million players writes nearly all of its pages within
/// 100 ms: at 500,000 events/s each branch made p99 rise from 5 to over 100 ms. Here those copies
/// cost nobody's time. And since each digest in the journal is compared with the shadow's own, the
/// hunt is verified all the while it plays.
package final class Shadow: @unchecked Sendable {
  /// Events that it goes on by before others may look at it.
  static let sliceEvents: UInt64 = 20_000
  /// Events that it may be behind before it reads files although the hunt is fast: reading a file
  /// that is being written makes the writer wait.
  private static let lagMax: UInt64 = 50_000_000
  /// Events that it takes at once.
  private static let runEvents = 2_048

  fileprivate struct State: ~Copyable {
    var partition: Partition?
    var reader: JournalReader?
    /// Keeps what it has not read yet.
    var past: PastHold?
    var effects = EffectBuffer(capacity: 1)
    /// Promotions that the hunt's history must know before the journal makes sense.
    var promotions: UInt32 = 0
    /// What the last event that could not be replayed was.
    var unknown: ReplayFault.Reason?
    var failure: ForkFault?
    var pace = JournalPace()
  }

  private let state = Mutex(State())
  // For those who must not wait for it.
  private let reached = Atomic<UInt64>(0)
  private let failed = Atomic<Bool>(false)

  /// Whether the shadow follows no more, as the journal and the hunt do not agree.
  package var hasFailed: Bool { failed.load(ordering: .acquiring) }

  /// Where it has come to; 0 when it has not begun.
  package var offset: UInt64 { reached.load(ordering: .acquiring) }

  /// Goes on by a slice, unless somebody else is at it: whether there is more, and what is to be
  /// written as a snapshot when one is due.
  ///
  /// - Parameter isDue: Asked with the offset come to.
  func follow(
    _ entry: HuntEntry, nowNs: Int64, isDue: (UInt64) -> Bool
  ) throws(ForkFault) -> (isBehind: Bool, image: ImageBox?) {
    let outcome = try state.withLockIfAvailable {
      state throws(ForkFault) -> (Bool, ImageBox?) in
      if let failure = state.failure { throw failure }
      let durable = entry.journal.durableThrough
      let from = state.partition?.nextOffset ?? 0
      if durable <= from { return (false, nil) }
      state.pace.look(durable, nowNs)
      if state.pace.isFast && durable - from < Self.lagMax && !entry.journal.feed.holds(from) {
        return (false, nil)
      }
      try follow(&state, entry, to: durable, limit: Self.sliceEvents)
      keepCheckpoint(&state, entry, nowNs)
      guard let offset = state.partition?.nextOffset else { return (false, nil) }
      let image = isDue(offset) ? try image(&state) : nil
      return (offset < durable, image)
    }
    return outcome ?? (false, nil)
  }

  /// The hunt as it was at `offset` or a little later, frozen.
  ///
  /// - Parameter offset: Durable.
  func checkpoint(_ entry: HuntEntry, at offset: UInt64) throws(ForkFault) -> HeldCheckpoint {
    state.letHolderRun()
    return try state.withLock { state throws(ForkFault) in
      if let failure = state.failure { throw failure }
      try follow(&state, entry, to: offset, limit: .max)
      do throws(ForkRefusal) {
        if let held = try state.partition?.checkpoint() { return HeldCheckpoint(held) }
      } catch {
        guard entry.makeRoom(entry.pool.pageCount / 4) else { throw Self.noRoom(error) }
      }
      do throws(ForkRefusal) {
        if let held = try state.partition?.checkpoint() { return HeldCheckpoint(held) }
      } catch { throw Self.noRoom(error) }
      throw ForkFault(503, "busy", "the hunt's history is being put in order; try again")
    }
  }

  /// The hunt's pages as they were at `offset` or a little later, for reading; nil where the shadow
  /// does not come there in time.
  func fork(_ entry: HuntEntry, at offset: UInt64, patienceNs: Int64) -> ReadFork? {
    let end = ThisMachine.monotonicNs + patienceNs
    repeat {
      if hasFailed { return nil }
      if entry.journal.durableThrough >= offset {
        let sight = state.withLockIfAvailable { look(for: offset, in: &$0, entry) }
        switch sight ?? .soon {
        case .here(let fork): return fork
        case .far: return nil
        case .soon: break
        }
      }
      ThisMachine.sleep(ns: 500_000)
    } while ThisMachine.monotonicNs < end
    return nil
  }

  /// Where an offset is, seen from the shadow.
  private enum Sight {
    case here(ReadFork)
    case soon, far
  }

  private func look(for offset: UInt64, in state: inout State, _ entry: HuntEntry) -> Sight {
    guard let from = state.partition?.nextOffset else { return .soon }
    if from < offset {
      let isFed = entry.journal.feed.holds(from)
      if offset - from > 10 * Self.sliceEvents || state.pace.isFast && !isFed { return .far }
      // What is in its way its own thread meets too, and tells.
      do throws(ForkFault) {
        try follow(&state, entry, to: offset, limit: Self.sliceEvents)
      } catch { return .far }
    }
    guard let reached = state.partition?.nextOffset, reached >= offset,
      let world = state.partition?.state.world
    else { return .soon }
    do throws(ForkRefusal) {
      guard let space = try state.partition?.state.fork() else { return .far }
      return .here(ReadFork(space, world, offset: reached))
    } catch { return .far }
  }

  /// The whole hunt, for a last snapshot once its journal is closed; nil when `offset` is where it
  /// ends.
  func lastImage(_ entry: HuntEntry, unless offset: UInt64?) throws(ForkFault) -> ImageBox? {
    state.letHolderRun()
    return try state.withLock { state throws(ForkFault) -> ImageBox? in
      if let failure = state.failure { throw failure }
      let durable = entry.journal.durableThrough
      if durable == 0 || offset == durable { return nil }
      try follow(&state, entry, to: durable, limit: .max)
      return try image(&state)
    }
  }

  /// Begins anew along the hunt's line, another of which was promoted.
  func restart() {
    state.letHolderRun()
    state.withLock { $0.restart() }
  }

  // MARK: Parts

  private static func noRoom(_ refusal: ForkRefusal) -> ForkFault {
    ForkFault(507, "no_room", "the hunt's page budget has no room for a fork: \(refusal)")
  }

  /// Replays what lies between, in whole frames.
  private func follow(
    _ state: inout State, _ entry: HuntEntry, to target: UInt64, limit: UInt64
  ) throws(ForkFault) {
    let history = entry.forks.history
    if history.count < state.promotions { return }
    if state.partition == nil {
      let line = Line(history.current, history)
      do throws(ForkRefusal) {
        try entry.retention.whileAllStays { () throws(ForkRefusal) in
          let partition = try entry.beginning(of: line, to: target, pages: 64)
          state.past = entry.retention.hold(from: partition.nextOffset)
          reached.store(partition.nextOffset, ordering: .releasing)
          state.partition = consume partition
        }
      } catch { throw Self.noRoom(error) }
      entry.forks.tried(events: state.partition?.state.eventCount ?? 0, nowNs: 0)
    }
    guard let from = state.partition?.nextOffset, from < target else { return }
    let end = limit < target - from ? from + limit : target
    do throws(JournalFault) {
      while let offset = state.partition?.nextOffset, offset < end {
        try makeRoom(&state, entry, events: Self.runEvents)
        do throws(ReplayFault) {
          let isFed = try entry.journal.feed.read(from: offset, limit: Self.runEvents) {
            run throws(ReplayFault) in try state.replay(run)
          }
          if isFed {
            state.reader = nil
            continue
          }
        } catch { throw Self.fault(error, entry) }
        if state.reader == nil {
          state.reader = try JournalReader(entry.forks.segments, from: offset)
        }
        // Whatever comes next is in the file, or was fed meanwhile.
        state.reader?.end = min(offset + UInt64(Self.runEvents), target)
        guard let frame = try state.reader?.next() else { continue }
        try makeRoom(&state, entry, events: Int(frame.header.count))
        do throws(ReplayFault) { try state.replay(frame) } catch {
          throw Self.fault(error, entry)
        }
      }
      let offset = state.partition?.nextOffset ?? 0
      reached.store(offset, ordering: .releasing)
      state.past?.move(to: offset)
    } catch {
      if case .promotion(let mark)? = state.unknown {
        state.restart()
        state.promotions = mark.number
        return
      }
      let stuck = state.partition?.nextOffset ?? 0
      state.restart()
      let fault = ForkFault(error)
      // The hunt itself may have begun behind the damage, and so may its shadow.
      if error.isUnreadable, entry.forks.damage.map({ $0 < stuck }) ?? true {
        entry.forks.note(damage: stuck)
      } else if fault.status == 500 {
        // Want of room may pass; a journal that disagrees with the hunt does not.
        state.failure = fault
        failed.store(true, ordering: .releasing)
      }
      throw fault
    }
  }

  private static func fault(_ fault: ReplayFault, _ entry: HuntEntry) -> JournalFault {
    .inconsistent(
      path: entry.forks.segments.folder, byte: 0, offset: fault.offset, reason: "\(fault.reason)")
  }

  /// Has pages kept for what `count` events may write.
  private func makeRoom(
    _ state: inout State, _ entry: HuntEntry, events count: Int
  ) throws(JournalFault) {
    guard var held = state.partition.take() else { return }
    let (isThere, offset) = (entry.hasRoom(&held, events: count), held.nextOffset)
    state.partition = consume held
    if isThere { return }
    throw .inconsistent(path: "", byte: 0, offset: offset, reason: ForkFault.noRoom)
  }

  private func keepCheckpoint(_ state: inout State, _ entry: HuntEntry, _ nowNs: Int64) {
    guard let events = state.partition?.state.eventCount,
      let copied = state.partition?.state.space.unsealedCount,
      entry.forks.isDue(events: events, pagesCopied: copied, nowNs: nowNs)
    else { return }
    entry.forks.tried(events: events, nowNs: nowNs)
    // Checkpoints make things faster; snapshots and forks, which must be, come first.
    if entry.pool.roomCount < (state.partition?.state.space.pageCount ?? 0) {
      _ = entry.forks.thin()
    } else if let held = try? state.partition?.checkpoint() {
      _ = entry.forks.keep(HeldCheckpoint(held))
    }
  }

  private func image(_ state: inout State) throws(ForkFault) -> ImageBox? {
    do throws(ForkRefusal) {
      guard let image = try state.partition?.image() else { return nil }
      return ImageBox(image)
    } catch { throw Self.noRoom(error) }
  }
}

/// How fast a journal grows.
private struct JournalPace {
  /// Events a second above which a hunt is fast.
  private static let fastRate = 700_000.0

  private var offset: UInt64 = 0
  private var ns: Int64 = 0
  private var rate = 0.0

  /// Looks at most ten times a second.
  mutating func look(_ durable: UInt64, _ nowNs: Int64) {
    if nowNs - ns >= 100_000_000 {
      rate = ns == 0 ? 0 : Double(durable &- offset) * 1e9 / Double(nowNs - ns)
      (offset, ns) = (durable, nowNs)
    }
  }

  var isFast: Bool { rate > Self.fastRate }
}

extension Shadow.State {
  fileprivate mutating func replay(_ frame: RecoveredFrame) throws(ReplayFault) {
    guard var held = partition.take() else { return }
    do throws(ReplayFault) { _ = try replayFrame(frame, into: &held, &effects) } catch {
      partition = consume held
      unknown = error.reason
      throw error
    }
    partition = consume held
  }

  fileprivate mutating func replay(_ run: LineRun) throws(ReplayFault) {
    guard var held = partition.take() else { return }
    do throws(ReplayFault) { try held.replay(run, &effects) } catch {
      partition = consume held
      unknown = error.reason
      throw error
    }
    partition = consume held
  }

  fileprivate mutating func restart() {
    partition = nil
    reader = nil
    past = nil
    unknown = nil
  }
}

/// The thread on which the shadows of all hunts follow their journals: of low priority, so that the
/// hunts themselves come first.
final class ShadowThread: @unchecked Sendable {
  private let settings: Settings
  private let clock: EngineClock
  private let snapshotter: Snapshotter
  private let log: Engine.Log
  private let entries = Mutex<[HuntEntry]>([])
  /// Held while a hunt is looked after.
  private let working = Mutex<Void>(())
  private let bell = Doorbell()
  private let stopping = Atomic<Bool>(false)
  private var thread: OSThread?
  /// What was last in each hunt's way; its own thread's alone.
  private var troubles: [UInt32: String] = [:]

  init(
    _ settings: Settings, clock: EngineClock, snapshotter: Snapshotter, log: @escaping Engine.Log
  ) {
    self.settings = settings
    self.clock = clock
    self.snapshotter = snapshotter
    self.log = log
  }

  func start() {
    thread = OSThread(name: "vx-shadow") { [self] in
      ThisMachine.runWhenIdle()
      while !stopping.load(ordering: .acquiring) {
        var isBehind = false
        for entry in entries.withLock({ $0 }) where working.withLock({ _ in tend(entry) }) {
          isBehind = true
        }
        if !isBehind {
          bell.wait(timeoutNs: 20_000_000) { stopping.load(ordering: .acquiring) }
        }
      }
    }
  }

  func attach(_ entry: HuntEntry) { entries.withLock { $0.append(entry) } }

  /// Returns when the hunt is no longer looked after.
  func detach(_ entry: HuntEntry) {
    entries.withLock { $0.removeAll { $0.number == entry.number } }
    working.letHolderRun()
    working.withLock { _ in }
  }

  /// Goes on by a slice; whether the hunt is further still.
  private func tend(_ entry: HuntEntry) -> Bool {
    let nowMs = clock.nowMs
    let trail = entry.snapshots
    var hasBegun = false
    do throws(ForkFault) {
      let (isBehind, image) = try entry.forks.shadow.follow(entry, nowNs: nowMs * 1_000_000) {
        hasBegun = trail.isDue($0, nowMs: nowMs, settings) && trail.begin($0, nowMs: nowMs)
        return hasBegun
      }
      if let image { snapshotter.write(image, entry) }
      return isBehind
    } catch {
      if hasBegun {
        snapshotter.failed(trail, error.message)
        trail.end()
      }
      // Once, not every time that it is tried again.
      if troubles.updateValue(error.message, forKey: entry.number) == error.message { return false }
      if entry.forks.shadow.hasFailed {
        log(
          .error,
          "hunt \(entry.name): its shadow follows no more, so there will be no snapshots and no "
            + "forks: \(error.message)")
      } else {
        log(.warning, "hunt \(entry.name): its shadow waits: \(error.message)")
      }
      return false
    }
  }

  /// Ends the thread.
  func stop() {
    stopping.store(true, ordering: .releasing)
    bell.ring()
    thread?.join()
    thread = nil
  }

  /// Writes the last snapshot of each hunt; after `stop`, with every journal closed.
  func finish() {
    for entry in entries.withLock({ $0 }) where !entry.journal.hasFailed {
      let trail = entry.snapshots
      do throws(ForkFault) {
        guard
          let image = try entry.forks.shadow.lastImage(entry, unless: trail.status.last?.offset),
          trail.begin(entry.journal.durableThrough, nowMs: clock.nowMs)
        else { continue }
        snapshotter.writeNow(image, trail, entry.journal, isPaced: false)
        image.drop()
        trail.end()
      } catch { snapshotter.failed(trail, error.message) }
    }
  }
}
