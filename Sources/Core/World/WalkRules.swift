/// How a walker gets on in a world of voxels.
///
/// A walker stands in a free cell of the world, with `headroom - 1` free cells above it, on a solid
/// one; the world's floor, level -1, is solid, and above its top all is free, but nobody stands
/// there. In each of the four directions
/// there is one step at most, found like this, z being the walker's level:
///
///     1. The body has room beside (levels z ..< z + headroom of the next column are free): the
///        walker moves over, and falls until the cell below is solid, at most `fall` levels. Where
///        it is deeper there is no step.
///     2. It has none: the walker climbs to the lowest level of z + 1 ... z + climb on which it
///        can stand in the next column, if the cells of its own column that its head
///        passes on the way, z + headroom ..< that level + headroom, are free.
///
/// A procedure has one outcome, so no direction has two targets. As long as `climb` is at most
/// `headroom` the order does not even matter: the cell below a level climbed to is solid and lies
/// at body height, so 1 has no room; two levels to climb to would lie more than `headroom` apart.
///
/// A step costs 1, and 1 more for each level climbed; falling costs nothing more.
@frozen public struct WalkRules: Equatable, Sendable, BitwiseCopyable {
  /// Cells that a body takes, upwards: `1...4`.
  public let headroom: UInt8
  /// Most levels climbed in one step: `0...4`.
  public let climb: UInt8
  /// Most levels fallen in one step: `0...16`.
  public let fall: UInt8

  /// Two cells tall, climbs one level, falls three.
  public static var standard: WalkRules { WalkRules(headroom: 2, climb: 1, fall: 3) }

  /// Whether rules may have these numbers.
  public static func isValid(headroom: Int, climb: Int, fall: Int) -> Bool {
    (1...4).contains(headroom) && (0...4).contains(climb) && (0...16).contains(fall)
  }

  /// Traps on numbers out of range.
  public init(headroom: Int, climb: Int, fall: Int) {
    precondition(
      Self.isValid(headroom: headroom, climb: climb, fall: fall),
      "walk rules of \(headroom), \(climb), \(fall)")
    self.headroom = UInt8(headroom)
    self.climb = UInt8(climb)
    self.fall = UInt8(fall)
  }

  /// Cost of a step onto a level `climbed` above the present one; negative for a fall.
  @inlinable @inline(__always)
  public func cost(climbed: Int) -> UInt32 { 1 &+ UInt32(truncatingIfNeeded: max(0, climbed)) }

  /// Whether a walker can stand at `level` of a column.
  ///
  /// - Parameter isSolid: Of the column at a level; asked for -1 too, and above the top.
  /// - Complexity: At most `headroom + 1` questions.
  @inlinable @inline(__always)
  public func isStandable(_ level: Int, isSolid: (Int) -> Bool) -> Bool {
    isSolid(level &- 1) && hasRoom(level, isSolid: isSolid)
  }

  /// Whether a body fits at `level` of a column.
  @inlinable @inline(__always)
  public func hasRoom(_ level: Int, isSolid: (Int) -> Bool) -> Bool {
    var at = level
    while at < level &+ Int(headroom) {
      if isSolid(at) { return false }
      at &+= 1
    }
    return true
  }

  /// The level on which a step ends that starts at `level`, where the walker can stand, and leads
  /// to the next column; nil where there is none.
  ///
  /// - Parameters:
  ///   - depth: Levels of the world.
  ///   - isSolidHere: Of the walker's own column at a level: true for -1, false above the top.
  ///   - isSolidThere: Of the next column, likewise.
  /// - Complexity: At most some `fall + 4 x headroom` questions.
  @inlinable @inline(__always)
  public func landing(
    from level: Int, depth: Int, isSolidHere: (Int) -> Bool, isSolidThere: (Int) -> Bool
  ) -> Int? {
    if hasRoom(level, isSolid: isSolidThere) {
      var at = level
      while !isSolidThere(at &- 1) {
        at &-= 1
        if level &- at > Int(fall) { return nil }
      }
      return at
    }
    var at = level &+ 1
    while at <= min(level &+ Int(climb), depth &- 1) {
      // The head passes one more cell for each level.
      if isSolidHere(at &+ Int(headroom) &- 1) { return nil }
      if isStandable(at, isSolid: isSolidThere) { return at }
      at &+= 1
    }
    return nil
  }
}
