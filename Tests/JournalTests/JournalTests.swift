import Bounded
import Events
import Journal
import Testing
import Testkit

// The writer and the reader of frames against a disk in memory. What recovery makes of whole folders
// (missing, foreign and swapped segments, torn ends) is checked in DiskTests.

private let segmentBytes = 1 << 20

/// Any batches, written as the requests say, are read back frame by frame: events, ticks, offsets and
/// places. Every request is whole blocks inside its segment, and repeats the older bytes of its first
/// block unchanged.
@Test func whatIsWrittenIsRead() {
  #expect(
    forAll(cases: 6) { random in
      let identity = random.next()
      var image = Image(identity: identity, segmentBytes: segmentBytes)
      var writer = JournalWriter(identity: identity, segmentBytes: segmentBytes)
      var written: [Written] = []
      var count: UInt64 = 0
      while writer.segment < 3 || written.count < 40 {
        let room = writer.room
        if room < 64 || room > JournalFrame.countMax { return false }
        let tail = writer.tailBytes
        let (request, frame) = seal(
          &writer, count: randomCount(&random, room: room), tick: Int64(random.below(1 << 40)),
          &random)
        if !image.segment(request.segment).equals(
          request.fileOffset, writer.buffer, 0, count: tail)
        {
          return false
        }
        image.write(request, writer.buffer)
        writer.wrote()
        written.append(frame)
        count += UInt64(frame.events.count)
        if request.through != count || writer.position.offset != count { return false }
      }
      let read = readAll(&image)
      return image.complaints.isEmpty && read.frames == written && read.end == .end
        && read.position == writer.position
    })
}

/// A writer that goes on where another stopped writes what the other would have written.
@Test func aRestartedWriterGoesOn() {
  #expect(
    forAll(cases: 4) { random in
      let identity = random.next()
      var image = Image(identity: identity, segmentBytes: segmentBytes)
      var writer = JournalWriter(identity: identity, segmentBytes: segmentBytes)
      var written: [Written] = []
      var at = (segment: UInt64(1), offset: SegmentHeader.blockBytes)
      for _ in 0..<60 {
        if random.chance(30) {
          // Only what stands on the disk, and the position that reading it gave, is carried over.
          let position = readAll(&image).position
          if position != writer.position { return false }
          writer = JournalWriter(
            identity: identity, segmentBytes: segmentBytes, segment: at.segment,
            fileOffset: at.offset, position: position)
          let block = image.segment(at.segment)
          if at.offset < segmentBytes {
            writer.restoreTail(from: block, at: at.offset & ~4095)
          }
        }
        let (request, frame) = seal(
          &writer, count: randomCount(&random, room: writer.room), tick: 7, &random)
        image.write(request, writer.buffer)
        writer.wrote()
        written.append(frame)
        at = (frame.segment, frame.at + 64 + frame.events.count * 64)
      }
      return readAll(&image).frames == written && image.complaints.isEmpty
    })
}

/// Whatever number of events is left to the end of a segment, the next frame goes on in it or in the
/// next one, and reading finds it there: every remainder from none to two blocks is tried.
@Test func segmentsRollOverAtTheirVeryEnd() {
  var random = TestRandom(seed: runSeed)
  var rolled = 0
  for left in 0...130 {
    var image = Image(identity: 5, segmentBytes: segmentBytes)
    // Start so near the end that one frame of 64 events or more leaves `left` slots.
    let slots = segmentBytes / 64
    let first = 70
    let start = (slots - left - first - 1) * 64
    var writer = JournalWriter(
      identity: 5, segmentBytes: segmentBytes, segment: 1, fileOffset: start)
    let (request, one) = seal(&writer, count: first, tick: 1, &random)
    #expect(request.segment == 1 && writer.room == left)
    image.write(request, writer.buffer)
    writer.wrote()
    if writer.segment == 2 { rolled += 1 }
    #expect((left < 65) == (writer.segment == 2), "\(left) slots left")
    let (next, two) = seal(&writer, count: writer.room > 0 ? 1 : 0, tick: 2, &random)
    image.write(next, writer.buffer)
    #expect(image.complaints.isEmpty)
    // Reading starts at the first frame, wherever it stands.
    var position = JournalPosition()
    for frame in [one, two] {
      let reading = JournalFrame.read(
        image.segment(frame.segment), at: frame.at, byteCount: segmentBytes, identity: 5,
        position: position)
      guard case .frame(let header, let hash) = reading else {
        Issue.record("\(left) slots left: \(reading)")
        return
      }
      position = JournalPosition(
        offset: position.offset + UInt64(header.count), previous: hash)
    }
  }
  #expect(rolled == 65)
}

/// A torn write, any subset of the sectors of the last request, leaves the last frame whole or not
/// there; the frames before it are read as they were, and no part of the torn one passes for a frame.
@Test func aTornWriteLeavesTheFramesBefore() {
  var outcomes: Set<String> = []
  #expect(
    forAll(cases: 150) { random in
      let identity = random.next()
      var image = Image(identity: identity, segmentBytes: segmentBytes)
      var writer = JournalWriter(identity: identity, segmentBytes: segmentBytes)
      var written: [Written] = []
      for _ in 0..<random.below(5) {
        let (request, frame) = seal(
          &writer, count: min(writer.room, 1 + random.below(150)), tick: 3, &random)
        image.write(request, writer.buffer)
        writer.wrote()
        written.append(frame)
      }
      let (request, last) = seal(
        &writer, count: min(writer.room, 1 + random.below(random.chance(50) ? 8 : 300)), tick: 4,
        &random)
      let sectors = request.count / 512
      let pattern = random.below(4)
      let cut = random.below(sectors + 1)
      image.write(request, writer.buffer) { sector in
        switch pattern {
        case 0: sector < cut
        case 1: sector >= cut
        case 2: sector != cut
        default: random.chance(50)
        }
      }
      let (frames, end, position) = readAll(&image)
      if frames == written {
        outcomes.insert(end == .end ? "end" : "damaged")
        let slab = image.segment(last.segment)
        return JournalFrame.anyFrame(
          slab, from: last.at, byteCount: segmentBytes, identity: identity,
          offset: position.offset) == nil
      }
      outcomes.insert("whole")
      return frames == written + [last]
    })
  #expect(outcomes == ["end", "damaged", "whole"], "the tears no longer reach every outcome")
}

