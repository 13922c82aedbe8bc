import Authoring
import Bounded
import CMallocCount
import CSystem
import Client
import Events
import Hunt
import Testing
import Testkit
import World

let sharedWorld = LoadWorld()

/// The events of the next `frames` frames.
func events(_ source: EventSource, frames: Int, batch: Int) -> [Event] {
  var all: [Event] = []
  for _ in 0..<frames {
    source.makeFrame(batch)
    for at in 0..<batch {
      all.append(source.frame.load(FrameHeader.byteCount + at * 64, as: Event.self))
    }
  }
  return all
}

func plan(_ random: inout TestRandom) -> LoadPlan {
  var plan = LoadPlan()
  plan.seed = random.next()
  plan.connections = 1 + random.below(4)
  plan.players = plan.connections + random.below(2_000)
  plan.batch = 1 + random.below(300)
  plan.rejoins = random.chance(30)
  return plan
}

/// The same plan makes the same bytes, another seed others.
@Test func sameSeedSameBytes() {
  #expect(
    forAll(cases: 20) { random in
      var plan = plan(&random)
      plan.malformedPercent = random.below(60)
      plan.duplicatePercent = random.below(40)
      let one = EventSource(plan, world: sharedWorld, connection: 0)
      let other = EventSource(plan, world: sharedWorld, connection: 0)
      let first = events(one, frames: 10, batch: plan.batch)
      let isSame = first == events(other, frames: 10, batch: plan.batch)
      plan.seed &+= 1
      let third = EventSource(plan, world: sharedWorld, connection: 0)
      return isSame && first != events(third, frames: 10, batch: plan.batch)
    })
}

/// What is between the valid events changes none of them: they are those of a run without.
@Test func brokenAndRepeatedSlotsChangeNoValidEvent() {
  #expect(
    forAll(cases: 20) { random in
      var plan = plan(&random)
      let pure = EventSource(plan, world: sharedWorld, connection: 0)
      plan.malformedPercent = random.below(80)
      plan.duplicatePercent = random.below(20)
      let mixed = EventSource(plan, world: sharedWorld, connection: 0)
      var fresh: [Event] = []
      for _ in 0..<20 {
        let made = events(mixed, frames: 1, batch: plan.batch)
        if mixed.isCorrupt { continue }
        for event in made where isValid(event) && event.sequence == UInt64(fresh.count) + 1 {
          fresh.append(event)
        }
      }
      guard fresh.count == Int(mixed.events) else { return false }
      let whole = events(pure, frames: fresh.count / plan.batch + 1, batch: plan.batch)
      return fresh == Array(whole.prefix(fresh.count))
    })
}

/// A run for n valid events makes the same n whatever is between them, and nothing after the last.
@Test func streamEndsAfterItsEvents() {
  #expect(
    forAll(cases: 20) { random in
      var plan = plan(&random)
      plan.events = 1 + UInt64(random.below(3_000))
      func valid(_ malformed: Int, _ duplicate: Int) -> [[Event]] {
        plan.malformedPercent = malformed
        plan.duplicatePercent = duplicate
        return (0..<plan.connections).map { connection in
          let source = EventSource(plan, world: sharedWorld, connection: connection)
          var fresh: [Event] = []
          while !source.isDone {
            source.makeFrame(plan.batch)
            for at in 0..<source.count {
              let event = source.frame.load(FrameHeader.byteCount + at * 64, as: Event.self)
              if isValid(event), event.sequence == UInt64(fresh.count) + 1 { fresh.append(event) }
            }
          }
          return fresh.count == Int(source.events) ? fresh : []
        }
      }
      let clean = valid(0, 0)
      return clean.reduce(0, { $0 + $1.count }) == Int(plan.events ?? 0)
        && valid(50, 0) == clean && valid(0, 50) == clean && valid(40, 40) == clean
    })
}

func isValid(_ event: Event) -> Bool {
  do throws(Rejection) {
    try event.validate()
    return true
  } catch { return false }
}

/// Each slot is what the source counted it as: valid, a repetition of an earlier event, or broken in
/// a way that the engine's own check finds; and the shares are those asked for.
@Test func slotsAreWhatTheyAreCountedAs() {
  #expect(
    forAll(cases: 10) { random in
      var plan = plan(&random)
      plan.batch = 100
      plan.malformedPercent = 10 + random.below(40)
      plan.duplicatePercent = 10 + random.below(40)
      let source = EventSource(plan, world: sharedWorld, connection: 0)
      var seen: [UInt64: Event] = [:]
      var (broken, repeated) = (0, 0)
      for _ in 0..<400 {
        let made = events(source, frames: 1, batch: 100)
        var (invalid, earlier) = (0, 0)
        for event in made {
          if !isValid(event) {
            invalid += 1
          } else if let first = seen[event.sequence] {
            guard first == event else { return false }
            earlier += 1
          } else {
            seen[event.sequence] = event
          }
        }
        guard invalid == source.malformed, earlier == source.duplicates else { return false }
        guard !source.isCorrupt || invalid == 100 else { return false }
        broken += invalid
        repeated += earlier
      }
      return abs(broken - plan.malformedPercent * 400) < 1_600
        && abs(repeated - plan.duplicatePercent * 400) < 1_600
        && seen.count == Int(source.events)
    })
}

