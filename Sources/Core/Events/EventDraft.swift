import Bounded

/// An event while its JSON object is read: the fields so far, and where each was said.
struct EventDraft: BitwiseCopyable {
  /// `kindByte` is 0 until `kind` is read.
  private(set) var event: Event

  /// Keys read, one bit each, by `EventKey.rawValue`.
  private var seen: UInt32 = 0
  /// Byte of each key read.
  private var keyAt = InlineArray<18, UInt32>(repeating: 0)
  private var points: Int64 = 0
  private var stock: Int64 = 0
  private var edge = EdgeOrder(multiplier: 0, direction: 0, wholeBlock: false)
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
  @inline(__always)
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
    case .points: points = try integer(key, &json, bytes, -1_000_000_000...Int64(Int32.max))
    case .stock: stock = try integer(key, &json, bytes, 1...Int64(SpawnOffer.stockMax))
    case .multiplier: edge.multiplier = UInt8(try natural(key, &json, bytes, max: 255))
    case .direction: edge.direction = UInt8(try natural(key, &json, bytes, max: 7))
    case .block: edge.wholeBlock = try bool(key, &json, bytes)
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
    if seen & Self.valueKeys != 0, let kind = event.kind, kind.isSupported {
      try finishValue(kind)
    }
    if let kind = event.kind, kind == .edge || kind == .score { try requireValue(kind, start) }
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

  /// Keys that fill `value` under a name of their own: `points` to `block`.
  private static let valueKeys: UInt32 = 0b11111 << 13

  /// Puts points and stock, or the change of an edge, into `value`.
  private mutating func finishValue(_ kind: EventKind) throws(Rejection) {
    for number in Int(EventKey.points.rawValue)...Int(EventKey.block.rawValue) {
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
    default: event.value = edge.value
    }
  }

  /// A number of 0 would mean "close the edge to the east" and "score nothing": said, not assumed.
  private func requireValue(_ kind: EventKind, _ start: Int) throws(Rejection) {
    guard !has(.value) else { return }
    let isSaid =
      kind == .edge
      ? has(.multiplier) && (has(.direction) || edge.wholeBlock) : has(.points)
    guard isSaid else { throw Rejection(.missingField, .value, position: start) }
  }

  @inline(__always)
  private func has(_ key: EventKey) -> Bool { seen & (1 &<< UInt32(key.rawValue)) != 0 }

  @inline(__always)
  private func fault(_ code: ResultCode, _ key: EventKey) -> Rejection {
    Rejection(code, key.field, position: Int(keyAt[Int(key.rawValue)]))
  }

  /// Where the first key that fills `field` was said, or nil.
  private func place(of field: EventField) -> Int? {
    for number in 0...Int(EventKey.block.rawValue) {
      if let key = EventKey(rawValue: UInt8(number)), key.field == field, has(key) {
        return Int(keyAt[number])
      }
    }
    return nil
  }
}
