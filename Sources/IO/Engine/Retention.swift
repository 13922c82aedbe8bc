import Authoring
import Disk
import Journal
import Machine
import Partitions
import Synchronization

/// What of a hunt's past stays on the disk, and the putting away of the rest.
///
/// A snapshot stays while it is one of the newest, or one of the newest from which a line of
/// history can be begun that the hunt may have to go along after a restart: its own, or that of a
/// fork which may be promoted. A segment stays while a snapshot that stays needs it, such a line
/// has no snapshot, or somebody holds it who reads.
package final class Retention: Sendable {
  private let files: SnapshotFiles
  private let segments: Segments
  private let forks: HuntForks
  /// Held while files are removed, and while somebody finds out what there is to begin with.
  private let removing = Mutex<Void>(())
  /// Journal offsets of those who read the past, by hold.
  private let holds = Mutex<(next: UInt64, offsets: [UInt64: UInt64])>((0, [:]))

  init(_ files: SnapshotFiles, _ segments: Segments, _ forks: HuntForks) {
    self.files = files
    self.segments = segments
    self.forks = forks
  }

  // MARK: Readers

  /// Runs `body` while nothing is removed: what it finds is still there when it holds it.
  func whileAllStays<Result: ~Copyable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    removing.letHolderRun()
    return try removing.withLock { (_) throws(Failure) -> Result in try body() }
  }

  /// Keeps the journal from `offset` on until the hold is let go of.
  func hold(from offset: UInt64) -> PastHold {
    let id = holds.withLock { holds in
      holds.next += 1
      holds.offsets[holds.next] = offset
      return holds.next
    }
    return PastHold(self, id)
  }

  /// Keeps all that there is.
  func holdAll() -> PastHold { whileAllStays { hold(from: 0) } }

  fileprivate func move(_ id: UInt64, to offset: UInt64) {
    holds.withLock { $0.offsets[id] = offset }
  }

  fileprivate func release(_ id: UInt64) {
    holds.withLock { _ = $0.offsets.removeValue(forKey: id) }
  }

  // MARK: Lines

  /// Keeps what a restart needs to go along the line that a fork has once it is promoted, for as
  /// long as the fork lives; where some of that is gone already, the fork keeps nothing.
  func keep(_ line: Line, for record: ForkRecord) throws(JournalFault) {
    try whileAllStays { () throws(JournalFault) in
      let isWhole = try segments.firstNumber() ?? 1 == 1
      let starts = try snapshots().lastOn(line, 1)
      if isWhole || !starts.isEmpty { record.status.withLock { $0.line = line } }
    }
  }

  /// The snapshots that can be begun with, as far as headers tell, ascending.
  private func snapshots() throws(JournalFault) -> [SnapshotHeader] {
    try chains().compactMap(\.last)
  }

  /// Each of them behind those that it builds on.
  ///
  /// - Throws: Where the disk does not answer: what cannot be read now may be good.
  private func chains() throws(JournalFault) -> [[SnapshotHeader]] {
    var good: [[SnapshotHeader]] = []
    for offset in try offsets() {
      do throws(SnapshotFault) { good.append(try files.chain(offset)) } catch {
        if case .disk(let fault) = error { throw .disk(fault) }
      }
    }
    return good
  }

  private func offsets() throws(JournalFault) -> [UInt64] {
    try disk { () throws(DiskFault) in try files.offsets() }
  }

  private func disk<Result>(
    _ body: () throws(DiskFault) -> Result
  ) throws(JournalFault) -> Result {
    do throws(DiskFault) { return try body() } catch { throw .disk(error) }
  }

  // MARK: Putting away

  /// Removes snapshots that are too old, and puts away segments as the settings say.
  ///
  /// - Parameter trail: Counts what is put away, and tells when to give up.
  func putAway(_ settings: Settings, _ trail: SnapshotTrail) throws(JournalFault) {
    try whileAllStays { () throws(JournalFault) in
      try prune(keep: settings.snapshotKeep)
      if settings.journalRetention == .remove { try remove(keep: settings.snapshotKeep, trail) }
    }
    // Whoever reads a segment finds it in one form or the other.
    if settings.journalRetention == .compress { try compress(settings, trail) }
  }

  /// Removes the snapshots that nothing needs, nor what is needed builds on.
  private func prune(keep: Int) throws(JournalFault) {
    let offsets = try offsets()
    if offsets.count <= keep { return }
    // A snapshot takes the place of others once a power cut leaves it its name.
    try disk { () throws(DiskFault) in try Files.flushFolder(files.folder) }
    let chains = try chains()
    let headers = chains.compactMap(\.last)
    var wanted = headers.suffix(keep).map(\.offset)
    for line in forks.linesAhead { wanted += headers.lastOn(line, keep).map(\.offset) }
    // A damaged one is left for people to look at while it is among the newest.
    var needed = Set(offsets.suffix(keep))
    for chain in chains where wanted.contains(chain[chain.count - 1].offset) {
      needed.formUnion(chain.map(\.offset))
    }
    // What builds on another goes before it: at no moment is there an increment without its base.
    for offset in offsets.reversed() where !needed.contains(offset) {
      try disk { () throws(DiskFault) in
        if Files.exists(files.sparePath) {
          try Files.remove(files.path(offset))
        } else {
          try Files.rename(files.path(offset), files.sparePath)
        }
      }
    }
  }

  /// Removes the segments that nothing needs.
  private func remove(keep: Int, _ trail: SnapshotTrail) throws(JournalFault) {
    guard let first = try firstNeeded(keep: keep) else { return }
    let numbers = try disk { () throws(DiskFault) in try segments.numbers() }
    guard let oldest = numbers.first, oldest < first else { return }
    let start = try segments.firstOffset(first) ?? 0
    try disk { () throws(DiskFault) in
      // Later nobody could look for the marks in the journal.
      try forks.branches.notePlaces(of: forks.history, below: start)
      for number in numbers where number < first {
        if trail.isCancelled { return }
        let compressed = segments.compressedPath(number)
        if Files.exists(compressed) { try Files.remove(compressed) }
        if Files.exists(segments.path(number)) { try segments.discard(number) }
        trail.update { $0.removedSegments += 1 }
      }
    }
  }

  /// Compresses the segments that every snapshot has behind it.
  private func compress(_ settings: Settings, _ trail: SnapshotTrail) throws(JournalFault) {
    guard let first = try firstOfSnapshots() else { return }
    let numbers = try disk { () throws(DiskFault) in try segments.numbers() }
    for number in numbers where number < first && Files.exists(segments.path(number)) {
      if trail.isCancelled { return }
      // It reads twice what it writes a fifth of, and is in no hurry.
      _ = try segments.compress(number, bytesPerSecond: settings.snapshotRate / 2) {
        trail.isCancelled
      }
      trail.update { $0.compressedSegments += 1 }
    }
  }

  /// The first segment that must stay; nil when all must.
  private func firstNeeded(keep: Int) throws(JournalFault) -> UInt64? {
    guard var first = try firstOfSnapshots() else { return nil }
    let headers = try snapshots()
    for line in forks.linesAhead where headers.lastOn(line, keep).isEmpty { return nil }
    let held = holds.withLock { $0.offsets.values.min() }
    guard let held else { return first }
    while first > 1, segments.exists(first), try segments.firstOffset(first) ?? .max > held {
      first -= 1
    }
    return first
  }

  /// The first segment that some snapshot needs; nil when there is no snapshot, or one of them
  /// cannot be read, which might become the only one.
  private func firstOfSnapshots() throws(JournalFault) -> UInt64? {
    let headers = try snapshots()
    guard headers.count == (try offsets().count) else { return nil }
    return headers.map(\.segment).min()
  }
}

/// Keeps a part of a hunt's journal from being removed for as long as it lives.
final class PastHold: Sendable {
  private let retention: Retention
  private let id: UInt64

  fileprivate init(_ retention: Retention, _ id: UInt64) {
    self.retention = retention
    self.id = id
  }

  deinit { retention.release(id) }

  /// What lies before `offset` is no longer needed.
  func move(to offset: UInt64) { retention.move(id, to: offset) }
}

extension Line {
  /// Whether what a snapshot holds lies on the line.
  func holds(_ snapshot: SnapshotHeader) -> Bool {
    snapshot.branches <= history.count
      && lineage.firstDifference(from: history.lineage(snapshot.branches)) >= snapshot.offset
  }
}

extension [SnapshotHeader] {
  /// The newest `count` of them that lie on a line.
  fileprivate func lastOn(_ line: Line, _ count: Int) -> ArraySlice<SnapshotHeader> {
    filter { line.holds($0) }.suffix(count)
  }
}
