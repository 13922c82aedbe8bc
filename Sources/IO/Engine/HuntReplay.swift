import Bounded
public import Disk
import Events
public import Hunt
import Journal
public import Pages
public import Partitions
public import World

/// A hunt's journal replayed from its beginning along the hunt's own line of history.
public struct HuntReplay: ~Copyable {
  public private(set) var partition: Partition
  public let journal: RecoveredJournal

  /// Replays the whole journal.
  ///
  /// Which lines were promoted is in the journal itself: where a mark names one that is not known
  /// yet, the replay begins again with it. That costs another replay a promotion, and only for those
  /// behind the newest snapshot.
  ///
  /// - Parameters:
  ///   - pool: Of at least `Partition.pagesNeeded`.
  ///   - see: Called for each frame before it is replayed.
  public init(
    _ folder: HuntFolder, _ definition: HuntDefinition, _ map: BlockMap,
    _ manifest: HuntFolder.Manifest, digestEvery: UInt64, heldLines: Int, pool: PagePool,
    repairTail: Bool, _ see: (RecoveredFrame) -> Void = { _ in }
  ) throws(HuntFolderFault) {
    var history = History()
    while true {
      var partition = Partition(
        definition, map: map, number: manifest.number, digestEvery: digestEvery,
        heldLines: heldLines, pool: pool)
      partition.follow(Line(history.current, history))
      var effects = EffectBuffer(capacity: 1)
      var next: (mark: PromotionMark, offset: UInt64)?
      do throws(JournalFault) {
        let journal = try folder.segments(manifest).recover(repairTail: repairTail) {
          frame throws(InconsistentJournal) in
          see(frame)
          do throws(ReplayFault) {
            try replayFrame(frame, into: &partition, &effects)
          } catch {
            if case .promotion(let mark) = error.reason { next = (mark, error.offset) }
            throw InconsistentJournal("\(error.reason)")
          }
        }
        self.partition = partition
        self.journal = journal
        return
      } catch {
        guard let next, next.mark.number == history.count + 1 else { throw .journal(error) }
        let hash = Hash128(high: next.mark.high, low: next.mark.low)
        let lineage = try folder.branches.read(next.mark.number, hash: hash)
        history.append(History.Promotion(offset: next.offset, lineage: lineage))
      }
    }
  }

  /// The partition as the journal leaves it.
  public consuming func takePartition() -> Partition { partition }
}

/// Applies the events of one recovered frame.
func replayFrame(
  _ frame: RecoveredFrame, into partition: inout Partition, _ effects: inout EffectBuffer
) throws(ReplayFault) {
  // Rows are fetched ahead as in a step, where the segment's length lets it be read as lines.
  let count = Int(frame.header.count)
  let isLines = frame.bytes.byteCount & (frame.bytes.byteCount - 1) == 0
  let lines = LineRun(frame.bytes, first: frame.eventsAt / 64, count: isLines ? count : 0)
  for at in 0..<count {
    if at + 12 < lines.count {
      partition.state.prefetchIndex(player: lines.load(at + 12, byte: 24, as: UInt64.self))
      partition.state.prefetchRow(lines, at + 6)
    }
    let event = frame.bytes.load(frame.eventsAt + at * 64, as: Event.self)
    _ = try partition.replay(event, &effects)
  }
}
