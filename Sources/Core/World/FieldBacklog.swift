public import Pages

/// What is left to repair of a field: work that events caused and that was more than one of them
/// may do. It lies in pages, so forks, images and replays go on with it where it stands.
///
/// In the order in which it is taken up:
///
/// 1. Rim: raised nodes, which have given up their key, whose neighbours have still to be asked
///    whether they owed theirs to it. Those that did are raised too.
/// 2. Raised nodes wait for the best that their neighbours offer.
/// 3. Queued are nodes whose new key their neighbours have not heard of.
/// 4. Marks, which say what is in doubt meanwhile, are wiped.
///
/// All raising comes before any queued node is taken, so that nothing is settled by keys that no
/// treasure stands behind any more. A raised node has no key, unless a treasure lies on it.
///
/// Rim and queue have room for the edges of regions and not for whole ones. What finds no room is
/// lost from them, and found again by looking at every node of the world.
///
/// Not in digests: the field itself is, and it depends on the edges and the treasures alone once
/// nothing is left here. Memory: 2 bytes a node.
@usableFromInline struct FieldBacklog: Sendable {
  /// The whole of it in numbers; 128 bytes.
  struct Row: BitwiseCopyable {
    /// 1 while anything is left.
    var isPending: UInt64 = 0
    /// Nodes ever taken from the rim and added to it.
    var rimFirst: UInt64 = 0
    var rimEnd: UInt64 = 0
    /// Raised nodes, those of the rim included.
    var raised: UInt64 = 0
    /// Entries of the queue.
    var queued: UInt64 = 0
    /// Keys from here on are in doubt; 0 none is, otherwise one more than the key.
    var doubt: UInt64 = 0
    /// The words of the bits that may be set, `low..<high`, and the next one to look at.
    var low: UInt64 = 0
    var high: UInt64 = 0
    var word: UInt64 = 0
    /// 1 where the rim had no room, and where the queue had none.
    var isRimLost: UInt64 = 0
    var isQueueLost: UInt64 = 0
    /// One more than the next node to be looked at for what the rim, and the queue, has lost; 0 not
    /// begun.
    var seekingRim: UInt64 = 0
    var seekingQueue: UInt64 = 0
    var reserved: InlineArray<3, UInt64> = InlineArray(repeating: 0)

    /// Whether no key is to be given up or found any more, only handed on.
    var isRaisingDone: Bool { raised == 0 && !isSeekingRim && !isSeekingQueue }
    var isSeekingRim: Bool { isRimLost != 0 || seekingRim != 0 }
    var isSeekingQueue: Bool { isQueueLost != 0 || seekingQueue != 0 }
    /// Whether keys are still to be handed on, so that some are greater than what is offered.
    var isLoose: Bool { queued != 0 || isSeekingQueue }
    /// Whether every key is final.
    var isSettled: Bool { isRaisingDone && queued == 0 }
  }

  private let row: PagedArray<Row>
  private let nodes: PagedArray<UInt32>
  private let keys: PagedArray<UInt64>
  private let queue: PagedArray<UInt64>
  /// A bit a node: it is raised.
  private let raisedBits: PagedArray<UInt64>
  /// A bit a node: its key may not be final though it looks like one.
  private let marks: PagedArray<UInt64>

  /// - Parameter room: Nodes of the rim, and half the entries of the queue.
  init(_ name: String, nodeCount: Int, room: Int?, in layout: inout PageLayout) {
    let room = room ?? min(nodeCount, max(4_096, nodeCount / 16))
    let words = (nodeCount + 63) / 64
    func array<Value: BitwiseCopyable>(
      _ part: String, _ count: Int, _: Value.Type
    ) -> PagedArray<Value> {
      PagedArray("\(name).\(part)", count: count, isDigested: false, in: &layout)
    }
    row = array("backlog", 1, Row.self)
    nodes = array("rim.nodes", room, UInt32.self)
    keys = array("rim.keys", room, UInt64.self)
    queue = array("queue", room * 2 + 3, UInt64.self)
    raisedBits = array("raised", words, UInt64.self)
    marks = array("marks", words, UInt64.self)
  }

  // MARK: State

  /// Whether anything is left to do.
  @usableFromInline @inline(__always)
  func isPending(_ space: borrowing PageSpace) -> Bool {
    row.load(0, byte: 0, as: UInt64.self, space) != 0
  }

  func load(_ space: borrowing PageSpace) -> Row { row.load(0, space) }

  func store(_ value: Row, _ space: inout PageSpace) { row.store(value, 0, &space) }

  /// Forgets everything.
  func clear(_ space: inout PageSpace) {
    for word in 0..<marks.count {
      if marks.load(word, space) != 0 { marks.store(0, word, &space) }
      if raisedBits.load(word, space) != 0 { raisedBits.store(0, word, &space) }
    }
    if isPending(space) { store(Row(), &space) }
  }

  // MARK: Doubt

  /// Puts keys of `key` and above in doubt until nothing is left.
  func doubt(from key: UInt64, _ space: inout PageSpace) {
    row.update(0, &space) { row in
      if row.doubt == 0 || row.doubt > key + 1 { row.doubt = key + 1 }
    }
  }

  /// Whether a node's key is final, as far as the backlog can tell; see `TreasureField.isCertain`.
  func isCertain(_ node: Int, _ key: UInt64, _ space: borrowing PageSpace) -> Bool {
    let row = load(space)
    if row.isPending == 0 || row.isSettled { return true }
    if key == 0 { return false }
    // Whatever is to come starts from the queue, at no less than its least distance.
    if row.isRaisingDone, key >> 32 <= entry(0, space) >> 32 { return true }
    return !isMarked(node, space) && (row.doubt == 0 || key < row.doubt - 1)
  }

