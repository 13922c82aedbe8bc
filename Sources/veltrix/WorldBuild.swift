import Bounded
import Disk
import Engine
import World

/// `veltrix world build`.
struct WorldBuild {
  /// Where the world comes from.
  private enum Source {
    case file(path: String, format: Format, coordinates: String?)
    case maker(Maker)
  }

  private enum Format: String, CaseIterable {
    case map
    case threeDMap = "3dmap"
    case layers, gr, csv
  }

  /// A maker's name and its numbers.
  private struct Maker {
    var name: String
    var seed: UInt64
    var width: Int
    var height: Int
    var depth: Int
    var weights: ClosedRange<UInt8>
    var blocked: Int
    var loops: Int
  }

  private let source: Source
  private let output: String
  private let isForced: Bool
  private let neighbourhood: Neighbourhood
  private let walk: WalkRules
  private let terrain: Terrain
  private let unit: UInt32?

  init(_ words: [String], _ arguments: inout Arguments) throws(Arguments.Fault) {
    func fault(_ message: String) -> Arguments.Fault { Arguments.Fault(message: message) }
    guard let output = arguments.take("--output") else { throw fault("--output: required") }
    self.output = output
    isForced = arguments.take("--force") != nil
    let form: WorldForm
    if let name = arguments.take("--generate") {
      guard words.isEmpty else { throw fault("\(words[0]): unexpected beside --generate") }
      let forms: [String: WorldForm] = [
        "grid": .grid, "maze": .grid, "caves": .voxels, "roads": .network,
      ]
      guard let made = forms[name] else {
        throw fault("--generate \(name): one of grid, maze, caves, roads")
      }
      form = made
      source = .maker(try Self.maker(name, &arguments))
    } else {
      guard words.count == 1 else { throw fault("one source is needed, or --generate") }
      let name = arguments.take("--format")
      let ending = words[0].split(separator: ".").last.map(String.init) ?? ""
      guard let format = Format(rawValue: name ?? ending) else {
        let list = Format.allCases.map(\.rawValue).joined(separator: ", ")
        throw fault(
          name.map { "--format \($0): one of \(list)" }
            ?? "\(words[0]): its ending tells no format; --format is one of \(list)")
      }
      switch format {
      case .map: form = .grid
      case .threeDMap, .layers: form = .voxels
      case .gr, .csv: form = .network
      }
      let coordinates = format == .gr ? arguments.take("--coordinates") : nil
      source = .file(path: words[0], format: format, coordinates: coordinates)
    }
    neighbourhood = try Self.neighbourhood(form, &arguments)
    walk = neighbourhood == .walk ? try Self.walk(&arguments) : .standard
    if case .file(_, .map, _) = source {
      terrain = try Self.terrain(arguments.take("--terrain"))
    } else {
      terrain = .standard
    }
    // Worlds that are made have the unit of their maker.
    if case .file = source {
      let unit = try arguments.takeInteger("--unit", 1...1_000_000_000, default: 0)
      self.unit = unit == 0 ? nil : UInt32(unit)
    } else {
      unit = nil
    }
    try arguments.finish()
  }

  // MARK: Flags

  private static func maker(
    _ name: String, _ arguments: inout Arguments
  ) throws(Arguments.Fault) -> Maker {
    func fault(_ message: String) -> Arguments.Fault { Arguments.Fault(message: message) }
    let sizes = (name == "maze" ? 3 : 1)...Topology.cellCountMax
    let width = try arguments.takeInteger("--width", sizes, default: 256)
    let height = try arguments.takeInteger("--height", sizes, default: 256)
    var maker = Maker(
      name: name,
      seed: UInt64(try arguments.takeInteger("--seed", 0...Int(UInt32.max), default: 1)),
      width: width, height: height, depth: 1, weights: 1...1, blocked: 0, loops: 0)
    if name == "caves" {
      maker.depth = try arguments.takeInteger("--depth", 1...Topology.cellCountMax, default: 32)
      maker.blocked = try arguments.takeInteger("--blocked", 0...100, default: 52)
    }
    if name == "grid" {
      maker.blocked = try arguments.takeInteger("--blocked", 0...100, default: 20)
      if let text = arguments.take("--weights") {
        let ends = text.split(separator: ".", omittingEmptySubsequences: false)
        guard ends.count == 4, ends[1].isEmpty, ends[2].isEmpty, let least = UInt8(ends[0]),
          let most = UInt8(ends[3]), least >= 1, least <= most
        else { throw fault("--weights \(text): two numbers of 1...255, such as 1...16") }
        maker.weights = least...most
      }
    }
    if name == "maze" {
      maker.loops = try arguments.takeInteger("--loops", 0...100, default: 5)
    }
    // No product overflows.
    let limit = Topology.cellCountMax
    if width * height > limit || width * height * maker.depth > limit {
      let sizes = name == "caves" ? "\(width) x \(height) x \(maker.depth)" : "\(width) x \(height)"
      throw fault("\(sizes): above \(limit) cells")
    }
    return maker
  }

