public import Bounded
public import World

/// The hunt that a load run plays in: drawn by the program, the same every time, so that the sender
/// knows every open step and every treasure without asking.
///
/// 768 by 768 blocks, so that its hunt file stays below 1 MiB, the default limit of a request's
/// body. 900 straight walls of 8...40 blocks; 10,000 treasures, one in each square of a 100 by 100
/// grid.
public final class LoadWorld: Sendable {
  public static let side = 768
  public static let treasureCount = 10_000
  /// Claims that each treasure grants.
  public static let treasureStock = 1_000

  /// The map in the text format of `Topology`.
  public let mapText: [UInt8]
  /// The digest that the engine shows for this map.
  public let digest: Hash128
  /// One byte a block: the directions that a step can take from it, bit 0 east, then clockwise.
  let steps: Slab
  /// UInt32 a treasure, treasure `id` at place `id - 1`: the block it lies on.
  let treasures: Slab
  /// Int32 a direction: what a step adds to a block's number.
  let deltas: Slab

  public init() {
    let side = Self.side
    let cells = Self.draw(side)
    var text = Array("type octile\nheight \(side)\nwidth \(side)\nmap\n".utf8)
    text.reserveCapacity(text.count + (side + 1) * side)
    for y in 0..<side {
      for x in 0..<side { text.append(cells.load(y * side + x, as: UInt8.self)) }
      text.append(UInt8(ascii: "\n"))
    }
    mapText = text
    let map: Topology
    do throws(MapRejection) {
      map = try Topology(parsing: text.span, neighbourhood: .eight)
    } catch {
      preconditionFailure("our own map is refused: \(error)")
    }
    digest = map.digest
    steps = Slab(byteCount: side * side)
    deltas = Slab(byteCount: 8 * 4)
    for direction in 0..<8 {
      let (dx, dy) = Neighbourhood.eight.step(UInt8(direction))
      deltas.store(Int32(dy * side + dx), direction * 4)
    }
    for node in 0..<side * side {
      steps.store(map.openSteps(from: UInt32(node)), node)
    }
    treasures = Slab(byteCount: Self.treasureCount * 4)
    placeTreasures()
  }

  private static func draw(_ side: Int) -> Slab {
    let cells = Slab(byteCount: side * side)
    for node in 0..<side * side { cells.store(UInt8(ascii: "."), node) }
    var random = SplitMix64(seed: 0x7665_6c74_7269_78)
    for _ in 0..<900 {
      let isFlat = random.next() & 1 == 0
      let length = 8 + Int(random.below(33))
      let x = Int(random.below(UInt64(side - (isFlat ? length : 0))))
      let y = Int(random.below(UInt64(side - (isFlat ? 0 : length))))
      for at in 0..<length {
        let node = isFlat ? y * side + x + at : (y + at) * side + x
        cells.store(UInt8(ascii: "@"), node)
      }
    }
    return cells
  }

  private func placeTreasures() {
    let grid = 100
    // The squares of the grid are 7 or 8 blocks wide.
    let width = Self.side / grid
    for index in 0..<Self.treasureCount {
      let (row, column) = index.quotientAndRemainder(dividingBy: grid)
      let corner = row * Self.side / grid * Self.side + column * Self.side / grid
      let first = Int(mixed(UInt64(index)) % UInt64(width * width))
      var node = corner
      for tried in 0..<width * width {
        let (y, x) = ((first + tried) % (width * width)).quotientAndRemainder(dividingBy: width)
        node = corner + y * Self.side + x
        if steps.load(node, as: UInt8.self) != 0 { break }
      }
      precondition(steps.load(node, as: UInt8.self) != 0, "square \(index) of our map is walled up")
      treasures.store(UInt32(node), index * 4)
    }
  }

  /// The first block from `node` on, by number, from which a step leads anywhere.
  func nearestOpen(to node: Int) -> Int {
    var at = node
    while steps.load(at, as: UInt8.self) == 0 { at = at + 1 < Self.side * Self.side ? at + 1 : 0 }
    return at
  }

  /// The block of treasure `id`, `1...treasureCount`.
  public func block(ofTreasure id: UInt32) -> UInt32 {
    treasures.load((Int(id) - 1) * 4, as: UInt32.self)
  }

  /// The hunt file that makes this world as hunt `name` for `players` players.
  public func huntFile(name: String, players: Int) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(1 << 20)
    text.append(
      contentsOf: """
        hunt: \(name)
        limits:
          players: \(players)
          treasures: \(Self.treasureCount)
        rules:
          speed_max: any
          claims_per_player: 0
        boards:
        - name: all-time
        - name: minute
          window: minute
        world:
          neighbours: 8
          text: |

        """.utf8)
    var atLineStart = true
    for byte in mapText {
      if atLineStart { text.append(contentsOf: [0x20, 0x20, 0x20]) }
      text.append(byte)
      atLineStart = byte == UInt8(ascii: "\n")
    }
    text.append(contentsOf: "treasures:\n".utf8)
    for id in 1...UInt32(Self.treasureCount) {
      let (y, x) = Int(block(ofTreasure: id)).quotientAndRemainder(dividingBy: Self.side)
      text.append(
        contentsOf: "- {id: \(id), x: \(x), y: \(y), stock: \(Self.treasureStock)}\n".utf8)
    }
    return text
  }
}

extension Topology {
  /// The directions that the map leaves open from `node`, bit 0 for direction 0; none from a wall.
  public func openSteps(from node: UInt32) -> UInt8 {
    guard isPassable(node) else { return 0 }
    let (x, y, _) = place(node)
    func isOpen(_ x: Int, _ y: Int) -> Bool {
      guard let node = self.node(x: x, y: y) else { return false }
      return isPassable(node)
    }
    var open: UInt8 = 0
    for direction in 0..<UInt8(neighbourhood.degree) {
      let (dx, dy) = neighbourhood.step(direction)
      // No corner is cut; for a straight step the two blocks beside it are its own ends.
      if isOpen(x + dx, y + dy) && isOpen(x + dx, y) && isOpen(x, y + dy) {
        open |= 1 << direction
      }
    }
    return open
  }
}
