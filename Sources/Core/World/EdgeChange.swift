/// One edge's multiplier before and after an edit.
@frozen public struct EdgeChange: Equatable, Sendable, BitwiseCopyable {
  /// The node the edge starts from.
  public var node: UInt32
  /// Its direction, in the neighbourhood's order.
  public var direction: UInt8
  /// Multiplier before, 0 when it was closed.
  public var old: UInt8
  /// Multiplier after, 0 when it is closed; never equal to `old`.
  public var new: UInt8

  @inlinable public init(node: UInt32, direction: UInt8, old: UInt8, new: UInt8) {
    self.node = node
    self.direction = direction
    self.old = old
    self.new = new
  }

  /// Whether walking the edge became dearer, or impossible.
  @inlinable public var isIncrease: Bool { new == 0 || (old != 0 && new > old) }
}

/// The edges changed by one edit of a block, at most 24: all increases or all decreases.
public struct EdgeChanges: Sendable {
  private var changes = InlineArray<24, EdgeChange>(
    repeating: EdgeChange(node: 0, direction: 0, old: 0, new: 0))
  /// Edges changed.
  public private(set) var count = 0

  init() {}

  init(_ change: EdgeChange) { append(change) }

  public subscript(_ index: Int) -> EdgeChange {
    precondition(index >= 0 && index < count)
    return changes[index]
  }

  mutating func append(_ change: EdgeChange) {
    changes[count] = change
    count += 1
  }
}

/// What became of an order to set an edge.
public enum EdgeEdit: Equatable, Sendable {
  /// The multiplier is set; repair the fields over this world.
  case changed(EdgeChange)
  /// It was so already.
  case unchanged
  /// Nothing was changed.
  case refused(EdgeRule)
}

/// What an open edge needs.
public enum EdgeRule: UInt8, Equatable, Sendable {
  /// It ends on the map.
  case offMap = 1
  /// The blocks at both its ends are open.
  case blockClosed = 2
  /// If it is diagonal, the two blocks beside it are open.
  case cornerClosed = 3
}
