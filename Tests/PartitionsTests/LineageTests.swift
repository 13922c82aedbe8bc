import Bounded
import Events
import Hunt
import Pages
import Partitions
import Scoring
import Testing
import Testkit

// Other lines of history: what a fork leaves out, a promotion makes true for good. Verified against
// a replay of the whole journal from its beginning, and against a journal that never held the
// events; not verified here: files, threads, and the pool's limit.

/// A line that leaves out, adds and changes at random, from `from` on.
func randomLineage(
  _ random: inout TestRandom, from: UInt64, journal: [Event], _ rules: HuntRules
) -> Lineage {
  var lineage = Lineage()
  let end = UInt64(journal.count)
  func offset(_ random: inout TestRandom) -> UInt64 {
    from + UInt64(random.below(Int(end - from) + 1))
  }
  for _ in 0..<(1 + random.below(3)) {
    var omission = Omission(from: offset(&random))
    if random.chance(30) { omission.to = offset(&random) }
    let sent = journal.filter { $0.kind?.isSupported == true }
    if random.chance(60), let event = sent.randomElement(using: &random) {
      omission.players = [event.player]
    }
    if random.chance(20) { omission.producers = [101] }
    if random.chance(20) { omission.kinds = Omission.bit(.claim) | Omission.bit(.move) }
    if random.chance(20) {
      omission.offsets = (0..<5).map { _ in offset(&random) }.sorted()
    }
    lineage.omissions.append(omission)
  }
  if random.chance(30) {
    var changed = rules
    changed.claimsPerPlayer = UInt32(random.below(4))
    changed.walls.toggle()
    lineage.ruleChanges.append(.init(from: offset(&random), rules: changed))
  }
  if random.chance(30) {
    let events = (0..<3).map { _ in
      Event(kind: .score, player: UInt64(1 + random.below(30)), value: 777)
    }
    lineage.additions.append(.init(at: offset(&random), events: events))
  }
  return lineage
}

extension Stand {
  /// The whole journal replayed from its beginning along a line.
  func replayed(along line: Line) throws -> Stand {
    let stand = Stand(definition, map, digestEvery: partition.digestEvery)
    stand.partition.follow(line)
    for event in journal { try stand.replay(event) }
    return stand
  }

  /// A checkpoint, or a trap: the pools of these tests are large.
  func checkpoint() -> Checkpoint {
    do throws(ForkRefusal) { return try partition.checkpoint() } catch {
      preconditionFailure("\(error)")
    }
  }

  /// A partition from a checkpoint along a line.
  func branch(from checkpoint: inout Checkpoint, along line: Line) -> Partition {
    do throws(ForkRefusal) {
      return try Partition(
        definition, map: map, number: 3, digestEvery: partition.digestEvery, from: &checkpoint,
        along: line)
    } catch { preconditionFailure("\(error)") }
  }
}

/// Replays the journal's events from the branch's place to `end`, then what is added there.
private func goOn(_ branch: inout Partition, _ journal: [Event], to end: Int) throws {
  var effects = EffectBuffer(capacity: 1)
  for at in Int(branch.nextOffset)..<end { _ = try branch.replay(journal[at], &effects) }
  branch.changeLine(&effects)
}

/// A fork that goes on from any checkpoint not behind the line's first difference equals a replay of
/// the whole journal along the line, digest for digest and book for book; the hunt itself does not
/// notice.
@Test func aForkEqualsAFilteredReplay() {
  var compared = 0
  #expect(
    forAll(cases: 60) { random in
      let (definition, map) = smallHunt(&random)
      let stand = Stand(definition, map)
      var maker = BatchMaker(producers: 4)
      _ = run(stand, &maker, &random, batches: random.below(30))
      var checkpoint = stand.checkpoint()
      _ = run(stand, &maker, &random, batches: random.below(30))
      let digest = stand.partition.state.digest()
      let lineage = randomLineage(
        &random, from: checkpoint.offset, journal: stand.journal, definition.rules)
      let line = Line(lineage)
      let whole = try stand.replayed(along: line)
      var effects = EffectBuffer(capacity: 1)
      whole.partition.changeLine(&effects)
      var branch = stand.branch(from: &checkpoint, along: line)
      try goOn(&branch, stand.journal, to: stand.journal.count)
      compared += 1
      let books = (0..<branch.books.count).map { branch.books[$0] }
      return branch.state.digest() == whole.partition.state.digest() && books == stand.books
        && whole.books == stand.books && branch.state.now == stand.partition.state.now
        && stand.partition.state.digest() == digest
    })
  #expect(compared == 60)
}

