import Bounded
import Journal

extension JournalReader {
  /// Bytes read at once while looking for a frame, so that one read meets the headers of many small
  /// frames; behind a frame of more than that, `headerBytes`.
  private static let lookBytes = 16 << 10
  /// The block that a header lies in.
  private static let headerBytes = 4 << 10

  /// Where the frame that holds event `offset` starts in a segment, found by the headers alone.
  ///
  /// Nothing is read twice and nothing is hashed. Of frames up to 16 KiB that lie before the one
  /// wanted all bytes may be read, of a larger one a block of 4 KiB, but for one behind a smaller
  /// frame: up to 16 KiB.
  ///
  /// A header's checksum covers its events too, so headers are followed as long as each names the
  /// offset that the one before leads to. Where one does not, nothing is skipped: whoever reads
  /// every frame from the start finds what is wrong, and where.
  ///
  /// - Returns: A place at or before the frame; the first frame's where headers do not lead there.
  static func find(
    _ offset: UInt64, in source: SegmentSource, identity: UInt64
  ) throws(JournalFault) -> Int {
    let first = SegmentHeader.blockBytes
    // What is compressed is read from its beginning anyhow.
    if source.isCompressed { return first }
    let buffer = Slab(byteCount: lookBytes, zeroed: false)
    var at = first
    var hop = 0
    var base = 0
    var filled = 0
    var expected: UInt64?
    while at + JournalFrame.byteCount <= source.byteCount {
      if at < base || at + JournalFrame.byteCount > base + filled {
        base = at & ~4095
        let wanted = hop > lookBytes ? headerBytes : lookBytes
        filled = try source.read(
          buffer, to: 0, count: min(wanted, source.byteCount - base), at: base)
        if at + JournalFrame.byteCount > base + filled { return first }
      }
      let header = buffer.load(at - base, as: JournalFrame.self)
      // What is not written yet.
      if header.magic == 0, expected == offset { return at }
      guard header.magic == JournalFrame.magicValue, header.version == 1 || header.isEnd,
        header.identity == identity, header.isEnd == (header.count == 0),
        header.count <= JournalFrame.countMax,
        header.firstOffset == expected ?? header.firstOffset, header.firstOffset <= offset
      else { return first }
      // The event comes first in the next segment.
      if header.isEnd { return header.firstOffset == offset ? at : first }
      let next = header.firstOffset + UInt64(header.count)
      if next > offset { return at }
      expected = next
      hop = header.frameBytes
      at += hop
    }
    return first
  }
}
