import Bounded
import Bus
package import Disk
public import Hunt
package import Pages
package import Partitions
import Synchronization
public import World

/// What a hunt is to those who do not own its state: its name, its place, its files.
public final class HuntEntry: @unchecked Sendable {
  public let name: String
  /// 1..., unique in the engine, for the `hunt` field of events.
  public let number: UInt32
  /// Partition thread, and slot on it.
  public let thread: Int
  public let slot: UInt32
  public let definition: HuntDefinition
  public let map: Topology
  /// Page budget in bytes.
  public let pageBytesMax: Int
  /// Where viewers' effects come from.
  public let feed: EffectFeed
  package let journal: JournalDisk
  package let pool: PagePool
  package let snapshots: SnapshotTrail
  package let retention: Retention
  package let forks: HuntForks

  init(
    name: String, number: UInt32, thread: Int, slot: UInt32, definition: HuntDefinition,
    map: Topology, pageBytesMax: Int, feed: EffectFeed, journal: JournalDisk, pool: PagePool,
    snapshots: SnapshotTrail, retention: Retention, forks: HuntForks
  ) {
    self.name = name
    self.number = number
    self.thread = thread
    self.slot = slot
    self.definition = definition
    self.map = map
    self.pageBytesMax = pageBytesMax
    self.feed = feed
    self.journal = journal
    self.pool = pool
    self.forks = forks
    self.snapshots = snapshots
    self.retention = retention
  }
}

/// Effects of one hunt on their way to the gateway that shows them.
///
/// The engine never waits for viewers: when the ring is full effects are dropped and `lost` is set,
/// and the gateway starts its viewers again from a snapshot.
public final class EffectFeed: Sendable {
  let ring: LineRing
  private let wanted = Atomic<Bool>(false)
  private let lostFlag = Atomic<Bool>(false)
  private let durable = Atomic<UInt64>(0)

  init(capacity: Int) { ring = LineRing(capacity: capacity) }

  /// Whether anybody watches; set by the gateway.
  public var isWanted: Bool {
    get { wanted.load(ordering: .relaxed) }
    set { wanted.store(newValue, ordering: .relaxed) }
  }

  /// Hands the effects below a journal offset to `body`, in order.
  public func drain(below offset: UInt64, _ body: (Effect) -> Void) {
    while ring.available > 0 {
      let effect = ring.load(ring.readIndex, as: Effect.self)
      if effect.offset >= offset { return }
      body(effect)
      ring.release(1)
    }
  }

  /// Whether effects were dropped since the last call.
  public func takeLost() -> Bool { lostFlag.exchange(false, ordering: .acquiringAndReleasing) }
  func setLost() { lostFlag.store(true, ordering: .releasing) }

  /// Effects below this journal offset may be shown: they are durable.
  public internal(set) var durableThrough: UInt64 {
    get { durable.load(ordering: .acquiring) }
    set { durable.store(newValue, ordering: .releasing) }
  }
}

/// A partition that reads are answered from: the hunt itself, or a fork of it.
package class HuntView: @unchecked Sendable {
  final let entry: HuntEntry
  package final var partition: Partition
  final let journal: JournalDisk
  final let pool: PagePool

  init(_ entry: HuntEntry, _ partition: consuming Partition) {
    self.entry = entry
    self.partition = partition
    journal = entry.journal
    pool = entry.pool
  }
}

/// One hunt on its partition's thread; only that thread touches it once it is attached.
package final class HostedHunt: HuntView, @unchecked Sendable {
  var effects: EffectBuffer?
  let forks: HuntForks
  /// Whether lines were published to the journal since its bell was last rung.
  var hasJournalled = false
  package internal(set) var hasFailed = false

  override init(_ entry: HuntEntry, _ partition: consuming Partition) {
    effects = EffectBuffer(capacity: 8_192)
    forks = entry.forks
    super.init(entry, partition)
  }
}
