import Bounded
public import Disk
import Events
import Glibc
public import Hunt
public import Journal
public import Pages
public import Partitions
public import World

/// Why a snapshot cannot be used, or was not written.
public enum SnapshotFault: Error, Equatable, Sendable, CustomStringConvertible {
  case disk(DiskFault)
  /// The file is not what the engine wrote, or not for this hunt: byte and reason.
  case damaged(path: String, byte: Int, reason: String)
  /// The page pool has no room for another state beside the hunt's own.
  case noRoom(ForkRefusal)
  /// The journal in which the snapshot stands cannot be read.
  case journal(JournalFault)
  /// The promotions before it are not to be had.
  case history(HuntFolderFault)

  public var description: String {
    switch self {
    case .disk(let fault): "\(fault)"
    case .damaged(let path, let byte, let reason): "\(path): byte \(byte): \(reason)"
    case .noRoom(let refusal): "no room for its pages: \(refusal)"
    case .journal(let fault): "\(fault)"
    case .history(let fault): "\(fault)"
    }
  }
}

extension HuntFolderFault {
  /// What a snapshot's fault is of the hunt's folder.
  init(_ fault: SnapshotFault) {
    switch fault {
    case .disk(let fault): self = .disk(fault)
    case .damaged(let path, let byte, let reason):
      self = .damaged(path: path, reason: "byte \(byte): \(reason)")
    case .noRoom(let refusal):
      preconditionFailure("a hunt being recovered is no branch, and has its pages: \(refusal)")
    case .journal(let fault): self = .journal(fault)
    case .history(let fault): self = fault
    }
  }
}

/// The snapshots of one hunt: `DIR/hunts/NAME/snapshots/<offset>.vs`.
///
/// A snapshot holds everything below its offset; with the journal from there on it is the hunt.
/// Every function may be called on any thread; files are whole or absent.
public struct SnapshotFiles: Sendable {
  public let folder: String
  let definition: HuntDefinition
  let map: Topology
  let identity: Hash128
  let number: UInt32
  let layout: Hash128
  /// Pages of the state that are made from others (the trees of boards), and not written.
  let derived: [Range<Int>]

  public init(
    _ folder: HuntFolder, _ definition: HuntDefinition, _ map: Topology,
    _ manifest: HuntFolder.Manifest
  ) {
    self.folder = folder.snapshotsPath
    self.definition = definition
    self.map = map
    identity = manifest.identity
    number = manifest.number
    let regions = HuntState.layout(definition, map)
    derived = regions.regions.filter(\.isDerived).map(\.pages)
    let state = regions.identity
    let books = Books.layout(producers: definition.limits.producers).identity
    layout = Hash128(
      high: mixed(state.high ^ mixed(books.high)), low: mixed(state.low ^ mixed(books.low)))
  }

  public func path(_ offset: UInt64) -> String { "\(folder)/\(offset).vs" }
  /// A snapshot that is kept no longer and whose blocks the next one uses again.
  var sparePath: String { folder + "/spare.vs.new" }

  /// Offsets of the snapshots that exist, good or not, ascending.
  public func offsets() throws(DiskFault) -> [UInt64] {
    guard Files.exists(folder) else { return [] }
    return try Files.list(folder).compactMap { name in
      name.hasSuffix(".vs") ? UInt64(name.dropLast(3)) : nil
    }.sorted()
  }

  /// Offsets of the snapshots whose files are whole, ascending; what is wrong with each other one
  /// is told to `refuse`.
  ///
  /// - Complexity: O(bytes of all snapshots).
  public func goodOffsets(refuse: (SnapshotFault) -> Void) throws(DiskFault) -> [UInt64] {
    try offsets().filter { offset in
      do throws(SnapshotFault) {
        for header in try chain(offset) { try verify(header) }
        return true
      } catch {
        refuse(error)
        return false
      }
    }
  }

