import Bounded
import Disk
import Events
import Glibc
import Hunt
import Journal
import Pages
import Partitions
import World

@testable import Engine

/// A full snapshot and one that builds on it, changed by edits; file 0 is the full one.
///
/// The first byte chooses: bit 0 whether chunks' hashes and the header's checksum are set right
/// again, bit 1 which snapshot is loaded.
///
/// A state made of pages that somebody forged, digest and all, is not looked into: the digest is
/// the proof that the engine wrote it.
let snapshots = Parser(
  name: "Snapshots", bytesMax: 128,
  seeds: {
    func edit(_ what: UInt8, _ file: UInt8, _ unit: UInt16, _ byte: UInt8, _ rest: [UInt8])
      -> [UInt8]
    {
      [what | file << 3, UInt8(unit & 255), UInt8(unit >> 8), byte] + rest
    }
    let most = [UInt8](repeating: 0xff, count: 8)
    return [
      Seed("full", mode: 0, []), Seed("incremental", mode: 2, []), Seed("repaired", mode: 3, []),
      Seed("flipped-page", mode: 1, edit(0, 0, 128, 9, [1, 0xee])),
      Seed("page-number", mode: 1, edit(0, 0, 65, 0, [4, 0xff, 0xff, 0, 0])),
      Seed("chunk-count", mode: 1, edit(0, 0, 64, 12, [4, 0xff, 0, 0, 0])),
      Seed("chunks", mode: 1, edit(0, 0, 2, 52, [4, 0xff, 0xff, 0xff, 0xff])),
      Seed("place", mode: 1, edit(0, 0, 1, 24, [8] + most) + edit(0, 0, 1, 32, [8] + most)),
      Seed("cut", mode: 0, edit(3, 0, 130, 0, [0])),
      Seed("base-gone", mode: 2, edit(7, 0, 0, 0, [0])),
      Seed("base-changed", mode: 3, edit(0, 0, 128, 0, [1, 1])),
      Seed("its-own-base", mode: 3, edit(0, 1, 0, 56, [1, 12])),
      Seed("bytes-behind", mode: 1, edit(4, 1, 0, 0, [9, 9])),
      Seed("no-header", mode: 0, edit(3, 0, 3, 0, [0])),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    var files: [[UInt8]?] = stored.bytes
    var edits = Edits(input.dropFirst())
    edits.apply(to: &files, unit: 64)
    for (at, file) in files.enumerated() {
      let path = stored.files.path(stored.offsets[at])
      guard var bytes = file else {
        unlink(path)
        continue
      }
      if mode & 1 != 0 { repair(&bytes) }
      files[at] = bytes
      try FuzzFolder.write(bytes, path)
    }
    try check(stored.offsets[mode & 2 == 0 ? 0 : 1], isAsWritten: files == stored.bytes)
  })

/// Sets the hashes of chunks, the rolling one, and the header's checksum right.
private func repair(_ bytes: inout [UInt8]) {
  guard bytes.count >= SnapshotHeader.blockBytes else { return }
  var header = bytes.get(0, as: SnapshotHeader.self)
  var content = Hash128.zero
  var at = SnapshotHeader.blockBytes
  while at + SnapshotChunk.blockBytes <= bytes.count {
    var chunk = bytes.get(at, as: SnapshotChunk.self)
    let start = at + SnapshotChunk.blockBytes
    let end = min(bytes.count, start + Int(min(chunk.count, 255)) * pageBytes)
    chunk.hash = .init(Hash128(of: bytes[start..<end].span.bytes))
    bytes.put(chunk, at)
    let block = Slab(byteCount: SnapshotChunk.blockBytes)
    block.copy(from: bytes[at..<start].span, to: 0)
    content = SnapshotChunk.roll(content, block, at: 0)
    at = end
  }
  header.content = .init(content)
  header.crc = header.expectedCRC
  bytes.put(header, 0)
}

private func check(_ offset: UInt64, isAsWritten: Bool) throws {
  let files = stored.files
  do throws(SnapshotFault) {
    let header = try files.header(offset)
    let chain = try files.chain(offset)
    insist(chain.last == header && chain.first?.isIncremental == false, "\(chain)")
    for header in chain { try files.verify(header) }
    let partition = try files.load(
      offset, pool: stored.pool, digestEvery: 2_560, heldLines: 4_096)
    insist(partition.mark.offset == offset, "\(partition.mark)")
  } catch {
    switch error {
    case .damaged(let path, let byte, let reason):
      try require(path.hasPrefix(files.folder) && !reason.isEmpty && byte >= 0, "\(error)")
    case .disk(let fault): try require(fault.errno == ENOENT, "\(error)")
    case .journal, .history, .noRoom: throw error
    }
    try require(!isAsWritten, "refused as it was written: \(error)")
  }
  // Looking for what is good never ends by one that is not.
  _ = try files.goodOffsets { _ in }
}

/// A small hunt's two snapshots as the engine writes them.
nonisolated(unsafe) private let stored = Stored()

private final class Stored {
  let files: SnapshotFiles
  let pool: PagePool
  private(set) var offsets: [UInt64] = []
  private(set) var bytes: [[UInt8]] = []

  init() {
    var definition = HuntDefinition(name: "small")
    definition.limits.players = 20
    definition.limits.treasures = 4
    definition.limits.claims = 20
    definition.limits.producers = 4
    definition.limits.gaps = 8
    definition.limits.idempotencyKeys = 8
    definition.limits.names = 4
    definition.treasures = [TreasureSpec(id: 1, x: 2, y: 3)]
    let text = Array("type octile\nheight 4\nwidth 4\nmap\n....\n....\n....\n....\n".utf8)
    do {
      let map = try Topology(parsing: text.span, neighbourhood: .eight)
      let folder = HuntFolder(data: FuzzFolder.path, name: "snapshots")
      let manifest = try folder.create(definition, map: map, number: 3, segmentBytes: 1 << 20)
      files = SnapshotFiles(folder, definition, map, manifest)
      pool = PagePool(pageCount: 2 * Partition.pagesNeeded(definition, map))
      try play(definition, map)
    } catch { preconditionFailure("\(error)") }
  }

  private func play(_ definition: HuntDefinition, _ map: Topology) throws {
    let own = PagePool(pageCount: 4 * Partition.pagesNeeded(definition, map))
    var partition = Partition(
      definition, map: map, number: 3, digestEvery: 2_560, heldLines: 4_096, pool: own)
    var effects = EffectBuffer(capacity: 64)
    var base: SnapshotHeader?
    for round in 0..<2 {
      partition.beginReplay()
      for step in 0..<6 {
        let event = Event(
          kind: [.join, .move, .claim][step % 3], producer: 1,
          sequence: UInt64(round * 6 + step + 1), player: UInt64(round + 1), x: 2, y: 2,
          treasure: 1)
        _ = try partition.replay(event, &effects)
      }
      partition.endReplay()
      var image = try partition.image()
      let header = try files.write(
        &image, base.map { .incremental(base: $0) } ?? .full, bytesPerSecond: 0,
        isCancelled: { false },
        place: { () throws(SnapshotFault) in (JournalPlace(), 0) })
      offsets.append(header.offset)
      bytes.append(try Files.read(files.path(header.offset)))
      base = header
    }
  }
}
