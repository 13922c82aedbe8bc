import Authoring
import Bounded
import Engine
import Events
import Hunt
import Net

/// Forks, promotions and explanations over HTTP.
extension HTTPGateway {
  func forkRequest(
    _ part: Route.HuntPart, _ entry: HuntEntry, _ request: borrowing HTTPRequest, _ body: RawSpan,
    _ connection: ConnectionID
  ) throws(ParameterFault) {
    let wish: ForkRequest
    switch part {
    case .makeFork(let kind):
      guard let made = try makeFork(kind, entry, request, body, connection) else { return }
      wish = made
    case .forks: wish = .list
    case .fork(let id): wish = .show(id, waits: try request.flag("wait"))
    case .deleteFork(let id): wish = .delete(id)
    case .forkDifference(let id): wish = .difference(id, try differenceWish(request))
    case .promoteFork(let id):
      // As HTTP writes an entity tag: in quotes, which may be left out here.
      let tag = request.header("If-Match")?.filter { $0 != "\"" }
      wish = .promote(id, digest: tag)
    case .whyPlayer(let name):
      wish = .whyPlayer(
        PlayerName(name), board: request.query("board"),
        limit: try request.integer("limit", 1...1_000, default: 100),
        after: try request.integer("cursor", 0...1 << 40, default: 0))
    case .whyTreasure(let id):
      wish = .whyTreasure(
        id, limit: try request.integer("limit", 1...1_000, default: 100),
        after: try request.integer("cursor", 0...1 << 40, default: 0))
    default: preconditionFailure("not a request for forks")
    }
    engine.request(entry, wish, ticket { [unowned self] in respond(connection, $0) })
  }

  /// What a body asks for; nil when it was answered that it does not make sense.
  private func makeFork(
    _ kind: ForkText.Kind, _ entry: HuntEntry, _ request: borrowing HTTPRequest, _ body: RawSpan,
    _ connection: ConnectionID
  ) throws(ParameterFault) -> ForkRequest? {
    let waits = try request.flag("wait")
    let bytes = (0..<body.byteCount).map { body.byte($0) }
    let parsed = ForkText.parse(bytes, kind, rules: entry.definition.rules)
    guard let text = parsed.value else {
      respond(connection, 422, json: findingsJSON(parsed.findings, code: "bad_fork"))
      return nil
    }
    var events: [AddedEvent] = []
    if !text.append.isEmpty {
      switch additions(text.append, entry) {
      case .success(let read): events = read
      case .failure(let fault):
        fail(connection, 422, "bad_event", fault.message, field: fault.field)
        return nil
      }
    }
    return .create(text, events: events, waits: waits)
  }

  /// The events of `append`, with an operator's rights.
  private func additions(
    _ bytes: [UInt8], _ entry: HuntEntry
  ) -> Result<[AddedEvent], ParameterFault> {
    let slab = Slab(byteCount: bytes.count, zeroed: false)
    slab.copy(from: bytes.span, to: 0)
    return slab.withBytes(0, count: bytes.count) { body in
      var names = PlayerNames(capacity: Self.eventCountMax)
      var reader = EventReader(body, form: .array, eventCountMax: Self.eventCountMax)
      var events: [AddedEvent] = []
      while let item = reader.next(body, names: &names) {
        let at = "append[\(reader.position)]"
        switch item {
        case .rejected(let rejection, _):
          let field = rejection.field == .none ? at : "\(at).\(rejection.field.word)"
          return .failure(
            ParameterFault(field: field, message: "\(field): \(reason(rejection, in: body))"))
        case .event(var event):
          event.flags.insert(.operate)
          let isName = event.flags.contains(.playerIsName)
          var name: String?
          if isName {
            name = names.withName(Int(event.player)) { name in
              String(decoding: (0..<name.byteCount).map { name.byte($0) }, as: UTF8.self)
            }
          }
          events.append(AddedEvent(event, name: name))
        }
      }
      return .success(events)
    }
  }

  private func differenceWish(
    _ request: borrowing HTTPRequest
  ) throws(ParameterFault) -> DifferenceWish {
    var against: UInt32?
    if let text = request.query("against"), text != "main" {
      guard let id = UInt32(text) else {
        throw ParameterFault(field: "against", message: "against is main or a fork's number")
      }
      against = id
    }
    var parts = DifferenceWish.Part.allCases
    if let text = request.query("parts") {
      parts = []
      for word in text.split(separator: ",") {
        guard let part = DifferenceWish.Part(rawValue: String(word)) else {
          throw ParameterFault(
            field: "parts", message: "parts is a list of players, treasures, prizes, edges, blocks")
        }
        parts.append(part)
      }
    }
    return DifferenceWish(
      against: against, parts: parts, limit: try request.integer("limit", 1...1_000, default: 50),
      after: try request.integer("cursor", 0...1 << 40, default: 0))
  }
}

extension HTTPRequest {
  /// Which state a read asks for: `fork=` or `as_of=`, or the hunt now.
  var view: ReadView {
    borrowing get throws(ParameterFault) {
      switch (query("fork"), query("as_of")) {
      case (nil, nil): return .now
      case (let fork?, nil):
        if fork == "main" { return .now }
        guard let id = UInt32(fork) else {
          throw ParameterFault(field: "fork", message: "fork is a fork's number, or main")
        }
        return .fork(id)
      case (nil, let text?):
        guard let place = HistoryPlace(text) else {
          throw ParameterFault(field: "as_of", message: "as_of is \(HistoryPlace.form)")
        }
        return .past(place)
      case (_?, _?):
        throw ParameterFault(field: "as_of", message: "give fork or as_of, not both")
      }
    }
  }
}
