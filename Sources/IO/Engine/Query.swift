import Events

/// A player as a client names one.
public enum PlayerName: Sendable {
  case number(UInt64)
  case text(String)
}

/// Which states of treasures a listing shows.
public enum TreasureFilter: String, Sendable, CaseIterable {
  case all, open, exhausted, respawning, removed
}

/// Which window of a board.
public enum WindowChoice: String, Sendable, CaseIterable {
  case current, previous
}

/// One end of a way.
public enum SearchEnd: Sendable {
  case place(Int, Int, Int)
  /// Where the player is.
  case player(PlayerName)
  /// Where the treasure lies.
  case treasure(UInt32)
}

/// A read of one hunt, answered on its partition's thread between two batches.
public enum Query: Sendable {
  /// - Parameter digest: Whether to digest the state even where that takes long.
  case hunt(digest: Bool)
  case board(
    name: String, limit: Int, offset: Int, around: PlayerName?, window: WindowChoice)
  case player(PlayerName)
  case hint(PlayerName)
  case treasures(limit: Int, after: UInt32, filter: TreasureFilter)
  case path(from: SearchEnd, to: SearchEnd)
  /// The open treasures that are nearest by the cost of walking there.
  case near(SearchEnd, limit: Int, costMax: UInt32?)
  case books
  /// Everything that a new viewer needs.
  case snapshot
  /// What every update for viewers carries: counts, the first board's top, changed or not.
  ///
  /// - Parameter names: Numbers of named players whose names the asker wants to know.
  case pulse(names: [UInt64])
  /// What a producer must know to go on: 64 bytes, `Welcome`.
  case welcome(producer: UInt64, rights: UInt8)
  /// Lines of Prometheus text for this hunt.
  case metrics
}

/// What came of a query: a status of HTTP, and a body.
public struct Answer: Sendable {
  public let connection: UInt64
  /// The asker's own number for the query.
  public let tag: UInt64
  public let status: Int
  public let offset: UInt64
  public let durable: UInt64
  public let body: [UInt8]
  /// Events judged so far; 0 when the hunt is gone.
  public var events: UInt64 = 0
  /// Names asked for, by number.
  public var names: [(UInt64, [UInt8])] = []
}

/// Who gets the answer to a query.
public struct QueryTicket: Sendable {
  public let port: GatewayPort
  public let connection: UInt64
  public let tag: UInt64

  public init(port: GatewayPort, connection: UInt64, tag: UInt64) {
    self.port = port
    self.connection = connection
    self.tag = tag
  }
}
