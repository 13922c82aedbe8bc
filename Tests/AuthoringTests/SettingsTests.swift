import Foundation
import Testing
import Testkit

@testable import Authoring

@Suite struct SettingsTests {
  /// A file that sets nothing leaves the defaults, and the defaults, written out, are the defaults.
  @Test func defaults() {
    #expect(Settings.parse([]).value == Settings())
    #expect(Settings.parse(Array("# later\n".utf8)).value == Settings())
    let text = Settings.keys.map { "\($0.key): \($0.fallback ?? "")\n" }.joined()
    let written = Settings.parse(Array(text.utf8))
    #expect(written.value == Settings())
    #expect(written.findings == [])
  }

  /// Every key reaches the setting it names, from the file and from the command line alike.
  @Test func everyKey() throws {
    let values = [
      "data": "/var/lib/veltrix", "http": "127.0.0.1:80", "stream": "[::1]:81", "threads": "64",
      "durability": "interval", "flush_interval": "5ms", "group_commit_max": "0",
      "gather_max": "20ms", "hosts": "hunt.example,10.0.0.7",
      "segment_size": "1GiB", "digest_every": "1_000", "disk_reserve": "0",
      "snapshot_every_events": "1000", "snapshot_every": "100ms", "snapshot_keep": "2",
      "snapshot_full_every": "3", "snapshot_rate": "0", "retention": "remove",
      "fork_room": "64", "connections": "7", "realtime": "false",
      "body_max": "16MiB", "idle_timeout": "1h", "header_timeout": "100", "queue_events": "16384",
      "live_rate": "20", "operate_from_loopback": "false", "log_level": "warning",
    ]
    #expect(Set(values.keys) == Set(Settings.keys.map(\.key)))
    let text = values.map { "\($0.key): \"\($0.value)\"\n" }.joined()
    let read = Settings.parse(Array(text.utf8))
    #expect(read.findings == [])
    let settings = try #require(read.value)
    #expect(settings.data == "/var/lib/veltrix")
    #expect("\(settings.http) \(settings.stream)" == "127.0.0.1:80 [::1]:81")
    #expect(settings.threads == 64 && settings.durability == .interval)
    #expect(settings.flushIntervalMs == 5 && settings.groupCommitMaxMs == 0)
    #expect(settings.gatherMaxMs == 20 && settings.hosts == ["hunt.example", "10.0.0.7"])
    #expect(settings.segmentBytes == 1 << 30 && settings.digestEveryEvents == 1_000)
    #expect(settings.snapshotEveryEvents == 1_000 && settings.snapshotEveryMs == 100)
    #expect(settings.snapshotKeep == 2 && settings.snapshotFullEvery == 3)
    #expect(settings.snapshotRate == 0 && settings.journalRetention == .remove)
    #expect(settings.diskReserveBytes == 0 && settings.connections == 7)
    #expect(settings.forkRoom == 64 && !settings.realtime)
    #expect(settings.bodyMaxBytes == 16 << 20 && settings.idleTimeoutMs == 3_600_000)
    #expect(settings.headerTimeoutMs == 100 && settings.queueEvents == 16_384)
    #expect(settings.liveRate == 20 && !settings.operateFromLoopback)
    #expect(settings.logLevel == .warning)
    var flagged = Settings()
    for (key, value) in values {
      try flagged.apply(flag: "--" + key.replacing("_", with: "-"), value: value)
    }
    #expect(flagged == settings)
  }

  @Test(arguments: [
    ("thread: 2", "f:1:1: error: thread: unknown key; did you mean \"threads\"?"),
    ("threads: 65", "f:1:10: error: threads: 65: above 64 (0...64 threads)"),
    (
      "http: 0.0.0.0:7400",
      "f:1:7: error: http: \"0.0.0.0:7400\": expected 127.x.y.z, [::1] or localhost, and a port"
    ),
    (
      "queue_events: 20000", "f:1:15: error: queue_events: \"20000\": expected a power of two"
    ),
    (
      "segment_size: 1048577",
      "f:1:15: error: segment_size: \"1048577\": expected a multiple of 4KiB"
    ),
    ("flush_interval: 501ms", "f:1:17: error: flush_interval: 501ms: above 500ms (5ms...500ms)"),
    (
      "durability: interval\nflush_interval: 5ms\nstream: localhost:7400",
      "f:3:1: error: stream: 127.0.0.1:7400 is taken by http; each needs an address of its own"
    ),
    (
      "hosts: a.example,http://b",
      "f:1:8: error: hosts: \"a.example,http://b\": expected at most 16 host names, separated by"
        + " commas"
    ),
    ("[]", "f:1:1: error: expected a mapping of keys; got a list"),
  ])
  func finding(text: String, line: String) {
    #expect(Settings.parse(Array(text.utf8)).findings.map { $0.line(file: "f") } == [line])
  }