/// Leaving a player out gives every other player, treasure and rank what they have in a hunt whose
/// journal never held the player's events.
@Test func anUnplayedPlayerWasNeverThere() {
  #expect(
    forAll(cases: 40) { random in
      let (definition, map) = smallHunt(&random)
      let stand = Stand(definition, map, digestEvery: 1 << 40)
      var maker = BatchMaker(producers: 4)
      maker.isControlled = false
      _ = run(stand, &maker, &random, batches: 40)
      // Whoever won last, so that there is a prize to pass on.
      let winners = (0..<6).map { stand.partition.state.treasure($0).lastWinner }
      let cheater: UInt64 = winners.first(where: { $0 != 0 }) ?? 1
      var lineage = Lineage()
      lineage.omissions = [Omission(players: [cheater])]
      let unplayed = try stand.replayed(along: Line(lineage))
      let honest = Stand(definition, map, digestEvery: 1 << 40)
      for event in stand.journal {
        let isCheaters = event.kind?.isSupported == true && event.player == cheater
        if !isCheaters { try honest.replay(event) }
      }
      if unplayed.partition.state.row(of: cheater) != nil { return false }
      for player in 1...30 as ClosedRange<UInt64> {
        guard let row = honest.partition.state.row(of: player) else {
          if unplayed.partition.state.row(of: player) != nil { return false }
          continue
        }
        guard let other = unplayed.partition.state.row(of: player) else { return false }
        let left = honest.partition.state.player(row)
        let right = unplayed.partition.state.player(other)
        let rank = honest.partition.state.boards[0].rank(UInt32(row), honest.partition.state.space)
        if left.total != right.total || left.claims != right.claims || left.x != right.x
          || rank
            != unplayed.partition.state.boards[0].rank(
              UInt32(other), unplayed.partition.state.space)
        {
          return false
        }
      }
      for id in 1...12 as ClosedRange<UInt32> {
        let left = honest.partition.state.row(ofTreasure: id).map {
          honest.partition.state.treasure($0)
        }
        let right = unplayed.partition.state.row(ofTreasure: id).map {
          unplayed.partition.state.treasure($0)
        }
        if left?.lastWinner != right?.lastWinner || left?.free != right?.free { return false }
      }
      return true
    })
}

/// The prize that a cheater took goes to the next who claimed it, once, and nobody else changes.
@Test func thePrizeGoesToTheNextClaimant() throws {
  var definition = HuntDefinition(name: "prize")
  definition.limits.players = 16
  definition.limits.claims = 64
  definition.limits.idempotencyKeys = 16
  definition.limits.names = 16
  var prize = TreasureSpec(id: 1, x: 2, y: 2)
  prize.points = 100
  definition.treasures = [prize]
  let map = blockMap([String](repeating: "......", count: 6))
  let stand = Stand(definition, map)
  var header = Batch(.submit)
  header.producer = 1
  let events =
    [7, 8, 9, 8].enumerated().map { at, player -> Event in
      Event(
        kind: .join, sequence: UInt64(2 * at + 1), player: UInt64(player), time: BatchMaker.base,
        x: 2, y: 2)
    }
    + [7, 8, 9, 8].enumerated().map { at, player -> Event in
      Event(
        kind: .claim, sequence: UInt64(2 * at + 2), player: UInt64(player), time: BatchMaker.base,
        treasure: 1)
    }
  header.count = UInt32(events.count)
  stand.step(TestBatch(header: header, events: events, tick: BatchMaker.base))
  func totals(_ stand: Stand) -> [Int64?] {
    [7, 8, 9].map { player in
      stand.partition.state.row(of: player).map { stand.partition.state.player($0).total }
    }
  }
  #expect(totals(stand) == [100, 0, 0])
  var lineage = Lineage()
  lineage.omissions = [Omission(players: [7])]
  #expect(totals(try stand.replayed(along: Line(lineage))) == [nil, 100, 0])
  lineage.omissions = [Omission(players: [7, 8])]
  #expect(totals(try stand.replayed(along: Line(lineage))) == [nil, nil, 100])
  // Only the claim: the cheater stays, with nothing.
  lineage.omissions = [Omission(players: [7], kinds: Omission.bit(.claim))]
  #expect(totals(try stand.replayed(along: Line(lineage))) == [0, 100, 0])
}

