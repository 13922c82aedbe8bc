extension Event {
  /// Checks an event as a sender may send it: every field within its range, nothing that only the
  /// engine may set, and what its kind needs.
  ///
  /// Any 64 bytes are valid or rejected; nothing traps. What only the state can judge (is the
  /// player known, is the treasure near) is not checked here.
  ///
  /// - Complexity: O(1), no allocation; rejecting costs no more than accepting.
  @inlinable public func validate() throws(Rejection) {
    guard version == Self.currentVersion else {
      throw Rejection(.unsupportedVersion, .version, position: 0)
    }
    guard let kind, kindByte < EventKind.name.rawValue else {
      throw Rejection(.unknownKind, .kind, position: 1)
    }
    guard kind.isSupported else { throw Rejection(.unsupportedKind, .kind, position: 1) }
    guard flags.rawValue & ~EventFlags.allowedFromSender.rawValue == 0 else {
      throw Rejection(.reservedFlag, .flags, position: 2)
    }
    guard sequence <= Self.sequenceMax else {
      throw Rejection(.outOfRange, .sequence, position: 16)
    }
    guard time >= 0, time <= Self.timeMax else {
      throw Rejection(.outOfRange, .time, position: 32)
    }
    switch kind {
    case .spawn:
      guard treasure != 0 else { throw Rejection(.missingField, .treasure, position: 52) }
      guard value >= 0, value <= SpawnOffer.valueMax else {
        throw Rejection(.outOfRange, .value, position: 56)
      }
    case .despawn:
      guard treasure != 0 else { throw Rejection(.missingField, .treasure, position: 52) }
    case .edge:
      guard EdgeOrder(value) != nil else { throw Rejection(.outOfRange, .value, position: 56) }
    case .claim:
      guard player != 0 else { throw Rejection(.missingField, .player, position: 24) }
      guard treasure != 0 else { throw Rejection(.missingField, .treasure, position: 52) }
    case .score:
      guard player != 0 else { throw Rejection(.missingField, .player, position: 24) }
      guard value >= -1_000_000_000, value <= 1_000_000_000 else {
        throw Rejection(.outOfRange, .value, position: 56)
      }
    default:
      guard player != 0 else { throw Rejection(.missingField, .player, position: 24) }
    }
  }
}

/// The `value` of a `spawn` event: bits 0...30 points, bits 31...50 stock (0 stands for 1).
@frozen public struct SpawnOffer: Equatable, Sendable {
  public var points: Int32
  public var stock: UInt32

  @inlinable public static var valueMax: Int64 { 1 << 51 - 1 }
  public static let stockMax: UInt32 = 1 << 20 - 1

  @inlinable public init(points: Int32, stock: UInt32) {
    self.points = points
    self.stock = stock
  }
  @inlinable public init(_ value: Int64) {
    points = Int32(truncatingIfNeeded: value & 0x7fff_ffff)
    stock = max(1, UInt32(truncatingIfNeeded: (value >> 31) & 0xf_ffff))
  }
  @inlinable public var value: Int64 { Int64(points) | Int64(stock) << 31 }
}
