import Authoring
import Bounded
import Bus
import Disk
import Events
import Glibc
import Hunt
import Journal
import Machine
import Pages
import Partitions
import Synchronization

/// Builds other lines of one hunt's history by replaying its journal; on the fork thread.
struct ForkBuilder {
  let entry: HuntEntry
  let owner: PartitionThread

  private var forks: HuntForks { entry.forks }

  // MARK: Where

  /// The hunt now, frozen, with all that is in it durable.
  func head() throws(ForkFault) -> HeldCheckpoint {
    let answer = Handoff<UInt64?>()
    owner.post(.offset(slot: entry.slot, answer))
    guard let place = answer.take(withinMs: 10_000) else {
      throw ForkFault(503, "busy", "the hunt did not answer in time")
    }
    guard let offset = place else { throw ForkFault(404, "unknown_hunt", "the hunt is gone") }
    try waitUntilDurable(offset)
    return try forks.shadow.checkpoint(entry, at: offset)
  }

  func waitUntilDurable(_ offset: UInt64) throws(ForkFault) {
    entry.journal.ringBell()
    for _ in 0..<20_000 {
      if entry.journal.durableThrough >= offset { return }
      if let fault = entry.journal.fault {
        throw ForkFault(503, "stopped", "the hunt's journal has failed: \(fault)")
      }
      ThisMachine.sleep(ns: 500_000)
    }
    throw ForkFault(503, "busy", "the journal did not become durable in time")
  }

  /// What finds lines and places up to `head`.
  private func finder(_ head: HeldCheckpoint) -> LineFinder {
    LineFinder(
      history: forks.history, segments: forks.segments, head: (head.offset, head.now)
    ) { [forks] time in forks.checkpoints.last { $0.now <= time }?.offset ?? 0 }
  }

  // MARK: Replaying

  /// A partition on `line` that has come to `target`.
  ///
  /// - Parameter pages: What the hunt holds now: as much may be written again.
  func partition(
    along line: Line, to target: UInt64, pages: Int, _ record: ForkRecord?
  ) throws(ForkFault) -> Partition {
    let partition: Partition
    do throws(ForkRefusal) {
      partition = try entry.beginning(of: line, to: target, pages: pages)
    } catch {
      throw ForkFault(507, "no_room", "the hunt's page budget has no room for a fork: \(error)")
    }
    var branch = partition
    record?.status.withLock { $0.base = branch.nextOffset }
    try replay(&branch, to: target, record)
    return branch
  }

  /// Replays the journal into `partition` until it has come to `target`, which must be durable.
  ///
  /// - Parameter see: Called for each event that senders sent, with its offset and outcome.
  func replay(
    _ partition: inout Partition, to target: UInt64, _ record: ForkRecord?,
    _ see: ((Event, UInt64, Outcome) -> Void)? = nil
  ) throws(ForkFault) {
    let start = partition.nextOffset
    if start >= target { return }
    // Putting all players of a board in order at the end is cheaper than moving many on the way,
    // but may write more pages.
    let defersBoards =
      target - start > max(10_000, partition.state.counts.players / 4)
      && partition.hasRoom(events: 0, beginsReplay: true)
    if defersBoards { partition.beginReplay() }
    defer { if defersBoards { partition.endReplay() } }
    var effects = EffectBuffer(capacity: 1)
    do throws(JournalFault) {
      var reader = try JournalReader(forks.segments, from: start, to: target)
      while let frame = try reader.next() {
        try replay(frame, into: &partition, to: target, &effects, see)
        if let record {
          if record.isCancelled.load(ordering: .acquiring) || owner.forkThread.isStopping {
            throw .inconsistent(
              path: "", byte: 0, offset: partition.nextOffset, reason: ForkFault.cancelled)
          }
          let done = Int((partition.nextOffset - start) * 1_000 / (target - start))
          record.status.withLock { $0.progress = done }
        }
      }
    } catch {
      if error.isUnreadable { forks.note(damage: partition.nextOffset) }
      throw ForkFault(error)
    }
    guard partition.nextOffset == target else {
      throw ForkFault(
        500, "damaged", "the journal ends at \(partition.nextOffset), before \(target)")
    }
  }

