import Authoring

/// The engine's own books of a hunt, as its HTTP interface shows them.
public struct EngineBooks: Equatable, Sendable {
  /// Counts of one producer, or of all.
  public struct Row: Equatable, Sendable {
    public var received: UInt64 = 0
    public var applied: UInt64 = 0
    public var duplicate: UInt64 = 0
    public var rejected: UInt64 = 0
    public var late: UInt64 = 0
    public var shed: UInt64 = 0

    public init() {}

    /// What became of everything received is known.
    public var isBalanced: Bool { received == applied + duplicate + rejected + late + shed }

    /// These counts without `earlier` ones; nil when a count went back.
    public func since(_ earlier: Row) -> Row? {
      guard received >= earlier.received, applied >= earlier.applied,
        duplicate >= earlier.duplicate, rejected >= earlier.rejected, late >= earlier.late,
        shed >= earlier.shed
      else { return nil }
      var row = Row()
      row.received = received - earlier.received
      row.applied = applied - earlier.applied
      row.duplicate = duplicate - earlier.duplicate
      row.rejected = rejected - earlier.rejected
      row.late = late - earlier.late
      row.shed = shed - earlier.shed
      return row
    }
  }

  public var sum = Row()
  /// The engine says that every producer's counts balance.
  public var isBalanced = false
  private var producers: [UInt64: Row] = [:]

  /// The counts of `producer`; zeros when the engine has not heard of it.
  public func row(_ producer: UInt64) -> Row { producers[producer] ?? Row() }

  /// Reads the body of `GET /v1/hunts/{hunt}/books`; nil when it is something else.
  public init?(_ body: [UInt8]) {
    guard let root = YamlNode.parse(body).value, let books = root["books"],
      let sum = Self.row(books)
    else { return nil }
    self.sum = sum
    isBalanced = books["balanced"]?.text == "true"
    for node in root["producers"]?.items ?? [] {
      guard let producer = node["producer"]?.number, let row = Self.row(node) else { return nil }
      producers[producer] = row
    }
  }

  private static func row(_ node: YamlNode) -> Row? {
    guard let received = node["received"]?.number, let applied = node["applied"]?.number,
      let duplicate = node["duplicate"]?.number, let rejected = node["rejected"]?.number,
      let late = node["late"]?.number, let shed = node["shed"]?.number
    else { return nil }
    var row = Row()
    row.received = received
    row.applied = applied
    row.duplicate = duplicate
    row.rejected = rejected
    row.late = late
    row.shed = shed
    return row
  }
}

/// What the engine's process had used when it was asked; a figure it does not show is nil.
public struct EngineUsage: Equatable, Sendable {
  public var cpuSeconds: Double?
  public var residentBytes: UInt64?
  public var contextSwitches: UInt64?

  /// Reads the Prometheus text of `GET /metrics`.
  public init(_ body: [UInt8]) {
    for line in String(decoding: body, as: UTF8.self).split(separator: "\n") {
      guard let space = line.lastIndex(of: " ") else { continue }
      let value = String(line[line.index(after: space)...])
      switch line[..<space] {
      case "veltrix_process_cpu_seconds_total": cpuSeconds = Double(value)
      case "veltrix_process_resident_bytes": residentBytes = Double(value).map { UInt64($0) }
      case "veltrix_process_context_switches_total":
        contextSwitches = Double(value).map { UInt64($0) }
      default: break
      }
    }
  }
}
