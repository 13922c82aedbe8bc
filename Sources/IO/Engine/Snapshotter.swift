import Authoring
import Bus
import Disk
import Journal
import Machine
import Partitions
import Synchronization

/// A partition's image on its way to the thread that writes and drops it.
final class ImageBox: @unchecked Sendable {
  private var image: PartitionImage?
  init(_ image: consuming PartitionImage) { self.image = consume image }

  func read(
    _ body: (inout PartitionImage) throws(SnapshotFault) -> Void
  ) throws(SnapshotFault) {
    guard var held = image.take() else { return }
    do throws(SnapshotFault) { try body(&held) } catch {
      image = consume held
      throw error
    }
    image = consume held
  }

  func drop() { image = nil }
}

/// The thread that writes snapshots and puts old segments away: one an engine, of low priority, one
/// file at a time.
final class Snapshotter: @unchecked Sendable {
  private let bell = Doorbell()
  private let jobs = Mutex<[@Sendable () -> Void]>([])
  private let stopping = Atomic<Bool>(false)
  private var thread: OSThread?
  private let settings: Settings
  private let clock: EngineClock
  private let log: Engine.Log

  init(_ settings: Settings, clock: EngineClock, log: @escaping Engine.Log) {
    self.settings = settings
    self.clock = clock
    self.log = log
    thread = OSThread(name: "vx-snapshot") { [self] in
      ThisMachine.runWhenIdle()
      while true {
        let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if let job {
          job()
        } else if stopping.load(ordering: .acquiring) {
          return
        } else {
          bell.wait(timeoutNs: 1_000_000_000) {
            jobs.withLock { !$0.isEmpty } || stopping.load(ordering: .acquiring)
          }
        }
      }
    }
  }

  /// Writes a snapshot in the background; the trail has begun. At most one a hunt waits.
  func write(_ box: ImageBox, _ entry: HuntEntry) {
    let trail = entry.snapshots
    let journal = entry.journal
    submit { [self] in
      writeNow(box, trail, journal, isPaced: true)
      box.drop()
      retain(trail)
      trail.end()
    }
  }

  /// Puts old segments away in the background; for what an earlier run left.
  func tidy(_ trail: SnapshotTrail) {
    guard trail.begin(trail.status.last?.offset ?? 0, nowMs: clock.nowMs) else { return }
    submit { [self] in
      retain(trail)
      trail.end()
    }
  }

  private func submit(_ job: @escaping @Sendable () -> Void) {
    jobs.withLock { $0.append(job) }
    bell.ring()
  }

  /// Writes a snapshot on the calling thread.
  func writeNow(_ box: ImageBox, _ trail: SnapshotTrail, _ journal: JournalDisk, isPaced: Bool) {
    do throws(SnapshotFault) {
      if stopping.load(ordering: .acquiring) && isPaced { return trail.forgetBase() }
      try box.read { image throws(SnapshotFault) in
        try trail.write(&image, journal, settings, nowMs: clock.nowMs, isPaced: isPaced)
      }
    } catch {
      if trail.isCancelled { return }
      failed(trail, "\(error)")
    }
  }

  /// Counts a snapshot that was not made, and says why.
  func failed(_ trail: SnapshotTrail, _ reason: String) {
    trail.update { $0.failures += 1 }
    log(.warning, "hunt \(trail.name): no snapshot was made: \(reason)")
  }

  private func retain(_ trail: SnapshotTrail) {
    do throws(JournalFault) { try trail.retain(settings) } catch {
      if trail.isCancelled { return }
      log(.warning, "hunt \(trail.name): old segments are kept as they are: \(error)")
    }
  }

  /// Ends the thread; what is being written is given up.
  func stop(_ trails: [SnapshotTrail]) {
    stopping.store(true, ordering: .releasing)
    for trail in trails { trail.cancel() }
    bell.ring()
    thread?.join()
    thread = nil
    for trail in trails { trail.resume() }
  }
}
