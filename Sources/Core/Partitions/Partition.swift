public import Bounded
public import Events
public import Hunt
import Journal
public import Pages
public import World

/// One hunt's life: admits events, hands them to the journal, applies them, and answers when what
/// it answers is as safe as was asked. No I/O, no clock, no thread: it is told, and it fills
/// buffers.
///
/// What is asked between batches is `mutating` even where it only reads; `HuntState` says why.
public struct Partition: ~Copyable {
  public var state: HuntState
  public internal(set) var books: Books
  /// Offset that the next journalled event gets.
  public internal(set) var nextOffset: UInt64 = 0
  /// The hunt's number, for the `hunt` field of events.
  public let number: UInt32
  /// Events in which every part of the state is digested once, a slice at a time.
  public let digestEvery: UInt64
  /// The last slice's digest that was journalled.
  public internal(set) var lastDigest: DigestMark?
  /// The line of history that the state is on, and those promoted before.
  public internal(set) var line = Line()

  /// Whether an image was made of this partition, which the next may say the difference from.
  var hasImage = false
  private var held: HeldReplies
  private var tallies = Tallies()

  /// Pages that the pool of such a hunt needs: for the state and its books, and as many times that
  /// again as its forks, checkpoints and images together may hold.
  ///
  /// - Parameter forkRoom: At least 1.
  public static func pagesNeeded(
    _ definition: HuntDefinition, _ map: Topology, forkRoom: Int = 2
  ) -> Int {
    precondition(forkRoom >= 1, "room for \(forkRoom) times a state")
    let state = HuntState.layout(definition, map).pageCount
    let books = Books.layout(producers: definition.limits.producers).pageCount
    return 1 + (1 + forkRoom) * (state + books)
  }

  /// - Parameters:
  ///   - heldLines: Lines of replies that may wait for the disk, at least 4,096.
  ///   - pool: Of at least `pagesNeeded`.
  public init(
    _ definition: HuntDefinition, map: Topology, number: UInt32, digestEvery: UInt64,
    heldLines: Int, pool: PagePool
  ) {
    precondition(digestEvery > 0 && heldLines >= 4_096)
    self.number = number
    self.digestEvery = digestEvery
    state = HuntState(definition, map: map, pool: pool)
    books = Books(producers: definition.limits.producers, pool: pool)
    held = HeldReplies(capacity: heldLines)
  }

  /// A partition beside the hunt itself on the same pool, which steps no batches.
  ///
  /// - Throws: When the pages are not free.
  public init(
    _ definition: HuntDefinition, map: Topology, number: UInt32, digestEvery: UInt64,
    branchOn pool: PagePool
  ) throws(ForkRefusal) {
    let state = try HuntState(definition, map: map, branchOn: pool)
    let books = try Books(producers: definition.limits.producers, branchOn: pool)
    self.init(
      number: number, digestEvery: digestEvery, state: state, books: books, nextOffset: 0,
      lastDigest: nil, line: Line())
  }

  /// A partition over a state that was brought about elsewhere: a fork's or an image's.
  ///
  /// - Parameter heldLines: As for any; a fork steps no batches and needs few.
  init(
    number: UInt32, digestEvery: UInt64, heldLines: Int = 2, state: consuming HuntState,
    books: consuming Books, nextOffset: UInt64, lastDigest: DigestMark?, line: Line
  ) {
    precondition(digestEvery > 0)
    self.number = number
    self.digestEvery = digestEvery
    self.state = state
    self.books = books
    self.nextOffset = nextOffset
    self.lastDigest = lastDigest
    self.line = line
    held = HeldReplies(capacity: heldLines)
  }

  // MARK: Room

  /// Journal lines that a batch may need at most.
  public static func journalLines(_ batch: Batch) -> Int {
    // An event, and a digest behind it where the cadence is short.
    batch.lineCount + Int(batch.count) + Tallies.capacity + 4
  }

  /// Journal lines, at most, that must be in one frame when a batch is atomic: of all that such a
  /// hunt may be sent, none is above `JournalWriter.groupMax`, and one that is would be rejected.
  public static func groupLines(_ batch: Batch, digestEvery: UInt64) -> Int {
    let every = sliceEvery(digestEvery)
    let digests = (UInt64(batch.count) + every - 1) / every
    return batch.lineCount + Int(digests)
  }

