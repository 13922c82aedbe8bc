import Events
import Pages
import World

// Orders to change the world.
extension HuntState {
  mutating func changeEdge(
    _ event: Event, _ offset: UInt64, _ outcome: inout Outcome, _ effects: inout EffectBuffer
  ) -> ResultCode {
    guard let order = EdgeOrder(event.value) else { return .outOfRange }
    let result: ResultCode
    switch order.action {
    case .step, .open: result = changeStep(event, order)
    case .place, .break: result = changeBlocks(event, order)
    case .edge, .openEdge, .remove: result = changeEdge(event.treasure, order)
    case .add: result = addEdge(event, order, &outcome)
    }
    if result != .ok { return result }
    var effect = Effect(.edge)
    effect.offset = offset
    effect.x = event.x
    effect.y = event.y
    effect.time = event.time
    effects.append(effect)
    return .ok
  }

  /// The edge that leaves a place in a direction.
  private mutating func changeStep(_ event: Event, _ order: EdgeOrder) -> ResultCode {
    guard let node = world.node(event.x, event.y, event.z) else { return .outsideWorld }
    guard Int(order.direction) < world.degree else { return .outOfRange }
    let multiplier = order.action == .open ? nil : UInt8(order.amount)
    field.prefetch(around: node, space)
    return repair(world.setEdge(node, order.direction, multiplier: multiplier, &space))
  }

  /// The edge with an id: one that was added, or the world's own, which can be closed, not removed.
  private mutating func changeEdge(_ id: UInt32, _ order: EdgeOrder) -> ResultCode {
    let amount: UInt32? =
      order.action == .openEdge ? nil : order.action == .remove ? 0 : order.amount
    if id >= WorldGraph.addedIds {
      if order.action == .remove {
        let edit = world.removeAdded(edge: id, &space)
        // It was closed: no way is longer now, but the edge is gone.
        return edit == .unchanged ? .ok : repair(edit)
      }
      return repair(world.setAdded(edge: id, cost: amount, &space))
    }
    if world.topology.form == .network {
      return repair(world.setWeight(edge: id, amount, &space))
    }
    let (node, direction) = Int(id).quotientAndRemainder(dividingBy: world.degree)
    guard node < world.nodeCount else { return .blocked }
    guard amount ?? 0 <= UInt32(UInt8.max) else { return .outOfRange }
    return repair(
      world.setEdge(
        UInt32(node), UInt8(direction), multiplier: amount.map { UInt8($0) }, &space))
  }

  private mutating func addEdge(
    _ event: Event, _ order: EdgeOrder, _ outcome: inout Outcome
  ) -> ResultCode {
    guard let tail = world.node(event.x, event.y, event.z) else { return .outsideWorld }
    let isLabel = world.topology.form == .network
    let head =
      isLabel
      ? world.topology.node(label: event.treasure)
      : Int(event.treasure) < world.nodeCount ? event.treasure : nil
    guard let head else { return .outsideWorld }
    if head == tail { return .outOfRange }
    let (edit, id) = world.addEdge(from: tail, to: head, cost: order.amount, &space)
    outcome.treasure = id ?? 0
    return repair(edit)
  }

  /// All blocks of a box that lie in the world; what is beyond it is left out.
  private mutating func changeBlocks(_ event: Event, _ order: EdgeOrder) -> ResultCode {
    guard world.topology.form != .network else { return .blocked }
    guard world.node(event.x, event.y, event.z) != nil else { return .outsideWorld }
    let opens = order.action == .break
    let isFlat = world.topology.form == .grid
    var isChanged = false
    for z in 0..<(isFlat ? 1 : order.depth) {
      for y in 0..<order.height {
        for x in 0..<order.width {
          guard
            let node = world.topology.node(
              x: Int(event.x) + x, y: Int(event.y) + y, z: isFlat ? 0 : Int(event.z) + z),
            world.setBlock(node, open: opens, &space, &edgeChanges)
          else { continue }
          // The work of all of them together is that of one event.
          field.repair(&edgeChanges, continues: isChanged, &space, &scratch)
          isChanged = true
        }
      }
    }
    return isChanged ? .ok : .nothingChanged
  }

  private mutating func repair(_ edit: EdgeEdit) -> ResultCode {
    switch edit {
    case .changed(let change):
      field.repair(change, &space, &scratch)
      return .ok
    case .unchanged: return .nothingChanged
    case .refused(.noRoom): return .limitReached
    case .refused: return .blocked
    }
  }
}
