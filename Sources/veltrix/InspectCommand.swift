import Bounded
import Disk
import Engine
import Events
import Hunt
import Journal
import Partitions

/// `veltrix inspect journal|books|counters --data DIR`.
enum InspectCommand {
  static let command = Command(
    name: "inspect", summary: "look into a data folder: journal, books, counters", help: help,
    run: run)

  static func help() -> String {
    """
    veltrix inspect - look into a data folder; nothing in it is changed

    usage: veltrix inspect journal|books|counters --data <dir> [--hunt <name>] [--from <offset>]
                           [--limit <n>]
      journal           segments and frames; with --from, the events from that offset on
      books             counts per producer after a replay
      counters          what the state holds after a replay
      --data <dir>      data folder                                                    required
      --hunt <name>     one hunt only                                               default all
      --from <offset>   journal offset of the first event shown
      --limit <n>       most events shown, 1...1,000,000                             default 50

    exit: 0 fine, 2 bad usage, 3 data damaged
    """
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      var arguments = try Arguments(arguments)
      guard let data = arguments.take("--data") else {
        throw Arguments.Fault(message: "--data: required")
      }
      let only = arguments.take("--hunt")
      let from = arguments.take("--from")
      let limit = try arguments.takeInteger("--limit", 1...1_000_000, default: 50)
      guard arguments.words.count == 1, let what = arguments.words.first,
        ["journal", "books", "counters"].contains(what)
      else { throw Arguments.Fault(message: "one of journal, books, counters is needed") }
      if let flag = arguments.flags.first {
        throw Arguments.Fault(message: "\(flag.name): unknown flag")
      }
      var first: UInt64?
      if let from {
        guard let offset = UInt64(from) else {
          throw Arguments.Fault(message: "--from \(from): not an offset")
        }
        first = offset
      }
      return inspect(what, data, only, first, limit)
    } catch { return usage("inspect", error) }
  }

  private static func inspect(
    _ what: String, _ data: String, _ only: String?, _ from: UInt64?, _ limit: Int
  ) -> Int32 {
    let names: [String]
    do throws(DiskFault) {
      names = try Files.list(data + "/hunts").filter { only == nil || $0 == only }
    } catch {
      Terminal.error("veltrix inspect: \(error)")
      return ExitCode.usage
    }
    for name in names {
      let folder = HuntFolder(data: data, name: name)
      guard folder.exists else { continue }
      do throws(HuntFolderFault) {
        Terminal.out("hunt \(name)")
        switch what {
        case "journal": try journal(folder, from, limit)
        default: try state(folder, what)
        }
      } catch {
        Terminal.error("veltrix inspect: hunt \(name): \(error)")
        return ExitCode.damaged
      }
    }
    return ExitCode.fine
  }

  private static func journal(
    _ folder: HuntFolder, _ from: UInt64?, _ limit: Int
  ) throws(HuntFolderFault) {
    let (_, _, manifest) = try folder.open()
    var left = limit
    var kinds = [UInt64](repeating: 0, count: 256)
    let journal: RecoveredJournal
    do throws(JournalFault) {
      let segments = folder.segments(manifest)
      journal = try segments.recover(from: try segments.begin(), repairTail: false) {
        frame throws(InconsistentJournal) in
        for at in 0..<Int(frame.header.count) {
          let event = frame.bytes.load(frame.eventsAt + at * 64, as: Event.self)
          kinds[Int(event.kindByte)] += 1
          let offset = frame.header.firstOffset + UInt64(at)
          if let from, offset >= from, left > 0 {
            left -= 1
            Terminal.out("  \(offset)  \(line(event))")
          }
        }
      }
    } catch { throw .journal(error) }
    Terminal.out("  frames    \(journal.frames)")
    Terminal.out("  entries   \(journal.position.offset)")
    Terminal.out("  segment   \(journal.segment), byte \(journal.fileOffset)")
    Terminal.out("  chain     \(journal.position.previous.hex)")
    if journal.tornBytes > 0 { Terminal.out("  torn      a torn write ends the journal") }
    for kind in EventKind.allCases where kinds[Int(kind.rawValue)] > 0 {
      Terminal.out("  \(kind)  \(kinds[Int(kind.rawValue)])")
    }
  }

  private static func line(_ event: Event) -> String {
    let kind = event.kind.map { "\($0)" } ?? "kind \(event.kindByte)"
    return "\(kind) producer=\(event.producer) sequence=\(event.sequence) player=\(event.player) "
      + "time=\(event.time) at=\(event.x),\(event.y),\(event.z) treasure=\(event.treasure) "
      + "value=\(event.value)"
  }

  private static func state(_ folder: HuntFolder, _ what: String) throws(HuntFolderFault) {
    var partition = try Replay(folder).run(isVerifying: false).takePartition()
    if what == "books" {
      Terminal.out("  producer  received  applied  duplicate  rejected  late  shed  balanced")
      for at in 0..<partition.books.count {
        let row = partition.books[at]
        if row.received == 0 { continue }
        Terminal.out(
          "  \(row.producer)  \(row.received)  \(row.applied)  \(row.duplicate)  \(row.rejected)  "
            + "\(row.late)  \(row.shed)  \(row.isBalanced)")
      }
      return
    }
    let counts = partition.state.counts
    for (name, value) in [
      ("events judged", counts.events), ("players ever", counts.players),
      ("players present", counts.playersPresent), ("treasures", counts.treasures),
      ("treasures open", counts.treasuresOpen), ("claims granted", counts.claims),
      ("names", counts.names), ("producers", counts.producers),
      ("idempotency keys", counts.idempotencyKeys),
    ] { Terminal.out("  \(name)  \(value)") }
    Terminal.out("  phase  \(partition.state.phase.word)")
    Terminal.out("  clock  \(partition.state.now)")
    Terminal.out("  digest  \(partition.state.digest().hex)")
  }
}
