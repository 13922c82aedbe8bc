import Authoring
import Bus
import Disk
import Journal
import Machine
import Partitions

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
final class Snapshotter: Sendable {
  // Each hunt has one job at most.
  private let thread = JobThread(
    name: "vx-snapshot", waitingMax: Engine.huntCountMax, atStop: .done, isIdle: true)
  private let settings: Settings
  private let clock: EngineClock
  private let log: Engine.Log

  init(_ settings: Settings, clock: EngineClock, log: @escaping Engine.Log) {
    self.settings = settings
    self.clock = clock
    self.log = log
  }

  /// Writes a snapshot in the background; the trail has begun. At most one a hunt waits.
  func write(_ box: ImageBox, _ entry: HuntEntry) {
    let trail = entry.snapshots
    let journal = entry.journal
    do throws(JobRefusal) {
      try thread.submit { [self] in
        writeNow(box, trail, journal, isPaced: true)
        box.drop()
        putAway(entry)
        trail.end()
      }
    } catch {
      box.drop()
      trail.forgetBase()
      failed(trail, "\(error)")
      trail.end()
    }
  }

  /// Puts what is old away in the background; for what an earlier run left.
  func tidy(_ entry: HuntEntry) {
    let trail = entry.snapshots
    guard trail.begin(trail.status.last?.offset ?? 0, nowMs: clock.nowMs) else { return }
    do throws(JobRefusal) {
      try thread.submit { [self] in
        putAway(entry)
        trail.end()
      }
    } catch { trail.end() }  // the next snapshot does it
  }

  /// Writes a snapshot on the calling thread.
  func writeNow(_ box: ImageBox, _ trail: SnapshotTrail, _ journal: JournalDisk, isPaced: Bool) {
    do throws(SnapshotFault) {
      if thread.isStopping && isPaced { return trail.forgetBase() }
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

  private func putAway(_ entry: HuntEntry) {
    let trail = entry.snapshots
    do throws(JournalFault) { try entry.retention.putAway(settings, trail) } catch {
      if trail.isCancelled { return }
      log(.warning, "hunt \(trail.name): what is old is kept as it is: \(error)")
    }
  }

  /// Ends the thread; what is being written is given up.
  func stop(_ trails: [SnapshotTrail]) {
    for trail in trails { trail.cancel() }
    thread.stop()
    for trail in trails { trail.resume() }
  }
}
