import Bounded
import CSystem
public import Disk
import Events
public import Hunt
import Journal
import Pages
public import Partitions
import World

/// A hunt brought back from its folder: newest good snapshot, then the journal behind it.
struct HuntRecovery: ~Copyable {
  var partition: Partition
  let journal: RecoveredJournal
  /// The snapshot that it began with; nil when the whole journal was replayed.
  let snapshot: SnapshotHeader?

  consuming func takePartition() -> Partition { partition }

  /// - Parameters:
  ///   - pool: Of at least `Partition.pagesNeeded`, all its pages free.
  ///   - warn: Gets a line about each snapshot that cannot be used.
  /// - Throws: Where the journal is damaged, or neither a snapshot nor the whole journal is there.
  static func run(
    _ folder: HuntFolder, _ definition: HuntDefinition, _ map: BlockMap,
    _ manifest: HuntFolder.Manifest, pool: PagePool, digestEvery: UInt64, heldLines: Int,
    warn: (String) -> Void
  ) throws(HuntFolderFault) -> HuntRecovery {
    let files = SnapshotFiles(folder, definition, map, manifest)
    let segments = folder.segments(manifest)
    var skipped = 0
    let offsets: [UInt64]
    do throws(DiskFault) { offsets = try files.offsets() } catch { throw .disk(error) }
    for offset in offsets.reversed() {
      do throws(SnapshotFault) {
        let partition = try files.load(
          offset, pool: pool, digestEvery: digestEvery, heldLines: heldLines)
        return try replay(partition, segments, try files.header(offset))
      } catch {
        if case .journal(let fault) = error { throw .journal(fault) }
        skipped += 1
        warn("a snapshot is left out: \(error)")
      }
    }
    do throws(JournalFault) {
      let first = try segments.firstNumber()
      if let first, first > 1, skipped > 0 {
        throw .removed(
          path: segments.path(first), before: try segments.firstOffset(first) ?? 0, wanted: 0)
      }
    } catch { throw .journal(error) }
    let partition = Partition(
      definition, map: map, number: manifest.number, digestEvery: digestEvery,
      heldLines: heldLines, pool: pool)
    do throws(SnapshotFault) { return try replay(partition, segments, nil) } catch {
      if case .journal(let fault) = error { throw .journal(fault) }
      throw .damaged(path: folder.path, reason: "\(error)")
    }
  }

  private static func replay(
    _ partition: consuming Partition, _ segments: Segments, _ snapshot: SnapshotHeader?
  ) throws(SnapshotFault) -> HuntRecovery {
    var partition = partition
    var effects = EffectBuffer(capacity: 1)
    do throws(JournalFault) {
      let journal = try segments.recover(
        from: snapshot?.place ?? JournalPlace(), through: snapshot?.offset ?? 0, repairTail: true
      ) { frame throws(InconsistentJournal) in
        try replayFrame(frame, into: &partition, &effects)
      }
      return HuntRecovery(partition: partition, journal: journal, snapshot: snapshot)
    } catch { throw .journal(error) }
  }
}

/// Applies the events of one recovered frame that lie at or behind the partition's next offset (the
/// first frame after a snapshot may begin before it) and below `through`.
///
/// - Parameter checksDigests: Whether a digest that differs ends the replay, naming its tables.
public func replayFrame(
  _ frame: RecoveredFrame, into partition: inout Partition, _ effects: inout EffectBuffer,
  through: UInt64 = .max, checksDigests: Bool = true
) throws(InconsistentJournal) {
  // Rows are fetched ahead as in a step, where the segment's length lets it be read as lines.
  let count = Int(frame.header.count)
  let next = partition.nextOffset
  let skipped =
    next > frame.header.firstOffset ? Int(clamping: next - frame.header.firstOffset) : 0
  let isLines = frame.bytes.byteCount & (frame.bytes.byteCount - 1) == 0
  let lines = LineRun(frame.bytes, first: frame.eventsAt / 64, count: isLines ? count : 0)
  let first = frame.header.firstOffset
  let end = through > first ? min(count, Int(clamping: through - first)) : 0
  for at in min(skipped, end)..<end {
    if at + 12 < lines.count {
      partition.state.prefetchIndex(player: lines.load(at + 12, byte: 24, as: UInt64.self))
      partition.state.prefetchRow(lines, at + 6)
    }
    let event = frame.bytes.load(frame.eventsAt + at * 64, as: Event.self)
    if !checksDigests && event.kindByte == EventKind.digest.rawValue {
      partition.passDigest(event)
      continue
    }
    do throws(ReplayFault) {
      try partition.replay(event, &effects)
    } catch {
      guard case .digest = error.reason else { throw InconsistentJournal("\(error.reason)") }
      let tables = partition.tables(ofSlice: DigestMark(event).slice)
      throw InconsistentJournal("\(error.reason) differs: \(tables.joined(separator: ", "))")
    }
  }
}