/// Every way to break an event breaks every valid event.
@Test func everyFlawIsRejected() {
  #expect(
    forAll(cases: 30) { random in
      let plan = plan(&random)
      let source = EventSource(plan, world: sharedWorld, connection: 0)
      for event in events(source, frames: 2, batch: plan.batch) {
        for flaw in EventSource.Flaw.allCases {
          var broken = event
          EventSource.spoil(&broken, flaw, random.next())
          guard isValid(event), !isValid(broken) else { return false }
        }
      }
      return true
    })
}

/// Players join first, walk one open step a move, never twice at one time, and stay where they are
/// otherwise; the kinds come in the stated mix.
@Test func playersWalkByTheRules() {
  var plan = LoadPlan()
  plan.players = 50
  plan.connections = 2
  var kinds: [EventKind: Int] = [:]
  var places: [UInt64: (x: Int32, y: Int32)] = [:]
  var times: [UInt64: Int64] = [:]
  var nearClaims = 0
  for connection in 0..<2 {
    let source = EventSource(plan, world: sharedWorld, connection: connection)
    for event in events(source, frames: 40, batch: 256) {
      guard let kind = event.kind else { continue }
      kinds[kind, default: 0] += 1
      #expect(event.player % 2 == UInt64(1 - connection))
      #expect(times[event.player].map { event.time == $0 + 250 } ?? (kind == .join))
      times[event.player] = event.time
      if let place = places[event.player] {
        let steps = max(abs(event.x - place.x), abs(event.y - place.y))
        #expect(kind == .move ? steps <= 1 : steps == 0)
      }
      places[event.player] = (event.x, event.y)
      if kind == .claim {
        let (y, x) = Int(sharedWorld.block(ofTreasure: event.treasure))
          .quotientAndRemainder(dividingBy: sharedWorld.width)
        if x == event.x && y == event.y { nearClaims += 1 }
      }
    }
  }
  let total = 2 * 40 * 256
  #expect(kinds[.join] == 50)
  #expect(abs(kinds[.move, default: 0] - total * 80 / 100) < 500)
  #expect(abs(kinds[.claim, default: 0] - total * 10 / 100) < 300)
  #expect(abs(kinds[.score, default: 0] - total * 10 / 100) < 300)
  #expect(nearClaims > 50, "nobody stands on a treasure")
}

/// The hunt file is what the engine's own reader takes, below its default limit of a body, with every
/// treasure on an open block of its own.
@Test func huntFileIsAccepted() {
  let bytes = sharedWorld.huntFile(name: "load", players: 10_001_000)
  #expect(bytes.count <= 1 << 20)
  let read = HuntFile.parse(bytes, maps: .refused)
  #expect(read.findings.isEmpty)
  guard let file = read.value, let text = file.mapBytes().value else { return }
  guard let map = try? Topology(parsing: text.span, neighbourhood: .eight) else {
    Issue.record("the map is refused")
    return
  }
  #expect(map.digest == sharedWorld.digest)
  let ground = Ground(width: map.width, height: map.height) { x, y in
    map.node(x: x, y: y).map(map.isPassable) ?? false
  }
  let checked = file.definition(on: ground)
  #expect(checked.findings.isEmpty)
  let treasures = checked.value?.treasures ?? []
  #expect(treasures.count == sharedWorld.treasureCount)
  #expect(Set(treasures.map { [$0.x, $0.y] }).count == treasures.count)
  #expect(treasures.allSatisfy { $0.stock == 1_000 })
}

/// Making frames takes no memory; how fast they are made is printed, not judged.
@Test func makingFramesAllocatesNothing() {
  var plan = LoadPlan()
  plan.players = 100_000
  for (malformed, duplicate) in [(0, 0), (20, 20)] {
    plan.malformedPercent = malformed
    plan.duplicatePercent = duplicate
    let source = EventSource(plan, world: sharedWorld, connection: 0)
    for _ in 0..<100 { source.makeFrame(plan.batch) }
    vx_malloc_count_start()
    let before = vx_malloc_count()
    let start = vx_thread_cpu_ns()
    for _ in 0..<2_000 { source.makeFrame(plan.batch) }
    let ns = vx_thread_cpu_ns() - start
    #expect(vx_malloc_count() == before)
    print("event source, \(malformed) % broken: \(ns / 512_000) ns an event")
  }
}
