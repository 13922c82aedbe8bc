public import Events
public import Hunt

/// A line of history: how the journal is to be read so that it gives one state and no other.
///
/// The empty lineage reads it as it stands. Two lineages give equal states as far as the offset at
/// which they first differ.
public struct Lineage: Equatable, Sendable {
  /// Rules in force from an offset on.
  public struct RuleChange: Equatable, Sendable {
    public var from: UInt64
    public var rules: HuntRules

    public init(from: UInt64, rules: HuntRules) {
      self.from = from
      self.rules = rules
      // The definition's hold for the hunt's life, and the flat form leaves them out.
      self.rules.hintRadius = 0
      self.rules.hintWork = HuntRules.hintWorkDefault
    }
  }

  /// Events judged right before the journal's event at an offset.
  public struct Addition: Equatable, Sendable {
    public var at: UInt64
    public var events: [Event]

    public init(at: UInt64, events: [Event]) {
      self.at = at
      self.events = events
    }
  }

  public var omissions: [Omission] = []
  /// In the order in which they were made; of two that hold, the later one does.
  public var ruleChanges: [RuleChange] = []
  /// In the order in which they were made.
  public var additions: [Addition] = []

  /// Most omissions, rule changes and additions each; most events an addition.
  public static let partsMax = 1_000
  public static let additionMax = 4_096

  public init() {}

  /// Whether the event at `offset` is left out.
  public func omits(_ event: Event, at offset: UInt64) -> Bool {
    // Through a span, which counts no references.
    let all = omissions.span
    for at in 0..<all.count where all[at].omits(event, at: offset) { return true }
    return false
  }

  /// The first offset at or after `offset` at which rules change or events are added.
  func nextChange(from offset: UInt64) -> UInt64 {
    var next = UInt64.max
    for change in ruleChanges where change.from >= offset { next = min(next, change.from) }
    for addition in additions where addition.at >= offset { next = min(next, addition.at) }
    return next
  }

  /// The rules for the event at `offset`; nil for those of the definition.
  public func rules(at offset: UInt64) -> HuntRules? {
    ruleChanges.last { $0.from <= offset }?.rules
  }

  /// The lowest offset at which the two may judge differently; `.max` when they never do.
  ///
  /// - Complexity: O(parts squared), which are few.
  public func firstDifference(from other: Lineage) -> UInt64 {
    var first = UInt64.max
    func see(_ from: UInt64, _ isShared: Bool) { if !isShared { first = min(first, from) } }
    for part in omissions where part.from < part.to {
      see(part.from, other.omissions.contains(part))
    }
    for part in other.omissions where part.from < part.to {
      see(part.from, omissions.contains(part))
    }
    if ruleChanges != other.ruleChanges {
      for part in ruleChanges { see(part.from, other.ruleChanges.contains(part)) }
      for part in other.ruleChanges { see(part.from, ruleChanges.contains(part)) }
      // The same changes in another order.
      if first == .max { first = ruleChanges.map(\.from).min() ?? .max }
    }
    if additions != other.additions {
      for part in additions { see(part.at, other.additions.contains(part)) }
      for part in other.additions { see(part.at, additions.contains(part)) }
      if first == .max { first = additions.map(\.at).min() ?? .max }
    }
    return first
  }

  /// The line as if nothing had happened from `offset` on: neither events nor changes.
  public func rolledBack(to offset: UInt64) -> Lineage {
    var lineage = self
    lineage.ruleChanges.removeAll { $0.from >= offset }
    lineage.additions.removeAll { $0.at >= offset }
    lineage.omissions.append(Omission(from: offset))
    return lineage
  }

  /// The lineage as it is promoted at `offset`: everything in it happens by then.
  public func promoted(at offset: UInt64) -> Lineage {
    var lineage = self
    for at in omissions.indices {
      lineage.omissions[at].to = min(omissions[at].to, offset)
    }
    for at in ruleChanges.indices {
      lineage.ruleChanges[at].from = min(ruleChanges[at].from, offset)
    }
    for at in additions.indices { lineage.additions[at].at = min(additions[at].at, offset) }
    return lineage
  }
}

/// The lines of history that a hunt has had, in the order in which they were promoted.
public struct History: Equatable, Sendable {
  /// A lineage that became the hunt's at an offset.
  public struct Promotion: Equatable, Sendable {
    /// Journal offset of its mark.
    public var offset: UInt64
    /// As promoted there.
    public var lineage: Lineage

    public init(offset: UInt64, lineage: Lineage) {
      self.offset = offset
      self.lineage = lineage.promoted(at: offset)
    }
  }

  public private(set) var promotions: [Promotion] = []

  public init() {}

  /// Promotions so far.
  public var count: UInt32 { UInt32(promotions.count) }

  public mutating func append(_ promotion: Promotion) {
    precondition(promotion.offset >= promotions.last?.offset ?? 0)
    promotions.append(promotion)
  }

  /// The hunt's line now.
  public var current: Lineage { promotions.last?.lineage ?? Lineage() }

  /// The line after so many promotions.
  public func lineage(_ number: UInt32) -> Lineage {
    number == 0 ? Lineage() : promotions[Int(number) - 1].lineage
  }

  /// Promotions made before the journal's event at `offset`.
  public func number(at offset: UInt64) -> UInt32 {
    UInt32(promotions.prefix { $0.offset < offset }.count)
  }

  /// The line that was the hunt's when the event at `offset` was judged.
  public func lineage(at offset: UInt64) -> Lineage { lineage(number(at: offset)) }

  /// The history as it was known at `offset`.
  public func known(at offset: UInt64) -> History {
    var history = History()
    history.promotions = Array(promotions.prefix { $0.offset < offset })
    return history
  }
}
