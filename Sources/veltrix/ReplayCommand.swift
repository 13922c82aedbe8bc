import Bounded
import Disk
import Engine
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
      --data <dir>        data folder; nothing in it is changed                     required
      --hunt <name>       one hunt only                                             default all
      --verify            apply everything twice and compare states, books, every digest and
                          every snapshot
      --digest-every <n>  the cadence that the journal was written with, 1,000...1,000,000,000
                                                                            default 1,000,000

    exit: 0 all agree, 1 a digest or the books disagree, 2 bad usage, 3 data damaged, 4 in use
    """
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      var arguments = try Arguments(arguments, switches: ["--verify"])
      guard let data = arguments.take("--data") else {
        throw Arguments.Fault(message: "--data: required")
      }
      let hunt = arguments.take("--hunt")
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
    let names: [String]
    do throws(DiskFault) {
      guard let lock = try Files.lock(data + "/lock") else {
        Terminal.error("veltrix replay: \(data): an engine works on this data folder")
        return ExitCode.inUse
      }
      _ = consume lock
      names = try Files.list(data + "/hunts").filter { only == nil || $0 == only }
    } catch {
      Terminal.error("veltrix replay: \(error)")
      return ExitCode.usage
    }
    if names.isEmpty {
      Terminal.error("veltrix replay: \(data): no \(only.map { "hunt \($0)" } ?? "hunts")")
      return ExitCode.usage
    }
    var status = ExitCode.fine
    for name in names {
      let folder = HuntFolder(data: data, name: name)
      guard folder.exists else { continue }
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
    let books = ending.books
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
        books     received \(books.received) = applied \(books.applied) + duplicate \
      \(books.duplicate) + rejected \(books.rejected) + late \(books.late) + shed \(books.shed)\
       : \(ending.isBalanced ? "balanced" : "NOT BALANCED")
      """)
  }
}