  func isMarked(_ node: Int, _ space: borrowing PageSpace) -> Bool {
    marks.load(node >> 6, space) >> UInt64(node & 63) & 1 == 1
  }

  /// Puts a node's key in doubt.
  func mark(_ node: Int, _ space: inout PageSpace) {
    row.update(0, &space) { Self.cover(node, &$0) }
    marks.update(node >> 6, &space) { $0 |= 1 << UInt64(node & 63) }
  }

  private static func cover(_ node: Int, _ row: inout Row) {
    let word = UInt64(node >> 6)
    if row.low == row.high {
      (row.low, row.high, row.word) = (word, word + 1, word)
    } else if word < row.low {
      row.low = word
    } else if word >= row.high {
      row.high = word + 1
    }
  }

  /// Wipes the marks of a few nodes; false when there are none any more.
  func wipe(_ row: inout Row, _ space: inout PageSpace) -> Bool {
    for _ in 0..<16 {
      if row.low == row.high { return false }
      let word = Int(row.low)
      if marks.load(word, space) != 0 { marks.store(0, word, &space) }
      row.low += 1
    }
    return true
  }

  // MARK: Raised nodes

  func isRaised(_ node: Int, _ space: borrowing PageSpace) -> Bool {
    raisedBits.load(node >> 6, space) >> UInt64(node & 63) & 1 == 1
  }

  /// Notes that a node has just given up `key`, and adds it to the rim.
  func raise(_ node: Int, _ key: UInt64, _ row: inout Row, _ space: inout PageSpace) {
    Self.cover(node, &row)
    row.raised += 1
    let bit: UInt64 = 1 << UInt64(node & 63)
    raisedBits.update(node >> 6, &space) { $0 |= bit }
    marks.update(node >> 6, &space) { $0 |= bit }
    if Int(row.rimEnd - row.rimFirst) == nodes.count {
      row.isRimLost = 1
      return
    }
    let at = Int(row.rimEnd % UInt64(nodes.count))
    nodes.store(UInt32(truncatingIfNeeded: node), at, &space)
    keys.store(key, at, &space)
    row.rimEnd += 1
  }

  /// Takes the first node of the rim, and the key it had.
  func takeRim(_ row: inout Row, _ space: borrowing PageSpace) -> (node: Int, key: UInt64) {
    let at = Int(row.rimFirst % UInt64(nodes.count))
    row.rimFirst += 1
    return (Int(nodes.load(at, space)), keys.load(at, space))
  }

  /// Takes a raised node; nil where it is not found after looking at a few words of bits.
  func takeRaised(_ row: inout Row, _ space: inout PageSpace) -> Int? {
    for _ in 0..<16 {
      if row.word >= row.high { row.word = row.low }
      let word = Int(row.word)
      let bits = raisedBits.load(word, space)
      if bits == 0 {
        row.word += 1
        continue
      }
      raisedBits.store(bits & (bits - 1), word, &space)
      row.raised -= 1
      return word << 6 | bits.trailingZeroBitCount
    }
    return nil
  }

  // MARK: Queue

  // A four-ary heap laid out as in `DistanceHeap`.

  @inline(__always)
  func entry(_ position: Int, _ space: borrowing PageSpace) -> UInt64 {
    queue.load(position &+ 3, space)
  }

  @inline(__always)
  private func setEntry(_ entry: UInt64, _ position: Int, _ space: inout PageSpace) {
    queue.store(entry, position &+ 3, &space)
  }

  func isQueueFull(_ row: Row) -> Bool { Int(row.queued) + 3 >= queue.count }

  func push(_ entry: UInt64, _ row: inout Row, _ space: inout PageSpace) {
    var hole = Int(row.queued)
    row.queued += 1
    while hole > 0 {
      let parent = (hole &- 1) &>> 2
      let above = self.entry(parent, space)
      if above <= entry { break }
      setEntry(above, hole, &space)
      hole = parent
    }
    setEntry(entry, hole, &space)
  }

  func popFirst(_ row: inout Row, _ space: inout PageSpace) -> UInt64 {
    let first = entry(0, space)
    row.queued -= 1
    if row.queued > 0 { sink(entry(Int(row.queued), space), from: 0, row, &space) }
    return first
  }

  /// The least of the up to four entries from position `child` on, and its position.
  @inline(__always)
  private func leastChild(
    _ child: Int, _ count: Int, _ space: borrowing PageSpace
  ) -> (position: Int, entry: UInt64) {
    if child &+ 4 <= count {
      // Branches on purpose: the loads of the level below begin on a guess then.
      let (a, b, c, d) = queue.loadFour(child &+ 3, space)
      var (position, least) = (child, a)
      if b < least { (position, least) = (child &+ 1, b) }
      if c < least { (position, least) = (child &+ 2, c) }
      if d < least { (position, least) = (child &+ 3, d) }
      return (position, least)
    }
    var (position, least) = (child, entry(child, space))
    for sibling in child &+ 1..<max(child &+ 1, count) {
      let other = entry(sibling, space)
      if other < least { (position, least) = (sibling, other) }
    }
    return (position, least)
  }

  private func sink(_ entry: UInt64, from position: Int, _ row: Row, _ space: inout PageSpace) {
    let count = Int(row.queued)
    var hole = position
    while true {
      let child = hole &* 4 &+ 1
      if child >= count { break }
      let (least, value) = leastChild(child, count, space)
      if entry <= value { break }
      setEntry(value, hole, &space)
      hole = least
    }
    setEntry(entry, hole, &space)
  }
}