  private func replay(
    _ frame: RecoveredFrame, into partition: inout Partition, to target: UInt64,
    _ effects: inout EffectBuffer, _ see: ((Event, UInt64, Outcome) -> Void)?
  ) throws(JournalFault) {
    let (from, count) = frame.part(from: partition.nextOffset, through: target)
    if count == 0 { return }
    guard entry.hasRoom(&partition, events: count) else {
      throw .inconsistent(
        path: "", byte: 0, offset: partition.nextOffset, reason: ForkFault.noRoom)
    }
    do throws(ReplayFault) {
      guard let see else {
        _ = try replayFrame(frame, into: &partition, &effects, through: target)
        return
      }
      for at in from..<(from + count) {
        let event = frame.event(at)
        let outcome = try partition.replay(event, &effects)
        if let outcome { see(event, frame.header.firstOffset + UInt64(at), outcome) }
      }
    } catch {
      throw .inconsistent(
        path: forks.segments.folder, byte: 0, offset: error.offset, reason: "\(error.reason)")
    }
  }

  // MARK: Building

  /// The numbers of players, and an offset before which none of them has changed anything.
  private func players(
    _ texts: [String], _ head: HeldCheckpoint
  ) throws(ForkFault) -> (keys: [UInt64], from: UInt64) {
    let now = try reference(head)
    let keys = try now.partition.state.keys(ofPlayers: texts)
    return (keys, firstOffset(keys.map { now.partition.state.row(of: $0) }, head))
  }

  /// A journal offset before which none of the players in `rows` has changed anything: that of the
  /// latest checkpoint which does not know them.
  private func firstOffset(_ rows: [Int?], _ head: HeldCheckpoint) -> UInt64 {
    guard let first = rows.compactMap({ $0 }).min(), !rows.contains(nil) else { return 0 }
    return forks.checkpoints.last { base in
      base.players <= UInt64(first) && !base.hasStrangers
        && head.line.lineage.firstDifference(from: base.line.lineage) >= base.offset
    }?.offset ?? 0
  }

  /// The hunt as `head` froze it.
  private func reference(_ head: HeldCheckpoint) throws(ForkFault) -> HuntView {
    do throws(ForkRefusal) {
      return HuntView(entry, try head.branch(entry, along: head.line))
    } catch {
      throw ForkFault(507, "no_room", "the hunt's page budget has no room for a fork: \(error)")
    }
  }

  /// Makes the changes that a fork's line has where it ends.
  private func makeChanges(_ branch: inout Partition) throws(ForkFault) {
    guard entry.hasRoom(&branch, events: 0) else {
      throw ForkFault(507, "no_room", "the hunt's page budget has no room for what is added")
    }
    var effects = EffectBuffer(capacity: 1)
    branch.changeLine(&effects)
  }

  /// Builds what a record asks for.
  func build(_ record: ForkRecord) {
    let start = ThisMachine.monotonicNs
    let past = entry.retention.holdAll()
    defer { withExtendedLifetime(past) {} }
    do throws(ForkFault) {
      let head = try head()
      record.status.withLock { $0.head = head.offset }
      let (line, target) = try finder(head).line(record.spec) { texts throws(ForkFault) in
        try players(texts, head)
      }
      try keepPast(of: line, to: target, record)
      var branch = try partition(along: line, to: target, pages: head.pages, record)
      try makeChanges(&branch)
      let digest = branch.state.digest()
      record.finish(HuntView(entry, branch), reference: try reference(head))
      record.status.withLock { status in
        status.phase = .ready
        status.progress = 1_000
        status.offset = target
        status.digest = digest
        status.buildNs = ThisMachine.monotonicNs - start
      }
    } catch {
      record.drop()
      record.status.withLock { status in
        status.phase = .failed
        status.reason = error.message
      }
    }
  }

  /// Has what a promotion of the fork would need kept from now on.
  private func keepPast(
    of line: Line, to target: UInt64, _ record: ForkRecord
  ) throws(ForkFault) {
    var lineage = line.lineage
    if record.spec.text.at != .head { lineage.omissions.append(Omission(from: target)) }
    do throws(JournalFault) {
      try entry.retention.keep(Line(lineage, line.history), for: record)
    } catch { throw ForkFault(error) }
  }

