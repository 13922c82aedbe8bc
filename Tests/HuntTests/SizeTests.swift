import Hunt
import Pages
import Testing
import World

// What one more player, board member or edge costs of the pages that a hunt reserves: memory is fixed
// at boot, so these are what decides how large a hunt a machine holds. Raising a figure here is a
// decision, and makes every hunt's snapshots, forks and digests dearer.

/// Bytes of all pages of a hunt on `rows`.
private func pageBytes(
  _ rows: [String] = ["."], _ change: (inout HuntDefinition) -> Void
) -> Int {
  var definition = HuntDefinition(name: "size")
  definition.boards = []
  definition.limits.players = 1
  definition.limits.names = 1
  change(&definition)
  return HuntState.layout(definition, blockMap(rows, eight: true)).pageCount * 4_096
}

private let many = 1_000_000

/// A player known by a number takes 64 bytes of row and their share of the index.
@Test func bytesOfAPlayer() {
  let bytes = pageBytes { $0.limits.players = many } - pageBytes { _ in }
  #expect(bytes <= 96 * many, "\(Double(bytes) / Double(many)) bytes a player")
  #expect(bytes >= 64 * many, "a player's row alone is 64 bytes")
}

/// A member of a board takes at most 32 bytes, whether the board is of all time or of a window.
@Test func bytesOfABoardMember() {
  let without = pageBytes { $0.limits.players = many }
  for window in [nil, 60_000] as [Int64?] {
    let bytes =
      pageBytes {
        $0.limits.players = many
        $0.boards = [BoardSpec(name: "board", windowMs: window)]
      } - without
    #expect(
      bytes <= 32 * many,
      "\(Double(bytes) / Double(many)) bytes a member, window \(window ?? 0)")
    #expect(bytes >= 16 * many, "a score and a player are 16 bytes")
  }
}

/// A directed edge of an open map takes at most 5 bytes: 47 million of them, and a fork that has
/// written every page of them, fit in 600 MB.
@Test func bytesOfAnEdge() {
  let side = 600
  let open = Array(repeating: String(repeating: ".", count: side), count: side)
  let edges = 8 * side * side - 12 * side + 4
  let bytes = pageBytes(open) { _ in } - pageBytes { _ in }
  #expect(bytes <= 5 * edges, "\(Double(bytes) / Double(edges)) bytes an edge")
  #expect(bytes >= edges, "distances alone are more than a byte an edge")
}
