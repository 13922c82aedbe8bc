internal import Bounded
internal import Pages

/// Exact cheapest walks over grids of four ways, from both ends at once, a square of 32 x 32 blocks
/// at a time.
///
/// Costs of walking from the start, and others to the goal, lie in tiles, two bytes a block beside
/// a base. Of all tiles that something was written to, the one with the least such cost is settled:
/// the processor improves whole rows of 32 blocks until nothing changes. Then it is offered to the
/// tiles around. A tile is settled two to three times, and everything nearer than the least cost
/// that waits is exact. Both ends have met when what waits on both sides costs more than the
/// cheapest walk found. Nothing is known of the world beforehand, so no edit costs anything here.
///
/// Costs are reduced (Johnson 1977, Ikeda and others 1994): a step between the columns, or rows, of
/// the two ends costs one less towards the goal and one more away from it. So both ends look where
/// the other one is, and all walks between two nodes still compare as they did; a whole walk costs
/// less by the blocks between the ends, which no walk undercuts.
///
/// It gives up where a tile's costs do not fit (`spanMax`), as in mazes of dear steps, and is not
/// for worlds of more than `tileCountMax` tiles; then a search that labels single nodes answers.
struct TileSearch: ~Copyable {
  /// Blocks along each side of a tile.
  static var side: Int { 32 }
  /// Most tiles of a world.
  static var tileCountMax: Int { 20_480 }
  /// Most that costs within a tile may lie above its base; the sum of two is no cost of 65,535.
  static var spanMax: UInt32 { 30_000 }
  /// Planes kept at a time: they are laid anew otherwise.
  static var planesCount: Int { 512 }
  static var none: UInt32 { 0xffff }
  /// Set in a cost once the node is known to be on a cheapest walk.
  static var marked: UInt32 { 0x8000 }

  /// Why there is no answer.
  enum Fault: Error {
    /// No room for another tile, or another step.
    case spent
    /// Costs in one tile lie too far apart.
    case spread
  }

  /// What is known of a tile from one end.
  struct Tile: BitwiseCopyable {
    /// One more than its slot; 0 none.
    var slot: UInt32 = 0
    /// What its costs are counted from.
    var base: UInt32 = 0
    /// The least cost written to it since it was settled; `.max` none.
    var key = UInt32.max
    /// Rows and lanes written to since.
    var rows: UInt32 = 0
    var lanes: UInt32 = 0
  }

  /// One end of the walk.
  enum End: Int {
    case start = 0
    case goal = 1

    var other: End { self == .start ? .goal : .start }
  }

  let memory: SlabView
  /// Byte offsets: records of tiles, tags of planes, which tile is in a slot, words of a row,
  /// planes, and costs.
  let tilesAt: Int
  let tagsAt: Int
  let ownersAt: Int
  let wordsAt: Int
  let planesAt: Int
  let costsAt: Int
  /// Tiles of both ends that there is room for.
  let slotMax: Int
  var startQueue: DistanceHeap
  var goalQueue: DistanceHeap

  var slotCount = 0
  /// Tiles settled by the last search, for those who measure.
  private(set) var settledCount = 0
  /// Tiles along the world's width and height.
  var across = 0
  var along = 0
  var worldWidth = 1
  /// The cheapest walk found so far, and the dearest wanted, reduced.
  var best = UInt64.max
  var costMax: UInt32 = 0
  /// Columns and rows of the ends, and how many lie between them.
  var (startX, startY, goalX, goalY) = (0, 0, 0, 0)
  var apart = 0

  static var fixedBytes: Int {
    tileCountMax * 44 + planesCount * 4 + 320 + planesCount * 4 * SlabView.tileBytes
  }
  static var heapCapacity: Int { tileCountMax + tileCountMax / 4 }

  /// The least memory for a search of any use.
  static var bytesMin: Int {
    fixedBytes + 2 * DistanceHeap.byteCount(capacity: heapCapacity) + 64 * SlabView.tileBytes
  }

