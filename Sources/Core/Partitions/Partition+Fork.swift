public import Bounded
public import Events
public import Hunt
public import Pages
public import World

/// A hunt as it was at one offset of its journal, frozen: where forks and snapshots begin.
///
/// Owns two forked page spaces. It may be destroyed on any thread.
public struct Checkpoint: ~Copyable {
  /// Events below it are in the state.
  public let offset: UInt64
  /// The hunt's clock, ms since 1970.
  public let now: Int64
  /// Events judged.
  public let events: UInt64
  /// Rows of players: whoever came later has a higher row.
  public let players: UInt64
  /// Whether a player without a row can have changed something.
  public let hasStrangers: Bool
  public let lastDigest: DigestMark?
  public let line: Line
  public let rules: HuntRules
  var state: PageSpace
  var books: PageSpace

  /// Pages that the state holds.
  public var pages: Int { state.writtenCount }

  /// A digest of the state.
  public mutating func digest() -> Hash128 { state.digest() }
}

extension Partition {
  /// The hunt as it is now, frozen.
  ///
  /// - Throws: Where the pool could not hold what the hunt may still have to write.
  /// - Complexity: A copy of two page-table roots.
  public mutating func checkpoint() throws(ForkRefusal) -> Checkpoint {
    let counts = state.counts
    let space = try state.fork()
    return Checkpoint(
      offset: nextOffset, now: state.now, events: counts.events, players: counts.players,
      hasStrangers: counts.strangers > 0, lastDigest: lastDigest, line: line, rules: state.rules,
      state: space,
      books: try books.fork())
  }

  /// A partition that goes on from a checkpoint along a line of its own, for replaying; it steps
  /// no batches.
  ///
  /// - Parameter line: Must not differ from the checkpoint's own below its offset.
  public init(
    _ definition: HuntDefinition, map: Topology, number: UInt32, digestEvery: UInt64,
    from checkpoint: inout Checkpoint, along line: Line
  ) throws(ForkRefusal) {
    precondition(
      line.lineage.firstDifference(from: checkpoint.line.lineage) >= checkpoint.offset,
      "a line that differs before the checkpoint at \(checkpoint.offset)")
    let space = try checkpoint.state.fork(writable: true)
    let state = HuntState(
      definition, map: map,
      rules: checkpoint.offset == 0
        ? definition.rules : line.lineage.rules(at: checkpoint.offset - 1) ?? definition.rules,
      now: checkpoint.now, space: space)
    self.init(
      number: number, digestEvery: digestEvery, state: state,
      books: Books(
        producers: definition.limits.producers, space: try checkpoint.books.fork(writable: true)),
      nextOffset: checkpoint.offset, lastDigest: checkpoint.lastDigest,
      line: Line(line.lineage, line.history, from: checkpoint.offset))
  }

  /// Whether a branch finds the pages that replaying `count` events may write, those of the books
  /// and of what its line adds on the way among them, and the orders of its boards where a replay
  /// has begun or is to begin now; they are then kept for it.
  public mutating func hasRoom(events count: Int, beginsReplay: Bool = false) -> Bool {
    let (state, books) = pagesWanted(events: count, beginsReplay: beginsReplay)
    return self.state.hasRoom(pages: state) && self.books.hasRoom(pages: books)
  }

  /// Pages of state and books that `hasRoom` asks for.
  public mutating func pagesWanted(
    events count: Int, beginsReplay: Bool = false
  ) -> (state: Int, books: Int) {
    let changes = count + line.additionsAhead
    let orders =
      beginsReplay || state.isReplaying ? state.pagesOfReplay(newPlayers: changes) : 0
    return (
      min(16 * changes + 64 + orders, state.pagesAhead), min(2 * count + 4, books.pagesAhead)
    )
  }

  /// Pages of state and books together that are not the partition's own yet: what a branch may
  /// still take at most.
  public var pagesAhead: Int { state.pagesAhead + books.pagesAhead }

  /// Follows another line from here on, for replaying a whole journal.
  ///
  /// - Precondition: No event was replayed yet.
  public mutating func follow(_ line: Line) {
    precondition(nextOffset == 0, "a line is chosen before the first event")
    self.line = Line(line.lineage, line.history)
  }

  /// Makes the changes due at the next offset: rules, then additions.
  ///
  /// Called before each event, and at the end of a fork that ends where something is added.
  public mutating func changeLine(_ effects: inout EffectBuffer) {
    changeLine(through: nextOffset, &effects)
  }

  private mutating func changeLine(through last: UInt64, _ effects: inout EffectBuffer) {
    while line.nextChange <= last, line.nextChange < .max {
      let at = line.nextChange
      if let rules = line.lineage.rules(at: at) { state.replaceRules(rules) }
      for addition in line.lineage.additions where addition.at == at {
        for event in addition.events {
          var event = event
          event.hunt = number
          if event.time == 0 { event.time = state.now }
          _ = state.add(event, offset: min(at, nextOffset), &effects)
        }
      }
      line.advance()
    }
  }

  /// Leaves out everything from the next offset on, until the line is promoted.
  public mutating func leaveOutRest() { line.leaveOut(Omission(from: nextOffset)) }

  // MARK: Promotion

  /// Makes a fork the hunt: the two change states, and the mark is journalled. The books, which no
  /// line of history changes, stay. The fork is then what the hunt was until now.
  ///
  /// - Parameters:
  ///   - fork: Must have come exactly to this partition's next offset.
  ///   - mark: Names the promotion, the next of the hunt.
  /// - Throws: When the pages that the hunt may then have to copy are not free; nothing changed.
  public mutating func promote(
    _ fork: inout Partition, _ mark: PromotionMark, _ output: inout StepOutput
  ) throws(ForkRefusal) {
    precondition(fork.nextOffset == nextOffset, "a fork at \(fork.nextOffset), not \(nextOffset)")
    precondition(mark.number == line.history.count + 1, "promotion \(mark.number)")
    // What was to change later changes now: a promoted line ends where it is promoted.
    fork.changeLine(through: .max, &output.effects)
    try fork.state.takeOver(from: &state)
    swap(&state, &fork.state)
    swap(&line, &fork.line)
    line.promote(at: nextOffset)
    var event = mark.event
    event.hunt = number
    journal(event, &output)
  }
}
