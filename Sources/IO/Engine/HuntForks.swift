import Authoring
import Disk
import Events
import Hunt
package import Partitions
import Synchronization

/// The forks, the checkpoints and the history of one hunt; used by several threads.
package final class HuntForks: @unchecked Sendable {
  /// Forks alive at once.
  static let forkCountMax = 256
  /// Checkpoints kept to begin forks from, the older the sparser.
  static let checkpointCountMax = 16
  /// Fewest events between two of them.
  static let checkpointEvents: UInt64 = 100_000
  /// What copying a page after a checkpoint may cost, and the share of the time that all of them
  /// together may take: one in forty.
  private static let pageCopyNs: Int64 = 600
  private static let timeShare: Int64 = 40

  private struct State {
    var checkpoints: [HeldCheckpoint] = []
    var genesis: HeldCheckpoint?
    var records: [ForkRecord] = []
    var nextID: UInt32 = 1
    /// States of the past that were read lately, the latest last.
    var past: [ForkRecord] = []
    var history = History()
    var damage: UInt64?
  }

  let segments: Segments
  package let shadow = Shadow()
  let branches: BranchFiles
  private let state: Mutex<State>

  // The shadow alone.
  private var lastEvents: UInt64 = 0
  private var lastNs: Int64 = 0

  init(segments: Segments, branches: BranchFiles, history: History) {
    self.segments = segments
    self.branches = branches
    var initial = State()
    initial.history = history
    state = Mutex(initial)
  }

  // MARK: Records

  package var records: [ForkRecord] { state.withLock { $0.records } }

  func record(_ id: UInt32) -> ForkRecord? { records.first { $0.id == id } }

  /// A place for a new fork; nil when there are too many.
  func add(_ spec: ForkSpec, nowMs: Int64) -> ForkRecord? {
    state.withLock { state in
      guard state.records.count < Self.forkCountMax else { return nil }
      let record = ForkRecord(id: state.nextID, spec: spec, createdMs: nowMs)
      state.nextID += 1
      state.records.append(record)
      return record
    }
  }

  func remove(_ id: UInt32) -> ForkRecord? {
    state.withLock { state in
      guard let at = state.records.firstIndex(where: { $0.id == id }) else { return nil }
      return state.records.remove(at: at)
    }
  }

  // MARK: The past

  /// States of the past kept for further reads.
  private static let pastCountMax = 4

  /// A state of the past that is still held.
  func past(at offset: UInt64) -> ForkRecord? {
    state.withLock { state in
      guard let at = state.past.firstIndex(where: { $0.now.offset == offset }) else { return nil }
      let record = state.past.remove(at: at)
      state.past.append(record)
      return record
    }
  }

  /// Gives up the state that was not read for longest; false when there is none.
  func dropPast() -> Bool {
    let gone = state.withLock { $0.past.isEmpty ? nil : $0.past.removeFirst() }
    gone?.drop()
    return gone != nil
  }

  func keep(past record: ForkRecord) {
    let gone = state.withLock { state -> ForkRecord? in
      state.past.append(record)
      return state.past.count > Self.pastCountMax ? state.past.removeFirst() : nil
    }
    gone?.drop()
  }

  // MARK: History

  package var history: History { state.withLock { $0.history } }

  /// The lines that the hunt may have to go along after a restart: its own, and those of forks that
  /// may be promoted.
  var linesAhead: [Line] {
    state.withLock { state in
      // A fork that is promoted is in the history before it lets go of its line.
      let records = state.records.compactMap(\.now.line)
      return [Line(state.history.current, state.history)] + records
    }
  }

  func append(_ promotion: History.Promotion) { state.withLock { $0.history.append(promotion) } }

  // MARK: Damage

  /// The last journal offset found that cannot be read any more. What can be begun behind it is.
  var damage: UInt64? { state.withLock { $0.damage } }

  func note(damage offset: UInt64) {
    state.withLock { $0.damage = max($0.damage ?? 0, offset) }
  }

  // MARK: Checkpoints

  /// The hunt before its first event, once it was made: a treasure field takes long to fill.
  var genesis: HeldCheckpoint? { state.withLock { $0.genesis } }

  func keep(genesis: HeldCheckpoint) { state.withLock { $0.genesis = genesis } }

  package var checkpointCount: Int { state.withLock { $0.checkpoints.count } }

  var checkpoints: [HeldCheckpoint] { state.withLock { $0.checkpoints } }

  /// Whether it is time for the next checkpoint: enough events have come, and what the last one
  /// made the hunt copy was a small share of the time since.
  func isDue(events: UInt64, pagesCopied: Int, nowNs: Int64) -> Bool {
    if events < lastEvents + Self.checkpointEvents { return false }
    return nowNs - lastNs >= Int64(pagesCopied) * Self.pageCopyNs * Self.timeShare
  }

  /// Notes that a checkpoint was tried.
  func tried(events: UInt64, nowNs: Int64) {
    lastEvents = events
    lastNs = nowNs
  }

  /// Keeps a checkpoint; those that make room for it.
  func keep(_ checkpoint: HeldCheckpoint) -> [HeldCheckpoint] {
    state.withLock { state in
      state.checkpoints.append(checkpoint)
      guard state.checkpoints.count > Self.checkpointCountMax else { return [] }
      return [state.checkpoints.remove(at: Self.sparest(state.checkpoints))]
    }
  }

  /// Gives up the older half of the checkpoints, for want of pages.
  func thin() -> [HeldCheckpoint] {
    state.withLock { state in
      let count = (state.checkpoints.count + 1) / 2
      let gone = Array(state.checkpoints.prefix(count))
      state.checkpoints.removeFirst(count)
      return gone
    }
  }

  /// The one whose loss widens the relative distance from the head least; neither the oldest nor
  /// one of the newest four.
  private static func sparest(_ all: [HeldCheckpoint]) -> Int {
    let head = Double(all[all.count - 1].offset)
    var best = 1
    var least = Double.infinity
    for at in 1..<(all.count - 4) {
      let gap = Double(all[at + 1].offset - all[at - 1].offset)
      let widening = gap / (head - Double(all[at].offset) + 1)
      if widening < least { (best, least) = (at, widening) }
    }
    return best
  }
}