/// A line that changes nothing gives the hunt as it is.
@Test func anEmptyLineChangesNothing() {
  #expect(
    forAll(cases: 10) { random in
      let (definition, map) = smallHunt(&random)
      let stand = Stand(definition, map)
      var maker = BatchMaker(producers: 4)
      _ = run(stand, &maker, &random, batches: 20)
      var checkpoint = stand.checkpoint()
      _ = run(stand, &maker, &random, batches: 20)
      var branch = stand.branch(from: &checkpoint, along: Line())
      try goOn(&branch, stand.journal, to: stand.journal.count)
      var differing = 0
      branch.state.space.forEachDifference(from: stand.partition.state.space) { _ in
        differing += 1
      }
      return differing == 0 && branch.state.digest() == stand.partition.state.digest()
    })
}

/// Promoting a fork makes its state the hunt's, play goes on from there, and a replay that knows the
/// promotion gives the same states, digests and books; one that does not stops at its mark.
@Test func aPromotedForkIsTheHunt() {
  var marks = 0
  #expect(
    forAll(cases: 40) { random in
      let (definition, map) = smallHunt(&random)
      let stand = Stand(definition, map)
      var maker = BatchMaker(producers: 4)
      var known: [History] = [History()]
      for round in 1...3 as ClosedRange<UInt32> {
        _ = run(stand, &maker, &random, batches: 1 + random.below(15))
        var lineage = stand.partition.line.history.current
        let more = randomLineage(&random, from: 0, journal: stand.journal, definition.rules)
        lineage.omissions += more.omissions
        lineage.ruleChanges += more.ruleChanges
        lineage.additions += more.additions
        let fork = try Stand(beside: stand)
        fork.partition.follow(Line(lineage, stand.partition.line.history))
        for event in stand.journal { try fork.replay(event) }
        let mark = PromotionMark(number: round, high: 1, low: 2, time: maker.clock)
        var effects = EffectBuffer(capacity: 1)
        fork.partition.changeLine(&effects)
        let digests = (stand.partition.state.digest(), fork.partition.state.digest())
        stand.promote(fork, mark)
        // Each has become the other.
        if digests.0 != fork.partition.state.digest() { return false }
        if digests.1 != stand.partition.state.digest() { return false }
        known.append(stand.partition.line.history)
        _ = run(stand, &maker, &random, batches: random.below(15))
      }
      marks += stand.journal.filter { $0.kind == .digest }.count
      // A replay that learns of one promotion after the other.
      var history = History()
      while true {
        let replica = Stand(definition, map, digestEvery: stand.partition.digestEvery)
        replica.partition.follow(Line(history.current, history))
        do throws(ReplayFault) {
          for event in stand.journal { try replica.replay(event) }
          return sameState(replica, stand) && replica.partition.line.history.count == 3
        } catch {
          guard case .promotion(let mark) = error.reason, mark.number == history.count + 1 else {
            print("history of \(history.count): \(error)")
            return false
          }
          history = known[Int(mark.number)]
        }
      }
    })
  #expect(marks > 100)
}

/// A lineage reads back as it was written, and any bytes give a lineage or a fault.
@Test func lineagesAreCodedTotally() {
  var faults = 0
  #expect(
    forAll(cases: 300) { random in
      let journal = (0..<50).map { Event(kind: .move, player: UInt64($0 % 7 + 1)) }
      let lineage = randomLineage(&random, from: 0, journal: journal, HuntRules())
      var bytes = lineage.encoded()
      guard try Lineage(decoding: bytes) == lineage else { return false }
      let at = random.below(bytes.count)
      switch random.below(3) {
      case 0: bytes[at] ^= UInt8(1 + random.below(255))
      case 1: bytes.removeLast(1 + random.below(bytes.count))
      default: bytes += bytes[..<at]
      }
      do throws(LineageFault) {
        return try Lineage(decoding: bytes) == lineage && bytes == lineage.encoded()
      } catch {
        faults += 1
        return true
      }
    })
  #expect(faults > 200)
}

