/// Which blocks a walker can step to from a block, and what a step costs.
///
/// Directions are numbered clockwise from east as the map is read (y grows downwards):
///
///     eight   0 E   1 SE   2 S   3 SW   4 W   5 NW   6 N   7 NE
///     four    0 E   1 S    2 W   3 N
///
/// Costs are integers. For `eight` a unit is 1/13,860 of a straight step: straight 13,860, diagonal
/// 19,601, a convergent of the square root of two (19,601² = 2 x 13,860² + 1), so the ratio is
/// wrong by 2e-9. No fraction with a smaller denominator lies between the two, so the order of two
/// paths by these costs and by real length agree whenever their counts of diagonal steps differ by
/// less than 13,860. For `four` a unit is one step.
@frozen public enum Neighbourhood: UInt8, Equatable, Sendable {
  /// East, south, west, north.
  case four = 4
  /// The four and the diagonals; a diagonal only between two passable blocks (no corner is cut).
  case eight = 8

  /// Directions, 4 or 8.
  @inlinable public var degree: Int { Int(rawValue) }

  /// Cost of a straight step over an edge with multiplier 1.
  @inlinable public var straightCost: UInt32 { self == .eight ? 13_860 : 1 }

  /// Cost of a diagonal step over an edge with multiplier 1; `four` has none.
  @inlinable public var diagonalCost: UInt32 { self == .eight ? 19_601 : 0 }

  /// Columns and rows crossed by a step in `direction`, `0..<degree`.
  public func step(_ direction: UInt8) -> (x: Int, y: Int) {
    Compass.offset(self, Int(direction) & (degree - 1))
  }

  /// Whether `direction` is diagonal.
  @inlinable public func isDiagonal(_ direction: UInt8) -> Bool {
    self == .eight && direction & 1 == 1
  }
}

/// The distance of a block from which no open treasure can be reached.
public let unreachable = UInt32.max

/// The longest distance there is; whatever lies farther is unreachable. In `eight` it is 309,883
/// straight steps over edges of multiplier 1.
public let distanceMax = UInt32.max - 1

/// A neighbourhood on a grid of known width, as tables for inner loops.
@frozen @usableFromInline struct Compass: Sendable {
  @usableFromInline let degree: Int
  /// What to add to a node index for a step in each direction.
  @usableFromInline let deltas: InlineArray<8, Int>
  /// Cost of a step in each direction over an edge with multiplier 1.
  @usableFromInline let costs: InlineArray<8, UInt64>

  init(_ neighbourhood: Neighbourhood, width: Int) {
    degree = neighbourhood.degree
    var deltas = InlineArray<8, Int>(repeating: 0)
    var costs = InlineArray<8, UInt64>(repeating: 0)
    for direction in 0..<degree {
      let (x, y) = Self.offset(neighbourhood, direction)
      deltas[direction] = y * width + x
      costs[direction] = UInt64(
        neighbourhood.isDiagonal(UInt8(direction))
          ? neighbourhood.diagonalCost : neighbourhood.straightCost)
    }
    self.deltas = deltas
    self.costs = costs
  }

  /// The direction of a step by `dx` columns and `dy` rows, `-1...1` each; 8 when there is none.
  @inlinable @inline(__always) func direction(_ dx: Int, _ dy: Int) -> Int {
    let place = (dy &+ 1) &* 3 &+ dx &+ 1
    // A digit for each of the nine places, the first lowest.
    let digits: UInt64 = degree == 8 ? 0x1_2308_4765 : 0x8_1808_2838
    return Int(truncatingIfNeeded: digits &>> UInt64(truncatingIfNeeded: place &* 4) & 15)
  }

  /// The direction that leads back.
  @inlinable @inline(__always) func opposite(_ direction: Int) -> Int {
    (direction &+ degree &>> 1) & (degree &- 1)
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
