internal import Bounded
public import Disk
public import World

/// Files of compiled worlds.
public enum WorldFile {
  /// Opens a world: the file is mapped and read once, to check it, and never copied.
  public static func open(_ path: String) throws(WorldFileFault) -> Topology {
    let image: Slab?
    do throws(DiskFault) { image = try MappedFile.open(path) } catch { throw .disk(error) }
    do throws(WorldFault) {
      // An empty file is one that does not start as a world does.
      return try Topology(image: image ?? Slab(byteCount: 8))
    } catch { throw .damaged(path: path, error) }
  }

  /// Whether the file starts as a world file does; false also where it cannot be read.
  public static func isWorld(_ path: String) -> Bool {
    do throws(DiskFault) {
      let start = Slab(byteCount: 8)
      let count = try File(reading: path).read(start, to: 0, count: 4, at: 0)
      return count == 4
        && start.withText(count: 4) { text in
          (0..<4).allSatisfy { text[$0] == "VXWD".utf8.map(\.self)[$0] }
        }
    } catch { return false }
  }

  /// Writes a world, durably and in one step: who has the old file open keeps it.
  public static func write(_ world: Topology, to path: String) throws(DiskFault) {
    try Files.replace(path, world.image, count: world.image.byteCount)
  }
}

/// Why a world cannot be opened.
public enum WorldFileFault: Error, Equatable, Sendable, CustomStringConvertible {
  case disk(DiskFault)
  case damaged(path: String, WorldFault)

  public var description: String {
    switch self {
    case .disk(let fault): "\(fault)"
    case .damaged(let path, let fault):
      "\(path): \(fault.section?.name ?? "header"), byte \(fault.byte): \(fault.rule.sentence)"
    }
  }
}
