import Events
import Hunt
import Partitions
import Testing
import Testkit

// Answers and books: every event is answered once, for what became of it, when it is as safe as was
// asked, and counted once.

/// A durable answer leaves only when its offset is durable, an applied one at once; an applied answer's
/// outcomes are provisional and a durable one's are not; each connection's answers keep their order;
/// in the end every batch has one answer with one outcome an event, in their order.
@Test func answersAreAsSafeAsAsked() {
  #expect(
    forAll(cases: 20) { random in
      let (definition, map) = smallHunt(&random)
      let stand = Stand(definition, map)
      var maker = BatchMaker(producers: 6)
      maker.malformedPercent = 10
      var batches: [UInt64: TestBatch] = [:]
      for _ in 0..<50 {
        let batch = maker.next(&random)
        batches[batch.header.batch] = batch
        let before = stand.sent.count
        stand.step(batch, at: random.below(1_024))
        if batch.header.ack == .applied {
          // At once, whatever waits for the disk.
          guard stand.sent.count > before, stand.sent.last?.reply.batch == batch.header.batch
          else { return false }
        }
        if random.chance(40) {
          let end = stand.partition.nextOffset
          stand.flush(
            through: max(stand.durable, end - min(end, UInt64(random.below(60)))),
            limit: random.chance(30) ? random.below(4) : .max)
        }
        if let held = stand.partition.oldestHeld, held.offset <= stand.durable {
          stand.release()
          if let held = stand.partition.oldestHeld, held.offset <= stand.durable {
            return false
          }
        }
      }
      stand.flush()
      guard !stand.partition.isHolding, stand.sent.count == batches.count else { return false }
      var last: [UInt64: UInt64] = [:]
      for sent in stand.sent {
        guard let batch = batches[sent.reply.batch]?.header, sent.reply.ack == batch.ack,
          sent.reply.connection == batch.connection, sent.reply.gateway == batch.gateway,
          sent.reply.batch > last[batch.connection] ?? 0
        else { return false }
        last[batch.connection] = sent.reply.batch
        let counted =
          sent.reply.applied + sent.reply.duplicate + sent.reply.rejected + sent.reply.late
          + sent.reply.shed
        guard counted == batch.count else { return false }
        if batch.flags.contains(.ackOnly) || batch.kind != .submit {
          guard sent.outcomes.isEmpty else { return false }
          continue
        }
        guard sent.outcomes.map(\.position) == (0..<batch.count).map({ $0 }) else { return false }
        for outcome in sent.outcomes
        where outcome.flags.contains(.provisional) != (batch.ack == .applied) { return false }
      }
      return stand.complaints.isEmpty
    })
}

/// What an outcome says is in the journal at its offset: the same kind, sequence and player; and a
/// repeated idempotency key gives the offset of its first event.
@Test func outcomesPointIntoTheJournal() {
  var repeats = 0
  #expect(
    forAll(cases: 10) { random in
      let (definition, map) = smallHunt(&random)
      let stand = Stand(definition, map)
      var maker = BatchMaker(producers: 8)
      maker.numbersItself = true
      var batches = run(stand, &maker, &random, batches: 30)
      let keyed = batches.filter { batch in
        batch.events.contains { $0.flags.contains(.idempotencyKey) }
      }
      for batch in keyed {
        stand.step(batch)
        batches.append(batch)
      }
      stand.flush()
      for sent in stand.sent {
        for outcome in sent.outcomes {
          switch outcome.disposition {
          case .applied, .late:
            let event = stand.journal[Int(outcome.offset)]
            guard event.kindByte == outcome.kindByte, event.sequence == outcome.sequence,
              event.player == outcome.player
            else { return false }
          case .duplicate where outcome.offset != 0:
            repeats += 1
            let first = stand.journal[Int(outcome.offset)]
            guard first.sequence == outcome.sequence, first.flags.contains(.idempotencyKey) else {
              return false
            }
          default: break
          }
        }
      }
      return true
    })
  #expect(repeats > 10, "keys are hardly ever repeated")
}

/// After every step the books balance, for each producer and together, and equal the counts that the
/// answers gave, producer by producer.
@Test func booksBalanceAfterEveryStep() {
  var reached: Set<ResultCode> = []
  #expect(
    forAll(cases: 25) { random in
      var (definition, map) = smallHunt(&random)
      // Fewer rows than producers: the last ones share the row of producer 0.
      let isShort = random.chance(50)
      if isShort { definition.limits.producers = 4 }
      let stand = Stand(definition, map)
      var maker = BatchMaker(producers: 8)
      maker.malformedPercent = 15
      var expected: [UInt64: BooksRow] = [:]
      for _ in 0..<40 {
        let batch =
          random.chance(80)
          ? maker.next(&random)
          : BatchMaker.storm(&random, journal: stand.journal, tick: maker.clock)
        var header = batch.header
        header.flags.remove(.ackOnly)
        stand.step(
          TestBatch(header: header, events: batch.events, names: batch.names, tick: batch.tick))
        stand.flush()
        guard let sent = stand.sent.last else { return false }
        func enter(_ producer: UInt64, _ disposition: Disposition, _ times: UInt64) {
          expected[producer, default: BooksRow()].received += times
          expected[producer, default: BooksRow()].count(disposition, times)
        }
        switch header.kind {
        case .rejectAll: enter(header.producer, .rejected, UInt64(header.count))
        case .shedAll: enter(header.producer, .shed, UInt64(header.count))
        default:
          for (event, outcome) in zip(batch.events, sent.outcomes) {
            guard let disposition = outcome.disposition, let result = outcome.result else {
              return false
            }
            if disposition != .applied { reached.insert(result) }
            let isOwn = disposition == .rejected || event.producer == 0
            enter(isOwn ? header.producer : event.producer, disposition, 1)
          }
        }
        guard stand.books.allSatisfy(\.isBalanced), stand.partition.books.isBalanced else {
          return false
        }
      }
      var sum = BooksRow()
      for row in expected.values { sum.add(row) }
      guard stand.partition.books.sum == sum else { return false }
      if isShort { return stand.books.count <= 5 }
      for row in stand.books where row.received > 0 {
        var wanted = expected[row.producer] ?? BooksRow()
        wanted.producer = row.producer
        if row != wanted { return false }
        expected[row.producer] = nil
      }
      return expected.values.allSatisfy { $0.received == 0 }
    })
  let possible: Set<ResultCode> = [
    .duplicate, .late, .limitReached, .unsupportedVersion, .unknownKind, .unsupportedKind,
    .reservedFlag, .wrongHunt, .missingField, .outOfRange, .malformed, .wrongProducer,
  ]
  #expect(reached == possible, "the generator no longer reaches every result")
}

