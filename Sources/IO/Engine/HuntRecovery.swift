import Bounded
public import Disk
import Events
public import Hunt
public import Journal
public import Pages
public import Partitions
public import World

/// A hunt brought back from its folder: the newest good snapshot, then the journal behind it, along
/// the hunt's own line of history.
public struct HuntRecovery: ~Copyable {
  public private(set) var partition: Partition
  public let journal: RecoveredJournal
  /// The snapshot that it began with; nil when the whole journal was replayed.
  public let snapshot: SnapshotHeader?

  public consuming func takePartition() -> Partition { partition }

  /// How a hunt is to be brought back.
  public struct Wish {
    /// Nil to begin at the journal's beginning.
    public var usesSnapshots = true
    /// Whether a torn end of the journal is cut on disk.
    public var repairsTail = true
    public var digestEvery: UInt64
    public var heldLines = 4_096

    public init(digestEvery: UInt64) { self.digestEvery = digestEvery }
  }

  /// - Parameters:
  ///   - pool: Of at least `Partition.pagesNeeded`, all its pages free.
  ///   - warn: Gets a line about each snapshot that cannot be used.
  ///   - see: Called for each frame before it is replayed.
  /// - Throws: Where the journal is damaged, or neither a snapshot nor the whole journal is there.
  public static func run(
    _ folder: HuntFolder, _ definition: HuntDefinition, _ map: BlockMap,
    _ manifest: HuntFolder.Manifest, pool: PagePool, _ wish: Wish, warn: (String) -> Void,
    see: (RecoveredFrame) -> Void = { _ in }
  ) throws(HuntFolderFault) -> HuntRecovery {
    let source = RecoverySource(
      folder: folder, files: SnapshotFiles(folder, definition, map, manifest),
      segments: folder.segments(manifest), definition: definition, map: map, manifest: manifest,
      pool: pool, wish: wish)
    // What the journal says of promotions is learnt while it is replayed: where a mark names a line
    // that is not known yet, the replay begins again with it.
    var history = try source.startHistory(warn)
    while true {
      switch try source.recover(history, warn, see) {
      case .done(let snapshot, let journal):
        guard let partition = source.take() else { preconditionFailure("recovered nothing") }
        return HuntRecovery(partition: partition, journal: journal, snapshot: snapshot)
      case .promotion(let mark, let offset):
        let hash = Hash128(high: mark.high, low: mark.low)
        let lineage = try folder.branches.read(mark.number, hash: hash)
        history.append(History.Promotion(offset: offset, lineage: lineage))
      }
    }
  }
}

/// One recovery under way.
private final class RecoverySource {
  enum Outcome {
    case done(SnapshotHeader?, RecoveredJournal)
    /// Another line begins at this offset, and the history given does not know it.
    case promotion(PromotionMark, UInt64)
  }

  let folder: HuntFolder
  let files: SnapshotFiles
  let segments: Segments
  let definition: HuntDefinition
  let map: BlockMap
  let manifest: HuntFolder.Manifest
  let pool: PagePool
  let wish: HuntRecovery.Wish
  private var partition: Partition?
  /// Snapshots that cannot be used.
  private var refused: Set<UInt64> = []

  init(
    folder: HuntFolder, files: SnapshotFiles, segments: Segments, definition: HuntDefinition,
    map: BlockMap, manifest: HuntFolder.Manifest, pool: PagePool, wish: HuntRecovery.Wish
  ) {
    self.folder = folder
    self.files = files
    self.segments = segments
    self.definition = definition
    self.map = map
    self.manifest = manifest
    self.pool = pool
    self.wish = wish
  }

  func take() -> Partition? { partition.take() }

  /// Offsets of snapshots not refused yet, the newest first.
  private func offsets() throws(HuntFolderFault) -> [UInt64] {
    guard wish.usesSnapshots else { return [] }
    do throws(DiskFault) {
      return try files.offsets().reversed().filter { !refused.contains($0) }
    } catch { throw .disk(error) }
  }

  private func refuse(_ offset: UInt64, _ fault: SnapshotFault, _ warn: (String) -> Void) {
    refused.insert(offset)
    warn("a snapshot is left out: \(fault)")
  }

