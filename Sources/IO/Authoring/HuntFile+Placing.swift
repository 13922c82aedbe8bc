internal import Bounded
public import Hunt

extension HuntFile {
  /// The hunt on its world: listed treasures checked against the ground, generated ones placed.
  ///
  /// - Complexity: O(blocks) when treasures are generated, otherwise O(treasures).
  public func definition(on ground: Ground) -> Checked<HuntDefinition> {
    var findings = FindingList()
    checkListed(ground, &findings)
    var definition = definition
    if let generation {
      definition.treasures += placed(generation, ground, &findings)
    }
    return Checked(definition, findings)
  }

  private func checkListed(_ ground: Ground, _ findings: inout FindingList) {
    for (index, treasure) in definition.treasures.enumerated() {
      let (x, y, z) = (Int(treasure.x), Int(treasure.y), Int(treasure.z))
      let path = "\(treasurePath)[\(index)]"
      let mark = treasureMarks[index]
      let place = z == 0 ? "(\(x), \(y))" : "(\(x), \(y), \(z))"
      switch ground.standing(x, y, z) {
      case .fine: break
      case .outside:
        findings.error(.outside, mark, path, "\(place) is outside the world, \(ground.extent)")
      case .blocked:
        findings.error(.blocked, mark, path, "\(place) is a blocked block of the map")
      case .unreachable:
        findings.warn(.unreachable, mark, path, "players cannot get to \(place)")
      }
    }
  }

  /// The generated treasures.
  ///
  /// Let the candidates be the passable, reachable blocks without a listed treasure, in Z-order; if
  /// they are fewer than the treasures, those with one too. With n candidates and k treasures, the
  /// candidates fall into k consecutive runs, from i * n / k up to (i + 1) * n / k, and treasure i
  /// takes one block of run i, each as likely. So no two share a block while there are enough, and
  /// every part of the map gets its share: with uniform draws a third of the neighbourhoods would
  /// be empty (1/e) and some crowded.
  ///
  /// SplitMix64 from the seed is drawn three times a treasure (block, points, stock) in the order
  /// of ids, whether or not there is a choice, so that changing a range of points moves nothing.
  private func placed(
    _ generation: TreasureGeneration, _ ground: Ground, _ findings: inout FindingList
  ) -> [TreasureSpec] {
    let listed = Set(definition.treasures.map { [$0.x, $0.y, ground.isFlat ? 0 : $0.z] })
    let isListed = { (x: Int, y: Int, z: Int) in
      !listed.isEmpty && listed.contains([Int32(x), Int32(y), Int32(z)])
    }
    var freeCount = 0
    var allCount = 0
    ground.forEachPlace { x, y, z in
      guard ground.standing(x, y, z) == .fine else { return }
      allCount += 1
      if !isListed(x, y, z) { freeCount += 1 }
    }
    let count = Int(generation.count)
    guard allCount > 0 else {
      findings.error(
        .noRoom, generationMark, "treasures.generate", "the map has no block to place a treasure on"
      )
      return []
    }
    if freeCount < count {
      findings.warn(
        .crowded, generationMark, "treasures.generate.count",
        "\(grouped(count)) treasures on \(grouped(allCount)) blocks; some will share one")
    }
    let skipsListed = freeCount >= count
    let candidateCount = skipsListed ? freeCount : allCount
    var draws = TreasureDraws(generation, firstId: (definition.treasures.map(\.id).max() ?? 0) + 1)
    var treasures: [TreasureSpec] = []
    treasures.reserveCapacity(count)
    var candidate = 0
    var pick = draws.next(candidateCount: candidateCount)
    ground.forEachPlace { x, y, z in
      guard ground.standing(x, y, z) == .fine, !(skipsListed && isListed(x, y, z)) else { return }
      while let (index, spec) = pick, index == candidate {
        var treasure = spec
        treasure.x = Int32(x)
        treasure.y = Int32(y)
        treasure.z = Int32(z)
        treasures.append(treasure)
        pick = draws.next(candidateCount: candidateCount)
      }
      candidate += 1
    }
    return treasures
  }
}

/// The draws of one generation, treasure by treasure.
private struct TreasureDraws {
  private let generation: TreasureGeneration
  private let firstId: UInt32
  private var random: SplitMix64
  private var drawn = 0

  init(_ generation: TreasureGeneration, firstId: UInt32) {
    self.generation = generation
    self.firstId = firstId
    random = SplitMix64(seed: generation.seed)
  }

  /// The next treasure, without a place, and the index of its candidate, `0..<candidateCount`,
  /// never less than the one before; nil after the last.
  mutating func next(candidateCount: Int) -> (candidate: Int, TreasureSpec)? {
    let count = Int(generation.count)
    guard drawn < count else { return nil }
    let start = drawn * candidateCount / count
    let end = max(start + 1, (drawn + 1) * candidateCount / count)
    let candidate = start + Int(random.below(UInt64(end - start)))
    var treasure = TreasureSpec(id: firstId + UInt32(drawn), x: 0, y: 0)
    treasure.points =
      generation.points.lowerBound + Int32(random.below(UInt64(generation.points.count)))
    treasure.stock =
      generation.stock.lowerBound + UInt32(random.below(UInt64(generation.stock.count)))
    treasure.reach = generation.reach
    treasure.respawnMs = generation.respawnMs
    drawn += 1
    return (candidate, treasure)
  }
}
