import Bounded
import Disk
import Events
import Glibc
import Journal
import Testkit

/// Where a frame stands, for naming what damages it.
struct Place: Equatable {
  var segment: UInt64
  var at: Int
  var frameBytes: Int
  /// Journal offset after the frame.
  var through: UInt64
}

/// A journal written by the real writer into real files, on a disk whose power can be cut.
///
/// What was written since the last flush may be on the disk or not, sector of 512 bytes by sector, and
/// in any order. What was flushed is there. It does not simulate lost metadata (segments are written
/// ahead, so writes change none) nor a disk that lies about a flush.
final class JournalOnDisk {
  let segments: Segments
  private(set) var places: [Place] = []
  /// Events written, and how many of them were flushed.
  private(set) var written: UInt64
  private(set) var flushed: UInt64
  private var writer: JournalWriter
  private var unflushed: [(request: JournalWriter.Request, bytes: Slab)] = []

  /// A new journal, or one that goes on where recovery ended.
  init(_ segments: Segments, from journal: RecoveredJournal = RecoveredJournal()) throws {
    self.segments = segments
    writer = JournalWriter(
      identity: segments.identity, segmentBytes: segments.segmentBytes, segment: journal.segment,
      fileOffset: journal.fileOffset, position: journal.position)
    writer.restoreTail(from: journal.tail, at: 0)
    written = journal.position.offset
    flushed = written
    try segments.prepare(writer.segment)
  }

  /// A new journal in `folder` whose first segment is closed, and which goes on behind it.
  static func closingOne(_ folder: Folder, _ random: inout TestRandom) throws -> JournalOnDisk {
    let disk = try JournalOnDisk(
      Segments(folder: folder.path, identity: 7, segmentBytes: segmentBytesMin))
    while disk.segment < 2 { try disk.writeFlushed(&random) }
    try disk.writeFlushed(&random)
    return disk
  }

  var room: Int { writer.room }
  var segment: UInt64 { writer.segment }

  /// Writes a frame of the next `count` events; it is on disk for certain only after `flush`.
  func write(_ count: Int) throws {
    let start = writer.tailBytes
    for number in 0..<UInt64(count) { writer.append(numbered(written + number)) }
    if writer.segment != places.last?.segment { try flush() }
    let request = writer.seal(tick: Int64(written), flushed: flushed)
    try segments.prepare(request.segment)
    unflushed.append((request, Slab(copying: writer.buffer, byteCount: request.count)))
    writer.wrote()
    written = request.through
    places.append(
      Place(
        segment: request.segment, at: request.fileOffset + start, frameBytes: 64 + count * 64,
        through: written))
  }

  /// Writes a flushed frame of random length, as `durability: batch` does.
  func writeFlushed(_ random: inout TestRandom) throws {
    try write(randomCount(&random, room: room))
    try flush()
  }

  /// Brings everything written onto the disk.
  func flush() throws {
    for (request, bytes) in unflushed { try put(request, bytes) { _ in true } }
    unflushed = []
    flushed = written
  }

  /// The power is cut: of each sector written since the last flush, any version may be what is there.
  func cut(keeps: (Int) -> Bool) throws {
    for (request, bytes) in unflushed { try put(request, bytes, keeps) }
    unflushed = []
  }

  private func put(
    _ request: JournalWriter.Request, _ bytes: Slab, _ keeps: (Int) -> Bool
  ) throws {
    let file = try File(segments.path(request.segment), O_RDWR)
    for sector in 0..<(request.count / 512) where keeps(sector) {
      try file.write(bytes, from: sector * 512, count: 512, at: request.fileOffset + sector * 512)
    }
  }
}

/// Frame lengths as they occur: mostly short, sometimes a burst, sometimes all there is room for.
func randomCount(_ random: inout TestRandom, room: Int) -> Int {
  let wanted =
    switch random.below(10) {
    case 0...4: 1 + random.below(8)
    case 5...7: 1 + random.below(200)
    case 8: 1 + random.below(6_000)
    default: room
    }
  return min(wanted, room)
}

/// Ways in which the sectors of a write reach the disk, or do not.
func tear(_ random: inout TestRandom, sectors: Int) -> (Int) -> Bool {
  let cut = random.below(sectors + 1)
  switch random.below(5) {
  case 0: return { $0 < cut }
  case 1: return { $0 >= cut }
  case 2: return { $0 != cut }
  case 3: return { $0 / 8 != 0 }  // the first block is lost, all others are there
  default:
    let seed = random.next()
    return { mixed(seed &+ UInt64($0)) & 1 == 0 }
  }
}