  @Test(arguments: [
    ("--threads", "128", "--threads 128: above 64 (0...64 threads)"),
    ("--threads", "two", "--threads two: expected a whole number"),
    ("--thread", "2", "--thread: unknown flag; did you mean --threads?"),
    ("threads", "2", "threads: unknown flag; did you mean --threads?"),
    ("--colour", "red", "--colour: unknown flag"),
    (
      "--durability", "batched",
      "--durability batched: expected one of batch, interval, os; did you mean \"batch\"?"
    ),
  ])
  func flag(flag: String, value: String, message: String) {
    var settings = Settings()
    do throws(FlagFault) {
      try settings.apply(flag: flag, value: value)
      #expect(Bool(false), "\(flag) \(value) was taken")
    } catch { #expect("\(error)" == message) }
    #expect(settings == Settings())
  }

  /// The options of the help page, as they are printed.
  @Test func help() {
    #expect(Settings.help() == helpSnapshot)
    #expect(Settings.help().split(separator: "\n").allSatisfy { $0.count <= 96 })
  }
}

/// The reference pages hold the code's own tables, so neither can drift from the other.
@Suite struct ReferencePageTests {
  @Test(arguments: [("settings", Settings.keys), ("hunt-file", HuntFile.keys)])
  func table(name: String, keys: [KeySpec]) throws {
    let path = "\(repositoryFolder)/docs/operating/\(name).md"
    let page = try String(contentsOfFile: path, encoding: .utf8)
    let table = KeySpec.markdownTable(keys)
    #expect(page.contains("\n\(table)\n\n"), "\(path) wants this table:\n\(table)")
  }

  /// Every rule is explained on the hunt file's page.
  @Test func rules() throws {
    let path = "\(repositoryFolder)/docs/operating/hunt-file.md"
    let page = try String(contentsOfFile: path, encoding: .utf8)
    for rule in Finding.Rule.allCases {
      #expect(page.contains("| `\(rule.rawValue)` |"), "\(rule)")
    }
  }
}

private let helpSnapshot = """
    --data <path>                       folder of journals, checkpoints and hunts; created when
                                        missing; default veltrix-data
    --http <host:port>                  where HTTP and WebSocket clients connect; 127.x.y.z, [::1]
                                        or localhost, and a port; default 127.0.0.1:7400
    --stream <host:port>                where clients of the binary stream connect; 127.x.y.z,
                                        [::1] or localhost, and a port; default 127.0.0.1:7401
    --hosts <host,...>                  names besides loopback's that HTTP clients may call this
                                        server by; default localhost
    --threads <n>                       threads that apply events; 0 for one a core but one, and
                                        at least one; 0...64 threads; default 0
    --realtime true|false               whether event threads go first, if permitted; default true
    --durability batch|interval|os      when the journal is flushed: each batch, at an interval,
                                        or when the kernel likes; default batch
    --flush-interval <time>             time between flushes when durability is interval;
                                        5ms...500ms; default 50ms
    --group-commit-max <time>           longest a batch waits for company before it is flushed,
                                        when durability is batch; 0...5ms; default 1ms
    --gather-max <time>                 longest that events of a busy stream wait to be read
                                        together; 0 for never; 0...20ms; default 2ms
    --segment-size <bytes>              length of a journal file, written ahead; 1MiB...1GiB, a
                                        multiple of 4KiB; default 64MiB
    --digest-every <n>                  events between two digests of the state in the journal;
                                        1,000...1,000,000,000 events; default 1_000_000
    --disk-reserve <bytes>              free space below which events are refused; 0...1TiB;
                                        default 256MiB
    --snapshot-every-events <n>         journal entries after which a snapshot is written;
                                        1,000...1,000,000,000 entries; default 10_000_000
    --snapshot-every <time>             time after which one is written if anything changed;
                                        100ms...1d; default 1m
    --snapshot-keep <n>                 snapshots kept, beside those that they build on; 1...1,000
                                        snapshots; default 4
    --snapshot-full-every <n>           every so many-th is full, the others hold what changed;
                                        1...1,000 snapshots; default 8
    --snapshot-rate <bytes>             bytes a second written in the background; 0 for no limit;
                                        0...1TiB; default 16MiB
    --retention compress|remove|keep    what is done to segments older than every snapshot;
                                        default compress
    --fork-room <n>                     memory for forks, checkpoints and snapshots of a hunt, in
                                        sizes of its whole state; 1...64 states; default 3
    --connections <n>                   connections open at once, all kinds; further ones are
                                        turned away; 1...100,000 connections; default 10_000
    --body-max <bytes>                  longest body of an HTTP request; 1KiB...16MiB;
                                        default 1MiB
    --idle-timeout <time>               silence that ends a connection; 1s...1h; default 1m
    --header-timeout <time>             time a request's head may take to arrive; 100ms...1m;
                                        default 10s
    --queue-events <n>                  events waiting for one partition; further ones are refused
                                        with a time to retry; 16,384...1,048,576 events, a power
                                        of two; default 65_536
    --live-rate <n>                     changes of a board sent to each viewer; 1...20 deltas/s;
                                        default 5
    --operate-from-loopback true|false  whether HTTP clients on this machine may ask for the
                                        operate right; default true
    --log-level error|warning|info      least severity that is logged; default info
  """
