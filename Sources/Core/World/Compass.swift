/// The directions of a world of known size, as tables for inner loops; none of a network.
@frozen @usableFromInline struct Compass: Sendable {
  @usableFromInline let degree: Int
  /// What to add to a node for a step in each direction; without the levels that a walker climbs.
  @usableFromInline let deltas: InlineArray<26, Int32>
  /// Cost of a step in each direction over an edge with multiplier 1.
  @usableFromInline let costs: InlineArray<26, UInt32>
  @usableFromInline let opposites: InlineArray<26, UInt8>

  init(_ neighbourhood: Neighbourhood, width: Int, height: Int) {
    degree = neighbourhood.degree
    var deltas = InlineArray<26, Int32>(repeating: 0)
    var costs = InlineArray<26, UInt32>(repeating: 0)
    var opposites = InlineArray<26, UInt8>(repeating: 0)
    for direction in 0..<degree {
      let (x, y, z) = neighbourhood.offset(direction)
      deltas[direction] = Int32((z * height + y) * width + x)
      switch abs(x) + abs(y) + abs(z) {
      case 1: costs[direction] = neighbourhood.straightCost
      case 2: costs[direction] = neighbourhood.diagonalCost
      default: costs[direction] = neighbourhood.cornerCost
      }
      opposites[direction] = UInt8(neighbourhood.opposite(direction))
    }
    self.deltas = deltas
    self.costs = costs
    self.opposites = opposites
  }

  @inlinable @inline(__always) func delta(_ direction: Int) -> Int { Int(deltas[direction]) }

  @inlinable @inline(__always) func cost(_ direction: Int) -> UInt64 {
    UInt64(costs[direction])
  }

  /// The direction that leads back.
  @inlinable @inline(__always) func opposite(_ direction: Int) -> Int {
    Int(opposites[direction])
  }

  /// `opposite` of a grid.
  @inlinable @inline(__always) func oppositeOnGrid(_ direction: Int) -> Int {
    (direction &+ degree &>> 1) & (degree &- 1)
  }

  /// The direction of a step by `dx` columns and `dy` rows of a grid, `-1...1` each; 8 when there
  /// is none.
  @inlinable @inline(__always) func direction(_ dx: Int, _ dy: Int) -> Int {
    let place = (dy &+ 1) &* 3 &+ dx &+ 1
    // A digit for each of the nine places, the first lowest.
    let digits: UInt64 = degree == 8 ? 0x1_2308_4765 : 0x8_1808_2838
    return Int(truncatingIfNeeded: digits &>> UInt64(truncatingIfNeeded: place &* 4) & 15)
  }

  /// Columns and rows crossed by a step.
  static func offset(_ neighbourhood: Neighbourhood, _ direction: Int) -> (x: Int, y: Int) {
    let eighth = neighbourhood == .eight ? direction : direction * 2
    switch eighth {
    case 0: return (1, 0)
    case 1: return (1, 1)
    case 2: return (0, 1)
    case 3: return (-1, 1)
    case 4: return (-1, 0)
    case 5: return (-1, -1)
    case 6: return (0, -1)
    default: return (1, -1)
    }
  }
}
