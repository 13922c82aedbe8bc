import Bounded
import CSystem
import Disk
import Engine
import Events
import Hunt
import Journal
import Pages
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
      --verify            apply everything twice and compare states, books and every digest
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
        let first = try once(folder, every)
        report(name, first)
        var agrees = first.isBalanced
        if isVerifying {
          let second = try once(folder, every)
          agrees =
            agrees && first.digest == second.digest && first.books == second.books
            && first.offset == second.offset
          Terminal.out(
            agrees
              ? "  verified: two replays and \(first.marks) journalled digests agree"
              : "  DISAGREES: \(first.digest.hex) and \(second.digest.hex)")
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

  /// What a replay ended with.
  struct Ending {
    var offset: UInt64 = 0
    var events: UInt64 = 0
    var digest = Hash128.zero
    var books = BooksRow()
    var isBalanced = false
    var marks = 0
    var seconds = 0.0
    var tornBytes = 0
  }

  static func once(_ folder: HuntFolder, _ every: UInt64) throws(HuntFolderFault) -> Ending {
    let (definition, map, manifest) = try folder.open()
    let pool = PagePool(pageCount: Partition.pagesNeeded(definition, map))
    var partition = Partition(
      definition, map: map, number: manifest.number, digestEvery: every, heldLines: 4_096,
      pool: pool)
    var effects = EffectBuffer(capacity: 1)
    var ending = Ending()
    let start = vx_monotonic_ns()
    partition.beginReplay()
    do throws(JournalFault) {
      let journal = try folder.segments(manifest).recover(repairTail: false) {
        frame throws(InconsistentJournal) in
        for at in 0..<Int(frame.header.count)
        where frame.bytes.load(frame.eventsAt + at * 64, as: Event.self).kindByte
          == EventKind.digest.rawValue
        { ending.marks += 1 }
        try replayFrame(frame, into: &partition, &effects)
      }
      ending.tornBytes = journal.tornBytes
    } catch { throw .journal(error) }
    partition.endReplay()
    ending.seconds = Double(vx_monotonic_ns() - start) / 1e9
    ending.offset = partition.nextOffset
    ending.events = partition.state.counts.events
    ending.digest = partition.state.digest()
    ending.books = partition.books.sum
    ending.isBalanced = partition.books.isBalanced
    return ending
  }

  private static func report(_ name: String, _ ending: Ending) {
    let rate = ending.seconds > 0 ? Int(Double(ending.offset) / ending.seconds) : 0
    let ms = Int(ending.seconds * 1_000)
    let books = ending.books
    Terminal.out(
      """
      hunt \(name)
        journal   \(ending.offset) entries, \(ending.events) events judged, \(ending.marks) digests
        replayed  in \(ms) ms, \(rate) entries/s\(ending.tornBytes > 0 ? "; a torn write at the end" : "")
        digest    \(ending.digest.hex)
        books     received \(books.received) = applied \(books.applied) + duplicate \
      \(books.duplicate) + rejected \(books.rejected) + late \(books.late) + shed \(books.shed)\
       : \(ending.isBalanced ? "balanced" : "NOT BALANCED")
      """)
  }
}
