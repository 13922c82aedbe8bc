public import Bounded
public import Events
public import Pages
public import Scoring
public import World

/// The whole state of one hunt and the rules that change it: same definition, world and events in,
/// same bytes out.
///
/// Everything that an event can change lies in `space`, except `now`, which tick events carry. One
/// thread owns a state. `apply` neither allocates, blocks, throws nor does I/O.
///
/// What runs for every event, or between batches, is `mutating` even where it only reads, or is
/// always inlined: for a call that borrows a stored property the compiler copies the whole
/// noncopyable value, 1.8 KB here, to a temporary.
public struct HuntState: ~Copyable {
  public let definition: HuntDefinition
  /// Those of the definition, until a line of history brings others.
  public internal(set) var rules: HuntRules
  public let limits: HuntLimits
  public let world: WorldGraph
  public internal(set) var space: PageSpace
  /// The hunt's clock, ms since 1970: the time of the last tick.
  public internal(set) var now: Int64 = 0

  @usableFromInline let countsRow: PagedArray<HuntCounts>
  @usableFromInline let playerIndex: PagedTable
  @usableFromInline let players: PagedArray<PlayerRow>
  @usableFromInline let treasureIndex: PagedTable
  @usableFromInline let treasures: PagedArray<TreasureRow>
  let claims: PagedTable  // (player row + 1) << 32 | treasure row -> generation << 32 | claims
  let openAt: PagedTree  // (node, treasure id) of every open treasure
  let timers: PagedTree  // (due, treasure row) of every respawn to come
  let producerIndex: PagedTable
  let producers: PagedArray<ProducerRow>
  let gaps: PagedTree  // (producer row, sequence) where "missing" begins or ends
  let nameIndex: PagedTable  // hash of the name, probed upwards -> name row
  @usableFromInline let names: PagedArray<NameRow>
  let idempotencyIndex: PagedTable  // key -> slot in the ring, bits of its body << 48
  let idempotencyRing: PagedArray<UInt64>
  // By slot of the ring. Not digested: offsets move with every tally and digest in the journal, and
  // a storm of repeats, or a crash and its resends, must not change the digest.
  let idempotencyOffsets: PagedArray<UInt64>
  public let field: TreasureField
  var scratch: FieldScratch
  var edgeChanges = EdgeChanges()
  var finder: PathFinder
  public let boards: Boards
  /// The row of the last producer, and by a player's lowest bits the row of the last player found:
  /// guesses, good where the row says that it is theirs.
  var lastProducer = 0
  let lastRows = Slab(byteCount: 64 * 4)
  /// Whether a step's edges are asked for ahead: a large grid's are rarely in the caches.
  public let asksForSteps: Bool
  /// What the orders of boards lag by within a step; not of the state.
  var pending: PendingStandings

  /// A world of so many nodes, at some 14 bytes each, lies in a processor's caches for a good part.
  static var nodesInCaches: Int { 1 << 22 }

  /// Most nodes that the check of one move may look at.
  static var stepBudget: Int { 4_096 }

  /// Where every container of such a hunt lies.
  public static func layout(_ definition: HuntDefinition, _ map: Topology) -> PageLayout {
    var layout = PageLayout()
    _ = Places(definition, map, &layout)
    return layout
  }

  /// The hunt before its first event, in pages drawn from `pool`.
  ///
  /// - Precondition: The definition was checked: ids unique, treasures on passable blocks.
  /// - Complexity: O(nodes log nodes + treasures).
  public init(_ definition: HuntDefinition, map: Topology, pool: PagePool) {
    var layout = PageLayout()
    let places = Places(definition, map, &layout)
    self.init(definition, places, PageSpace(layout, pool: pool))
    begin()
  }

  /// As `init(_:map:pool:)`, beside the hunt itself on the same pool.
  ///
  /// - Throws: When the pages are not free.
  public init(
    _ definition: HuntDefinition, map: Topology, branchOn pool: PagePool
  ) throws(ForkRefusal) {
    var layout = PageLayout()
    let places = Places(definition, map, &layout)
    self.init(definition, places, try PageSpace(layout, branchOn: pool))
    begin()
  }

  private mutating func begin() {
    let phase = definition.startsLive ? HuntPhase.live : .draft
    counts { $0.phaseRaw = phase.rawValue }
    // All at once: one search from every treasure, instead of a repair for each.
    var whole = FieldScratch(nodeCount: world.nodeCount)
    field.clear(&space, &whole)
    for treasure in definition.treasures { place(treasure, &whole) }
    field.spread(&space, &whole)
  }

  /// The state that `space` holds, a fork or an image of one of the same definition and map.
  ///
  /// - Parameters:
  ///   - rules: Those in force.
  ///   - now: The hunt's clock, ms since 1970.
  public init(
    _ definition: HuntDefinition, map: Topology, rules: HuntRules, now: Int64,
    space: consuming PageSpace
  ) {
    var layout = PageLayout()
    let places = Places(definition, map, &layout)
    precondition(layout.pageCount == space.pageCount, "pages of another hunt")
    self.init(definition, places, space)
    self.rules = rules
    self.now = now
  }

