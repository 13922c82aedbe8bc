import Events
import Testing
import Testkit

// Orders of edges against the table of docs/protocol.md, written down here once more.

/// A form: its action, and its numbers in their order: lowest bit, how many bits, what they may be.
private struct Form {
  let action: EdgeOrder.Action
  let numbers: [(bit: Int64, width: Int64, range: ClosedRange<Int64>)]
  init(_ action: EdgeOrder.Action, _ numbers: (Int64, Int64, ClosedRange<Int64>)...) {
    self.action = action
    self.numbers = numbers
  }
}

private let forms: [Form] = [
  Form(.step, (0, 8, 0...255), (8, 4, 0...7), (12, 1, 0...1)),
  Form(.step, (0, 8, 0...255), (32, 5, 0...25)),
  Form(.open, (32, 5, 0...25)),
  Form(.edge, (0, 31, 0...Int64(Int32.max))),
  Form(.openEdge),
  Form(.add, (0, 31, 1...Int64(Int32.max))),
  Form(.remove),
  Form(.place, (44, 5, 0...31), (49, 5, 0...31), (54, 5, 0...31)),
  Form(.break, (44, 5, 0...31), (49, 5, 0...31), (54, 5, 0...31)),
]

/// The form and the numbers of a value, or nil when it is none.
private func read(_ value: Int64) -> (form: Int, numbers: [Int64])? {
  let form = Int(value >> 40 & 0xf)
  guard form < forms.count else { return nil }
  var rest = value & ~(0xf << 40)
  var numbers: [Int64] = []
  for number in forms[form].numbers {
    let mask: Int64 = (1 << number.width - 1) << number.bit
    numbers.append((rest & mask) >> number.bit)
    rest &= ~mask
    guard number.range.contains(numbers.last ?? 0) else { return nil }
  }
  guard rest == 0 else { return nil }
  let blocks = forms[form].action == .place || forms[form].action == .break
  guard !blocks || numbers.reduce(1, { $0 * ($1 + 1) }) <= 512 else { return nil }
  return (form, numbers)
}

/// A value of some form, most often an order or nearly one.
private func someValue(_ random: inout TestRandom) -> Int64 {
  if random.chance(5) { return Int64(bitPattern: random.next()) }
  let form = random.below(random.chance(5) ? 16 : forms.count)
  var value = Int64(form) << 40
  for part in form < forms.count ? forms[form].numbers : [] {
    let ends = [part.range.lowerBound, part.range.upperBound, 0, 1]
    let any = Int64(truncatingIfNeeded: random.next()) & (1 << part.width - 1)
    let low = any & 7
    value |= [ends[random.below(4)], any, low][random.below(3)] << part.bit
  }
  if random.chance(15) { value ^= 1 << Int64(random.below(64)) }
  return value
}

/// A value is an order exactly when the table allows it; then its parts are those of the table, and
/// it is the value still.
@Test func ordersAreWhatTheirBitsSay() {
  var reached: [String: Int] = [:]
  #expect(
    forAll(cases: 50_000) { random in
      let value = someValue(&random)
      let order = EdgeOrder(value)
      guard let (form, numbers) = read(value) else {
        reached["none", default: 0] += 1
        return order == nil
      }
      guard let order, order.value == value else { return false }
      reached["\(form) \(order.action)", default: 0] += 1
      let sides = [order.width, order.height, order.depth].map { Int64($0) - 1 }
      switch form {
      case 0:
        let block: EdgeOrder.Action = numbers[0] == 0 ? .place : .break
        return order.action == (numbers[2] == 1 ? block : .step) && sides == [0, 0, 0]
          && [Int64(order.amount), Int64(order.direction)] == [numbers[0], numbers[1]]
      case 1: guard [Int64(order.amount), Int64(order.direction)] == numbers else { return false }
      case 2: guard [Int64(order.direction)] == numbers else { return false }
      case 3, 5: guard [Int64(order.amount)] == numbers else { return false }
      case 7, 8: guard sides == numbers else { return false }
      default: break
      }
      return order.action == forms[form].action
    })
  let wanted =
    ["none", "0 step", "0 place", "0 break"]
    + forms.indices.dropFirst().map { "\($0) \(forms[$0].action)" }
  #expect(Set(reached.keys) == Set(wanted))
  #expect(reached.values.allSatisfy { $0 > 100 }, "the generator hardly reaches some: \(reached)")
}

/// Every value of form 0 that there is, and every direction, multiplier and box.
@Test func smallOrdersAreAllTried() {
  for value in -10..<20_000 as Range<Int64> {
    let isOrder = value >= 0 && value < 1 << 13 && value & (8 << 8) == 0
    #expect(EdgeOrder(value)?.value == (isOrder ? value : nil), "\(value)")
  }
  for direction in 0...25 as ClosedRange<UInt8> {
    for multiplier in 0...255 as ClosedRange<UInt8> {
      let order = EdgeOrder.step(direction: direction, multiplier: multiplier)
      #expect(EdgeOrder(order.value) == order && order.action == .step)
      #expect(order.direction == direction && order.amount == multiplier)
      #expect((order.value < 1 << 13) == (direction < 8), "the shortest form")
    }
    let order = EdgeOrder.open(direction: direction)
    #expect(EdgeOrder(order.value) == order && order.action == .open)
    #expect(order.direction == direction)
  }
  for sides in 0..<(32 * 32 * 32) {
    let (width, height, depth) = (sides & 31 + 1, sides >> 5 & 31 + 1, sides >> 10 + 1)
    let raw: Int64 = 7 << 40 | Int64(sides) << 44
    guard width * height * depth <= EdgeOrder.blocksMax else {
      if EdgeOrder(raw) != nil || EdgeOrder(raw + 1 << 40) != nil { Issue.record("\(sides)") }
      continue
    }
    for order in [
      EdgeOrder.place(width: width, height: height, depth: depth),
      .break(width: width, height: height, depth: depth),
    ] {
      #expect(EdgeOrder(order.value) == order)
      #expect(order.width == width && order.height == height && order.depth == depth)
      #expect((order.value < 1 << 13) == (sides == 0), "the shortest form")
    }
  }
}