  /// Reply lines that a batch may need at most.
  public static func replyLines(_ batch: Batch) -> Int {
    (batch.kind == .submit ? Int(batch.count) : 0) + 2
  }

  /// Whether a batch's reply can be held if need be, given the free lines of its gateway's ring.
  public mutating func hasRoom(for batch: Batch, replyLinesFree: Int) -> Bool {
    let need = Self.replyLines(batch)
    return held.free >= need
      && replyLinesFree >= need + held.linesByGateway[Int(batch.gateway)]
  }

  // MARK: Steps

  /// Judges one batch.
  ///
  /// - Parameters:
  ///   - lines: The batch's events and names.
  ///   - tick: The clock, ms since 1970; the hunt's clock never goes back.
  ///   - isStopped: The journal has failed: nothing is admitted.
  ///   - output: Room for `journalLines` and `replyLines`; the reply goes to `output.replies` when
  ///     it need not wait.
  public mutating func step(
    _ batch: Batch, _ lines: LineRun, tick: Int64, isStopped: Bool, _ output: inout StepOutput
  ) {
    if !isStopped { advance(to: tick, &output) }
    var reply = Reply(.outcomes, to: batch)
    if isStopped { reply.ack = .applied }
    // Behind what waited for the disk when it failed, so that answers keep their order.
    let waits = batch.ack == .durable && (!isStopped || isHolding)
    var target = waits ? held.target(Self.replyLines(batch)) : output.replies
    let start = target.count
    target.append(reply)
    switch batch.kind {
    case .submit:
      judge(batch, lines, isStopped, &reply, &target, &output)
    case .rejectAll:
      enter(batch.producer, .rejected, UInt64(batch.count), isStopped, &output)
      reply.rejected += batch.count
    case .shedAll:
      enter(batch.producer, .shed, UInt64(batch.count), isStopped, &output)
      reply.shed += batch.count
    case .control:
      if isStopped {
        reply.shed = 1
      } else if !control(batch, &output) {
        reply.rejected = 1
      }
    case .query, .hello:
      preconditionFailure("\(batch.kind) is not a step")
    }
    if !isStopped { journalTallies(&output) }
    reply.offset = nextOffset
    reply.lineCount = UInt32(target.count - start - 1)
    target.replace(start, reply)
    if waits {
      held.keep(target, gateway: batch.gateway)
    } else {
      output.replies = target
    }
  }

  /// Hands over held replies that everything below `durable` allows, oldest first, while `send`
  /// takes them; `send` gets header and lines.
  public mutating func release(durable: UInt64, _ send: (LineRun) -> Bool) {
    while let reply = held.first, reply.offset <= durable {
      guard send(held.firstRun(reply)) else { return }
      held.dropFirst(reply)
    }
  }

  /// Whether replies wait for the disk.
  public var isHolding: Bool { mutating get { !held.isEmpty } }

  /// The reply held longest, whose offset says what it waits for; nil when none is held.
  public var oldestHeld: Reply? { mutating get { held.first } }

  /// The journal has failed: what is held can never be durable. Each held reply goes out as what it
  /// is, applied in memory, its outcomes marked provisional.
  public mutating func abandonHeld() { held.downgrade() }

  /// Sets the hunt's clock to `tick`, firing timers, when that is later.
  public mutating func advance(to tick: Int64, _ output: inout StepOutput) {
    if tick <= state.now { return }
    var event = Event(kind: .tick, time: tick)
    event.hunt = number
    journal(event, &output)
    _ = state.apply(event, offset: nextOffset - 1, &output.effects)
  }

  mutating func journal(_ event: Event, _ output: inout StepOutput) {
    output.journal.append(event)
    nextOffset += 1
  }

  /// Makes one group of what was journalled from line `first` on: a crash takes it all or nothing.
  private static func join(from first: Int, _ journal: inout LineTarget) {
    precondition(journal.count - first <= JournalWriter.groupMax)
    for line in first..<max(first, journal.count - 1) {
      var event = journal.load(line, as: Event.self)
      event.flags.insert(.joined)
      journal.replace(line, event)
    }
  }

