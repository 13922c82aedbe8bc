/// The `value` of an `edge` event: what shall become of an edge or of blocks.
///
/// Bits 40...43 say the form, and with it what the other bits are; those not named are 0.
///
/// | form | what it does                               | bits                                    |
/// |-----:|--------------------------------------------|-----------------------------------------|
/// |    0 | weighs a step, or places or breaks a block | 0...7 multiplier, 8...11 direction, 12  |
/// |    1 | weighs a step                              | 0...7 multiplier, 32...36 direction     |
/// |    2 | opens a step                               | 32...36 direction                       |
/// |    3 | weighs the edge whose id `treasure` is     | 0...30 cost                             |
/// |    4 | opens that edge                            |                                         |
/// |    5 | adds an edge to node `treasure`            | 0...30 cost, from 1                     |
/// |    6 | removes the added edge `treasure`          |                                         |
/// |    7 | places the blocks of a box                 | 44...48 width, 49...53 height, 54...58  |
/// |    8 | breaks the blocks of a box                 | depth, each less 1                      |
///
/// Directions are 0...25, in form 0 0...7. A multiplier of 0 closes the step, 1...255 are times the
/// base cost; with bit 12, 0 places the block and any other breaks it. A cost of 0 closes the edge.
/// A box has at most `blocksMax` blocks.
@frozen public struct EdgeOrder: BitwiseCopyable, Equatable, Sendable {
  /// What is done; forms 1...8 in their order.
  public enum Action: UInt8, BitwiseCopyable, CaseIterable, Sendable {
    /// A new multiplier for the edge that leaves (x, y, z) in `direction`; 0 closes it.
    case step
    /// That edge gets what the world was built with.
    case open
    /// A new cost for the edge by its id; 0 closes it.
    case edge
    /// The edge by its id gets what the world was built with.
    case openEdge
    /// A new edge from (x, y, z) to a node.
    case add
    /// An edge that was added is taken away.
    case remove
    /// Blocks that nobody walks on from then on.
    case place
    /// Blocks that are open from then on.
    case `break`
  }

  /// As on the wire.
  public let value: Int64

  /// Most blocks of one box.
  public static let blocksMax = 512
  /// Most blocks of a box along one axis.
  public static let sideMax = 32
  /// Highest direction of a step; 0...7 lie in the plane.
  public static let directionMax: UInt8 = 25
  /// Highest cost of an edge.
  public static let costMax: UInt32 = 1 << 31 - 1

  /// Nil when a bit outside the form's layout is set or a number is out of its range.
  @inlinable public init?(_ value: Int64) {
    self.value = value
    let form = value >> Self.formShift
    guard form & 0xf <= 8, value >= 0, value & ~Self.bits(ofForm: form & 0xf) == 0 else {
      return nil
    }
    switch form & 0xf {
    case 0: guard direction < 8 else { return nil }
    case 1, 2: guard direction <= Self.directionMax else { return nil }
    case 5: guard amount >= 1 else { return nil }
    case 7, 8: guard width * height * depth <= Self.blocksMax else { return nil }
    default: break
    }
  }

  // MARK: Parts

  @inlinable public var action: Action {
    if isShort { return !isBlock ? .step : amount == 0 ? .place : .break }
    // Of `value` only 0...8 were taken, and 0 is short.
    return Action(rawValue: UInt8(truncatingIfNeeded: value >> Self.formShift) & 0xf &- 1) ?? .step
  }

  /// `step`: the multiplier, 0...255. `edge`, `add`: the cost, 0...2^31-1. Means nothing otherwise.
  @inlinable public var amount: UInt32 {
    UInt32(truncatingIfNeeded: value & (isShort ? 0xff : Int64(Self.costMax)))
  }

  /// `step`, `open`: 0...25. Means nothing otherwise.
  @inlinable public var direction: UInt8 {
    let bits = isShort ? value >> 8 & 0xf : value >> Self.directionShift & 0x1f
    return UInt8(truncatingIfNeeded: bits)
  }

  /// `place`, `break`: blocks along x, 1...32. 1 otherwise, as `height` and `depth`.
  @inlinable public var width: Int { side(Self.widthShift) }
  /// Blocks along y, 1...32.
  @inlinable public var height: Int { side(Self.widthShift + 5) }
  /// Blocks along z, 1...32.
  @inlinable public var depth: Int { side(Self.widthShift + 10) }

  // MARK: Orders

  /// A new multiplier for a step; 0 closes it.
  ///
  /// - Parameter direction: 0...25; traps otherwise.
  @inlinable public static func step(direction: UInt8, multiplier: UInt8) -> EdgeOrder {
    if direction < 8 { return EdgeOrder(wire: Int64(multiplier) | Int64(direction) << 8) }
    return EdgeOrder(wire: form(.step) | bits(direction) | Int64(multiplier))
  }

