public import Bounded
public import Events
public import Hunt
public import Pages
import World

/// All that a partition is between two batches, as a branch that does not change: what a snapshot
/// holds. It may be read and dropped on any one thread.
public struct PartitionImage: ~Copyable {
  public private(set) var state: PageSpace
  public let books: PageSpace
  public let mark: PartitionMark
  /// Pages of the state written since the partition's last image; nil when there was none, or that
  /// is not known. A partition begun from a checkpoint has had none: the images made since of the
  /// one that the checkpoint was taken of may hold another line of history.
  public let written: PageSet?

  init(
    state: consuming PageSpace, books: consuming PageSpace, mark: PartitionMark,
    written: PageSet?
  ) {
    self.state = state
    self.books = books
    self.mark = mark
    self.written = written
  }

  /// The state's digest.
  public mutating func digest() -> Hash128 { state.digest() }
}

/// The numbers of a partition between two batches.
public struct PartitionMark: Equatable, Sendable {
  /// Offset that the next journalled event gets.
  public var offset: UInt64 = 0
  /// The hunt's clock, ms since 1970.
  public var now: Int64 = 0
  public var eventCount: UInt64 = 0
  public var lastDigest: DigestMark?
  /// Branches promoted so far.
  public var branches: UInt32 = 0

  public init() {}
}

extension Partition {
  /// Between two batches: what stands now.
  public var mark: PartitionMark {
    var mark = PartitionMark()
    mark.offset = nextOffset
    mark.now = state.now
    mark.eventCount = state.counts.events
    mark.lastDigest = lastDigest
    mark.branches = line.history.count
    return mark
  }

  /// A branch of everything, between two batches; refused when the pool has no room for what the
  /// branch could keep.
  ///
  /// - Complexity: A copy of two page-table roots.
  public mutating func image() throws(ForkRefusal) -> PartitionImage {
    let space = try state.fork()
    let bookSpace = try books.fork()
    let written = state.takeWrittenPages()
    defer { hasImage = true }
    return PartitionImage(
      state: space, books: bookSpace, mark: mark, written: hasImage ? written : nil)
  }

  /// A partition as a snapshot describes it.
  ///
  /// - Parameters:
  ///   - state: Filled, its clock set.
  ///   - books: Filled.
  ///   - line: The line that it follows from here on; the state's own below the mark's offset.
  public static func restored(
    _ state: consuming HuntState, books: consuming Books, mark: PartitionMark, line: Line,
    number: UInt32, digestEvery: UInt64, heldLines: Int
  ) -> Partition {
    Partition(
      number: number, digestEvery: digestEvery, heldLines: heldLines, state: state, books: books,
      nextOffset: mark.offset, lastDigest: mark.lastDigest,
      line: Line(line.lineage, line.history, from: mark.offset))
  }

  // MARK: Comparing

  /// Takes a journalled digest as it is, without comparing.
  public mutating func passDigest(_ event: Event) {
    nextOffset += 1
    lastDigest = DigestMark(event)
  }

  /// The tables of which a slice of the digests holds pages.
  public func tables(ofSlice slice: UInt32) -> [String] {
    let pages = state.space.pageCount
    let first = pages * Int(slice) / Self.digestSlices
    let end = pages * (Int(slice) + 1) / Self.digestSlices
    return HuntState.layout(state.definition, state.world.topology).regions
      .filter { !$0.isDerived && $0.pages.overlaps(first..<end) }.map(\.name)
  }

  /// The first thing that differs from another partition of the same hunt: a table and its row, or
  /// what lies outside the tables; nil when nothing does. Derived tables are not compared.
  public mutating func firstDifference(
    from other: borrowing Partition, _ layout: borrowing PageLayout
  ) -> String? {
    var pages: [Int] = []
    state.space.forEachDifference(from: other.state.space) { pages.append($0) }
    for page in pages {
      guard let region = layout.region(ofPage: page), !region.isDerived else { continue }
      for at in stride(from: page * pageBytes, to: (page + 1) * pageBytes, by: 8)
      where state.space.load(at, as: UInt64.self) != other.state.space.load(at, as: UInt64.self) {
        let byte = at - region.firstPage * pageBytes
        let row = byte / region.rowBytes
        return "\(region.name), row \(row), byte \(byte - row * region.rowBytes)"
      }
    }
    if books.count != other.books.count { return "books, their count" }
    for row in 0..<books.count where books[row] != other.books[row] { return "books, row \(row)" }
    if nextOffset != other.nextOffset { return "the offset" }
    if state.now != other.state.now { return "the clock" }
    if lastDigest != other.lastDigest { return "the last digest mark" }
    return nil
  }
}

extension Books {
  /// Overwrites one page with 4,096 bytes of an image.
  public mutating func restore(page: Int, from bytes: RawSpan) {
    space.restore(page: page, from: bytes)
  }

  public var pageCount: Int { space.pageCount }
}
