public import Bounded

/// Why bytes are not a hunt's definition.
public enum DefinitionFault: Error, Equatable, Sendable {
  case truncated(at: Int)
  case unsupportedVersion(UInt32)
  case outOfRange(field: String, value: Int64, at: Int)
  case trailingBytes(at: Int)
}

/// The flat form of a definition, which is stored beside the journal and hashed into its identity.
///
/// Little-endian, no padding: magic `VXHD` (4), version 1 (4), name (count 4, bytes), 7 limits (8
/// each), 8 rules (8 each), startsLive (8), treasures (count 4, then 9 x 8 each), boards (count 4,
/// then name and windowMs 8, 0 for all time).
///
/// Version 2 has a ninth rule, hintRadius, behind the eight; a definition without a radius is
/// written as version 1, so that hunts made before there was one keep their identity. So does
/// version 3 have a tenth, hintWork, and stands only where it is not 1,024, which was the default
/// once; and version 4 an eighth limit, edges, behind the rules.
extension HuntDefinition {
  private static var magic: UInt64 { 0x4448_5856 }

  public func encoded() -> [UInt8] {
    var out: [UInt8] = []
    func put(_ value: Int64, _ bytes: Int = 8) {
      for at in 0..<bytes { out.append(UInt8(truncatingIfNeeded: value >> Int64(8 * at))) }
    }
    func put(_ text: String) {
      let bytes = Array(text.utf8)
      put(Int64(bytes.count), 4)
      out += bytes
    }
    put(Int64(Self.magic), 4)
    let hasEdges = limits.edges != HuntLimits.edgesDefault
    let hasWork = hasEdges || rules.hintWork != HuntRules.hintWorkUnwritten
    let hasRadius = hasWork || rules.hintRadius > 0
    put(hasEdges ? 4 : hasWork ? 3 : hasRadius ? 2 : 1, 4)
    put(name)
    for value in [
      limits.players, limits.treasures, limits.claims, limits.producers, limits.gaps,
      limits.idempotencyKeys, limits.names,
    ] { put(Int64(value)) }
    for value in [
      Int64(rules.speedMax), Int64(rules.stepsFree), Int64(rules.stepsMax), rules.walls ? 1 : 0,
      rules.latenessMs, rules.aheadMs, Int64(rules.claimsPerPlayer),
      rules.joinImplicitly ? 1 : 0,
    ] { put(value) }
    if hasRadius { put(Int64(rules.hintRadius)) }
    if hasWork { put(Int64(rules.hintWork)) }
    if hasEdges { put(Int64(limits.edges)) }
    put(startsLive ? 1 : 0)
    put(Int64(treasures.count), 4)
    for treasure in treasures {
      for value in [
        Int64(treasure.id), Int64(treasure.x), Int64(treasure.y), Int64(treasure.z),
        Int64(treasure.reach), Int64(treasure.points), Int64(treasure.stock),
        Int64(treasure.respawnMs),
      ] { put(value) }
    }
    put(Int64(boards.count), 4)
    for board in boards {
      put(board.name)
      put(board.windowMs ?? 0)
    }
    return out
  }

