import Bounded

/// A file system in memory that knows what would be left of it after a power cut.
///
/// What it promises is what a kernel promises and no more: bytes are durable once they were
/// flushed, or written past the cache; names once their folder was flushed. Everything else may be
/// there after a cut or not, in pieces of a sector, in any order.
///
/// What it does not do: links, permissions, several writers of one file at once.
final class SimulatedDisk {
  static let sectorBytes = 512

  /// What was written and not flushed: how to take it back.
  struct Change {
    var at: Int
    var count: Int
    /// The bytes that were there, as far as the file reached.
    var old: Slab?
    var oldCount: Int
    var oldSize: Int
    /// What the disk lied about there, until it was written over.
    var lies: [Int: Slab] = [:]
  }

  /// A page as it stands on the disk.
  struct Page {
    var bytes: Slab
    /// What the disk lied about there.
    var lies: [Int: Slab]
  }

  /// A file's bytes, whatever its names.
  final class Node {
    let id: Int
    var bytes = Slab(byteCount: 4096)
    var size = 0
    var changes: [Change] = []
    /// What stands on the disk of each page that a flush which failed was to write: no later flush
    /// writes it, unless the page was written again.
    var forgotten: [Int: Page] = [:]
    /// What the bytes of a sector are meant to be, where the disk lied.
    var lies: [Int: Slab] = [:]

    init(id: Int) { self.id = id }
  }

  /// A change of names that was not flushed.
  private enum Entry {
    case made(String, Node)
    case removed(String, Node)
    case renamed(from: String, to: String, Node, replaced: Node?)

    var folder: String {
      switch self {
      case .made(let path, _), .removed(let path, _): parentFolder(path)
      case .renamed(let from, _, _, _): parentFolder(from)
      }
    }
  }

  private(set) var nodes: [String: Node] = [:]
  private(set) var folders: Set<String> = ["", "/"]
  private var entries: [Entry] = []
  private var nextID = 1
  /// Bytes that may still be taken, by each user.
  var freeBytes = 1 << 40

  // MARK: Names

  func node(_ path: String) -> Node? { nodes[path] }
  func exists(_ path: String) -> Bool { nodes[path] != nil || folders.contains(path) }

  func make(_ path: String) -> Node? {
    guard folders.contains(parentFolder(path)) else { return nil }
    let node = Node(id: nextID)
    nextID += 1
    nodes[path] = node
    entries.append(.made(path, node))
    return node
  }

  /// False when there is no such file.
  func remove(_ path: String) -> Bool {
    guard let node = nodes.removeValue(forKey: path) else { return false }
    entries.append(.removed(path, node))
    return true
  }

  func rename(_ from: String, _ to: String) -> Bool {
    if folders.contains(from) {
      // A whole folder: durable at once, which is more than is promised.
      move(folder: from, to: to)
      return true
    }
    guard let node = nodes.removeValue(forKey: from) else { return false }
    entries.append(.renamed(from: from, to: to, node, replaced: nodes[to]))
    nodes[to] = node
    return true
  }

  private func move(folder: String, to target: String) {
    flushNames()
    for path in nodes.keys.sorted() where path.hasPrefix(folder + "/") {
      nodes[target + path.dropFirst(folder.count)] = nodes.removeValue(forKey: path)
    }
    for path in folders.sorted() where path == folder || path.hasPrefix(folder + "/") {
      folders.remove(path)
      folders.insert(target + path.dropFirst(folder.count))
    }
  }

  /// False when it is there already, or its parent is not.
  func makeFolder(_ path: String) -> Bool {
    if exists(path) || !folders.contains(parentFolder(path)) { return false }
    folders.insert(path)
    return true
  }

  func removeFolder(_ path: String) { folders.remove(path) }

  func list(_ folder: String) -> [String]? {
    guard folders.contains(folder) else { return nil }
    let prefix = folder + "/"
    return (Array(nodes.keys) + Array(folders)).filter {
      $0.hasPrefix(prefix) && !$0.dropFirst(prefix.count).contains("/")
        && $0.utf8.count > prefix.utf8.count
    }.map { String($0.dropFirst(prefix.count)) }.sorted()
  }

