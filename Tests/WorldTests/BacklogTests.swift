import Bounded
import Pages
import Testing
import Testkit
import World

// Not verified here: how much work a change really is; `veltrix bench graph` shows that.

extension FieldPair {
  /// Whether every node that the field calls certain, and whose treasure is open, is as in `model`.
  /// Here a treasure may lie on several nodes, so one closed anywhere does not count as open.
  func isHonest() -> Bool {
    let wanted = model.field(radiusMax: field.radiusMax)
    for node in 0..<UInt32(world.nodeCount) where field.isCertain(node, space) {
      let treasure = field.treasure(node, space)
      if closed.contains(treasure) { continue }
      if wanted[Int(node)] != (field.distance(node, space), treasure) { return false }
      if treasure == 0 { continue }
      guard let hint = field.hint(node, space), hint.treasure == treasure else { return false }
    }
    return true
  }

  /// Has everything left be repaired.
  mutating func settle() {
    while field.isSettling(space) { field.catchUp(work: 1_000, &space) }
  }
}

/// The ways in which work was left, so that a test can tell whether it met them all.
private struct Met {
  var settling = 0
  var uncertain = 0
}

/// However little is done at once and whatever else happens meanwhile, the field says of no node
/// that it is certain of more than is true, and comes to what a search from nothing gives, in the
/// very same bytes.
@Test(arguments: [1, 2, 7, 30]) func leftWorkIsDoneInTheEnd(workMax: Int) {
  var met = Met()
  #expect(
    forAll(cases: 60) { random in
      let eight = random.chance(50)
      let rows = randomRows(
        &random, width: random.below(9) + 1, height: random.below(9) + 1,
        wallPercent: [0, 20, 45][random.below(3)])
      let radius = random.chance(25) ? UInt32(random.below(eight ? 80_000 : 6)) : distanceMax
      // Often so little room that work is lost and has to be found again.
      let room = [nil, 1, 4, 20][random.below(4)]
      var pair = FieldPair(
        rows, eight: eight, radiusMax: radius, workMax: workMax, backlogRoom: room)
      for _ in 0..<60 {
        if !pair.change(&random) || !pair.isHonest() { return false }
        if pair.field.isSettling(pair.space) {
          met.settling += 1
          if (0..<UInt32(pair.world.nodeCount)).contains(where: {
            !pair.field.isCertain($0, pair.space)
          }) {
            met.uncertain += 1
          }
        }
        if random.chance(60) { pair.field.catchUp(work: random.below(12), &pair.space) }
        if !pair.isHonest() { return false }
        if random.chance(10) {
          pair.settle()
          if !pair.agrees(pair.space, pair.model) { return false }
        }
      }
      pair.settle()
      if !pair.agrees(pair.space, pair.model) { return false }
      let settled = pair.space.digest()
      let open = pair.model.treasures.flatMap { node, ids in
        ids.map { (treasure: $0, node: UInt32(node)) }
      }
      var whole = FieldScratch(nodeCount: pair.world.nodeCount)
      pair.field.rebuild(open, &pair.space, &whole)
      return pair.space.digest() == settled
    })
  #expect(met.settling > 20 && met.uncertain > 20, "\(met): too little was left")
}

/// A fork of a field with work left goes on by itself, in the same steps as its parent.
@Test func forksTakeLeftWorkAlong() {
  var forksWithWork = 0
  #expect(
    forAll(cases: 40) { random in
      let rows = randomRows(&random, width: 9, height: 8, wallPercent: 15)
      var pair = FieldPair(rows, eight: random.chance(50), workMax: 3)
      for _ in 0..<25 { if !pair.change(&random) { return false } }
      if pair.field.isSettling(pair.space) { forksWithWork += 1 }
      var fork: PageSpace
      do throws(ForkRefusal) { fork = try pair.space.fork(writable: true) } catch { return false }
      let kept = pair.model
      while pair.field.isSettling(pair.space) {
        pair.field.catchUp(work: 5, &pair.space)
        pair.field.catchUp(work: 5, &fork)
        if pair.space.digest() != fork.digest() { return false }
      }
      for _ in 0..<20 { if !pair.change(&random) { return false } }
      pair.settle()
      return pair.agrees(pair.space, pair.model) && pair.agrees(fork, kept)
    })
  #expect(forksWithWork > 10)
}

/// A world of which every node waits: one treasure, whose claim makes
/// every key wrong, is claimed and placed again by scratches of one node.
@Test func everyNodeMayWait() {
  let rows = [String](repeating: String(repeating: ".", count: 40), count: 40)
  var pair = FieldPair(rows, eight: true, workMax: 1, backlogRoom: 90)
  for round in 0..<8 {
    let node = UInt32(800 + round * 7)
    pair.model.treasures = [Int(node): [5]]
    pair.field.open(5, at: node, &pair.space, &pair.scratch)
    if round % 2 == 0 { pair.settle() } else { pair.field.catchUp(work: 700, &pair.space) }
    if round % 2 == 0 {
      let agrees = pair.agrees(pair.space, pair.model)
      #expect(agrees)
    }
    pair.field.close(5, at: node, next: 0, &pair.space, &pair.scratch)
    pair.closed = [5]
    pair.field.catchUp(work: round * 300, &pair.space)
    pair.model.treasures = [:]
    let isHonest = pair.isHonest()
    #expect(isHonest)
  }
  pair.settle()
  let agrees = pair.agrees(pair.space, pair.model)
  #expect(agrees)
}

/// Work goes down by as much as is asked for, whoever asks: ten times ten nodes and a hundred at
/// once come to the same bytes.
@Test func workIsCountedInNodes() {
  let rows = [String](repeating: String(repeating: ".", count: 30), count: 30)
  var digests: [Hash128] = []
  for step in [1, 10, 100] {
    var pair = FieldPair(rows, eight: true, workMax: 8)
    pair.field.open(9, at: 435, &pair.space, &pair.scratch)
    for _ in 0..<(300 / step) { pair.field.catchUp(work: step, &pair.space) }
    let isSettling = pair.field.isSettling(pair.space)
    #expect(isSettling)
    digests.append(pair.space.digest())
  }
  #expect(digests[0] == digests[1] && digests[1] == digests[2])
}
