import Bounded
import Events
import Hunt
import Pages
import Partitions
import Scoring
import Testing
import Testkit
import World

// What a fork changes, against a comparison of everything with everything: every player, treasure and
// edge of both states is looked at, and claims are counted while the journal is replayed.
// Not verified here: pages that differ in more than they have to.

/// A hunt's state told by names, and its claims as a replay counted them.
private struct Told: Equatable {
  struct Player: Equatable {
    var score: Int64
    var claims: UInt32
    var isPresent: Bool
    var rank: Int?
  }
  var players: [UInt64: Player] = [:]
  var treasures: [UInt32: TreasureRow] = [:]
  var edges: [[UInt8]] = []
  /// Claims granted since the last respawn, by treasure and player.
  var awards: [UInt32: [UInt64: Int]] = [:]

  init(_ stand: Stand, _ awards: [UInt32: [UInt64: Int]]) {
    self.awards = awards
    for row in 0..<Int(stand.partition.state.counts.players) {
      let player = stand.partition.state.player(row)
      players[player.key] = Player(
        score: player.total, claims: player.claims, isPresent: player.isPresent,
        rank: stand.partition.state.boards[0].rank(UInt32(row), stand.partition.state.space))
    }
    for row in 0..<Int(stand.partition.state.counts.treasures) {
      let treasure = stand.partition.state.treasure(row)
      treasures[treasure.id] = treasure
    }
    let world = stand.partition.state.world
    for node in 0..<UInt32(world.nodeCount) {
      edges.append(
        (0..<8).map { world.multiplier(node, $0, stand.partition.state.space) })
    }
  }
}

/// A journal replayed along a line beside its hunt, told.
private func tell(_ hunt: Stand, _ lineage: Lineage) throws -> (Stand, Told) {
  let stand = try Stand(beside: hunt)
  stand.partition.follow(Line(lineage))
  var awards: [UInt32: [UInt64: Int]] = [:]
  var generations: [UInt32: UInt32] = [:]
  var effects = EffectBuffer(capacity: 1)
  func generation(_ id: UInt32) -> UInt32? {
    stand.partition.state.row(ofTreasure: id).map { stand.partition.state.treasure($0).generation }
  }
  for event in hunt.journal {
    let offset = stand.partition.nextOffset
    let outcome = try stand.partition.replay(event, &effects)
    guard let outcome, event.kind == .claim, outcome.result == .ok,
      outcome.disposition == .applied, !lineage.omits(event, at: offset)
    else { continue }
    if generations[event.treasure] != generation(event.treasure) {
      generations[event.treasure] = generation(event.treasure)
      awards[event.treasure] = [:]
    }
    awards[event.treasure, default: [:]][event.player, default: 0] += 1
  }
  stand.partition.changeLine(&effects)
  for (id, held) in generations where held != generation(id) { awards[id] = nil }
  return (stand, Told(stand, awards))
}

/// Whether a difference says of both states what comparing everything says, and nothing else.
private func agrees(_ difference: HuntDifference, _ before: Told, _ after: Told) -> Bool {
  func side(_ player: HuntDifference.Player.Side?) -> Told.Player? {
    player.map {
      Told.Player(score: $0.score, claims: $0.claims, isPresent: $0.isPresent, rank: $0.rank)
    }
  }
  var players: Set<UInt64> = []
  for player in difference.players {
    players.insert(player.key)
    if side(player.before) != before.players[player.key] { return false }
    if side(player.after) != after.players[player.key] { return false }
  }
  // Ranks alone are no difference: one who gains moves everybody below.
  func bare(_ player: Told.Player?) -> Told.Player? {
    var player = player
    player?.rank = nil
    return player
  }
  let changed = Set(before.players.keys).union(after.players.keys).filter {
    bare(before.players[$0]) != bare(after.players[$0])
  }
  if changed != players || players.count != difference.players.count { return false }

  let treasures = Set(before.treasures.keys).union(after.treasures.keys).filter {
    before.treasures[$0] != after.treasures[$0]
  }
  if Set(difference.treasures.map(\.id)) != treasures { return false }
  for treasure in difference.treasures {
    if treasure.before != before.treasures[treasure.id] { return false }
    if treasure.after != after.treasures[treasure.id] { return false }
  }

  var awards: Set<[UInt64]> = []
  for award in difference.awards {
    awards.insert([UInt64(award.treasure), award.player])
    if award.before != before.awards[award.treasure]?[award.player] ?? 0 { return false }
    if award.after != after.awards[award.treasure]?[award.player] ?? 0 { return false }
  }
  for id in Set(before.awards.keys).union(after.awards.keys) {
    let (left, right) = (before.awards[id] ?? [:], after.awards[id] ?? [:])
    for player in Set(left.keys).union(right.keys) where left[player] != right[player] {
      if awards.remove([UInt64(id), player]) == nil { return false }
    }
  }
  if !awards.isEmpty { return false }
  // Who loses a prize comes before who gains it.
  for (left, right) in zip(difference.awards, difference.awards.dropFirst()) {
    if left.treasure > right.treasure { return false }
    if left.treasure == right.treasure
      && left.after - left.before > right.after - right.before
    {
      return false
    }
  }

  var edges = 0
  for edge in difference.edges {
    let (left, right) = (before.edges[Int(edge.tail)], after.edges[Int(edge.tail)])
    let at = Int(edge.id) % left.count
    if Int(left[at]) != Int(edge.before) || Int(right[at]) != Int(edge.after)
      || left[at] == right[at]
    {
      return false
    }
    edges += 1
  }
  let expected = zip(before.edges, after.edges).reduce(0) { sum, pair in
    sum + zip(pair.0, pair.1).count { $0 != $1 }
  }
  return edges == expected
}

