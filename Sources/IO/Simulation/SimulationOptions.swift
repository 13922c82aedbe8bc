public import Events

/// What one run does: the same options give the same run, step for step.
public struct SimulationOptions: Equatable, Sendable {
  /// Everything that chance decides follows from it.
  public var seed: UInt64
  /// Turns of threads, deliveries and client actions together, 1...100,000,000.
  public var steps: Int
  public var faults: Set<SimulationFault>
  public var canary: SimulationCanary?

  public init(
    seed: UInt64, steps: Int, faults: Set<SimulationFault> = Set(SimulationFault.allCases),
    canary: SimulationCanary? = nil
  ) {
    self.seed = seed
    self.steps = steps
    self.faults = faults
    self.canary = canary
  }

  /// The command that repeats the run.
  public var command: String {
    let words = SimulationFault.allCases.filter { faults.contains($0) }.map(\.word)
    let list =
      words.count == SimulationFault.allCases.count
      ? "all" : words.isEmpty ? "none" : words.joined(separator: ",")
    return "veltrix simulate --seed \(seed) --events \(steps) --faults \(list)"
      + (canary.map { " --plant \($0.rawValue)" } ?? "")
  }
}

/// How often each fault, each result and each turn of events was really met.
public final class SimulationCoverage {
  public private(set) var faults: [SimulationFault: Int] = [:]
  public private(set) var results: [ResultCode: Int] = [:]
  /// Other things that should happen in some run: recoveries, forks, snapshots read...
  public private(set) var milestones: [SimulationMilestone: Int] = [:]

  public init() {}

  func count(_ fault: SimulationFault) { faults[fault, default: 0] += 1 }
  func count(_ result: ResultCode) { results[result, default: 0] += 1 }
  func count(_ milestone: SimulationMilestone, _ times: Int = 1) {
    milestones[milestone, default: 0] += times
  }

  public func add(_ other: SimulationCoverage) {
    for (key, count) in other.faults { faults[key, default: 0] += count }
    for (key, count) in other.results { results[key, default: 0] += count }
    for (key, count) in other.milestones { milestones[key, default: 0] += count }
  }

  /// Faults, results and milestones that many runs must have met and these have not.
  ///
  /// - Parameter runs: How many were counted; what is rare is wanted of many only.
  public func missing(runs: Int) -> [String] {
    SimulationFault.allCases.filter { faults[$0] == nil }.map { "fault \($0.word)" }
      + Self.resultsWanted.filter { results[$0] == nil }.map { "result \($0.word)" }
      + SimulationMilestone.allCases
      .filter { milestones[$0] == nil && ($0 != .lossExplained || runs >= 1_000) }
      .map { "milestone \($0.rawValue)" }
  }

  /// What a stream or a text gateway can be answered; the rest is of HTTP's and JSON's readers.
  static let resultsWanted: [ResultCode] = ResultCode.allCases.filter {
    ![.truncated, .unknownField, .wrongType, .tooLong, .repeatedField].contains($0)
  }
}

/// A turn of events that runs must meet now and then.
public enum SimulationMilestone: String, CaseIterable, Sendable {
  case acknowledgedDurable = "batches acknowledged durable"
  case recovery = "recoveries"
  case recoveryFromSnapshot = "recoveries from a snapshot"
  case recoveryInterrupted = "recoveries cut short"
  case recoveryCutTail = "recoveries that cut a torn tail"
  case damageRefused = "damage refused"
  case lossExplained = "losses that a lying disk explains"
  case snapshot = "snapshots written"
  case segmentRolled = "segments filled"
  case segmentEnded = "segments ended early for an atomic body"
  case bodyWhole = "atomic bodies found whole after a crash"
  case segmentPutAway = "segments compressed or removed"
  case forkBuilt = "forks built"
  case forkEmpty = "forks without a difference"
  case unplayed = "Unplays checked"
  case promoted = "promotions"
  case rolledBack = "rollbacks promoted"
  case journalFailed = "journals that failed"
  case stopped = "orderly stops"
  case modelCompared = "states compared with the model"
  case fieldCompared = "fields compared with Dijkstra"
  case twinCompared = "states compared with a replay"
  case hintSettling = "hints that repairs made unsure"
  case effectSeen = "effects seen"
  case powerCutLate = "power cuts that took acknowledged events of a mode without a flush"
}
