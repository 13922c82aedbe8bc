/// What placing treasures needs to know of a world.
public struct Ground {
  /// What a place is to somebody who walks there.
  public enum Standing: Sendable {
    case outside, blocked, unreachable, fine
  }

  /// Where places can be, for whoever named one outside.
  let extent: String
  /// What is at a column, row and level; of a network at a label, 0 and 0.
  let standing: (_ x: Int, _ y: Int, _ z: Int) -> Standing
  /// Whether the level of a place is of no matter.
  let isFlat: Bool
  /// Calls its argument with every place once; those that are near in this order are near in the
  /// world.
  let forEachPlace: (_ body: (_ x: Int, _ y: Int, _ z: Int) -> Void) -> Void

  /// A flat world.
  ///
  /// - Parameters:
  ///   - width: Columns, and `height` rows; at most 16 Mi blocks in all.
  ///   - passable: Whether a treasure can lie at a column and row inside the world.
  ///   - reachable: Whether players can get to a passable block; nil when every one will do.
  public init(
    width: Int, height: Int, passable: @escaping (_ x: Int, _ y: Int) -> Bool,
    reachable: ((_ x: Int, _ y: Int) -> Bool)? = nil
  ) {
    // The level is of no matter there.
    self.init(width: width, height: height, depth: 1) { x, y, _ in
      guard (0..<width).contains(x) && (0..<height).contains(y) else { return .outside }
      if !passable(x, y) { return .blocked }
      return reachable?(x, y) ?? true ? .fine : .unreachable
    }
  }

  /// A world of columns, rows and levels.
  public init(
    width: Int, height: Int, depth: Int,
    standing: @escaping (_ x: Int, _ y: Int, _ z: Int) -> Standing
  ) {
    precondition(
      width > 0 && height > 0 && depth > 0
        && width.multipliedReportingOverflow(by: height).overflow == false
        && (width * height).multipliedReportingOverflow(by: depth).overflow == false
        && width * height * depth <= 1 << 24, "ground of \(width) x \(height) x \(depth) blocks")
    let levels = depth > 1 ? ", z 0...\(depth - 1)" : ""
    isFlat = depth == 1
    extent = "x 0...\(width - 1), y 0...\(height - 1)" + levels
    self.standing = standing
    forEachPlace = { body in
      // In Z-order: a square of blocks is finished before the next begins.
      var side = 1
      while side < max(width, height) { side *= 2 }
      func quarter(_ x: Int, _ y: Int, _ side: Int) {
        guard x < width && y < height else { return }
        guard side > 1 else {
          for z in 0..<depth { body(x, y, z) }
          return
        }
        let half = side / 2
        quarter(x, y, half)
        quarter(x + half, y, half)
        quarter(x, y + half, half)
        quarter(x + half, y + half, half)
      }
      quarter(0, 0, side)
    }
  }

  /// A network of `count` nodes, `1...`, whose labels ascend.
  public init(
    network count: Int, label: @escaping (_ node: Int) -> Int,
    standing: @escaping (_ label: Int) -> Standing
  ) {
    precondition(count > 0)
    isFlat = false
    extent = "the network's nodes, x \(label(0))...\(label(count - 1)), y 0"
    self.standing = { x, y, z in y == 0 && z == 0 ? standing(x) : .outside }
    forEachPlace = { body in for node in 0..<count { body(label(node), 0, 0) } }
  }
}
