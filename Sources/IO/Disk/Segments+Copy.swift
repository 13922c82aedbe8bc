import Bounded
import Glibc
import Journal

/// The segments of a journal held open, so that what retention puts away meanwhile is still there.
public struct PinnedSegments {
  /// Ascending; each the segment as it was written, or compressed.
  public let files: [(number: UInt64, name: String, file: SharedFile)]
  /// Where the journal may still be written: index of the first segment that no frame follows.
  let openIndex: Int
}

extension Segments {
  /// Opens every segment; nil when one was put away in between, so that another look is needed.
  public func pin() throws(JournalFault) -> PinnedSegments? {
    var files: [(number: UInt64, name: String, file: SharedFile)] = []
    let numbers = try disk { () throws(DiskFault) in try self.numbers() }
    for number in numbers {
      let plain = path(number)
      let packed = compressedPath(number)
      if let file = try disk({ () throws(DiskFault) in try SharedFile.reading(plain) }) {
        files.append((number, "\(plain.dropFirst(folder.utf8.count + 1))", file))
      } else if let file = try disk({ () throws(DiskFault) in try SharedFile.reading(packed) }) {
        files.append((number, "\(packed.dropFirst(folder.utf8.count + 1))", file))
      } else {
        return nil
      }
      let first = files[0].number
      guard number == first + UInt64(files.count - 1) else {
        throw .missingSegment(path: path(first + UInt64(files.count - 1)))
      }
    }
    // From the end: a segment without a frame leaves the one before it open.
    var open = files.count - 1
    while open > 0, try !hasFrame(files[open].file) { open -= 1 }
    return PinnedSegments(files: files, openIndex: max(open, 0))
  }

  private func hasFrame(_ shared: SharedFile) throws(JournalFault) -> Bool {
    if shared.file.path.hasSuffix(".zst") { return true }
    let block = Slab(byteCount: 64)
    let got = try disk { () throws(DiskFault) in
      try shared.file.read(block, to: 0, count: 64, at: SegmentHeader.blockBytes)
    }
    return got == 64 && block.load(0, as: UInt64.self) != 0
  }

  /// Copies what was pinned into `target`: closed segments as they are, of the open one what stands
  /// up to its last whole frame, the rest zeros. An engine may be writing.
  ///
  /// - Parameter took: Gets the name and the sum of each file.
  public func copy(
    _ pinned: PinnedSegments, to target: String, bytesPerSecond: Int,
    _ took: (String, FileSum) -> Void
  ) throws(JournalFault) {
    for (at, entry) in pinned.files.enumerated() where at <= pinned.openIndex {
      let path = target + "/" + entry.name
      let isOpen = at == pinned.openIndex && !entry.name.hasSuffix(".zst")
      let end = isOpen ? try wholeEnd(entry.file) : nil
      let sum = try disk { () throws(DiskFault) in
        let size = try entry.file.file.size()
        return try entry.file.file.copy(
          to: path, byteCount: end ?? size, padding: size, bytesPerSecond: bytesPerSecond)
      }
      took(entry.name, sum)
    }
  }

  /// The byte behind the last whole frame of a segment that may be growing.
  private func wholeEnd(_ shared: SharedFile) throws(JournalFault) -> Int {
    let size = try disk { () throws(DiskFault) in try shared.file.size() }
    let bytes = Slab(byteCount: max(size, 4096), zeroed: false)
    var at = SegmentHeader.blockBytes
    var position: JournalPosition?
    for attempt in 1...20 {
      let from = at & ~4095
      let got = try disk { () throws(DiskFault) in
        try shared.file.read(bytes, to: from, count: max(0, size - from), at: from)
      }
      guard got == max(0, size - from) else {
        throw .segmentLength(path: shared.file.path, expected: size, found: from + got)
      }
      var fault = "zeros where a frame should be"
      reading: while at + JournalFrame.byteCount <= size {
        let header = bytes.load(at, as: JournalFrame.self)
        let expected =
          position ?? JournalPosition(offset: header.firstOffset, previous: header.previous)
        switch JournalFrame.read(
          bytes, at: at, byteCount: size, identity: identity, position: expected)
        {
        case .frame(let header, let hash):
          position = JournalPosition(
            offset: header.firstOffset + UInt64(header.count), previous: hash)
          at += header.frameBytes
        case .end: break reading
        case .damaged(let found):
          fault = "\(found)"
          break reading
        }
      }
      // A whole frame behind what is none: written while this was read, or damage.
      let offset = position?.offset ?? 0
      guard
        let later = JournalFrame.anyFrame(
          bytes, from: min(at + 64, size), byteCount: size, identity: identity, offset: offset)
      else { return at }
      if attempt == 20 {
        throw .damaged(
          path: shared.file.path, byte: at, offset: offset,
          fault: "\(fault); a frame follows at byte \(later)")
      }
    }
    return at
  }
}