/// One flipped bit anywhere in a frame is damage, never a frame and never an end.
@Test func everyFlippedBitIsSeen() {
  var random = TestRandom(seed: runSeed)
  var image = Image(identity: 9, segmentBytes: segmentBytes)
  var writer = JournalWriter(identity: 9, segmentBytes: segmentBytes)
  let (request, frame) = seal(&writer, count: 3, tick: 5, &random)
  image.write(request, writer.buffer)
  let slab = image.segment(1)
  for bit in 0..<(4 * 64 * 8) {
    let at = frame.at + bit / 8
    slab.update(at, as: UInt8.self) { $0 ^= 1 << UInt8(bit & 7) }
    let reading = JournalFrame.read(
      slab, at: frame.at, byteCount: segmentBytes, identity: 9, position: JournalPosition())
    if case .damaged = reading {} else { Issue.record("bit \(bit): \(reading)") }
    slab.update(at, as: UInt8.self) { $0 ^= 1 << UInt8(bit & 7) }
  }
}

/// Each fault of a frame is named: the frame is whole but not the one that belongs here, or its header
/// is not one.
@Test func everyFrameFaultIsNamed() {
  var random = TestRandom(seed: 1)
  var image = Image(identity: 9, segmentBytes: segmentBytes)
  var writer = JournalWriter(identity: 9, segmentBytes: segmentBytes)
  let (request, frame) = seal(&writer, count: 2, tick: 5, &random)
  image.write(request, writer.buffer)
  let slab = image.segment(1)
  func read(
    identity: UInt64 = 9, position: JournalPosition = JournalPosition(), byteCount: Int = 1 << 20
  ) -> Journal.FrameReading {
    JournalFrame.read(
      slab, at: frame.at, byteCount: byteCount, identity: identity, position: position)
  }
  func changed(_ change: (inout JournalFrame) -> Void) -> Journal.FrameReading {
    let held = slab.load(frame.at, as: JournalFrame.self)
    slab.update(frame.at, as: JournalFrame.self) { change(&$0) }
    defer { slab.store(held, frame.at) }
    return read()
  }
  #expect(read(identity: 8) == .damaged(.foreignHunt(9)))
  #expect(read(position: JournalPosition(offset: 4)) == .damaged(.offset(expected: 4, found: 0)))
  #expect(read(position: JournalPosition(previous: Hash128(high: 1, low: 1))) == .damaged(.chain))
  #expect(
    read(byteCount: frame.at + 128) == .damaged(.cutOff(needed: 192, available: 128)))
  #expect(changed({ $0.magic ^= 1 }) == .damaged(.notAFrame))
  #expect(changed({ $0.version = 3 }) == .damaged(.unsupportedVersion(3)))
  // A frame that ends its segment has no events.
  #expect(changed({ $0.version = 2 }) == .damaged(.countOutOfRange(2)))
  #expect(changed({ $0.count = 0 }) == .damaged(.countOutOfRange(0)))
  #expect(changed({ $0.count = 16_385 }) == .damaged(.countOutOfRange(16_385)))
  // The offset behind such a frame would not fit; the reader trapped (found by Fuzz/Journals).
  #expect(changed({ $0.firstOffset = .max - 1 }) == .damaged(.offsetOutOfRange(.max - 1)))
  #expect(changed({ $0.crc ^= 1 }) == .damaged(.checksum))
  #expect(changed({ $0.tick += 1 }) == .damaged(.checksum))
  if case .frame = read() {} else { Issue.record("the frame was not restored") }
  #expect(
    JournalFrame.read(
      slab, at: segmentBytes - 32, byteCount: segmentBytes, identity: 9,
      position: JournalPosition()) == .end)
}

/// Layouts on disk are as long as their tables say, and a segment's header with one bit changed, or of
/// another number or hunt, is not valid.
@Test func segmentHeadersAreExact() {
  #expect(MemoryLayout<JournalFrame>.size == JournalFrame.byteCount)
  #expect(MemoryLayout<SegmentHeader>.size == 64)
  let slab = Slab(byteCount: 64)
  let header = SegmentHeader(number: 7, identity: 3, byteCount: segmentBytes)
  slab.store(header, 0)
  #expect(header.isValid(number: 7, identity: 3))
  #expect(!header.isValid(number: 8, identity: 3))
  #expect(!header.isValid(number: 7, identity: 4))
  // A length that is not whole blocks, checksum and all, let recovery read past the end of what it
  // holds (found by Fuzz/Journals).
  for byteCount in [0, 4_095, 4_096 + 65, segmentBytes + 8, .max] {
    let odd = SegmentHeader(number: 7, identity: 3, byteCount: byteCount)
    #expect(!odd.isValid(number: 7, identity: 3), "\(byteCount) bytes")
  }
  for bit in 0..<512 {
    slab.update(bit / 8, as: UInt8.self) { $0 ^= 1 << UInt8(bit & 7) }
    #expect(!slab.load(0, as: SegmentHeader.self).isValid(number: 7, identity: 3), "bit \(bit)")
    slab.update(bit / 8, as: UInt8.self) { $0 ^= 1 << UInt8(bit & 7) }
  }
}
