public import Bounded

/// The directions of a world of known size, as tables for inner loops; none of a network.
///
/// The tables are in a slab and not in the struct: an element of an inline array that somebody else
/// keeps is read by copying the whole array.
@frozen @usableFromInline struct Compass: Sendable {
  @usableFromInline let degree: Int
  /// 12 bytes a direction: Int32, what to add to a node for a step, without the levels that a
  /// walker climbs; UInt32, what the step costs over an edge with multiplier 1; UInt32, the
  /// direction that leads back.
  @usableFromInline let table: SlabView

  init(_ neighbourhood: Neighbourhood, width: Int, height: Int) {
    degree = neighbourhood.degree
    let slab = Slab(byteCount: 26 * 12, alignment: 64)
    for direction in 0..<degree {
      let (x, y, z) = neighbourhood.offset(direction)
      slab.store(Int32((z * height + y) * width + x), direction * 12)
      switch abs(x) + abs(y) + abs(z) {
      case 1: slab.store(neighbourhood.straightCost, direction * 12 + 4)
      case 2: slab.store(neighbourhood.diagonalCost, direction * 12 + 4)
      default: slab.store(neighbourhood.cornerCost, direction * 12 + 4)
      }
      slab.store(UInt32(neighbourhood.opposite(direction)), direction * 12 + 8)
    }
    table = SlabView(slab)
  }

  @inlinable @inline(__always) func delta(_ direction: Int) -> Int {
    Int(table.load(direction &* 12, as: Int32.self))
  }

  @inlinable @inline(__always) func cost(_ direction: Int) -> UInt64 {
    UInt64(table.load(direction &* 12 &+ 4, as: UInt32.self))
  }

  /// The direction that leads back.
  @inlinable @inline(__always) func opposite(_ direction: Int) -> Int {
    Int(table.load(direction &* 12 &+ 8, as: UInt32.self))
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
