import Bounded
import CSystem
import Disk
import Glibc
import Journal
import Testing

// A segment that was put away becomes the next one, unless somebody still reads it.

/// Inode of the file at `path`; 0 when there is none.
private func inode(_ path: String) -> UInt64 {
  var status = stat()
  return stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
}

private func bytes(_ file: borrowing File) throws -> [UInt8] {
  let size = try file.size()
  let slab = Slab(byteCount: size)
  guard try file.read(slab, to: 0, count: size, at: 0) == size else { return [] }
  return (0..<size).map { slab.load($0, as: UInt8.self) }
}

/// The blocks of a segment that nobody reads are used again, and hold nothing of it then.
@Test func segmentsPutAwayAreUsedAgain() throws {
  let folder = Folder()
  let segments = Segments(folder: folder.path, identity: 7, segmentBytes: segmentBytesMin)
  try segments.prepare(1)
  let first = inode(segments.path(1))
  try segments.discard(1)
  try segments.prepare(2)
  #expect(inode(segments.path(2)) == first && inode(segments.path(1)) == 0)
}

/// What a backup or a fork holds open stays what it was, whatever the engine prepares meanwhile.
///
/// A crash run (seed 601, round 23) made a backup while old segments were compressed: the copy of
/// segment 37 had the header of segment 57, and the backup was refused as damaged.
@Test func aSegmentThatIsReadIsNotWrittenOver() throws {
  let folder = Folder()
  let segments = Segments(folder: folder.path, identity: 7, segmentBytes: segmentBytesMin)
  try segments.prepare(1)
  guard let held = try SharedFile.reading(segments.path(1)) else {
    Issue.record("segment 1 is not there")
    return
  }
  let before = try bytes(held.file)
  try segments.discard(1)
  try segments.prepare(2)
  #expect(try bytes(held.file) == before)
  #expect(inode(segments.path(2)) != 0)
  #expect(try SharedFile.reading(segments.path(1)) == nil)
}

/// A name that went to another file between opening and looking is no file: the other would be read
/// under a wrong number.
@Test func aNameThatMovedIsNotThere() throws {
  let folder = Folder()
  let segments = Segments(folder: folder.path, identity: 7, segmentBytes: segmentBytesMin)
  try segments.prepare(1)
  let file = try File(segments.path(1), O_RDONLY)
  func isNamed(_ number: UInt64) -> Bool {
    vx_is_named(file.descriptor, segments.path(number)) == 1
  }
  #expect(isNamed(1) && !isNamed(2))
  try Files.rename(segments.path(1), segments.path(2))
  #expect(!isNamed(1) && isNamed(2))
  try segments.prepare(1)
  #expect(!isNamed(1))
}
