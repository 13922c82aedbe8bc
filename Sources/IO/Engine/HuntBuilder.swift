public import Authoring
public import Hunt
public import World

/// A hunt file together with its world: everything that is checked before a hunt is made.
public enum HuntBuilder {
  /// Reads a hunt's text and its world, and places its treasures.
  ///
  /// - Parameters:
  ///   - maps: Where the text may name a map file; `refused` for texts from a client.
  ///   - worlds: Those of the server, which a text may name; nil where there is no server.
  /// - Returns: The definition and the world, or the findings that stand against them.
  public static func build(
    _ text: [UInt8], maps: MapFiles, worlds: WorldStore? = nil
  ) -> (value: (HuntDefinition, Topology)?, findings: [Finding]) {
    let parsed = HuntFile.parse(text, maps: maps)
    guard let file = parsed.value else { return (nil, parsed.findings) }
    return build(file, worlds, findings: parsed.findings)
  }

  /// As `build(_:maps:worlds:)`, for a file on disk.
  public static func build(
    path: String, worlds: WorldStore? = nil
  ) -> (value: (HuntDefinition, Topology)?, findings: [Finding]) {
    let parsed = HuntFile.read(path: path)
    guard let file = parsed.value else { return (nil, parsed.findings) }
    return build(file, worlds, findings: parsed.findings)
  }

  private static func build(
    _ file: HuntFile, _ worlds: WorldStore?, findings: [Finding]
  ) -> (value: (HuntDefinition, Topology)?, findings: [Finding]) {
    var findings = findings
    let read = world(of: file, worlds)
    findings += read.findings
    guard let world = read.value else { return (nil, findings) }
    let placed = file.definition(on: ground(world))
    findings += placed.findings
    guard let definition = placed.value, !findings.contains(where: { $0.severity == .error })
    else { return (nil, findings) }
    return ((definition, world), findings)
  }

  /// The world that a hunt file names or holds.
  private static func world(
    of file: HuntFile, _ worlds: WorldStore?
  ) -> (value: Topology?, findings: [Finding]) {
    switch file.world.map {
    case .named(let name):
      guard let worlds else {
        let message = "world \"\(name)\" is one of a server's, and none is asked here"
        return (nil, [file.mapFinding(message)])
      }
      return open(worlds.path(named: name), file)
    case .file(let path) where WorldFile.isWorld(path): return open(path, file)
    default: break
    }
    let text = file.mapBytes()
    guard let bytes = text.value else { return (nil, text.findings) }
    do throws(MapRejection) {
      let neighbourhood: Neighbourhood = file.world.neighbours == 4 ? .four : .eight
      return (try Topology(parsing: bytes.span, neighbourhood: neighbourhood), text.findings)
    } catch {
      let message = "line \(error.line), column \(error.column): \(error.rule.sentence)"
      return (nil, text.findings + [file.mapFinding(message)])
    }
  }

  private static func open(
    _ path: String, _ file: HuntFile
  ) -> (value: Topology?, findings: [Finding]) {
    if file.world.neighbours != nil {
      return (nil, [file.mapFinding("a world file tells its own steps; leave out `neighbours`")])
    }
    do throws(WorldFileFault) {
      return (try WorldStore.open(path), [])
    } catch { return (nil, [file.mapFinding("\(error)")]) }
  }

  private static func ground(_ world: Topology) -> Ground {
    let region = LargestRegion(world)
    func standing(_ node: UInt32?) -> Ground.Standing {
      guard let node else { return .outside }
      if !world.isPassable(node) { return .blocked }
      return region.contains(node) ? .fine : .unreachable
    }
    if world.form == .network {
      return Ground(
        network: world.nodeCount, label: { Int(world.label(UInt32($0))) },
        standing: { standing(world.node(x: $0, y: 0)) })
    }
    return Ground(width: world.width, height: world.height, depth: world.depth) {
      standing(world.node(x: $0, y: $1, z: world.form == .grid ? 0 : $2))
    }
  }
}