  /// Enters events that have no journal line of their own: in a tally, which the books get with its
  /// line; at once where nothing is journalled any more.
  private mutating func enter(
    _ producer: UInt64, _ disposition: Disposition, _ times: UInt64, _ isStopped: Bool,
    _ output: inout StepOutput
  ) {
    if isStopped { return books.enter(books.row(producer), disposition, times) }
    if tallies.add(producer: producer, disposition, times) { return }
    journalTallies(&output)
    precondition(tallies.add(producer: producer, disposition, times))
  }

  /// Changes the phase; false when the hunt has ended, which is for good.
  private mutating func control(_ batch: Batch, _ output: inout StepOutput) -> Bool {
    if state.phase == .ended && batch.detail != UInt64(HuntPhase.ended.rawValue) { return false }
    var event = Event(kind: .control, time: state.now, value: Int64(batch.detail))
    event.hunt = number
    journal(event, &output)
    _ = state.apply(event, offset: nextOffset - 1, &output.effects)
    return true
  }

  // MARK: Judging events

  private mutating func judge(
    _ batch: Batch, _ lines: LineRun, _ isStopped: Bool, _ reply: inout Reply,
    _ target: inout LineTarget, _ output: inout StepOutput
  ) {
    let count = Int(batch.count)
    // The row of the producer of the last event that was journalled.
    var booked: (producer: UInt64, row: Int)?
    let refusal = isStopped ? nil : refusal(ofAll: batch, lines)
    let firstLine = output.journal.count
    defer {
      if batch.flags.contains(.atomic), refusal == nil {
        Self.join(from: firstLine, &output.journal)
      }
    }
    // The orders of boards follow once the batch is judged, or somebody asks for a rank.
    state.holdBoards()
    defer { state.releaseBoards() }
    let ahead = 16
    for at in 0..<min(ahead, count) { state.prefetchIndex(lines, at) }
    for at in 0..<count {
      if at + ahead < count { state.prefetchIndex(lines, at + ahead) }
      if at + ahead / 2 < count { state.prefetchRow(lines, at + ahead / 2) }
      if state.asksForSteps && at + ahead / 4 < count { state.prefetchStep(lines, at + ahead / 4) }
      var event = lines.load(at, as: Event.self)
      var outcome: Outcome
      var producer = batch.producer
      do throws(Rejection) {
        try check(&event, batch)
        producer = event.producer
        if let refusal { throw Rejection(refusal, position: 0) }
        outcome =
          isStopped
          ? Outcome(of: event, result: .stopped, disposition: .shed)
          : admit(&event, batch, lines, &output)
      } catch {
        outcome = Outcome(of: event, result: error.code, disposition: .rejected)
        outcome.field = error.field.rawValue
      }
      if event.flags.contains(.playerIsName) && batch.flags.contains(.fromText) {
        // Not admitted, or the name would have its number.
        outcome.player = name(of: event, batch, lines).flatMap { state.number(of: $0) } ?? 0
      }
      outcome.position = UInt32(at)
      if batch.ack == .applied { outcome.flags.insert(.provisional) }
      let disposition = outcome.disposition ?? .rejected
      reply.count(disposition)
      if disposition == .applied || disposition == .late {
        if booked?.producer != producer { booked = (producer, books.row(producer)) }
        if let booked { books.enter(booked.row, disposition) }
      } else {
        enter(producer, disposition, 1, isStopped, &output)
      }
      if !batch.flags.contains(.ackOnly) { target.append(outcome) }
    }
  }

  /// Why no event of a batch may be taken: another request came under its key, or it is atomic and
  /// not all of it would be taken.
  private mutating func refusal(ofAll batch: Batch, _ lines: LineRun) -> ResultCode? {
    if batch.flags.contains(.fromText), batch.count > 0 {
      let first = lines.load(0, as: Event.self)
      if first.rejection == nil, first.flags.contains(.idempotencyKey),
        let held = state.idempotent(first.sequence),
        held.body != first.flags.intersection(.bodyMask)
      {
        return .idempotencyConflict
      }
    }
    return batch.flags.contains(.atomic) && !takesAll(batch, lines) ? .batchRejected : nil
  }