  /// - Parameter memory: At least `bytesMin`, or empty where nothing will be searched for. Others
  ///   may use it between searches; `enter` takes it back, the first time too.
  init(_ memory: SlabView, slotMax most: Int) {
    let capacity = memory.byteCount == 0 ? 0 : Self.heapCapacity
    precondition(capacity == 0 || memory.byteCount >= Self.bytesMin)
    let heapBytes = DistanceHeap.byteCount(capacity: capacity)
    let none = SlabView(Slab(byteCount: 2 * heapBytes))
    self.memory = memory
    startQueue = DistanceHeap(capacity: capacity, capacity == 0 ? none : memory, at: 0)
    goalQueue = DistanceHeap(capacity: capacity, capacity == 0 ? none : memory, at: heapBytes)
    tilesAt = 2 * heapBytes
    tagsAt = tilesAt + Self.tileCountMax * 40
    ownersAt = tagsAt + Self.planesCount * 4
    wordsAt = ownersAt + Self.tileCountMax * 4
    planesAt = (wordsAt + 256 + 63) & ~63
    costsAt = planesAt + Self.planesCount * 4 * SlabView.tileBytes
    let room = max(0, (memory.byteCount - costsAt) / SlabView.tileBytes)
    slotMax = min(room, Self.tileCountMax, most)
  }

  /// The bytes from the front of the memory that the last search may have written to.
  var usedBytes: Int { costsAt + slotCount * SlabView.tileBytes }

  /// Takes the memory back from others, who may have written anything to it.
  mutating func enter() {
    memory.zero(tilesAt, count: tagsAt - tilesAt)
    for tile in 0..<2 * Self.tileCountMax { memory.store(Tile(), tilesAt + tile * 20) }
    slotCount = 0
  }

  /// Whether such a search knows the world: a grid of four ways without other edges.
  static func isFor(_ world: WorldGraph, _ space: borrowing PageSpace) -> Bool {
    guard world.topology.neighbourhood == .four, world.added.isEmpty(space) else { return false }
    let across = (world.topology.width + side - 1) / side
    let along = (world.topology.height + side - 1) / side
    return across * along <= tileCountMax
  }

  // MARK: Searching

  /// The cost of the cheapest walk; nil where there is none of at most `costMax`.
  mutating func search(
    from start: UInt32, to goal: UInt32, costMax: UInt32, _ world: WorldGraph,
    _ space: borrowing PageSpace
  ) throws(Fault) -> UInt32? {
    begin(world)
    if start == goal { return 0 }
    (startX, startY) = (Int(start) % worldWidth, Int(start) / worldWidth)
    (goalX, goalY) = (Int(goal) % worldWidth, Int(goal) / worldWidth)
    apart = abs(goalX - startX) + abs(goalY - startY)
    if costMax < apart { return nil }
    self.costMax = costMax - UInt32(apart)
    put(start, .start, cost: 0, base: 0)
    put(goal, .goal, cost: 0, base: 0)
    while let fromStart = leastKey(.start), let toGoal = leastKey(.goal) {
      // Where they are equal, walks as cheap may not have been met yet: some steps cost nothing.
      if UInt64(fromStart) + UInt64(toGoal) > min(best, UInt64(self.costMax)) { break }
      let end: End = fromStart <= toGoal ? .start : .goal
      try settle(end == .start ? startQueue.popFirst() : goalQueue.popFirst(), end, world, space)
    }
    return best <= UInt64(self.costMax) ? UInt32(best) + UInt32(apart) : nil
  }

  private mutating func begin(_ world: WorldGraph) {
    for slot in 0..<slotCount {
      let owner = Int(memory.load(ownersAt + slot * 4, as: UInt32.self))
      memory.store(Tile(), tilesAt + owner * 20)
    }
    memory.zero(tagsAt, count: Self.planesCount * 4)
    startQueue.removeAll()
    goalQueue.removeAll()
    (slotCount, settledCount, best) = (0, 0, .max)
    worldWidth = world.topology.width
    across = (world.topology.width + Self.side - 1) / Self.side
    along = (world.topology.height + Self.side - 1) / Self.side
  }

  /// The least cost that waits at an end; entries whose tile was settled since are dropped.
  @inline(__always)
  private mutating func leastKey(_ end: End) -> UInt32? {
    while true {
      guard let entry = end == .start ? startQueue.first : goalQueue.first else { return nil }
      let key = UInt32(truncatingIfNeeded: entry &>> 32)
      if tile(Int(entry & 0xffff_ffff), end).key == key { return key }
      _ = end == .start ? startQueue.popFirst() : goalQueue.popFirst()
    }
  }

