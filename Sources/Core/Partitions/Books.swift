public import Events
public import Pages

/// Counts of one producer; 64 bytes. They balance when
/// `received = applied + duplicate + rejected + late + shed`.
@frozen public struct BooksRow: BitwiseCopyable, Equatable, Sendable {
  public var producer: UInt64 = 0
  public var received: UInt64 = 0
  public var applied: UInt64 = 0
  public var duplicate: UInt64 = 0
  public var rejected: UInt64 = 0
  public var late: UInt64 = 0
  public var shed: UInt64 = 0
  public var reserved: UInt64 = 0

  public init() {}

  public var isBalanced: Bool { received == applied + duplicate + rejected + late + shed }

  public mutating func count(_ disposition: Disposition, _ times: UInt64 = 1) {
    switch disposition {
    case .applied: applied += times
    case .duplicate: duplicate += times
    case .rejected: rejected += times
    case .late: late += times
    case .shed: shed += times
    }
  }

  /// Adds another row's counts; the producer stays.
  public mutating func add(_ other: BooksRow) {
    received += other.received
    applied += other.applied
    duplicate += other.duplicate
    rejected += other.rejected
    late += other.late
    shed += other.shed
  }
}

/// The books of a hunt, per producer: what came in and what became of it, forever.
///
/// They lie in pages of their own, outside the hunt's digest, so that a storm of duplicates or of
/// garbage changes no digest. What the journal's events do not show (duplicates, rejected, shed) is
/// journalled as tallies, and everything is entered when it is journalled and in that order, so a
/// replay gives the same books byte for byte. Producers beyond the declared limit share the row of
/// producer 0.
public struct Books: ~Copyable {
  private let index: PagedTable
  private let rows: PagedArray<BooksRow>
  private let used: PagedArray<UInt64>
  var space: PageSpace
  /// The row found last: a guess, good where it says that it is the producer's.
  private var lastRow = 0

  /// Pages that books for so many producers take.
  public static func layout(producers: Int) -> PageLayout {
    var layout = PageLayout()
    _ = places(producers, &layout)
    return layout
  }

  private static func places(
    _ producers: Int, _ layout: inout PageLayout
  ) -> (PagedTable, PagedArray<BooksRow>, PagedArray<UInt64>) {
    (
      PagedTable("books.index", capacity: producers + 1, in: &layout),
      PagedArray("books", count: producers + 1, in: &layout),
      PagedArray("books.count", count: 1, in: &layout)
    )
  }

  public init(producers: Int, pool: PagePool) {
    var layout = PageLayout()
    (index, rows, used) = Self.places(producers, &layout)
    space = PageSpace(layout, pool: pool)
    used.store(1, 0, &space)  // row 0 is that of producer 0
  }

  /// Empty books beside the hunt's own on the same pool.
  ///
  /// - Throws: When the pages are not free.
  public init(producers: Int, branchOn pool: PagePool) throws(ForkRefusal) {
    var layout = PageLayout()
    (index, rows, used) = Self.places(producers, &layout)
    space = try PageSpace(layout, branchOn: pool)
    used.store(1, 0, &space)
  }

  /// The books that `space` holds, a fork or an image of others for as many producers.
  public init(producers: Int, space: consuming PageSpace) {
    var layout = PageLayout()
    (index, rows, used) = Self.places(producers, &layout)
    precondition(layout.pageCount == space.pageCount, "pages of other books")
    self.space = space
  }

  /// Pages that are not its own yet.
  var pagesAhead: Int { space.pageCount - space.ownCount }

  /// Whether a branch finds `count` more pages; they are then kept for it.
  public mutating func hasRoom(pages count: Int) -> Bool { space.hasRoom(pages: count) }

  /// A branch of the books' pages.
  public mutating func fork() throws(ForkRefusal) -> PageSpace { try space.fork() }

  /// Rows in use.
  public var count: Int { Int(used.load(0, space)) }

  public subscript(_ row: Int) -> BooksRow { rows.load(row, space) }

  /// The row of `producer`, made when missing.
  @inline(__always)
  mutating func row(_ producer: UInt64) -> Int {
    if rows.load(lastRow, byte: 0, as: UInt64.self, space) == producer { return lastRow }
    return findRow(producer)
  }

  @inline(never)
  private mutating func findRow(_ producer: UInt64) -> Int {
    if producer == 0 { return 0 }
    if let row = index.find(producer, space) {
      lastRow = Int(row)
      return lastRow
    }
    let row = count
    guard row < rows.count, index.set(producer, UInt64(row), &space) else { return 0 }
    used.store(UInt64(row + 1), 0, &space)
    rows.update(row, &space) { $0.producer = producer }
    return row
  }

  /// Enters `times` events in a row.
  @inline(__always)
  mutating func enter(_ row: Int, _ disposition: Disposition, _ times: UInt64 = 1) {
    rows.update(row, &space) {
      $0.received += times
      $0.count(disposition, times)
    }
  }

  /// Enters what a journalled tally says.
  mutating func enter(_ tally: Tally) {
    rows.update(row(tally.producer), &space) {
      $0.received += tally.duplicate + tally.rejected + tally.shed
      $0.count(.duplicate, tally.duplicate)
      $0.count(.rejected, tally.rejected)
      $0.count(.shed, tally.shed)
    }
  }

  /// All producers together.
  public var sum: BooksRow {
    var sum = BooksRow()
    for at in 0..<count { sum.add(self[at]) }
    return sum
  }

  /// Whether every producer's counts balance.
  public var isBalanced: Bool {
    for at in 0..<count where !self[at].isBalanced { return false }
    return true
  }
}
