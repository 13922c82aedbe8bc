import Authoring
import Bounded
import Client
import Disk
import Engine
import Hunt
import Partitions

/// What `veltrix replay` is asked of one place of a history.
struct PlaceWish {
  /// What a running engine's fork would be asked for.
  let request: [UInt8]
  /// Nil where nothing is compared.
  let difference: DifferenceFlags?
  let isJSON: Bool

  /// Takes the flags; nil when none of them was given.
  init?(_ arguments: inout Arguments) throws(Arguments.Fault) {
    let own = ["--at", "--omit", "--diff", "--json"]
    guard let first = arguments.flags.first(where: { own.contains($0.name) })?.name else {
      return nil
    }
    for flag in ["--verify", "--digest-every"] where arguments.take(flag) != nil {
      throw Arguments.Fault(message: "\(flag): not together with \(first)")
    }
    let (request, omits) = try ForkWish.replay(&arguments)
    let compares = arguments.take("--diff") != nil
    if compares && !omits { throw Arguments.Fault(message: "--diff: needs --omit") }
    self.request = request
    difference = compares ? try DifferenceFlags(&arguments) : nil
    isJSON = arguments.take("--json") != nil
  }
}

/// `veltrix replay --at --omit --diff`: a stored hunt at a place, and along another line to there.
struct PlaceReplay {
  let data: String
  let hunt: String?
  let wish: PlaceWish

  /// The command's exit status.
  func run() -> Int32 {
    do throws(ClosedData.Fault) {
      let hunts = try ClosedData.open(data, hunt)
      guard hunts.names.count == 1 else {
        throw Self.usage(
          "--hunt: needed, as \(data) has \(hunts.names.count): "
            + hunts.names.prefix(10).joined(separator: ", "))
      }
      let name = hunts.names[0]
      let fork = try replayed(name)
      let difference = try compared(fork)
      if wish.isJSON {
        Terminal.out(json(name, fork, difference))
      } else {
        Terminal.out(lines(name, fork, difference).joined(separator: "\n"))
      }
      return fork.own.isBalanced && fork.fork?.isBalanced != false
        ? ExitCode.fine : ExitCode.failedCheck
    } catch {
      Terminal.error("veltrix replay: \(error.message)")
      return error.status
    }
  }

  private static func usage(_ message: String) -> ClosedData.Fault {
    .init(status: ExitCode.usage, message: message)
  }

  private func replayed(_ name: String) throws(ClosedData.Fault) -> StoredFork {
    let parsed = ForkText.parse(wish.request, .fork, rules: HuntRules())
    guard let request = parsed.value else {
      throw Self.usage(
        parsed.findings.map { "\($0.path): \($0.message)" }.joined(separator: "; "))
    }
    do throws(StoredForkFault) {
      let replay: Replay
      do throws(HuntFolderFault) {
        replay = try Replay(HuntFolder(data: data, name: name))
      } catch { throw .folder(error) }
      return try StoredFork(replay, request) {
        Terminal.error("veltrix replay: hunt \(name): \($0)")
      }
    } catch {
      let isDamage = if case .folder = error { true } else { false }
      throw ClosedData.Fault(
        status: isDamage ? ExitCode.damaged : ExitCode.failedCheck,
        message: "hunt \(name): \(printable("\(error)", 400))")
    }
  }

  private func compared(_ fork: StoredFork) throws(ClosedData.Fault) -> ForkDifference? {
    guard let flags = wish.difference else { return nil }
    // For a person whole pages are read, so that the largest changes are found among many.
    let rows = wish.isJSON || flags.limit == 0 ? flags.limit : max(flags.limit, 1_000)
    func page(
      _ part: ForkDifference.Part?, _ limit: Int, _ after: Int
    ) throws(ClosedData.Fault) -> YamlNode {
      let parts = part.flatMap { DifferenceWish.Part(rawValue: $0.rawValue) }.map { [$0] }
      let bytes = fork.difference(
        DifferenceWish(
          against: nil, parts: parts ?? DifferenceWish.Part.allCases, limit: limit, after: after))
      guard let bytes, let tree = YamlNode.parse(bytes).value else {
        throw ClosedData.Fault(status: ExitCode.failedCheck, message: "nothing was left out")
      }
      return tree
    }
    return try ForkDifference.read(nil, parts: flags.parts, rowCountMax: rows, page: page) {
      ClosedData.Fault(status: ExitCode.failedCheck, message: "no \($0)")
    }
  }

  // MARK: For people

  private func lines(
    _ name: String, _ fork: StoredFork, _ difference: ForkDifference?
  ) -> [String] {
    var lines = [
      "hunt \(name) at \(grouped(fork.offset)); its journal ends at \(grouped(fork.head))"
    ]
    lines += facts(fork.own, fork)
    if let other = fork.fork { lines += ["with omissions"] + facts(other, fork) }
    if let difference, let flags = wish.difference {
      lines += [""] + difference.lines(shownMax: flags.limit)
    }
    return lines
  }

  private func facts(_ ending: StoredFork.Ending, _ fork: StoredFork) -> [String] {
    [
      "  replayed  \(grouped(fork.offset - min(ending.base, fork.offset))) entries in "
        + "\(Int(ending.seconds * 1_000)) ms, from \(grouped(ending.base)) on; "
        + "\(grouped(ending.events)) events judged",
      "  digest    \(ending.digest.hex)",
      "  books     \(ending.books.line(isBalanced: ending.isBalanced))",
    ]
  }

  // MARK: For programs

  private func json(
    _ name: String, _ fork: StoredFork, _ difference: ForkDifference?
  ) -> String {
    var text =
      "{\"hunt\":\"\(name)\",\"head\":\(fork.head),\"offset\":\(fork.offset),"
      + "\"own\":\(object(fork.own)),\"fork\":\(fork.fork.map { object($0) } ?? "null")"
    if let difference { text += ",\"difference\":\(difference.json)" }
    return text + "}"
  }

  private func object(_ ending: StoredFork.Ending) -> String {
    let books = ending.books
    return "{\"base\":\(ending.base),\"events\":\(ending.events),"
      + "\"digest\":\"\(ending.digest.hex)\",\"micros\":\(Int(ending.seconds * 1e6)),"
      + "\"books\":{\"received\":\(books.received),\"applied\":\(books.applied),"
      + "\"duplicate\":\(books.duplicate),\"rejected\":\(books.rejected),"
      + "\"late\":\(books.late),\"shed\":\(books.shed)}}"
  }
}

extension BooksRow {
  /// The books for a person, on one line.
  func line(isBalanced: Bool) -> String {
    "received \(received) = applied \(applied) + duplicate \(duplicate) + rejected \(rejected)"
      + " + late \(late) + shed \(shed) : \(isBalanced ? "balanced" : "NOT BALANCED")"
  }
}