  private mutating func settle(
    _ entry: UInt64?, _ end: End, _ world: WorldGraph, _ space: borrowing PageSpace
  ) throws(Fault) {
    guard let entry else { return }
    let at = Int(entry & 0xffff_ffff)
    var here = tile(at, end)
    let least = here.key
    let planes = lay(at, end, world, space)
    let changed = memory.settleTile(costs(here.slot), planes: planes, rows: here.rows)
    if changed.greatest > Self.spanMax { throw .spread }
    settledCount += 1
    let rows = here.rows | changed.rows
    let lanes = here.lanes | changed.lanes
    (here.key, here.rows, here.lanes) = (.max, 0, 0)
    store(here, at, end)
    let there = tile(at, end.other)
    if there.slot != 0 {
      let sum = memory.leastSum(ofTiles: costs(here.slot), costs(there.slot))
      if sum < Int(Self.none) {
        best = min(best, UInt64(sum) + UInt64(here.base) + UInt64(there.base))
      }
    }
    let (column, row) = (at % across, at / across)
    let last = Self.side - 1
    let border = Border(at: at, end: end, least: least, planes: planes, costs: costs(here.slot))
    if lanes >> UInt32(last) & 1 == 1 && column + 1 < across {
      try offer(border, 0, to: at + 1, here.base, rows)
    }
    if rows >> UInt32(last) & 1 == 1 && row + 1 < along {
      try offer(border, 1, to: at + across, here.base, lanes)
    }
    if lanes & 1 == 1 && column > 0 { try offer(border, 2, to: at - 1, here.base, rows) }
    if rows & 1 == 1 && row > 0 { try offer(border, 3, to: at - across, here.base, lanes) }
  }

  /// A tile whose border is offered to those around.
  private struct Border {
    let at: Int
    let end: End
    let least: UInt32
    let planes: Int
    let costs: Int
  }

  /// Hands the costs of a border on to the tile beside it.
  ///
  /// - Parameter places: The rows, or lanes, of the border that may have changed.
  private mutating func offer(
    _ border: Border, _ direction: Int, to at: Int, _ base: UInt32, _ places: UInt32
  ) throws(Fault) {
    let end = border.end
    var beside = tile(at, end)
    let other = tile(at, end.other)
    let isRow = direction & 1 == 1
    // Index of the first block of the border, and of the one beside it.
    let first: Int = direction == 0 ? 31 : direction == 1 ? 31 &* 32 : 0
    let facing: Int = direction == 2 ? 31 : direction == 3 ? 31 &* 32 : 0
    let pitch: Int = isRow ? 1 : 32
    let plane = border.planes &+ direction &* SlabView.tileBytes
    let limit = min(best, UInt64(costMax))
    var left = places
    var key = beside.key
    while left != 0 {
      let place = left.trailingZeroBitCount
      left &= left &- 1
      let block: Int = first &+ (place &* pitch)
      let cost = UInt32(memory.load(border.costs &+ block &* 2, as: UInt16.self))
      let step = UInt32(memory.load(plane &+ block &* 2, as: UInt16.self))
      if cost == Self.none || step == Self.none { continue }
      let sum: UInt64 = UInt64(base) &+ UInt64(cost) &+ UInt64(step)
      if sum > limit { continue }
      let whole = UInt32(truncatingIfNeeded: sum)
      if beside.slot == 0 { try take(&beside, at, end, base: border.least) }
      let target: Int = facing &+ (place &* pitch)
      let known = costs(beside.slot) &+ target &* 2
      if whole &- beside.base > Self.spanMax { throw .spread }
      let short = UInt16(truncatingIfNeeded: whole &- beside.base)
      let held: UInt16 = memory.load(known, as: UInt16.self)
      if held <= short { continue }
      memory.store(short, known)
      beside.rows |= UInt32(1) &<< UInt32(truncatingIfNeeded: target &>> 5)
      beside.lanes |= UInt32(1) &<< UInt32(truncatingIfNeeded: target & 31)
      key = min(key, whole)
      if other.slot != 0 {
        let theirs = UInt32(memory.load(costs(other.slot) &+ target &* 2, as: UInt16.self))
        if theirs != Self.none { best = min(best, sum &+ UInt64(other.base) &+ UInt64(theirs)) }
      }
    }
    let isNearer = key < beside.key
    beside.key = key
    store(beside, at, end)
    if isNearer { push(UInt64(key) &<< 32 | UInt64(at), end) }
  }

  /// Room for the costs of a tile. Nothing will be offered to it that is less than the least cost
  /// that waits now, so that is its base.
  private mutating func take(
    _ tile: inout Tile, _ at: Int, _ end: End, base: UInt32
  ) throws(Fault) {
    if slotCount == slotMax { throw .spent }
    tile.slot = UInt32(slotCount + 1)
    tile.base = base
    memory.store(UInt32(at * 2 + end.rawValue), ownersAt + slotCount * 4)
    memory.clearTile(costs(tile.slot))
    slotCount += 1
  }