  init(_ definition: HuntDefinition, _ places: consuming Places, _ space: consuming PageSpace) {
    self.definition = definition
    rules = definition.rules
    limits = definition.limits
    world = places.world
    countsRow = places.counts
    playerIndex = places.playerIndex
    players = places.players
    treasureIndex = places.treasureIndex
    treasures = places.treasures
    claims = places.claims
    openAt = places.openAt
    timers = places.timers
    producerIndex = places.producerIndex
    producers = places.producers
    gaps = places.gaps
    nameIndex = places.nameIndex
    names = places.names
    idempotencyIndex = places.idempotencyIndex
    idempotencyRing = places.idempotencyRing
    idempotencyOffsets = places.idempotencyOffsets
    field = places.field
    scratch = FieldScratch(
      nodeCount: places.world.nodeCount, workMax: Int(definition.rules.hintWork),
      degreeMax: places.world.degreeMax)
    finder = PathFinder(nodeBudgetMax: Self.stepBudget)
    boards = places.boards
    asksForSteps =
      definition.rules.walls && places.world.topology.form == .grid
      && places.world.nodeCount > Self.nodesInCaches
    pending = PendingStandings(places.boards)
    self.space = space
  }

  /// The containers of a hunt, laid out in one order for all time of a definition.
  struct Places {
    let counts: PagedArray<HuntCounts>
    let world: WorldGraph
    let field: TreasureField
    let playerIndex: PagedTable
    let players: PagedArray<PlayerRow>
    let treasureIndex: PagedTable
    let treasures: PagedArray<TreasureRow>
    let claims: PagedTable
    let openAt: PagedTree
    let timers: PagedTree
    let producerIndex: PagedTable
    let producers: PagedArray<ProducerRow>
    let gaps: PagedTree
    let nameIndex: PagedTable
    let names: PagedArray<NameRow>
    let idempotencyIndex: PagedTable
    let idempotencyRing: PagedArray<UInt64>
    let idempotencyOffsets: PagedArray<UInt64>
    let boards: Boards

    init(_ definition: HuntDefinition, _ map: Topology, _ layout: inout PageLayout) {
      let limits = definition.limits
      counts = PagedArray("counts", count: 1, in: &layout)
      world = WorldGraph("world", map, addedMax: limits.edges, in: &layout)
      field = TreasureField(
        "field", over: world, radiusMax: Self.radiusMax(definition, map), in: &layout)
      playerIndex = PagedTable("players.index", capacity: limits.players, in: &layout)
      players = PagedArray("players", count: limits.players, in: &layout)
      treasureIndex = PagedTable("treasures.index", capacity: limits.treasures, in: &layout)
      treasures = PagedArray("treasures", count: limits.treasures, in: &layout)
      claims = PagedTable("claims", capacity: limits.claims, in: &layout)
      openAt = PagedTree("treasures.open", capacity: limits.treasures, in: &layout)
      timers = PagedTree("timers", capacity: limits.treasures, in: &layout)
      producerIndex = PagedTable("producers.index", capacity: limits.producers, in: &layout)
      producers = PagedArray("producers", count: limits.producers, in: &layout)
      gaps = PagedTree("producers.gaps", capacity: limits.gaps * 2 + 2, in: &layout)
      nameIndex = PagedTable("names.index", capacity: limits.names, in: &layout)
      names = PagedArray("names", count: limits.names, in: &layout)
      idempotencyIndex = PagedTable(
        "idempotency.index", capacity: limits.idempotencyKeys, in: &layout)
      idempotencyRing = PagedArray(
        "idempotency", count: limits.idempotencyKeys, in: &layout)
      idempotencyOffsets = PagedArray(
        "idempotency.offsets", count: limits.idempotencyKeys, isDigested: false, in: &layout)
      boards = Boards(
        definition.boards.map { board in
          BoardDeclaration(
            name: board.name, kind: board.windowMs.map { .tumbling(ms: $0) } ?? .allTime,
            memberCapacity: limits.players)
        }, in: &layout)
    }

    /// The rule `hintRadius` in what walking costs.
    private static func radiusMax(_ definition: HuntDefinition, _ map: Topology) -> UInt32 {
      let blocks = UInt64(definition.rules.hintRadius)
      if blocks == 0 { return distanceMax }
      return UInt32(min(blocks * UInt64(map.unit), UInt64(distanceMax)))
    }
  }

  // MARK: Counts

  public var counts: HuntCounts {
    @inlinable @inline(__always) get { countsRow.load(0, space) }
  }

  /// `counts.events`, without loading the rest.
  public var eventCount: UInt64 {
    mutating get { countsRow.load(0, byte: 0, as: UInt64.self, space) }
  }

  mutating func counts(_ change: (inout HuntCounts) -> Void) {
    countsRow.update(0, &space, change)
  }

  public var phase: HuntPhase {
    mutating get {
      HuntPhase(rawValue: countsRow.load(0, byte: 8, as: Int64.self, space)) ?? .draft
    }
  }

  /// A branch of the state's pages, for reading by another thread or for a digest; see
  /// `PageSpace.fork`.
  public mutating func fork() throws(ForkRefusal) -> PageSpace {
    precondition(pending.isEmpty, "a state was forked within a step")
    return try space.fork()
  }

  /// Makes this state's pages the hunt's own, which the pool keeps room for, and those of `old` a
  /// branch's; see `PageSpace.takeOver`.
  public mutating func takeOver(from old: inout HuntState) throws(ForkRefusal) {
    try space.takeOver(from: &old.space)
  }

  /// Pages that are not its own yet.
  public var pagesAhead: Int { space.pageCount - space.ownCount }

  /// Whether a branch finds `count` more pages; they are then kept for it.
  public mutating func hasRoom(pages count: Int) -> Bool { space.hasRoom(pages: count) }

  /// Pages written since this was last called; see `PageSpace.takeWrittenPages`.
  public mutating func takeWrittenPages() -> PageSet? { space.takeWrittenPages() }

  /// A digest of everything but the clock: equal for equal states, whatever their history.
  public mutating func digest() -> Hash128 { space.digest() }
}
