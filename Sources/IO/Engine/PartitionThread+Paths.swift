import Bus
import CSystem
import Disk
import Hunt
import Pages
import Partitions
import World

/// Searches for ways and treasures in the hunt as it is now. The hunt itself is not branched for
/// them: each page that a branch shares must be copied before it is written, and that would stop
/// live play.
extension PartitionThread {
  /// How long a search waits until the shadow has come to where the hunt was when it was asked.
  private static let shadowPatienceNs: Int64 = 100_000_000

  /// Has the reader's thread search in a fork of the shadow that holds all that the asker can have
  /// been told of; where the shadow does not come there in time, in a branch of the hunt after all.
  func find(_ search: GroundSearch, _ hunt: HostedHunt, _ ticket: QueryTicket) {
    let entry = hunt.entry
    let offset = hunt.partition.nextOffset
    submit(ticket, hunt) { [self] finder in
      let fork = entry.forks.shadow.fork(entry, at: offset, patienceNs: Self.shadowPatienceNs)
      if let fork {
        Self.reply(ticket, entry, search, fork, &finder)
      } else {
        post(.findInBranch(slot: entry.slot, search, ticket))
      }
    }
  }

  func findInBranch(_ search: GroundSearch, _ hunt: HostedHunt, _ ticket: QueryTicket) {
    let entry = hunt.entry
    do throws(ForkRefusal) {
      let fork = ReadFork(
        try hunt.partition.state.fork(), hunt.partition.state.ground,
        offset: hunt.partition.nextOffset)
      submit(ticket, hunt) { finder in Self.reply(ticket, entry, search, fork, &finder) }
    } catch {
      refuse(ticket, hunt, "no_room", "too many long reads hold pages: \(error); try again")
    }
  }

  private func submit(
    _ ticket: QueryTicket, _ hunt: HostedHunt,
    _ job: @escaping @Sendable (inout PathFinder) -> Void
  ) {
    do throws(JobRefusal) { try readers?.submit(job) } catch {
      refuse(ticket, hunt, "busy", "too many searches wait; try again")
    }
  }

  private func refuse(
    _ ticket: QueryTicket, _ hunt: HostedHunt, _ code: String, _ message: String
  ) {
    ticket.port.put(
      Answer(
        connection: ticket.connection, tag: ticket.tag, status: 429,
        offset: hunt.partition.nextOffset, durable: hunt.journal.durableThrough,
        body: errorBody(code, message)))
  }

  private static func reply(
    _ ticket: QueryTicket, _ entry: HuntEntry, _ search: GroundSearch, _ fork: ReadFork,
    _ finder: inout PathFinder
  ) {
    let durable = entry.journal.durableThrough
    let (status, body) = search.answer(
      fork.ground, fork.space, offset: fork.offset, durable: durable, &finder)
    ticket.port.put(
      Answer(
        connection: ticket.connection, tag: ticket.tag, status: status, offset: fork.offset,
        durable: durable, body: body))
  }
}
