import Authoring
import Disk
import Journal
import Machine
import Pages
import Partitions
import Synchronization

/// The snapshots that one hunt has made and is making; any thread may ask.
package final class SnapshotTrail: Sendable {
  /// What is known of the last snapshot, for metrics.
  package struct Status: Sendable {
    var last: SnapshotHeader?
    /// When it was taken, ms since 1970.
    var takenMs: Int64 = 0
    /// How long it took until it had its name.
    var tookMs: Int64 = 0
    /// Snapshots since the last full one.
    var sinceFull = 0
    package var failures: UInt64 = 0
    package var written: UInt64 = 0
    package var compressedSegments: UInt64 = 0
    package var removedSegments: UInt64 = 0
  }

  /// For `sinceFull`: the next one is full.
  private static let unknown = Int.max - 1

  let name: String
  let files: SnapshotFiles
  let segments: Segments
  private let held: Mutex<Status>
  /// Whether a snapshot is being written, or segments are put away.
  private let busy = Atomic<Bool>(false)
  private let cancelled = Atomic<Bool>(false)
  /// Offset and time that the cadence counts from: of the last snapshot, or the last attempt.
  private let countedOffset: Atomic<UInt64>
  private let countedMs: Atomic<Int64>

  init(name: String, files: SnapshotFiles, segments: Segments, last: SnapshotHeader?, nowMs: Int64)
  {
    self.name = name
    self.files = files
    self.segments = segments
    var status = Status()
    status.last = last
    status.takenMs = last == nil ? 0 : nowMs
    // What follows a restart is full: what changed since is not known.
    status.sinceFull = Self.unknown
    held = Mutex(status)
    countedOffset = Atomic(last?.offset ?? 0)
    countedMs = Atomic(nowMs)
  }

  package var status: Status { held.withLock { $0 } }
  func update(_ change: @Sendable (inout Status) -> Void) { held.withLock { change(&$0) } }

  /// Whether a snapshot is due at journal offset `offset`.
  func isDue(_ offset: UInt64, nowMs: Int64, _ settings: Settings) -> Bool {
    if busy.load(ordering: .relaxed) { return false }
    let since = offset - min(offset, countedOffset.load(ordering: .relaxed))
    if since == 0 { return false }
    if since >= UInt64(settings.snapshotEveryEvents) { return true }
    return nowMs - countedMs.load(ordering: .relaxed) >= Int64(settings.snapshotEveryMs)
  }

  /// The cadence counts from here; false when a snapshot is under way.
  func begin(_ offset: UInt64, nowMs: Int64) -> Bool {
    if busy.exchange(true, ordering: .acquiringAndReleasing) { return false }
    countedOffset.store(offset, ordering: .relaxed)
    countedMs.store(nowMs, ordering: .relaxed)
    return true
  }

  func end() { busy.store(false, ordering: .releasing) }
  var isBusy: Bool { busy.load(ordering: .acquiring) }

  /// Ends what is under way, and waits until it has ended.
  func cancelAndWait() {
    cancel()
    while isBusy { ThisMachine.sleep(ns: 1_000_000) }
  }

  func cancel() { cancelled.store(true, ordering: .releasing) }
  func resume() { cancelled.store(false, ordering: .releasing) }
  var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

  /// Makes the next snapshot a full one: what an image was to hold, which has no name yet or never
  /// gets one, would be missing from an increment.
  func forgetBase() { update { $0.sinceFull = Self.unknown } }

  // MARK: Writing

  /// Writes a snapshot of `image`, on any thread.
  func write(
    _ image: inout PartitionImage, _ journal: JournalDisk, _ settings: Settings, nowMs: Int64,
    isPaced: Bool
  ) throws(SnapshotFault) {
    let start = ThisMachine.monotonicNs
    let offset = image.mark.offset
    let status = status
    let scope = SnapshotScope.choose(
      image, last: status.last, sinceFull: status.sinceFull, fullEvery: settings.snapshotFullEvery)
    forgetBase()
    let header = try files.write(
      &image, scope, bytesPerSecond: isPaced ? settings.snapshotRate : 0,
      isCancelled: { [self] in isCancelled },
      place: { () throws(SnapshotFault) in
        try waitUntilFlushed(offset, journal)
        return try place(of: offset)
      })
    let took = (ThisMachine.monotonicNs - start) / 1_000_000
    update {
      $0.last = header
      $0.takenMs = nowMs
      $0.tookMs = took
      $0.sinceFull = scope.isFull ? 0 : status.sinceFull + 1
      $0.written += 1
    }
  }

  /// Where the journal goes on behind a snapshot of `offset`, all of which is flushed.
  private func place(
    of offset: UInt64
  ) throws(SnapshotFault) -> (JournalPlace, tick: Int64) {
    do throws(JournalFault) {
      var reader = try JournalReader(segments, from: offset - 1, to: offset)
      guard let frame = try reader.next() else {
        throw JournalFault.damaged(
          path: segments.folder, byte: 0, offset: offset, fault: "flushed, and not there")
      }
      return (reader.place, frame.header.tick)
    } catch { throw .journal(error) }
  }

  /// Returns when everything below `offset` is flushed.
  private func waitUntilFlushed(
    _ offset: UInt64, _ journal: JournalDisk
  ) throws(SnapshotFault) {
    while journal.flushedThrough < offset {
      if journal.hasFailed || isCancelled {
        throw .disk(DiskFault("write (cancelled)", files.path(offset), errno: 125))  // ECANCELED
      }
      ThisMachine.sleep(ns: 2_000_000)
    }
  }

  /// Removes what a crash left of files that had no name yet.
  func tidy() throws(DiskFault) {
    for folder in [files.folder, segments.folder] where Files.exists(folder) {
      for name in try Files.list(folder)
      where name.hasSuffix(".vs.new") || name.hasSuffix(".zst.new") {
        try Files.remove(folder + "/" + name)
      }
    }
  }
}
