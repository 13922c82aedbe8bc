import Bounded
import Glibc
import Journal

/// The bytes of one segment, whether it lies on the disk as it was written or compressed.
final class SegmentSource {
  let number: UInt64
  let path: String
  private let plain: SharedFile?
  private var packed: ZstdReader?
  /// Length of the segment, uncompressed.
  private(set) var byteCount = 0
  /// Bytes that `read` has given.
  private(set) var bytesRead = 0
  var isCompressed: Bool { packed != nil }

  /// Opens segment `number` and checks its first block. While it is opened the engine may be
  /// replacing it by its compressed form.
  init(_ segments: Segments, _ number: UInt64) throws(JournalFault) {
    self.number = number
    do throws(DiskFault) {
      plain = try SharedFile.reading(segments.path(number))
      if plain != nil {
        path = segments.path(number)
      } else {
        path = segments.compressedPath(number)
        packed = try ZstdReader(path)
      }
    } catch {
      if error.errno == ENOENT { throw .missingSegment(path: segments.path(number)) }
      throw .disk(error)
    }
    let first = Slab(byteCount: SegmentHeader.blockBytes)
    let got = try read(first, to: 0, count: first.byteCount, at: 0)
    let header = first.load(0, as: SegmentHeader.self)
    guard got == first.byteCount, header.isValid(number: number, identity: segments.identity)
    else { throw .segmentHeader(path: path) }
    byteCount = Int(clamping: header.byteCount)
    if isCompressed { return }
    let size: Int
    do throws(DiskFault) { size = try plain?.file.size() ?? 0 } catch { throw .disk(error) }
    // A segment is written to its full length before it is used, so a shorter one lost its end.
    guard size == byteCount else {
      throw .segmentLength(path: path, expected: byteCount, found: size)
    }
  }

  /// What was read is on disk, not only in the cache of a crashed writer; and a compressed segment
  /// that was read to its end ends there, its checksum right.
  func finish() throws(JournalFault) {
    guard let packed else {
      do throws(DiskFault) { try plain?.file.flushData() } catch { throw .disk(error) }
      return
    }
    let more = Slab(byteCount: 64)
    if try packed.read(more, to: 0, count: 64) != 0 {
      throw .segmentLength(path: path, expected: byteCount, found: byteCount + 64)
    }
  }

  /// Reads up to `count` bytes from byte `at` of the segment; fewer only at its end.
  ///
  /// - Complexity: O(count); where the segment is compressed and `at` lies before what was read
  ///   last, O(at).
  func read(
    _ slab: Slab, to: Int, count: Int, at: Int
  ) throws(JournalFault) -> Int {
    let got = try readWhole(slab, to: to, count: count, at: at)
    bytesRead += got
    return got
  }

  private func readWhole(
    _ slab: Slab, to: Int, count: Int, at: Int
  ) throws(JournalFault) -> Int {
    guard var packed else {
      do throws(DiskFault) {
        return try plain?.file.read(slab, to: to, count: count, at: at) ?? 0
      } catch { throw .disk(error) }
    }
    if packed.position > at {
      do throws(DiskFault) { packed = try ZstdReader(path) } catch { throw .disk(error) }
      self.packed = packed
    }
    while packed.position < at {
      if try packed.read(slab, to: to, count: min(at - packed.position, count)) == 0 { return 0 }
    }
    return try packed.read(slab, to: to, count: count)
  }
}