  private mutating func put(_ node: UInt32, _ end: End, cost: UInt32, base: UInt32) {
    let (at, block) = place(node)
    var tile = Tile()
    do throws(Fault) { try take(&tile, at, end, base: base) } catch {
      preconditionFailure("no room for two tiles")
    }
    memory.store(UInt16(cost), costs(tile.slot) + block * 2)
    tile.key = cost
    tile.rows = 1 << UInt32(block >> 5)
    tile.lanes = 1 << UInt32(block & 31)
    store(tile, at, end)
    push(UInt64(cost) << 32 | UInt64(at), end)
  }

  // MARK: Places

  /// The tile of a node, and its place there.
  @inline(__always) func place(_ node: UInt32) -> (tile: Int, block: Int) {
    let width = worldWidth
    let (x, y) = (Int(node) % width, Int(node) / width)
    return ((y &>> 5) &* across &+ x &>> 5, (y & 31) &<< 5 | (x & 31))
  }

  @inline(__always) func tile(_ at: Int, _ end: End) -> Tile {
    memory.load(tilesAt &+ (at &* 2 &+ end.rawValue) &* 20, as: Tile.self)
  }

  @inline(__always) func store(_ tile: Tile, _ at: Int, _ end: End) {
    memory.store(tile, tilesAt &+ (at &* 2 &+ end.rawValue) &* 20)
  }

  /// Where the costs of a slot begin; slots are counted from 1.
  @inline(__always) func costs(_ slot: UInt32) -> Int {
    costsAt &+ (Int(slot) &- 1) &* SlabView.tileBytes
  }

  // MARK: Waiting tiles

  @inline(__always) private mutating func push(_ entry: UInt64, _ end: End) {
    if end == .start {
      if startQueue.isFull { Self.dropStale(&startQueue, memory, tilesAt) }
      startQueue.push(entry)
    } else {
      if goalQueue.isFull { Self.dropStale(&goalQueue, memory, tilesAt + 20) }
      goalQueue.push(entry)
    }
  }

  /// Makes room in a full queue; at most one entry a tile is not stale.
  @inline(never)
  private static func dropStale(_ queue: inout DistanceHeap, _ memory: SlabView, _ tilesAt: Int) {
    var kept = 0
    for position in 0..<queue.count {
      let entry = queue[position]
      let tile = memory.load(tilesAt + Int(entry & 0xffff_ffff) * 40, as: Tile.self)
      if UInt64(tile.key) == entry >> 32 {
        queue[kept] = entry
        kept += 1
      }
    }
    queue.keepFirst(kept)
  }

  // MARK: Edges

  /// The planes of a tile as walked from one end; laid now unless they still are.
  private func lay(
    _ at: Int, _ end: End, _ world: WorldGraph, _ space: borrowing PageSpace
  ) -> Int {
    let tag = UInt32(at * 2 + end.rawValue + 1)
    let number = Int((tag &* 2_654_435_761) >> 23) & (Self.planesCount - 1)
    let planes = planesAt + number * 4 * SlabView.tileBytes
    if memory.load(tagsAt + number * 4, as: UInt32.self) == tag { return planes }
    memory.store(tag, tagsAt + number * 4)
    let isBack = end == .goal
    let (x, y) = (at % across * Self.side, at / across * Self.side)
    let columns = max(x - 1, 0)..<min(x + 33, world.topology.width)
    memory.zero(wordsAt, count: 34 * 4)
    let edges = wordsAt + (columns.lowerBound - x + 1) * 4
    for row in (isBack ? -1 : 0)..<(isBack ? 33 : 32) {
      if y + row >= 0 && y + row < world.topology.height {
        let node = (y + row) * world.topology.width + columns.lowerBound
        world.copyEdges(from: node, count: columns.count, to: memory, at: edges, space)
      } else {
        memory.zero(wordsAt, count: 34 * 4)
      }
      memory.layTile(planes: planes, edges: wordsAt, row: row, isBack: isBack)
    }
    let towards: (x: Int, y: Int) = (startX < goalX ? -1 : 1, startY < goalY ? -1 : 1)
    memory.leanTile(
      planes: planes, columns: (min(startX, goalX) - x)..<(max(startX, goalX) - x),
      by: isBack ? -towards.x : towards.x,
      rows: (min(startY, goalY) - y)..<(max(startY, goalY) - y),
      by: isBack ? -towards.y : towards.y)
    return planes
  }
}
