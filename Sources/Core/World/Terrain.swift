/// What a step onto each character of a map costs: 0 for a wall, `1...255` times a plain step.
public struct Terrain: Equatable, Sendable {
  /// One of 256 bytes a character.
  private(set) var costs: [UInt8]

  /// `.`, `G` and `S` cost 1, all else is a wall.
  public static let standard: Terrain = {
    var terrain = Terrain(costs: [UInt8](repeating: 0, count: 256))
    for character in ".GS".utf8 { terrain[character] = 1 }
    return terrain
  }()

  /// - Parameter costs: 256 of them.
  init(costs: [UInt8]) {
    precondition(costs.count == 256)
    self.costs = costs
  }

  public subscript(_ character: UInt8) -> UInt8 {
    get { costs[Int(character)] }
    set { costs[Int(character)] = newValue }
  }
}
