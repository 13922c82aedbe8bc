import Bounded
import CZstd
import Glibc
import Journal

extension Segments {
  /// Replaces a closed segment by its compressed form, which is read back and compared before the
  /// original goes. A crash at any point leaves one of the two whole. A segment with a damaged
  /// frame stays as it is, so that the damage is seen where it happened.
  ///
  /// - Parameter bytesPerSecond: Of what is read and of what is written; 0 for as fast as it goes.
  /// - Returns: Bytes of the compressed file.
  /// - Complexity: O(segment bytes); 4 MiB of memory.
  public func compress(
    _ number: UInt64, bytesPerSecond: Int, isCancelled: @escaping () -> Bool = { false }
  ) throws(JournalFault) -> Int {
    try readFrames(of: number, bytesPerSecond, isCancelled)
    return try replace(number, bytesPerSecond, isCancelled)
  }

  /// As `compress`, whatever the segment holds.
  func replace(
    _ number: UInt64, _ bytesPerSecond: Int, _ isCancelled: @escaping () -> Bool = { false }
  ) throws(JournalFault) -> Int {
    let target = compressedPath(number)
    let size: Int
    do throws(DiskFault) {
      let source = try File(path(number), O_RDONLY)
      var output = try PacedFile(
        target, bytesPerSecond: bytesPerSecond, isCancelled: isCancelled)
      try pack(source, into: &output, bytesPerSecond)
      size = output.byteCount
      try output.finish()
    } catch { throw .disk(error) }
    try compare(number, target, bytesPerSecond)
    do throws(DiskFault) {
      try discard(number)
      try Files.flushFolder(folder)
    } catch { throw .disk(error) }
    return size
  }

  /// Reads every frame of a segment that others follow.
  private func readFrames(
    of number: UInt64, _ bytesPerSecond: Int, _ isCancelled: () -> Bool
  ) throws(JournalFault) {
    guard let from = try firstOffset(number), let end = try firstOffset(number + 1) else { return }
    let pace = Pace(bytesPerSecond)
    var reader = try JournalReader(self, from: from, to: end)
    while try reader.next() != nil {
      if isCancelled() {
        throw .disk(DiskFault("read (cancelled)", path(number), errno: ECANCELED))
      }
      pace.wait(reader.place.fileOffset)
    }
  }

  /// Lets go of a segment's file; it becomes the next one prepared where it has the right size.
  public func discard(_ number: UInt64) throws(DiskFault) {
    let path = path(number)
    let size = try File(path, O_RDONLY).size()
    if size == segmentBytes && !Files.exists(sparePath) {
      try Files.rename(path, sparePath)
    } else {
      try Files.remove(path)
    }
  }

  /// A segment that was put away and whose blocks can be used again.
  var sparePath: String { folder + "/spare.new" }

  private func pack(
    _ source: borrowing File, into output: inout PacedFile, _ bytesPerSecond: Int
  ) throws(DiskFault) {
    let size = try source.size()
    let pace = Pace(bytesPerSecond)
    guard let context = unsafe ZSTD_createCCtx() else {
      throw DiskFault("ZSTD_createCCtx", source.path, errno: ENOMEM)
    }
    defer { unsafe _ = ZSTD_freeCCtx(context) }
    unsafe _ = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 3)
    unsafe _ = ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    unsafe _ = ZSTD_CCtx_setPledgedSrcSize(context, UInt64(size))
    let plain = Slab(byteCount: 1 << 20, zeroed: false)
    let packed = Slab(byteCount: 1 << 20, zeroed: false)
    var at = 0
    while at < size {
      let got = try source.read(plain, to: 0, count: min(plain.byteCount, size - at), at: at)
      if got == 0 { throw DiskFault("read", source.path, errno: EIO) }
      at += got
      pace.wait(at)
      let mode = at < size ? ZSTD_e_continue : ZSTD_e_end
      var used = 0
      while true {
        let (left, wrote) = try unsafe step(
          context, plain, &used, got, packed, mode, source.path)
        try output.append(packed, from: 0, count: wrote)
        if mode == ZSTD_e_end ? left == 0 : used == got { break }
      }
    }
  }

  /// One call of the compressor: what it still holds, and the bytes it gave.
  private func step(
    _ context: OpaquePointer, _ plain: Slab, _ used: inout Int, _ count: Int, _ packed: Slab,
    _ mode: ZSTD_EndDirective, _ path: String
  ) throws(DiskFault) -> (left: Int, wrote: Int) {
    let from = used
    var read = 0
    var left = 0
    let wrote = unsafe packed.withMemory { target in
      unsafe plain.withMemory { source in
        var output = unsafe ZSTD_outBuffer(
          dst: target.baseAddress, size: target.count, pos: 0)
        var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: count, pos: from)
        left = unsafe ZSTD_compressStream2(context, &output, &input, mode)
        read = unsafe input.pos
        return unsafe output.pos
      }
    }
    if ZSTD_isError(left) != 0 { throw DiskFault("ZSTD_compressStream2", path, errno: EIO) }
    used = read
    return (left, wrote)
  }

  /// Whether the compressed file gives the segment back, byte for byte; throws where it does not.
  private func compare(
    _ number: UInt64, _ compressed: String, _ bytesPerSecond: Int
  ) throws(JournalFault) {
    let pace = Pace(bytesPerSecond)
    let plain = Slab(byteCount: 1 << 20, zeroed: false)
    let read = Slab(byteCount: 1 << 20, zeroed: false)
    let file = try disk { () throws(DiskFault) in try File(path(number), O_RDONLY) }
    let reader = try disk { () throws(DiskFault) in try ZstdReader(compressed) }
    var at = 0
    while true {
      let got = try disk { () throws(DiskFault) in
        try file.read(plain, to: 0, count: plain.byteCount, at: at)
      }
      let unpacked = try reader.read(read, to: 0, count: read.byteCount)
      guard got == unpacked, plain.equals(0, read, 0, count: got) else {
        throw .compressed(
          path: compressed, byte: reader.place, fault: "not what the segment holds")
      }
      if got == 0 { return }
      at += got
      pace.wait(at)
    }
  }
}
