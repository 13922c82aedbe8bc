import Authoring
import Client
import Disk

/// What the commands about other lines of history share: build, show, compare, promote.
struct ForkRun {
  let target: EngineTarget
  let session: ForkSession
  let command: String

  private func say(_ lines: [String]) { Terminal.out(lines.joined(separator: "\n")) }

  private func clearProgress() {
    if Terminal.isErrorOnScreen { Terminal.progress("") }
  }

  /// Asks for a fork and waits until it is built; nil when that failed, which was then said.
  func build(_ path: String, _ body: [UInt8]) throws(ForkSessionFault) -> ForkSummary? {
    let asked = try session.create(path, body: body)
    let fork: ForkSummary
    do throws(ForkSessionFault) {
      fork = try session.built(asked) { fork in
        guard Terminal.isErrorOnScreen else { return }
        Terminal.progress("fork \(fork.id): \(fork.stage)")
      }
    } catch .interrupted {
      clearProgress()
      Terminal.error(
        "veltrix \(command): fork \(asked.id) is still being built; "
          + "veltrix fork \(target.flags) --delete \(asked.id) ends it")
      throw .interrupted
    }
    clearProgress()
    guard fork.state == "failed" else { return fork }
    Terminal.error("veltrix \(command): \(printable(fork.reason ?? "the fork failed", 400))")
    // It holds nothing but its reason, which was said.
    try session.delete(fork.id)
    return nil
  }

  // MARK: For people

  /// A fork's facts.
  func lines(_ fork: ForkSummary) -> [String] {
    var lines = [
      "fork \(fork.id) of \(target.hunt)",
      "  kind      \(printable(fork.kind))",
      "  state     \(printable(fork.state))"
        + (fork.isBuilding ? ", \(fork.stage)" : "")
        + (fork.reason.map { ": \(printable($0, 400))" } ?? ""),
      "  offset    \(grouped(fork.offset)); the hunt was at \(grouped(fork.head)) then",
      "  replayed  \(grouped(fork.offset - min(fork.base, fork.offset))) entries in "
        + "\(grouped(fork.buildMicros / 1_000)) ms, from \(grouped(fork.base)) on",
      "  digest    \(fork.digest ?? "none yet")",
    ]
    if let offset = fork.promotedAt { lines.append("  promoted  at \(grouped(offset))") }
    return lines
  }

  /// What can be done with a fork next.
  func next(_ fork: ForkSummary, looks: Bool) -> [String] {
    guard fork.state == "ready", let digest = fork.digest else { return [] }
    let look = looks ? ["  look      veltrix diff \(target.flags) --fork \(fork.id)"] : []
    return look + [
      "  promote   veltrix promote \(target.flags) --fork \(fork.id) --digest \(digest)",
      "  forget    veltrix fork \(target.flags) --delete \(fork.id)",
    ]
  }

  // MARK: Commands

  func create(_ body: [UInt8]) throws(ForkSessionFault) -> Int32 {
    guard let fork = try build("/forks", body) else { return ExitCode.failedCheck }
    show(fork)
    return ExitCode.fine
  }

  func show(_ fork: ForkSummary) {
    if target.isJSON {
      Terminal.out("{\"fork\":\(text(fork))}")
    } else {
      say(lines(fork) + next(fork, looks: true))
    }
  }

  func list() throws(ForkSessionFault) -> Int32 {
    let root = try session.get("GET", "/forks")
    if target.isJSON {
      Terminal.out(String(decoding: root.json, as: UTF8.self))
      return ExitCode.fine
    }
    let forks = (root["forks"]?.items ?? []).compactMap { ForkSummary($0) }
    let promotions = root["promotions"]?.items ?? []
    let checkpoints = root["checkpoints"]?.items ?? []
    var lines = [
      "\(target.hunt): \(forks.count) \(forks.count == 1 ? "fork" : "forks"), "
        + "\(promotions.count) promoted before, \(checkpoints.count) "
        + "\(checkpoints.count == 1 ? "checkpoint" : "checkpoints")"
    ]
    if !forks.isEmpty {
      var table = TextTable([
        ("fork", .right), ("kind", .left), ("state", .left), ("offset", .right),
        ("built ms", .right), ("digest", .left), ("", .left),
      ])
      for fork in forks {
        let note =
          fork.promotedAt.map { "promoted at \(grouped($0))" } ?? fork.reason.map {
            printable($0, 200)
          } ?? (fork.isBuilding ? fork.stage : "")
        table.append([
          "\(fork.id)", printable(fork.kind), printable(fork.state), grouped(fork.offset),
          grouped(fork.buildMicros / 1_000), fork.digest ?? "", note,
        ])
      }
      lines += table.lines()
    }
    for promotion in promotions {
      lines.append(
        "  promotion \(promotion["number"]?.text ?? "") at offset "
          + "\(grouped(promotion["offset"]?.number ?? 0))")
    }
    say(lines)
    return ExitCode.fine
  }

