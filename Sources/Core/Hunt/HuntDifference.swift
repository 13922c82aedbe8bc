import Events
import Pages
import Scoring
public import World

/// What two states of one hunt do not share, told by players, treasures and edges and not by rows,
/// because a row's number is the order of arrival, which two lines of history need not share.
public struct HuntDifference: Sendable {
  /// A player whose score, claims or presence differ; nil where the state does not know the player.
  public struct Player: Sendable {
    public var key: UInt64
    public var before: Side?
    public var after: Side?

    public struct Side: Sendable, Equatable {
      public var score: Int64
      public var claims: UInt32
      public var isPresent: Bool
      /// On the first board; nil when not on it.
      public var rank: Int?
    }
  }

  /// A treasure that differs in anything; nil where the state does not know it.
  public struct Treasure: Sendable {
    public var id: UInt32
    public var before: TreasureRow?
    public var after: TreasureRow?
  }

  /// Claims granted to one player for one treasure, since its last respawn.
  public struct Award: Sendable {
    public var treasure: UInt32
    public var player: UInt64
    public var before: Int
    public var after: Int
  }

  /// A cell of voxels that is free in one of the two.
  public struct Block: Sendable {
    public var node: UInt32
    public var isOpenBefore: Bool
  }

  /// In the order in which the first state met the players, then those that only the second knows.
  public var players: [Player] = []
  public var treasures: [Treasure] = []
  /// By treasure; empty where the rules do not count claims by player.
  public var awards: [Award] = []
  /// By id; in voxels only those with a multiplier of their own.
  public var edges: [EdgeDifference] = []
  /// Of voxels, by node.
  public var blocks: [Block] = []
  /// Pages whose bytes differ, without those that are made from others (the orders of boards depend
  /// on how they came about), and pages in all.
  public var pagesDiffering = 0
  public var pageCount = 0

  /// Compares two states of one definition and map.
  ///
  /// Only rows that differ are looked at. A claim is told by its player and treasure, though, and
  /// holds for one generation of it: where rows that both states have are those of other players or
  /// generations, all claims are.
  ///
  /// - Complexity: As `PageSpace.forEachDifferingRow` over the whole space, and then O(log players)
  ///   a row that differs, and perhaps O(claims); allocates the result.
  public init(_ before: inout HuntState, _ after: inout HuntState) {
    pageCount = before.space.pageCount
    let derived = HuntState.layout(before.definition, before.world.topology).regions
      .filter(\.isDerived).map(\.pages)
    before.space.forEachDifference(from: after.space) { page in
      if !derived.contains(where: { $0.contains(page) }) { pagesDiffering += 1 }
    }
    if pagesDiffering == 0 { return }
    let areRenamed = comparePlayers(&before, &after)
    let areRenewed = compareTreasures(&before, &after)
    compareAwards(&before, &after, all: areRenamed || areRenewed)
    compareEdges(&before, &after)
  }

  /// Whether some row is that of another player.
  private mutating func comparePlayers(
    _ before: inout HuntState, _ after: inout HuntState
  ) -> Bool {
    var rows: [Int] = []
    before.players.forEachDifferingRow(before.space, from: after.space) { rows.append($0) }
    let (beforeCount, afterCount) = (Int(before.counts.players), Int(after.counts.players))
    var areRenamed = false
    // Whoever never came on one side moves all rows behind by one: the last distance is a good
    // guess for the next.
    var shift = 0
    for row in rows where row < beforeCount {
      let left = before.players.load(row, before.space)
      guard let other = after.rowLike(row + shift, left.key) else {
        areRenamed = areRenamed || row < afterCount
        players.append(
          Player(key: left.key, before: before.side(row, left), after: nil))
        continue
      }
      shift = other - row
      areRenamed = areRenamed || shift != 0
      let right = after.players.load(other, after.space)
      if left.total != right.total || left.claims != right.claims
        || left.isPresent != right.isPresent
      {
        players.append(
          Player(
            key: left.key, before: before.side(row, left), after: after.side(other, right)))
      }
    }
    shift = 0
    for row in rows where row < afterCount {
      let right = after.players.load(row, after.space)
      if let other = before.rowLike(row + shift, right.key) {
        shift = other - row
      } else {
        players.append(Player(key: right.key, before: nil, after: after.side(row, right)))
      }
    }
    return areRenamed
  }

