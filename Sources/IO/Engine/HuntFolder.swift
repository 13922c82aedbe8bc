public import Bounded
public import Disk
public import Hunt
public import World

/// Why a stored hunt could not be opened.
public enum HuntFolderFault: Error, Equatable, Sendable, CustomStringConvertible {
  case disk(DiskFault)
  case journal(JournalFault)
  /// A file is not what the engine wrote: path and reason.
  case damaged(path: String, reason: String)

  public var description: String {
    switch self {
    case .disk(let fault): "\(fault)"
    case .journal(let fault): "\(fault)"
    case .damaged(let path, let reason): "\(path): \(reason)"
    }
  }
}

/// The files of one hunt, `DIR/hunts/NAME/`: `definition` (flat), `world.vxw`, `journal/`,
/// `snapshots/`, `branches/`, and `manifest`, written last of the first three: without it the hunt
/// was never made.
public struct HuntFolder: Sendable {
  public let path: String

  public init(data: String, name: String) { path = data + "/hunts/" + name }

  public var journalPath: String { path + "/journal" }
  public var snapshotsPath: String { path + "/snapshots" }
  public var branchesPath: String { path + "/branches" }
  /// The promoted lines of history.
  public var branches: BranchFiles { BranchFiles(folder: branchesPath) }
  private var manifestPath: String { path + "/manifest" }
  private var definitionPath: String { path + "/definition" }
  private var worldPath: String { path + "/world.vxw" }

  /// What the manifest says.
  public struct Manifest: Equatable, Sendable {
    public var number: UInt32
    public var identity: Hash128
    public var segmentBytes: Int
  }

  /// Whether the hunt was made. Segments are written after the manifest, so where there are some it
  /// was, and `open` says that the manifest is missing.
  public var exists: Bool {
    if Files.exists(manifestPath) { return true }
    guard Files.exists(journalPath) else { return false }
    do throws(DiskFault) {
      return try Files.list(journalPath).contains {
        $0.hasSuffix(".vj") || $0.hasSuffix(".vj.zst")
      }
    } catch {
      return true  // `open` meets the folder's fault again and throws it
    }
  }

  /// Writes the files of a new hunt, the manifest last.
  func create(
    _ definition: HuntDefinition, map: Topology, number: UInt32, segmentBytes: Int
  ) throws(DiskFault) -> Manifest {
    try Files.createFolder(journalPath)
    try Files.replace(definitionPath, definition.encoded())
    let data = Files.parent(Files.parent(path))
    try WorldStore(data: data).place(map, at: worldPath)
    let manifest = Manifest(
      number: number, identity: definition.identity(world: map.digest), segmentBytes: segmentBytes)
    try Files.replace(manifestPath, Array(Self.text(manifest).utf8))
    return manifest
  }

  /// Makes durable that the hunt's files have their names. What a start finds, only the kernel may
  /// know: the flush that was to write a name failed, and the process ended.
  func flushNames() throws(DiskFault) {
    for folder in [Files.parent(path), path] { try Files.flushFolder(folder) }
  }

  /// Reads definition, map and manifest, and checks that they belong together.
  public func open() throws(HuntFolderFault) -> (HuntDefinition, Topology, Manifest) {
    let manifest = try readManifest()
    let definition: HuntDefinition
    let flat = try read(definitionPath)
    do throws(DefinitionFault) {
      definition = try HuntDefinition(decoding: flat)
    } catch {
      throw .damaged(path: definitionPath, reason: "\(error)")
    }
    guard Files.exists(worldPath) else {
      throw .damaged(path: worldPath, reason: "missing, though the hunt has a manifest")
    }
    let map: Topology
    do throws(WorldFileFault) {
      map = try WorldStore.open(worldPath)
    } catch {
      switch error {
      case .disk(let fault): throw .disk(fault)
      case .damaged(let path, let fault):
        throw .damaged(path: path, reason: "\(fault)")
      }
    }
    guard definition.identity(world: map.digest) == manifest.identity else {
      throw .damaged(
        path: path, reason: "definition and world.vxw are not those that the manifest names")
    }
    return (definition, map, manifest)
  }

  private func read(_ path: String) throws(HuntFolderFault) -> [UInt8] {
    guard Files.exists(path) else {
      throw .damaged(path: path, reason: "missing, though the hunt has a manifest")
    }
    do throws(DiskFault) { return try Files.read(path) } catch { throw .disk(error) }
  }

  private func readManifest() throws(HuntFolderFault) -> Manifest {
    guard Files.exists(manifestPath) else {
      throw .damaged(path: manifestPath, reason: "missing, though the hunt has a journal")
    }
    let text = String(decoding: try read(manifestPath), as: UTF8.self)
    var values: [String: String] = [:]
    for line in text.split(separator: "\n").dropFirst() {
      let parts = line.split(separator: " ", maxSplits: 1)
      if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
    }
    guard text.hasPrefix("veltrix hunt 2\n"), let number = values["number"].flatMap(UInt32.init),
      let hex = values["identity"], hex.utf8.count == 32,
      let high = UInt64(hex.prefix(16), radix: 16), let low = UInt64(hex.suffix(16), radix: 16),
      let segmentBytes = values["segment_bytes"].flatMap(Int.init),
      segmentBytes >= 1 << 20, segmentBytes % 4096 == 0, segmentBytes <= 1 << 30
    else { throw .damaged(path: manifestPath, reason: "not a manifest of version 2") }
    let manifest = Manifest(
      number: number, identity: Hash128(high: high, low: low),
      segmentBytes: segmentBytes)
    guard text == Self.text(manifest) else {
      throw .damaged(path: manifestPath, reason: "its crc is not that of its lines")
    }
    return manifest
  }

  /// The manifest's file: a line for each value, and the CRC-32C of these lines, because nothing
  /// else tells a wrong number from a right one.
  private static func text(_ manifest: Manifest) -> String {
    let lines = """
      veltrix hunt 2
      number \(manifest.number)
      identity \(manifest.identity.hex)
      segment_bytes \(manifest.segmentBytes)

      """
    let bytes = Array(lines.utf8)
    let slab = Slab(byteCount: bytes.count, zeroed: false)
    slab.copy(from: bytes.span, to: 0)
    return lines + "crc \(slab.crc32c(0, count: bytes.count))\n"
  }

  /// The segments of the hunt's journal.
  public func segments(_ manifest: Manifest) -> Segments {
    Segments(
      folder: journalPath, identity: manifest.identity.low, segmentBytes: manifest.segmentBytes)
  }
}
