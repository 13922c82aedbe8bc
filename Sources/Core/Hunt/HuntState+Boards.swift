import Pages
import Scoring

extension HuntState {
  /// Lets the orders of the boards lag behind the events applied from here on, until
  /// `releaseBoards`: the searches of many events then go side by side. For whoever applies a batch
  /// and reads no board within it.
  public mutating func holdBoards() { boards.hold(&pending) }

  /// Brings the orders of the boards to where the events are.
  public mutating func releaseBoards() { boards.release(&pending, &space) }

  /// Events applied from here on are a replay's: nobody is answered, so their outcomes tell no rank
  /// and no hint, and no board has an order until `endReplay`. Reading a board traps meanwhile; all
  /// else, and every digest, is as it was live.
  public mutating func beginReplay() { boards.deferOrders(&pending, &space) }

  /// Makes the orders of the boards from the scores, and answers from here on.
  ///
  /// - Complexity: O(players); takes 32 bytes a player while it runs.
  public mutating func endReplay() {
    boards.rebuild(memberCount: Int(counts.players), &pending, &space)
  }

  /// Pages that `beginReplay` and `endReplay` may write in all, with `count` more players.
  ///
  /// - Complexity: O(boards).
  public mutating func pagesOfReplay(newPlayers count: Int) -> Int {
    boards.pagesOfRebuild(memberCount: Int(counts.players) + count)
  }

  /// Between `beginReplay` and `endReplay`.
  public var isReplaying: Bool { mutating get { pending.following == .deferred } }
}
