public import Bounded
public import Events
public import Hunt
public import Pages

/// All that a partition is between two batches, as a branch that does not change: what a snapshot
/// holds. Its pages may be read on another thread; see `PageSpace.fork` for where it is dropped.
public struct PartitionImage: ~Copyable {
  public private(set) var state: PageSpace
  public let books: PageSpace
  public let mark: PartitionMark

  init(state: consuming PageSpace, books: consuming PageSpace, mark: PartitionMark) {
    self.state = state
    self.books = books
    self.mark = mark
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
    return PartitionImage(state: space, books: try books.fork(), mark: mark)
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

  /// Calls `body` with each page of the state that differs from another partition's, in order.
  public func forEachDifference(from other: borrowing Partition, _ body: (Int) -> Void) {
    state.space.forEachDifference(from: other.state.space, body)
  }
}

extension Books {
  /// Overwrites one page with 4,096 bytes of an image.
  public mutating func restore(page: Int, from bytes: RawSpan) {
    space.restore(page: page, from: bytes)
  }

  public var pageCount: Int { space.pageCount }
}