  /// Makes the names of a folder durable.
  func flushNames(of folder: String) { entries.removeAll { $0.folder == folder } }
  private func flushNames() { entries = [] }

  // MARK: Bytes

  /// Writes, leaving the means to take it back.
  func write(_ node: Node, _ slab: Slab, from: Int, count: Int, at: Int, isDurable: Bool) {
    let held = max(0, min(count, node.size - at))
    if isDurable {
      // Past the cache, in whole pages: what was forgotten of them there is of no account any more.
      for page in node.forgotten.keys where page * 4_096 >= at && (page + 1) * 4_096 <= at + count {
        node.forgotten[page] = nil
      }
    } else {
      var old: Slab?
      if held > 0 {
        let copy = Slab(byteCount: held, zeroed: false)
        copy.copy(from: node.bytes, at: at, to: 0, count: held)
        old = copy
      }
      node.changes.append(
        Change(
          at: at, count: count, old: old, oldCount: held, oldSize: node.size,
          lies: node.lies.filter { sectors(at, count).contains($0.key) }))
    }
    resize(node, max(node.size, at + count))
    node.bytes.copy(from: slab, at: from, to: at, count: count)
    forgetLies(node, at, count)
  }

  func read(_ node: Node, _ slab: Slab, to: Int, count: Int, at: Int) -> Int {
    let got = max(0, min(count, node.size - at))
    if got > 0 { slab.copy(from: node.bytes, at: at, to: to, count: got) }
    return got
  }

  func truncate(_ node: Node, _ size: Int) {
    if size < node.size {
      node.bytes.zero(size, count: node.size - size)
      for (sector, bytes) in node.lies where (sector + 1) * Self.sectorBytes > size {
        let kept = max(0, size - sector * Self.sectorBytes)
        let meant = Slab(byteCount: Self.sectorBytes)
        if kept > 0 { meant.copy(from: bytes, at: 0, to: 0, count: kept) }
        setMeant(node, sector, meant)
      }
    }
    resize(node, size)
  }

  private func resize(_ node: Node, _ size: Int) {
    if size > node.bytes.byteCount {
      var capacity = node.bytes.byteCount
      while capacity < size { capacity *= 2 }
      let larger = Slab(byteCount: capacity)
      larger.copy(from: node.bytes, at: 0, to: 0, count: node.size)
      node.bytes = larger
    }
    node.size = size
  }

  func flush(_ node: Node) {
    for change in node.changes where !node.forgotten.isEmpty {
      for page in pages(of: change) { node.forgotten[page] = nil }
    }
    node.changes = []
  }

  private func pages(of change: Change) -> ClosedRange<Int> {
    (change.at / 4_096)...((change.at + max(1, change.count) - 1) / 4_096)
  }

  /// A flush that failed: no later one makes good what this was to do.
  func failFlush(_ node: Node) {
    let now = Slab(copying: node.bytes, byteCount: node.bytes.byteCount)
    let (size, lies) = (node.size, node.lies)
    for change in node.changes.reversed() { revert(node, change) }
    for change in node.changes {
      for page in pages(of: change) where node.forgotten[page] == nil {
        let held = Slab(byteCount: 4_096)
        let count = min(4_096, node.bytes.byteCount - page * 4_096)
        if count > 0 { held.copy(from: node.bytes, at: page * 4_096, to: 0, count: count) }
        let sectors = sectors(page * 4_096, 4_096)
        node.forgotten[page] = Page(
          bytes: held, lies: node.lies.filter { sectors.contains($0.key) })
      }
    }
    node.bytes = now
    node.size = size
    node.lies = lies
    node.changes = []
  }

  // MARK: Power

  /// Which of what was not flushed a power cut takes.
  struct Cut {
    var tears: Bool
    var loses: Bool
    var reorders: Bool
  }

