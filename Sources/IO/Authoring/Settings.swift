/// What a server is told about its machine: paths, ports, threads, capacities. None of it reaches a
/// hunt's state.
///
/// Built from ``keys``, first the file `veltrix.yaml`, then the command line, which wins. What each
/// key does, its range and its unit stand in the table and nowhere else.
public struct Settings: Equatable, Sendable {
  public var data = "veltrix-data"
  public var http = ListenAddress(loopbackPort: 7400)
  public var stream = ListenAddress(loopbackPort: 7401)
  /// Names in a `Host` header that are this server beside its own, in small letters, without ports.
  public var hosts = ["localhost"]
  /// 0...64; 0 leaves it to the server.
  public var threads = 0
  public var realtime = true
  public var durability = Durability.batch
  public var flushIntervalMs = 50
  public var groupCommitMaxMs = 1
  public var gatherMaxMs = 2
  public var segmentBytes = 64 << 20
  public var digestEveryEvents = 1_000_000
  public var diskReserveBytes = 256 << 20
  public var snapshotEveryEvents = 10_000_000
  public var snapshotEveryMs = 60_000
  public var snapshotKeep = 4
  public var snapshotFullEvery = 8
  /// Bytes a second; 0 for as fast as it goes.
  public var snapshotRate = 16 << 20
  public var journalRetention = JournalRetention.compress
  /// In sizes of a hunt's whole state.
  public var forkRoom = 3
  public var connections = 10_000
  public var bodyMaxBytes = 1 << 20
  public var idleTimeoutMs = 60_000
  public var headerTimeoutMs = 10_000
  public var queueEvents = 65_536
  public var liveRate = 5
  public var operateFromLoopback = true
  public var logLevel = LogLevel.info

  public init() {}

  /// When a batch of the journal is flushed.
  public enum Durability: String, CaseIterable, Sendable {
    /// After at most `groupCommitMaxMs`; nothing called durable is lost to a power cut.
    case batch
    /// Every `flushIntervalMs`; what was called durable is flushed here too, but waits for it.
    case interval
    /// When the kernel likes; survives a crash of the server, not of the machine.
    case os
  }

  /// What becomes of segments that every snapshot kept has behind it.
  public enum JournalRetention: String, CaseIterable, Sendable { case compress, remove, keep }

  public enum LogLevel: String, CaseIterable, Sendable { case error, warning, info }
}

extension Settings {
  /// The settings in the file at `path`, at most 16 MiB, or what is wrong with it.
  public static func read(path: String) -> Checked<Settings> {
    do throws(FileFault) {
      return parse(try fileBytes(path, byteCountMax: YamlLimits.byteCountMax))
    } catch {
      var findings = FindingList()
      findings.add(error.finding)
      return Checked(nil, findings)
    }
  }

  /// The settings in `bytes`, YAML or JSON, or everything that is wrong with them. Total on any
  /// bytes; a file that says nothing (only comments) leaves every default.
  public static func parse(_ bytes: [UInt8]) -> Checked<Settings> {
    var sections = SectionReader()
    var settings = Settings()
    guard let root = YamlNode.tree(of: bytes, &sections.findings) else {
      let isEmpty = sections.findings.all.map(\.rule) == [.empty]
      return isEmpty ? Checked(settings, FindingList()) : Checked(nil, sections.findings)
    }
    let section = sections.read(root, "", fields: fields, into: &settings)
    if let conflict = settings.conflict {
      let key = conflict.key
      sections.findings.error(
        .conflict, section.keys[key] ?? section.mark, key, conflict.message)
    }
    return Checked(settings, sections.findings)
  }

  /// Two settings that cannot both hold, or nil; ask once more after the last flag.
  public var conflict: (key: String, message: String)? {
    guard http == stream && http.port != 0 else { return nil }
    return ("stream", "\(stream) is taken by http; each needs an address of its own")
  }
}
