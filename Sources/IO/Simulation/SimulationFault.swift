/// A class of faults that a run may inject. Each draws from a stream of its own.
public enum SimulationFault: UInt8, CaseIterable, Sendable {
  // The disk, at a power cut: what was written and not flushed.
  /// Some sectors of a write are there, others are not.
  case torn
  /// The last writes are gone.
  case lost
  /// Later writes are there, earlier ones are not.
  case reordered
  // The disk, at any time.
  /// A write lands at another place.
  case misdirected
  /// A write is acknowledged and never made.
  case dropped
  /// A bit turns over.
  case rot
  /// A flush fails, and what it was to flush may never be written.
  case flushFails = 7
  case writeFails
  case full
  case slow
  // The process.
  case kill
  case power
  case stop
  // The network.
  case cut
  case delay
  case split
  // The senders.
  case duplicate
  case garbage
  case lie
  // The clock, and the limits.
  case clock
  case limits

  /// The word on the command line.
  public var word: String {
    switch self {
    case .flushFails: "flush-fails"
    case .writeFails: "write-fails"
    default: String(describing: self)
    }
  }
}

/// A bug that is planted on purpose, to see that a checker finds it.
public enum SimulationCanary: String, CaseIterable, Sendable {
  /// The disk says that a direct write is durable before it is.
  case earlyDurable = "early-durable"
  /// A flush says that it was made, and nothing was flushed.
  case hollowFlush = "hollow-flush"
  /// A client takes an outcome that the engine never gave.
  case wrongOutcome = "wrong-outcome"
  /// The checkers read a hunt one of whose scores was changed behind its back.
  case changedScore = "changed-score"
  /// The checkers' order of a board is off by one.
  case rankOffByOne = "rank-off-by-one"
  /// The checkers' treasure field has a stale cell.
  case staleField = "stale-field"
  /// The checkers read a treasure with one more claim than there was.
  case extraWinner = "extra-winner"
  /// The checkers read the books with an event received that is nowhere else.
  case lostFromBooks = "lost-from-books"
  /// The checkers meet an event of the journal twice.
  case doubleApplied = "double-applied"
  /// The checkers meet two effects of a player in the wrong order.
  case effectsSwapped = "effects-swapped"
  /// An Unplay that the checkers believe to leave out somebody else.
  case otherPlayer = "other-player"
  /// A fork without changes in which the checkers find a page that differs.
  case dirtyFork = "dirty-fork"
  /// The checkers do not see the last event of an atomic body.
  case cutBody = "cut-body"
  /// Pages that nobody gives back.
  case leakedPages = "leaked-pages"
  /// The engine forgets which sequence of a sender it saw last, and takes a resend for new.
  case skippedDedupe = "skipped-dedupe"
  /// Recovery takes a torn frame for a whole one.
  case tornCheckLost = "torn-check-lost"
}