  /// A block placed (`multiplier` 0) or broken, as senders of form 0 say it; `direction`, 0...7,
  /// means nothing.
  static func block(multiplier: UInt8, direction: UInt8) -> EdgeOrder {
    EdgeOrder(wire: blockBit | Int64(multiplier) | Int64(direction) << 8)
  }

  /// What the world was built with, for a step.
  ///
  /// - Parameter direction: 0...25; traps otherwise.
  @inlinable public static func open(direction: UInt8) -> EdgeOrder {
    EdgeOrder(wire: form(.open) | bits(direction))
  }

  /// A new cost for the edge whose id is in the event's `treasure`; 0 closes it.
  ///
  /// - Parameter cost: at most 2^31-1; traps otherwise.
  @inlinable public static func edge(cost: UInt32) -> EdgeOrder {
    EdgeOrder(wire: form(.edge) | Int64(cost))
  }

  /// What the world was built with, for the edge whose id is in the event's `treasure`.
  @inlinable public static var openEdge: EdgeOrder { EdgeOrder(wire: form(.openEdge)) }

  /// A new edge from (x, y, z) to the node whose number is in the event's `treasure`.
  ///
  /// - Parameter cost: 1...2^31-1; traps otherwise.
  @inlinable public static func add(cost: UInt32) -> EdgeOrder {
    EdgeOrder(wire: form(.add) | Int64(cost))
  }

  /// No more of the added edge whose id is in the event's `treasure`.
  @inlinable public static var remove: EdgeOrder { EdgeOrder(wire: form(.remove)) }

  /// Blocks placed in the box that begins at (x, y, z) and grows with x, y and z; sides 1...32, at
  /// most `blocksMax` blocks; traps otherwise.
  @inlinable public static func place(
    width: Int = 1, height: Int = 1, depth: Int = 1
  ) -> EdgeOrder {
    if width == 1, height == 1, depth == 1 { return EdgeOrder(wire: blockBit) }
    return EdgeOrder(wire: form(.place) | box(width, height, depth))
  }

  /// Blocks broken in such a box.
  @inlinable public static func `break`(
    width: Int = 1, height: Int = 1, depth: Int = 1
  ) -> EdgeOrder {
    if width == 1, height == 1, depth == 1 { return EdgeOrder(wire: blockBit | 1) }
    return EdgeOrder(wire: form(.break) | box(width, height, depth))
  }

  // MARK: Bits

  @usableFromInline static let formShift: Int64 = 40
  @usableFromInline static let directionShift: Int64 = 32
  @usableFromInline static let widthShift: Int64 = 44
  @usableFromInline static let blockBit: Int64 = 1 << 12

  /// An order made of parts that are in their ranges; traps where they are not.
  @inlinable init(wire value: Int64) {
    guard let order = EdgeOrder(value) else { preconditionFailure("no edge order: \(value)") }
    self = order
  }

  /// Form 0.
  @inlinable var isShort: Bool { value >> Self.formShift == 0 }

  /// Form 0, for the whole block.
  @inlinable var isBlock: Bool { isShort && value & Self.blockBit != 0 }

  /// Whether a shorter form says the same: its parts alone would come back as that one.
  var isLongWinded: Bool {
    switch action {
    case .step: !isShort && direction < 8
    case .place, .break: !isShort && width * height * depth == 1
    default: false
    }
  }

  @inlinable static func form(_ action: Action) -> Int64 {
    Int64(action.rawValue + 1) << formShift
  }

  @inlinable static func bits(_ direction: UInt8) -> Int64 { Int64(direction) << directionShift }

  @inlinable static func box(_ width: Int, _ height: Int, _ depth: Int) -> Int64 {
    let sides = 1...sideMax
    precondition(
      sides.contains(width) && sides.contains(height) && sides.contains(depth),
      "a box of \(width) x \(height) x \(depth)")
    return (Int64(width) - 1 | (Int64(height) - 1) << 5 | (Int64(depth) - 1) << 10) << widthShift
  }

  /// The bits that an order of `form`, 0...8, may set.
  @inlinable static func bits(ofForm form: Int64) -> Int64 {
    let layout: Int64 =
      switch form {
      case 0: 0x1fff
      case 1: 0x1f << directionShift | 0xff
      case 2: 0x1f << directionShift
      case 3, 5: Int64(costMax)
      case 7, 8: 0x7fff << widthShift
      default: 0
      }
    return layout | form << formShift
  }

  @inlinable func side(_ shift: Int64) -> Int {
    Int(truncatingIfNeeded: value >> shift & 0x1f) + 1
  }
}
