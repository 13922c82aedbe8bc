public import Bounded
import Glibc

/// A file that is closed when its last owner goes. Its bytes stay readable, and what they are, when
/// its name is removed or its blocks are wanted for another file.
public final class SharedFile {
  public let file: File

  public init(_ file: consuming File) { self.file = file }

  /// Opens `path` for reading; nil when there is no such file.
  public static func reading(_ path: String) throws(DiskFault) -> SharedFile? {
    do throws(DiskFault) { return SharedFile(try File(reading: path)) } catch {
      if error.errno == ENOENT { return nil }
      throw error
    }
  }
}

/// Length and hash of a file's bytes: XXH3-128 of each MiB, each seeded by the one before.
public struct FileSum: Equatable, Sendable {
  public var byteCount = 0
  public var hash = Hash128.zero

  public init() {}
  public init(byteCount: Int, hash: Hash128) {
    self.byteCount = byteCount
    self.hash = hash
  }

  /// Takes the next MiB, or the last piece, of the file.
  public mutating func add(_ slab: Slab, count: Int) {
    let next = slab.hash(0, count: count, seed: hash.low)
    hash = Hash128(high: mixed(hash.high ^ next.high), low: next.low)
    byteCount += count
  }
}

extension File {
  /// Copies the first `byteCount` bytes (all when nil) to the new file `path`, durably and not
  /// faster than `bytesPerSecond`; what follows up to `padding` is zeros.
  public func copy(
    to path: String, byteCount: Int? = nil, padding: Int = 0, bytesPerSecond: Int
  ) throws(DiskFault) -> FileSum {
    let given = try size()
    let size = byteCount ?? given
    let end = max(size, padding)
    var output = try PacedFile(path, bytesPerSecond: bytesPerSecond)
    let slab = Slab(byteCount: PacedFile.chunkBytes, zeroed: false)
    var sum = FileSum()
    while sum.byteCount < end {
      let at = sum.byteCount
      let count = min(slab.byteCount, end - at)
      let wanted = max(0, min(count, size - at))
      if try read(slab, to: 0, count: wanted, at: at) != wanted {
        throw DiskFault("read", self.path, errno: EIO)
      }
      slab.zero(wanted, count: count - wanted)
      try output.append(slab, from: 0, count: count)
      sum.add(slab, count: count)
    }
    try output.finish()
    return sum
  }
}
