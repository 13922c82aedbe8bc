import Bounded
import Disk
import Engine
import Events
import World

/// `veltrix world build|info|check`.
enum WorldCommand {
  static let command = Command(
    name: "world", summary: "compile, describe or check a world file", help: help, run: run)

  static func help() -> String {
    """
    veltrix world - compile a world into one file that hunts open, describe it, check it

    usage: veltrix world build <source> --output <file> [options]
           veltrix world build --generate grid|maze|caves|roads --output <file> [options]
           veltrix world info <file> [--json]
           veltrix world check <file>
      build                 compiles a map, voxels or a network; says what may be worth knowing
      info                  form, sizes, edges, bytes of each section, regions, digest
      check                 reads every byte, names the section and the byte of what is wrong

    build
      <source>              a map (.map), voxels (.3dmap, .layers), a network (.gr, .csv)
      --output <file>       the world file, replaced in one step                       required
      --force               replaces what is no world file, too
      --format <name>       map, 3dmap, layers, gr or csv           default by the source's ending
      --neighbours <n>      map: 4, 8; voxels: walk, 6, 26                    default 8, walk
      --terrain <list>      map: what steps onto characters cost, 0 a wall ... 255: S=3,W=5,T=0
      --coordinates <file>  gr: where its nodes lie (.co)
      --headroom <n>        walk: cells that a walker takes upwards, 1...4            default 2
      --climb <n>           walk: most levels climbed in a step, 0...4                default 1
      --fall <n>            walk: most levels fallen in a step, 0...16                default 3
      --unit <n>            cost of walking one block, 1...1,000,000,000 default one straight step

    build --generate
      --seed <n>            the same seed makes the same world, 0...4,294,967,295      default 1
      --width <n>           columns, 1...16,777,216; maze 3...                       default 256
      --height <n>          rows, as columns; 16,777,216 cells at most               default 256
      --depth <n>           caves: levels                                             default 32
      --weights <a>...<b>   grid: costs of steps, 1...255                          default 1...1
      --blocked <n>         walls in 100 blocks: grid default 20; caves, at first, default 52
      --loops <n>           maze: walls taken away in 100                             default 5

    exit: 0 fine, 1 the source is refused, 2 bad usage, 3 the world file is damaged
    """
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      var arguments = try Arguments(arguments, switches: ["--json", "--force"])
      let words = arguments.takeWords()
      switch words.first {
      case "build": return try WorldBuild(Array(words.dropFirst()), &arguments).run()
      case "info", "check":
        let isJSON = words[0] == "info" && arguments.take("--json") != nil
        try arguments.finish()
        guard words.count == 2 else { throw Arguments.Fault(message: "one world file is needed") }
        return words[0] == "info" ? info(words[1], isJSON: isJSON) : check(words[1])
      default: throw Arguments.Fault(message: "one of build, info, check is needed")
      }
    } catch { return usage("world", error) }
  }

  private static func info(_ path: String, isJSON: Bool) -> Int32 {
    do throws(WorldFileFault) {
      let world = try WorldFile.open(path)
      let report = Stage.run("looking for regions") { WorldReport(of: world) }
      if isJSON {
        Terminal.out(WorldPage.json(world, report))
      } else {
        for line in WorldPage.lines(world, report) { Terminal.out(line) }
      }
      return ExitCode.fine
    } catch { return refused(error) }
  }

  private static func check(_ path: String) -> Int32 {
    do throws(DiskFault) {
      let image = try MappedFile.open(path) ?? Slab(byteCount: 8)
      let faults = Stage.run("checking") { Topology.faults(in: image) }
      for fault in faults { Terminal.out("\(WorldFileFault.damaged(path: path, fault))") }
      if !faults.isEmpty { return ExitCode.damaged }
      let world: Topology
      do throws(WorldFault) { world = try Topology(image: image) } catch {
        // Changed by somebody since the check.
        return refused(.damaged(path: path, error))
      }
      let report = Stage.run("looking for regions") { WorldReport(of: world) }
      for line in WorldPage.notes(world, report) { Terminal.out("\(path): note: \(line)") }
      Terminal.out("\(path): whole, \(world.image.byteCount) bytes, digest \(world.digest.hex)")
      return ExitCode.fine
    } catch { return refused(.disk(error)) }
  }

  private static func refused(_ fault: WorldFileFault) -> Int32 {
    Terminal.error("veltrix world: \(fault)")
    if case .disk = fault { return ExitCode.usage }
    return ExitCode.damaged
  }
}