/// One text batch with an event for each of `events`.
private func textBatch(_ events: [Event], names: [String], ack: AckLevel = .applied) -> TestBatch {
  var header = Batch(.submit)
  header.flags = .fromText
  header.producer = 500
  header.ack = ack
  header.count = UInt32(events.count)
  header.nameCount = UInt32(names.count)
  return TestBatch(header: header, events: events, names: names, tick: BatchMaker.base)
}

/// A player is answered for by number: given, or that of the name; never by the name's place in its
/// batch, which for a repeat and a rejected event once stood there and named a stranger.
@Test func answersNameThePlayer() {
  var random = TestRandom(seed: 1)
  var (definition, map) = smallHunt(&random)
  definition.rules.joinImplicitly = true
  definition.limits.names = 2
  let stand = Stand(definition, map)
  func event(_ sequence: UInt64, name: UInt64, key: Bool = false) -> Event {
    var event = Event(
      kind: .score, flags: .playerIsName, sequence: sequence, player: name, value: 5)
    if key { event.flags.insert(.idempotencyKey) }
    return event
  }
  let ada = Event.nameBase | 1
  let bob = Event.nameBase | 2
  stand.step(textBatch([event(1, name: 1), event(77, name: 0, key: true)], names: ["bob", "ada"]))
  #expect(stand.sent.last?.outcomes.map(\.player) == [ada, bob])

  // Repeats, by sequence and by key, in another order of names.
  stand.step(textBatch([event(77, name: 1, key: true), event(1, name: 0)], names: ["ada", "bob"]))
  #expect(stand.sent.last?.outcomes.map(\.disposition) == [.duplicate, .duplicate])
  #expect(stand.sent.last?.outcomes.map(\.player) == [bob, ada])

  // Rejected: what was given is repeated, sequence and key included; a new name has no number.
  var bad = event(9, name: 2)
  bad.time = -1
  var badKey = event(1 << 62, name: 1, key: true)
  badKey.time = -1
  stand.step(textBatch([bad, badKey], names: ["ada", "bob", "cyd"]))
  #expect(stand.sent.last?.outcomes.map(\.disposition) == [.rejected, .rejected])
  #expect(stand.sent.last?.outcomes.map(\.sequence) == [9, 1 << 62])
  #expect(stand.sent.last?.outcomes.map(\.player) == [0, bob])

  // Shed for want of room, or because the journal failed.
  stand.step(textBatch([event(10, name: 0)], names: ["cyd"]))
  #expect(stand.sent.last?.outcomes.map(\.result) == [.limitReached])
  #expect(stand.sent.last?.outcomes.map(\.player) == [0])
  stand.step(
    textBatch([event(11, name: 0), event(12, name: 1)], names: ["cyd", "ada"]), isStopped: true)
  #expect(stand.sent.last?.outcomes.map(\.player) == [0, ada])
}

/// A number of 2^63 and up stands for a name that was given one: no other may be used, by text as by
/// stream, or whoever is given that number next would find points, or debts, of a stranger.
@Test func numbersOfNamesNeverGivenAreRejected() {
  var random = TestRandom(seed: 1)
  var (definition, map) = smallHunt(&random)
  definition.rules.joinImplicitly = true
  for isText in [true, false] {
    let stand = Stand(definition, map)
    let score = Event(kind: .score, flags: .playerIsName, sequence: 1, player: 0, value: 5)
    stand.step(textBatch([score], names: ["ada"]))
    let events = [0, 1, 2, 1 << 40].enumerated().map { at, row in
      Event(
        kind: .score, sequence: UInt64(2 + at), player: Event.nameBase | UInt64(row), value: 5)
    }
    var batch = textBatch(events, names: [])
    if !isText { batch.header.flags = [] }
    stand.step(batch)
    let results = stand.sent.last?.outcomes.map(\.result)
    // By text a named player is addressed by the name alone, so even a number given out is refused.
    let known: ResultCode = isText ? .outOfRange : .ok
    #expect(results == [.outOfRange, known, .outOfRange, .outOfRange], "by text: \(isText)")
    #expect(stand.partition.state.counts.players == 1)
  }
}
