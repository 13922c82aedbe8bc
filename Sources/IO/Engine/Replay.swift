import Bounded
import CSystem
public import Disk
import Events
import Hunt
public import Journal
import Pages
public import Partitions
import World

/// What a replay ended with.
public struct ReplayEnding: ~Copyable {
  public var partition: Partition
  /// Offset that it began with: 0, or that of the oldest snapshot where the journal before it was
  /// removed.
  public var from: UInt64 = 0
  public var seconds = 0.0
  public var tornBytes = 0
  /// Journalled digests met.
  public var marks = 0
  /// Snapshots that agree with the replay, page by page.
  public var snapshots = 0
  /// What does not agree.
  public var complaints: [String] = []
}

/// A hunt's journal applied again, without an engine; nothing on disk is changed.
public struct Replay {
  let folder: HuntFolder
  let definition: HuntDefinition
  let map: BlockMap
  let manifest: HuntFolder.Manifest
  let files: SnapshotFiles
  let segments: Segments
  let digestEvery: UInt64

  /// - Parameter digestEvery: Of the partition; what was journalled is compared whatever it says.
  public init(_ folder: HuntFolder, digestEvery: UInt64 = 1 << 40) throws(HuntFolderFault) {
    self.folder = folder
    (definition, map, manifest) = try folder.open()
    files = SnapshotFiles(folder, definition, map, manifest)
    segments = folder.segments(manifest)
    self.digestEvery = digestEvery
  }

  /// Applies everything there is.
  ///
  /// - Parameter isVerifying: Whether to compare each snapshot on the way with the state there.
  /// - Throws: Where the journal is damaged; where a digest differs the reason names the tables,
  ///   and with a later snapshot the row.
  public func run(isVerifying: Bool) throws(HuntFolderFault) -> ReplayEnding {
    let start = vx_monotonic_ns()
    let snapshot = try firstSnapshot()
    var ending = ReplayEnding(partition: try partition(snapshot))
    ending.from = snapshot?.offset ?? 0
    var checks = isVerifying ? try offsets().filter { $0 > snapshot?.offset ?? 0 } : []
    var effects = EffectBuffer(capacity: 1)
    do throws(JournalFault) {
      let journal = try segments.recover(
        from: snapshot?.place ?? JournalPlace(), through: snapshot?.offset ?? 0,
        repairTail: false
      ) { frame throws(InconsistentJournal) in
        ending.countMarks(frame)
        let end = frame.header.firstOffset + UInt64(frame.header.count)
        while let check = checks.first, check <= end {
          try replayFrame(frame, into: &ending.partition, &effects, through: check)
          compare(check, &ending)
          checks.removeFirst()
        }
        try replayFrame(frame, into: &ending.partition, &effects)
      }
      ending.tornBytes = journal.tornBytes
    } catch {
      guard isVerifying, case .inconsistent(let path, let byte, let offset, let reason) = error,
        reason.contains("digest")
      else { throw .journal(error) }
      throw .journal(
        .inconsistent(
          path: path, byte: byte, offset: offset, reason: reason + explained(offset, snapshot)))
    }
    for check in checks {
      ending.complaints.append(
        "\(files.path(check)): behind the journal's end at \(ending.partition.nextOffset)")
    }
    ending.seconds = Double(vx_monotonic_ns() - start) / 1e9
    return ending
  }

  private func offsets() throws(HuntFolderFault) -> [UInt64] {
    do throws(DiskFault) { return try files.offsets() } catch { throw .disk(error) }
  }

  /// The snapshot to begin with: none where the whole journal is there.
  private func firstSnapshot() throws(HuntFolderFault) -> SnapshotHeader? {
    let first: UInt64
    do throws(JournalFault) {
      guard let number = try segments.firstNumber(), number > 1 else { return nil }
      first = number
    } catch { throw .journal(error) }
    var reason: HuntFolderFault?
    for offset in try offsets() {
      do throws(SnapshotFault) {
        let header = try files.header(offset)
        if header.segment < first { continue }
        try files.verify(header)
        return header
      } catch { reason = .damaged(path: files.path(offset), reason: "\(error)") }
    }
    if let reason { throw reason }
    throw .journal(.missingSegment(path: segments.path(1)))
  }

  private func partition(_ snapshot: SnapshotHeader?) throws(HuntFolderFault) -> Partition {
    let pool = PagePool(pageCount: Partition.pagesNeeded(definition, map))
    guard let snapshot else {
      return Partition(
        definition, map: map, number: manifest.number, digestEvery: digestEvery,
        heldLines: 4_096, pool: pool)
    }
    do throws(SnapshotFault) {
      return try files.load(
        snapshot.offset, pool: pool, digestEvery: digestEvery, heldLines: 4_096)
    } catch { throw .damaged(path: files.path(snapshot.offset), reason: "\(error)") }
  }

  // MARK: Comparing

  /// Compares the snapshot of `offset` with the state there.
  private func compare(_ offset: UInt64, _ ending: inout ReplayEnding) {
    do throws(SnapshotFault) {
      let other = try load(offset)
      if let difference = ending.partition.firstDifference(from: other, layout()) {
        ending.complaints.append("\(files.path(offset)): differs from the replay in \(difference)")
      } else {
        ending.snapshots += 1
      }
    } catch { ending.complaints.append("\(error)") }
  }

  private func load(_ offset: UInt64) throws(SnapshotFault) -> Partition {
    try files.load(
      offset, pool: PagePool(pageCount: Partition.pagesNeeded(definition, map)),
      digestEvery: digestEvery, heldLines: 4_096)
  }

  private func layout() -> PageLayout { HuntState.layout(definition, map) }

  /// What the first snapshot behind a digest that differs says of it; empty when there is none.
  private func explained(_ offset: UInt64, _ first: SnapshotHeader?) -> String {
    do throws(HuntFolderFault) {
      guard let next = try offsets().first(where: { $0 > offset }) else { return "" }
      var replayed = try partition(first)
      var effects = EffectBuffer(capacity: 1)
      do throws(JournalFault) {
        _ = try segments.recover(
          from: first?.place ?? JournalPlace(), repairTail: false
        ) { frame throws(InconsistentJournal) in
          try replayFrame(
            frame, into: &replayed, &effects, through: next, checksDigests: false)
        }
      } catch { return "; and then \(error)" }
      do throws(SnapshotFault) {
        let other = try load(next)
        let difference = replayed.firstDifference(from: other, layout())
        return "; at \(files.path(next)) the replay "
          + (difference.map { "first differs in \($0)" } ?? "and the snapshot are equal again")
      } catch { return "; \(error)" }
    } catch { return "" }
  }
}

extension ReplayEnding {
  fileprivate mutating func countMarks(_ frame: RecoveredFrame) {
    for at in 0..<Int(frame.header.count)
    where frame.bytes.load(frame.eventsAt + at * 64, as: Event.self).kindByte
      == EventKind.digest.rawValue
    { marks += 1 }
  }

  public consuming func takePartition() -> Partition { partition }
}

extension Segments {
  /// The first frame that exists: of the journal, or of what retention left of it.
  public func begin() throws(JournalFault) -> JournalPlace {
    guard let number = try firstNumber(), number > 1, let offset = try firstOffset(number) else {
      return JournalPlace()
    }
    var reader = try JournalReader(self, from: offset)
    _ = try reader.next()
    return reader.place
  }
}
