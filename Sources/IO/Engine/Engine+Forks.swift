import Authoring
import Bounded
import Bus
import Disk
import Events
import Hunt
import Partitions
import Synchronization

/// Forks as gateways ask for them. Every answer comes to the ticket's port.
extension Engine {
  /// Asks a hunt, a fork of it, or the hunt as it was; see `ask(_:_:_:)`.
  public func ask(_ entry: HuntEntry, _ query: Query, _ ticket: QueryTicket, in view: ReadView) {
    switch view {
    case .now: ask(entry, query, ticket)
    case .fork(let id):
      guard let record = entry.forks.record(id) else {
        return reply(ticket, entry, Self.noFork(id))
      }
      read(record, entry, query, ticket)
    case .past(let place):
      let builder = builder(entry)
      submit(ticket, entry) { [self] in
        do throws(ForkFault) {
          read(try builder.past(place), entry, query, ticket)
        } catch { reply(ticket, entry, error) }
      }
    }
  }

  /// Does what a request for forks says.
  public func request(_ entry: HuntEntry, _ request: ForkRequest, _ ticket: QueryTicket) {
    switch request {
    case .create(let text, let events, let waits): create(entry, text, events, waits, ticket)
    case .list: reply(ticket, entry, 200, forksJSON(entry, entry.forks.records))
    case .show(let id, let waits):
      guard let record = entry.forks.record(id) else {
        return reply(ticket, entry, Self.noFork(id))
      }
      guard waits else { return reply(ticket, entry, 200, forkJSON(entry, record)) }
      // Whatever was asked of the thread before is done by then, this fork too.
      submit(ticket, entry) { [self] in reply(ticket, entry, 200, forkJSON(entry, record)) }
    case .delete(let id):
      guard let record = entry.forks.remove(id) else {
        return reply(ticket, entry, Self.noFork(id))
      }
      record.isCancelled.store(true, ordering: .releasing)
      submit(ticket, entry) { [self] in
        record.drop()
        reply(ticket, entry, 204, [])
      }
    case .difference(let id, let wish): difference(entry, id, wish, ticket)
    case .promote(let id, let digest):
      guard let record = entry.forks.record(id) else {
        return reply(ticket, entry, Self.noFork(id))
      }
      let builder = builder(entry)
      submit(ticket, entry) { [self] in
        do throws(ForkFault) {
          try builder.promote(record, digest: digest)
          log(
            .info,
            "hunt \(entry.name): fork \(id) was promoted at offset \(record.now.promotedAt ?? 0)")
          reply(ticket, entry, 200, forkJSON(entry, record))
        } catch { reply(ticket, entry, error) }
      }
    case .whyPlayer(let name, let board, let limit, let after):
      explain(entry, ticket) { builder throws(ForkFault) in
        try builder.why(player: name, board: board, limit: limit, after: after)
      }
    case .whyTreasure(let id, let limit, let after):
      explain(entry, ticket) { builder throws(ForkFault) in
        try builder.why(treasure: id, limit: limit, after: after)
      }
    }
  }

  private func create(
    _ entry: HuntEntry, _ text: ForkText, _ events: [AddedEvent], _ waits: Bool,
    _ ticket: QueryTicket
  ) {
    let spec = ForkSpec(text: text, append: events)
    guard let record = entry.forks.add(spec, nowMs: clock.nowMs) else {
      return reply(
        ticket, entry,
        ForkFault(429, "too_many_forks", "\(HuntForks.forkCountMax) forks exist; delete one first"))
    }
    let builder = builder(entry)
    let isPromoted = text.isPromoted
    do throws(JobRefusal) {
      try forkThread.submit { [self] in
        builder.build(record)
        guard isPromoted || waits else { return }
        if isPromoted, record.now.phase == .ready {
          do throws(ForkFault) {
            try builder.promote(record, digest: record.now.digest?.hex)
            log(
              .info,
              "hunt \(entry.name): fork \(record.id) was promoted at offset "
                + "\(record.now.promotedAt ?? 0)")
          } catch { return reply(ticket, entry, error) }
        }
        let failed = record.now.phase == .failed
        reply(ticket, entry, failed ? 422 : 201, forkJSON(entry, record))
      }
    } catch {
      _ = entry.forks.remove(record.id)
      return reply(ticket, entry, ForkFault(429, "busy", "too many forks are being built"))
    }
    if !isPromoted && !waits { reply(ticket, entry, 202, forkJSON(entry, record)) }
  }