  /// The header of a snapshot, checked against this hunt.
  public func header(_ offset: UInt64) throws(SnapshotFault) -> SnapshotHeader {
    let path = path(offset)
    let block = Slab(byteCount: SnapshotHeader.blockBytes)
    let size: Int
    do throws(DiskFault) {
      let file = try File(reading: path)
      size = try file.size()
      let got = try file.read(block, to: 0, count: block.byteCount, at: 0)
      guard got == block.byteCount else {
        throw DiskFault("read", path, errno: ENODATA)
      }
    } catch {
      if error.errno == ENODATA {
        throw .damaged(path: path, byte: 0, reason: "shorter than its header")
      }
      throw .disk(error)
    }
    let header = block.load(0, as: SnapshotHeader.self)
    if let fault = header.fault { throw .damaged(path: path, byte: 0, reason: fault) }
    for at in stride(from: SnapshotHeader.byteCount, to: block.byteCount, by: 8)
    where block.load(at, as: UInt64.self) != 0 {
      throw .damaged(path: path, byte: at, reason: "bytes behind the header")
    }
    guard header.identity.hash == identity, header.number == number else {
      throw .damaged(path: path, byte: 16, reason: "of another hunt")
    }
    guard header.layout.hash == layout else {
      throw .damaged(path: path, byte: 32, reason: "its tables lie elsewhere than this version's")
    }
    guard header.offset == offset else {
      throw .damaged(path: path, byte: 48, reason: "of offset \(header.offset)")
    }
    guard header.byteCount == size else {
      throw .damaged(
        path: path, byte: min(size, Int(clamping: header.byteCount)),
        reason: "\(size) bytes long, written with \(header.byteCount)")
    }
    return header
  }

  /// The headers of a snapshot and of those that it builds on, the full one first.
  public func chain(_ offset: UInt64) throws(SnapshotFault) -> [SnapshotHeader] {
    var chain = [try header(offset)]
    while chain[0].isIncremental {
      let base: SnapshotHeader
      do throws(SnapshotFault) { base = try header(chain[0].base) } catch {
        if case .disk(let fault) = error, fault.errno != ENOENT { throw error }
        throw .damaged(
          path: path(chain[0].offset), byte: 56, reason: "made from another: \(error)")
      }
      guard base.content == chain[0].baseContent else {
        throw .damaged(
          path: path(chain[0].offset), byte: 216,
          reason: "not made from \(path(base.offset)) as it is")
      }
      chain.insert(base, at: 0)
    }
    return chain
  }

  // MARK: Reading

  /// Checks every byte of one snapshot, not of its base.
  public func verify(_ header: SnapshotHeader) throws(SnapshotFault) {
    try forEachPage(of: header) { _, _, _, _ in }
  }

  /// A partition as the snapshot of `offset` describes it, the root digest as in its header, in a
  /// replay begun: boards have no order until `endReplay`. Replay the journal from
  /// `header(offset).place` on, leaving out events below `offset`.
  ///
  /// - Parameters:
  ///   - pool: Of at least `Partition.pagesNeeded`; all its pages free.
  ///   - isBranch: Whether it is beside the hunt itself on the same pool.
  ///   - line: The line to go on along; below `offset` the one that the snapshot was taken on.
  /// - Complexity: O(bytes of the snapshot and of those it builds on).
  public func load(
    _ offset: UInt64, along line: Line = Line(), pool: PagePool, digestEvery: UInt64,
    heldLines: Int, isBranch: Bool = false
  ) throws(SnapshotFault) -> Partition {
    var state = try unfilledState(pool, isBranch: isBranch)
    var books = try emptyBooks(pool, isBranch: isBranch)
    var last = SnapshotHeader()
    for header in try chain(offset) {
      last = header
      try forEachPage(of: header) { part, page, bytes, at in
        switch part {
        case .state:
          bytes.withBytes(at, count: pageBytes) { state.restore(page: page, from: $0) }
        case .books:
          bytes.withBytes(at, count: pageBytes) { books.restore(page: page, from: $0) }
        }
      }
    }
    state.restore(now: last.now)
    if offset > 0, let rules = line.lineage.rules(at: offset - 1) { state.replaceRules(rules) }
    guard state.digest() == last.digest.hash, state.counts.events == last.eventCount else {
      throw .damaged(
        path: path(offset), byte: 128,
        reason: "the state has digest \(state.digest().hex), not \(last.digest.hash.hex)")
    }
    var partition = Partition.restored(
      state, books: books, mark: Self.mark(last), line: line, number: number,
      digestEvery: digestEvery, heldLines: heldLines)
    partition.beginReplay()
    return partition
  }

