import Authoring
import Bounded
import Client
import Disk
import Engine
import Glibc
import Hunt
import Partitions

/// `veltrix replay --data DIR --verify`.
enum ReplayCommand {
  static let command = Command(
    name: "replay", summary: "apply journals again and prove that the digests agree", help: help,
    run: run)

  static func help() -> String {
    """
    veltrix replay - apply the journals of a data folder again, without an engine

    usage: veltrix replay --data <dir> [--hunt <name>] [--verify] [--digest-every <n>]
           veltrix replay --data <dir> [--hunt <name>] [--at <place>] [--omit <list>] [--diff] ...
      --data <dir>        data folder; nothing in it is changed                     required
      --hunt <name>       one hunt only                                             default all
      --verify            apply everything twice and compare states, books, every digest and
                          every snapshot
      --digest-every <n>  the cadence that the journal was written with, 1,000...1,000,000,000
                                                                            default 1,000,000

    The hunt at a place of its history, and along a line that leaves events out:
      --at <place>        where to stop                                            default head
      --omit <list>       leaves events out that match every key given, each with words between
                          commas, as in players=anna,7,kinds=claim,from=1200:
                            players    of these players; digits are a number, else a name, name:7
                                       the name "7"; 1...100,000 in all lists
                            producers  of these producers, 0...2^64-1
                            kinds      join leave move teleport claim spawn despawn edge score
                            events     at these journal offsets, 0...2^64-1
                            from, to   <place>: nothing before, nothing from it on is left out
      --diff              compares that line with the hunt's own at the same place; needs --omit
    \(DifferenceFlags.help)
      --json              prints one JSON object instead of tables

    A <place> is head, a journal offset (everything below it has happened), 1700000000000ms since
    1970, or 2026-11-21T10:30:00Z. It is what veltrix fork and diff answer of a running engine.
    exit: 0 fine or all agree, 1 a digest or the books disagree, or no such place or player,
          2 bad usage, 3 data damaged, 4 in use
    """
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      var arguments = try Arguments(arguments, switches: ["--verify", "--diff", "--json"])
      guard let data = arguments.take("--data") else {
        throw Arguments.Fault(message: "--data: required")
      }
      let hunt = arguments.take("--hunt")
      if let wish = try PlaceWish(&arguments) {
        try arguments.finish()
        return PlaceReplay(data: data, hunt: hunt, wish: wish).run()
      }
      let isVerifying = arguments.take("--verify") != nil
      let every = try arguments.takeInteger(
        "--digest-every", 1_000...1_000_000_000, default: 1_000_000)
      try arguments.finish()
      return replay(data, hunt, isVerifying, UInt64(every))
    } catch { return usage("replay", error) }
  }

  private static func replay(
    _ data: String, _ only: String?, _ isVerifying: Bool, _ every: UInt64
  ) -> Int32 {
    let hunts: ClosedData
    do throws(ClosedData.Fault) { hunts = try ClosedData.open(data, only) } catch {
      Terminal.error("veltrix replay: \(error.message)")
      return error.status
    }
    var status = ExitCode.fine
    for name in hunts.names {
      let folder = HuntFolder(data: data, name: name)
      do throws(HuntFolderFault) {
        let replay = try Replay(folder, digestEvery: every)
        let first = Ending(
          try replay.run(
            isVerifying: isVerifying,
            warn: { Terminal.error("veltrix replay: hunt \(name): \($0)") }))
        report(name, first)
        var agrees = first.isBalanced && first.findings.complaints.isEmpty
        for complaint in first.findings.complaints { Terminal.out("  DISAGREES: \(complaint)") }
        if isVerifying {
          let second = Ending(try replay.run(isVerifying: false))
          let isSame =
            first.digest == second.digest && first.books == second.books
            && first.offset == second.offset
          agrees = agrees && isSame
          if !isSame {
            Terminal.out("  DISAGREES: \(first.digest.hex) and \(second.digest.hex)")
          } else if agrees {
            Terminal.out(
              "  verified: two replays, \(first.findings.marks) journalled digests and "
                + "\(first.findings.snapshots) snapshots agree"
                + (first.findings.snapshotsElsewhere == 0
                  ? ""
                  : "; \(first.findings.snapshotsElsewhere) of a line of history left since were "
                    + "not compared"))
          }
        }
        if !agrees { status = ExitCode.failedCheck }
      } catch {
        Terminal.error("veltrix replay: hunt \(name): \(error)")
        if case .journal(.inconsistent(_, _, _, let reason)) = error, reason.contains("digest") {
          return ExitCode.failedCheck
        }
        return ExitCode.damaged
      }
    }
    return status
  }

  /// What a replay ended with, in figures.
  struct Ending {
    let from: UInt64
    let offset: UInt64
    let events: UInt64
    let digest: Hash128
    let books: BooksRow
    let isBalanced: Bool
    let findings: HuntRecovery.Findings
    let seconds: Double
    let tornBytes: Int

    init(_ ending: consuming Replay.Ending) {
      from = ending.from
      findings = ending.findings
      seconds = ending.seconds
      tornBytes = ending.tornBytes
      var partition = ending.takePartition()
      offset = partition.nextOffset
      events = partition.state.counts.events
      digest = partition.state.digest()
      books = partition.books.sum
      isBalanced = partition.books.isBalanced
    }
  }

  private static func report(_ name: String, _ ending: Ending) {
    let rate = ending.seconds > 0 ? Int(Double(ending.offset - ending.from) / ending.seconds) : 0
    let ms = Int(ending.seconds * 1_000)
    if ending.from > 0 {
      Terminal.out(
        "hunt \(name): what lies before offset \(ending.from) was removed; "
          + "replayed from the snapshot there")
    }
    Terminal.out(
      """
      hunt \(name)
        journal   \(ending.offset) entries, \(ending.events) events judged, \(ending.findings.marks) digests
        replayed  in \(ms) ms, \(rate) entries/s\(ending.tornBytes > 0 ? "; a torn write at the end" : "")
        digest    \(ending.digest.hex)
        books     \(ending.books.line(isBalanced: ending.isBalanced))
      """)
  }
}

/// The hunts of a data folder on which no engine works while this is held.
struct ClosedData: ~Copyable {
  struct Fault: Error {
    let status: Int32
    let message: String
  }

  let names: [String]
  private let lock: File?

  private init(names: [String], lock: consuming File?) {
    self.names = names
    self.lock = lock
  }

  /// - Parameter only: One hunt of them.
  static func open(_ data: String, _ only: String?) throws(Fault) -> ClosedData {
    let path = data + "/lock"
    // Nothing is made where no engine ever ran, as in a copy.
    let isThere = Files.exists(path)
    do throws(DiskFault) {
      let lock = isThere ? try Files.lock(path, isThere: true) : nil
      if isThere && lock == nil {
        throw DiskFault("flock", path, errno: EWOULDBLOCK)
      }
      let names = try Files.list(data + "/hunts").filter {
        (only == nil || $0 == only) && HuntFolder(data: data, name: $0).exists
      }
      if !names.isEmpty { return ClosedData(names: names, lock: lock) }
    } catch {
      if error.errno == EWOULDBLOCK {
        throw Fault(
          status: ExitCode.inUse, message: "\(data): an engine works on this data folder")
      }
      throw Fault(status: ExitCode.usage, message: "\(error)")
    }
    throw Fault(
      status: ExitCode.usage,
      message: "\(data): no \(only.map { "hunt \(printable($0))" } ?? "hunts")")
  }
}
