/// Where each container of a state lies, fixed before the first page is written.
///
/// Containers are laid out in the order they are declared, each on pages of its own, so a page
/// number names its container: `regions` is that list, in order.
public struct PageLayout: ~Copyable, Sendable {
  /// One container's run of logical pages.
  public struct Region: Sendable, Equatable {
    public let name: String
    public let firstPage: Int
    public let pageCount: Int
    public let rowCount: Int
    /// Bytes a row, for naming a differing row; a power of two up to 4096.
    public let rowBytes: Int
    /// Whether the rows can be made again from others, as an index can: their bytes depend on how
    /// they came about, so no digest holds them and no image need.
    public let isDerived: Bool
    /// Whether digests hold the rows.
    public let isDigested: Bool

    /// Its logical pages.
    public var pages: Range<Int> { firstPage..<firstPage + pageCount }

    /// The rows that lie on one of its logical pages.
    public func rows(on page: Int) -> Range<Int> {
      precondition(pages.contains(page), "page \(page) lies outside \(name)")
      let rowsAPage = pageBytes / rowBytes
      let first = (page - firstPage) * rowsAPage
      return first..<min(first + rowsAPage, rowCount)
    }
  }

  public private(set) var regions: [Region] = []
  /// Logical pages declared so far.
  public private(set) var pageCount = 0

  public init() {}

  /// Reserves `rowCount` rows of `rowBytes` (a power of two, `1...4096`); the first byte's address.
  public mutating func reserve(
    _ name: String, rowCount: Int, rowBytes: Int, isDerived: Bool = false, isDigested: Bool = true
  ) -> Int {
    precondition(rowBytes >= 1 && rowBytes <= pageBytes && rowBytes & (rowBytes - 1) == 0)
    precondition(rowCount >= 0)
    let pages = (rowCount * rowBytes + pageBytes - 1) / pageBytes
    regions.append(
      Region(
        name: name, firstPage: pageCount, pageCount: pages, rowCount: rowCount,
        rowBytes: rowBytes, isDerived: isDerived,
        isDigested: isDigested && !isDerived))
    defer { pageCount += pages }
    return pageCount * pageBytes
  }
}
