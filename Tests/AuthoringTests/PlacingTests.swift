import Hunt
import Testing
import Testkit

@testable import Authoring

@Suite struct PlacingTests {
  /// The same file on the same ground gives the same hunt; this one forever, so that a journal
  /// written today is replayed on the treasures it was written on.
  @Test func sameSeedSameTreasures() throws {
    let text = """
      hunt: a
      world: {map: m}
      treasures:
        list: [{id: 40, x: 0, y: 0}]
        generate: {count: 4, seed: 7, points: [5, 100], stock: [1, 9], reach: 2, respawn: 20s}
      """
    let ground = Ground(width: 64, height: 48, passable: { x, y in x % 9 != 4 || y % 5 == 0 })
    let hunt = try #require(hunt(text, ground).value)
    #expect(hunt.treasures.map(\.id) == [40, 41, 42, 43, 44])
    let rows = hunt.treasures.dropFirst().map {
      [Int($0.x), Int($0.y), Int($0.points), Int($0.stock)]
    }
    // The same numbers come from a dozen lines of Python that share nothing with this code.
    #expect(rows == [[19, 6, 6, 9], [41, 8, 48, 3], [57, 21, 36, 2], [39, 38, 14, 9]])
    #expect(hunt.treasures.dropFirst().allSatisfy { $0.reach == 2 && $0.respawnMs == 20_000 })
  }

  /// Generated treasures lie on passable, reachable blocks inside the world; no two share one, nor
  /// one with a listed treasure, while there are enough; counts, ids and ranges are as asked.
  @Test func placedWell() {
    let held = forAll(cases: 400) { random in
      let (width, height) = (1 + random.below(40), 1 + random.below(40))
      let (walls, cut) = (random.below(60), random.below(20))
      let salt = random.next()
      let open = { (x: Int, y: Int) in
        var cell = TestRandom(seed: salt &+ UInt64(y * width + x) &* 0x9e37_79b9)
        return cell.below(100) >= walls
      }
      let reachable: ((Int, Int) -> Bool)? = cut > 9 ? { x, _ in x * 20 >= cut * width } : nil
      let ground = Ground(width: width, height: height, passable: open, reachable: reachable)
      var candidates = 0
      ground.forEachPlace { x, y, z in if ground.standing(x, y, z) == .fine { candidates += 1 } }
      let count = 1 + random.below(120)
      let text =
        "{hunt: a, world: {map: m}, treasures: {generate: {count: \(count),"
        + " seed: \(random.below(9)), points: [3, 5], stock: [2, 4]}}}"
      let checked = hunt(text, ground)
      guard candidates > 0 else { return checked.findings.map(\.rule) == [.noRoom] }
      guard let treasures = checked.value?.treasures, treasures.count == count else { return false }
      let blocks = Set(treasures.map { [$0.x, $0.y] })
      return blocks.count == min(count, candidates)
        && checked.findings.map(\.rule) == (count > candidates ? [.crowded] : [])
        && treasures.map(\.id) == Array(1...UInt32(count))
        && treasures.allSatisfy {
          ground.standing(Int($0.x), Int($0.y), 0) == .fine && (3...5).contains($0.points)
            && (2...4).contains($0.stock)
        }
    }
    #expect(held)
  }

  /// A listed treasure's block is left free while there are others.
  @Test func besideListed() throws {
    let text =
      "{hunt: a, world: {map: m}, treasures: {list: [{id: 3, x: 1, y: 0}], generate: {count: 2}}}"
    let three = Ground(width: 3, height: 1, passable: { _, _ in true })
    #expect(try #require(hunt(text, three).value).treasures.map(\.x) == [1, 0, 2])
    let two = Ground(width: 2, height: 1, passable: { _, _ in true })
    let crowded = hunt(text, two)
    #expect(crowded.findings.map(\.rule) == [.crowded])
    #expect(try #require(crowded.value).treasures.map(\.x) == [1, 0, 1])
  }

  /// Every part of the map gets its share: of 256 treasures on an open 64 x 64 map, each 16 x 16
  /// square holds 16.
  @Test func spread() throws {
    let ground = Ground(width: 64, height: 64, passable: { _, _ in true })
    for seed in 0..<20 {
      let text = "{hunt: a, world: {map: m}, treasures: {generate: {count: 256, seed: \(seed)}}}"
      let treasures = try #require(hunt(text, ground).value).treasures
      var squares = [Int](repeating: 0, count: 16)
      for treasure in treasures { squares[Int(treasure.y) / 16 * 4 + Int(treasure.x) / 16] += 1 }
      #expect(squares == [Int](repeating: 16, count: 16))
    }
  }

  /// Other points or stock do not move a treasure.
  @Test func rangesMoveNothing() throws {
    let ground = Ground(width: 50, height: 50, passable: { _, _ in true })
    let places = try ["", ", points: [1, 9]", ", stock: 7, reach: 3"].map { more in
      let text = "{hunt: a, world: {map: m}, treasures: {generate: {count: 9\(more)}}}"
      return try #require(hunt(text, ground).value).treasures.map { [$0.x, $0.y] }
    }
    #expect(places[0] == places[1] && places[0] == places[2])
  }

  /// Listed treasures out of reach are warned of, generated ones are placed in reach; a map with
  /// nothing in reach has no room.
  @Test func reach() throws {
    let text =
      "{hunt: a, world: {map: m}, treasures: {list: [{id: 1, x: 0, y: 0}], generate: {count: 1}}}"
    let right = Ground(
      width: 2, height: 1, passable: { _, _ in true }, reachable: { x, _ in x == 1 })
    let checked = hunt(text, right)
    #expect(
      checked.findings.map { $0.line(file: "f") } == [
        "f:1:47: warning: treasures.list[0]: players cannot get to (0, 0)"
      ])
    #expect(checked.value?.treasures.map(\.x) == [0, 1])
    let none = Ground(width: 2, height: 1, passable: { _, _ in true }, reachable: { _, _ in false })
    #expect(
      hunt(text, none).findings.last?.line(file: "f")
        == "f:1:69: error: treasures.generate: the map has no block to place a treasure on")
  }

  /// Z-order visits every block once, also of worlds that are long and thin.
  @Test(arguments: [(1, 1), (1, 9), (9, 1), (5, 7), (8, 8), (1 << 12, 2)])
  func zOrder(width: Int, height: Int) {
    var seen = [Int](repeating: 0, count: width * height)
    let ground = Ground(width: width, height: height, passable: { _, _ in true })
    ground.forEachPlace { x, y, _ in seen[y * width + x] += 1 }
    #expect(seen.allSatisfy { $0 == 1 })
  }

  private func hunt(_ text: String, _ ground: Ground) -> Checked<HuntDefinition> {
    let read = HuntFile.parse(Array(text.utf8), maps: .relative(to: "."))
    guard let file = read.value else { preconditionFailure("\(read.findings)") }
    return file.definition(on: ground)
  }
}
