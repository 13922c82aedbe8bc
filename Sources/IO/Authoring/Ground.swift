/// What placing treasures needs to know of a world.
public struct Ground {
  /// Blocks, 1...; columns are `0..<width`, rows `0..<height`, at most 16 Mi blocks in all.
  public let width: Int
  public let height: Int
  /// Whether a treasure can lie at a column and row inside the world.
  public let passable: (_ x: Int, _ y: Int) -> Bool
  /// Whether players can get to a passable block; nil when every passable block will do.
  public let reachable: ((_ x: Int, _ y: Int) -> Bool)?

  public init(
    width: Int, height: Int, passable: @escaping (_ x: Int, _ y: Int) -> Bool,
    reachable: ((_ x: Int, _ y: Int) -> Bool)? = nil
  ) {
    precondition(
      width > 0 && height > 0 && width.multipliedReportingOverflow(by: height).overflow == false
        && width * height <= 1 << 24, "ground of \(width) x \(height) blocks")
    self.width = width
    self.height = height
    self.passable = passable
    self.reachable = reachable
  }

  /// Whether a treasure may be generated there.
  func suits(_ x: Int, _ y: Int) -> Bool { passable(x, y) && (reachable?(x, y) ?? true) }

  /// Calls `body` with every block once, in Z-order: a square of blocks is finished before the next
  /// begins, so blocks that are near in this order are near on the map.
  func forEachInZOrder(_ body: (_ x: Int, _ y: Int) -> Void) {
    var side = 1
    while side < max(width, height) { side *= 2 }
    quarter(0, 0, side, body)
  }

  private func quarter(_ x: Int, _ y: Int, _ side: Int, _ body: (Int, Int) -> Void) {
    guard x < width && y < height else { return }
    guard side > 1 else { return body(x, y) }
    let half = side / 2
    quarter(x, y, half, body)
    quarter(x + half, y, half, body)
    quarter(x, y + half, half, body)
    quarter(x + half, y + half, half, body)
  }
}
