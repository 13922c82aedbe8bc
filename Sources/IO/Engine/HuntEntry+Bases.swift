import Disk
import Hunt
import Journal
import Pages
import Partitions

/// Where other lines of a hunt's history, and its shadow, begin.
extension HuntEntry {
  /// A partition on `line`, at the latest place to begin with that the line does not differ before:
  /// a checkpoint, a snapshot where that saves much or the journal before it is damaged, or the
  /// hunt before its first event.
  ///
  /// - Parameters:
  ///   - target: The place must not lie behind it.
  ///   - pages: What the hunt holds now: as much may be written again.
  func beginning(
    of line: Line, to target: UInt64, pages: Int
  ) throws(ForkRefusal) -> Partition {
    let bases = forks.checkpoints.filter { base in
      base.offset <= target
        && line.lineage.firstDifference(from: base.line.lineage) >= base.offset
    }
    let base = bases.max { $0.offset < $1.offset }
    // Where the journal's beginning was removed, only a snapshot is left to begin with.
    let isWhole = ((try? forks.segments.firstNumber()) ?? 1) == 1
    let start = base?.offset ?? 0
    let least: UInt64 =
      if let damage = forks.damage, damage >= start { damage + 1 } else if isWhole || base != nil {
        start + Self.snapshotGain
      } else { 1 }
    if let partition = snapshot(of: line, from: least, to: target, pages: pages) {
      return partition
    }
    if let base { return try base.branch(self, along: line) }
    return try genesis(line, pages: pages)
  }

  /// Events that a snapshot must save to be read from the disk.
  private static let snapshotGain: UInt64 = 2_000_000

  /// The newest snapshot of the line between two offsets; nil when none can be used.
  private func snapshot(
    of line: Line, from least: UInt64, to target: UInt64, pages: Int
  ) -> Partition? {
    // What cannot be read is as if it were not there: the journal has it all.
    guard let offsets = try? snapshots.files.offsets() else { return nil }
    for offset in offsets.reversed() where offset >= least && offset <= target {
      guard let header = try? snapshots.files.header(offset), line.holds(header),
        makeRoom(max(pages, pagesMax)),
        var partition = try? snapshots.files.load(
          offset, along: line, pool: pool, digestEvery: 1 << 40, heldLines: 4_096, isBranch: true)
      else { continue }
      partition.endReplay()
      return partition
    }
    return nil
  }

  /// The hunt before its first event.
  func genesis(_ line: Line, pages: Int) throws(ForkRefusal) -> Partition {
    if let genesis = forks.genesis { return try genesis.branch(self, along: line) }
    let pages = max(pages, pagesMax)
    guard makeRoom(pages) else {
      throw .poolTooSmall(neededPages: pages, freePages: pool.roomCount)
    }
    var partition = try Partition(
      definition, map: map, number: number, digestEvery: 1 << 40, branchOn: pool)
    forks.keep(genesis: HeldCheckpoint(try partition.checkpoint()))
    partition.follow(line)
    return partition
  }

  /// Pages that a partition of the hunt may take in all.
  private var pagesMax: Int {
    HuntState.layout(definition, map).pageCount
      + Books.layout(producers: definition.limits.producers).pageCount
  }

  /// Whether a branch finds the pages that replaying `count` events may write, having made room if
  /// need be; they are then kept for it.
  func hasRoom(_ partition: inout Partition, events count: Int) -> Bool {
    if partition.hasRoom(events: count) { return true }
    let pages = partition.pagesWanted(events: count)
    return makeRoom(pages.state + pages.books) && partition.hasRoom(events: count)
  }

  /// Gives up states of the past and checkpoints, the oldest first, until so many pages are free;
  /// false when there is nothing left to give up.
  func makeRoom(_ pages: Int) -> Bool {
    while pool.roomCount < pages {
      if !forks.dropPast() && forks.thin().isEmpty { return false }
    }
    return true
  }
}
