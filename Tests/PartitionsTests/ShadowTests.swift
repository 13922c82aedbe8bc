import Authoring
import Bounded
import CSystem
import Disk
import Events
import Foundation
import Hunt
import Pages
import Partitions
import Synchronization
import Testing
import Testkit
import World

@testable import Engine

// The shadow follows the journal to the hunt's own state, finds what does not agree with a journalled
// digest, and is what reads that take long are answered from. Not verified here: what it costs the hunt.

extension HuntOnDisk {
  /// The hunt as the engine knows it, with a pool of its own for the shadow.
  func entry() throws -> HuntEntry {
    let pool = PagePool(
      pageCount: Partition.pagesNeeded(stand.definition, stand.map, forkRoom: 3))
    let forks = HuntForks(segments: segments, branches: folder.branches, history: History())
    return HuntEntry(
      name: stand.definition.name, number: 3, thread: 0, slot: 0, definition: stand.definition,
      map: stand.map, pageBytesMax: pool.pageCount * pageBytes, feed: EffectFeed(capacity: 64),
      journal: try #require(disk), pool: pool,
      snapshots: SnapshotTrail(
        name: stand.definition.name, files: files, segments: segments, last: nil, nowMs: 0),
      retention: Retention(files, segments, forks), forks: forks)
  }
}

extension Shadow {
  /// Follows to where the journal is durable, in slices and with checkpoints, as its thread does.
  fileprivate func catchUp(_ entry: HuntEntry) throws {
    for round in 0..<10_000 where offset < entry.journal.durableThrough {
      _ = try follow(entry, nowNs: Int64(round) * 1_000_000_000) { _ in false }
    }
  }
}

/// After random play and promotions the shadow is the hunt: every byte that a digest holds, the books,
/// the clock and the place; whether it kept up with the feed, read the files, or began anew.
@Test func theShadowIsTheHunt() {
  var seen = (promotions: 0, compared: 0)
  #expect(
    forAll(cases: 25) { random in
      let (definition, map) = smallHunt(&random)
      let hunt = try HuntOnDisk(definition, map)
      let entry = try hunt.entry()
      let shadow = entry.forks.shadow
      var maker = BatchMaker(producers: 4)
      for _ in 0..<(2 + random.below(6)) {
        _ = run(hunt.stand, &maker, &random, batches: 1 + random.below(15))
        if random.chance(50) { hunt.write() }
        if random.chance(30) {
          let history = hunt.stand.partition.line.history
          let lineage = randomLineage(
            &random, from: 0, journal: hunt.stand.journal, definition.rules)
          let fork = try Stand(beside: hunt.stand)
          fork.partition.follow(Line(history.current.adding(lineage), history))
          for event in hunt.stand.journal { try fork.replay(event) }
          let promoted = fork.partition.line.lineage
          let offset = hunt.stand.partition.nextOffset
          hunt.stand.promote(
            fork,
            PromotionMark(number: history.count + 1, high: 1, low: 2, time: maker.clock))
          // The mark may be met before the promotion is known, as it may be in the engine.
          if random.chance(50) {
            hunt.write()
            try shadow.catchUpOnce(entry)
          }
          entry.forks.append(History.Promotion(offset: offset, lineage: promoted))
          shadow.restart()
          seen.promotions += 1
        }
        if random.chance(40) { continue }
        hunt.write()
        try shadow.catchUp(entry)
        let image = try shadow.lastImage(entry, unless: nil)
        var isSame = shadow.offset == hunt.stand.partition.nextOffset
        let live = hunt.stand.partition.state.digest()
        let mark = hunt.stand.partition.mark
        try image?.read { image in
          isSame = isSame && image.digest() == live && image.mark == mark
        }
        seen.compared += 1
        if image == nil || !isSame || shadow.hasFailed { return false }
      }
      return true
    })
  #expect(seen.promotions > 10 && seen.compared > 30, "\(seen)")
}

extension Shadow {
  /// One slice, which may end at a promotion that is not known yet.
  fileprivate func catchUpOnce(_ entry: HuntEntry) throws {
    _ = try follow(entry, nowNs: 0) { _ in false }
  }
}

extension Lineage {
  fileprivate func adding(_ other: Lineage) -> Lineage {
    var all = self
    all.omissions += other.omissions
    return all
  }
}