  /// Whether every event of an atomic batch will be taken: valid, with room for all new producers,
  /// gaps and names together.
  ///
  /// The room asked for is at least what the batch takes, and exactly that when each producer's
  /// events stand together; so a batch may be refused a little before a table is full, and never be
  /// taken in part.
  private mutating func takesAll(_ batch: Batch, _ lines: LineRun) -> Bool {
    if Self.groupLines(batch, digestEvery: digestEvery) > JournalWriter.groupMax { return false }
    if !hasNameRoom(batch, lines) { return false }
    var producers = 0
    var gaps = 0
    var last: (producer: UInt64, high: UInt64)?
    for at in 0..<Int(batch.count) {
      var event = lines.load(at, as: Event.self)
      do throws(Rejection) { try check(&event, batch) } catch { return false }
      if event.flags.contains(.idempotencyKey) { continue }
      if event.producer != last?.producer {
        let high = state.highSequence(event.producer)
        if high == 0 { producers += 1 }
        last = (event.producer, high)
      }
      // The highest seen so far, or less where the producer's events do not stand together.
      let high = last?.high ?? 0
      if event.sequence > high {
        if event.sequence > high + 1 { gaps += 1 }
        last = (event.producer, event.sequence)
      } else if event.sequence > 0, state.decide(event.producer, event.sequence) != .duplicate {
        gaps += 1
      }
    }
    return producers <= state.producerRoom && gaps <= state.gapRoom
  }

  /// Whether all names of a batch that have no number yet would get one.
  private mutating func hasNameRoom(_ batch: Batch, _ lines: LineRun) -> Bool {
    let room = state.limits.names - Int(state.counts.names)
    let count = Int(batch.nameCount)
    if count <= room { return true }
    // A reader gives a name once for each event that has it. Few names are compared with each
    // other, many are all counted as different.
    var unknown = 0
    for at in 0..<count {
      let name = name(at, batch, lines)
      if state.number(of: name) != nil { continue }
      if count <= 256, (0..<at).contains(where: { self.name($0, batch, lines) == name }) {
        continue
      }
      unknown += 1
    }
    return unknown <= room
  }

  /// Checks what needs no state, and fills in what the connection says.
  private mutating func check(_ event: inout Event, _ batch: Batch) throws(Rejection) {
    if batch.flags.contains(.fromText) {
      if let rejection = event.rejection { throw rejection }
      var own = event.flags.intersection(.fromText)
      if own.contains(.idempotencyKey) { own.formUnion(event.flags.intersection(.bodyMask)) }
      // A name's index or a key's hash is not what the checks of number and sequence are for.
      var bare = event
      bare.flags.subtract(own)
      if own.contains(.playerIsName) { bare.player = 1 }
      if own.contains(.idempotencyKey) { bare.sequence = 1 }
      try bare.validate()
      // Who is known by a name is addressed by the name: a number of that range is somebody else's.
      let limit = own.contains(.playerIsName) ? UInt64(batch.nameCount) : Event.nameBase
      guard event.player < limit else { throw Rejection(.outOfRange, .player, position: 24) }
    } else {
      try event.validate()
    }
    // A name's number is one that a name was given.
    if event.player >= Event.nameBase, !event.flags.contains(.playerIsName),
      event.player == Event.nameBase || event.player - Event.nameBase > state.counts.names
    {
      throw Rejection(.outOfRange, .player, position: 24)
    }
    guard event.hunt == 0 || event.hunt == number else {
      throw Rejection(.wrongHunt, .hunt, position: 4)
    }
    event.hunt = number
    if event.producer == 0 {
      event.producer = batch.producer
    } else if batch.flags.contains(.oneProducer) && event.producer != batch.producer {
      throw Rejection(.wrongProducer, .producer, position: 8)
    }
    if batch.flags.contains(.operate) { event.flags.insert(.operate) }
  }

