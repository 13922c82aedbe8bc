public import Authoring
import Disk
public import Events

/// What somebody wants of the forks of a hunt.
public enum ForkRequest: Sendable {
  /// - Parameters:
  ///   - events: What `append` says, read.
  ///   - waits: Whether the answer comes when the fork is built.
  case create(ForkText, events: [AddedEvent], waits: Bool)
  case list
  case show(UInt32, waits: Bool)
  case delete(UInt32)
  case difference(UInt32, DifferenceWish)
  /// - Parameter digest: What the operator saw; the fork must still have it.
  case promote(UInt32, digest: String?)
  case whyPlayer(PlayerName, board: String?, limit: Int, after: Int)
  case whyTreasure(UInt32, limit: Int, after: Int)
}

/// An event that a fork's line adds.
public struct AddedEvent: Sendable {
  public var event: Event
  /// The player as the request names one, where it is not by number.
  public var name: String?

  public init(_ event: Event, name: String? = nil) {
    self.event = event
    self.name = name
  }
}

/// Which part of a difference is wanted.
public struct DifferenceWish: Sendable {
  public enum Part: String, CaseIterable, Sendable {
    case players, treasures, prizes, edges, blocks
  }

  /// Another fork; nil for the hunt as it was when the fork was asked for.
  public var against: UInt32?
  /// Rows of these parts, in their order.
  public var parts: [Part]
  public var limit: Int
  /// Rows to pass over.
  public var after: Int

  public init(against: UInt32?, parts: [Part], limit: Int, after: Int) {
    self.against = against
    self.parts = parts
    self.limit = limit
    self.after = after
  }
}

/// Which state a read is answered from.
public enum ReadView: Sendable, Equatable {
  case now
  case fork(UInt32)
  case past(HistoryPlace)
}

/// Why a fork, a promotion or an explanation came to nothing.
public struct ForkFault: Error, Sendable {
  let status: Int
  /// A word that stays the same.
  public let code: String
  public let message: String
  /// The part of the request that it is about.
  public internal(set) var field: String?

  init(_ status: Int, _ code: String, _ message: String, field: String? = nil) {
    self.status = status
    self.code = code
    self.message = message
    self.field = field
  }

  var body: [UInt8] { errorBody(code, message, field: field) }
}

extension ForkFault {
  // What a replay is ended with that is no fault of the journal.
  static let cancelled = "cancelled"
  static let noRoom = "no room"

  /// What a journal's fault means to those who asked for a replay.
  init(_ fault: JournalFault) {
    switch fault {
    case .inconsistent(_, _, _, Self.cancelled):
      self.init(410, "cancelled", "the fork was deleted, or the engine is stopping")
    case .inconsistent(_, _, let offset, Self.noRoom):
      self.init(
        507, "no_room", "the hunt's page budget had no room for the fork at offset \(offset)")
    case .removed:
      self.init(410, "history_removed", "\(fault)")
    default:
      self.init(500, "damaged", "\(fault)")
    }
  }
}
