import Bounded
import Events
import Hunt
import Pages
import Partitions
import Scoring
import Testkit
import World

/// One batch as a gateway would send it, with the clock at which it is stepped.
struct TestBatch {
  var header: Batch
  var events: [Event] = []
  var names: [String] = []
  var tick: Int64
}

/// What went back to a gateway.
struct SentReply {
  var reply: Reply
  var outcomes: [Outcome]
}

/// A partition with its journal, its disk and its gateways played by arrays: what it appends is kept,
/// `durable` says how far the disk is, and replies are collected in the order in which they leave.
final class Stand {
  let definition: HuntDefinition
  let map: Topology
  var partition: Partition
  private(set) var journal: [Event] = []
  /// Whether each entry came as one of a group with the one behind it.
  private(set) var joined: [Bool] = []
  private(set) var sent: [SentReply] = []
  /// Offset below which the journal is flushed.
  private(set) var durable: UInt64 = 0
  /// What broke a promise of the partition.
  private(set) var complaints: [String] = []
  private var effects: EffectBuffer? = EffectBuffer(capacity: 64)
  private let journalRing = Slab(byteCount: 1_024 * 64)
  private let replyRing = Slab(byteCount: 1_024 * 64)
  private let batchRing = Slab(byteCount: 1_024 * 64)

  private let pool: PagePool

  init(_ definition: HuntDefinition, _ map: Topology, digestEvery: UInt64 = 256 * 10) {
    self.definition = definition
    self.map = map
    pool = PagePool(pageCount: 4 * Partition.pagesNeeded(definition, map))
    partition = Partition(
      definition, map: map, number: 3, digestEvery: digestEvery, heldLines: 4_096, pool: pool)
    effects?.isWanted = true
  }

  /// A stand whose partition is a branch beside that of `hunt`, empty.
  init(beside hunt: Stand) throws {
    definition = hunt.definition
    map = hunt.map
    pool = hunt.pool
    partition = try Partition(
      definition, map: map, number: 3, digestEvery: hunt.partition.digestEvery, branchOn: pool)
  }

  /// Writes header-less lines of a batch into the ring from line `first` on.
  private func lines(_ batch: TestBatch, first: Int) -> LineRun {
    let flat = Slab(byteCount: max(1, batch.events.count + 2 * batch.names.count) * 64)
    for (at, event) in batch.events.enumerated() { flat.store(event, at * 64) }
    for (at, name) in batch.names.enumerated() {
      guard let row = NameRow(Array(name.utf8).span) else { preconditionFailure(name) }
      flat.store(row, (batch.events.count + 2 * at) * 64)
    }
    for line in 0..<batch.header.lineCount {
      batchRing.copy(from: flat, at: line * 64, to: ((first + line) & 1_023) * 64, count: 64)
    }
    return LineRun(batchRing, first: first, count: batch.header.lineCount)
  }

  /// Steps one batch, from `draw` on in its rings, and keeps what it gives.
  func step(_ batch: TestBatch, isStopped: Bool = false, at draw: Int = 0) {
    if !partition.hasRoom(for: batch.header, replyLinesFree: 1_024) { flush() }
    let run = lines(batch, first: draw)
    withOutput(draw) { output in
      partition.step(batch.header, run, tick: batch.tick, isStopped: isStopped, &output)
      let journalled = output.journal.count
      let replied = output.replies.count
      if journalled > Partition.journalLines(batch.header) {
        complaints.append("\(journalled) journal lines for \(batch.header)")
      }
      if replied > Partition.replyLines(batch.header) {
        complaints.append("\(replied) reply lines for \(batch.header)")
      }
    }
  }

  private func withOutput(_ first: Int, _ body: (inout StepOutput) -> Void) {
    guard let effects = effects.take() else { preconditionFailure() }
    var output = StepOutput(
      journal: LineTarget(journalRing, first: first, capacity: 1_000),
      replies: LineTarget(replyRing, first: first, capacity: 1_000), effects: effects)
    body(&output)
    for at in 0..<output.journal.count {
      var event = journalRing.load(((first + at) & 1_023) * 64, as: Event.self)
      joined.append(event.flags.contains(.joined))
      event.flags.remove(.joined)
      journal.append(event)
    }
    if journal.count != Int(partition.nextOffset) {
      complaints.append("\(journal.count) journalled, next offset \(partition.nextOffset)")
    }
    take(LineRun(replyRing, first: first, count: output.replies.count))
    output.effects.removeAll()
    self.effects = output.takeEffects()
  }

  /// Makes the state of `fork` the hunt's.
  func promote(_ fork: Stand, _ mark: PromotionMark) {
    withOutput(0) { output in
      do throws(ForkRefusal) {
        try partition.promote(&fork.partition, mark, &output)
      } catch { complaints.append("\(error)") }
    }
  }

