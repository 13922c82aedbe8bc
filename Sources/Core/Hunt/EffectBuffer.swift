import Bounded

/// Effects of a step, in order, for viewers; caller-owned, of fixed capacity.
///
/// Viewers can be shown less than everything: when the buffer is full the rest is dropped and
/// counted, and whoever publishes it starts again from a snapshot.
public struct EffectBuffer: ~Copyable {
  private let lines: Slab
  public let capacity: Int
  public private(set) var count = 0
  /// Effects that found no room since the last `removeAll`.
  public private(set) var dropped = 0
  /// Whether anybody watches; nothing is recorded otherwise.
  public var isWanted = false
  /// Moves are recorded for players whose row is below this index.
  public var movesBelow: UInt32 = 5_000

  public init(capacity: Int) {
    self.capacity = capacity
    lines = Slab(byteCount: max(1, capacity) * 64, zeroed: false)
  }

  public subscript(_ at: Int) -> Effect {
    precondition(at >= 0 && at < count)
    return lines.load(at * 64, as: Effect.self)
  }

  mutating func append(_ effect: @autoclosure () -> Effect) {
    if !isWanted { return }
    if count == capacity {
      dropped += 1
      return
    }
    lines.store(effect(), count * 64)
    count += 1
  }

  public mutating func removeAll() {
    count = 0
    dropped = 0
  }
}
