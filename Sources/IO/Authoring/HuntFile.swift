public import Hunt

/// A hunt file that was read and checked, all but for the treasures on its world.
///
/// The way from text to a hunt has two steps, because the map is a file of its own:
///
///     let file = HuntFile.read(path)              // syntax, keys, ranges, names, limits
///     ... load file.value.mapBytes(), build the world ...
///     let hunt = file.value.definition(on: ground)   // treasures on blocks, generated ones
public struct HuntFile: Sendable {
  /// What the file says; `treasures` are the listed ones only.
  public internal(set) var definition: HuntDefinition
  public internal(set) var world: WorldSource
  /// What the file asks to be generated, if anything.
  public internal(set) var generation: TreasureGeneration?

  /// Where each of `definition.treasures` is in the file, and where the rest begins.
  var treasureMarks: [Mark] = []
  var treasurePath = "treasures"
  var worldMark: Mark
  var generationMark: Mark?
}

/// Where a hunt's map is, and which steps it allows.
public struct WorldSource: Equatable, Sendable {
  public enum Map: Equatable, Sendable {
    /// A path: as written if absolute, otherwise from the hunt file's folder.
    case file(String)
    /// The map's own text.
    case inline(String)
    /// A world file of the server, by its name.
    case named(String)
  }

  public var map: Map
  /// Steps from a block: 4, or 8 with the diagonals; nil where the file does not say.
  public var neighbours: Int?

  public init(map: Map, neighbours: Int?) {
    self.map = map
    self.neighbours = neighbours
  }
}

/// What a hunt file asks to be made up: treasures on passable blocks, the same for the same seed.
public struct TreasureGeneration: Equatable, Sendable {
  /// 1...1,000,000.
  public var count: UInt32 = 1
  /// 0...4,294,967,295.
  public var seed: UInt64 = 1
  /// Points of each are drawn from this, 0...1,000,000,000.
  public var points: ClosedRange<Int32> = 10...10
  /// Stock of each is drawn from this, 1...1,048,575.
  public var stock: ClosedRange<UInt32> = 1...1
  /// Blocks, 0...64.
  public var reach: UInt32 = 1
  /// Ms from exhaustion until it is open again; 0 for never.
  public var respawnMs: UInt32 = 0

  public init() {}
}

/// Whether `world.map` of a hunt may name a file.
public enum MapFiles: Equatable, Sendable {
  /// It may, and a relative path starts here.
  case relative(to: String)
  /// It may not: the hunt came over the network, and a path would read the server's files.
  case refused
}

extension HuntFile {
  /// Longest map, in bytes; the largest world is 16 Mi blocks.
  public static let mapByteCountMax = 64 << 20

  /// The hunt in the file at `path`, at most 16 MiB, or what is wrong with it.
  public static func read(path: String) -> Checked<HuntFile> {
    do throws(FileFault) {
      let bytes = try fileBytes(path, byteCountMax: YamlLimits.byteCountMax)
      return parse(bytes, maps: .relative(to: folder(of: path)))
    } catch {
      var findings = FindingList()
      findings.add(error.finding)
      return Checked(nil, findings)
    }
  }

  /// The hunt in `bytes`, YAML or JSON, or everything that is wrong with it. Total on any bytes.
  public static func parse(_ bytes: [UInt8], maps: MapFiles) -> Checked<HuntFile> {
    var reader = HuntReader(maps: maps)
    let root = YamlNode.tree(of: bytes, &reader.sections.findings)
    let file = root.map { reader.hunt($0) }
    return Checked(file, reader.sections.findings)
  }

  /// The bytes of the map's text, from its file or out of the hunt file; none of a world by name.
  public func mapBytes() -> Checked<[UInt8]> {
    switch world.map {
    case .inline(let text): return Checked(Array(text.utf8), FindingList())
    case .named: return Checked([], FindingList())
    case .file(let path):
      do throws(FileFault) {
        return Checked(try fileBytes(path, byteCountMax: Self.mapByteCountMax), FindingList())
      } catch {
        var finding = error.finding
        finding.mark = worldMark
        finding.path = "world.map"
        finding.message = "\(quoted(path)): \(finding.message)"
        var findings = FindingList()
        findings.add(finding)
        return Checked(nil, findings)
      }
    }
  }

  /// An error about the map at the place where the hunt file names it; for whoever parses maps.
  public func mapFinding(_ message: String) -> Finding {
    Finding(severity: .error, mark: worldMark, path: "world", rule: .badMap, message: message)
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
