import Bounded
import Events
import Hunt
import Pages
import Partitions
import World

/// Checks one hunt against its journal as the disk was told it, all through a run.
///
/// It verifies: every acknowledged event is in the journal at its place, with the outcome that an
/// independent model of the rules gives; no event stands there twice; what was durable is there
/// after a crash, unless the disk lied about those very bytes; players, treasures, boards, stock,
/// books and the treasure field are those of the model; the state is, byte for byte, what a fresh
/// partition gives that replays the same events; what viewers are shown is what was judged, in
/// order; of an atomic body whose events have keys of their own, all or none stand in the journal
/// after a crash; pages are given back.
///
/// It does not verify: sequence decisions beyond "never twice" (HuntTests do), answers as JSON
/// (check-api does), times, and whether what was never acknowledged should have been.
final class HuntChecker {
  /// What a client was told of an event.
  struct Claim {
    var event: Event
    var outcome: Outcome
    var isDurable: Bool
  }

  struct Sequence: Hashable {
    var producer: UInt64
    var number: UInt64
  }

  /// How a line of history reads the journal, as whoever asked for it said.
  struct Edit {
    enum Kind {
      case unplay(players: Set<UInt64>)
      case rollback(to: UInt64)
    }
    var kind: Kind
    var promotedAt: UInt64 = .max

    func omits(_ event: Event, at offset: UInt64) -> Bool {
      guard offset < promotedAt, let of = event.kind else { return false }
      switch kind {
      case .unplay(let players): return of.isSupported && players.contains(event.player)
      case .rollback(let to): return offset >= to && (of.isSupported || of == .control)
      }
    }
  }

  let hunt: SimulatedHunt
  let journal: JournalWatch.Journal
  let coverage: SimulationCoverage
  let canary: SimulationCanary?
  private(set) var violation: String?

  private(set) var model: Model
  /// The model has judged everything below.
  private(set) var judged: UInt64 = 0
  private var claims: [UInt64: Claim] = [:]
  /// Where each event of a sender stands.
  private var places: [Sequence: UInt64] = [:]
  private var keys: [UInt64: UInt64] = [:]
  /// Keys of the events of each atomic body.
  private var bodies: [[UInt64]] = []
  private var books: [UInt64: BooksRow] = [:]
  private var edits: [Edit] = []
  /// Promotions that the journal holds.
  var promotions: Int { edits.count }
  /// The edit whose promotion is under way.
  var pendingEdit: Edit?
  private var shown: [UInt64: [Effect]] = [:]
  private var lastShown: UInt64 = 0
  /// Every event told to be durable stands below.
  private var durableClaims: UInt64 = 0

  init(
    _ hunt: SimulatedHunt, _ journal: JournalWatch.Journal, _ coverage: SimulationCoverage,
    canary: SimulationCanary?
  ) {
    self.hunt = hunt
    self.journal = journal
    self.coverage = coverage
    self.canary = canary
    model = hunt.model
  }

  func fail(_ text: String) {
    if violation == nil { violation = "hunt \(hunt.definition.name): \(text)" }
  }

  // MARK: What clients were told

  /// An event was answered as applied or late.
  func acknowledged(_ event: Event, _ outcome: Outcome, isDurable: Bool) {
    let offset = outcome.offset
    if isDurable { durableClaims = max(durableClaims, offset + 1) }
    if isDurable && offset >= journal.written {
      return fail("event \(event.sequence) was called durable at \(offset), never written")
    }
    if offset < judged {
      check(journal.events[Int(offset)], at: offset, event)
      return
    }
    if let old = claims[offset], old.event != event {
      return fail("two events were told that they stand at \(offset)")
    }
    let durable = isDurable || claims[offset]?.isDurable ?? false
    claims[offset] = Claim(event: event, outcome: outcome, isDurable: durable)
  }

  /// Everything below `offset` was called durable.
  func calledDurable(_ offset: UInt64, needsFlush: Bool) {
    let through = needsFlush ? journal.durable : journal.written
    if offset > through {
      fail(
        "offset \(offset) was called durable, and the disk has made \(through) so"
          + (journal.pending.map { "; \($0)" } ?? ""))
    }
  }

  /// An event was answered as a duplicate, durably.
  func calledDuplicate(_ event: Event) {
    judge(to: journal.written)
    if event.flags.contains(.idempotencyKey) || event.sequence == 0 { return }
    let sequence = Sequence(producer: event.producer, number: event.sequence)
    if places[sequence] == nil {
      fail("event \(event.sequence) of \(event.producer) was called a duplicate and stands nowhere")
    }
  }

  private func check(_ held: Event, at offset: UInt64, _ sent: Event) {
    if held.kindByte != sent.kindByte || held.producer != sent.producer
      || (sent.sequence != 0 && held.sequence != sent.sequence)
      || (!sent.flags.contains(.playerIsName) && held.player != sent.player)
    {
      fail("at offset \(offset) stands \(held), and the client was told \(sent)")
    }
  }