  private func unfilledState(
    _ pool: PagePool, isBranch: Bool
  ) throws(SnapshotFault) -> HuntState {
    do throws(ForkRefusal) {
      return try HuntState(unfilled: definition, map: map, pool: pool, isBranch: isBranch)
    } catch { throw .noRoom(error) }
  }

  private func emptyBooks(_ pool: PagePool, isBranch: Bool) throws(SnapshotFault) -> Books {
    let producers = definition.limits.producers
    guard isBranch else { return Books(producers: producers, pool: pool) }
    do throws(ForkRefusal) { return try Books(producers: producers, branchOn: pool) } catch {
      throw .noRoom(error)
    }
  }

  private static func mark(_ header: SnapshotHeader) -> PartitionMark {
    var mark = PartitionMark()
    mark.offset = header.offset
    mark.now = header.now
    mark.eventCount = header.eventCount
    mark.branches = header.branches
    if header.flags & SnapshotHeader.markFlag != 0 {
      mark.lastDigest = DigestMark(
        high: header.markDigest.high, low: header.markDigest.low, eventCount: header.markEvents,
        slice: header.markSlice)
    }
    return mark
  }

  /// Pages that a part has.
  private func pageCount(_ part: SnapshotChunk.Part) -> Int {
    switch part {
    case .state: HuntState.layout(definition, map).pageCount
    case .books: Books.layout(producers: definition.limits.producers).pageCount
    }
  }

  /// Calls `body` with each page of a snapshot: part, number, and where its bytes lie; each chunk
  /// was checked before.
  private func forEachPage(
    of header: SnapshotHeader, _ body: (SnapshotChunk.Part, Int, Slab, Int) -> Void
  ) throws(SnapshotFault) {
    let path = path(header.offset)
    let file = try reading { () throws(DiskFault) in try File(reading: path) }
    let bytes = Slab(byteCount: PacedFile.chunkBytes, zeroed: false)
    var content = Hash128.zero
    var at = SnapshotHeader.blockBytes
    var pages: UInt64 = 0
    let limits = [pageCount(.state), pageCount(.books)]
    for index in 0..<header.chunkCount {
      let got = try reading { () throws(DiskFault) in
        try file.read(bytes, to: 0, count: bytes.byteCount, at: at)
      }
      let chunk = bytes.load(0, as: SnapshotChunk.self)
      let size = SnapshotChunk.blockBytes + Int(chunk.count & 0xffff) * pageBytes
      guard chunk.magic == SnapshotChunk.magicValue, chunk.index == index, chunk.count >= 1,
        chunk.count <= SnapshotChunk.pagesMax, size <= got,
        let part = SnapshotChunk.Part(rawValue: chunk.part)
      else { throw .damaged(path: path, byte: at, reason: "not a chunk") }
      let hash = bytes.hash(SnapshotChunk.blockBytes, count: size - SnapshotChunk.blockBytes)
      guard hash == chunk.hash.hash else {
        throw .damaged(path: path, byte: at, reason: "the checksum of chunk \(index) is wrong")
      }
      content = SnapshotChunk.roll(content, bytes, at: 0)
      for slot in 0..<Int(chunk.count) {
        let page = Int(bytes.load(SnapshotChunk.numbersAt + slot * 4, as: UInt32.self))
        guard page < limits[Int(chunk.part)] else {
          throw .damaged(
            path: path, byte: at, reason: "page \(page) of \(limits[Int(chunk.part)])")
        }
        body(part, page, bytes, SnapshotChunk.blockBytes + slot * pageBytes)
      }
      pages += UInt64(chunk.count)
      at += size
    }
    guard content == header.content.hash, at == header.byteCount, pages == header.pageCount
    else {
      throw .damaged(path: path, byte: 0, reason: "the checksum of the whole file is wrong")
    }
  }

  private func reading<Result: ~Copyable>(
    _ body: () throws(DiskFault) -> Result
  ) throws(SnapshotFault) -> Result {
    do throws(DiskFault) { return try body() } catch { throw .disk(error) }
  }
}