  private static func neighbourhood(
    _ form: WorldForm, _ arguments: inout Arguments
  ) throws(Arguments.Fault) -> Neighbourhood {
    if form == .network { return .network }
    guard let text = arguments.take("--neighbours") else { return form == .grid ? .eight : .walk }
    let names: [String: Neighbourhood] = [
      "4": .four, "8": .eight, "6": .six, "26": .twentySix, "walk": .walk,
    ]
    guard let neighbourhood = names[text], form.allows(neighbourhood) else {
      let list = form == .grid ? "4, 8" : "walk, 6, 26"
      throw Arguments.Fault(message: "--neighbours \(text): one of \(list)")
    }
    return neighbourhood
  }

  private static func walk(_ arguments: inout Arguments) throws(Arguments.Fault) -> WalkRules {
    WalkRules(
      headroom: try arguments.takeInteger("--headroom", 1...4, default: 2),
      climb: try arguments.takeInteger("--climb", 0...4, default: 1),
      fall: try arguments.takeInteger("--fall", 0...16, default: 3))
  }

  private static func terrain(_ text: String?) throws(Arguments.Fault) -> Terrain {
    var terrain = Terrain.standard
    for entry in (text ?? "").split(separator: ",") {
      let bytes = Array(entry.utf8)
      guard bytes.count >= 3, bytes[1] == UInt8(ascii: "="), (0x20...0x7e).contains(bytes[0]),
        let cost = UInt8(entry.dropFirst(2))
      else {
        throw Arguments.Fault(
          message: "--terrain \(entry): a character and its cost, 0...255, such as S=3")
      }
      terrain[bytes[0]] = cost
    }
    return terrain
  }

  // MARK: Building

  /// Why there is no world.
  private enum Failure: Error {
    case disk(DiskFault)
    /// Of a source: file, place, and what is wrong.
    case text(path: String, line: Int, column: Int, sentence: String)
    case packed(path: String)
  }

  func run() -> Int32 {
    if Files.exists(output) && !isForced && !WorldFile.isWorld(output) {
      return usage(
        "world",
        Arguments.Fault(message: "\(output): is there and no world file; --force replaces it"))
    }
    do throws(Failure) {
      let (world, notes) = try build()
      do throws(DiskFault) {
        try Stage.run("writing") { () throws(DiskFault) in
          try WorldFile.write(world, to: output)
        }
      } catch { throw .disk(error) }
      let report = Stage.run("looking for regions") { WorldReport(of: world) }
      for note in notes + WorldPage.notes(world, report) {
        Terminal.out("\(output): note: \(note)")
      }
      Terminal.out(
        "\(output): \(WorldPage.form(world)), \(world.edgeCount) edges, "
          + "\(world.image.byteCount) bytes, digest \(world.digest.hex)")
      return ExitCode.fine
    } catch {
      switch error {
      case .disk(let fault):
        Terminal.error("veltrix world: \(fault)")
        return ExitCode.usage
      case .text(let path, let line, let column, let sentence):
        Terminal.error("\(path):\(line):\(column): error: \(sentence)")
      case .packed(let path):
        Terminal.error("\(path): error: it is compressed; unpack it first (gzip -d)")
      }
      return ExitCode.failedCheck
    }
  }

