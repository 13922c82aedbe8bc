import Bounded
import Disk
import Engine
import Foundation
import Testing
import Testkit
import World

/// A folder of its own, gone when the body returns.
private func withFolder(_ body: (String) throws -> Void) throws {
  let folder = NSTemporaryDirectory() + "world-files-\(UInt64.random(in: 1...UInt64.max))"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }  // nothing is left to tell it to
  try body(folder)
}

/// A world that was written opens as the same world, again and again, and stays what it is when the
/// file is replaced or removed.
@Test func worldFilesAreMapped() throws {
  try withFolder { folder in
    let path = folder + "/a.vxw"
    let world = Topology(rows: [".G@", "S.T"], neighbourhood: .eight)
    #expect(!WorldFile.isWorld(path))
    try WorldFile.write(world, to: path)
    #expect(WorldFile.isWorld(path) && !Files.exists(path + ".new"))
    let opened = try WorldFile.open(path)
    #expect(opened.digest == world.digest)
    try WorldFile.write(Topology(rows: ["...."], neighbourhood: .four), to: path)
    let other = try WorldFile.open(path)
    try Files.remove(path)
    #expect(other.digest != world.digest && other.width == 4)
    #expect(opened.mapText() == world.mapText())
    #expect(opened.image.hash(0, count: 4096) == world.image.hash(0, count: 4096))
  }
}

/// What is no world file is refused with file and place, and so is one that is not there.
@Test func otherFilesAreRefused() throws {
  func fault(_ path: String) -> WorldFileFault? {
    do throws(WorldFileFault) {
      _ = try WorldFile.open(path)
      return nil
    } catch { return error }
  }
  try withFolder { folder in
    let path = folder + "/a.vxw"
    guard case .disk(let missing) = fault(path) else { throw Wrong() }
    #expect(missing.errno == ENOENT)
    guard case .disk(let directory) = fault(folder) else { throw Wrong() }
    #expect(directory.errno == EISDIR)
    for bytes in [[], [86], Array("VXWD".utf8), Array("type octile\n".utf8)] as [[UInt8]] {
      try Files.replace(path, bytes)
      guard case .damaged(path, let found) = fault(path) else { throw Wrong() }
      #expect(found.section == nil && found.byte <= bytes.count)
      #expect(WorldFile.isWorld(path) == (bytes == Array("VXWD".utf8)))
    }
    let world = Topology(rows: [".G@", "S.T"], neighbourhood: .eight)
    let image = Slab(copying: world.image, byteCount: world.image.byteCount)
    image.store(UInt8(ascii: "."), 4098)
    try Files.replace(path, image, count: image.byteCount)
    #expect("\(fault(path).map { "\($0)" } ?? "")".hasPrefix("\(path): cells, byte 4096: "))
  }
}

private struct Wrong: Error {}