  /// The promotions that the newest readable snapshot contains.
  func startHistory(_ warn: (String) -> Void) throws(HuntFolderFault) -> History {
    for offset in try offsets() {
      do throws(SnapshotFault) {
        let count = try files.header(offset).branches
        return try history(count)
      } catch {
        if case .journal(let fault) = error { throw .journal(fault) }
        refuse(offset, error, warn)
      }
    }
    return History()
  }

  private func history(_ count: UInt32) throws(SnapshotFault) -> History {
    do throws(HuntFolderFault) {
      return try folder.branches.history(count, segments)
    } catch {
      throw .damaged(path: folder.branchesPath, byte: 0, reason: "\(error)")
    }
  }

  /// Replays along the history's current line, from the newest snapshot which that line does not
  /// differ before.
  func recover(
    _ history: History, _ warn: (String) -> Void, _ see: (RecoveredFrame) -> Void
  ) throws(HuntFolderFault) -> Outcome {
    partition = nil
    let line = Line(history.current, history)
    for offset in try offsets() {
      do throws(SnapshotFault) {
        let header = try files.header(offset)
        guard header.branches <= history.count,
          history.current.firstDifference(from: history.lineage(header.branches)) >= offset
        else { continue }
        partition = try files.load(
          offset, along: line, pool: pool, digestEvery: wish.digestEvery,
          heldLines: wish.heldLines)
        return try replay(header, see)
      } catch {
        if case .journal(let fault) = error { throw .journal(fault) }
        refuse(offset, error, warn)
      }
    }
    do throws(JournalFault) {
      if let first = try segments.firstNumber(), first > 1 {
        throw .removed(
          path: segments.path(first), before: try segments.firstOffset(first) ?? 0, wanted: 0)
      }
    } catch { throw .journal(error) }
    var beginning = Partition(
      definition, map: map, number: manifest.number, digestEvery: wish.digestEvery,
      heldLines: wish.heldLines, pool: pool)
    beginning.follow(line)
    partition = consume beginning
    do throws(SnapshotFault) { return try replay(nil, see) } catch {
      if case .journal(let fault) = error { throw .journal(fault) }
      throw .damaged(path: folder.path, reason: "\(error)")
    }
  }

  private func replay(
    _ snapshot: SnapshotHeader?, _ see: (RecoveredFrame) -> Void
  ) throws(SnapshotFault) -> Outcome {
    guard var partition = partition.take() else { preconditionFailure("nothing to replay into") }
    var effects = EffectBuffer(capacity: 1)
    var next: (mark: PromotionMark, offset: UInt64)?
    do throws(JournalFault) {
      let journal = try segments.recover(
        from: snapshot?.place ?? JournalPlace(), through: snapshot?.offset ?? 0,
        repairTail: wish.repairsTail
      ) { frame throws(InconsistentJournal) in
        see(frame)
        do throws(ReplayFault) {
          try replayFrame(frame, into: &partition, &effects)
        } catch {
          if case .promotion(let mark) = error.reason { next = (mark, error.offset) }
          throw InconsistentJournal("\(error.reason)")
        }
      }
      self.partition = consume partition
      return .done(snapshot, journal)
    } catch {
      guard let next, next.mark.number == partition.line.history.count + 1 else {
        throw .journal(error)
      }
      return .promotion(next.mark, next.offset)
    }
  }
}

/// Applies the events of one recovered frame that lie at or behind the partition's next offset: the
/// first frame after a snapshot may begin before it.
func replayFrame(
  _ frame: RecoveredFrame, into partition: inout Partition, _ effects: inout EffectBuffer
) throws(ReplayFault) {
  // Rows are fetched ahead as in a step, where the segment's length lets it be read as lines.
  let count = Int(frame.header.count)
  let next = partition.nextOffset
  let skipped =
    next > frame.header.firstOffset ? Int(clamping: next - frame.header.firstOffset) : 0
  let isLines = frame.bytes.byteCount & (frame.bytes.byteCount - 1) == 0
  let lines = LineRun(frame.bytes, first: frame.eventsAt / 64, count: isLines ? count : 0)
  for at in min(skipped, count)..<count {
    if at + 12 < lines.count {
      partition.state.prefetchIndex(player: lines.load(at + 12, byte: 24, as: UInt64.self))
      partition.state.prefetchRow(lines, at + 6)
    }
    let event = frame.bytes.load(frame.eventsAt + at * 64, as: Event.self)
    _ = try partition.replay(event, &effects)
  }
}