  // MARK: After a crash

  /// The engine came back with everything below `offset`.
  ///
  /// - Parameters:
  ///   - least: What must be there.
  ///   - lie: The first offset of which the disk does not hold what it was told.
  ///   - mayLose: Whether what was called durable may be lost: a power cut, in a mode that flushes
  ///     now and then.
  func recovered(to offset: UInt64, least: UInt64, lie: UInt64?, mayLose: Bool) {
    if offset > journal.written {
      return fail("recovered \(offset) events of \(journal.written) written")
    }
    if offset < least {
      guard let lie, offset >= lie else {
        return fail("recovered \(offset) events, and \(least) were durable")
      }
      coverage.count(.lossExplained)
    }
    if durableClaims > offset {
      if mayLose {
        coverage.count(.powerCutLate)
      } else if lie.map({ offset < $0 }) ?? true {
        fail("recovered \(offset) events, and clients were told of \(durableClaims) as durable")
      }
      durableClaims = offset
    }
    judge(to: offset)
    journal.cut(at: offset)
    claims = claims.filter { $0.key < offset }
    shown = [:]
    lastShown = 0
    pendingEdit = nil
    if judged > offset || edits.contains(where: { $0.promotedAt >= offset }) {
      edits.removeAll { $0.promotedAt >= offset }
      rebuild(to: offset)
    }
    checkBodies()
  }

  /// An atomic body is sent whose events have these keys, which no other body has.
  func sendsWhole(_ keys: [UInt64]) { bodies.append(keys) }

  /// An event is sent with the key of another: the other's body says nothing any more.
  func sendsAlone(_ key: UInt64) { bodies.removeAll { $0.contains(key) } }

  /// What a crash left of each atomic body is all of it or nothing.
  private func checkBodies() {
    for body in bodies {
      var places = body.compactMap { keys[$0] }
      if canary == .cutBody, !places.isEmpty { places.removeLast() }
      if !places.isEmpty, places.count != body.count {
        fail("\(places.count) of an atomic body's \(body.count) events stand in the journal")
      }
      if !places.isEmpty { coverage.count(.bodyWhole) }
    }
  }

  // MARK: The model

  /// Judges what was journalled up to `offset`, and compares it with what clients were told.
  func judge(to offset: UInt64) {
    let end = min(offset, journal.written)
    while judged < end && violation == nil {
      let event = journal.events[Int(judged)]
      if event.kind == .promote {
        guard var edit = pendingEdit else { return fail("a promotion that nobody asked for") }
        edit.promotedAt = judged
        edits.append(edit)
        pendingEdit = nil
        rebuild(to: judged)
        judged += 1
        continue
      }
      see(event, at: judged)
      let expected = Self.feed(event, at: judged, &model, edits)
      if let expected {
        compare(event, expected, at: judged)
        enter(event.producer) { row in
          row.received += 1
          row.count(expected.disposition)
        }
      }
      judged += 1
    }
  }

  /// Gives the model one event of the journal; what must come of it, when a sender sent it.
  private static func feed(
    _ event: Event, at offset: UInt64, _ model: inout Model, _ edits: [Edit]
  ) -> Model.Expected? {
    switch event.kind {
    case .tick:
      model.tick(event.time)
      return nil
    case .control:
      if !edits.contains(where: { $0.omits(event, at: offset) }) {
        model.phase = HuntPhase(rawValue: event.value) ?? model.phase
      }
      return nil
    case .name, .tally, .digest, .promote, nil: return nil
    default:
      let isOmitted = edits.contains { $0.omits(event, at: offset) }
      return isOmitted ? model.omit(event) : model.judge(event)
    }
  }

  /// Where the event stands is taken, and it stands nowhere else.
  private func see(_ event: Event, at offset: UInt64) {
    if event.kind == .tally {
      let tally = Tally(event)
      enter(tally.producer) { row in
        row.received += tally.duplicate + tally.rejected + tally.shed
        row.count(.duplicate, tally.duplicate)
        row.count(.rejected, tally.rejected)
        row.count(.shed, tally.shed)
      }
    }
    guard event.kind?.isSupported == true else { return }
    if event.flags.contains(.idempotencyKey) {
      if let last = keys[event.sequence], isRemembered(event.sequence) {
        fail("key \(event.sequence) stands at \(last) and at \(offset)")
      }
      keys[event.sequence] = offset
      keyCount += 1
      keyNumbers[event.sequence] = keyCount
      return
    }
    let sequence = Sequence(producer: event.producer, number: event.sequence)
    if let last = places[sequence] {
      fail("event \(event.sequence) of \(event.producer) stands at \(last) and at \(offset)")
    }
    places[sequence] = offset
  }

