public import Pages

/// Where a member stands on a board: the key of the board's tree, lowest key first.
///
///     offset  bytes  field
///          0      8  high   score, order reversed: the highest score is the lowest word
///          8      8  low    bits 24...63 `reached`, bits 0...23 member
///
/// So a higher score ranks first, then who reached it first, then the lower member.
@frozen public struct Standing: BitwiseCopyable, Equatable, Sendable {
  public var score: Int64
  /// Events applied when the member reached this score, `0...2^40 - 1`.
  public var reached: UInt64
  public var member: UInt32

  @inlinable public init(score: Int64, reached: UInt64, member: UInt32) {
    self.score = score
    self.reached = reached
    self.member = member
  }

  /// Largest `reached`; a later event counts as this one, and ties among such go to the lower
  /// member.
  @inlinable public static var reachedMax: UInt64 { 1 << 40 - 1 }
  /// Most members of a board.
  @inlinable public static var membersMax: Int { 1 << 24 }

  @inlinable @inline(__always)
  init(_ key: TreeKey) {
    score = Int64(bitPattern: ~key.high ^ 1 << 63)
    reached = key.low &>> 24
    member = UInt32(truncatingIfNeeded: key.low & 0xff_ffff)
  }

  @inlinable @inline(__always)
  var key: TreeKey {
    TreeKey(high: Standing.reversed(score), low: reached &<< 24 | UInt64(member))
  }

  /// The score as a word that falls where the score rises.
  @inlinable @inline(__always)
  static func reversed(_ score: Int64) -> UInt64 { ~(UInt64(bitPattern: score) ^ 1 << 63) }
}

/// A member's place on a board.
@frozen public struct BoardRow: BitwiseCopyable, Equatable, Sendable {
  /// 1 for the best; every member has a rank of its own.
  public var rank: Int
  public var standing: Standing

  @inlinable public init(rank: Int, standing: Standing) {
    self.rank = rank
    self.standing = standing
  }
  @inlinable public var member: UInt32 { standing.member }
  @inlinable public var score: Int64 { standing.score }
}
