public import Authoring
public import Bounded
import Disk
import Events
import Hunt
import Journal
import Machine
import Pages
public import Partitions
import World

/// Why a place or another line of a stored hunt is not to be had.
public enum StoredForkFault: Error, CustomStringConvertible {
  /// The folder: damaged, or without what is needed.
  case folder(HuntFolderFault)
  /// The request, as a running engine would refuse it.
  case refused(ForkFault)

  public var description: String {
    switch self {
    case .folder(let fault): "\(fault)"
    case .refused(let fault): "\(fault.message) (\(fault.code))"
    }
  }
}

/// A stored hunt as of a place of its history, and along another line to there: what a running
/// engine answers of a fork, from the folder alone, in which nothing is changed.
public final class StoredFork {
  /// What one replay ended with.
  public struct Ending: Sendable {
    /// Journal offset that it began with: that of a snapshot, or 0.
    public let base: UInt64
    /// Events judged.
    public let events: UInt64
    public let digest: Hash128
    public let books: BooksRow
    public let isBalanced: Bool
    public let seconds: Double
  }

  /// Where the journal ends.
  public let head: UInt64
  /// The place: everything below it has happened.
  public let offset: UInt64
  /// The hunt's own line.
  public let own: Ending
  /// The other line; nil when the request asks for no other.
  public let fork: Ending?
  private let text: DifferenceText?
  /// The fork, for its names.
  private let partition: Partition

  /// - Parameters:
  ///   - request: What a running engine would be asked: a place, and what is left out.
  ///   - warn: Gets a line about each snapshot that cannot be used.
  /// - Complexity: Two or three replays, each from the newest snapshot that it may begin with;
  ///   memory for two states of the hunt.
  public init(
    _ replay: Replay, _ request: ForkText, warn: (String) -> Void
  ) throws(StoredForkFault) {
    var now = try replay.come(to: .max, along: nil, warn)
    let finder = LineFinder(
      history: now.partition.line.history, segments: replay.folder.segments(replay.manifest),
      head: (now.partition.nextOffset, now.partition.state.now), start: replay.start(of:))
    head = now.partition.nextOffset
    let line: Line
    do throws(ForkFault) {
      (line, offset) = try finder.line(ForkSpec(text: request)) { texts throws(ForkFault) in
        (try now.partition.state.keys(ofPlayers: texts), 0)
      }
    } catch { throw .refused(error) }
    if offset != head {
      // Two states at once are enough.
      _ = consume now
      now = try replay.come(to: offset, along: finder.own(at: offset), { _ in })
    }
    own = now.ending
    guard line.lineage != finder.own(at: offset).lineage else {
      fork = nil
      text = nil
      partition = now.takePartition()
      return
    }
    var other = try replay.come(to: offset, along: line, { _ in })
    let start = ThisMachine.monotonicNs
    let difference = HuntDifference(&now.partition.state, &other.partition.state)
    text = DifferenceText(
      difference: difference, ns: ThisMachine.monotonicNs - start, map: replay.map, offset: offset,
      head: head)
    fork = other.ending
    partition = other.takePartition()
  }

  /// What the other line changes, as `GET .../diff` tells it; nil when there is no other.
  public func difference(_ wish: DifferenceWish) -> [UInt8]? {
    text?.json(wish) { partition.state.name(of: $0) }
  }
}

/// What a replay to a place has come to.
private struct Arrival: ~Copyable {
  var partition: Partition
  let ending: StoredFork.Ending

  consuming func takePartition() -> Partition { partition }
}

extension Replay {
  /// The hunt at a journal offset on a line; the journal's end and the hunt's own where none is
  /// named.
  fileprivate func come(
    to offset: UInt64, along line: Line?, _ warn: (String) -> Void
  ) throws(StoredForkFault) -> Arrival {
    let start = ThisMachine.monotonicNs
    var wish = HuntRecovery.Wish(digestEvery: digestEvery)
    wish.mendsFiles = false
    wish.through = offset
    wish.line = line
    var base: UInt64 = 0
    var partition: Partition
    do throws(HuntFolderFault) {
      let found = try HuntRecovery.run(
        folder, definition, map, manifest,
        pool: PagePool(pageCount: Partition.pagesNeeded(definition, map)), wish, warn: warn)
      base = found.snapshot?.offset ?? 0
      partition = found.takePartition()
    } catch { throw .folder(error) }
    // What is due right at the place: rules, additions.
    var effects = EffectBuffer(capacity: 1)
    partition.changeLine(&effects)
    let ending = StoredFork.Ending(
      base: base, events: partition.state.counts.events, digest: partition.state.digest(),
      books: partition.books.sum, isBalanced: partition.books.isBalanced,
      seconds: Double(ThisMachine.monotonicNs - start) / 1e9)
    return Arrival(partition: partition, ending: ending)
  }

  /// The newest snapshot's offset at which the clock was not behind `time`.
  fileprivate func start(of time: Int64) -> UInt64 {
    let files = SnapshotFiles(folder, definition, map, manifest)
    // What cannot be read only makes the search longer.
    for offset in (try? files.offsets())?.reversed() ?? [] {
      if let header = try? files.header(offset), header.now <= time { return offset }
    }
    return 0
  }
}
