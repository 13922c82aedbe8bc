public import Bounded

/// Bytes in a page; the unit of copy-on-write, of hashing and of images.
public let pageBytes = 4096

/// The physical pages of one partition, and the nodes that name them, all reserved at boot.
///
/// Page 0 is the zero page: every logical page that was never written shares it; node 0 names it
/// 64 times. A node counts how many spaces refer to it, a page how many nodes do; with its last
/// reference each goes back to be taken again. What is referred to more than once is never written,
/// so spaces of one pool may be used, forked and dropped on as many threads as there are spaces.
///
/// Every free page is either promised or room. Promised are the pages that primary spaces may still
/// come to take or copy, and those that a branch asked for. Whoever else needs a page, or a fork
/// that makes a primary space's pages shared, takes it from the room or is refused.
///
/// A page costs 4,096 bytes and up to 296 of nodes, counts and hashes, mostly never touched.
public final class PagePool: @unchecked Sendable {
  /// All pages, contiguous.
  public let memory: Slab
  /// Physical pages, the zero page included.
  public let pageCount: Int

  let pages: ReferenceCounts
  let nodes: ReferenceCounts
  /// All nodes, contiguous.
  let nodeMemory: Slab
  private let pageHashes: Slab  // Hash128 a page, valid where the page is marked
  private let nodeHashes: Slab  // Hash128 a node, valid where the node is marked
  // Line 0, Int64: free pages promised to nobody. Line 1, UInt64: takings of written pages.
  private let room: Slab

  /// Nodes beyond one a page: one for each thread that is just making or dropping one.
  private static let nodesInFlight = 1_024

  /// Reserves `pageCount` pages of 4 KiB, `2...2^26`; memory is touched only as pages are written.
  public init(pageCount: Int) {
    precondition(pageCount >= 2 && pageCount <= 1 << 26, "pool of \(pageCount) pages")
    self.pageCount = pageCount
    memory = Slab(byteCount: pageCount * pageBytes, alignment: 1 << 21, zeroed: false)
    memory.zero(0, count: pageBytes)
    pages = ReferenceCounts(count: pageCount)
    // Each node was made to hold a page of its own, and as long as it lives the nodes of its place
    // are no more than their pages: pages change one at a time and never back.
    let nodeCount = pageCount + Self.nodesInFlight
    nodes = ReferenceCounts(count: nodeCount)
    nodeMemory = Slab(byteCount: nodeCount * PageNode.byteCount, zeroed: false)
    nodeMemory.zero(0, count: PageNode.byteCount)
    pageHashes = Slab(byteCount: pageCount * 16, zeroed: false)
    nodeHashes = Slab(byteCount: nodeCount * 16, zeroed: false)
    room = Slab(byteCount: 256, alignment: 128)
    room.sharedStore64(UInt64(pageCount - 1), 0)
  }

  // MARK: Room

  /// Pages not referred to by any space.
  public var freeCount: Int { pages.freeCount }

  /// Bytes of pages in use, without the pool's own tables.
  public var usedBytes: Int { (pageCount - freeCount) * pageBytes }

  /// Free pages that are promised to nobody: what forks may still use.
  public var roomCount: Int { Int(Int64(bitPattern: room.sharedLoad64(0))) }

  /// Promises `count` more pages to the caller, or fewer where it is negative; false, and nothing
  /// changed, when there is no room for so many.
  func promise(_ count: Int) -> Bool {
    while true {
      let now = room.sharedLoad64(0)
      let left = Int(Int64(bitPattern: now)) - count
      if left < 0 && count > 0 { return false }
      if room.sharedReplace64(now, by: UInt64(bitPattern: Int64(left)), 0) { return true }
    }
  }

  /// Gives back a promise of `count` pages.
  func unpromise(_ count: Int) {
    if count != 0 { _ = room.sharedAdd64(UInt64(bitPattern: Int64(count)), 0) }
  }

  /// A number that no other taking of written pages has.
  func nextTaking() -> UInt64 { room.sharedAdd64(1, 128) }

  // MARK: Pages

  /// Takes a page that was promised to the caller; its bytes are anything.
  func takePage() -> Int {
    guard let page = pages.take() else {
      preconditionFailure("page pool of \(pageCount) pages is exhausted")
    }
    return page
  }

  /// Takes a node, whose entries are anything.
  func takeNode() -> Int {
    guard let node = nodes.take() else {
      preconditionFailure("\(nodes.count) nodes of a page pool are in use")
    }
    return node
  }

  /// Refers to a page once less.
  func release(page: Int) {
    guard pages.release(page) else { return }
    var freed = ReferenceCounts.Chain()
    pages.add(page, to: &freed)
    pages.give(freed)
    unpromise(1)
  }

  /// Refers to a node once less.
  func release(node: Int) {
    var freed = Freed()
    release(node, &freed)
    give(freed)
  }

  /// Refers to each node of a root once less.
  func release(root: Slab, count: Int) {
    var freed = Freed()
    for at in 0..<count {
      let node = PageNode.number(root.load(at &* 4, as: UInt32.self))
      if node != 0 { release(node, &freed) }
    }
    give(freed)
  }

  private struct Freed: ~Copyable {
    var pages = ReferenceCounts.Chain()
    var nodes = ReferenceCounts.Chain()
  }

  private func release(_ node: Int, _ freed: inout Freed) {
    guard nodes.release(node) else { return }
    for slot in 0..<PageNode.pageCount {
      let page = Int(nodeMemory.load(PageNode.at(node, slot), as: UInt32.self))
      if page != 0 && pages.release(page) { pages.add(page, to: &freed.pages) }
    }
    nodes.add(node, to: &freed.nodes)
  }

  private func give(_ freed: consuming Freed) {
    let count = freed.pages.count
    nodes.give(freed.nodes)
    // Free first and room afterwards, so that room is never promised before it is there.
    pages.give(freed.pages)
    unpromise(count)
  }

  // MARK: Hashes

  /// XXH3-128 of a physical page, remembered until the page is written.
  func hash(page: Int) -> Hash128 {
    if pages.isMarked(page) { return Self.load(pageHashes, page) }
    let hash = memory.hash(page * pageBytes, count: pageBytes)
    Self.store(hash, pageHashes, page)
    pages.mark(page)
    return hash
  }

  /// Whether the hash of a physical page is remembered.
  func isHashed(page: Int) -> Bool { pages.isMarked(page) }

  /// The remembered hash of a node's pages.
  func hash(node: Int) -> Hash128? {
    nodes.isMarked(node) ? Self.load(nodeHashes, node) : nil
  }

  func remember(_ hash: Hash128, node: Int) {
    Self.store(hash, nodeHashes, node)
    nodes.mark(node)
  }

  // Two threads that hash what they share store the same words.

  private static func load(_ hashes: Slab, _ number: Int) -> Hash128 {
    Hash128(high: hashes.sharedLoad64(number * 16), low: hashes.sharedLoad64(number * 16 + 8))
  }

  private static func store(_ hash: Hash128, _ hashes: Slab, _ number: Int) {
    hashes.sharedStore64(hash.high, number * 16)
    hashes.sharedStore64(hash.low, number * 16 + 8)
  }
}
