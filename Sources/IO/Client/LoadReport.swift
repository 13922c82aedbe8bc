public import Bounded
import Events

/// What came of a load run.
public struct LoadReport {
  public let options: LoadOptions
  var graceSeconds = 0
  /// From the start to the last answer, at least the time asked for.
  public var seconds = 0.0
  public var counts = LoadCounts()
  /// Outcomes received one by one, by disposition; `sent` is unused.
  var outcomes = LoadCounts()
  /// Of these, how many came with each result.
  public var results: [UInt16: UInt64] = [:]
  /// The same by kind, rejected ones left out: what is broken need not have a kind.
  public var kinds: [UInt8: [UInt16: UInt64]] = [:]
  public var malformed: UInt64 = 0
  public var duplicates: UInt64 = 0
  /// Frames whose counts contradict what was in them.
  public var surprises: UInt64 = 0
  public var strayAnswers: UInt64 = 0
  public var ackTimes = Histogram()
  public var outcomeTimes = Histogram()
  /// What disagrees between the engine's books and the sender's; none when they balance.
  public var booksFaults: [String] = []
  /// Connections lost during the run.
  public var ends: [String] = []
  public var digest: String?
  public var digestEvents: UInt64?
  var clientCPUSeconds = 0.0
  private var serverCPUSeconds: Double?
  private var serverResidentBytes: UInt64?
  private var serverSwitches: UInt64?

  init(_ options: LoadOptions) { self.options = options }

  mutating func usage(from before: EngineUsage, to after: EngineUsage) {
    if let old = before.cpuSeconds, let new = after.cpuSeconds { serverCPUSeconds = new - old }
    serverResidentBytes = after.residentBytes
    if let old = before.contextSwitches, let new = after.contextSwitches, new >= old {
      serverSwitches = new - old
    }
  }

  public var booksBalance: Bool { booksFaults.isEmpty }

  /// Everything was answered, as foreseen, and both sides count the same.
  public var isGood: Bool {
    booksBalance && counts.unanswered == 0 && surprises == 0 && strayAnswers == 0 && ends.isEmpty
      && missing == 0 && areOutcomesWhole
  }

  /// Every event acknowledged came with an outcome, but for frames refused whole.
  private var areOutcomesWhole: Bool {
    options.acksOnly
      || (outcomes.applied == counts.applied && outcomes.duplicate == counts.duplicate
        && outcomes.late == counts.late && outcomes.rejected <= counts.rejected)
  }

  /// Valid events sent.
  public var valid: UInt64 { counts.sent - malformed - duplicates }

  /// What was to be sent and was not: lines, or valid events where these were asked for.
  private var missing: UInt64 {
    options.slots.map { $0 - counts.sent } ?? (options.plan.events ?? 0) - valid
  }

  /// Events answered other than with "shed", a second.
  var achievedPerSecond: Double {
    seconds > 0 ? Double(counts.answered - counts.shed) / seconds : 0
  }

  /// From the first event of a batch to the last, on the schedule: the least that the first one
  /// waits.
  private var batchMs: Double {
    Double((options.plan.batch - 1) * options.plan.connections) * 1e3 / Double(options.offered)
  }

  private var switchesPerMillion: Double? {
    guard let serverSwitches, counts.answered > 0 else { return nil }
    return Double(serverSwitches) * 1e6 / Double(counts.answered)
  }

  private static let parts: [(name: String, perMillion: UInt64)] = [
    ("p50", 500_000), ("p90", 900_000), ("p99", 990_000), ("p999", 999_000), ("p9999", 999_900),
  ]

  private static func word(_ result: UInt16) -> String {
    ResultCode(rawValue: result).map { "\($0.word)" } ?? "\(result)"
  }

  private static func word(ofKind kind: UInt8) -> String {
    EventKind(rawValue: kind).map { "\($0.word)" } ?? "\(kind)"
  }

  // MARK: for machines

  /// One JSON object, a line.
  public var json: String {
    func optional(_ value: String?) -> String { value ?? "null" }
    func times(_ histogram: Histogram) -> String {
      let parts = Self.parts.map { part in
        let ns = histogram.percentile(perMillion: part.perMillion)
        return "\"\(part.name)\":\(decimal(Double(ns) / 1e3, 1))"
      }
      return "{\(parts.joined(separator: ",")),\"max\":\(decimal(Double(histogram.max) / 1e3, 1))"
        + ",\"samples\":\(histogram.count)}"
    }
    func words(_ results: [UInt16: UInt64]) -> String {
      let rows = results.sorted { $0.key < $1.key }.map { "\"\(Self.word($0))\":\($1)" }
      return "{\(rows.joined(separator: ","))}"
    }
    let kinds = kinds.sorted { $0.key < $1.key }.map {
      "\"\(Self.word(ofKind: $0))\":\(words($1))"
    }
    let plan = options.plan
    let mix = plan.mix.map {
      "{\"move\":\($0.moves),\"edge\":\($0.edges),\"claim\":\($0.claims)}"
    }
    return """
      {"offered_per_second":\(options.offered),"achieved_per_second":\(decimal(achievedPerSecond, 1)),\
      "seconds":\(decimal(seconds, 3)),"ack":"\(options.ack == .applied ? "applied" : "durable")",\
      "players":\(plan.players),"connections":\(plan.connections),"batch":\(plan.batch),\
      "malformed_percent":\(plan.malformedPercent),"duplicate_percent":\(plan.duplicatePercent),\
      "seed":\(plan.seed),"ack_us":\(times(ackTimes)),"outcome_us":\(times(outcomeTimes)),\
      "counts":{"sent":\(counts.sent),"applied":\(counts.applied),\
      "duplicate":\(counts.duplicate),"rejected":\(counts.rejected),"late":\(counts.late),\
      "shed":\(counts.shed),"unanswered":\(counts.unanswered)},\
      "made":{"valid":\(valid),"malformed":\(malformed),"duplicate":\(duplicates)},\
      "results":\(words(results)),"kinds":{\(kinds.joined(separator: ","))},\
      "mix_per_second":\(optional(mix)),\
      "unforeseen_answers":\(surprises + strayAnswers),"books_balance":\(booksBalance),\
      "server":{"cpu_seconds":\(optional(serverCPUSeconds.map { decimal($0, 3) })),\
      "rss_bytes":\(optional(serverResidentBytes.map { "\($0)" })),\
      "context_switches_per_million":\(optional(switchesPerMillion.map { decimal($0, 1) }))},\
      "digest":\(optional(digest.map { "\"\($0)\"" })),\
      "digest_events":\(optional(digestEvents.map { "\($0)" })),\
      "client":{"cpu_seconds":\(decimal(clientCPUSeconds, 3))}}

      """
  }

