/// Names one connection of one loop. An id whose connection is gone is stale: every operation on it
/// does nothing and says so.
public struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
  /// Slot in the loop's table, `0..<connectionCountMax + 64`; used again by later connections, so a
  /// table indexed by it must also compare the whole id.
  public let index: UInt32
  let generation: UInt32

  init(index: UInt32, generation: UInt32) {
    self.index = index
    self.generation = generation
  }

  /// The value the kernel hands back with each readiness event.
  public init(token: UInt64) {
    self.init(index: UInt32(truncatingIfNeeded: token), generation: UInt32(token >> 32))
  }
  public var token: UInt64 { UInt64(generation) << 32 | UInt64(index) }

  public var description: String { "\(index).\(generation)" }
}
