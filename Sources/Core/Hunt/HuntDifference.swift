import Events
import Pages
import Scoring
import World

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

  /// An edge whose multiplier differs.
  public struct Edge: Sendable {
    public var node: UInt32
    public var direction: UInt8
    public var before: UInt8
    public var after: UInt8
  }

  /// In the order in which the first state met the players, then those that only the second knows.
  public var players: [Player] = []
  public var treasures: [Treasure] = []
  /// By treasure; empty where the rules do not count claims by player.
  public var awards: [Award] = []
  public var edges: [Edge] = []
  /// Pages whose bytes differ, without those that are made from others (the orders of boards depend
  /// on how they came about), and pages in all.
  public var pagesDiffering = 0
  public var pageCount = 0

  /// Compares two states of one definition and map.
  ///
  /// - Complexity: O(players + treasures + claims + differing pages); allocates the result.
  public init(_ before: inout HuntState, _ after: inout HuntState) {
    pageCount = before.space.pageCount
    var edgePages: [Int] = []
    let edgeRun = before.world.edgePages
    let derived = HuntState.layout(before.definition, before.world.map).regions
      .filter(\.isDerived).map(\.pages)
    before.space.forEachDifference(from: after.space) { page in
      if derived.contains(where: { $0.contains(page) }) { return }
      pagesDiffering += 1
      if edgeRun.contains(page) { edgePages.append(page) }
    }
    if pagesDiffering == 0 { return }
    comparePlayers(&before, &after)
    compareTreasures(&before, &after)
    compareAwards(&before, &after)
    for page in edgePages { compareEdges(page, &before, &after) }
  }

  private mutating func comparePlayers(_ before: inout HuntState, _ after: inout HuntState) {
    // Whoever never came on one side moves all rows behind by one: the last distance is a good
    // guess for the next.
    var shift = 0
    for row in 0..<Int(before.counts.players) {
      let left = before.players.load(row, before.space)
      guard let other = after.rowLike(row + shift, left.key) else {
        players.append(
          Player(key: left.key, before: before.side(row, left), after: nil))
        continue
      }
      shift = other - row
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
    for row in 0..<Int(after.counts.players) {
      let right = after.players.load(row, after.space)
      if let other = before.rowLike(row + shift, right.key) {
        shift = other - row
      } else {
        players.append(Player(key: right.key, before: nil, after: after.side(row, right)))
      }
    }
  }

  private mutating func compareTreasures(_ before: inout HuntState, _ after: inout HuntState) {
    for row in 0..<Int(before.counts.treasures) {
      let left = before.treasure(row)
      let right = after.row(ofTreasure: left.id).map { after.treasure($0) }
      if right.map({ $0 == left }) != true {
        treasures.append(Treasure(id: left.id, before: left, after: right))
      }
    }
    for row in 0..<Int(after.counts.treasures) {
      let right = after.treasure(row)
      if before.row(ofTreasure: right.id) == nil {
        treasures.append(Treasure(id: right.id, before: nil, after: right))
      }
    }
  }

  private mutating func compareAwards(_ before: inout HuntState, _ after: inout HuntState) {
    var found: [Award] = []
    before.forEachAward { player, treasure, count in
      let other = after.awardCount(player, treasure)
      if other != count {
        found.append(Award(treasure: treasure, player: player, before: count, after: other))
      }
    }
    after.forEachAward { player, treasure, count in
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

  private mutating func compareEdges(
    _ page: Int, _ before: inout HuntState, _ after: inout HuntState
  ) {
    for node in before.world.nodes(onEdgePage: page) {
      for direction in 0..<UInt8(before.world.map.neighbourhood.degree) {
        let left = before.world.multiplier(node, direction, before.space)
        let right = after.world.multiplier(node, direction, after.space)
        if left != right {
          edges.append(Edge(node: node, direction: direction, before: left, after: right))
        }
      }
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

  /// Calls `body` with each player, treasure and the claims granted since the last respawn.
  fileprivate mutating func forEachAward(_ body: (UInt64, UInt32, Int) -> Void) {
    claims.forEach(space) { key, held in
      let treasure = treasures.load(Int(key & 0xffff_ffff), space)
      guard UInt32(truncatingIfNeeded: held >> 32) == treasure.generation else { return }
      let player = players.load(Int(key >> 32) - 1, space)
      body(player.key, treasure.id, Int(held & 0xffff_ffff))
    }
  }

  fileprivate mutating func awardCount(_ player: UInt64, _ id: UInt32) -> Int {
    guard let row = row(of: player), let at = self.row(ofTreasure: id),
      let held = claims.find(UInt64(row + 1) << 32 | UInt64(at), space),
      UInt32(truncatingIfNeeded: held >> 32) == treasures.load(at, space).generation
    else { return 0 }
    return Int(held & 0xffff_ffff)
  }
}
