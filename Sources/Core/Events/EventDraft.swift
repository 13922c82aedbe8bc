import Bounded

/// An event while its JSON object is read: the fields so far, and where each was said.
struct EventDraft: BitwiseCopyable {
  /// `kindByte` is 0 until `kind` is read.
  var event: Event

  /// Keys read, one bit each, by `EventKey.rawValue`.
  private var seen: UInt32 = 0
  /// Byte of each key read.
  private var keyAt = InlineArray<25, UInt32>(repeating: 0)
  private var points: Int64 = 0
  private var stock: Int64 = 0
  var edge = EdgeParts()
  /// The player is the name that `PlayerNames` holds as pending.
  private var hasName = false

  init() {
    event = Event(kind: .join)
    event.kindByte = 0
  }

  // MARK: Reading

  /// Reads the value of `key`, which starts at `json.at`.
  ///
  /// Throws `malformed` for a fault of syntax, any other code for one of content.
  @inline(never)
  mutating func read(
    _ key: EventKey, keyAt place: Int, _ json: inout JSONReader, _ bytes: RawSpan,
    names: inout PlayerNames
  ) throws(Rejection) {
    guard !has(key) else { throw Rejection(.repeatedField, key.field, position: place) }
    seen |= 1 &<< UInt32(key.rawValue)
    keyAt[Int(key.rawValue)] = UInt32(truncatingIfNeeded: place)
    switch key {
    case .kind: try readKind(&json, bytes, place)
    case .rank: if try bool(key, &json, bytes) { event.flags.insert(.wantRank) }
    case .hint: if try bool(key, &json, bytes) { event.flags.insert(.wantHint) }
    case .hunt: event.hunt = UInt32(try natural(key, &json, bytes, max: UInt64(UInt32.max)))
    case .producer: event.producer = try natural(key, &json, bytes, max: .max)
    case .sequence: event.sequence = try natural(key, &json, bytes, max: Event.sequenceMax)
    case .player: try readPlayer(&json, bytes, place, names: &names)
    case .time:
      event.time = Int64(try natural(key, &json, bytes, max: UInt64(Event.timeMax)))
    case .x: event.x = Int32(try integer(key, &json, bytes, Int64(Int32.min)...Int64(Int32.max)))
    case .y: event.y = Int32(try integer(key, &json, bytes, Int64(Int32.min)...Int64(Int32.max)))
    case .z: event.z = Int32(try integer(key, &json, bytes, Int64(Int32.min)...Int64(Int32.max)))
    case .treasure:
      event.treasure = UInt32(try natural(key, &json, bytes, max: UInt64(UInt32.max)))
    case .value: event.value = try integer(key, &json, bytes, Int64.min...Int64.max)
    default: try readPart(key, &json, bytes)
    }
  }

  /// Keys that moves and claims do without; apart, so that reading theirs stays small.
  @inline(never)
  private mutating func readPart(
    _ key: EventKey, _ json: inout JSONReader, _ bytes: RawSpan
  ) throws(Rejection) {
    switch key {
    case .points: points = try integer(key, &json, bytes, -1_000_000_000...Int64(Int32.max))
    case .stock: stock = try integer(key, &json, bytes, 1...Int64(SpawnOffer.stockMax))
    case .multiplier: edge.multiplier = UInt8(try natural(key, &json, bytes, max: 255))
    case .direction:
      let max = UInt64(EdgeOrder.directionMax)
      edge.direction = UInt8(try natural(key, &json, bytes, max: max))
    case .block: edge.isBlock = try bool(key, &json, bytes)
    case .cost:
      edge.cost = UInt32(try natural(key, &json, bytes, max: UInt64(EdgeOrder.costMax)))
    case .width: edge.width = UInt8(try integer(key, &json, bytes, Self.sides))
    case .height: edge.height = UInt8(try integer(key, &json, bytes, Self.sides))
    case .depth: edge.depth = UInt8(try integer(key, &json, bytes, Self.sides))
    case .change: edge.change = try change(&json, bytes)
    case .edge, .to:
      event.treasure = UInt32(try natural(key, &json, bytes, max: UInt64(UInt32.max)))
    default: preconditionFailure("\(key) is no part")
    }
  }

  @inline(__always)
  private mutating func readKind(
    _ json: inout JSONReader, _ bytes: RawSpan, _ place: Int
  ) throws(Rejection) {
    guard bytes.byteOrZero(json.at) == UInt8(ascii: "\"") else {
      throw Rejection(.wrongType, .kind, position: place)
    }
    guard let kind = EventKind(try json.word(bytes)) else {
      throw Rejection(.unknownKind, .kind, position: place)
    }
    event.kindByte = kind.rawValue
  }

  private func change(
    _ json: inout JSONReader, _ bytes: RawSpan
  ) throws(Rejection) -> EdgeChange {
    guard bytes.byteOrZero(json.at) == UInt8(ascii: "\"") else { throw fault(.wrongType, .change) }
    guard let change = EdgeChange(try json.word(bytes)) else {
      throw fault(.unknownKind, .change)
    }
    return change
  }

