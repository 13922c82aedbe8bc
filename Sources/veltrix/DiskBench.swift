import Bounded
import CSystem
import Disk
import Glibc

/// The floor under every durable acknowledgement: what one flush costs on this disk, now.
enum DiskBench {
  /// Writes one 4 KiB block at a time, each durable when its write returns, `perSecond` times a
  /// second, in a file made for it and removed afterwards.
  static func run(folder: String, seconds: Int, perSecond: Int) throws(DiskFault) -> Histogram {
    let path = folder + "/bench-\(getpid())"
    try Files.createFolder(folder)
    let fileBytes = 16 << 20
    let block = Slab(byteCount: 1 << 20)
    do {
      let file = try File(path, O_WRONLY | O_CREAT | O_TRUNC)
      for at in stride(from: 0, to: fileBytes, by: block.byteCount) {
        try file.write(block, from: 0, count: block.byteCount, at: at)
      }
      try file.flush()
    }
    var times = Histogram()
    do throws(DiskFault) {
      let direct = try File(direct: path, create: false)
      let isDirect = direct != nil
      let file: File
      if let direct { file = direct } else { file = try File(path, O_RDWR) }
      var due = vx_monotonic_ns()
      let end = due + Int64(seconds) * 1_000_000_000
      var at = 0
      while due < end {
        let start = vx_monotonic_ns()
        try file.write(block, from: 0, count: 4_096, at: at)
        if !isDirect { try file.flushData() }
        times.record(vx_monotonic_ns() - start)
        at = (at + 4_096) % fileBytes
        due += 1_000_000_000 / Int64(perSecond)
        let rest = due - vx_monotonic_ns()
        if rest > 0 { vx_sleep_ns(rest) }
      }
    } catch {
      try Files.remove(path)
      throw error
    }
    try Files.remove(path)
    return times
  }
}