  /// Events with a key so far, and the number of each key's last one.
  private var keyCount = 0
  private var keyNumbers: [UInt64: Int] = [:]
  /// Whether a key that was seen is still one of those that the hunt remembers.
  private func isRemembered(_ key: UInt64) -> Bool {
    keyNumbers[key].map { keyCount - $0 < hunt.definition.limits.idempotencyKeys } ?? false
  }

  private func enter(_ producer: UInt64, _ change: (inout BooksRow) -> Void) {
    var row = books[producer] ?? BooksRow()
    change(&row)
    books[producer] = row
  }

  private func compare(_ event: Event, _ expected: Model.Expected, at offset: UInt64) {
    if let claim = claims.removeValue(forKey: offset) {
      check(event, at: offset, claim.event)
      var told = Model.Expected(claim.outcome)
      if canary == .wrongOutcome, offset % 50 == 49 { told?.points += 1 }
      if told != excused(expected, event, claim.outcome) {
        fail("offset \(offset), \(event): told \(String(describing: told)), must be \(expected)")
      }
    }
    for effect in shown.removeValue(forKey: offset) ?? []
    where effect.kindByte == event.kindByte && effect.player == event.player
      && [EventKind.claim, .score].contains(event.kind)
    {
      if effect.total != expected.total || effect.points != Int32(clamping: expected.points) {
        fail("offset \(offset): viewers were shown \(effect), judged was \(expected)")
      }
    }
  }

  /// What an outcome may say instead where repairs of the field are left to the clock: that its
  /// hint is not known yet, and so nothing of whether the next one is warmer.
  private func excused(
    _ expected: Model.Expected, _ event: Event, _ outcome: Outcome
  ) -> Model.Expected {
    guard hunt.mayLeaveRepairs, event.flags.contains(.wantHint) else { return expected }
    var excused = expected
    excused.isWarmer = outcome.flags.contains(.warmer)
    excused.isColder = outcome.flags.contains(.colder)
    if outcome.flags.contains(.settling) {
      coverage.count(.hintSettling)
      excused.distance = nil
      excused.direction = 255
      excused.treasure = event.treasure
    }
    return excused
  }

  /// Judges the journal again from its beginning, as the edits say now.
  private func rebuild(to offset: UInt64) {
    model = hunt.model
    places = [:]
    keys = [:]
    keyCount = 0
    keyNumbers = [:]
    books = [:]
    for at in 0..<min(offset, journal.written) {
      let event = journal.events[Int(at)]
      see(event, at: at)
      if let expected = Self.feed(event, at: at, &model, edits) {
        enter(event.producer) { row in
          row.received += 1
          row.count(expected.disposition)
        }
      }
    }
    judged = min(offset, journal.written)
    twin = nil
  }

  /// The model as another line of history would have it at `offset`.
  func model(along edit: Edit?, to offset: UInt64) -> Model {
    var other = hunt.model
    let all = edits + (edit.map { [$0] } ?? [])
    for at in 0..<min(offset, journal.written) {
      _ = Self.feed(journal.events[Int(at)], at: at, &other, all)
    }
    return other
  }

  // MARK: Effects

  /// Viewers were shown an effect.
  func showed(_ effect: Effect) {
    coverage.count(.effectSeen)
    if effect.offset < lastShown { fail("an effect of \(effect.offset) after \(lastShown)") }
    lastShown = effect.offset
    if effect.offset >= judged { shown[effect.offset, default: []].append(effect) }
  }

  /// Viewers begin again from a snapshot.
  func lostEffects() { lastShown = 0 }

  // MARK: Comparing states

  private var twin: TwinBox?

  private final class TwinBox {
    var partition: Partition
    init(_ partition: consuming Partition) { self.partition = partition }
  }

  /// The hunt's state and the model's are the same, wherever the hunt rests; `live` has come to
  /// everything that was written.
  func compare(_ live: inout Partition, isStopped: Bool) {
    judge(to: live.nextOffset)
    if violation != nil { return }
    guard judged == live.nextOffset else {
      return fail("the hunt has come to \(live.nextOffset), its journal to \(judged)")
    }
    if let text = model.difference(from: live.state, canary) { return fail(text) }
    coverage.count(.modelCompared)
    if let text = fieldDifference(live.state) { return fail(text) }
    coverage.count(.fieldCompared)
    if !isStopped, let text = booksDifference(live) { return fail(text) }
    if !live.books.isBalanced { fail("the books do not balance") }
    if let text = twinDifference(&live, isStopped: isStopped) { return fail(text) }
    coverage.count(.twinCompared)
  }