  /// Whether some row is that of another treasure, or of another generation of it.
  private mutating func compareTreasures(
    _ before: inout HuntState, _ after: inout HuntState
  ) -> Bool {
    var rows: [Int] = []
    before.treasures.forEachDifferingRow(before.space, from: after.space) { rows.append($0) }
    let (beforeCount, afterCount) = (Int(before.counts.treasures), Int(after.counts.treasures))
    var areRenewed = false
    for row in rows where row < beforeCount {
      let left = before.treasure(row)
      let right = after.row(ofTreasure: left.id).map { after.treasure($0) }
      if row < afterCount {
        let there = after.treasure(row)
        areRenewed = areRenewed || there.id != left.id || there.generation != left.generation
      }
      if right.map({ $0 == left }) != true {
        treasures.append(Treasure(id: left.id, before: left, after: right))
      }
    }
    for row in rows where row < afterCount {
      let right = after.treasure(row)
      if before.row(ofTreasure: right.id) == nil {
        treasures.append(Treasure(id: right.id, before: nil, after: right))
      }
    }
    return areRenewed
  }

  private mutating func compareAwards(
    _ before: inout HuntState, _ after: inout HuntState, all: Bool
  ) {
    var found: [Award] = []
    for (player, treasure, count) in all
      ? before.awards() : before.awards(differingFrom: after.space)
    {
      let other = after.awardCount(player, treasure)
      if other != count {
        found.append(Award(treasure: treasure, player: player, before: count, after: other))
      }
    }
    for (player, treasure, count) in all
      ? after.awards() : after.awards(differingFrom: before.space)
    {
      if before.awardCount(player, treasure) == 0 {
        found.append(Award(treasure: treasure, player: player, before: 0, after: count))
      }
    }
    // The loser of a prize before its winner.
    awards = found.sorted { left, right in
      if left.treasure != right.treasure { return left.treasure < right.treasure }
      let (lost, gained) = (left.after - left.before, right.after - right.before)
      return lost != gained ? lost < gained : left.player < right.player
    }
  }

  private mutating func compareEdges(_ before: inout HuntState, _ after: inout HuntState) {
    before.world.forEachDifferingEdge(before.space, from: after.space) { edges.append($0) }
    before.world.forEachDifferingCell(before.space, from: after.space) {
      blocks.append(Block(node: $0, isOpenBefore: $1))
    }
  }
}

extension HuntState {
  /// The row of the player `key`, looked for at `row` first.
  fileprivate mutating func rowLike(_ row: Int, _ key: UInt64) -> Int? {
    if row >= 0, row < Int(counts.players), players.load(row, space).key == key { return row }
    return self.row(of: key)
  }

  fileprivate mutating func side(_ row: Int, _ player: PlayerRow) -> HuntDifference.Player.Side {
    HuntDifference.Player.Side(
      score: player.total, claims: player.claims, isPresent: player.isPresent,
      rank: boards[0].rank(UInt32(row), space))
  }

  /// Player, treasure, and the claims granted since the last respawn.
  fileprivate typealias Held = (player: UInt64, treasure: UInt32, count: Int)

  /// The claims granted, all of them.
  fileprivate mutating func awards() -> [Held] {
    var held: [Held] = []
    claims.forEach(space) { if let award = award($0, $1) { held.append(award) } }
    return held
  }

  /// The claims granted whose place in the table holds something else in `other`.
  fileprivate mutating func awards(differingFrom other: borrowing PageSpace) -> [Held] {
    var held: [Held] = []
    claims.forEachDifference(space, from: other) {
      if let award = award($0, $1) { held.append(award) }
    }
    return held
  }

  private func award(_ key: UInt64, _ held: UInt64) -> Held? {
    let treasure = treasures.load(Int(key & 0xffff_ffff), space)
    guard UInt32(truncatingIfNeeded: held >> 32) == treasure.generation else { return nil }
    let player = players.load(Int(key >> 32) - 1, space)
    return (player.key, treasure.id, Int(held & 0xffff_ffff))
  }

  fileprivate mutating func awardCount(_ player: UInt64, _ id: UInt32) -> Int {
    guard let row = row(of: player), let at = self.row(ofTreasure: id),
      let held = claims.find(UInt64(row + 1) << 32 | UInt64(at), space),
      UInt32(truncatingIfNeeded: held >> 32) == treasures.load(at, space).generation
    else { return 0 }
    return Int(held & 0xffff_ffff)
  }
}
