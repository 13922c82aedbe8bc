import Bounded
import Bus
import CSystem
import Disk
import Events
import Hunt
import Pages
import Partitions
import Synchronization

/// A fork on its way to become the hunt.
struct Promotion: Sendable {
  enum Answer: Sendable {
    /// The mark stands at this offset of the journal.
    case promoted(offset: UInt64)
    /// The fork is further behind than can be made up for between two batches.
    case behind
    case gone
    case failed(String)
  }

  let record: ForkRecord
  let number: UInt32
  let hash: Hash128
}

extension PartitionThread {
  /// Events that a promotion may replay between two batches.
  static let promotionLagMax = 2_048

  /// Makes a fork the hunt, between two batches: replays into it what came since, from the lines
  /// that the journal's ring still holds, and journals the mark.
  func promote(_ hunt: HostedHunt, _ promotion: Promotion) -> Promotion.Answer {
    let ring = hunt.journal.ring
    guard !hunt.hasFailed else { return .failed("the hunt's journal has failed") }
    guard ring.hasRoom(64) else { return .behind }
    return promotion.record.withView { view in
      guard let view else { return .failed("the fork is gone") }
      let lag = Int(hunt.partition.nextOffset - view.partition.nextOffset)
      guard lag <= min(Self.promotionLagMax, ring.capacity / 2) else { return .behind }
      guard hunt.entry.hasRoom(&view.partition, events: lag) else {
        return .failed("the hunt's page budget has no room for what came since")
      }
      var effects = EffectBuffer(capacity: 1)
      do throws(ReplayFault) {
        for at in (ring.writeIndex - lag)..<ring.writeIndex {
          _ = try view.partition.replay(ring.load(at, as: Event.self), &effects)
        }
      } catch {
        return .failed("\(error.reason) at offset \(error.offset)")
      }
      let offset = hunt.partition.nextOffset
      let mark = PromotionMark(
        number: promotion.number, high: promotion.hash.high, low: promotion.hash.low,
        time: hunt.partition.state.now)
      var refusal: ForkRefusal?
      withOutput(hunt, replies: nil) { output in
        do throws(ForkRefusal) {
          try hunt.partition.promote(&view.partition, mark, &output)
        } catch { refusal = error }
      }
      if let refusal {
        return .failed("the hunt's page budget has no room for the fork: \(refusal)")
      }
      // Viewers begin again from a snapshot.
      hunt.entry.feed.setLost()
      return .promoted(offset: offset)
    }
  }
}