/// What the command says about a world.
enum WorldPage {
  static func form(_ world: Topology) -> String {
    switch world.form {
    case .grid: "grid of \(world.width) x \(world.height) blocks"
    case .voxels: "voxels, \(world.width) x \(world.height) x \(world.depth) cells"
    case .network: "network of \(world.nodeCount) nodes"
    }
  }

  static func neighbours(_ world: Topology) -> String {
    switch world.neighbourhood {
    case .walk:
      "walk (headroom \(world.walk.headroom), climb \(world.walk.climb), fall \(world.walk.fall))"
    case .network: "along edges"
    case let other: "\(other.degree)"
    }
  }

  static func lines(_ world: Topology, _ report: WorldReport) -> [String] {
    var lines = [
      "form        \(form(world))",
      "neighbours  \(neighbours(world))",
      "nodes       \(world.nodeCount), \(report.passableCount) passable",
      "edges       \(world.edgeCount) directed",
      "unit        \(world.unit)",
      "digest      \(world.digest.hex)",
      "bytes       \(world.image.byteCount)",
    ]
    for section in world.sections {
      let gap = String(repeating: " ", count: 14 - section.kind.name.count)
      lines.append("  \(section.kind.name)\(gap)\(section.byteCount) from \(section.offset)")
    }
    lines.append("regions     \(report.regionCount), the largest of \(report.largestRegion) nodes")
    return lines + notes(world, report).map { "note        \($0)" }
  }

  static func json(_ world: Topology, _ report: WorldReport) -> String {
    var json = JSONWriter(capacity: 1024)
    json.beginObject()
    json.key("form")
    json.string("\(world.form)")
    json.key("neighbours")
    json.string(world.neighbourhood == .walk ? "walk" : "\(world.neighbourhood.degree)")
    if world.neighbourhood == .walk {
      json.field("headroom", UInt64(world.walk.headroom))
      json.field("climb", UInt64(world.walk.climb))
      json.field("fall", UInt64(world.walk.fall))
    }
    json.field("width", UInt64(world.width))
    json.field("height", UInt64(world.height))
    json.field("depth", UInt64(world.depth))
    json.field("nodes", UInt64(world.nodeCount))
    json.field("passable", UInt64(report.passableCount))
    json.field("edges", UInt64(world.edgeCount))
    json.field("unit", UInt64(world.unit))
    json.key("digest")
    json.string(world.digest.hex)
    json.field("bytes", UInt64(world.image.byteCount))
    json.key("sections")
    json.beginArray()
    for section in world.sections {
      json.beginObject()
      json.key("name")
      json.string(section.kind.name)
      json.field("offset", UInt64(section.offset))
      json.field("bytes", UInt64(section.byteCount))
      json.endObject()
    }
    json.endArray()
    json.field("regions", UInt64(report.regionCount))
    json.field("largest_region", UInt64(report.largestRegion))
    json.field("outside_largest_region", UInt64(report.outsideCount))
    json.field("unreached", UInt64(report.unreachedCount))
    json.field("greatest_cost", UInt64(report.costMax))
    json.key("distances_may_overflow")
    json.bool(report.mayOverflow)
    json.endObject()
    return String(decoding: json.bytes, as: UTF8.self)
  }

  /// What is no fault and yet worth knowing.
  static func notes(_ world: Topology, _ report: WorldReport) -> [String] {
    var notes: [String] = []
    if report.passableCount == 0 { notes.append("nobody can be anywhere in it") }
    if report.outsideCount > 0 {
      notes.append(
        "\(report.outsideCount) of \(report.passableCount) nodes have no way to or from the largest "
          + "region; there are \(report.regionCount) regions")
    }
    if report.unreachedCount > 0 {
      notes.append("no edge leads to \(report.unreachedCount) nodes")
    }
    if report.mayOverflow {
      notes.append(
        "ways of more than \(distanceMax) would not fit: an edge costs up to \(report.costMax); "
          + "what lies farther counts as unreachable")
    }
    return notes
  }
}
