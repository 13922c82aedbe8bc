import Bounded
import Disk

@testable import Engine

/// The index of a backup. Bit 0 of the first byte: whether its CRC is set right.
let backups = Parser(
  name: "Backups", bytesMax: 1_024,
  seeds: {
    var index = BackupIndex()
    index.hunts = [("market", 0, 1_200), ("town", 17, 99)]
    index.files = [("hunts/market/manifest", FileSum(byteCount: 120, hash: .zero))]
    let odd = "veltrix backup 1\nhunt  a 1\n  \nfile x -1 00000000000000000000000000000000\n"
    return [
      Seed("index", mode: 1, index.text), Seed("index-as-is", mode: 0, index.text),
      Seed("empty", mode: 1, BackupIndex().text), Seed("odd-lines", mode: 1, Array(odd.utf8)),
      Seed("blank-line", mode: 0, Array("veltrix backup 1\n \n".utf8)),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    var text = Array(input.dropFirst())
    if mode & 1 != 0 { withCRCLine(&text) }
    try FuzzFolder.write(text, FuzzFolder.path + "/" + BackupIndex.name)
    let index: BackupIndex
    do throws(BackupFault) { index = try BackupIndex(FuzzFolder.path) } catch {
      guard case .damaged(let path, let reason) = error else { throw error }
      return try require(path.hasPrefix(FuzzFolder.path) && !reason.isEmpty, "\(error)")
    }
    try require(index.text == text, "another index: \(index)")
  })