/// What a fork changes is what comparing everything with everything finds, in either direction.
@Test func aDifferenceEqualsAFullComparison() {
  var found = (players: 0, treasures: 0, awards: 0, edges: 0, strangers: 0)
  #expect(
    forAll(cases: 60) { random in
      var (definition, map) = smallHunt(&random)
      definition.rules.claimsPerPlayer = UInt32(1 + random.below(3))
      definition.rules.joinImplicitly = true
      // Within reach of everybody, so that claims are granted.
      for at in definition.treasures.indices {
        definition.treasures[at].reach = 24
        definition.treasures[at].stock = UInt32(1 + random.below(12))
        if random.chance(50) { definition.treasures[at].respawnMs = 0 }
      }
      let hunt = Stand(definition, map)
      var maker = BatchMaker(producers: 4)
      _ = run(hunt, &maker, &random, batches: 5 + random.below(40))
      var lineages: [Lineage] = []
      for _ in 0..<2 {
        var lineage = randomLineage(&random, from: 0, journal: hunt.journal, definition.rules)
        // With other rules claims may not be counted at all.
        lineage.ruleChanges = []
        lineages.append(lineage)
      }
      let (left, before) = try tell(hunt, random.chance(50) ? Lineage() : lineages[0])
      let (right, after) = try tell(hunt, lineages[1])
      let difference = HuntDifference(&left.partition.state, &right.partition.state)
      let mirrored = HuntDifference(&right.partition.state, &left.partition.state)
      found.players += difference.players.count
      found.treasures += difference.treasures.count
      found.awards += difference.awards.count
      found.edges += difference.edges.count
      found.strangers += difference.players.count { $0.before == nil || $0.after == nil }
      let isSame = left.partition.state.digest() == right.partition.state.digest()
      return agrees(difference, before, after) && agrees(mirrored, after, before)
        && difference.pagesDiffering == mirrored.pagesDiffering
        && isSame == (difference.pagesDiffering == 0)
    })
  #expect(
    found.players > 100 && found.treasures > 50 && found.awards > 50 && found.edges > 10
      && found.strangers > 10, "the generator no longer reaches every part: \(found)")
}

/// A fork that shares pages with the hunt differs from it in what the same line replayed on pages of
/// its own differs in, to the order; and that is what comparing everything finds.
@Test func aDifferenceOfSharedPagesIsThatOfOthers() {
  var found = (players: 0, treasures: 0, awards: 0, edges: 0, unshared: 0)
  #expect(
    forAll(cases: 250) { random in
      var (definition, map) = smallHunt(&random)
      definition.rules.claimsPerPlayer = UInt32(1 + random.below(3))
      definition.rules.joinImplicitly = true
      let respawns = random.chance(50)
      for at in definition.treasures.indices {
        definition.treasures[at].reach = 24
        definition.treasures[at].stock = UInt32(1 + random.below(12))
        if !respawns { definition.treasures[at].respawnMs = 0 }
      }
      let hunt = Stand(definition, map)
      var maker = BatchMaker(producers: 4)
      _ = run(hunt, &maker, &random, batches: 5 + random.below(40))
      let from = random.below(hunt.journal.count)
      var lineage = randomLineage(
        &random, from: UInt64(from), journal: hunt.journal, definition.rules)
      lineage.ruleChanges = []
      if random.chance(50) {
        var edits = Omission(from: UInt64(from))
        edits.kinds = Omission.bit(.edge)
        lineage.omissions.append(edits)
      }

      let (main, before) = try tell(hunt, Lineage())
      let (apart, after) = try tell(hunt, lineage)
      let base = try Stand(beside: hunt)
      var effects = EffectBuffer(capacity: 1)
      for event in hunt.journal[..<from] { _ = try base.partition.replay(event, &effects) }
      var checkpoint = try base.partition.checkpoint()
      let fork = try Stand(beside: hunt)
      fork.partition = try Partition(
        definition, map: map, number: 3, digestEvery: hunt.partition.digestEvery,
        from: &checkpoint, along: Line(lineage))
      for event in hunt.journal[from...] {
        _ = try base.partition.replay(event, &effects)
        _ = try fork.partition.replay(event, &effects)
      }
      fork.partition.changeLine(&effects)

      let shared = HuntDifference(&base.partition.state, &fork.partition.state)
      let mirrored = HuntDifference(&fork.partition.state, &base.partition.state)
      let unshared = HuntDifference(&main.partition.state, &apart.partition.state)
      found.players += shared.players.count
      found.treasures += shared.treasures.count
      found.awards += shared.awards.count
      found.edges += shared.edges.count
      if shared.pagesDiffering > 0 && shared.pagesDiffering < shared.pageCount / 4 {
        found.unshared += 1
      }
      return fork.partition.state.digest() == apart.partition.state.digest()
        && agrees(shared, before, after) && agrees(mirrored, after, before)
        && "\(shared.players)" == "\(unshared.players)"
        && "\(shared.treasures)" == "\(unshared.treasures)"
        && "\(shared.awards)" == "\(unshared.awards)" && "\(shared.edges)" == "\(unshared.edges)"
    })
  #expect(
    found.players > 100 && found.treasures > 50 && found.awards > 50 && found.edges > 10
      && found.unshared > 10, "the generator no longer reaches every part: \(found)")
}

