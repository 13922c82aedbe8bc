import Events
import Hunt
import Pages
import Partitions
import Synchronization
import World

/// A checkpoint that several threads begin forks from.
final class HeldCheckpoint: @unchecked Sendable {
  let offset: UInt64
  let now: Int64
  let players: UInt64
  let hasStrangers: Bool
  let line: Line
  /// Pages that the state holds.
  let pages: Int
  private let lock = Mutex<Void>(())
  private var checkpoint: Checkpoint

  init(_ checkpoint: consuming Checkpoint) {
    offset = checkpoint.offset
    now = checkpoint.now
    players = checkpoint.players
    hasStrangers = checkpoint.hasStrangers
    line = checkpoint.line
    pages = checkpoint.pages
    self.checkpoint = checkpoint
  }

  /// A partition that goes on from here along `line`.
  func branch(_ entry: HuntEntry, along line: Line) throws(ForkRefusal) -> Partition {
    try lock.withLock { (_) throws(ForkRefusal) -> Partition in
      try Partition(
        entry.definition, map: entry.map, number: entry.number, digestEvery: 1 << 40,
        from: &checkpoint, along: line)
    }
  }
}