  @inline(__always)
  private mutating func readPlayer(
    _ json: inout JSONReader, _ bytes: RawSpan, _ place: Int, names: inout PlayerNames
  ) throws(Rejection) {
    guard bytes.byteOrZero(json.at) == UInt8(ascii: "\"") else {
      event.player = try natural(.player, &json, bytes, max: .max)
      return
    }
    guard !names.isFull else { throw Rejection(.tooLong, .player, position: place) }
    names.begin()
    try json.string(bytes, into: &names)
    guard names.pendingSize >= 1 else { throw Rejection(.outOfRange, .player, position: place) }
    guard names.pendingSize <= PlayerNames.sizeMax else {
      throw Rejection(.tooLong, .player, position: place)
    }
    hasName = true
  }

  @inline(__always)
  private func bool(
    _ key: EventKey, _ json: inout JSONReader, _ bytes: RawSpan
  ) throws(Rejection) -> Bool {
    guard let value = try json.bool(bytes) else { throw fault(.wrongType, key) }
    return value
  }

  @inline(__always)
  private func plain(
    _ key: EventKey, _ json: inout JSONReader, _ bytes: RawSpan
  ) throws(Rejection) -> JSONNumber {
    guard let number = try json.numberIfPresent(bytes), number.isPlain else {
      throw fault(.wrongType, key)
    }
    guard number.fits else { throw fault(.outOfRange, key) }
    return number
  }

  @inline(__always)
  private func natural(
    _ key: EventKey, _ json: inout JSONReader, _ bytes: RawSpan, max: UInt64
  ) throws(Rejection) -> UInt64 {
    let number = try plain(key, &json, bytes)
    guard !number.isNegative || number.magnitude == 0, number.magnitude <= max else {
      throw fault(.outOfRange, key)
    }
    return number.magnitude
  }

  @inline(__always)
  private func integer(
    _ key: EventKey, _ json: inout JSONReader, _ bytes: RawSpan, _ range: ClosedRange<Int64>
  ) throws(Rejection) -> Int64 {
    let number = try plain(key, &json, bytes)
    let limit = UInt64(1) &<< 63 &- (number.isNegative ? 0 : 1)
    guard number.magnitude <= limit else { throw fault(.outOfRange, key) }
    let pattern = number.isNegative ? 0 &- number.magnitude : number.magnitude
    let value = Int64(bitPattern: pattern)
    guard range.contains(value) else { throw fault(.outOfRange, key) }
    return value
  }

  // MARK: Finishing

  /// The event, checked by the rules of its kind and by `validate`, once its object has ended.
  ///
  /// - Parameter start: byte of the object, to which a missing field is charged.
  @inline(__always)
  mutating func finish(objectAt start: Int, names: inout PlayerNames) throws(Rejection) -> Event {
    guard has(.kind) else { throw Rejection(.missingField, .kind, position: start) }
    if seen & Self.partKeys != 0, let kind = event.kind, kind.isSupported {
      try finishParts(kind)
    }
    if let kind = event.kind, kind == .edge || kind == .score {
      try finishValue(kind, objectAt: start)
    }
    if hasName { event.player = Event.nameBase }
    do throws(Rejection) {
      try event.validate()
    } catch {
      throw Rejection(error.code, error.field, position: place(of: error.field) ?? start)
    }
    if hasName {
      event.player = UInt64(names.commit())
      event.flags.insert(.playerIsName)
    }
    return event
  }

  /// What an edge or a score must say.
  @inline(never)
  private mutating func finishValue(_ kind: EventKind, objectAt start: Int) throws(Rejection) {
    if kind == .edge { return try finishEdge(objectAt: start) }
    // A number of 0 would mean "score nothing": said, not assumed.
    guard has(.value) || has(.points) else {
      throw Rejection(.missingField, .value, position: start)
    }
  }

  /// Keys that fill `value` and `treasure` under names of their own: `points` to `to`.
  private static let partKeys: UInt32 = 0xfff << 13
  private static let sides: ClosedRange<Int64> = 1...Int64(EdgeOrder.sideMax)

  /// Checks that the parts belong to the kind, and puts points and stock into `value`.
  @inline(never)
  private mutating func finishParts(_ kind: EventKind) throws(Rejection) {
    for number in Int(EventKey.points.rawValue)...Int(EventKey.to.rawValue) {
      guard let key = EventKey(rawValue: UInt8(number)), has(key) else { continue }
      guard key.belongs(to: kind) else { throw fault(.unknownField, key) }
      guard !has(.value) else { throw fault(.repeatedField, key) }
    }
    switch kind {
    case .spawn:
      guard points >= 0 else { throw fault(.outOfRange, .points) }
      event.value = SpawnOffer(points: Int32(points), stock: UInt32(stock)).value
    case .score:
      guard points <= 1_000_000_000 else { throw fault(.outOfRange, .points) }
      event.value = points
    default: break
    }
  }

  @inline(__always)
  func has(_ key: EventKey) -> Bool { seen & (1 &<< UInt32(key.rawValue)) != 0 }

  @inline(__always)
  func fault(_ code: ResultCode, _ key: EventKey) -> Rejection {
    Rejection(code, key.field, position: Int(keyAt[Int(key.rawValue)]))
  }

  /// Where the first key that fills `field` was said, or nil.
  @inline(never)
  private func place(of field: EventField) -> Int? {
    for number in 0...Int(EventKey.to.rawValue) {
      if let key = EventKey(rawValue: UInt8(number)), key.field == field, has(key) {
        return Int(keyAt[number])
      }
    }
    return nil
  }
}
