import Bounded
import CZstd
import Glibc

/// The bytes of a zstd-compressed file, read forwards.
@safe final class ZstdReader {
  private let file: File
  private let context: OpaquePointer
  private let input: Slab
  /// Bytes of the file in `input`, and how many of them were used.
  private var filled = 0
  private var used = 0
  /// Bytes of the file read so far.
  private var fileOffset = 0
  /// Bytes given so far, and whether the compressed stream has ended whole, its checksum right.
  private(set) var position = 0
  private(set) var isComplete = false

  init(_ path: String) throws(DiskFault) {
    file = try File(path, O_RDONLY)
    guard let context = unsafe ZSTD_createDCtx() else {
      throw DiskFault("ZSTD_createDCtx", path, errno: ENOMEM)
    }
    unsafe self.context = context
    input = Slab(byteCount: 1 << 17, zeroed: false)
  }

  deinit { unsafe _ = ZSTD_freeDCtx(context) }

  /// Where in the file the next bytes come from, for naming damage.
  var place: Int { fileOffset - filled + used }
  var path: String { file.path }

  /// Reads up to `count` bytes into `slab`; fewer only at the stream's end.
  func read(_ slab: Slab, to: Int, count: Int) throws(JournalFault) -> Int {
    precondition(to >= 0 && count >= 0 && to + count <= slab.byteCount)
    var done = 0
    while done < count {
      if used == filled {
        if isComplete { break }
        try refill()
        if filled == 0 {
          throw .compressed(path: file.path, byte: fileOffset, fault: "the file ends too soon")
        }
      }
      if isComplete {
        throw .compressed(path: file.path, byte: place, fault: "bytes behind the stream's end")
      }
      done += try step(slab, to: to + done, count: count - done)
    }
    position += done
    return done
  }

  private func refill() throws(JournalFault) {
    do throws(DiskFault) {
      filled = try file.read(input, to: 0, count: input.byteCount, at: fileOffset)
    } catch { throw .disk(error) }
    fileOffset += filled
    used = 0
  }

  private func step(_ slab: Slab, to: Int, count: Int) throws(JournalFault) -> Int {
    let (from, size) = (used, filled)
    var result = 0
    var read = 0
    let wrote = unsafe slab.withMemory { target in
      unsafe input.withMemory { source in
        var output = unsafe ZSTD_outBuffer(
          dst: target.baseAddress!.advanced(by: to), size: count, pos: 0)
        var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: size, pos: from)
        result = unsafe ZSTD_decompressStream(context, &output, &input)
        read = unsafe input.pos
        return unsafe output.pos
      }
    }
    if ZSTD_isError(result) != 0 {
      throw .compressed(
        path: file.path, byte: place, fault: unsafe String(cString: ZSTD_getErrorName(result)))
    }
    used = read
    if result == 0 { isComplete = true }
    return wrote
  }
}
