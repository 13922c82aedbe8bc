extension Settings {
  /// Every key, in the order of the reference page and the help.
  public static let keys: [KeySpec] = fields.map(\.spec)

  static let fields: [Field<Settings>] =
    placeFields + durabilityFields + snapshotFields + networkFields

  private static let placeFields: [Field<Settings>] = [
    Field(
      "data", .path, default: "veltrix-data",
      "folder of journals, checkpoints and hunts; created when missing"
    ) { $0.data = $1.text },
    Field("http", .loopback, default: "127.0.0.1:7400", "where HTTP and WebSocket clients connect")
    { $0.http = $1.address },
    Field(
      "stream", .loopback, default: "127.0.0.1:7401", "where clients of the binary stream connect"
    ) { $0.stream = $1.address },
    Field(
      "hosts", .hosts, default: "localhost",
      "names besides loopback's that HTTP clients may call this server by"
    ) { $0.hosts = $1.text.split(separator: ",").map(String.init) },
    Field(
      "threads", .whole(0...64, unit: "threads"), default: "0",
      "threads that apply events; 0 for one a core but one, and at least one"
    ) { $0.threads = Int($1.number) },
  ]

  private static let durabilityFields: [Field<Settings>] = [
    Field(
      "realtime", .toggle, default: "true",
      "whether event threads go first, if permitted"
    ) { $0.realtime = $1.toggle },
    Field(
      "durability", .choice(Durability.allCases.map(\.rawValue)), default: "batch",
      "when the journal is flushed: each batch, at an interval, or when the kernel likes"
    ) { $0.durability = Durability(rawValue: $1.text) ?? $0.durability },
    Field(
      "flush_interval", .duration(5...500), default: "50ms",
      "time between flushes when durability is interval"
    ) { $0.flushIntervalMs = Int($1.number) },
    Field(
      "group_commit_max", .duration(0...5), default: "1ms",
      "longest a batch waits for company before it is flushed, when durability is batch"
    ) { $0.groupCommitMaxMs = Int($1.number) },
    Field(
      "gather_max", .duration(0...20), default: "2ms",
      "longest that events of a busy stream wait to be read together; 0 for never"
    ) { $0.gatherMaxMs = Int($1.number) },
    Field(
      "segment_size", .bytes(1 << 20...1 << 30, multipleOf: 4096), default: "64MiB",
      "length of a journal file, written ahead"
    ) { $0.segmentBytes = Int($1.number) },
    Field(
      "digest_every", .whole(1_000...1_000_000_000, unit: "events"), default: "1_000_000",
      "events between two digests of the state in the journal"
    ) { $0.digestEveryEvents = Int($1.number) },
    Field(
      "disk_reserve", .bytes(0...1 << 40, multipleOf: 1), default: "256MiB",
      "free space below which events are refused"
    ) { $0.diskReserveBytes = Int($1.number) },
  ]

  private static let snapshotFields: [Field<Settings>] = [
    Field(
      "snapshot_every_events", .whole(1_000...1_000_000_000, unit: "entries"),
      default: "10_000_000", "journal entries after which a snapshot is written"
    ) { $0.snapshotEveryEvents = Int($1.number) },
    Field(
      "snapshot_every", .duration(100...86_400_000), default: "1m",
      "time after which one is written if anything changed"
    ) { $0.snapshotEveryMs = Int($1.number) },
    Field(
      "snapshot_keep", .whole(1...1_000, unit: "snapshots"), default: "4",
      "snapshots kept, beside those that they build on"
    ) { $0.snapshotKeep = Int($1.number) },
    Field(
      "snapshot_full_every", .whole(1...1_000, unit: "snapshots"), default: "8",
      "every so many-th is full, the others hold what changed"
    ) { $0.snapshotFullEvery = Int($1.number) },
    Field(
      "snapshot_rate", .bytes(0...1 << 40, multipleOf: 1), default: "16MiB",
      "bytes a second written in the background; 0 for no limit"
    ) { $0.snapshotRate = Int($1.number) },
    Field(
      "retention", .choice(JournalRetention.allCases.map(\.rawValue)),
      default: "compress", "what is done to segments older than every snapshot"
    ) { $0.journalRetention = JournalRetention(rawValue: $1.text) ?? $0.journalRetention },
    Field(
      "fork_room", .whole(1...64, unit: "states"), default: "3",
      "memory for forks, checkpoints and snapshots of a hunt, in sizes of its whole state"
    ) { $0.forkRoom = Int($1.number) },
  ]

  private static let networkFields: [Field<Settings>] = [
    Field(
      "connections", .whole(1...100_000, unit: "connections"), default: "10_000",
      "connections open at once, all kinds; further ones are turned away"
    ) { $0.connections = Int($1.number) },
    Field(
      "body_max", .bytes(1 << 10...16 << 20, multipleOf: 1), default: "1MiB",
      "longest body of an HTTP request"
    ) { $0.bodyMaxBytes = Int($1.number) },
    Field(
      "idle_timeout", .duration(1_000...3_600_000), default: "1m",
      "silence that ends a connection"
    ) { $0.idleTimeoutMs = Int($1.number) },
    Field(
      "header_timeout", .duration(100...60_000), default: "10s",
      "time a request's head may take to arrive"
    ) { $0.headerTimeoutMs = Int($1.number) },
    Field(
      "queue_events", .powerOfTwo(16_384...1_048_576, unit: "events"), default: "65_536",
      "events waiting for one partition; further ones are refused with a time to retry"
    ) { $0.queueEvents = Int($1.number) },
    Field(
      "live_rate", .whole(1...20, unit: "deltas/s"), default: "5",
      "changes of a board sent to each viewer"
    ) { $0.liveRate = Int($1.number) },
    Field(
      "operate_from_loopback", .toggle, default: "true",
      "whether HTTP clients on this machine may ask for the operate right"
    ) { $0.operateFromLoopback = $1.toggle },
    Field(
      "log_level", .choice(LogLevel.allCases.map(\.rawValue)), default: "info",
      "least severity that is logged"
    ) { $0.logLevel = LogLevel(rawValue: $1.text) ?? $0.logLevel },
  ]
}