  /// Journals and applies an event that is new; says what else it is otherwise.
  private mutating func admit(
    _ event: inout Event, _ batch: Batch, _ lines: LineRun, _ output: inout StepOutput
  ) -> Outcome {
    if event.flags.contains(.idempotencyKey) {
      if let held = state.idempotent(event.sequence) {
        return duplicate(of: event, batch, lines, offset: held.offset)
      }
    } else {
      if event.sequence == 0 { event.sequence = state.highSequence(event.producer) + 1 }
      switch state.decide(event.producer, event.sequence) {
      case .duplicate: return duplicate(of: event, batch, lines, offset: 0)
      case .full: return Outcome(of: event, result: .limitReached, disposition: .shed)
      case .new: break
      }
    }
    if event.flags.contains(.playerIsName) {
      guard let number = intern(event, batch, lines, &output) else {
        return Outcome(of: event, result: .limitReached, disposition: .shed)
      }
      event.player = number
      event.flags.remove(.playerIsName)
    }
    if event.time == 0 { event.time = state.now }
    let offset = nextOffset
    journal(event, &output)
    let outcome = state.apply(event, offset: offset, &output.effects)
    if outcome.disposition == .applied, let slice = dueSlice(state.eventCount) {
      mark(digest(slice: slice), &output)
    }
    return outcome
  }

  /// The outcome of an event seen before: what its player has now, and its first place if that is
  /// remembered.
  private mutating func duplicate(
    of event: Event, _ batch: Batch, _ lines: LineRun, offset: UInt64
  ) -> Outcome {
    var outcome = Outcome(of: event, result: .duplicate, disposition: .duplicate)
    outcome.offset = offset
    if event.flags.contains(.playerIsName) {
      outcome.player = name(of: event, batch, lines).flatMap { state.number(of: $0) } ?? 0
    }
    if let row = state.row(of: outcome.player) { outcome.total = state.player(row).total }
    return outcome
  }

  /// The name that an event gives by its index; nil when the batch has no such name.
  private mutating func name(of event: Event, _ batch: Batch, _ lines: LineRun) -> NameRow? {
    guard event.player < UInt64(batch.nameCount) else { return nil }
    return name(Int(event.player), batch, lines)
  }

  /// Name `index` of a batch.
  private mutating func name(_ index: Int, _ batch: Batch, _ lines: LineRun) -> NameRow {
    let at = Int(batch.count) + 2 * index
    let (low, high) = lines.loadPair(at, as: InlineArray<8, UInt64>.self)
    var name = NameRow()
    name.size = low[0]
    for word in 0..<7 { name.words[word] = low[word + 1] }
    name.words[7] = high[0]
    return name
  }

  /// The number of the event's name, journalling the name when it is new; nil when there is no room
  /// for another.
  private mutating func intern(
    _ event: Event, _ batch: Batch, _ lines: LineRun, _ output: inout StepOutput
  ) -> UInt64? {
    guard let name = name(of: event, batch, lines) else { return nil }
    if let number = state.number(of: name) { return number }
    guard let number = state.nextNameNumber else { return nil }
    for part in 0..<2 {
      let words: InlineArray<4, UInt64> = [
        name.words[part * 4], name.words[part * 4 + 1], name.words[part * 4 + 2],
        name.words[part * 4 + 3],
      ]
      var half = NamePart(number: number, part: part, size: Int(name.size), words: words).event
      half.hunt = self.number
      journal(half, &output)
      _ = state.apply(half, offset: nextOffset - 1, &output.effects)
    }
    return number
  }

  private mutating func journalTallies(_ output: inout StepOutput) {
    while let tally = tallies.take() {
      books.enter(tally)
      var event = tally.event
      event.hunt = number
      journal(event, &output)
    }
  }

  // MARK: Digests

  /// Slices that the state's pages are digested in, one after the other.
  public static let digestSlices = 256

  /// Events between the digests of two slices.
  private static func sliceEvery(_ digestEvery: UInt64) -> UInt64 {
    max(1, digestEvery / UInt64(digestSlices))
  }

  /// The slice whose digest is due after `events` judged events; nil when none is.
  private mutating func dueSlice(_ events: UInt64) -> UInt32? {
    let every = Self.sliceEvery(digestEvery)
    guard events % every == 0 else { return nil }
    return UInt32(truncatingIfNeeded: events / every % UInt64(Self.digestSlices))
  }

  /// The digest of one slice of the state as it is.
  private mutating func digest(slice: UInt32) -> DigestMark {
    let pages = state.space.pageCount
    let first = pages * Int(slice) / Self.digestSlices
    let end = pages * (Int(slice) + 1) / Self.digestSlices
    let digest = state.space.digest(pages: first..<end)
    return DigestMark(
      high: digest.high, low: digest.low, eventCount: state.eventCount, slice: slice)
  }

