import Bounded
import CSystem
import Disk
import Events
import Hunt
import Journal
import Pages
import Partitions

/// What a snapshot writes: everything, or what the image says was written since an earlier one.
enum SnapshotScope {
  case full
  case incremental(base: SnapshotHeader)

  /// Every `fullEvery`-th snapshot is full, and so is every one whose changes are not known or are
  /// most of the state.
  static func choose(
    _ image: borrowing PartitionImage, last: SnapshotHeader?, sinceFull: Int, fullEvery: Int
  ) -> SnapshotScope {
    guard let last, sinceFull + 1 < fullEvery, let written = image.written,
      written.count * 2 < image.state.writtenCount
    else { return .full }
    return .incremental(base: last)
  }

  var isFull: Bool {
    if case .full = self { return true }
    return false
  }
}

extension SnapshotFiles {
  /// Writes what `image` holds, and gives it its name once `place` has said where the journal goes
  /// on: `place` returns only when everything below the image's offset is flushed.
  ///
  /// - Parameter bytesPerSecond: 0 for as fast as it goes.
  /// - Complexity: O(written pages), which are hashed; the pages in scope are written.
  func write(
    _ image: inout PartitionImage, _ scope: SnapshotScope, bytesPerSecond: Int,
    isCancelled: @escaping () -> Bool,
    place: () throws(SnapshotFault) -> (JournalPlace, tick: Int64)
  ) throws(SnapshotFault) -> SnapshotHeader {
    var header = SnapshotHeader()
    header.identity = .init(identity)
    header.layout = .init(layout)
    header.number = number
    header.take(image.mark)
    header.digest = .init(image.digest())
    let path = path(image.mark.offset)
    do throws(DiskFault) { try Files.createFolder(folder) } catch { throw .disk(error) }
    let output: SnapshotOutput
    do throws(DiskFault) {
      output = try SnapshotOutput(
        path, spare: scope.isFull ? sparePath : nil, bytesPerSecond: bytesPerSecond,
        isCancelled: isCancelled)
      switch scope {
      case .full:
        try output.addPages(.state, image.state, but: derived)
      case .incremental(let base):
        header.flags |= SnapshotHeader.incrementalFlag
        header.base = base.offset
        header.baseContent = base.content
        try output.addChanges(image, but: derived)
      }
      try output.addPages(.books, image.books, but: [])
      try output.flush()
    } catch {
      discard(path)
      throw .disk(error)
    }
    do throws(SnapshotFault) {
      let (place, tick) = try place()
      header.place = place
      header.tick = tick
    } catch {
      discard(path)
      throw error
    }
    do throws(DiskFault) { return try output.finish(header) } catch {
      discard(path)
      throw .disk(error)
    }
  }

  /// Removes what was begun and has no name yet.
  private func discard(_ path: String) {
    // What cannot be removed now is removed at the next start.
    try? Files.remove(path + ".new")
  }
}

extension SnapshotHeader {
  fileprivate mutating func take(_ mark: PartitionMark) {
    offset = mark.offset
    now = mark.now
    eventCount = mark.eventCount
    branches = mark.branches
    if let last = mark.lastDigest {
      flags |= Self.markFlag
      markDigest = LowHigh(Hash128(high: last.high, low: last.low))
      markEvents = last.eventCount
      markSlice = last.slice
    }
  }
}

/// A snapshot's file while it is written.
private final class SnapshotOutput {
  private var file: PacedFile
  private let chunk = Slab(byteCount: PacedFile.chunkBytes)
  private var part = SnapshotChunk.Part.state
  private var count = 0
  private var chunkCount: UInt32 = 0
  private var pageCount: UInt64 = 0
  private var content = Hash128.zero

  init(
    _ path: String, spare: String?, bytesPerSecond: Int, isCancelled: @escaping () -> Bool
  ) throws(DiskFault) {
    var file = try PacedFile(
      path, bytesPerSecond: bytesPerSecond, spare: spare, isCancelled: isCancelled)
    // The header's place.
    try file.append(Slab(byteCount: 4096), from: 0, count: SnapshotHeader.blockBytes)
    self.file = file
  }

  /// Adds the pages of the state that were written since the last image.
  func addChanges(
    _ image: borrowing PartitionImage, but derived: [Range<Int>]
  ) throws(DiskFault) {
    guard let written = image.written else { preconditionFailure("changes that are not known") }
    try written.forEachPage { page throws(DiskFault) in
      if derived.contains(where: { $0.contains(page) }) { return }
      try image.state.withPage(page) { bytes throws(DiskFault) in try add(.state, page, bytes) }
    }
  }

  /// Adds every written page of a space, except those of some ranges.
  func addPages(
    _ part: SnapshotChunk.Part, _ space: borrowing PageSpace, but derived: [Range<Int>]
  ) throws(DiskFault) {
    try space.forEachWrittenPage { page, bytes throws(DiskFault) in
      if derived.contains(where: { $0.contains(page) }) { return }
      try add(part, page, bytes)
    }
  }

  private func add(
    _ part: SnapshotChunk.Part, _ page: Int, _ bytes: RawSpan
  ) throws(DiskFault) {
    if count == SnapshotChunk.pagesMax || part != self.part { try flush() }
    self.part = part
    chunk.store(UInt32(page), SnapshotChunk.numbersAt + count * 4)
    chunk.copy(from: bytes, to: SnapshotChunk.blockBytes + count * pageBytes)
    count += 1
  }

  /// Writes the chunk that was begun.
  func flush() throws(DiskFault) {
    if count == 0 { return }
    let payload = count * pageBytes
    let hash = chunk.hash(SnapshotChunk.blockBytes, count: payload)
    chunk.store(SnapshotChunk(part, index: chunkCount, count: count, hash: hash), 0)
    content = SnapshotChunk.roll(content, chunk, at: 0)
    try file.append(chunk, from: 0, count: SnapshotChunk.blockBytes + payload)
    chunk.zero(0, count: SnapshotChunk.blockBytes)
    chunkCount += 1
    pageCount += UInt64(count)
    count = 0
  }

  /// Completes the header, writes it, and gives the file its name.
  func finish(_ header: SnapshotHeader) throws(DiskFault) -> SnapshotHeader {
    var header = header
    header.chunkCount = chunkCount
    header.pageCount = pageCount
    header.content = .init(content)
    header.byteCount = UInt64(file.byteCount)
    header.crc = header.expectedCRC
    let block = Slab(byteCount: SnapshotHeader.blockBytes)
    block.store(header, 0)
    try file.finish(first: block)
    return header
  }
}
