public import Bounded
public import World

/// What a load run plays in: the map and the treasures, so that the sender knows every open step
/// and every treasure without asking on the way.
///
/// The program's own is drawn, the same every time: 768 by 768 blocks, so that its hunt file stays
/// below 1 MiB, the default limit of a request's body; 900 straight walls of 8...40 blocks; 10,000
/// treasures, one in each square of a 100 by 100 grid. Others are grids of world files, whose
/// treasures the engine tells.
public final class LoadWorld: Sendable {
  private static let drawnSide = 768
  private static let drawnTreasures = 10_000
  /// Claims that each treasure of the drawn world grants.
  public static let treasureStock = 1_000
  /// Treasures placed in a world from a file by `--create`, or a block in 64 where that is less;
  /// each grants one claim in `filedRespawn`.
  static let filedTreasures = 100_000
  static let filedRespawn = "10s"

  /// The drawn map in the text format of `Topology`; empty for a world from a file.
  public let mapText: [UInt8]
  /// The digest that the engine shows for this map.
  public let digest: Hash128
  public let width: Int
  public let blockCount: Int
  /// One byte a block: the directions that a step can take from it, bit 0 east, then clockwise.
  let steps: Slab
  /// UInt32 a treasure, treasure `id` at place `id - 1`: the block it lies on.
  let treasures: Slab
  public let treasureCount: Int
  /// Int32 a direction: what a step adds to a block's number.
  let deltas: Slab
  /// 1 where the world has four directions, so that half a direction's number is the world's own.
  let windShift: Int

  public init() {
    let side = Self.drawnSide
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
    (width, blockCount) = (side, map.nodeCount)
    steps = Self.steps(map)
    deltas = Self.deltas(side)
    windShift = 0
    treasureCount = Self.drawnTreasures
    treasures = Slab(byteCount: treasureCount * 4)
    placeTreasures()
  }

  /// The grid of a world file, without treasures; nil for another form, or where no step is open.
  public init?(_ map: Topology) {
    guard map.form == .grid, map.edgeCount > 0 else { return nil }
    mapText = []
    digest = map.digest
    (width, blockCount) = (map.width, map.nodeCount)
    steps = Self.steps(map)
    deltas = Self.deltas(map.width)
    windShift = map.neighbourhood == .eight ? 0 : 1
    treasureCount = 0
    treasures = Slab(byteCount: 4)
  }

  /// `world` with treasures 1, 2, ... on `blocks`.
  init(_ world: LoadWorld, treasuresOn blocks: [UInt32]) {
    mapText = world.mapText
    digest = world.digest
    (width, blockCount) = (world.width, world.blockCount)
    steps = world.steps
    deltas = world.deltas
    windShift = world.windShift
    treasureCount = blocks.count
    treasures = Slab(byteCount: max(4, blocks.count * 4))
    for (at, block) in blocks.enumerated() { treasures.store(block, at * 4) }
  }

  /// Whether it was drawn by the program.
  var isDrawn: Bool { !mapText.isEmpty }

  /// Open directions of each block, by the eight winds also where a map has four.
  private static func steps(_ map: Topology) -> Slab {
    let steps = Slab(byteCount: map.nodeCount)
    let isEight = map.neighbourhood == .eight
    for node in 0..<map.nodeCount {
      let open = map.directions(node) & 0xff
      let four = open & 1 | (open & 2) << 1 | (open & 4) << 2 | (open & 8) << 3
      steps.store(UInt8(truncatingIfNeeded: isEight ? open : four), node)
    }
    return steps
  }

  private static func deltas(_ width: Int) -> Slab {
    let deltas = Slab(byteCount: 8 * 4)
    for direction in 0..<8 {
      let (dx, dy) = Neighbourhood.eight.step(UInt8(direction))
      deltas.store(Int32(dy * width + dx), direction * 4)
    }
    return deltas
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
    let width = width / grid
    for index in 0..<treasureCount {
      let (row, column) = index.quotientAndRemainder(dividingBy: grid)
      let corner = row * self.width / grid * self.width + column * self.width / grid
      let first = Int(mixed(UInt64(index)) % UInt64(width * width))
      var node = corner
      for tried in 0..<width * width {
        let (y, x) = ((first + tried) % (width * width)).quotientAndRemainder(dividingBy: width)
        node = corner + y * self.width + x
        if steps.load(node, as: UInt8.self) != 0 { break }
      }
      precondition(steps.load(node, as: UInt8.self) != 0, "square \(index) of our map is walled up")
      treasures.store(UInt32(node), index * 4)
    }
  }

  /// The first block from `node` on, by number, from which a step leads anywhere.
  func nearestOpen(to node: Int) -> Int {
    var at = node
    while steps.load(at, as: UInt8.self) == 0 { at = at + 1 < blockCount ? at + 1 : 0 }
    return at
  }

  /// The block of treasure `id`, `1...treasureCount`.
  public func block(ofTreasure id: UInt32) -> UInt32 {
    treasures.load((Int(id) - 1) * 4, as: UInt32.self)
  }

  /// The hunt file that makes a hunt `name` for `players` players on the world that the engine
  /// knows as `world`.
  static func huntFile(name: String, players: Int, world: String, blocks: Int) -> [UInt8] {
    let count = max(1, min(filedTreasures, blocks / 64))
    return Array(
      """
      hunt: \(name)
      limits:
        players: \(players)
        treasures: \(count)
      rules:
        speed_max: any
        claims_per_player: 0
      boards:
      - name: all-time
      - name: minute
        window: minute
      world:
        name: \(world)
      treasures:
        generate: {count: \(count), stock: 1, respawn: \(filedRespawn)}

      """.utf8)
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
          treasures: \(treasureCount)
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
    for id in 1...UInt32(treasureCount) {
      let (y, x) = Int(block(ofTreasure: id)).quotientAndRemainder(dividingBy: width)
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
