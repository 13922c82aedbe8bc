import Authoring
import Bounded
import Disk
import Events
import Hunt
import Journal
import Partitions
import Testing
import Testkit

@testable import Engine

// `veltrix replay --at --omit --diff`: what the folder alone says of another line is what the whole
// journal gives along it. That a running engine says the same is checked by
// scripts/check-replay-forks.py.

extension HuntOnDisk {
  /// Promotes the hunt's line with more left out; what was journalled goes to the disk.
  func promote(
    _ omissions: [Omission], _ number: UInt32, time: Int64, notesPlace: Bool = true
  ) throws {
    let history = stand.partition.line.history
    var lineage = history.current
    lineage.omissions += omissions
    let fork = try Stand(beside: stand)
    fork.partition.follow(Line(lineage, history))
    for event in stand.journal { try fork.replay(event) }
    let hash = try folder.branches.write(lineage, number)
    let offset = stand.partition.nextOffset
    stand.promote(
      fork, PromotionMark(number: number, high: hash.high, low: hash.low, time: time))
    if notesPlace { try folder.branches.write(offset: offset, number, hash: hash) }
    write()
  }
}

/// A random hunt with promotions and snapshots between them, closed.
private func playWithPromotions(_ random: inout TestRandom) throws -> HuntOnDisk {
  let (definition, map) = smallHunt(&random)
  let hunt = try HuntOnDisk(definition, map)
  var maker = BatchMaker(producers: 4)
  var promotions: UInt32 = 0
  for _ in 0..<(2 + random.below(4)) {
    _ = run(hunt.stand, &maker, &random, batches: 1 + random.below(15))
    hunt.write()
    if random.chance(40) {
      promotions += 1
      let journal = hunt.stand.journal
      let lineage = randomLineage(&random, from: 0, journal: journal, definition.rules)
      try hunt.promote(
        lineage.omissions, promotions, time: maker.clock, notesPlace: random.chance(70))
    }
    let isNew = try hunt.files.offsets().last ?? 0 < hunt.stand.partition.nextOffset
    if isNew && random.chance(60) { _ = try hunt.snapshotNow() }
  }
  hunt.close()
  return hunt
}

/// What a request leaves out, as its text and as an omission.
private func randomOmission(
  _ random: inout TestRandom, _ hunt: HuntOnDisk
) -> (text: String, omission: Omission) {
  var (members, omission) = ([String](), Omission(from: 0))
  let end = hunt.stand.journal.count + 1
  let sent = hunt.stand.journal.filter { $0.kind?.isSupported == true && $0.player != 0 }
  if random.chance(70), !sent.isEmpty {
    omission.players = [sent[random.below(sent.count)].player]
    let names = omission.players.map { key in
      hunt.stand.partition.state.name(of: key).map { "name:\($0.text)" } ?? "\(key)"
    }
    members.append("players: [\(names.map { "\"\($0)\"" }.joined(separator: ","))]")
  }
  if random.chance(30) {
    omission.kinds = Omission.bit(.claim) | Omission.bit(.score)
    members.append("kinds: [claim, score]")
  }
  if random.chance(20) {
    omission.offsets = (0..<9).map { _ in UInt64(random.below(end)) }.sorted()
    members.append("events: \(Array(omission.offsets.reversed()))")
  }
  if random.chance(40) {
    omission.from = UInt64(random.below(end))
    members.append("from: \(omission.from)")
  }
  if random.chance(30) {
    omission.to = UInt64(random.below(end))
    members.append("to: \(omission.to)")
  }
  return ("{" + members.joined(separator: ", ") + "}", omission)
}

private func request(_ text: String) throws -> ForkText {
  try #require(ForkText.parse(Array(text.utf8), .fork, rules: HuntRules()).value, "\(text)")
}

/// The journal's first events along a line, from the beginning.
private func replayed(_ hunt: HuntOnDisk, _ line: Line, to offset: UInt64) throws -> Stand {
  let stand = Stand(hunt.stand.definition, hunt.stand.map)
  stand.partition.follow(line)
  for event in hunt.stand.journal.prefix(Int(offset)) { try stand.replay(event) }
  var effects = EffectBuffer(capacity: 1)
  stand.partition.changeLine(&effects)
  return stand
}

