import Pages
public import World

// What a player is told of the nearest treasure: what the field says, which all players share; but
// where one has claimed that treasure as often as one may, what a search of one's own finds.
extension HuntState {
  /// The hint for the player in `row` who stands at `node`, and the edge that it names with the
  /// node that this leads to.
  ///
  /// - Precondition: `isHintCertain(node)`.
  /// - Returns: Nil where no treasure is in reach; of treasures that only a search finds, where
  ///   none lies within the first 4,096 nodes. The step is nil on the treasure, and where a search
  ///   for the way would look at more nodes than that.
  public mutating func hint(
    for row: Int, at node: UInt32
  ) -> (hint: Hint, step: (edge: UInt32, head: UInt32)?)? {
    if isNearestSpent(row, at: node) { return ownHint(row, at: node) }
    guard let hint = field.hint(node, space) else { return nil }
    return (hint, field.step(from: node, space))
  }

  /// Whether the player has claimed the treasure nearest to `node` as often as one may.
  @inline(__always)
  mutating func isNearestSpent(_ row: Int, at node: UInt32) -> Bool {
    if rules.claimsPerPlayer == 0 || players.load(row, space).claims == 0 { return false }
    return isSpent(row, field.treasure(node, space))
  }

  private func isSpent(_ row: Int, _ treasure: UInt32) -> Bool {
    guard treasure != 0, let at = treasureIndex.find(UInt64(treasure), space),
      let held = claims.find(UInt64(row + 1) << 32 | at, space)
    else { return false }
    return HuntGround.isSpent(
      held, treasures.load(Int(at), space).generation, rules.claimsPerPlayer)
  }

  private mutating func ownHint(
    _ row: Int, at node: UInt32
  ) -> (hint: Hint, step: (edge: UInt32, head: UInt32)?)? {
    guard let found = ownNearest(row, at: node) else { return nil }
    var hint = Hint(distance: found.cost, treasure: found.treasure, direction: Hint.here)
    if found.node == node { return (hint, nil) }
    let answer = finder.path(
      from: node, to: found.node, costMax: found.cost, nodeBudget: Self.stepBudget, world, space)
    guard case .found = answer, let edge = world.edge(finder.step(0), space) else {
      return (hint, nil)
    }
    hint.direction = world.direction(of: finder.step(0))
    return (hint, (finder.step(0), edge.head))
  }

  /// The treasure that a hint of a player's own names.
  mutating func ownNearest(
    _ row: Int, at node: UInt32
  ) -> (treasure: UInt32, node: UInt32, cost: UInt32)? {
    let ground = ground
    return ground.nearest(
      for: HuntGround.Walker(row: row, node: node), from: node, costMax: field.radiusMax,
      nodeBudget: Self.stepBudget, space, &finder)
  }
}
