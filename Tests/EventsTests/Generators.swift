import Events
import Testkit

/// A valid event of a supported kind, its numbers small, large or at their limits.
func randomEvent(_ random: inout TestRandom) -> Event {
  let kinds = EventKind.allCases.filter(\.isSupported)
  var event = Event(kind: kinds[random.below(kinds.count)])
  event.flags = EventFlags(rawValue: UInt16(random.below(4)))
  event.hunt = random.chance(50) ? 0 : UInt32(truncatingIfNeeded: random.next())
  event.producer = random.chance(50) ? 0 : random.next()
  event.sequence = random.chance(50) ? 0 : random.next() >> UInt64(8 + random.below(56))
  event.player = 1 | random.next() >> UInt64(random.below(64))
  event.time = random.chance(50) ? 0 : Int64(random.next() >> UInt64(11 + random.below(53)))
  event.x = Int32(truncatingIfNeeded: random.next())
  event.y = Int32(random.below(100)) - 50
  event.z = random.chance(80) ? 0 : [Int32.min, Int32.max][random.below(2)]
  event.treasure = 1 | UInt32(random.below(1 << 32))
  switch event.kind {
  case .spawn: event.value = Int64(random.next() >> UInt64(13 + random.below(51)))
  case .edge: event.value = randomOrder(&random)
  case .score: event.value = Int64(random.below(2_000_000_001)) - 1_000_000_000
  default: event.value = random.chance(70) ? 0 : Int64(bitPattern: random.next())
  }
  return event
}

/// The value of a valid edge event, of any form.
func randomOrder(_ random: inout TestRandom) -> Int64 {
  let direction = UInt8(random.below(26))
  let cost = UInt32(truncatingIfNeeded: random.next() >> UInt64(33 + random.below(31)))
  let (width, height, depth) = (1 + random.below(8), 1 + random.below(8), 1 + random.below(8))
  switch random.below(9) {
  case 0: return Int64(random.below(1 << 13)) & ~(8 << 8)
  case 1: return 1 << 40 | Int64(direction) << 32 | Int64(random.below(256))
  case 2: return EdgeOrder.open(direction: direction).value
  case 3: return EdgeOrder.edge(cost: cost).value
  case 4: return EdgeOrder.openEdge.value
  case 5: return EdgeOrder.add(cost: max(1, cost)).value
  case 6: return EdgeOrder.remove.value
  case 7: return EdgeOrder.place(width: width, height: height, depth: depth).value
  default: return EdgeOrder.break(width: width, height: height, depth: depth).value
  }
}

/// A body that starts valid and is then, most often, broken in a small way.
func corruptedBody(_ random: inout TestRandom, _ form: BodyForm) -> [UInt8] {
  var writer = JSONWriter(capacity: 1024)
  let isArray = form == .array || form == .detect && random.chance(50)
  if isArray { writer.beginArray() }
  for _ in 0..<(form == .object ? 1 : 1 + random.below(random.chance(5) ? 9 : 4)) {
    writer.event(randomEvent(&random))
    if !isArray && form != .object { writer.newline() }
  }
  if isArray { writer.endArray() }
  var bytes = writer.bytes
  if random.chance(50) { replaceSomething(&random, &bytes) }
  if random.chance(25) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
  if random.chance(10) { bytes.removeLast(random.below(bytes.count)) }
  if random.chance(10) { bytes.remove(at: random.below(max(1, bytes.count))) }
  return bytes
}

/// Replaces one key, word or number by another that is often valid JSON and no valid event.
private func replaceSomething(_ random: inout TestRandom, _ bytes: inout [UInt8]) {
  let replacements: [(String, String)] = [
    ("\"x\"", "\"y\""), ("\"x\"", "\"kind\""), ("\"player\"", "\"plaer\""),
    ("\"kind\"", "\"kin\\u0064\""), ("\"kind\":", "\"kind\": \"scan\", \"kind\":"),
    ("\"move\"", "\"scan\""), ("\"join\"", "\"hop\""), ("\"player\":", "\"player\":\"Zoë\",\"z\":"),
    ("\"player\":", "\"player\":[{\"a\":\"]\"}],\"time\":"), ("\"treasure\":", "\"treasure\":-"),
    ("\"y\":", "\"y\":99999999999"), ("\"x\":", "\"x\":0.5e"), ("\"rank\":true", "\"rank\":null"),
    ("\"claim\"", "\"move\""), ("\"kind\":\"leave\",", ""), ("\"treasure\"", "\"value\""),
    ("\"change\"", "\"edge\""), ("\"cost\"", "\"width\""), ("\"open\"", "\"add\""),
    ("\"direction\":", "\"direction\":9"), ("\"edge\":", "\"to\":"),
    ("\"player\":", "\"player\":\"\(String(repeating: "n", count: 65))\",\"hunt\":"),
  ]
  let (old, new) = replacements[random.below(replacements.count)]
  let pattern = Array(old.utf8)
  guard bytes.count > pattern.count else { return }
  for at in 0...bytes.count - pattern.count
  where Array(bytes[at..<at + pattern.count]) == pattern {
    bytes.replaceSubrange(at..<at + pattern.count, with: Array(new.utf8))
    return
  }
}