/// At any place, with anything left out, the folder says what the whole journal gives: both digests,
/// books, and every count of what differs; and no file changes.
@Test func storedForksEqualReplays() throws {
  var outcomes: Set<String> = []
  #expect(
    forAll(cases: 24) { random in
      let hunt = try playWithPromotions(&random)
      let history = hunt.stand.partition.line.history
      let head = hunt.stand.partition.nextOffset
      let before = try contents(hunt.folder.path)
      let replay = try Replay(hunt.folder)
      for _ in 0..<6 {
        let place = random.chance(25) ? head : UInt64(random.below(Int(head) + 1))
        let (text, omission) = randomOmission(&random, hunt)
        var warnings: [String] = []
        let fork = try StoredFork(replay, request("{at: \(place), omit: \(text)}")) {
          warnings.append($0)
        }
        var lineage = history.lineage(at: place)
        let own = try replayed(hunt, Line(lineage, history), to: place)
        lineage.omissions.append(omission)
        let other = try replayed(hunt, Line(lineage, history), to: place)
        let expected = HuntDifference(&own.partition.state, &other.partition.state)
        let said = try #require(
          fork.difference(
            DifferenceWish(
              against: nil, parts: DifferenceWish.Part.allCases, limit: 1_000, after: 0)))
        let counts = DifferenceWish.Part.allCases.map {
          "\"\($0.rawValue)\":\(expected.count($0))"
        }.joined(separator: ",")
        let isSame = String(decoding: said, as: UTF8.self).contains("\"counts\":{\(counts)}")
        guard isSame, warnings.isEmpty, fork.offset == place, fork.head == head,
          fork.own.digest == own.partition.state.digest(),
          fork.fork?.digest == other.partition.state.digest(),
          fork.own.books == own.partition.books.sum,
          fork.fork?.books == other.partition.books.sum
        else { return false }
        outcomes.insert(history.count > 0 ? "promoted" : "plain")
        outcomes.insert(fork.own.base > 0 ? "from a snapshot" : "from the beginning")
        if fork.fork?.base ?? 0 > 0 { outcomes.insert("fork from a snapshot") }
        if expected.pagesDiffering > 0 { outcomes.insert("differs") }
      }
      return try contents(hunt.folder.path) == before
    })
  #expect(outcomes.count == 6, "\(outcomes)")
}

/// Every file of a folder, by its path.
private func contents(_ folder: String) throws -> [String: [UInt8]] {
  var found: [String: [UInt8]] = [:]
  for name in try Files.list(folder) {
    let path = folder + "/" + name
    do throws(DiskFault) { found[path] = try Files.read(path) } catch {
      found.merge(try contents(path)) { first, _ in first }
    }
  }
  return found
}

/// Each place of a history is found by the clock too: everything up to then has happened.
@Test func placesAreFoundByTime() throws {
  var found = 0
  #expect(
    forAll(cases: 6) { random in
      let hunt = try playWithPromotions(&random)
      let replay = try Replay(hunt.folder)
      let ticks = hunt.stand.journal.enumerated().filter { $0.element.kind == .tick }
      for _ in 0..<8 {
        guard let tick = ticks.randomElement(using: &random) else { return true }
        let time = tick.element.time + Int64(random.below(3)) - 1
        let fork = try StoredFork(replay, request("{at: \"\(time)ms\"}")) { _ in }
        let expected = ticks.first { $0.element.time > time }?.offset ?? hunt.stand.journal.count
        guard fork.offset == UInt64(expected), fork.fork == nil else { return false }
        found += 1
      }
      return true
    })
  #expect(found > 20)
}

/// What cannot be answered is refused as a running engine refuses it, field and place named.
@Test func storedForksAreRefused() throws {
  var random = TestRandom(seed: runSeed)
  let hunt = try playWithPromotions(&random)
  let replay = try Replay(hunt.folder)
  let head = hunt.stand.partition.nextOffset
  for (text, code, field) in [
    ("{at: \(head + 1)}", "beyond_head", "at"),
    ("{omit: {from: \(head + 1)}}", "beyond_head", "from"),
    ("{omit: {players: [1], to: \(head + 1)}}", "beyond_head", "to"),
    ("{omit: {players: [nobody]}}", "unknown_player", "players"),
    ("{omit: {kinds: [clam]}}", "unknown_kind", "kinds"),
  ] {
    let fault = #expect(throws: StoredForkFault.self) {
      _ = try StoredFork(replay, request(text)) { _ in }
    }
    guard case .refused(let refusal)? = fault else {
      Issue.record("\(text): \(fault as Any)")
      continue
    }
    #expect(refusal.code == code && refusal.field == field && !refusal.message.isEmpty, "\(text)")
  }
}
