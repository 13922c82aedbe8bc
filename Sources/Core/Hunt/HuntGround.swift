import Events
public import Pages
public import World

/// What a search for treasures and ways reads of a hunt's pages, for whoever holds a fork of them.
public struct HuntGround: Sendable {
  public let world: WorldGraph
  let field: TreasureField
  let openAt: PagedTree
  let treasureIndex: PagedTable
  let treasures: PagedArray<TreasureRow>
  let playerIndex: PagedTable
  let players: PagedArray<PlayerRow>
  let claims: PagedTable
  let claimsPerPlayer: UInt32

  /// A player and where the player is.
  public struct Walker: Sendable {
    let row: Int
    /// Nil where the player has no place on the world.
    public let node: UInt32?
  }

  /// A player by number; nil when unknown.
  public func walker(_ player: UInt64, _ space: borrowing PageSpace) -> Walker? {
    guard player != 0, let row = playerIndex.find(player, space) else { return nil }
    let held = players.load(Int(row), space)
    return Walker(
      row: Int(row),
      node: held.isPlaced ? world.node(held.x, held.y, held.z) : nil)
  }

  /// A treasure that was not removed; nil when there is none of that id.
  public func treasure(_ id: UInt32, _ space: borrowing PageSpace) -> TreasureRow? {
    guard id != 0, let row = treasureIndex.find(UInt64(id), space) else { return nil }
    let treasure = treasures.load(Int(row), space)
    return treasure.phase == .removed ? nil : treasure
  }

  /// The open treasures that can be walked to from `node`, nearest first and by id where they are
  /// as near, each with the cost of the walk.
  ///
  /// - Parameters:
  ///   - walker: Whose treasures: those that this player has claimed as often as one may are left
  ///     out; all for nil.
  ///   - limit: Most treasures, at least 1.
  ///   - costMax: The dearest walk, in the world's unit.
  /// - Returns: The treasures, and whether these are all there are within `limit` and `costMax`:
  ///   false where the budget of nodes was spent first.
  /// - Complexity: As `PathFinder.explore`, and O(log treasures) for each found.
  public func treasures(
    near node: UInt32, for walker: Walker?, limit: Int, costMax: UInt32, nodeBudget: Int,
    _ space: borrowing PageSpace, _ finder: inout PathFinder
  ) -> (found: [(cost: UInt32, treasure: TreasureRow)], isComplete: Bool) {
    var found: [(cost: UInt32, treasure: TreasureRow)] = []
    found.reserveCapacity(min(limit, 1_024))
    let end = finder.explore(
      from: node, costMax: costMax, nodeBudget: nodeBudget, world, space,
      ahead: { field.prefetch($0, space) },
      visit: { node, cost in
        // Of those as near as the last, the lowest ids count.
        if found.count >= limit, cost > found[limit - 1].cost { return false }
        // A field's distance of 0 is never in need of repair.
        if field.distance(node, space) != 0 { return true }
        var key = TreeKey(high: UInt64(node), low: 0)
        while let next = openAt.first(atOrAfter: key, space), next.high == UInt64(node) {
          let id = UInt32(truncatingIfNeeded: next.low)
          if let row = treasureIndex.find(UInt64(id), space), !isSpent(row, for: walker, space) {
            insert((cost, treasures.load(Int(row), space)), into: &found, limit)
          }
          key = TreeKey(high: UInt64(node), low: next.low + 1)
        }
        return true
      })
    return (found, end != .budgetSpent || found.count == limit)
  }

  /// The nearest open treasure that the rules let a player claim, of several as near the lowest id:
  /// where it lies and what the walk costs; nil where none is found.
  ///
  /// - Complexity: As `PathFinder.explore`, and O(log treasures) a treasure on the way; no
  ///   allocation.
  func nearest(
    for walker: Walker, from node: UInt32, costMax: UInt32, nodeBudget: Int,
    _ space: borrowing PageSpace, _ finder: inout PathFinder
  ) -> (treasure: UInt32, node: UInt32, cost: UInt32)? {
    var found: (treasure: UInt32, node: UInt32, cost: UInt32)?
    _ = finder.explore(
      from: node, costMax: costMax, nodeBudget: nodeBudget, world, space,
      ahead: { field.prefetch($0, space) },
      visit: { node, cost in
        if let found, cost > found.cost { return false }
        // A field's distance of 0 is never in need of repair.
        if field.distance(node, space) != 0 { return true }
        var key = TreeKey(high: UInt64(node), low: 0)
        while let next = openAt.first(atOrAfter: key, space), next.high == UInt64(node) {
          let id = UInt32(truncatingIfNeeded: next.low)
          if let row = treasureIndex.find(UInt64(id), space), !isSpent(row, for: walker, space) {
            if found.map({ id < $0.treasure }) ?? true { found = (id, node, cost) }
            return true
          }
          key = TreeKey(high: UInt64(node), low: next.low + 1)
        }
        return true
      })
    return found
  }

  /// Keeps `found` in order and within `limit`.
  private func insert(
    _ one: (cost: UInt32, treasure: TreasureRow),
    into found: inout [(cost: UInt32, treasure: TreasureRow)], _ limit: Int
  ) {
    var at = found.count
    while at > 0, found[at - 1].cost == one.cost, found[at - 1].treasure.id > one.treasure.id {
      at -= 1
    }
    if at >= limit { return }
    if found.count == limit { found.removeLast() }
    found.insert(one, at: at)
  }

  /// Whether a player has claimed a treasure as often as one may until its next respawn.
  func isSpent(
    _ treasure: UInt64, for walker: Walker?, _ space: borrowing PageSpace
  ) -> Bool {
    guard claimsPerPlayer > 0, let walker,
      let held = claims.find(UInt64(walker.row + 1) << 32 | treasure, space)
    else { return false }
    return Self.isSpent(held, treasures.load(Int(treasure), space).generation, claimsPerPlayer)
  }

  /// - Parameter held: Of the table of claims: those granted, and in which life of the treasure.
  static func isSpent(_ held: UInt64, _ generation: UInt32, _ claimsPerPlayer: UInt32) -> Bool {
    UInt32(truncatingIfNeeded: held >> 32) == generation
      && held & 0xffff_ffff >= UInt64(claimsPerPlayer)
  }
}

extension HuntState {
  /// The parts of the state that searches read.
  public var ground: HuntGround {
    HuntGround(
      world: world, field: field, openAt: openAt, treasureIndex: treasureIndex,
      treasures: treasures, playerIndex: playerIndex, players: players, claims: claims,
      claimsPerPlayer: rules.claimsPerPlayer)
  }
}
