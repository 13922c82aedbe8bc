import Bounded
import Disk
import Synchronization
public import World

/// The world files of an engine, `DIR/worlds/`, and those that are open: hunts on one world share
/// its file and its mapping.
///
/// A hunt's own `world.vxw` is another name of the file `DIGEST.vxw` here, or a copy where the file
/// system has no such names, so a hunt's folder is whole without the store. Files that an operator
/// put here as `NAME.vxw` can be named by hunts that come over the network.
public struct WorldStore: Sendable {
  private struct Opened { weak var topology: Topology? }

  private static let opened = Mutex<[Opened]>([])

  public let folder: String

  public init(data: String) { folder = data + "/worlds" }

  /// The file of a world that an operator gave a name, `1...64` of a-z 0-9 and -.
  public func path(named name: String) -> String { "\(folder)/\(name).vxw" }

  /// The world in the file at `path`, mapped and checked; the one that is open already where it is
  /// the same.
  ///
  /// - Complexity: O(bytes): every byte is read.
  public static func open(_ path: String) throws(WorldFileFault) -> Topology {
    let topology = try WorldFile.open(path)
    return opened.withLock { opened in
      opened.removeAll { $0.topology == nil }
      for other in opened {
        if let other = other.topology, other.digest == topology.digest { return other }
      }
      opened.append(Opened(topology: topology))
      return topology
    }
  }

  /// Makes a world's file at `path`, where none is: another name of the store's, which becomes that
  /// file's second name where it had none.
  func place(_ topology: Topology, at path: String) throws(DiskFault) {
    try Files.createFolder(folder)
    let stored = stored(topology.digest)
    if Files.exists(stored), try Files.link(stored, as: path) { return }
    try WorldFile.write(topology, to: path)
    if !Files.exists(stored) { _ = try Files.link(path, as: stored) }
  }

  /// Removes the files that no hunt has any more; those that an operator named stay.
  func tidy() throws(DiskFault) {
    guard Files.exists(folder) else { return }
    for name in try Files.list(folder) {
      let digest = name.split(separator: ".").first ?? ""
      guard name == "\(digest).vxw", digest.utf8.count == 32, digest.allSatisfy(\.isHexDigit)
      else { continue }
      let path = folder + "/" + name
      if Files.nameCount(path) == 1 { try Files.remove(path) }
    }
  }

  private func stored(_ digest: Hash128) -> String { "\(folder)/\(digest.hex).vxw" }
}