  private mutating func mark(_ digest: DigestMark, _ output: inout StepOutput) {
    lastDigest = digest
    var event = digest.event
    event.hunt = number
    journal(event, &output)
  }

  // MARK: Replay

  /// Applies one event of the journal again, as the line of history that the partition is on says.
  ///
  /// - Returns: The outcome; nil for what the engine itself journalled.
  /// - Throws: When the event cannot have been journalled by the engine, a digest disagrees, or the
  ///   hunt's history goes on along a line that the partition does not know.
  public mutating func replay(
    _ event: Event, _ effects: inout EffectBuffer
  ) throws(ReplayFault) -> Outcome? {
    guard let kind = event.kind else {
      throw ReplayFault(offset: nextOffset, .unknownKind(event.kindByte))
    }
    do throws(Rejection) { try event.checkJournalled(kind) } catch {
      throw ReplayFault(offset: nextOffset, .invalid(error))
    }
    if nextOffset >= line.nextChange { changeLine(&effects) }
    let offset = nextOffset
    nextOffset += 1
    switch kind {
    case .tick, .name:
      _ = state.apply(event, offset: offset, &effects)
      return nil
    case .control:
      if !line.omits(event, at: offset) {
        _ = state.apply(event, offset: offset, &effects)
      }
      return nil
    case .tally:
      books.enter(Tally(event))
      return nil
    case .digest:
      let mark = DigestMark(event)
      // By what the mark says, not by this partition's own cadence: that is a setting, and may have
      // been another when the mark was made.
      if line.isComparable(at: offset) {
        guard mark.eventCount == state.eventCount, mark.slice < UInt32(Self.digestSlices),
          digest(slice: mark.slice) == mark
        else { throw ReplayFault(offset: offset, .digest(mark)) }
      }
      lastDigest = mark
      return nil
    case .promote:
      guard line.history.count >= PromotionMark(event).number else {
        throw ReplayFault(offset: offset, .promotion(PromotionMark(event)))
      }
      return nil
    default:
      return try replaySent(event, kind, offset, &effects)
    }
  }

  private mutating func replaySent(
    _ event: Event, _ kind: EventKind, _ offset: UInt64, _ effects: inout EffectBuffer
  ) throws(ReplayFault) -> Outcome {
    guard kind.isSupported else {
      throw ReplayFault(offset: offset, .unknownKind(event.kindByte))
    }
    let isKey = event.flags.contains(.idempotencyKey)
    let isRepeat =
      isKey
      ? state.idempotent(event.sequence) != nil
      : state.decide(event.producer, event.sequence) != .new
    if isRepeat { throw ReplayFault(offset: offset, .repeatedSequence(event.sequence)) }
    let outcome =
      line.omits(event, at: offset)
      ? state.omit(event, offset: offset) : state.apply(event, offset: offset, &effects)
    books.enter(books.row(event.producer), outcome.disposition ?? .applied)
    return outcome
  }
}

/// A journal's event that the engine cannot have written.
public struct ReplayFault: Error, Equatable, Sendable {
  public enum Reason: Equatable, Sendable {
    case unknownKind(UInt8)
    case repeatedSequence(UInt64)
    /// A field holds what the engine never journals.
    case invalid(Rejection)
    /// The state's digest is not the one that was journalled.
    case digest(DigestMark)
    /// Another line of history begins here.
    case promotion(PromotionMark)
  }
  public let offset: UInt64
  public let reason: Reason

  public init(offset: UInt64, _ reason: Reason) {
    self.offset = offset
    self.reason = reason
  }
}

/// What a step fills; the caller owns the memory.
public struct StepOutput: ~Copyable {
  /// Events for the journal, in order.
  public var journal: LineTarget
  /// Replies that need not wait.
  public var replies: LineTarget
  public var effects: EffectBuffer

  public init(journal: LineTarget, replies: LineTarget, effects: consuming EffectBuffer) {
    self.journal = journal
    self.replies = replies
    self.effects = effects
  }

  /// Gives the effect buffer back to its owner.
  public consuming func takeEffects() -> EffectBuffer { effects }
}
