import Bounded
import Disk
import Hunt
import World

@testable import Engine

/// The files of a hunt's folder: definition, map and manifest.
///
/// The first byte chooses: 0 a definition; 1 a manifest, 2 one whose CRC is set right.
let definitions = Parser(
  name: "Definitions", bytesMax: 1_024,
  seeds: {
    // Of the first two versions of the form, which do not say how much work an event does.
    var (small, full) = (HuntDefinition(name: "a"), HuntDefinition(name: "market"))
    small.rules.hintWork = 1_024
    full.rules.hintWork = 1_024
    full.rules.hintRadius = 64
    full.treasures = [TreasureSpec(id: 1, x: 2, y: 3), TreasureSpec(id: 2, x: -1, y: .max)]
    return [
      Seed("full", mode: 0, full.encoded()),
      Seed("small", mode: 0, small.encoded()),
      Seed("cut", mode: 0, Array(full.encoded().dropLast(5))),
      Seed("manifest", mode: 1, stored.manifest), Seed("manifest-crc", mode: 2, stored.manifest),
      Seed("manifest-lines", mode: 2, Array("veltrix hunt 2\nnumber  7\nidentity\n\n \n".utf8)),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    let bytes = Array(input.dropFirst())
    if mode % 3 == 0 { return try checkDefinition(bytes) }
    var text = bytes
    if mode % 3 == 2 { withCRCLine(&text) }
    try FuzzFolder.write(text, stored.path + "/manifest")
    do throws(HuntFolderFault) {
      let (definition, map, manifest) = try stored.folder.open()
      insist(
        definition == stored.definition && map.digest == stored.map.digest
          && text.starts(with: Array("veltrix hunt 2\n".utf8)) && manifest.segmentBytes >= 1 << 20,
        "\(manifest)")
    } catch {
      guard case .damaged(let path, let reason) = error else { throw error }
      try require(path.hasPrefix(stored.path) && !reason.isEmpty, "\(error)")
    }
  })

private func checkDefinition(_ bytes: [UInt8]) throws {
  let definition: HuntDefinition
  do throws(DefinitionFault) { definition = try HuntDefinition(decoding: bytes) } catch {
    switch error {
    case .truncated(let at), .outOfRange(_, _, let at), .trailingBytes(let at):
      return try require((0...bytes.count).contains(at), "\(error) of \(bytes.count) bytes")
    case .unsupportedVersion: return
    }
  }
  try require(definition.encoded() == bytes, "another encoding of \(definition)")
}

/// A line `crc` over the lines before it, in place of the one that is there.
func withCRCLine(_ text: inout [UInt8]) {
  var lines = text.split(separator: 0x0a, omittingEmptySubsequences: false)
  if let last = lines.lastIndex(where: { $0.starts(with: Array("crc ".utf8)) }) {
    lines.removeSubrange(last...)
  }
  text = Array(lines.joined(separator: [0x0a]))
  if text.last != 0x0a { text.append(0x0a) }
  text += Array("crc \(crc32c(text.span.bytes))\n".utf8)
}

/// A hunt's folder as the engine writes it.
nonisolated(unsafe) private let stored = StoredHunt()

private final class StoredHunt {
  let definition: HuntDefinition
  let map: Topology
  let folder: HuntFolder
  let manifest: [UInt8]
  var path: String { folder.path }

  init() {
    var definition = HuntDefinition(name: "market")
    definition.rules.hintWork = 1_024
    self.definition = definition
    let text = Array("type octile\nheight 2\nwidth 2\nmap\n..\n..\n".utf8)
    do {
      map = try Topology(parsing: text.span, neighbourhood: .eight)
      folder = HuntFolder(data: FuzzFolder.path, name: "market")
      _ = try folder.create(definition, map: map, number: 3, segmentBytes: 1 << 20)
      manifest = try Files.read(folder.path + "/manifest")
    } catch { preconditionFailure("\(error)") }
  }
}
