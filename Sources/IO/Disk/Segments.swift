import Bounded
import Glibc
import Journal
import Machine

/// The segment files of one journal: `00000001.vj`, `00000002.vj`, ... in a folder of their own.
public struct Segments: Sendable {
  public let folder: String
  public let identity: UInt64
  /// Length of a new segment file.
  public let segmentBytes: Int

  public init(folder: String, identity: UInt64, segmentBytes: Int) {
    self.folder = folder
    self.identity = identity
    self.segmentBytes = segmentBytes
  }

  public func path(_ number: UInt64) -> String {
    let digits = String(number)
    return folder + "/" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".vj"
  }

  /// Where segment `number` lies once it is closed, older than every snapshot, and compressed.
  public func compressedPath(_ number: UInt64) -> String { path(number) + ".zst" }

  public func exists(_ number: UInt64) -> Bool {
    Files.exists(path(number)) || Files.exists(compressedPath(number))
  }

  /// Numbers of the segments that exist, compressed or not, ascending.
  public func numbers() throws(DiskFault) -> [UInt64] {
    var numbers: [UInt64] = []
    for name in try Files.list(folder) {
      let isCompressed = name.hasSuffix(".vj.zst")
      guard isCompressed || name.hasSuffix(".vj") else { continue }
      guard let number = UInt64(name.dropLast(isCompressed ? 7 : 3)) else { continue }
      // The two forms of a number stand beside each other in the list.
      if numbers.last != number { numbers.append(number) }
    }
    return numbers.sorted()
  }

  /// The first segment that exists; nil when there is none.
  public func firstNumber() throws(JournalFault) -> UInt64? {
    do throws(DiskFault) { return try numbers().first } catch { throw .disk(error) }
  }

  /// Bytes written at once while a segment is prepared.
  static let prepareBytes = 1 << 18

  /// Writes segment `number` full of zeros behind its header and makes it durable, so that later
  /// writes change no metadata. Does nothing when it exists.
  ///
  /// - Parameter paceNs: Called after each 256 KiB; nanoseconds to rest, so that the journal's own
  ///   writes are not delayed.
  public func prepare(_ number: UInt64, pace: () -> Int64 = { 0 }) throws(DiskFault) {
    let path = path(number)
    if Files.exists(path) { return }
    let temporary = path + ".new"
    let chunk = Self.prepareBytes
    let zeros = Slab(byteCount: chunk)
    do {
      // Past the page cache, and flushed once at the end: flushes in between would make the
      // journal's own writes wait for the file system's log.
      let file = try File(filling: temporary, spare: sparePath)
      try file.reserve(segmentBytes)
      var at = 0
      while at < segmentBytes {
        let count = min(chunk, segmentBytes - at)
        if at == 0 {
          zeros.store(
            SegmentHeader(number: number, identity: identity, byteCount: segmentBytes), 0)
        }
        try file.write(zeros, from: 0, count: count, at: at)
        if at == 0 { zeros.zero(0, count: SegmentHeader.blockBytes) }
        at += count
        let rest = pace()
        if rest > 0 { ThisMachine.sleep(ns: rest) }
      }
      try file.flush()
    }
    try Files.rename(temporary, path)
  }
}

/// How soon written events are flushed.
public enum Durability: Equatable, Sendable {
  /// Every group commit is flushed before it is acknowledged: nothing acknowledged is ever lost.
  case batch
  /// Flushed every so many milliseconds, 5...500, and acknowledged then: as safe, and later.
  case interval(ms: Int)
  /// Left to the operating system and flushed every half minute, which a power cut may cost.
  case os
}
