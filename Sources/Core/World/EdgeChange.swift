internal import Bounded

/// What one edge cost before and after an edit.
@frozen public struct EdgeChange: Equatable, Sendable, BitwiseCopyable {
  /// The node the edge starts from.
  public var tail: UInt32
  /// The node it leads to.
  public var head: UInt32
  /// Cost before, 0 when it was closed or not there.
  public var old: UInt32
  /// Cost after, 0 when it is closed or gone; never equal to `old`.
  public var new: UInt32

  @inlinable public init(tail: UInt32, head: UInt32, old: UInt32, new: UInt32) {
    (self.tail, self.head, self.old, self.new) = (tail, head, old, new)
  }

  /// Whether walking the edge became dearer, or impossible.
  @inlinable public var isIncrease: Bool { new == 0 || (old != 0 && new > old) }
}

/// The edges changed by one edit of a block; memory taken at boot, used again for the next edit.
public struct EdgeChanges: ~Copyable {
  /// Most edges that one block can change: a walker's, at the highest climb and the deepest fall.
  static var capacity: Int { 512 }
  /// Most ways that have to be compared before and after for it.
  static var watchedMax: Int { 1_024 }

  private let changes = Slab(byteCount: capacity * 16)
  /// Head and cost of the ways watched, before the edit.
  private let before = Slab(byteCount: watchedMax * 8)
  /// A byte a change: whether its tail lost its support by it.
  private let lost = Slab(byteCount: capacity)
  /// Edges changed.
  public private(set) var count = 0

  public init() {}

  public subscript(_ index: Int) -> EdgeChange {
    precondition(index >= 0 && index < count)
    return changes.load(index &* 16, as: EdgeChange.self)
  }

  mutating func removeAll() { count = 0 }

  mutating func append(_ change: EdgeChange) {
    precondition(count < Self.capacity, "a block changes no more than \(Self.capacity) edges")
    changes.store(change, count &* 16)
    count &+= 1
  }

  func hasLost(_ index: Int) -> Bool { lost.load(index, as: UInt8.self) == 1 }

  func setLost(_ isLost: Bool, _ index: Int) { lost.store(isLost ? 1 : 0 as UInt8, index) }

  /// Head and cost, 0 closed, of the `index`-th way watched; nil where there was none.
  func watched(_ index: Int) -> (head: UInt32, cost: UInt32)? {
    let head = before.load(index * 8, as: UInt32.self)
    return head == 0 ? nil : (head - 1, before.load(index * 8 + 4, as: UInt32.self))
  }

  mutating func watch(_ edge: (head: UInt32, cost: UInt32)?, _ index: Int) {
    before.store(edge.map { $0.head + 1 } ?? 0, index * 8)
    before.store(edge?.cost ?? 0, index * 8 + 4)
  }
}

/// What became of an order to set an edge.
public enum EdgeEdit: Equatable, Sendable {
  /// Its cost is set; repair the fields over this world.
  case changed(EdgeChange)
  /// It was so already.
  case unchanged
  /// Nothing was changed.
  case refused(EdgeRule)
}

/// What an open edge needs, and an edit.
public enum EdgeRule: UInt8, Equatable, Sendable {
  /// It ends in the world.
  case offMap = 1
  /// The blocks at both its ends are open.
  case blockClosed = 2
  /// If it is diagonal, the blocks beside it are open.
  case cornerClosed = 3
  /// There is such an edge.
  case unknown = 4
  /// No more edges are added, or have a multiplier of their own, than the hunt has room for.
  case noRoom = 5
}