/// Bytes whose sum is right and whose content is any: a lineage that reads back as itself, or a fault
/// that says where; every sort of fault is reached.
@Test func sealedBytesAreALineageOrAFault() {
  var seen: Set<String> = []
  #expect(
    forAll(cases: 4_000) { random in
      let journal = (0..<50).map { Event(kind: .move, player: UInt64($0 % 7 + 1)) }
      var lineage = randomLineage(&random, from: 0, journal: journal, HuntRules())
      if random.chance(50) { lineage.ruleChanges.append(.init(from: 9, rules: HuntRules())) }
      var words = lineage.encoded().count / 8 - 2
      let slab = Slab(byteCount: (words + 64) * 8, zeroed: true)
      for (at, byte) in lineage.encoded().enumerated() { slab.store(byte, at) }
      for _ in 0..<random.below(4) {
        let at = random.below(words)
        switch random.below(4) {
        case 0: slab.store(UInt64(random.below(12)), at * 8)
        case 1: slab.store(UInt64.max >> UInt64(random.below(64)), at * 8)
        case 2: words = max(4, words - random.below(4))
        default: words = min(words + random.below(9), words + 8)
        }
      }
      let hash = slab.hash(0, count: words * 8)
      slab.store(random.chance(98) ? hash.high : 0, words * 8)
      slab.store(hash.low, words * 8 + 8)
      let bytes = (0..<(words * 8 + 16)).map { slab.load($0, as: UInt8.self) }
      do throws(LineageFault) {
        let read = try Lineage(decoding: bytes)
        seen.insert(read == lineage ? "same" : "another")
        // Whatever is read has places to ask for, and reads back.
        for at in [0, 7, 49, UInt64.max] {
          _ = read.omits(Event(kind: .move, player: 3), at: at)
          _ = read.rules(at: at)
          _ = read.rolledBack(to: at).firstDifference(from: read.promoted(at: at))
        }
        return try Lineage(decoding: read.encoded()) == read
      } catch {
        switch error {
        case .truncated(let at):
          seen.insert("truncated")
          return at <= bytes.count
        case .unsupportedVersion: seen.insert("version")
        case .outOfRange(_, let at):
          seen.insert("out of range")
          return at <= bytes.count
        case .checksum: seen.insert("checksum")
        }
        return true
      }
    })
  #expect(
    seen == ["same", "another", "truncated", "version", "out of range", "checksum"],
    "the generator no longer reaches every outcome: \(seen)")
}

/// Two lineages judge alike below their first difference, and rolling back leaves nothing after it.
@Test func lineagesDifferFromTheirFirstDifferenceOn() {
  var differing = 0
  #expect(
    forAll(cases: 500) { random in
      let journal = (0..<60).map { Event(kind: .move, player: UInt64($0 % 7 + 1)) }
      let left = randomLineage(&random, from: 0, journal: journal, HuntRules())
      var right = left
      if random.chance(80) {
        let more = randomLineage(
          &random, from: UInt64(random.below(60)), journal: journal, HuntRules())
        right.omissions += more.omissions
        right.ruleChanges += more.ruleChanges
        right.additions += more.additions
      }
      let first = right.firstDifference(from: left)
      guard left.firstDifference(from: right) == first else { return false }
      guard left.firstDifference(from: left) == .max else { return false }
      for (at, event) in journal.enumerated() where UInt64(at) < first {
        let at = UInt64(at)
        let added = (left.additions, right.additions)
        if left.omits(event, at: at) != right.omits(event, at: at)
          || left.rules(at: at) != right.rules(at: at)
          || added.0.filter({ $0.at == at }) != added.1.filter({ $0.at == at })
        {
          return false
        }
      }
      if first < .max { differing += 1 }
      let place = UInt64(random.below(60))
      let back = left.rolledBack(to: place)
      return back.firstDifference(from: left) >= place
        && journal.indices.allSatisfy { at in
          UInt64(at) < place
            ? back.omits(journal[at], at: UInt64(at)) == left.omits(journal[at], at: UInt64(at))
            : back.omits(journal[at], at: UInt64(at))
        }
        && back.additions.allSatisfy { $0.at < place }
        && back.ruleChanges.allSatisfy { $0.from < place }
    })
  #expect(differing > 200)
}
