import Events

// Orders to change the world, read from their bits as the protocol lists them.
extension Model {
  mutating func edge(_ event: Event, _ expected: inout Expected) -> ResultCode {
    field = nil
    let order = Int(event.value)
    let form = order >> 40 & 15
    let (cost, id) = (order & 0x7fff_ffff, Int(event.treasure))
    switch form {
    case 0:
      let multiplier = order & 255
      if order >> 12 & 1 == 1 { return block(event, (1, 1, 1), open: multiplier != 0) }
      return step(event, order >> 8 & 15, multiplier)
    case 1: return step(event, order >> 32 & 31, order & 255)
    case 2: return step(event, order >> 32 & 31, nil)
    case 3: return edge(id, cost)
    case 4: return edge(id, nil)
    case 5: return add(event, cost, &expected)
    case 6:
      if id < ModelWorld.addedIds { return edge(id, 0) }
      return code(world.removeAdded(id))
    default:
      let sides = ((order >> 44 & 31) + 1, (order >> 49 & 31) + 1, (order >> 54 & 31) + 1)
      return block(event, sides, open: form == 8)
    }
  }

  private func code(_ edit: ModelWorld.Edit) -> ResultCode {
    switch edit {
    case .changed: .ok
    case .unchanged: .nothingChanged
    case .refused: .blocked
    case .noRoom: .limitReached
    }
  }

  private mutating func step(_ event: Event, _ direction: Int, _ multiplier: Int?) -> ResultCode {
    guard let node = world.node((event.x, event.y, event.z)) else { return .outsideWorld }
    guard direction < world.degree else { return .outOfRange }
    return code(world.setStep(node, direction, multiplier))
  }

  private mutating func edge(_ id: Int, _ amount: Int?) -> ResultCode {
    if id >= ModelWorld.addedIds { return code(world.setAdded(id, amount)) }
    if world.isNetwork { return code(world.setRoad(id, amount)) }
    let (node, direction) = id.quotientAndRemainder(dividingBy: world.degree)
    guard node < world.free.count else { return .blocked }
    guard amount ?? 0 <= 255 else { return .outOfRange }
    return code(world.setStep(node, direction, amount))
  }

  private mutating func add(
    _ event: Event, _ cost: Int, _ expected: inout Expected
  ) -> ResultCode {
    guard let tail = world.node((event.x, event.y, event.z)),
      let head = world.node(called: Int(event.treasure))
    else { return .outsideWorld }
    if head == tail { return .outOfRange }
    let id = world.add(from: tail, to: head, cost: cost)
    expected.treasure = UInt32(id ?? 0)
    return id == nil ? .limitReached : .ok
  }

  private mutating func block(
    _ event: Event, _ sides: (Int, Int, Int), open: Bool
  ) -> ResultCode {
    if world.isNetwork { return .blocked }
    guard world.node((event.x, event.y, event.z)) != nil else { return .outsideWorld }
    var isChanged = false
    for z in 0..<(world.isGrid ? 1 : sides.2) {
      for y in 0..<sides.1 {
        for x in 0..<sides.0 {
          let place = (Int(event.x) + x, Int(event.y) + y, Int(event.z) + z)
          guard let node = world.node(place.0, place.1, place.2) else { continue }
          if world.setBlock(node, open: open) == .changed { isChanged = true }
        }
      }
    }
    return isChanged ? .ok : .nothingChanged
  }
}