  private func build() throws(Failure) -> (Topology, notes: [String]) {
    switch source {
    case .maker(let maker): return (Stage.run("making") { make(maker) }, [])
    case .file(let path, let format, let coordinates):
      let slab = try Self.read(path)
      let placesText = try coordinates.map { path throws(Failure) in
        (path: path, slab: try Self.read(path))
      }
      return try Stage.run("reading \(path)") { () throws(Failure) in
        try slab.text.withText(count: slab.count) { text throws(Failure) in
          switch format {
          case .map: return (try map(text, path), [])
          case .threeDMap, .layers: return (try voxels(text, path, format), [])
          case .gr, .csv: return try network(text, path, format, placesText)
          }
        }
      }
    }
  }

  private static func read(_ path: String) throws(Failure) -> (text: Slab, count: Int) {
    let file: Slab?
    do throws(DiskFault) { file = try MappedFile.open(path) } catch { throw .disk(error) }
    guard let slab = file else { return (Slab(byteCount: 8), 0) }
    let isPacked = slab.withText(count: min(2, slab.byteCount)) { text in
      text.count == 2 && text[0] == 0x1f && text[1] == 0x8b
    }
    if isPacked { throw .packed(path: path) }
    return (slab, slab.byteCount)
  }

  private func map(_ text: Span<UInt8>, _ path: String) throws(Failure) -> Topology {
    do throws(MapRejection) {
      return try Topology(
        parsing: text, neighbourhood: neighbourhood, terrain: terrain, unit: unit)
    } catch {
      throw .text(
        path: path, line: error.line, column: error.column, sentence: error.rule.sentence)
    }
  }

  private func voxels(
    _ text: Span<UInt8>, _ path: String, _ format: Format
  ) throws(Failure) -> Topology {
    do throws(SourceRejection) {
      let voxels =
        format == .layers ? try VoxelText(layers: text) : try VoxelText(threeDMap: text)
      return Topology(
        voxels: voxels.solid, width: voxels.width, height: voxels.height, depth: voxels.depth,
        neighbourhood: neighbourhood, walk: walk, unit: unit)
    } catch { throw Self.failure(error, path) }
  }

  private func network(
    _ text: Span<UInt8>, _ path: String, _ format: Format,
    _ places: (path: String, slab: (text: Slab, count: Int))?
  ) throws(Failure) -> (Topology, notes: [String]) {
    let network: NetworkText
    do throws(SourceRejection) {
      network = format == .gr ? try NetworkText(graph: text) : try NetworkText(edgeList: text)
    } catch { throw Self.failure(error, path) }
    var coordinates: Slab?
    if let (path, slab) = places {
      let count = network.nodeCount
      do throws(SourceRejection) {
        coordinates = try slab.text.withText(count: slab.count) { text throws(SourceRejection) in
          try NetworkText.coordinates(text, nodeCount: count)
        }
      } catch { throw Self.failure(error, path) }
    }
    var notes: [String] = []
    if network.selfLoopCount > 0 {
      notes.append(
        "\(network.selfLoopCount) edges from a node to itself are left out, the first in line "
          + "\(network.selfLoopLine)")
    }
    let world = Topology(
      network: network.edges, nodeCount: network.nodeCount, labels: network.labels,
      coordinates: coordinates, unit: unit ?? 1)
    return (world, notes)
  }

  private static func failure(_ error: SourceRejection, _ path: String) -> Failure {
    .text(path: path, line: error.line, column: error.column, sentence: error.rule.sentence)
  }

  private func make(_ maker: Maker) -> Topology {
    switch maker.name {
    case "grid":
      WorldMaker.grid(
        width: maker.width, height: maker.height, neighbourhood: neighbourhood,
        blocked: maker.blocked, weights: maker.weights, seed: maker.seed)
    case "maze":
      WorldMaker.maze(
        width: maker.width, height: maker.height, neighbourhood: neighbourhood,
        loops: maker.loops, seed: maker.seed)
    case "caves":
      WorldMaker.caves(
        width: maker.width, height: maker.height, depth: maker.depth,
        neighbourhood: neighbourhood, walk: walk, solid: maker.blocked, seed: maker.seed)
    default: WorldMaker.roads(columns: maker.width, rows: maker.height, seed: maker.seed)
    }
  }
}
