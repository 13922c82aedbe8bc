public import Bounded
import Glibc
import Machine

/// Bytes that are to pass not faster than told.
struct Pace: Sendable {
  /// 0 for as fast as it goes.
  let bytesPerSecond: Int
  private let started = ThisMachine.monotonicNs

  init(_ bytesPerSecond: Int) { self.bytesPerSecond = bytesPerSecond }

  /// Returns when `bytes` since the beginning are due, after a second at most.
  func wait(_ bytes: Int) {
    if bytesPerSecond == 0 { return }
    let due = started + Int64(Double(bytes) * 1_000_000_000 / Double(bytesPerSecond))
    let rest = due - ThisMachine.monotonicNs
    if rest > 0 { ThisMachine.sleep(ns: min(rest, 1_000_000_000)) }
  }
}

/// A new file written from its start to its end, past the page cache and not faster than told, so
/// that the journal's own writes hardly notice.
///
/// It gets its name only with `finish`: until then it is `path` with `.new` behind.
public struct PacedFile: ~Copyable {
  /// Bytes that whoever writes may well gather.
  public static let chunkBytes = 1 << 20
  /// Bytes written at once: what a write of the journal may have to wait for.
  private static let writeBytes = 128 << 10

  public let path: String
  private let file: File
  private let buffer = Slab(byteCount: PacedFile.writeBytes)
  private var filled = 0
  private let pace: Pace
  private let isCancelled: () -> Bool
  /// Bytes appended so far.
  public private(set) var byteCount = 0

  /// - Parameters:
  ///   - bytesPerSecond: 0 for as fast as it goes.
  ///   - spare: As for `File(filling:spare:)`.
  ///   - isCancelled: Asked before each write; when it holds, the write ends with `ECANCELED`.
  public init(
    _ path: String, bytesPerSecond: Int, spare: String? = nil,
    isCancelled: @escaping () -> Bool = { false }
  ) throws(DiskFault) {
    self.path = path
    pace = Pace(bytesPerSecond)
    self.isCancelled = isCancelled
    file = try File(filling: path + ".new", spare: spare)
  }

  /// Adds `count` bytes of `slab` from `from`.
  public mutating func append(_ slab: Slab, from: Int, count: Int) throws(DiskFault) {
    var done = 0
    while done < count {
      let part = min(count - done, buffer.byteCount - filled)
      buffer.copy(from: slab, at: from + done, to: filled, count: part)
      filled += part
      done += part
      byteCount += part
      if filled == buffer.byteCount { try write(filled) }
    }
  }

  private mutating func write(_ count: Int) throws(DiskFault) {
    if isCancelled() { throw DiskFault("write (cancelled)", path, errno: ECANCELED) }
    let written = byteCount - filled
    try file.write(buffer, from: 0, count: count, at: written)
    filled = 0
    pace.wait(written + count)
  }

  /// Writes what is left, then `first` over the first block (4,096 bytes) where it is given, makes
  /// all of it durable and gives the file its name.
  public mutating func finish(first: Slab? = nil) throws(DiskFault) {
    let size = byteCount
    if filled > 0 {
      // Whole blocks past the page cache; what is too much is cut off again.
      let padded = (filled + 4095) & ~4095
      buffer.zero(filled, count: padded - filled)
      try write(padded)
    }
    if let first { try file.write(first, from: 0, count: 4096, at: 0) }
    try file.truncate(size)
    try file.flush()
    try Files.rename(path + ".new", path)
  }
}