  private func difference(
    _ entry: HuntEntry, _ id: UInt32, _ wish: DifferenceWish, _ ticket: QueryTicket
  ) {
    guard let record = entry.forks.record(id) else { return reply(ticket, entry, Self.noFork(id)) }
    let other = wish.against.map { entry.forks.record($0) }
    if case .some(.none) = other { return reply(ticket, entry, Self.noFork(wish.against ?? 0)) }
    submit(ticket, entry) { [self] in
      let found =
        if let other = other ?? nil {
          record.difference(from: other)
        } else {
          record.difference()
        }
      guard let (difference, ns) = found else {
        return reply(
          ticket, entry,
          ForkFault(409, "not_ready", "the fork is \(record.now.phase.rawValue)"))
      }
      let status = record.now
      let text = DifferenceText(
        difference: difference, ns: ns, map: entry.map, offset: status.offset, head: status.head)
      let body = text.json(wish) {
        record.name(of: $0) ?? (other ?? nil)?.name(of: $0)
      }
      reply(ticket, entry, 200, body)
    }
  }

  private func explain(
    _ entry: HuntEntry, _ ticket: QueryTicket,
    _ body: @escaping @Sendable (ForkBuilder) throws(ForkFault) -> [UInt8]
  ) {
    let builder = builder(entry)
    submit(ticket, entry) { [self] in
      let past = entry.retention.holdAll()
      defer { withExtendedLifetime(past) {} }
      do throws(ForkFault) {
        reply(ticket, entry, 200, try body(builder))
      } catch { reply(ticket, entry, error) }
    }
  }

  /// Answers a read of a fork on the reader thread.
  private func read(
    _ record: ForkRecord, _ entry: HuntEntry, _ query: Query, _ ticket: QueryTicket
  ) {
    do throws(JobRefusal) {
      try readers.submit { [self] finder in
        let phase = record.now.phase
        let answer = record.withView { view -> (Int, [UInt8], UInt64)? in
          guard let view else { return nil }
          let (status, body): (Int, [UInt8])
          if let search = GroundSearch(query, number: view.number) {
            (status, body) = search.answer(
              view.partition.state.ground, view.partition.state.space,
              offset: view.partition.nextOffset, durable: entry.journal.durableThrough, &finder)
          } else {
            (status, body) = view.answer(query)
          }
          return (status, body, view.partition.nextOffset)
        }
        guard let (status, body, offset) = answer else {
          return reply(
            ticket, entry, ForkFault(409, "not_ready", "the fork is \(phase.rawValue)"))
        }
        reply(ticket, entry, status, body, offset: offset)
      }
    } catch { reply(ticket, entry, ForkFault(429, "busy", "too many reads wait; try again")) }
  }

  // MARK: Parts

  private func builder(_ entry: HuntEntry) -> ForkBuilder {
    ForkBuilder(entry: entry, owner: threads[entry.thread])
  }

  /// Queues work for the fork thread, or answers that it is busy.
  private func submit(
    _ ticket: QueryTicket, _ entry: HuntEntry, _ job: @escaping @Sendable () -> Void
  ) {
    do throws(JobRefusal) { try forkThread.submit(job) } catch {
      reply(ticket, entry, ForkFault(429, "busy", "too much is asked of forks; try again"))
    }
  }

  private func reply(
    _ ticket: QueryTicket, _ entry: HuntEntry, _ status: Int, _ body: [UInt8],
    offset: UInt64? = nil
  ) {
    let durable = entry.journal.durableThrough
    ticket.port.put(
      Answer(
        connection: ticket.connection, tag: ticket.tag, status: status, offset: offset ?? durable,
        durable: durable, body: body))
  }

  private func reply(_ ticket: QueryTicket, _ entry: HuntEntry, _ fault: ForkFault) {
    reply(ticket, entry, fault.status, fault.body)
  }

  private static func noFork(_ id: UInt32) -> ForkFault {
    ForkFault(404, "unknown_fork", "there is no fork \(id)")
  }
}
