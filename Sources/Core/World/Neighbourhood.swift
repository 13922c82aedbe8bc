/// Which nodes a walker can step to from a node, and what a step costs.
///
/// Directions of a flat world are numbered clockwise from east as the map is read (y grows
/// downwards), those of a world of voxels from east too; there z grows upwards:
///
///     eight      0 E   1 SE   2 S   3 SW   4 W   5 NW   6 N   7 NE
///     four       0 E   1 S    2 W   3 N
///     walk       0 E   1 S    2 W   3 N      each may climb or fall, see `WalkRules`
///     six        0 E   1 S    2 W   3 N    4 up   5 down
///     twentySix  all (dx, dy, dz) in -1...1 but (0, 0, 0), by dz, then dy, then dx ascending
///     network    none: edges are numbered through the whole world
///
/// Costs are integers. For `four`, `walk`, `six` and `network` a unit is one step, or what the
/// source of a network says. For `eight` a unit is 1/13,860 of a straight step: straight 13,860,
/// diagonal 19,601, a convergent of the square root of two (19,601² = 2 x 13,860² + 1), so the
/// ratio is wrong by 2e-9. No fraction with a smaller denominator lies between the two, so the
/// order of two paths by these costs and by real length agree whenever their counts of diagonal
/// steps differ by less than 13,860. For `twentySix` a unit is 1/20,586 of a straight step: 20,586,
/// 29,113 and 35,656 give both roots, of two and of three, wrong by less than 2e-7, so lengths of
/// paths are in order where they differ by more than that share of the longer.
@frozen public enum Neighbourhood: UInt8, Equatable, Sendable {
  /// The edges of a network.
  case network = 0
  /// East, south, west, north.
  case four = 4
  /// Walking among voxels: east, south, west, north, with climbing and falling.
  case walk = 5
  /// Flying among voxels: the four, up and down.
  case six = 6
  /// The four and the diagonals; a diagonal only between two passable blocks (no corner is cut).
  case eight = 8
  /// Flying among voxels: to any that touches; only if every cell of the box that both ends span
  /// is free.
  case twentySix = 26

  /// Directions of a node; 0 for a network.
  @inlinable public var degree: Int { self == .walk ? 4 : Int(rawValue) }

  /// Cost of a straight step over an edge with multiplier 1.
  @inlinable public var straightCost: UInt32 {
    switch self {
    case .eight: 13_860
    case .twentySix: 20_586
    case .network, .four, .walk, .six: 1
    }
  }

  /// Cost of a diagonal step over an edge with multiplier 1; 0 where there is none.
  @inlinable public var diagonalCost: UInt32 {
    switch self {
    case .eight: 19_601
    case .twentySix: 29_113
    case .network, .four, .walk, .six: 0
    }
  }

  /// Cost of a step through a corner, along all three axes at once; 0 where there is none.
  @inlinable public var cornerCost: UInt32 { self == .twentySix ? 35_656 : 0 }

  /// Columns and rows crossed by a step in `direction` of a flat world, `0..<degree`.
  public func step(_ direction: UInt8) -> (x: Int, y: Int) {
    Compass.offset(self, Int(direction) & (degree - 1))
  }

  /// Columns, rows and levels crossed by a step in `direction`, `0..<degree`; traps otherwise, so
  /// for every direction of a network. A step of `walk` may cross levels besides.
  public func offset(_ direction: Int) -> (x: Int, y: Int, z: Int) {
    precondition(direction >= 0 && direction < degree, "direction \(direction)")
    switch self {
    case .six where direction >= 4: return (0, 0, direction == 4 ? 1 : -1)
    case .twentySix:
      let place = direction < 13 ? direction : direction + 1
      return (place % 3 - 1, place / 3 % 3 - 1, place / 9 - 1)
    case .eight:
      let (x, y) = Compass.offset(.eight, direction)
      return (x, y, 0)
    case .network, .four, .walk, .six:
      let (x, y) = Compass.offset(.four, direction)
      return (x, y, 0)
    }
  }

  /// The direction of the step back.
  @inlinable public func opposite(_ direction: Int) -> Int {
    switch self {
    case .eight: direction ^ 4
    case .twentySix: 25 &- direction
    case .six where direction >= 4: direction ^ 1
    case .network, .four, .walk, .six: direction ^ 2
    }
  }

  /// Whether `direction` is diagonal in a flat world.
  @inlinable public func isDiagonal(_ direction: UInt8) -> Bool {
    self == .eight && direction & 1 == 1
  }
}

/// The distance of a block from which no open treasure can be reached.
public let unreachable = UInt32.max

/// The longest distance there is; whatever lies farther is unreachable. In `eight` it is 309,883
/// straight steps over edges of multiplier 1.
public let distanceMax = UInt32.max - 1
