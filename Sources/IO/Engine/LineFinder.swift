import Authoring
import Disk
import Events
import Hunt
import Journal
import Partitions

/// Finds the line of history that a request means, and where it ends; the same for a running engine
/// and for a data folder without one.
struct LineFinder {
  let history: History
  let segments: Segments
  /// Where the hunt has come to, and its clock there, ms since 1970.
  let head: (offset: UInt64, now: Int64)
  /// Answers a time with an offset before which nothing of that time or later has happened: the
  /// nearer, the less of the journal is read.
  let start: (Int64) -> UInt64

  // MARK: Places

  /// The journal offset of a place, at most the head's.
  func offset(_ place: HistoryPlace, field: String) throws(ForkFault) -> UInt64 {
    switch place {
    case .head: return head.offset
    case .offset(let offset):
      guard offset <= head.offset else {
        throw ForkFault(
          422, "beyond_head", "\(field): \(offset) is behind the journal's end, \(head.offset)",
          field: field)
      }
      return offset
    case .time(let time):
      return time >= head.now ? head.offset : try offset(of: time)
    }
  }

  /// The offset of the first tick behind `time`.
  private func offset(of time: Int64) throws(ForkFault) -> UInt64 {
    do throws(JournalFault) {
      let kept = try segments.begin()
      var reader = try JournalReader(
        segments, from: max(start(time), kept.position.offset), to: head.offset)
      while let frame = try reader.next() {
        if frame.header.tick <= time { continue }
        // What happened until then may have been removed with the journal's beginning.
        if kept.segment > 1 && frame.header.firstOffset == kept.position.offset {
          throw .removed(
            path: segments.path(kept.segment), before: kept.position.offset, wanted: 0)
        }
        for at in 0..<Int(frame.header.count) {
          let event = frame.event(at)
          if event.kind == .tick && event.time > time {
            return frame.header.firstOffset + UInt64(at)
          }
        }
      }
    } catch { throw ForkFault(error) }
    return head.offset
  }

  // MARK: Lines

  /// The hunt's own line as it was at `offset`.
  func own(at offset: UInt64) -> Line { Line(history.lineage(at: offset), history) }

  /// The line that a request asks for, and where it ends.
  ///
  /// - Parameter players: The numbers of the players named, and an offset before which none of them
  ///   has changed anything.
  func line(
    _ spec: ForkSpec, _ players: ([String]) throws(ForkFault) -> (keys: [UInt64], from: UInt64)
  ) throws(ForkFault) -> (Line, UInt64) {
    let text = spec.text
    let target = try offset(text.at, field: "at")
    var lineage = text.at == .head ? history.current : history.lineage(at: target)
    if let omit = text.omit {
      let omission = try omission(omit, text.kind, players)
      if text.kind == .rollback {
        lineage = lineage.rolledBack(to: omission.from)
      } else {
        lineage.omissions.append(omission)
      }
    }
    if let rules = text.rules {
      let from = try text.rulesFrom.map { place throws(ForkFault) in
        try offset(place, field: "rules_from")
      }
      lineage.ruleChanges.append(.init(from: from ?? 0, rules: rules))
    }
    if !spec.append.isEmpty {
      lineage.additions.append(.init(at: target, events: try numbered(spec.append, players)))
    }
    guard
      max(lineage.omissions.count, lineage.ruleChanges.count, lineage.additions.count)
        <= Lineage.partsMax
    else {
      throw ForkFault(
        422, "too_many", "a line of history has at most \(Lineage.partsMax) changes of a sort")
    }
    return (Line(lineage, history), target)
  }

  /// Added events with their players' numbers.
  private func numbered(
    _ added: [AddedEvent],
    _ players: ([String]) throws(ForkFault) -> (keys: [UInt64], from: UInt64)
  ) throws(ForkFault) -> [Event] {
    var events = added.map(\.event)
    for at in events.indices {
      guard let name = added[at].name else { continue }
      do throws(ForkFault) {
        events[at].player = try players(["name:" + name]).keys[0]
      } catch {
        var fault = error
        fault.field = "append[\(at)].player"
        throw fault
      }
      events[at].flags.remove(.playerIsName)
    }
    return events
  }

  private func omission(
    _ omit: ForkText.Omit, _ kind: ForkText.Kind,
    _ players: ([String]) throws(ForkFault) -> (keys: [UInt64], from: UInt64)
  ) throws(ForkFault) -> Omission {
    if omit.players.count + omit.producers.count + omit.events.count > Omission.listMax {
      throw ForkFault(422, "too_many", "at most \(Omission.listMax) of a list", field: "omit")
    }
    var omission = Omission(
      from: try omit.from.map { place throws(ForkFault) in
        try offset(place, field: kind == .rollback ? "to" : "from")
      } ?? 0,
      to: try omit.to.map { place throws(ForkFault) in
        try offset(place, field: "to")
      } ?? .max)
    omission.producers = omit.producers.sorted()
    omission.offsets = omit.events.sorted()
    for word in omit.kinds {
      guard let kind = EventKind.allCases.first(where: { "\($0.word)" == word && $0.isSupported })
      else {
        throw ForkFault(422, "unknown_kind", "\"\(word)\" is no kind of event", field: "kinds")
      }
      omission.kinds |= Omission.bit(kind)
    }
    if omit.players.isEmpty { return omission }
    let (keys, from) = try players(omit.players)
    omission.players = keys.sorted()
    omission.from = max(omission.from, from)
    return omission
  }
}

extension HuntState {
  /// The numbers of players as a request names them.
  mutating func keys(ofPlayers texts: [String]) throws(ForkFault) -> [UInt64] {
    var keys: [UInt64] = []
    for text in texts {
      guard let key = number(of: PlayerName(text)) else {
        throw ForkFault(
          404, "unknown_player", "no event names the player \"\(text)\"", field: "players")
      }
      keys.append(key)
    }
    return keys
  }

  /// The number of a player; nil when no event ever named it so.
  mutating func number(of name: PlayerName) -> UInt64? {
    switch name {
    case .number(let number): return number
    case .text(let text):
      let bytes = Array(text.utf8)
      guard let name = NameRow(bytes.span) else { return nil }
      return number(of: name)
    }
  }
}

extension PlayerName {
  /// A player as a path, query or list names one: digits are a number, anything else a name. A name
  /// of digits is written with a leading `name:`.
  public init(_ text: String) {
    if text.hasPrefix("name:") {
      self = .text(String(text.dropFirst(5)))
    } else if let number = UInt64(digits: text), number > 0 {
      self = .number(number)
    } else {
      self = .text(text)
    }
  }
}
