import Bounded
import Disk

/// What a backup holds, `DIR/backup`: a line for each hunt and each file, and the CRC-32C of these
/// lines; so a file that is missing, changed or cut is noticed.
struct BackupIndex {
  static let name = "backup"
  private static let title = "veltrix backup 1\n"

  var hunts: [(name: String, first: UInt64, offset: UInt64)] = []
  var files: [(name: String, sum: FileSum)] = []

  init() {}

  /// Reads the index of a backup.
  init(_ folder: String) throws(BackupFault) {
    let path = folder + "/" + Self.name
    let bytes = try Backup.disk { () throws(DiskFault) in try Files.read(path) }
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.hasPrefix(Self.title) else {
      throw .damaged(path: path, reason: "not the index of a backup")
    }
    for line in text.split(separator: "\n").dropFirst() {
      let words = line.split(separator: " ").map(String.init)
      switch (words.first ?? "", words.count) {
      case ("hunt", 4):
        guard let first = UInt64(words[2]), let offset = UInt64(words[3]) else { break }
        hunts.append((words[1], first, offset))
      case ("file", 4):
        guard let size = Int(words[2]), words[3].utf8.count == 32,
          let high = UInt64(words[3].prefix(16), radix: 16),
          let low = UInt64(words[3].suffix(16), radix: 16)
        else { break }
        files.append(
          (words[1], FileSum(byteCount: size, hash: Hash128(high: high, low: low))))
      default: break
      }
    }
    guard self.text == bytes else {
      throw .damaged(path: path, reason: "its crc is not that of its lines")
    }
  }

  var text: [UInt8] {
    var lines = Self.title
    for hunt in hunts { lines += "hunt \(hunt.name) \(hunt.first) \(hunt.offset)\n" }
    for file in files {
      lines += "file \(file.name) \(file.sum.byteCount) \(file.sum.hash.hex)\n"
    }
    let bytes = Array(lines.utf8)
    let slab = Slab(byteCount: bytes.count, zeroed: false)
    slab.copy(from: bytes.span, to: 0)
    return bytes + Array("crc \(slab.crc32c(0, count: bytes.count))\n".utf8)
  }
}
