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
  public let findings: Findings

  public consuming func takePartition() -> Partition { partition }

  /// How a hunt is to be brought back.
  public struct Wish {
    public enum Start {
      case newestSnapshot
      /// The journal's first event, or the oldest snapshot where the journal before it was removed.
      case beginning
    }
    public var start = Start.newestSnapshot
    /// The line to go along; nil for the hunt's own, which is learnt on the way. Its history must
    /// know every promotion below `through`.
    public var line: Line?
    /// Events at this journal offset and behind it are not replayed. Where one is named, the
    /// journal behind it is not looked at.
    public var through = UInt64.max
    /// Whether files are mended: a torn end of the journal is cut on disk, and places of promotions
    /// that had to be searched are noted.
    public var mendsFiles = true
    /// Whether each snapshot on the way is compared with the state there.
    public var comparesSnapshots = false
    public var digestEvery: UInt64
    public var heldLines = 4_096

    public init(digestEvery: UInt64) { self.digestEvery = digestEvery }
  }

  /// What was met on the way.
  public struct Findings: Equatable, Sendable {
    /// Journalled digests.
    public var marks = 0
    /// Snapshots that agree with the replay, page by page.
    public var snapshots = 0
    /// Snapshots of a line of history that was left since, with which it cannot be compared.
    public var snapshotsElsewhere = 0
    /// What does not agree.
    public var complaints: [String] = []

    public init() {}
  }

  /// - Parameters:
  ///   - pool: Of at least `Partition.pagesNeeded`, all its pages free.
  ///   - warn: Gets a line about each snapshot that cannot be used.
  /// - Throws: Where the journal is damaged, or neither a snapshot nor the whole journal is there.
  ///   Where a digest differs the reason names its tables; where snapshots are compared, also the
  ///   row that differs first in the next of them.
  public static func run(
    _ folder: HuntFolder, _ definition: HuntDefinition, _ map: Topology,
    _ manifest: HuntFolder.Manifest, pool: PagePool, _ wish: Wish, warn: (String) -> Void
  ) throws(HuntFolderFault) -> HuntRecovery {
    let source = RecoverySource(
      folder: folder, files: SnapshotFiles(folder, definition, map, manifest),
      segments: folder.segments(manifest), definition: definition, map: map, manifest: manifest,
      pool: pool, wish: wish)
    // What the journal says of promotions is learnt while it is replayed: where a mark names a line
    // that is not known yet, the replay begins again with it. Where a line cannot be begun any
    // more, as it was left since, the marks behind it are looked for.
    var history: History
    if let line = wish.line {
      history = line.history
    } else {
      history = try source.startHistory(warn)
    }
    while true {
      switch try source.recover(history, warn) {
      case .done(let snapshot, let journal):
        guard let partition = source.take() else { preconditionFailure("recovered nothing") }
        let known = history.known(at: partition.nextOffset)
        if wish.line == nil && wish.through == .max && known.count < history.count {
          // The mark lies behind what is now the journal's end: it was lost.
          history = known
          continue
        }
        return HuntRecovery(
          partition: partition, journal: journal, snapshot: snapshot, findings: source.findings)
      case .promotion(let mark, let offset):
        let hash = Hash128(high: mark.high, low: mark.low)
        let lineage = try folder.branches.read(mark.number, hash: hash)
        history.append(History.Promotion(offset: offset, lineage: lineage))
      case .noStart(let fault):
        guard wish.line == nil, let next = try folder.branches.next(history, source.segments)
        else { throw fault }
        history.append(next)
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
    /// Neither a snapshot nor the journal's beginning is there to begin the line with.
    case noStart(HuntFolderFault)
  }

  let folder: HuntFolder
  let files: SnapshotFiles
  let segments: Segments
  let definition: HuntDefinition
  let map: Topology
  let manifest: HuntFolder.Manifest
  let pool: PagePool
  let wish: HuntRecovery.Wish
  private var partition: Partition?
  private(set) var findings = HuntRecovery.Findings()
  /// Snapshots that cannot be used, and why the newest of them cannot.
  private var refused: Set<UInt64> = []
  private var refusal: HuntFolderFault?

  init(
    folder: HuntFolder, files: SnapshotFiles, segments: Segments, definition: HuntDefinition,
    map: Topology, manifest: HuntFolder.Manifest, pool: PagePool, wish: HuntRecovery.Wish
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

  /// Offsets of the snapshots that may be begun with and are not refused yet, the best first.
  private func starts() throws(HuntFolderFault) -> [UInt64] {
    let offsets = try offsets().filter { !refused.contains($0) && $0 <= wish.through }
    if wish.start == .newestSnapshot { return offsets.reversed() }
    return try isWhole() ? [] : offsets
  }

  /// Whether the journal's first segment is there, or none is.
  private func isWhole() throws(HuntFolderFault) -> Bool {
    do throws(JournalFault) { return try segments.firstNumber() ?? 1 <= 1 } catch {
      throw .journal(error)
    }
  }

  private func offsets() throws(HuntFolderFault) -> [UInt64] {
    do throws(DiskFault) { return try files.offsets() } catch { throw .disk(error) }
  }

  private func refuse(_ offset: UInt64, _ fault: SnapshotFault, _ warn: (String) -> Void) {
    refused.insert(offset)
    refusal = refusal ?? HuntFolderFault(fault)
    let (path, reason) = (files.path(offset), "\(fault)")
    warn("a snapshot is left out: " + (reason.contains(path) ? reason : "\(path): \(reason)"))
  }

  /// The promotions that the newest readable snapshot contains.
  func startHistory(_ warn: (String) -> Void) throws(HuntFolderFault) -> History {
    for offset in try starts() {
      do throws(SnapshotFault) {
        let count = try files.header(offset).branches
        return try history(count, warn)
      } catch {
        if case .journal(let fault) = error { throw .journal(fault) }
        refuse(offset, error, warn)
      }
    }
    return History()
  }

  private func history(
    _ count: UInt32, _ warn: (String) -> Void
  ) throws(SnapshotFault) -> History {
    let history: History
    do throws(HuntFolderFault) {
      history = try folder.branches.history(count, segments)
    } catch { throw .history(error) }
    guard wish.mendsFiles else { return history }
    // All of these marks lie before a snapshot, which was made when they were flushed.
    do throws(DiskFault) { try folder.branches.notePlaces(of: history) } catch {
      warn("the place of a promotion is not noted: \(error)")
    }
    return history
  }

  /// The line wished, or the history's current one.
  private func lineage(_ history: History) -> Lineage { wish.line?.lineage ?? history.current }

  /// Replays along the line, from the newest snapshot which it does not differ before.
  func recover(
    _ history: History, _ warn: (String) -> Void
  ) throws(HuntFolderFault) -> Outcome {
    partition = nil
    findings = HuntRecovery.Findings()
    let line = Line(lineage(history), history)
    let first = try firstSegment()
    for offset in try starts() {
      do throws(SnapshotFault) {
        let header = try files.header(offset)
        guard header.segment >= first, line.holds(header) else { continue }
        partition = try files.load(
          offset, along: line, pool: pool, digestEvery: wish.digestEvery,
          heldLines: wish.heldLines)
        return try replay(header)
      } catch {
        if case .journal(let fault) = error { throw .journal(fault) }
        refuse(offset, error, warn)
      }
    }
    guard try isWhole() else { return .noStart(try removed()) }
    var beginning = Partition(
      definition, map: map, number: manifest.number, digestEvery: wish.digestEvery,
      heldLines: wish.heldLines, pool: pool)
    beginning.follow(line)
    partition = consume beginning
    do throws(SnapshotFault) { return try replay(nil) } catch { throw HuntFolderFault(error) }
  }

  /// Why a hunt without the beginning of its journal cannot be begun.
  private func removed() throws(HuntFolderFault) -> HuntFolderFault {
    if let refusal { return refusal }
    do throws(JournalFault) {
      let first = try segments.firstNumber() ?? 1
      return .journal(
        .removed(
          path: segments.path(first), before: try segments.firstOffset(first) ?? 0, wanted: 0))
    } catch { throw .journal(error) }
  }

  private func firstSegment() throws(HuntFolderFault) -> UInt64 {
    do throws(JournalFault) { return try segments.firstNumber() ?? 1 } catch {
      throw .journal(error)
    }
  }

  private func replay(_ snapshot: SnapshotHeader?) throws(SnapshotFault) -> Outcome {
    guard var partition = partition.take() else { preconditionFailure("nothing to replay into") }
    let history = partition.line.history
    var checks = wish.comparesSnapshots ? try checks(behind: snapshot) : []
    var next: (mark: PromotionMark, offset: UInt64)?
    var differing: ReplayFault?
    var effects = EffectBuffer(capacity: 1)
    partition.beginReplay()
    do throws(JournalFault) {
      let journal = try read(from: snapshot) { frame throws(InconsistentJournal) in
        do throws(ReplayFault) {
          let end = frame.header.firstOffset + UInt64(frame.header.count)
          while let check = checks.first, check <= end {
            findings.marks += try replayFrame(frame, into: &partition, &effects, through: check)
            compare(&partition, check, history)
            checks.removeFirst()
          }
          findings.marks += try replayFrame(
            frame, into: &partition, &effects, through: wish.through)
        } catch {
          switch error.reason {
          case .promotion(let mark): next = (mark, error.offset)
          case .digest: differing = error
          default: break
          }
          throw InconsistentJournal("\(error.reason)")
        }
      }
      for check in checks {
        findings.complaints.append(
          "\(files.path(check)): behind the journal's end at \(partition.nextOffset)")
      }
      partition.endReplay()
      self.partition = consume partition
      return .done(snapshot, journal)
    } catch {
      if let next, wish.line == nil, next.mark.number == history.count + 1 {
        return .promotion(next.mark, next.offset)
      }
      guard case .digest(let mark)? = differing?.reason,
        case .inconsistent(let path, let byte, let offset, let reason) = error
      else { throw .journal(error) }
      let tables = partition.tables(ofSlice: mark.slice).joined(separator: ", ")
      let line = partition.line
      _ = consume partition
      throw .journal(
        .inconsistent(
          path: path, byte: byte, offset: offset,
          reason: "\(reason) differs: \(tables)"
            + (wish.comparesSnapshots ? explained(offset, snapshot, line) : "")))
    }
  }

  /// Hands on the frames behind a snapshot, all or as far as is wished.
  private func read(
    from snapshot: SnapshotHeader?,
    _ apply: (RecoveredFrame) throws(InconsistentJournal) -> Void
  ) throws(JournalFault) -> RecoveredJournal {
    let from = snapshot?.offset ?? 0
    if wish.through == .max {
      return try segments.recover(
        from: snapshot?.place ?? JournalPlace(), through: from, repairTail: wish.mendsFiles, apply)
    }
    var journal = RecoveredJournal()
    if from >= wish.through { return journal }
    var reader =
      if let place = snapshot?.place {
        try JournalReader(segments, at: place, to: wish.through)
      } else { try JournalReader(segments, to: wish.through) }
    while let frame = try reader.next() {
      do throws(InconsistentJournal) { try apply(frame) } catch {
        throw .inconsistent(
          path: segments.path(reader.place.segment), byte: reader.place.fileOffset,
          offset: frame.header.firstOffset, reason: error.reason)
      }
      journal.position = reader.position
      journal.tick = frame.header.tick
      journal.frames += 1
    }
    return journal
  }

  // MARK: Comparing

  /// Snapshots that a replay from one of them meets.
  private func checks(behind first: SnapshotHeader?) throws(SnapshotFault) -> [UInt64] {
    do throws(DiskFault) {
      return try files.offsets().filter { $0 > first?.offset ?? 0 }
    } catch { throw .disk(error) }
  }

  /// Compares the snapshot of `offset` with the state there.
  private func compare(_ partition: inout Partition, _ offset: UInt64, _ history: History) {
    do throws(SnapshotFault) {
      let header = try files.header(offset)
      guard Line(lineage(history), history).holds(header) else {
        findings.snapshotsElsewhere += 1
        return
      }
      let other = try load(header, history)
      if let difference = partition.firstDifference(from: other, layout()) {
        findings.complaints.append(
          "\(files.path(offset)): differs from the replay in \(difference)")
      } else {
        findings.snapshots += 1
      }
    } catch {
      // Which snapshot cannot be compared, where it is another that it builds on which is wrong.
      let (path, reason) = (files.path(offset), "\(error)")
      findings.complaints.append(reason.contains(path) ? reason : "\(path): \(reason)")
    }
  }

  private func load(_ header: SnapshotHeader, _ history: History) throws(SnapshotFault) -> Partition
  {
    try files.load(
      header.offset, along: Line(history.current, history),
      pool: PagePool(pageCount: Partition.pagesNeeded(definition, map)),
      digestEvery: wish.digestEvery, heldLines: 4_096)
  }

  private func layout() -> PageLayout { HuntState.layout(definition, map) }

  /// What the first snapshot behind a digest that differs says of it; empty when there is none.
  private func explained(_ offset: UInt64, _ first: SnapshotHeader?, _ line: Line) -> String {
    do throws(SnapshotFault) {
      guard let next = try checks(behind: first).first(where: { $0 > offset }) else { return "" }
      let header = try files.header(next)
      guard Line(lineage(line.history), line.history).holds(header) else { return "" }
      let pool = PagePool(pageCount: Partition.pagesNeeded(definition, map))
      var replayed: Partition
      if let first {
        replayed = try files.load(
          first.offset, along: Line(line.lineage, line.history), pool: pool,
          digestEvery: wish.digestEvery, heldLines: 4_096)
      } else {
        replayed = Partition(
          definition, map: map, number: manifest.number, digestEvery: wish.digestEvery,
          heldLines: 4_096, pool: pool)
        replayed.follow(Line(line.lineage, line.history))
      }
      var effects = EffectBuffer(capacity: 1)
      do throws(JournalFault) {
        _ = try segments.recover(from: first?.place ?? JournalPlace(), repairTail: false) {
          frame throws(InconsistentJournal) in
          do throws(ReplayFault) {
            let (from, count) = frame.part(from: replayed.nextOffset, through: next)
            for at in from..<(from + count) {
              let event = frame.event(at)
              if event.kindByte == EventKind.digest.rawValue {
                replayed.passDigest(event)
              } else {
                _ = try replayed.replay(event, &effects)
              }
            }
          } catch { throw InconsistentJournal("\(error.reason)") }
        }
      } catch { return "; and then \(error)" }
      let other = try load(header, line.history)
      let difference = replayed.firstDifference(from: other, layout())
      return "; at \(files.path(next)) the replay "
        + (difference.map { "first differs in \($0)" } ?? "and the snapshot are equal again")
    } catch { return "; \(error)" }
  }
}

/// Applies the events of one recovered frame that lie at or behind the partition's next offset (the
/// first frame after a snapshot may begin before it) and below `through`.
///
/// - Returns: Digests met.
func replayFrame(
  _ frame: RecoveredFrame, into partition: inout Partition, _ effects: inout EffectBuffer,
  through: UInt64 = .max
) throws(ReplayFault) -> Int {
  let (from, count) = frame.part(from: partition.nextOffset, through: through)
  var marks = 0
  for at in from..<(from + count) where frame.kindByte(at) == EventKind.digest.rawValue {
    marks += 1
  }
  // A segment whose length lets it be read as lines is.
  if frame.isLines {
    try partition.replay(
      LineRun(frame.bytes, first: frame.eventsAt / 64 + from, count: count), &effects)
  } else {
    for at in from..<(from + count) { _ = try partition.replay(frame.event(at), &effects) }
  }
  return marks
}

extension RecoveredFrame {
  /// Which of its events lie at or behind `from` and below `through`.
  func part(from: UInt64, through: UInt64) -> (first: Int, count: Int) {
    let start = header.firstOffset
    let end = min(start + UInt64(header.count), through)
    let first = max(start, from)
    return first < end ? (Int(first - start), Int(end - first)) : (0, 0)
  }

  func event(_ at: Int) -> Event { bytes.load(eventsAt + at * 64, as: Event.self) }

  func kindByte(_ at: Int) -> UInt8 { bytes.load(eventsAt + at * 64 + 1, as: UInt8.self) }

  /// Whether the segment's length lets its bytes be read as lines.
  var isLines: Bool { bytes.byteCount & (bytes.byteCount - 1) == 0 }
}