  // MARK: for people

  /// A screen of text.
  public var summary: String {
    var lines = [
      "hunt \(options.hunt): \(grouped(UInt64(options.plan.players))) players, connections"
        + " \(options.plan.connections), batches of \(options.plan.batch), each due over"
        + " \(decimal(batchMs, 3)) ms",
      "acknowledged when \(options.ack == .applied ? "applied" : "durable")",
      "offered   \(grouped(UInt64(options.offered)))/s "
        + (options.plan.events.map { "until \(grouped($0)) valid events" }
          ?? "for \(options.seconds) s"),
      "achieved  \(grouped(UInt64(achievedPerSecond.rounded())))/s over \(decimal(seconds, 3)) s",
      "",
      "ms from when an event was due  " + columns.joined(),
      row("acknowledged", ackTimes),
    ]
    if outcomeTimes.count > 0 { lines.append(row("outcome", outcomeTimes)) }
    lines.append("")
    for (word, count) in [
      ("sent", counts.sent), ("applied", counts.applied), ("duplicate", counts.duplicate),
      ("rejected", counts.rejected), ("late", counts.late), ("shed", counts.shed),
      ("unanswered", counts.unanswered),
    ] { lines.append(padded(word, 12, left: true) + padded(grouped(count), 16)) }
    lines += kindLines
    lines.append("")
    lines += verdict
    return lines.joined(separator: "\n")
  }

  /// What became of each kind of a mixed stream.
  private var kindLines: [String] {
    guard options.plan.mix != nil, !kinds.isEmpty else { return [] }
    return [""]
      + kinds.sorted { $0.key < $1.key }.map { kind, results in
        let parts = results.sorted { $0.key < $1.key }.map { "\(Self.word($0)) \(grouped($1))" }
        return padded(Self.word(ofKind: kind), 12, left: true) + parts.joined(separator: ", ")
      }
  }

  private var verdict: [String] {
    var lines: [String] = []
    if booksBalance {
      lines.append("books balance: the engine counted what we sent and were told, to the unit")
    } else {
      lines.append("BOOKS DO NOT BALANCE")
      lines += booksFaults.prefix(20).map { "  " + $0 }
    }
    if counts.unanswered > 0 {
      lines.append("\(grouped(counts.unanswered)) EVENTS UNANSWERED after \(graceSeconds) s")
    }
    if missing > 0 { lines.append("\(grouped(missing)) EVENTS NOT SENT") }
    lines += ends.prefix(20).map { "lost \($0)" }
    if surprises + strayAnswers > 0 {
      lines.append("\(grouped(surprises + strayAnswers)) answers contradict what was sent")
    }
    if !areOutcomesWhole { lines.append("outcomes and acknowledgements count differently") }
    var used = "client \(decimal(clientCPUSeconds, 2)) s of processor"
    if let serverCPUSeconds {
      used += ", engine \(decimal(serverCPUSeconds, 2)) s"
    }
    if let serverResidentBytes {
      used += ", \(decimal(Double(serverResidentBytes) / 1_048_576, 0)) MiB resident"
    }
    if let switchesPerMillion {
      used += ", \(decimal(switchesPerMillion, 0)) context switches a million events"
    }
    lines.append(used)
    if let digest {
      lines.append("digest \(digest)" + (digestEvents.map { " after \(grouped($0)) events" } ?? ""))
    }
    return lines
  }

  private var columns: [String] {
    ["p50", "p90", "p99", "p99.9", "p99.99", "max", "samples"].map { padded($0, 11) }
  }

  private func row(_ name: String, _ times: Histogram) -> String {
    var line = padded(name, 31, left: true)
    for part in Self.parts {
      let ns = times.percentile(perMillion: part.perMillion)
      line += padded(decimal(Double(ns) / 1e6, 3), 11)
    }
    return line + padded(decimal(Double(times.max) / 1e6, 3), 11) + padded(grouped(times.count), 11)
  }

  private func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let padding = String(repeating: " ", count: max(0, width - text.utf8.count))
    return left ? text + padding : padding + text
  }
}