/// A state does not differ from itself forked, nor from an equal one that came about otherwise.
@Test func equalStatesDoNotDiffer() throws {
  var random = TestRandom(seed: runSeed)
  let (definition, map) = smallHunt(&random)
  let hunt = Stand(definition, map)
  var maker = BatchMaker(producers: 4)
  _ = run(hunt, &maker, &random, batches: 30)
  let (twin, _) = try tell(hunt, Lineage())
  let difference = HuntDifference(&hunt.partition.state, &twin.partition.state)
  #expect(difference.pagesDiffering == 0 && difference.pageCount > 0)
  #expect(difference.players.isEmpty && difference.treasures.isEmpty)
  #expect(difference.awards.isEmpty && difference.edges.isEmpty)
}

/// Two states that came about in different ways, one with the orders of its boards kept all along and
/// one with them made at the end, differ in nothing: neither in what is told nor in the pages counted.
@Test func whatIsMadeFromOtherRowsDoesNotDiffer() {
  #expect(
    forAll(cases: 20) { random in
      let (definition, map) = smallHunt(&random)
      let hunt = Stand(definition, map)
      var maker = BatchMaker(producers: 4)
      for _ in 0..<60 {
        hunt.step(maker.next(&random))
        hunt.flush()
      }
      let other = try Stand(beside: hunt)
      var effects = EffectBuffer(capacity: 1)
      other.partition.beginReplay()
      for event in hunt.journal { _ = try other.partition.replay(event, &effects) }
      other.partition.endReplay()
      let difference = HuntDifference(&hunt.partition.state, &other.partition.state)
      return difference.pagesDiffering == 0 && difference.players.isEmpty
    })
}

/// A branch that has pages kept for so many events finds them, whatever others take: also those of the
/// books, each event being the first of a producer.
@Test func roomForEventsIsRoomForTheirBooks() throws {
  var random = TestRandom(seed: runSeed)
  let (definition, map) = smallHunt(&random)
  let hunt = Stand(definition, map)
  var checkpoint = try hunt.partition.checkpoint()
  var branch = try Partition(
    definition, map: map, number: 3, digestEvery: 1 << 40, from: &checkpoint, along: Line())
  let hasRoom = branch.hasRoom(events: 64)
  #expect(hasRoom)
  // Another takes all that is left.
  var greedy = try Partition(
    definition, map: map, number: 3, digestEvery: 1 << 40, from: &checkpoint, along: Line())
  var low = 0
  while greedy.state.hasRoom(pages: low + 1) { low += 1 }
  var effects = EffectBuffer(capacity: 1)
  for producer in 1...UInt64(64) {
    let tally = Tally(producer: producer, duplicate: 1, rejected: 0, shed: 0)
    _ = try branch.replay(tally.event, &effects)
  }
  let entered = branch.books.sum.duplicate
  #expect(entered == 64)
}

/// A replay that gives up the orders of boards and makes them again at its end finds the pages that it
/// asked for, whatever others take. It asked for those of its events alone, and a fork of a hunt whose
/// pool was nearly full trapped, and the whole engine with it (simulation, seed 4000394).
@Test func roomForAReplayIsRoomForItsOrders() {
  #expect(
    forAll(cases: 20) { random in
      let (definition, map) = smallHunt(&random)
      let hunt = Stand(definition, map)
      var maker = BatchMaker(producers: 4)
      _ = run(hunt, &maker, &random, batches: 10 + random.below(20))
      var checkpoint = try hunt.partition.checkpoint()
      var branch = try Partition(
        definition, map: map, number: 3, digestEvery: hunt.partition.digestEvery,
        from: &checkpoint, along: Line())
      _ = run(hunt, &maker, &random, batches: 1 + random.below(20))
      let tail = hunt.journal[Int(branch.nextOffset)...]
      guard branch.hasRoom(events: tail.count, beginsReplay: true) else { return false }
      // Another takes all that is left.
      var greedy = try Partition(
        definition, map: map, number: 3, digestEvery: 1 << 40, from: &checkpoint, along: Line())
      var low = 0
      while greedy.state.hasRoom(pages: low + 1) { low += 1 }
      branch.beginReplay()
      var effects = EffectBuffer(capacity: 1)
      for event in tail { _ = try branch.replay(event, &effects) }
      branch.endReplay()
      return branch.state.digest() == hunt.partition.state.digest()
    })
}
