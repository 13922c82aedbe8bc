public import Bounded

/// The topology of a block world: which blocks a map shows as passable, and which steps follow.
///
/// Immutable, and shared by every fork. Blocks are numbered row by row: node = y * width + x, with
/// x the column from the left and y the row from the top, both from 0 (z is always 0 in a flat
/// map).
///
/// Memory: 3 bytes a block.
public final class BlockMap: Sendable {
  /// Most blocks in a map.
  public static let cellCountMax = 1 << 24

  public let neighbourhood: Neighbourhood
  public let width: Int
  public let height: Int
  /// XXH3-128 of neighbourhood, width, height and characters.
  public let digest: Hash128

  /// The map's characters, one byte a block.
  @usableFromInline let cells: Slab
  /// UInt16 a block: bits 0...7 the directions the map leaves open, bits 8...15 those that do not
  /// leave the map.
  @usableFromInline let topology: Slab

  /// Blocks: width times height.
  @inlinable public var nodeCount: Int { width * height }

  /// A map of `width` by `height` blocks whose characters are the first bytes of `cells`.
  init(neighbourhood: Neighbourhood, width: Int, height: Int, cells: Slab) {
    precondition(width > 0 && height > 0 && width * height <= Self.cellCountMax)
    self.neighbourhood = neighbourhood
    self.width = width
    self.height = height
    self.cells = cells
    var state = Self.header(neighbourhood, width, height)
    state = cells.hash(0, count: width * height, seed: state.low ^ state.high)
    digest = state
    topology = Self.topology(neighbourhood, width, height, cells)
  }

  /// Whether the map shows `node` as passable: `.`, `G` or `S`.
  @inlinable public func isPassable(_ node: UInt32) -> Bool {
    Self.isPassable(character(node))
  }

  /// The map's character at `node`.
  @inlinable public func character(_ node: UInt32) -> UInt8 {
    cells.load(Int(node), as: UInt8.self)
  }

  /// The node at a column and row, or nil outside the map.
  @inlinable public func node(x: Int, y: Int) -> UInt32? {
    guard x >= 0 && x < width && y >= 0 && y < height else { return nil }
    return UInt32(truncatingIfNeeded: y &* width &+ x)
  }

  /// The column and row of `node`.
  @inlinable public func place(_ node: UInt32) -> (x: Int, y: Int) {
    let (y, x) = Int(node).quotientAndRemainder(dividingBy: width)
    return (x, y)
  }

  /// The directions of `node` in `topology`'s layout.
  @inlinable @inline(__always) func directions(_ node: Int) -> Int {
    Int(topology.load(node &* 2, as: UInt16.self))
  }

  @inlinable static func isPassable(_ character: UInt8) -> Bool {
    character == UInt8(ascii: ".") || character == UInt8(ascii: "G")
      || character == UInt8(ascii: "S")
  }

  private static func header(
    _ neighbourhood: Neighbourhood, _ width: Int, _ height: Int
  ) -> Hash128 {
    let header = Slab(byteCount: 16)
    header.store(UInt32(neighbourhood.rawValue), 0)
    header.store(UInt32(width), 4)
    header.store(UInt32(height), 8)
    return header.hash(0, count: 16)
  }

  private static func topology(
    _ neighbourhood: Neighbourhood, _ width: Int, _ height: Int, _ cells: Slab
  ) -> Slab {
    let topology = Slab(byteCount: width * height * 2)
    func passable(_ x: Int, _ y: Int) -> Bool {
      x >= 0 && x < width && y >= 0 && y < height
        && isPassable(cells.load(y * width + x, as: UInt8.self))
    }
    for y in 0..<height {
      for x in 0..<width {
        var bits: UInt16 = 0
        for direction in 0..<neighbourhood.degree {
          let (dx, dy) = Compass.offset(neighbourhood, direction)
          guard x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height else { continue }
          bits |= 0x100 << UInt16(direction)
          // For a straight step the two cells beside it are its own two ends.
          if passable(x, y) && passable(x + dx, y + dy) && passable(x + dx, y)
            && passable(x, y + dy)
          {
            bits |= 1 << UInt16(direction)
          }
        }
        topology.store(bits, (y * width + x) * 2)
      }
    }
    return topology
  }
}