  private func fieldDifference(_ state: borrowing HuntState) -> String? {
    let field = model.hints()
    let isSettled = !state.field.isSettling(state.space)
    for node in field.indices {
      if !isSettled && !isSure(node, state) { continue }
      let hint = state.field.hint(UInt32(node), state.space)
      var expected = field[node]
      if canary == .staleField, node == 3 { expected = expected.map { ($0.distance + 1, $0.1) } }
      if hint.map({ Int($0.distance) }) != expected?.distance
        || hint?.treasure != expected?.treasure
      {
        return "the field at node \(node): \(String(describing: hint)), from scratch "
          + "\(String(describing: expected))"
      }
    }
    return nil
  }

  /// Whether a hint at a node is sure while repairs are left.
  private func isSure(_ node: Int, _ state: borrowing HuntState) -> Bool {
    guard state.field.isCertain(UInt32(node), state.space) else { return false }
    let named = state.field.treasure(UInt32(node), state.space)
    return named == 0 || model.treasures[named]?.phase == .open
  }

  private func booksDifference(_ live: borrowing Partition) -> String? {
    var shared = BooksRow()
    var known: Set<UInt64> = []
    for at in 0..<live.books.count {
      let row = live.books[at]
      if at == 0 { continue }
      known.insert(row.producer)
      var expected = books[row.producer] ?? BooksRow()
      expected.producer = row.producer
      if canary == .lostFromBooks && expected.received > 20 { expected.received += 1 }
      if row != expected { return "books: \(row), the journal says \(expected)" }
    }
    // Whoever came beyond the limit shares the row of producer 0.
    for (producer, row) in books where !known.contains(producer) { shared.add(row) }
    let first = live.books[0]
    shared.producer = first.producer
    return first == shared ? nil : "books of the rest: \(first), the journal says \(shared)"
  }

  private func twinDifference(_ live: inout Partition, isStopped: Bool) -> String? {
    let history = live.line.history
    if twin == nil || twin?.partition.line.history != history {
      var fresh = Partition(
        hunt.definition, map: hunt.map, number: live.number, digestEvery: 1 << 40,
        heldLines: 4_096,
        pool: PagePool(pageCount: Partition.pagesNeeded(hunt.definition, hunt.map)))
      fresh.follow(Line(history.current, history))
      twin = TwinBox(fresh)
    }
    guard let twin else { return nil }
    var effects = EffectBuffer(capacity: 1)
    do throws(ReplayFault) {
      while twin.partition.nextOffset < live.nextOffset {
        let event = journal.events[Int(twin.partition.nextOffset)]
        _ = try twin.partition.replay(event, &effects)
        if canary == .doubleApplied, event.kind == .score {
          _ = try twin.partition.replay(event, &effects)
        }
      }
    } catch { return "a replay of the journal: \(error)" }
    if canary == .changedScore, twin.partition.nextOffset > 400 { changeScore(&twin.partition) }
    if live.state.digest() != twin.partition.state.digest() {
      return "the state differs from a replay of its journal in "
        + (live.firstDifference(from: twin.partition, HuntState.layout(hunt.definition, hunt.map))
          ?? "something without a place")
    }
    if !isStopped {
      guard live.books.count == twin.partition.books.count else { return "books, their count" }
      for at in 0..<live.books.count where live.books[at] != twin.partition.books[at] {
        return "the books differ from a replay: \(live.books[at]), \(twin.partition.books[at])"
      }
    }
    if live.state.now != twin.partition.state.now { return "the clock differs from a replay's" }
    return nil
  }

  private func changeScore(_ partition: inout Partition) {
    var effects = EffectBuffer(capacity: 1)
    var event = Event(kind: .join)
    event.player = 77_777
    _ = partition.state.add(event, offset: partition.nextOffset, &effects)
  }

  /// Pages are given back: without forks there are at most the hunt, its shadow, its beginning, an
  /// image and the checkpoints, none larger than the hunt.
  func compare(
    pool: PagePool, _ live: borrowing Partition, forks: Int, checkpoints: Int
  ) {
    if pool.roomCount < 0 { fail("the pool has promised \(-pool.roomCount) pages too many") }
    let used = pool.pageCount - pool.freeCount
    let pages = live.state.space.writtenCount + live.books.pageCount
    let most = 1 + (4 + checkpoints) * pages
    if forks == 0 && used > most {
      fail("\(used) pages are in use without a fork, and the hunt has \(pages)")
    }
  }

  /// A fork as `edit` asked for it is what the model gives without those events.
  func compare(fork: inout Partition, along edit: Edit?) {
    var edit = edit
    if canary == .otherPlayer, case .unplay? = edit?.kind { edit?.kind = .unplay(players: [3]) }
    var other = model(along: edit, to: fork.nextOffset)
    _ = other.hints()
    if let text = other.difference(from: fork.state, nil) {
      return fail("a fork at \(fork.nextOffset), \(String(describing: edit)): \(text)")
    }
    coverage.count(.unplayed)
  }
}
