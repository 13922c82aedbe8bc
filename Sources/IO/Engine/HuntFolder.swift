public import Bounded
public import Disk
public import Hunt
public import World

/// Why a stored hunt could not be opened.
public enum HuntFolderFault: Error, Sendable, CustomStringConvertible {
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

/// The files of one hunt, `DIR/hunts/NAME/`: `definition` (flat), `world.map` (text), `journal/`, and
/// `manifest`, written last: without it the hunt was never made.
public struct HuntFolder: Sendable {
  public let path: String

  public init(data: String, name: String) { path = data + "/hunts/" + name }

  public var journalPath: String { path + "/journal" }
  private var manifestPath: String { path + "/manifest" }
  private var definitionPath: String { path + "/definition" }
  private var mapPath: String { path + "/world.map" }

  /// What the manifest says.
  public struct Manifest: Equatable, Sendable {
    public var number: UInt32
    public var neighbourhood: Neighbourhood
    public var identity: Hash128
    public var segmentBytes: Int
  }

  /// Whether the hunt was made.
  public var exists: Bool { Files.exists(manifestPath) }

  /// Writes the files of a new hunt, the manifest last.
  func create(
    _ definition: HuntDefinition, map: BlockMap, number: UInt32, segmentBytes: Int
  ) throws(DiskFault) -> Manifest {
    try Files.createFolder(journalPath)
    try Files.replace(definitionPath, definition.encoded())
    try Files.replace(mapPath, map.mapText())
    let manifest = Manifest(
      number: number, neighbourhood: map.neighbourhood,
      identity: definition.identity(world: map.digest), segmentBytes: segmentBytes)
    let text = """
      veltrix hunt 1
      number \(number)
      neighbours \(map.neighbourhood.rawValue)
      identity \(manifest.identity.hex)
      segment_bytes \(segmentBytes)

      """
    try Files.replace(manifestPath, Array(text.utf8))
    return manifest
  }

  /// Reads definition, map and manifest, and checks that they belong together.
  public func open() throws(HuntFolderFault) -> (HuntDefinition, BlockMap, Manifest) {
    let manifest = try readManifest()
    let definition: HuntDefinition
    let flat = try read(definitionPath)
    do throws(DefinitionFault) {
      definition = try HuntDefinition(decoding: flat)
    } catch {
      throw .damaged(path: definitionPath, reason: "\(error)")
    }
    let text = try read(mapPath)
    let map: BlockMap
    do throws(MapRejection) {
      map = try BlockMap(parsing: text.span, neighbourhood: manifest.neighbourhood)
    } catch {
      throw .damaged(path: mapPath, reason: "\(error)")
    }
    guard definition.identity(world: map.digest) == manifest.identity else {
      throw .damaged(
        path: path, reason: "definition and world.map are not those that the manifest names")
    }
    return (definition, map, manifest)
  }

  private func read(_ path: String) throws(HuntFolderFault) -> [UInt8] {
    do throws(DiskFault) { return try Files.read(path) } catch { throw .disk(error) }
  }

  private func readManifest() throws(HuntFolderFault) -> Manifest {
    let text = String(decoding: try read(manifestPath), as: UTF8.self)
    var values: [String: String] = [:]
    for line in text.split(separator: "\n").dropFirst() {
      let parts = line.split(separator: " ", maxSplits: 1)
      if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
    }
    guard text.hasPrefix("veltrix hunt 1\n"), let number = values["number"].flatMap(UInt32.init),
      let raw = values["neighbours"].flatMap(UInt8.init),
      let neighbourhood = Neighbourhood(rawValue: raw),
      let hex = values["identity"], hex.utf8.count == 32,
      let high = UInt64(hex.prefix(16), radix: 16), let low = UInt64(hex.suffix(16), radix: 16),
      let segmentBytes = values["segment_bytes"].flatMap(Int.init),
      segmentBytes >= 1 << 20, segmentBytes % 4096 == 0, segmentBytes <= 1 << 30
    else { throw .damaged(path: manifestPath, reason: "not a manifest of version 1") }
    return Manifest(
      number: number, neighbourhood: neighbourhood, identity: Hash128(high: high, low: low),
      segmentBytes: segmentBytes)
  }

  /// The segments of the hunt's journal.
  public func segments(_ manifest: Manifest) -> Segments {
    Segments(
      folder: journalPath, identity: manifest.identity.low, segmentBytes: manifest.segmentBytes)
  }
}