  /// What is left after a power cut. Counts what was taken.
  func cutPower(_ cut: Cut, _ random: inout SimulationRandom, _ count: (SimulationFault) -> Void) {
    cutNames(&random, count, isWanted: cut.loses)
    for path in nodes.keys.sorted() {
      guard let node = nodes[path] else { continue }
      let all = node.changes
      node.changes = []
      loseForgotten(node, isWanted: cut.loses, count)
      if all.isEmpty { continue }
      // From here on everything is gone; what lies before may be torn, or gone by itself.
      let lostFrom = cut.loses && random.chance(60) ? random.below(all.count + 1) : all.count
      if lostFrom < all.count { count(.lost) }
      for index in all.indices.reversed() {
        if index >= lostFrom {
          revert(node, all[index])
        } else if cut.reorders && random.chance(30) {
          if index + 1 < lostFrom { count(.reordered) }
          revert(node, all[index])
        } else if cut.tears && random.chance(40) {
          if tear(node, all[index], &random) { count(.torn) }
        }
      }
    }
  }

  private func cutNames(
    _ random: inout SimulationRandom, _ count: (SimulationFault) -> Void, isWanted: Bool
  ) {
    if isWanted && !entries.isEmpty {
      // Names change in one order in each folder; a cut takes the last of them.
      var kept: [String: Int] = [:]
      for folder in Set(entries.map(\.folder)).sorted() {
        kept[folder] = random.below(entries.count { $0.folder == folder } + 1)
      }
      var place = entries.reduce(into: [:]) { $0[$1.folder, default: 0] += 1 }
      for entry in entries.reversed() {
        place[entry.folder, default: 0] -= 1
        if place[entry.folder, default: 0] < kept[entry.folder, default: 0] { continue }
        count(.lost)
        switch entry {
        case .made(let path, _): nodes[path] = nil
        case .removed(let path, let node): nodes[path] = node
        case .renamed(let from, let to, let node, let replaced):
          nodes[to] = replaced
          nodes[from] = node
        }
      }
    }
    entries = []
  }

  /// What a failed flush was to write was in the cache alone.
  private func loseForgotten(_ node: Node, isWanted: Bool, _ count: (SimulationFault) -> Void) {
    let forgotten = node.forgotten
    node.forgotten = [:]
    if !isWanted || forgotten.isEmpty { return }
    count(.lost)
    for (page, held) in forgotten {
      let length = min(4_096, node.size - page * 4_096)
      if length > 0 { node.bytes.copy(from: held.bytes, at: 0, to: page * 4_096, count: length) }
      for sector in sectors(page * 4_096, 4_096) { node.lies[sector] = held.lies[sector] }
    }
  }

  private func revert(_ node: Node, _ change: Change) {
    let end = change.at + change.count
    takeBack(node, change, from: change.at, to: end)
    // Only the last word on the file's length; a later write that stays keeps it.
    if node.size == end && change.oldSize < end { truncate(node, change.oldSize) }
  }

  /// Takes back what a change made of some of its bytes.
  private func takeBack(_ node: Node, _ change: Change, from: Int, to end: Int) {
    var meant: [(sector: Int, bytes: Slab)] = []
    if !node.lies.isEmpty || !change.lies.isEmpty {
      for sector in sectors(from, end - from)
      where node.lies[sector] != nil || change.lies[sector] != nil {
        meant.append((sector, self.meant(node, sector)))
      }
    }
    let held = max(0, min(end - from, change.oldCount - (from - change.at)))
    if held > 0, let old = change.old {
      node.bytes.copy(from: old, at: from - change.at, to: from, count: held)
    }
    let rest = min(end, node.size) - (from + held)
    if rest > 0 { node.bytes.zero(from + held, count: rest) }
    for (sector, bytes) in meant {
      let start = sector * Self.sectorBytes
      let part = max(from, start)..<min(end, start + Self.sectorBytes)
      if let old = change.lies[sector] {
        bytes.copy(
          from: old, at: part.lowerBound - start, to: part.lowerBound - start,
          count: part.count)
      } else {
        bytes.copy(
          from: node.bytes, at: part.lowerBound, to: part.lowerBound - start, count: part.count)
      }
      setMeant(node, sector, bytes)
    }
  }