  /// Reads what `encoded` wrote; total on any bytes.
  public init(decoding bytes: [UInt8]) throws(DefinitionFault) {
    var reader = Reader(bytes: bytes)
    let magic = try reader.integer("magic", 4, 0...Int64(UInt32.max))
    guard UInt64(magic) == Self.magic else {
      throw .outOfRange(field: "magic", value: magic, at: 0)
    }
    let version = try reader.integer("version", 4, 0...Int64(UInt32.max))
    guard (1...4).contains(version) else { throw .unsupportedVersion(UInt32(version)) }
    name = try reader.text("name", 48)
    limits.players = Int(try reader.integer("players", 8, 1...(1 << 24 - 1)))
    limits.treasures = Int(try reader.integer("treasures", 8, 1...1_000_000))
    limits.claims = Int(try reader.integer("claims", 8, 1...(1 << 26)))
    limits.producers = Int(try reader.integer("producers", 8, 1...1_000_000))
    limits.gaps = Int(try reader.integer("gaps", 8, 1...(1 << 24)))
    limits.idempotencyKeys = Int(try reader.integer("idempotencyKeys", 8, 1...(1 << 24)))
    limits.names = Int(try reader.integer("names", 8, 1...(1 << 24)))
    rules.speedMax = UInt32(try reader.integer("speedMax", 8, 0...1_000_000_000))
    rules.stepsFree = UInt32(try reader.integer("stepsFree", 8, 0...64))
    rules.stepsMax = UInt32(try reader.integer("stepsMax", 8, 1...64))
    rules.walls = try reader.integer("walls", 8, 0...1) == 1
    rules.latenessMs = try reader.integer("latenessMs", 8, 0...(1 << 53))
    rules.aheadMs = try reader.integer("aheadMs", 8, 0...(1 << 53))
    rules.claimsPerPlayer = UInt32(try reader.integer("claimsPerPlayer", 8, 0...(1 << 20)))
    rules.joinImplicitly = try reader.integer("joinImplicitly", 8, 0...1) == 1
    if version >= 2 {
      let least: Int64 = version == 2 ? 1 : 0
      rules.hintRadius = UInt32(try reader.integer("hintRadius", 8, least...300_000))
    }
    rules.hintWork = HuntRules.hintWorkUnwritten
    if version >= 3 {
      let work = try reader.integer("hintWork", 8, 16...65_536)
      // A version stands for one form: what the others mean has no place in this one.
      guard version == 4 || work != HuntRules.hintWorkUnwritten else {
        throw .outOfRange(field: "hintWork", value: work, at: reader.at - 8)
      }
      rules.hintWork = UInt32(work)
    }
    if version == 4 {
      let edges = try reader.integer("edges", 8, 1...(1 << 24))
      guard edges != HuntLimits.edgesDefault else {
        throw .outOfRange(field: "edges", value: edges, at: reader.at - 8)
      }
      limits.edges = Int(edges)
    }
    startsLive = try reader.integer("startsLive", 8, 0...1) == 1
    let coordinate = Int64(Int32.min)...Int64(Int32.max)
    for _ in 0..<(try reader.integer("treasure count", 4, 0...1_000_000)) {
      var treasure = TreasureSpec(
        id: UInt32(try reader.integer("id", 8, 1...Int64(UInt32.max))),
        x: Int32(try reader.integer("x", 8, coordinate)),
        y: Int32(try reader.integer("y", 8, coordinate)))
      treasure.z = Int32(try reader.integer("z", 8, coordinate))
      treasure.reach = UInt32(try reader.integer("reach", 8, 0...64))
      treasure.points = Int32(try reader.integer("points", 8, 0...1_000_000_000))
      treasure.stock = UInt32(try reader.integer("stock", 8, 1...(1 << 20 - 1)))
      treasure.respawnMs = UInt32(try reader.integer("respawnMs", 8, 0...Int64(UInt32.max)))
      treasures.append(treasure)
    }
    boards = []
    for _ in 0..<(try reader.integer("board count", 4, 1...8)) {
      let name = try reader.text("board name", 32)
      let window = try reader.integer("windowMs", 8, 0...86_400_000)
      boards.append(BoardSpec(name: name, windowMs: window == 0 ? nil : window))
    }
    guard reader.at == bytes.count else { throw .trailingBytes(at: reader.at) }
  }

  /// Digest of the encoded definition together with the world's: the identity of every journal and
  /// image of the hunt.
  public func identity(world: Hash128) -> Hash128 {
    var bytes = encoded()
    for half in [world.high, world.low] {
      for at in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: half >> UInt64(8 * at))) }
    }
    let slab = Slab(byteCount: bytes.count, zeroed: false)
    for at in 0..<bytes.count { slab.store(bytes[at], at) }
    return slab.hash(0, count: bytes.count)
  }

  private struct Reader {
    let bytes: [UInt8]
    var at = 0

    mutating func integer(
      _ field: String, _ size: Int, _ range: ClosedRange<Int64>
    ) throws(DefinitionFault) -> Int64 {
      guard at + size <= bytes.count else { throw .truncated(at: at) }
      var value: UInt64 = 0
      for index in 0..<size { value |= UInt64(bytes[at + index]) << UInt64(8 * index) }
      let signed = Int64(bitPattern: value)
      guard range.contains(signed) else {
        throw .outOfRange(field: field, value: signed, at: at)
      }
      at += size
      return signed
    }

    mutating func text(_ field: String, _ sizeMax: Int64) throws(DefinitionFault) -> String {
      let size = Int(try integer(field, 4, 1...sizeMax))
      guard at + size <= bytes.count else { throw .truncated(at: at) }
      guard let text = String(validating: bytes[at..<(at + size)], as: UTF8.self) else {
        throw .outOfRange(field: field, value: 0, at: at)
      }
      at += size
      return text
    }
  }
}
