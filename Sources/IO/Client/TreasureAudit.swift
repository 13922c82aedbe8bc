public import Authoring

/// What the engine says of one treasure.
public struct TreasureAccount: Equatable, Sendable {
  public var id: UInt32
  public var stock: UInt64
  public var free: UInt64
  public var claimed: UInt64
  /// How often it was opened again.
  public var generation: UInt64

  public init(id: UInt32, stock: UInt64, free: UInt64, claimed: UInt64, generation: UInt64) {
    self.id = id
    self.stock = stock
    self.free = free
    self.claimed = claimed
    self.generation = generation
  }

  /// Claims granted since it was placed: it only opens again once its whole stock is gone.
  public var granted: UInt64 { generation * stock + claimed }
  /// The most claims that could have been granted by now.
  public var grantable: UInt64 { (generation + 1) * stock }

  /// Reads a page of `GET /v1/hunts/{hunt}/treasures`; nil when it is something else.
  public static func page(_ json: YamlNode) -> (rows: [TreasureAccount], cursor: String?)? {
    guard let list = json["treasures"] else { return nil }
    var rows: [TreasureAccount] = []
    for node in list.items {
      guard let id = node["id"]?.number, let stock = node["stock"]?.number,
        let free = node["free"]?.number, let claimed = node["claimed"]?.number,
        let generation = node["generation"]?.number
      else { return nil }
      rows.append(
        TreasureAccount(
          id: UInt32(clamping: id), stock: stock, free: free, claimed: claimed,
          generation: generation))
    }
    let cursor = json["next_cursor"].flatMap { $0.isAbsent ? nil : $0.text }
    return (rows, cursor)
  }
}

/// Checks that no treasure was won more often than it could be: by the engine's word, and by the
/// claims that players were told were granted.
public enum TreasureAudit {
  /// - Parameters:
  ///   - winners: Claims granted between `before` and `after` as the players counted them.
  ///   - areAlone: Nobody else played, so both counts have to be equal.
  /// - Returns: What is wrong, a line each; nothing when all is well.
  public static func faults(
    winners: [UInt32: UInt64], before: [TreasureAccount], after: [TreasureAccount],
    areAlone: Bool = false
  ) -> [String] {
    var faults: [String] = []
    var earlier: [UInt32: TreasureAccount] = [:]
    for treasure in before { earlier[treasure.id] = treasure }
    var unknown = winners
    for treasure in after {
      let id = treasure.id
      unknown[id] = nil
      if treasure.free + treasure.claimed != treasure.stock {
        faults.append(
          "treasure \(id): free \(treasure.free) and claimed \(treasure.claimed) are not its stock"
            + " of \(treasure.stock)")
      }
      let told = winners[id] ?? 0
      let had = earlier[id].map(\.granted) ?? 0
      if had + told > treasure.grantable {
        faults.append(
          "treasure \(id): \(had + told) winners for a stock of \(treasure.stock) opened"
            + " \(treasure.generation + 1) times")
      } else if treasure.granted < had || treasure.granted - had < told
        || (areAlone && treasure.granted - had != told)
      {
        faults.append(
          "treasure \(id): the engine granted \(treasure.granted) claims, \(had) of them before;"
            + " the players were told of \(told)")
      }
    }
    for (id, count) in unknown.sorted(by: { $0.key < $1.key }) {
      faults.append("treasure \(id): \(count) winners, and the engine does not know it")
    }
    return faults
  }
}
