import Hunt
import Pages
import Scoring
import Testing
import Testkit
import World

// What one more player, board member or edge costs of the pages that a hunt reserves, by the layout
// that the engine lays out: memory is fixed at boot, so these decide how large a hunt a machine holds.
// Raising a bound here is a decision, and makes every hunt's snapshots, forks and digests dearer.
// Not verified: what the process takes beside pages.

private let many = 1_000_000

/// Bytes of all pages of a hunt on `rows`.
private func pageBytes(
  _ rows: [String] = ["."], _ change: (inout HuntDefinition) -> Void = { _ in }
) -> Int {
  var definition = HuntDefinition(name: "size")
  definition.boards = []
  definition.limits.players = 1
  definition.limits.names = 1
  change(&definition)
  return HuntState.layout(definition, blockMap(rows, eight: true)).pageCount * 4_096
}

/// Bytes of a thing, to the hundredth.
private func each(_ bytes: Int, of count: Int) -> Double {
  Double(bytes * 100 / count) / 100
}

/// A player takes a row of 64 bytes and a share of the index.
@Test func bytesOfAPlayer() {
  let bytes = each(pageBytes { $0.limits.players = many } - pageBytes(), of: many)
  print("bytesOfAPlayer: \(bytes)")
  #expect(bytes >= 64 && bytes <= 98)
}

/// A member takes of each window that a board keeps (one, or two where it has windows) a row of 16
/// bytes and at most 35 bytes of tree, in which each key has 16 bytes and a leaf may be half empty.
@Test func bytesOfABoardMember() {
  let without = pageBytes { $0.limits.players = many }
  for (window, slots) in [(nil, 1), (60_000, 2)] as [(Int64?, Double)] {
    let with = pageBytes {
      $0.limits.players = many
      $0.boards = [BoardSpec(name: "board", windowMs: window)]
    }
    let bytes = each(with - without, of: many)
    print("bytesOfABoardMember, \(Int(slots)) kept: \(bytes)")
    #expect(bytes >= slots * 32 && bytes <= slots * 51)
  }
}

/// Of those reserved, members whose scores come in any order write at most 42 bytes each.
@Test func bytesWrittenOfABoardMember() {
  var random = TestRandom(seed: runSeed)
  let count = 50_000
  var layout = PageLayout()
  let board = Board(
    BoardDeclaration(name: "board", kind: .allTime, memberCapacity: count), in: &layout)
  var space = PageSpace(layout, pool: PagePool(pageCount: layout.pageCount + 1))
  for round in 0..<2 {
    for member in 0..<UInt32(count) {
      let points = Int64(1 + random.below(1_000_000))
      _ = board.add(
        member, points, reached: UInt64(round * count) + UInt64(member), timeMs: 0, &space)
    }
  }
  let bytes = each(space.writtenCount * 4_096, of: count)
  print("bytesWrittenOfABoardMember: \(bytes)")
  #expect(bytes >= 32 && bytes <= 42)
}

/// A directed edge of an open map takes at most 5 bytes: 47 million of them, and a fork that has
/// written every page of theirs, fit in 600 MB.
@Test func bytesOfAnEdge() {
  let side = 600
  let open = Array(repeating: String(repeating: ".", count: side), count: side)
  let edges = 8 * side * side - 12 * side + 4
  let bytes = each(pageBytes(open) - pageBytes(), of: edges)
  print("bytesOfAnEdge: \(bytes)")
  #expect(bytes >= 1 && bytes <= 5)
}
