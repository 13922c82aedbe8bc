import Bounded
import Disk
import Partitions

/// The lineages that were promoted, a file each: `branches/1.vb`, `branches/2.vb`, ...
///
/// A file is durable before the journal holds the mark that names it; one that no mark names is of a
/// promotion that a crash cut short, and is overwritten by the next.
public struct BranchFiles: Sendable {
  public let folder: String

  public init(folder: String) { self.folder = folder }

  func path(_ number: UInt32) -> String { "\(folder)/\(number).vb" }

  /// Stores a lineage durably; the hash that its mark names.
  func write(_ lineage: Lineage, _ number: UInt32) throws(DiskFault) -> Hash128 {
    try Files.createFolder(folder)
    let bytes = lineage.encoded()
    try Files.replace(path(number), bytes)
    return Lineage.hash(ofEncoded: bytes) ?? .zero
  }

  /// The lineage of a promotion that the journal names.
  ///
  /// - Throws: When the file is missing, damaged, or not the one named.
  func read(_ number: UInt32, hash: Hash128) throws(HuntFolderFault) -> Lineage {
    let path = path(number)
    guard Files.exists(path) else {
      throw .damaged(path: path, reason: "missing, though the journal names it")
    }
    let bytes: [UInt8]
    do throws(DiskFault) { bytes = try Files.read(path) } catch { throw .disk(error) }
    guard Lineage.hash(ofEncoded: bytes) == hash else {
      throw .damaged(path: path, reason: "not the lineage that the journal names")
    }
    do throws(LineageFault) {
      return try Lineage(decoding: bytes)
    } catch {
      throw .damaged(path: path, reason: "\(error)")
    }
  }
}