  func delete(_ id: UInt64) throws(ForkSessionFault) -> Int32 {
    try session.delete(id)
    Terminal.out(target.isJSON ? "{\"deleted\":\(id)}" : "fork \(id) of \(target.hunt) is deleted")
    return ExitCode.fine
  }

  func difference(_ id: UInt64, _ wish: DifferenceFlags) throws(ForkSessionFault) -> Int32 {
    let difference = try read(id, wish)
    if target.isJSON {
      Terminal.out(difference.json)
    } else {
      say(difference.lines(shownMax: wish.limit))
    }
    return ExitCode.fine
  }

  private func read(_ id: UInt64, _ wish: DifferenceFlags) throws(ForkSessionFault)
    -> ForkDifference
  {
    // For a person whole pages are read, so that the largest changes are found among many.
    let rows = target.isJSON || wish.limit == 0 ? wish.limit : max(wish.limit, 1_000)
    return try session.difference(id, against: wish.against, parts: wish.parts, rowCountMax: rows)
  }

  func promote(_ id: UInt64, digest: String) throws(ForkSessionFault) -> Int32 {
    let fork = try promoted(id, digest)
    if target.isJSON {
      Terminal.out("{\"fork\":\(text(fork))}")
    } else {
      say(["fork \(id) is \(target.hunt) now, from offset \(grouped(fork.promotedAt ?? 0)) on"])
    }
    return ExitCode.fine
  }

  private func promoted(_ id: UInt64, _ digest: String) throws(ForkSessionFault) -> ForkSummary {
    if Terminal.isErrorOnScreen { Terminal.progress("fork \(id): catching up with the hunt") }
    defer { clearProgress() }
    do throws(ForkSessionFault) {
      return try session.promote(id, digest: digest)
    } catch {
      switch error {
      case .interrupted, .http(.cutOff), .http(.timedOut):
        Terminal.error(
          "veltrix \(command): whether it was promoted says veltrix fork \(target.flags) --list")
      default: break
      }
      throw error
    }
  }

  /// Builds a fork, shows what it changes, and promotes what was shown if that is wished.
  func preview(
    _ path: String, _ body: [UInt8], _ wish: DifferenceFlags, promotes: Bool
  ) throws(ForkSessionFault) -> Int32 {
    guard var fork = try build(path, body) else { return ExitCode.failedCheck }
    let difference = try read(fork.id, wish)
    if !target.isJSON {
      say(lines(fork) + [""] + difference.lines(shownMax: wish.limit) + [""])
    }
    if promotes {
      guard let digest = fork.digest else { throw .unexpected("digest") }
      fork = try promoted(fork.id, digest)
    }
    if target.isJSON {
      Terminal.out("{\"fork\":\(text(fork)),\"difference\":\(difference.json)}")
    } else if promotes {
      say(["fork \(fork.id) is \(target.hunt) now, from offset \(grouped(fork.promotedAt ?? 0)) on"]
      )
    } else {
      say(["nothing is changed yet"] + next(fork, looks: false))
    }
    return ExitCode.fine
  }

  private func text(_ fork: ForkSummary) -> String {
    String(decoding: fork.node.json, as: UTF8.self)
  }
}

/// Which rows of a difference are wished.
struct DifferenceFlags {
  var against: UInt64?
  var parts = ForkDifference.Part.allCases
  var limit = 50

  static let help = """
      --parts <part,...>        of players, treasures, prizes, edges, blocks            default all
      --limit <n>               rows of each part, 0...100,000; 0 for counts alone       default 50
    """

  /// Takes `--parts` and `--limit`.
  init(_ arguments: inout Arguments) throws(Arguments.Fault) {
    if let words = try arguments.takeList("--parts") {
      parts = []
      for word in words {
        guard let part = ForkDifference.Part(rawValue: word) else {
          let known = ForkDifference.Part.allCases.map(\.rawValue)
          let nearest = nearestName(to: word, among: known).map { "; did you mean \($0)?" } ?? ""
          throw Arguments.Fault(
            message: "--parts \(printable(word)): expected \(known.joined(separator: ", "))"
              + nearest)
        }
        if !parts.contains(part) { parts.append(part) }
      }
    }
    limit = try arguments.takeInteger("--limit", 0...100_000, default: 50)
  }

  /// Takes `--against` too.
  static func withAgainst(
    _ arguments: inout Arguments
  ) throws(Arguments.Fault) -> DifferenceFlags {
    var against: UInt64?
    if let text = arguments.take("--against"), text != "main" {
      guard let id = UInt32(text), id > 0 else {
        throw Arguments.Fault(
          message: "--against \(printable(text)): expected main or a fork's number")
      }
      against = UInt64(id)
    }
    var flags = try DifferenceFlags(&arguments)
    flags.against = against
    return flags
  }
}
