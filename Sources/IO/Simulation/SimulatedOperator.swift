import Authoring
import Engine
import Hunt
import Machine
import Partitions

/// Somebody who makes forks of a hunt, looks at them, promotes some and deletes them.
final class SimulatedOperator {
  private let machine: SimulatedMachine
  private var random: SimulationRandom
  /// The fork that is being made or looked at.
  private var fork: (id: UInt32, entry: HuntEntry, checker: HuntChecker, edit: HuntChecker.Edit?)?
  /// Forks whose deletion is not answered yet, by tag: their pages may still be held.
  private var deletions: [UInt64: HuntEntry] = [:]
  private var isPromoting = false
  private var tag: UInt64 = 1
  private var hasAnswer = false

  init(_ machine: SimulatedMachine) {
    self.machine = machine
    random = SimulationRandom(seed: machine.options.seed, stream: 60)
  }

  var waiting: String { fork.map { "fork \($0.id), answered \(hasAnswer)" } ?? "none" }
  var isIdle: Bool { fork == nil || hasAnswer }

  func forget() {
    fork = nil
    deletions = [:]
    isPromoting = false
    hasAnswer = false
  }

  func act(
    _ engine: Engine, _ entry: HuntEntry, _ checker: HuntChecker, _ port: GatewayPort,
    _ settings: Settings
  ) {
    if let fork {
      guard hasAnswer else { return }
      if machine.options.canary == .leakedPages {
        self.fork = nil
        return
      }
      let tag = next()
      deletions[tag] = fork.entry
      engine.request(
        fork.entry, .delete(fork.id), QueryTicket(port: port, connection: 0, tag: tag))
      self.fork = nil
      hasAnswer = false
      return
    }
    guard checker.pendingEdit == nil else { return }
    var edit: HuntChecker.Edit?
    var text = "{}"
    var kind = ForkText.Kind.fork
    isPromoting = random.chance(50)
    switch random.below(3) {
    case 0: isPromoting = false
    case 1:
      let players = Set((0..<(1 + random.below(3))).map { _ in UInt64(1 + random.below(20)) })
      let known = players.sorted().filter { checker.model.players[$0] != nil }
      if known.isEmpty { return }
      edit = HuntChecker.Edit(kind: .unplay(players: Set(known)))
      let list = known.map { "\"\($0)\"" }.joined(separator: ",")
      text = "{\"players\": [\(list)], \"promote\": \(isPromoting)}"
      kind = .unplay
    default:
      let to = UInt64(random.below(Int(checker.journal.durable) + 1))
      edit = HuntChecker.Edit(kind: .rollback(to: to))
      text = "{\"to\": \(to), \"promote\": \(isPromoting)}"
      kind = .rollback
    }
    let parsed = ForkText.parse(Array(text.utf8), kind, rules: checker.hunt.definition.rules)
    guard let wish = parsed.value else {
      return checker.fail("a fork's text was refused: \(text): \(parsed.findings.map(\.message))")
    }
    if isPromoting { checker.pendingEdit = edit }
    hasAnswer = false
    engine.request(
      entry, .create(wish, events: [], waits: true),
      QueryTicket(port: port, connection: 0, tag: next()))
    guard let record = entry.forks.records.last else {
      checker.pendingEdit = nil
      return
    }
    fork = (record.id, entry, checker, edit)
  }

  private func next() -> UInt64 {
    tag += 1
    return tag
  }

  func receive(_ port: GatewayPort) {
    var isNew = false
    for answer in port.takeAnswers() {
      deletions[answer.tag] = nil
      if answer.tag == tag && fork != nil { isNew = true }
    }
    guard isNew, let fork else { return }
    hasAnswer = true
    guard let record = fork.entry.forks.records.first(where: { $0.id == fork.id }) else { return }
    let status = record.now
    switch status.phase {
    case .ready:
      machine.coverage.count(.forkBuilt)
    case .promoted:
      machine.coverage.count(.promoted)
      if case .rollback? = fork.edit?.kind { machine.coverage.count(.rolledBack) }
    case .failed:
      // A mark on its way to the disk may still come there, and hold after the next start: the
      // journal has failed, or did not become durable in time.
      fork.checker.dropPendingEdit(unlessPromoted: Int(fork.entry.forks.history.count))
    default: break
    }
  }

  /// Forks that somebody holds, as far as is known here: also those that are to be deleted, and
  /// that the fork thread has not got to.
  func forkCount(_ entry: HuntEntry) -> Int {
    if machine.options.canary == .leakedPages { return 0 }
    return entry.forks.records.count + deletions.values.count { $0 === entry }
  }

  /// Compares the fork that is there with what the model makes of it.
  func compare(_ entry: HuntEntry, _ checker: HuntChecker) {
    guard let fork, hasAnswer, fork.checker === checker,
      let record = entry.forks.records.first(where: { $0.id == fork.id }),
      record.now.phase == .ready
    else { return }
    record.withView { view in
      guard let view else { return }
      checker.compare(fork: &view.partition, along: fork.edit)
    }
    guard fork.edit == nil, let (difference, _) = record.difference() else { return }
    var differing = difference.pagesDiffering
    if machine.options.canary == .dirtyFork { differing += 1 }
    if differing != 0 {
      checker.fail("a fork without changes differs in \(differing) pages: \(difference)")
    }
    machine.coverage.count(.forkEmpty)
  }
}

extension HuntChecker {
  /// The promotion came to nothing, unless its mark is in the journal all the same, or the hunt
  /// knows of more promotions than the journal yet.
  func dropPendingEdit(unlessPromoted count: Int) {
    judge(to: journal.written)
    if count <= promotions { pendingEdit = nil }
  }
}