@Test func ordersByIdCarryTheirCost() {
  for cost in [1, 2, 250, EdgeOrder.costMax] as [UInt32] {
    let orders = [EdgeOrder.edge(cost: cost), .add(cost: cost)]
    #expect(orders.map(\.action) == [.edge, .add] && orders.map(\.amount) == [cost, cost])
    #expect(orders.allSatisfy { EdgeOrder($0.value) == $0 })
  }
  #expect(EdgeOrder.edge(cost: 0).amount == 0)
  #expect(EdgeOrder.openEdge.action == .openEdge && EdgeOrder.remove.action == .remove)
}

/// What the engine itself makes is in range, or it is a defect of the engine.
@Test func ordersOutOfRangeTrap() async {
  await #expect(processExitsWith: .failure) { _ = EdgeOrder.step(direction: 26, multiplier: 1) }
  await #expect(processExitsWith: .failure) { _ = EdgeOrder.open(direction: 32) }
  await #expect(processExitsWith: .failure) { _ = EdgeOrder.edge(cost: 1 << 31) }
  await #expect(processExitsWith: .failure) { _ = EdgeOrder.add(cost: 0) }
  await #expect(processExitsWith: .failure) { _ = EdgeOrder.place(width: 33) }
  await #expect(processExitsWith: .failure) { _ = EdgeOrder.break(width: 19, height: 27) }
}

/// An edge event of any order comes back from its JSON; the parts are named wherever they alone
/// mean that order.
@Test func ordersSurviveJSON() {
  var named: [String: Int] = [:]
  #expect(
    forAll(cases: 10_000) { random in
      guard let order = EdgeOrder(someValue(&random)) else { return true }
      var event = Event(kind: .edge, x: 3, y: -4, value: order.value)
      event.z = random.chance(50) ? 0 : 7
      event.treasure = random.chance(30) ? 0 : UInt32(truncatingIfNeeded: random.next())
      var writer = JSONWriter(capacity: 256)
      writer.event(event)
      let text = String(decoding: writer.bytes, as: UTF8.self)
      let isNamed = !text.contains("\"value\"")
      named["\(order.action) \(isNamed)", default: 0] += 1
      return items(writer.bytes).items == [.event(event)]
    })
  let wanted =
    EdgeOrder.Action.allCases.map { "\($0) true" }
    + ["step false", "place false", "break false"]
  #expect(Set(named.keys) == Set(wanted), "\(named)")
}

/// Any choice of keys gives an order or one rejection at a key that was said, or at the object when
/// one is missing; and every code there is for that is reached.
@Test func everyChoiceOfKeysIsJudged() {
  let changes = ["reweight", "open", "close", "add", "remove", "place", "break", "step"]
  let values: [(key: String, values: [String])] = [
    ("change", changes.map { "\"\($0)\"" } + ["7"]),
    ("edge", ["0", "17", "4294967296"]), ("to", ["0", "5123"]), ("cost", ["0", "30"]),
    ("multiplier", ["0", "3"]), ("direction", ["0", "7", "8", "25", "26"]),
    ("block", ["true", "false"]), ("width", ["1", "4", "32", "33"]), ("height", ["1", "8", "32"]),
    ("depth", ["1", "32"]), ("treasure", ["0", "9"]), ("value", ["0", "1"]), ("x", ["1"]),
  ]
  let good = [
    ["multiplier", "direction"], ["multiplier", "block"], ["change", "direction"],
    ["edge", "cost"], ["change", "edge"], ["change", "to", "cost"], ["change", "width", "height"],
    ["value"],
  ]
  var reached: Set<ResultCode> = []
  var taken: Set<EdgeOrder.Action> = []
  #expect(
    forAll(cases: 20_000) { random in
      // What belongs together, most often, and a little more or less of it.
      let together = random.chance(80) ? good[random.below(good.count)] : []
      let chance = random.chance(60) ? 3 : 40
      var members = values.filter { together.contains($0.key) != random.chance(chance) }.map {
        "\"\($0.key)\":\($0.values[random.below($0.values.count)])"
      }
      members.shuffle(using: &random)
      let text = #"{"kind":"edge""# + members.map { ",\($0)" }.joined() + "}"
      let items = items(text)
      guard items.count == 1 else { return false }
      guard let rejection = items[0].rejection else {
        reached.insert(.ok)
        guard let event = items[0].event, let order = EdgeOrder(event.value) else { return false }
        taken.insert(order.action)
        return true
      }
      reached.insert(rejection.code)
      let at = text.utf8.index(text.startIndex, offsetBy: Int(rejection.position))
      return rejection.code == .missingField
        ? rejection.position == 0 : text[at...].hasPrefix("\"") && rejection.position > 0
    })
  #expect(taken == Set(EdgeOrder.Action.allCases))
  #expect(
    reached == [
      .ok, .missingField, .unknownField, .repeatedField, .outOfRange, .wrongType, .unknownKind,
    ])
}