  /// Reads the replies in a run of lines.
  private func take(_ run: LineRun) {
    var at = 0
    while at < run.count {
      let reply = run.load(at, as: Reply.self)
      let outcomes = (0..<Int(reply.lineCount)).map { run.load(at + 1 + $0, as: Outcome.self) }
      sent.append(SentReply(reply: reply, outcomes: outcomes))
      if reply.ack == .durable && reply.offset > durable {
        complaints.append("durable through \(durable), and \(reply) went out")
      }
      at += 1 + outcomes.count
    }
  }

  /// The disk has come to `offset`; what may go then goes, at most `limit` replies.
  func flush(through offset: UInt64? = nil, limit: Int = .max) {
    durable = min(offset ?? partition.nextOffset, partition.nextOffset)
    release(limit: limit)
  }

  func release(limit: Int = .max, isStopped: Bool = false) {
    var left = limit
    partition.release(durable: isStopped ? .max : durable) { run in
      guard left > 0 else { return false }
      left -= 1
      take(run)
      return true
    }
  }

  /// A fresh partition brought to where the first `count` lines of the journal lead.
  func replayed(
    prefix count: Int? = nil, digestEvery: UInt64? = nil
  ) throws(ReplayFault) -> Stand {
    let stand = Stand(definition, map, digestEvery: digestEvery ?? partition.digestEvery)
    for event in journal.prefix(count ?? journal.count) {
      try stand.replay(event)
    }
    stand.durable = UInt64(stand.journal.count)
    return stand
  }

  /// As `replayed`, by way of runs of lines and without boards until the end, as recovery does.
  func recovered(_ random: inout TestRandom) throws(ReplayFault) -> Stand {
    let stand = Stand(definition, map, digestEvery: partition.digestEvery)
    var effects = EffectBuffer(capacity: 1)
    stand.partition.beginReplay()
    var first = 0
    while first < journal.count {
      let count = min(1 + random.below(200), journal.count - first)
      for at in 0..<count { stand.batchRing.store(journal[first + at], at * 64) }
      try stand.partition.replay(LineRun(stand.batchRing, first: 0, count: count), &effects)
      stand.journal += journal[first..<(first + count)]
      first += count
    }
    stand.partition.endReplay()
    stand.durable = UInt64(stand.journal.count)
    return stand
  }

  /// Every row of every board, by board and window.
  var standings: [[BoardRow]] {
    var standings: [[BoardRow]] = []
    for index in 0..<partition.state.boards.count {
      for window in [BoardWindow.current, .previous] {
        var rows: [BoardRow] = []
        partition.state.boards[index].top(limit: .max, in: window, partition.state.space) {
          rows.append($0)
        }
        standings.append(rows)
      }
    }
    return standings
  }

  func replay(_ event: Event) throws(ReplayFault) {
    var seen = EffectBuffer(capacity: 1)
    _ = try partition.replay(event, &seen)
    journal.append(event)
  }

  /// Every row of the books, in order.
  var books: [BooksRow] { (0..<partition.books.count).map { partition.books[$0] } }
}

func blockMap(_ rows: [String], eight: Bool = true) -> Topology {
  Topology(rows: rows, neighbourhood: eight ? .eight : .four)
}

/// A hunt on 12 x 12 blocks with a wall, a few treasures that respawn, and room for everything that
/// the batches of these tests do.
func smallHunt(_ random: inout TestRandom) -> (HuntDefinition, Topology) {
  var definition = HuntDefinition(name: "small")
  definition.limits.players = 48
  definition.limits.treasures = 40
  definition.limits.claims = 2_000
  definition.limits.producers = 64
  definition.limits.gaps = 4_000
  definition.limits.idempotencyKeys = 4_000
  definition.limits.names = 64
  definition.rules.latenessMs = random.chance(50) ? 1_000 : 0
  definition.rules.claimsPerPlayer = UInt32(random.below(3))
  definition.rules.joinImplicitly = random.chance(80)
  for id in 1...6 {
    var treasure = TreasureSpec(
      id: UInt32(id), x: Int32(random.below(12)), y: Int32(random.below(5)))
    treasure.stock = UInt32(1 + random.below(4))
    treasure.respawnMs = random.chance(70) ? UInt32(1 + random.below(800)) : 0
    treasure.reach = UInt32(random.below(4))
    definition.treasures.append(treasure)
  }
  var rows = [String](repeating: String(repeating: ".", count: 12), count: 12)
  rows[5] = "@@@@@@..@@@@"
  return (definition, blockMap(rows))
}
