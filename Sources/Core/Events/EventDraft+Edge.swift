/// What the keys of an `edge` event said, before it is known which of them belong together.
struct EdgeParts: BitwiseCopyable {
  var change = EdgeChange.reweight
  var multiplier: UInt8 = 0
  var direction: UInt8 = 0
  var isBlock = false
  var cost: UInt32 = 0
  var width: UInt8 = 1
  var height: UInt8 = 1
  var depth: UInt8 = 1
}

extension EventDraft {
  /// Puts the parts of an edge's change together in `value`, unless `value` was said itself.
  ///
  /// An edge is meant by its id when `edge` says it, and when `cost` is all that is said; by its
  /// place and direction otherwise. What the change needs must be said and what it does not use
  /// must not: a number of 0 would mean "close the edge to the east".
  ///
  /// - Parameter start: byte of the object, to which a missing field is charged.
  @inline(never)
  mutating func finishEdge(objectAt start: Int) throws(Rejection) {
    guard !has(.value) else { return }
    let isStep = has(.multiplier) || has(.direction) || has(.block)
    let isById = has(.edge) || has(.cost) && !isStep
    for number in Int(EventKey.multiplier.rawValue)...Int(EventKey.to.rawValue) {
      guard let key = EventKey(rawValue: UInt8(number)), has(key) else { continue }
      guard edge.change.takes(key, isById: isById) else { throw fault(.unknownField, key) }
      guard key.field != .treasure || !has(.treasure) else { throw fault(.repeatedField, key) }
    }
    event.value = try edgeOrder(isById: isById, start).value
  }

  private func edgeOrder(isById: Bool, _ start: Int) throws(Rejection) -> EdgeOrder {
    switch edge.change {
    case .reweight where isById:
      try require(.edge, start)
      try require(.cost, start)
      return .edge(cost: edge.cost)
    case .reweight where edge.isBlock:
      try require(.multiplier, start)
      guard edge.direction < 8 else { throw fault(.outOfRange, .direction) }
      return .block(multiplier: edge.multiplier, direction: edge.direction)
    case .reweight:
      try require(.multiplier, start)
      try require(.direction, start)
      return .step(direction: edge.direction, multiplier: edge.multiplier)
    case .open where isById: return .openEdge
    case .open:
      try require(.direction, start)
      return .open(direction: edge.direction)
    case .close where isById: return .edge(cost: 0)
    case .close:
      try require(.direction, start)
      return .step(direction: edge.direction, multiplier: 0)
    case .add:
      try require(.to, start)
      try require(.cost, start)
      guard edge.cost > 0 else { throw fault(.outOfRange, .cost) }
      return .add(cost: edge.cost)
    case .remove:
      try require(.edge, start)
      return .remove
    case .place, .break: return try boxOrder()
    }
  }

  private func boxOrder() throws(Rejection) -> EdgeOrder {
    let (width, height, depth) = (Int(edge.width), Int(edge.height), Int(edge.depth))
    guard width * height * depth <= EdgeOrder.blocksMax else {
      throw fault(.outOfRange, has(.width) ? .width : .height)
    }
    return edge.change == .place
      ? .place(width: width, height: height, depth: depth)
      : .break(width: width, height: height, depth: depth)
  }

  private func require(_ key: EventKey, _ start: Int) throws(Rejection) {
    guard has(key) else { throw Rejection(.missingField, key.field, position: start) }
  }
}
