import Bounded

// The JSON forms of events and outcomes; docs/protocol.md is their specification.

extension JSONWriter {
  /// Appends `event` so that `EventReader` gives it back, field for field.
  ///
  /// - Parameter names: where the name is when the event has `playerIsName`; without it the index
  ///   would mean nothing to a reader, so it traps.
  public mutating func event(_ event: Event, names: borrowing PlayerNames) {
    if event.flags.contains(.playerIsName) {
      names.withName(Int(event.player)) { self.event(event, name: $0) }
    } else {
      self.event(event)
    }
  }

  /// Appends `event`, whose player is a number.
  public mutating func event(_ event: Event) {
    precondition(!event.flags.contains(.playerIsName))
    self.event(event, name: nil)
  }

  private mutating func event(_ event: Event, name: RawSpan?) {
    beginObject()
    if let kind = event.kind {
      key("kind")
      word(kind.word)
    }
    if event.flags.contains(.wantRank) { field("rank", true) }
    if event.flags.contains(.wantHint) { field("hint", true) }
    if event.hunt != 0 { field("hunt", UInt64(event.hunt)) }
    if event.producer != 0 { field("producer", event.producer) }
    if event.sequence != 0 { field("sequence", event.sequence) }
    if let name {
      key("player")
      string(utf8: name)
    } else if event.player != 0 {
      field("player", event.player)
    }
    if event.time != 0 { field("time", event.time) }
    if event.x != 0 { field("x", Int64(event.x)) }
    if event.y != 0 { field("y", Int64(event.y)) }
    if event.z != 0 { field("z", Int64(event.z)) }
    if event.kind == .edge, let order = EdgeOrder(event.value), !order.isLongWinded {
      edge(event.treasure, order)
    } else {
      if event.treasure != 0 { field("treasure", UInt64(event.treasure)) }
      value(of: event)
    }
    endObject()
  }

  /// `value` under the names of its parts where the kind has parts.
  private mutating func value(of event: Event) {
    switch event.kind {
    case .score: field("points", event.value)
    case .spawn where event.value >= 0 && event.value <= SpawnOffer.valueMax:
      let stock = event.value >> 31
      field("points", event.value & 0x7fff_ffff)
      if stock != 0 { field("stock", stock) }
    default: if event.value != 0 { field("value", event.value) }
    }
  }

  /// `treasure` and `value` of an edge event under the names of the order's parts.
  private mutating func edge(_ treasure: UInt32, _ order: EdgeOrder) {
    switch order.action {
    case .edge, .openEdge, .remove: field("edge", UInt64(treasure))
    case .add: field("to", UInt64(treasure))
    default: if treasure != 0 { field("treasure", UInt64(treasure)) }
    }
    switch order.action {
    case .place where !order.isShort, .break where !order.isShort:
      field("width", UInt64(order.width))
      field("height", UInt64(order.height))
      field("depth", UInt64(order.depth))
      field("change", order.action == .place ? "place" : "break")
    case .step, .place, .break:
      field("multiplier", UInt64(order.amount))
      field("direction", UInt64(order.direction))
      if order.action != .step { field("block", true) }
    case .open:
      field("direction", UInt64(order.direction))
      field("change", "open")
    case .edge: field("cost", UInt64(order.amount))
    case .openEdge: field("change", "open")
    case .add:
      field("cost", UInt64(order.amount))
      field("change", "add")
    case .remove: field("change", "remove")
    }
  }

  private mutating func field(_ name: StaticString, _ word: StaticString) {
    key(name)
    self.word(word)
  }

  public mutating func field(_ name: StaticString, _ value: UInt64) {
    key(name)
    number(value)
  }

  public mutating func field(_ name: StaticString, _ value: Int64) {
    key(name)
    number(value)
  }

  public mutating func field(_ name: StaticString, _ value: Bool) {
    key(name)
    bool(value)
  }
}
