import Bounded
import Glibc

@testable import Pages

/// A space beside a plain copy of its bytes.
final class Twin {
  var space: PageSpace
  var bytes: [UInt8]
  /// Pages written since the set was last emptied.
  var written: Set<Int> = []

  init(_ space: consuming PageSpace, _ bytes: [UInt8]) {
    self.space = space
    self.bytes = bytes
  }

  func write(_ value: UInt64, _ word: Int) {
    space.store(value, word * 8)
    bytes.withUnsafeMutableBytes {
      $0.storeBytes(of: value, toByteOffset: word * 8, as: UInt64.self)
    }
    written.insert(word * 8 / pageBytes)
  }

  func hasRoom(pages: Int) -> Bool { space.hasRoom(pages: pages) }

  func digest() -> Hash128 { space.digest() }

  /// Rows of a region whose bytes differ from another's, by the copies.
  func differingRows(_ region: PageLayout.Region, from other: Twin) -> [Int] {
    let start = region.firstPage * pageBytes
    return (0..<region.rowCount).filter { row in
      let range = start + row * region.rowBytes..<start + (row + 1) * region.rowBytes
      return bytes[range] != other.bytes[range]
    }
  }

  func spaceDifferingRows(_ region: PageLayout.Region, from other: Twin) -> [Int] {
    var rows: [Int] = []
    space.forEachDifferingRow(of: region, from: other.space) { rows.append($0) }
    return rows
  }

  /// Whether every page has the copy's bytes.
  var readsRight: Bool {
    bytes.withUnsafeBytes { copy in
      (0..<copy.count / pageBytes).allSatisfy { page in
        space.load(page * pageBytes + 56, as: UInt64.self) == at(page * 512 + 7)
          && space.withPage(page) { real in
            real.withUnsafeBytes {
              isEqual($0, UnsafeRawBufferPointer(rebasing: copy[range(page)]))
            }
          }
      }
    }
  }

  func at(_ word: Int) -> UInt64 {
    bytes.withUnsafeBytes { $0.load(fromByteOffset: word * 8, as: UInt64.self) }
  }

  /// Pages whose bytes differ from another's, by the copies.
  func differences(from other: Twin) -> [Int] {
    bytes.withUnsafeBytes { left in
      other.bytes.withUnsafeBytes { right in
        (0..<left.count / pageBytes).filter { page in
          !isEqual(
            UnsafeRawBufferPointer(rebasing: left[range(page)]),
            UnsafeRawBufferPointer(rebasing: right[range(page)]))
        }
      }
    }
  }

  func spaceDifferences(from other: Twin) -> [Int] {
    var pages: [Int] = []
    space.forEachDifference(from: other.space) { pages.append($0) }
    return pages
  }
}

private func range(_ page: Int) -> Range<Int> { page * pageBytes..<(page + 1) * pageBytes }

private func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  guard let first = left.baseAddress, let second = right.baseAddress else { return false }
  return left.count == right.count && memcmp(first, second, left.count) == 0
}

/// A layout of so many pages, the last third of them derived.
func makeLayout(_ pageCount: Int) -> PageLayout {
  var layout = PageLayout()
  let derived = pageCount / 3
  _ = PagedArray<UInt64>("rows", count: (pageCount - derived) * 512, in: &layout)
  _ = layout.reserve("index", rowCount: derived * 4, rowBytes: 1024, isDerived: true)
  return layout
}

extension PagePool {
  /// Whether every page and node but those of `spaces` is free, and every promise kept or returned.
  func isAccounted(_ spaces: [Twin]) -> Bool {
    var usedNodes: Set<Int> = []
    var usedPages: Set<Int> = []
    var promised = 0
    for twin in spaces {
      for index in 0..<twin.space.tree.rootCount {
        let node = twin.space.tree.node(index)
        if node == 0 { continue }
        usedNodes.insert(node)
        for slot in 0..<PageNode.pageCount where twin.space.tree.page(node, slot) != 0 {
          usedPages.insert(twin.space.tree.page(node, slot))
        }
      }
      promised += twin.space.tree.promisedCount
      if twin.space.kind == .primary { promised += twin.space.pageCount - twin.space.ownCount }
    }
    return freeCount == pageCount - 1 - usedPages.count && usedNodes.count <= usedPages.count
      && nodes.freeCount == nodes.count - 1 - usedNodes.count && roomCount == freeCount - promised
  }
}