/// A journalled digest that is not what the events give stops the shadow, whose thread says so once.
@Test func aDamagedDigestStopsTheShadow() throws {
  var random = TestRandom(seed: runSeed)
  let (definition, map) = smallHunt(&random)
  let hunt = try HuntOnDisk(definition, map)
  let entry = try hunt.entry()
  var maker = BatchMaker(producers: 4)
  while hunt.stand.journal.count(where: { $0.kind == .digest }) < 5 {
    _ = run(hunt.stand, &maker, &random, batches: 10)
  }
  let damaged = try #require(hunt.stand.journal.lastIndex { $0.kind == .digest })
  hunt.write { at, event in
    var event = event
    if at == damaged { event.producer ^= 1 << 17 }
    return event
  }
  let lines = Mutex<[String]>([])
  var settings = Settings()
  settings.data = hunt.data
  let log: Engine.Log = { level, line in lines.withLock { $0.append("\(level) \(line)") } }
  let clock = EngineClock()
  let snapshotter = Snapshotter(settings, clock: clock, log: log)
  let thread = ShadowThread(settings, clock: clock, snapshotter: snapshotter, log: log)
  thread.attach(entry)
  thread.start()
  for _ in 0..<12_000 where !entry.forks.shadow.hasFailed { usleep(5_000) }
  usleep(100_000)  // its thread comes by some times more
  thread.stop()
  snapshotter.stop([entry.snapshots])
  #expect(entry.forks.shadow.hasFailed)
  let said = lines.withLock { $0 }
  #expect(said.count == 1 && said[0].hasPrefix("error"), "\(said)")
  #expect(said.first?.contains("hunt small: its shadow follows no more") == true, "\(said)")
  #expect(said.first?.contains("\(damaged)") == true, "which entry: \(said)")
  let view = HuntView(
    entry,
    Partition(
      definition, map: map, number: 3, digestEvery: 1 << 40, heldLines: 4_096,
      pool: PagePool(pageCount: Partition.pagesNeeded(definition, map))))
  let metrics = String(decoding: view.answer(.metrics).body, as: UTF8.self)
  #expect(metrics.contains("veltrix_shadow_failed{hunt=\"small\"} 1"), "\(metrics)")
  #expect(entry.forks.shadow.fork(entry, at: 1, patienceNs: 1_000_000_000) == nil)
}

/// A fork for reading holds what was asked for; where the shadow cannot come there, the asker waits as
/// long as it said, and no longer.
@Test func readsOfTheShadowHoldWhatWasAskedFor() throws {
  var random = TestRandom(seed: runSeed)
  let (definition, map) = smallHunt(&random)
  let hunt = try HuntOnDisk(definition, map)
  let entry = try hunt.entry()
  let shadow = entry.forks.shadow
  var maker = BatchMaker(producers: 4)
  #expect(shadow.fork(entry, at: 1, patienceNs: 1_000_000) == nil, "it has not begun")
  for _ in 0..<10 {
    _ = run(hunt.stand, &maker, &random, batches: 5)
    hunt.write()
    let offset = hunt.stand.partition.nextOffset
    if shadow.offset == 0 { _ = try shadow.follow(entry, nowNs: 0) { _ in false } }
    let fork = try #require(shadow.fork(entry, at: offset, patienceNs: 10_000_000_000))
    #expect(fork.offset == offset && shadow.offset == offset)
    #expect(pages(of: fork, differFrom: hunt.stand) == 0)
    let start = vx_monotonic_ns()
    #expect(shadow.fork(entry, at: offset + 1, patienceNs: 20_000_000) == nil)
    let took = vx_monotonic_ns() - start
    #expect(took >= 20_000_000 && took < 10_000_000_000)
  }
}

/// Rows of edges and blocks that are not as in the hunt.
private func pages(of fork: ReadFork, differFrom stand: Stand) -> Int {
  (0..<UInt32(fork.ground.world.nodeCount)).count { node in
    fork.ground.world.isOpen(node, fork.space)
      != stand.partition.state.world.isOpen(node, stand.partition.state.space)
      || (0..<8).contains {
        fork.ground.world.multiplier(node, $0, fork.space)
          != stand.partition.state.world.multiplier(node, $0, stand.partition.state.space)
      }
  }
}