  /// The hunt as it was at a place of its history, on the line that was its own then.
  ///
  /// The last few asked for are kept.
  func past(_ place: HistoryPlace) throws(ForkFault) -> ForkRecord {
    let past = entry.retention.holdAll()
    defer { withExtendedLifetime(past) {} }
    let head = try head()
    let finder = finder(head)
    let target = try finder.offset(place, field: "as_of")
    if let record = forks.past(at: target) { return record }
    let record = ForkRecord(id: 0, spec: ForkSpec(text: .past), createdMs: 0)
    var branch = try partition(along: finder.own(at: target), to: target, pages: head.pages, record)
    try makeChanges(&branch)
    record.finish(HuntView(entry, branch), reference: nil)
    record.status.withLock { status in
      status.phase = .ready
      status.offset = target
    }
    forks.keep(past: record)
    return record
  }

  // MARK: Promoting

  /// Makes a built fork the hunt.
  ///
  /// - Parameter digest: The fork's digest as the operator saw it.
  func promote(_ record: ForkRecord, digest: String?) throws(ForkFault) {
    let status = record.now
    guard status.phase == .ready, let seen = status.digest else {
      throw ForkFault(409, "not_ready", "the fork is \(status.phase.rawValue)")
    }
    guard let digest else {
      throw ForkFault(
        428, "precondition_required", "name the digest that you saw in If-Match", field: "If-Match")
    }
    guard digest == seen.hex else {
      throw ForkFault(
        412, "stale", "the fork's digest is \(seen.hex), not \(digest)", field: "If-Match")
    }
    guard status.line != nil else {
      throw ForkFault(
        410, "history_removed",
        "the journal's beginning was removed, and no snapshot is kept from before the place where "
          + "the fork differs: a restart could not make the hunt again")
    }
    record.status.withLock { $0.phase = .promoting }
    do throws(ForkFault) {
      let offset = try promoteNow(record, endsAtHead: record.spec.text.at == .head)
      record.status.withLock { status in
        status.phase = .promoted
        status.promotedAt = offset
      }
      record.drop()
    } catch {
      record.drop()
      record.status.withLock { status in
        status.phase = .failed
        status.reason = error.message
      }
      throw error
    }
  }

  private func promoteNow(
    _ record: ForkRecord, endsAtHead: Bool
  ) throws(ForkFault) -> UInt64 {
    let history = forks.history
    let lineage = try record.withView { view throws(ForkFault) -> Lineage in
      guard let view else { throw ForkFault(410, "gone", "the fork is gone") }
      guard view.partition.line.history == history else {
        throw ForkFault(412, "stale", "another fork was promoted since this one was made")
      }
      if !endsAtHead { view.partition.leaveOutRest() }
      return view.partition.line.lineage
    }
    let number = history.count + 1
    let hash: Hash128
    do throws(DiskFault) {
      hash = try forks.branches.write(lineage, number)
    } catch {
      throw ForkFault(507, "disk", "\(error)")
    }
    let promotion = Promotion(record: record, number: number, hash: hash)
    for _ in 0..<1_000 {
      try record.withView { view throws(ForkFault) in
        guard let view else { throw ForkFault(410, "gone", "the fork is gone") }
        try replay(&view.partition, to: entry.journal.durableThrough, nil)
      }
      let answer = Handoff<Promotion.Answer>()
      owner.post(.promote(slot: entry.slot, promotion, answer))
      switch answer.take(withinMs: 10_000) ?? lastWord(answer, record) {
      case .promoted(let offset):
        forks.append(History.Promotion(offset: offset, lineage: lineage))
        forks.shadow.restart()
        try waitUntilDurable(offset + 1)
        do throws(DiskFault) {
          try forks.branches.write(offset: offset, number, hash: hash)
        } catch {
          // The journal says it too; a restart has to look for it there.
          owner.log(.warning, "hunt \(entry.name): \(error)")
        }
        return offset
      case .behind: continue
      case .gone: throw ForkFault(404, "unknown_hunt", "the hunt is gone")
      case .failed(let reason): throw ForkFault(500, "not_promoted", reason)
      case nil: throw ForkFault(503, "busy", "the hunt did not answer in time")
      }
    }
    throw ForkFault(503, "busy", "the fork could not catch up with the hunt; try again")
  }

  /// Calls a promotion off that the hunt has not got to; its answer where it was just at it.
  private func lastWord(
    _ answer: Handoff<Promotion.Answer>, _ record: ForkRecord
  ) -> Promotion.Answer? {
    record.drop()
    return answer.take(withinMs: 1_000)
  }
}
