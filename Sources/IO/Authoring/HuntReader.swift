internal import Hunt

/// Turns a tree into a hunt, section by section, and checks what needs several values at once.
struct HuntReader {
  var sections = SectionReader()
  let maps: MapFiles

  init(maps: MapFiles) { self.maps = maps }

  /// The hunt that `root` describes; of use only if no finding is an error.
  mutating func hunt(_ root: YamlNode) -> HuntFile {
    var rootValues = HuntFile.Root()
    let section = sections.read(
      root, "", fields: HuntFile.rootFields,
      sections: ["world", "limits", "rules", "treasures", "boards"], into: &rootValues)
    var definition = HuntDefinition(name: rootValues.name)
    definition.startsLive = rootValues.startsLive
    let world = self.world(section)
    if let node = section.nodes["limits"] {
      _ = sections.read(node, "limits", fields: HuntFile.limitFields, into: &definition.limits)
    }
    if let node = section.nodes["rules"] { rules(node, &definition.rules) }
    if let node = section.nodes["boards"] { definition.boards = boards(node) }

    var file = HuntFile(
      definition: definition, world: world, worldMark: section.keys["world"] ?? root.mark)
    if let node = section.nodes["treasures"] { treasures(node, &file) }
    if file.definition.treasures.isEmpty && file.generation == nil {
      sections.findings.warn(
        .emptyHunt, section.keys["treasures"] ?? root.mark, "treasures",
        "no treasure is listed or generated; nothing can be claimed until one is spawned")
    }
    checkLimits(file, section)
    return file
  }

  private mutating func world(_ root: Section) -> WorldSource {
    var world = HuntFile.World()
    var marks: [String: Mark] = [:]
    let mark = root.keys["world"] ?? root.mark
    if let node = root.nodes["world"] {
      marks = sections.read(node, "world", fields: HuntFile.worldFields, into: &world).keys
    }
    let given = ["map", "name", "text"].filter { marks[$0] != nil }
    if given.isEmpty {
      sections.findings.error(
        .missing, mark, "world", "no map; give its file as `map` or the map itself as `text`")
    } else if given.count > 1 {
      let words = given.map { "`\($0)`" }
      let list = words.dropLast().joined(separator: ", ") + " and " + words[words.count - 1]
      sections.findings.error(
        .conflict, marks[given[0]] ?? mark, "world",
        given.count == 2 ? "both \(list); give one" : "\(list); give one")
    } else if let map = marks["map"], maps == .refused {
      sections.findings.error(
        .remoteMap, map, "world.map",
        "a hunt sent over the network cannot name a file; give the map as `text`, or a world of the"
          + " server as `name`")
    }
    let map: WorldSource.Map =
      if let path = world.map {
        .file(resolved(path))
      } else if let name = world.name {
        .named(name)
      } else {
        .inline(world.text ?? "")
      }
    return WorldSource(map: map, neighbours: world.neighbours)
  }

  private func resolved(_ path: String) -> String {
    guard case .relative(let folder) = maps, !path.hasPrefix("/") else { return path }
    if folder.isEmpty || folder == "." { return path }
    return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
  }

  private mutating func rules(_ node: YamlNode, _ rules: inout HuntRules) {
    let given = sections.read(node, "rules", fields: HuntFile.ruleFields, into: &rules)
    if rules.stepsFree > rules.stepsMax {
      sections.findings.warn(
        .conflict, given.keys["steps_free"] ?? given.keys["steps_max"] ?? given.mark,
        "rules.steps_free", "\(rules.stepsFree) is above steps_max \(rules.stepsMax), which wins")
    }
  }

  private mutating func boards(_ node: YamlNode) -> [BoardSpec] {
    let items = sections.items(node, "boards")
    if case .sequence = node.content, !(1...8).contains(items.count) {
      sections.findings.error(
        items.isEmpty ? .below : .above, node.mark, "boards",
        "\(items.count): a hunt has 1...8 boards")
    }
    var boards: [BoardSpec] = []
    var lines: [String: UInt32] = [:]
    for (index, item) in items.prefix(8).enumerated() {
      var board = BoardSpec(name: "", windowMs: nil)
      let path = "boards[\(index)]"
      let section = sections.read(item, path, fields: HuntFile.boardFields, into: &board)
      if let mark = section.keys["name"], !board.name.isEmpty,
        let line = lines.updateValue(mark.line, forKey: board.name)
      {
        sections.findings.error(
          .duplicate, mark, "\(path).name", "\(quoted(board.name)) again; first on line \(line)")
      }
      boards.append(board)
    }
    return boards
  }

  private mutating func treasures(_ node: YamlNode, _ file: inout HuntFile) {
    guard case .mapping = node.content else {
      list(node, "treasures", &file)
      return
    }
    var nothing: Void = ()
    let section = sections.read(
      node, "treasures", fields: [Field<Void>](), sections: ["list", "generate"], into: &nothing)
    if let node = section.nodes["list"] { list(node, "treasures.list", &file) }
    if let node = section.nodes["generate"] {
      var generation = TreasureGeneration()
      _ = sections.read(
        node, "treasures.generate", fields: HuntFile.generateFields, into: &generation)
      file.generation = generation
      file.generationMark = section.keys["generate"]
    }
  }

  private mutating func list(_ node: YamlNode, _ path: String, _ file: inout HuntFile) {
    let items = sections.items(node, path)
    file.treasurePath = path
    file.treasureMarks.reserveCapacity(items.count)
    var lines: [UInt32: UInt32] = [:]
    for (index, item) in items.enumerated() {
      var treasure = TreasureSpec(id: 0, x: 0, y: 0)
      let itemPath = "\(path)[\(index)]"
      let section = sections.read(
        item, itemPath, fields: HuntFile.treasureFields, into: &treasure)
      if treasure.id != 0, let mark = section.keys["id"],
        let line = lines.updateValue(mark.line, forKey: treasure.id)
      {
        sections.findings.error(
          .duplicate, mark, "\(itemPath).id", "\(treasure.id) again; first on line \(line)")
      }
      file.definition.treasures.append(treasure)
      file.treasureMarks.append(item.mark)
    }
  }

  /// Whether what the file holds fits the limits it sets.
  private mutating func checkLimits(_ file: HuntFile, _ root: Section) {
    let definition = file.definition
    let count = definition.treasures.count + Int(file.generation?.count ?? 0)
    let mark = root.keys["treasures"] ?? root.mark
    if count > definition.limits.treasures {
      sections.findings.error(
        .tooMany, mark, "treasures",
        "\(grouped(count)) treasures; limits.treasures is \(grouped(definition.limits.treasures))")
    }
    let greatest = definition.treasures.map(\.id).max() ?? 0
    if let generation = file.generation, generation.count > UInt32.max - greatest {
      sections.findings.error(
        .tooMany, file.generationMark, "treasures.generate.count",
        "ids follow \(greatest), and \(grouped(generation.count)) more do not fit 4,294,967,295")
    }
    var stock = definition.treasures.reduce(0) { $0 + Int($1.stock) }
    if let generation = file.generation {
      stock += Int(generation.count) * Int(generation.stock.lowerBound)
    }
    if definition.rules.claimsPerPlayer > 0 && stock > definition.limits.claims {
      sections.findings.warn(
        .tight, mark, "treasures",
        "\(grouped(stock)) claims in stock; limits.claims remembers"
          + " \(grouped(definition.limits.claims)), and claims beyond are refused")
    }
  }
}
