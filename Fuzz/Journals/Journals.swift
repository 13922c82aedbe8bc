import Bounded
import Disk
import Events
import Glibc
import Journal

/// A journal of three segments, the last prepared and empty, changed by edits of 64-byte slots.
///
/// The first byte chooses: bit 0 whether the checksums of headers and frames are set right again,
/// bit 1 the links between frames too, bit 2 whether the first segment is compressed (its file is
/// number 3 of a second list of edits, behind a byte 255), bits 3...4 where a reader begins.
let journals = Parser(
  name: "Journals", bytesMax: 256,
  seeds: {
    func edit(_ what: UInt8, _ file: UInt8, _ slot: UInt16, _ byte: UInt8, _ rest: [UInt8])
      -> [UInt8]
    {
      [what | file << 3, UInt8(slot & 255), UInt8(slot >> 8), byte] + rest
    }
    let flipped = edit(0, 0, 70, 3, [1, 0xff])
    return [
      Seed("good", mode: 0, []), Seed("good-compressed", mode: 4, []),
      Seed("flipped", mode: 0, flipped), Seed("flipped-crc", mode: 1, flipped),
      Seed("flipped-linked", mode: 3, flipped), Seed("from-the-middle", mode: 8, []),
      Seed("tail-torn", mode: 0, edit(6, 1, 80, 0, [3])),
      Seed("segment-gone", mode: 0, edit(7, 0, 0, 0, [0])),
      Seed("segment-short", mode: 0, edit(3, 1, 100, 0, [0])),
      Seed("segment-odd-length", mode: 1, edit(4, 1, 0, 0, [5, 7])),
      Seed(
        "header-odd-length", mode: 1, edit(4, 1, 0, 0, [65, 0]) + edit(0, 1, 0, 24, [2, 0x41, 64])),
      Seed("frame-twice", mode: 0, edit(5, 1, 90, 0, [3, 64, 0])),
      Seed("count-most", mode: 3, edit(0, 1, 64, 24, [4, 0, 64, 0, 0])),
      Seed("offset-most", mode: 1, edit(0, 0, 64, 8, [8] + [UInt8](repeating: 0xff, count: 8))),
      Seed("bytes-behind", mode: 0, edit(0, 2, 90, 0, [1, 1])),
      Seed("zstd-cut", mode: 4, [255] + edit(3, 3, 3, 9, [0])),
      Seed("zstd-flipped", mode: 4, [255] + edit(0, 3, 1, 5, [1, 0x55])),
      Seed("zstd-behind", mode: 4, [255] + edit(4, 3, 0, 0, [9, 1])),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    let parts = input.dropFirst().split(
      separator: 255, maxSplits: 1, omittingEmptySubsequences: false)
    var files: [[UInt8]?] = goodJournal
    var edits = Edits(parts[0])
    edits.apply(to: &files, unit: 64)
    repair(&files, checksums: mode & 1 != 0, links: mode & 3 == 3)
    try put(files)
    if mode & 4 != 0, files[0] != nil {
      do throws(JournalFault) {
        _ = try segments.compress(1, bytesPerSecond: 0)
      } catch {
        // An empty file leaves nothing to compare with; its original is still there.
        insist("\(error)".contains(segments.folder), "a fault without a path: \(error)")
      }
      if parts.count > 1 { try editCompressed(parts[1]) }
    }
    try check(from: [0, 1, 40, 150][Int(mode >> 3 & 3)])
  })

private let identity: UInt64 = 0x1234_5678_9abc_def0
private let segmentSize = 16 << 10

private let segments = {
  let folder = FuzzFolder.path + "/journal"
  do { try Files.createFolder(folder) } catch { preconditionFailure("\(error)") }
  return Segments(folder: folder, identity: identity, segmentBytes: segmentSize)
}()

/// 131 events in a segment that was rolled over, 20 in the next one, none in the third.
private let goodJournal: [[UInt8]] = {
  var position = JournalPosition()
  let counts = [[1, 40, 60, 30], [5, 15], []]
  return counts.enumerated().map { at, counts in
    var bytes = [UInt8](repeating: 0, count: segmentSize)
    bytes.put(
      SegmentHeader(number: UInt64(at + 1), identity: identity, byteCount: segmentSize), 0)
    var place = SegmentHeader.blockBytes
    for count in counts {
      var frame = JournalFrame(
        firstOffset: position.offset, identity: identity, count: count,
        previous: position.previous, tick: Int64(position.offset), flushed: position.offset)
      bytes.put(frame, place)
      for event in 0..<count {
        let number = position.offset + UInt64(event)
        let move = Event(kind: .move, producer: 1, sequence: number + 1, player: 2)
        bytes.put(move, place + 64 + event * 64)
      }
      let whole = place..<(place + frame.frameBytes)
      frame.crc = crc32c(bytes[whole].span.bytes)
      bytes.put(frame, place)
      position.previous = Hash128(of: bytes[whole].span.bytes)
      position.offset += UInt64(count)
      place = whole.upperBound
    }
    return bytes
  }
}()

/// Sets right what only a forger would: checksums, and how frames follow one another.
private func repair(_ files: inout [[UInt8]?], checksums: Bool, links: Bool) {
  if !checksums { return }
  var previous: Hash128?
  for (at, file) in files.enumerated() {
    guard var bytes = file, bytes.count >= SegmentHeader.blockBytes else { continue }
    var header = bytes.get(0, as: SegmentHeader.self)
    header.crc = 0
    header.crc = crc32c(of: header, byteCount: 64)
    bytes.put(header, 0)
    var place = SegmentHeader.blockBytes
    while place + 64 <= bytes.count {
      var frame = bytes.get(place, as: JournalFrame.self)
      let whole = place..<min(bytes.count, place + 64 + Int(frame.count & 0x7fff) * 64)
      if frame.magic != JournalFrame.magicValue {
        place += 64
        continue
      }
      if links, let previous {
        frame.previousLow = previous.low
        frame.previousHigh = previous.high
      }
      frame.crc = 0
      bytes.put(frame, place)
      frame.crc = crc32c(bytes[whole].span.bytes)
      bytes.put(frame, place)
      previous = Hash128(of: bytes[whole].span.bytes)
      place = whole.upperBound
    }
    files[at] = bytes
  }
}

private func put(_ files: [[UInt8]?]) throws {
  for (at, file) in files.enumerated() {
    let number = UInt64(at + 1)
    unlink(segments.compressedPath(number))
    if let file {
      try FuzzFolder.write(file, segments.path(number))
    } else {
      unlink(segments.path(number))
    }
  }
}

private func editCompressed(_ edits: ArraySlice<UInt8>) throws {
  let path = segments.compressedPath(1)
  if access(path, R_OK) != 0 { return }
  var files: [[UInt8]?] = [nil, nil, nil, try Files.read(path)]
  var list = Edits(edits)
  list.apply(to: &files, unit: 16)
  if let file = files[3] { try FuzzFolder.write(file, path) } else { unlink(path) }
}

/// The frames of a journal as both its readers see them.
private func check(from offset: UInt64) throws {
  let first = recovered(repairTail: false)
  let read = readOn(from: offset)
  guard let first else {
    // Whatever is wrong is named, and recovery that may repair refuses it too.
    return try require(recovered(repairTail: true) == nil, "refused, and not if it may repair")
  }
  if offset == 0, let read {
    // The reader ends with a fault at a torn tail; as far as it got, it read the same.
    try require(read == Array(first.events.prefix(read.count)), "the readers disagree")
  }
  guard let mended = recovered(repairTail: true), let again = recovered(repairTail: false) else {
    throw Broken("the journal is refused once its tail was cut")
  }
  try require(mended.events == first.events && again.events == first.events, "cutting changed it")
  try require(again.torn == 0, "\(again.torn) torn bytes are left")
}

/// Sequences of the events in a journal, and bytes cut at its end; nil when it is refused.
private func recovered(repairTail: Bool) -> (events: [UInt64], torn: Int)? {
  var events: [UInt64] = []
  do throws(JournalFault) {
    let found = try segments.recover(repairTail: repairTail) {
      frame throws(InconsistentJournal) in
      events += sequences(frame)
    }
    return (events, found.tornBytes)
  } catch {
    insist("\(error)".contains(segments.folder), "a fault without a path: \(error)")
    return nil
  }
}

private func readOn(from offset: UInt64) -> [UInt64]? {
  var events: [UInt64] = []
  do throws(JournalFault) {
    var reader = try JournalReader(segments, from: offset)
    while let frame = try reader.next() { events += sequences(frame) }
    return events
  } catch {
    insist("\(error)".contains(segments.folder), "a fault without a path: \(error)")
    return nil
  }
}

private func sequences(_ frame: RecoveredFrame) -> [UInt64] {
  (0..<Int(frame.header.count)).map {
    frame.bytes.load(frame.eventsAt + $0 * 64, as: Event.self).sequence
  }
}