  /// Takes back some sectors; whether some stay and some do not.
  private func tear(
    _ node: Node, _ change: Change, _ random: inout SimulationRandom
  ) -> Bool {
    var kept = 0
    var gone = 0
    let keepsPercent = random.below(101)
    var at = change.at
    while at < change.at + change.count {
      let end = min((at / Self.sectorBytes + 1) * Self.sectorBytes, change.at + change.count)
      if random.chance(keepsPercent) {
        kept += 1
      } else {
        gone += 1
        takeBack(node, change, from: at, to: end)
      }
      at = end
    }
    return kept > 0 && gone > 0
  }

  // MARK: Lies

  /// Remembers what the bytes are meant to be before the disk does something else with them.
  func meant(_ node: Node, at: Int, count: Int) {
    for sector in sectors(at, count) where node.lies[sector] == nil {
      node.lies[sector] = meant(node, sector)
    }
  }

  /// A copy of what a sector is meant to be.
  private func meant(_ node: Node, _ sector: Int) -> Slab {
    if let lie = node.lies[sector] { return Slab(copying: lie, byteCount: Self.sectorBytes) }
    let held = Slab(byteCount: Self.sectorBytes)
    let start = sector * Self.sectorBytes
    let length = min(Self.sectorBytes, node.bytes.byteCount - start)
    if length > 0 { held.copy(from: node.bytes, at: start, to: 0, count: length) }
    return held
  }

  /// A sector is meant to be `bytes`: the disk lies about it, unless that is what it holds.
  private func setMeant(_ node: Node, _ sector: Int, _ bytes: Slab) {
    let start = sector * Self.sectorBytes
    let isHeld = stride(from: 0, to: Self.sectorBytes, by: 8).allSatisfy { at in
      bytes.load(at, as: UInt64.self) == node.bytes.load(start + at, as: UInt64.self)
    }
    node.lies[sector] = isHeld ? nil : bytes
  }

  /// What was just written is as it was meant to be; the rest of its first and last sector may not
  /// be.
  private func forgetLies(_ node: Node, _ at: Int, _ count: Int) {
    if node.lies.isEmpty || count == 0 { return }
    for sector in sectors(at, count) where node.lies[sector] != nil {
      let start = sector * Self.sectorBytes
      let part = max(at, start)..<min(at + count, start + Self.sectorBytes)
      let bytes = meant(node, sector)
      bytes.copy(
        from: node.bytes, at: part.lowerBound, to: part.lowerBound - start, count: part.count)
      setMeant(node, sector, bytes)
    }
  }

  private func sectors(_ at: Int, _ count: Int) -> ClosedRange<Int> {
    (at / Self.sectorBytes)...((at + max(1, count) - 1) / Self.sectorBytes)
  }

  /// Whether the disk holds something else than it was told, between two bytes of a file.
  func isLying(_ node: Node, from: Int, to: Int) -> Bool {
    node.lies.keys.contains {
      $0 * Self.sectorBytes < to && ($0 + 1) * Self.sectorBytes > from
    }
  }

  var isLying: Bool { nodes.values.contains { !$0.lies.isEmpty } }

  /// Puts everything right again, as somebody would from a copy; how many sectors.
  func repair() -> Int {
    var count = 0
    for node in nodes.values {
      for (sector, bytes) in node.lies {
        let start = sector * Self.sectorBytes
        let length = min(Self.sectorBytes, node.size - start)
        if length > 0 { node.bytes.copy(from: bytes, at: 0, to: start, count: length) }
        count += 1
      }
      node.lies = [:]
    }
    return count
  }
}

/// The folder that holds `path`; empty for one at the top.
func parentFolder(_ path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "" }
  return String(path[..<slash])
}
