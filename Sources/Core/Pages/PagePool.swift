public import Bounded

/// Bytes in a page; the unit of copy-on-write, of hashing and of images.
public let pageBytes = 4096

/// The physical pages of one partition, all reserved at boot.
///
/// Page 0 is the zero page: every logical page that was never written shares it. The pool counts
/// how many page spaces refer to each page; a page returns to the free list with its last
/// reference. One thread owns the pool. Another thread may read the pages of a fork handed to it,
/// because a page referred to twice is never written.
public final class PagePool: @unchecked Sendable {
  /// All pages, contiguous.
  public let memory: Slab
  /// Physical pages, the zero page included.
  public let pageCount: Int
  /// Pages not referred to by any space.
  public private(set) var freeCount: Int
  /// Pages that living forks could force to be copied; kept free for the live space.
  public internal(set) var pinnedCount = 0

  private let references: Slab  // UInt32 a page
  private let freeList: Slab  // UInt32 a page, used as a stack of `freeCount`
  @usableFromInline let hashes: Slab  // Hash128 a page, valid where `hashed` says so
  @usableFromInline let hashed: Slab  // UInt8 a page

  /// Reserves `pageCount` pages of 4 KiB, `2...2^30`; memory is touched only as pages are written.
  public init(pageCount: Int) {
    precondition(pageCount >= 2 && pageCount <= 1 << 30, "pool of \(pageCount) pages")
    self.pageCount = pageCount
    memory = Slab(byteCount: pageCount * pageBytes, alignment: 1 << 21, zeroed: false)
    memory.zero(0, count: pageBytes)
    references = Slab(byteCount: pageCount * 4)
    freeList = Slab(byteCount: pageCount * 4)
    hashes = Slab(byteCount: pageCount * 16)
    hashed = Slab(byteCount: pageCount)
    freeCount = pageCount - 1
    for at in 0..<(pageCount - 1) {
      freeList.store(UInt32(pageCount - 1 - at), at * 4)  // lowest page on top
    }
    references.store(UInt32(1), 0)
  }

  /// Bytes of pages in use, without the pool's own tables.
  public var usedBytes: Int { (pageCount - freeCount) * pageBytes }

  @usableFromInline func allocate() -> Int {
    precondition(freeCount > 0, "page pool of \(pageCount) pages is exhausted")
    freeCount -= 1
    let page = Int(freeList.load(freeCount * 4, as: UInt32.self))
    references.store(UInt32(1), page * 4)
    hashed.store(UInt8(0), page)
    return page
  }

  @usableFromInline func isShared(_ page: Int) -> Bool {
    references.load(page * 4, as: UInt32.self) > 1
  }

  @usableFromInline func retain(_ page: Int) {
    if page != 0 { references.update(page * 4, as: UInt32.self) { $0 += 1 } }
  }

  @usableFromInline func release(_ page: Int) {
    if page == 0 { return }
    let left = references.update(page * 4, as: UInt32.self) { count in
      count -= 1
      return count
    }
    if left == 0 {
      freeList.store(UInt32(page), freeCount * 4)
      freeCount += 1
    }
  }

  /// XXH3-128 of a physical page, remembered until the page is written.
  func hash(_ page: Int) -> Hash128 {
    if hashed.load(page, as: UInt8.self) == 1 { return hashes.load(page * 16, as: Hash128.self) }
    let hash = memory.hash(page * pageBytes, count: pageBytes)
    hashes.store(hash, page * 16)
    hashed.store(UInt8(1), page)
    return hash
  }
}
