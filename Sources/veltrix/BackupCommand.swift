import Disk
import Engine
import Events

/// `veltrix backup --data DIR --to DIR`.
enum BackupCommand {
  static let command = Command(
    name: "backup", summary: "copy a data folder, checked, while the engine runs or not",
    help: help, run: run)

  static func help() -> String {
    """
    veltrix backup - copy hunts with journal, snapshots and branches; an engine may be running

    usage: veltrix backup --data <dir> --to <dir> [--hunt <name>] [--rate <MB/s>] [--json]
      --data <dir>     data folder; nothing in it is changed                           required
      --to <dir>       where the copy goes; must be empty or missing                   required
      --hunt <name>    one hunt only                                                default all
      --rate <MB/s>    written at most, 0...100,000; 0 for no limit                 default 100
      --json           prints JSON instead of a table

    Everything that was durable when it began is in the copy; every file of it is read back.
    exit: 0 copied and checked, 2 bad usage, 3 data damaged
    """
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      var arguments = try Arguments(arguments, switches: ["--json"])
      guard let data = arguments.take("--data") else {
        throw Arguments.Fault(message: "--data: required")
      }
      guard let target = arguments.take("--to") else {
        throw Arguments.Fault(message: "--to: required")
      }
      let hunt = arguments.take("--hunt")
      let rate = try arguments.takeInteger("--rate", 0...100_000, default: 100)
      let isJSON = arguments.take("--json") != nil
      try arguments.finish()
      do throws(BackupFault) {
        let entries = try Backup.make(
          data: data, to: target, only: hunt, bytesPerSecond: rate * 1_000_000)
        if entries.isEmpty {
          Terminal.error(
            "veltrix backup: \(data): no \(hunt.map { "hunt \($0)" } ?? "hunts")")
          return ExitCode.usage
        }
        BackupReport.print(entries, isJSON: isJSON)
        return ExitCode.fine
      } catch {
        Terminal.error("veltrix backup: \(error)")
        return BackupReport.status(error)
      }
    } catch { return usage("backup", error) }
  }
}

/// `veltrix restore --from DIR --data DIR`.
enum RestoreCommand {
  static let command = Command(
    name: "restore", summary: "make a data folder of a backup, checked", help: help, run: run)

  static func help() -> String {
    """
    veltrix restore - make a data folder of a backup; serve starts on it

    usage: veltrix restore --from <dir> --data <dir> [--json]
      --from <dir>     a backup; nothing in it is changed                              required
      --data <dir>     the data folder to be made; must be empty or missing            required
      --json           prints JSON instead of a table

    Every file is compared with the backup's index, every frame and snapshot is checked.
    exit: 0 restored and checked, 2 bad usage, 3 backup damaged
    """
  }

  static func run(_ arguments: [String]) -> Int32 {
    do throws(Arguments.Fault) {
      var arguments = try Arguments(arguments, switches: ["--json"])
      guard let source = arguments.take("--from") else {
        throw Arguments.Fault(message: "--from: required")
      }
      guard let data = arguments.take("--data") else {
        throw Arguments.Fault(message: "--data: required")
      }
      let isJSON = arguments.take("--json") != nil
      try arguments.finish()
      do throws(BackupFault) {
        BackupReport.print(try Backup.restore(from: source, to: data), isJSON: isJSON)
        return ExitCode.fine
      } catch {
        Terminal.error("veltrix restore: \(error)")
        return BackupReport.status(error)
      }
    } catch { return usage("restore", error) }
  }
}

/// What backup and restore print, and how they end.
enum BackupReport {
  static func print(_ entries: [BackupEntry], isJSON: Bool) {
    if isJSON { return Terminal.out(json(entries)) }
    let rows =
      [["hunt", "from", "offset", "snapshots", "bytes", "seconds"]]
      + entries.map { entry in
        [
          entry.hunt, "\(entry.first)", "\(entry.offset)", "\(entry.snapshots)",
          "\(entry.bytes)", seconds(entry),
        ]
      }
    let widths = (0..<6).map { column in rows.map { $0[column].count }.max() ?? 0 }
    for row in rows {
      let cells = zip(row, widths).enumerated().map { at, cell in
        let gap = String(repeating: " ", count: cell.1 - cell.0.count)
        return at == 0 ? cell.0 + gap : gap + cell.0
      }
      Terminal.out(cells.joined(separator: "  "))
    }
  }

  private static func seconds(_ entry: BackupEntry) -> String {
    let ms = Int(entry.seconds * 1_000)
    let rest = String(ms % 1_000)
    return "\(ms / 1_000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
  }

  private static func json(_ entries: [BackupEntry]) -> String {
    var json = JSONWriter(capacity: 512)
    json.beginObject()
    json.key("hunts")
    json.beginArray()
    for entry in entries {
      json.beginObject()
      json.key("hunt")
      json.string(entry.hunt)
      json.field("from", entry.first)
      json.field("offset", entry.offset)
      json.field("snapshots", UInt64(entry.snapshots))
      json.field("bytes", UInt64(entry.bytes))
      json.field("ms", UInt64(entry.seconds * 1_000))
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return String(decoding: json.bytes, as: UTF8.self)
  }

  static func status(_ fault: BackupFault) -> Int32 {
    switch fault {
    case .disk, .notEmpty: ExitCode.usage
    case .hunt(_, .disk), .copy(_, _, .disk): ExitCode.usage
    case .hunt, .copy, .damaged: ExitCode.damaged
    }
  }
}
