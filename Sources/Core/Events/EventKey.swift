/// The keys of an event in JSON.
///
/// | key                           | value                                       | field of `Event`  |
/// |-------------------------------|---------------------------------------------|-------------------|
/// | kind                          | a word of `EventKind`                       | kind              |
/// | rank, hint                    | true or false                               | flags             |
/// | hunt                          | 0...2^32-1                                  | hunt              |
/// | producer                      | 0...2^64-1                                  | producer          |
/// | sequence                      | 0...2^56                                    | sequence          |
/// | player                        | 1...2^64-1, or a name of 1...64 bytes       | player            |
/// | time                          | 0...2^53                                    | time              |
/// | x, y, z                       | -2^31...2^31-1                              | x, y, z           |
/// | treasure                      | 0...2^32-1                                  | treasure          |
/// | value                         | -2^63...2^63-1                              | value             |
/// | points, stock                 | spawn: 0...2^31-1; 1...2^20-1               | value, SpawnOffer |
/// | points                        | score: -10^9...10^9                         | value             |
/// | multiplier, direction, block  | edge: 0...255; 0...25; true or false        | value, EdgeOrder  |
/// | cost                          | edge: 0...2^31-1                            | value, EdgeOrder  |
/// | width, height, depth          | edge: 1...32                                | value, EdgeOrder  |
/// | change                        | edge: a word of `EdgeChange`                | value, EdgeOrder  |
/// | edge, to                      | edge: 0...2^32-1                            | treasure          |
enum EventKey: UInt8, CaseIterable {
  case kind, rank, hint, hunt, producer, sequence, player, time, x, y, z, treasure, value
  case points, stock, multiplier, direction, block, cost, width, height, depth, change, edge, to

  /// The field that the key fills.
  @inline(__always)
  var field: EventField {
    switch self {
    case .kind: .kind
    case .rank, .hint: .flags
    case .hunt: .hunt
    case .producer: .producer
    case .sequence: .sequence
    case .player: .player
    case .time: .time
    case .x: .x
    case .y: .y
    case .z: .z
    case .treasure, .edge, .to: .treasure
    case .value, .points, .stock, .multiplier, .direction, .block, .cost, .width, .height, .depth,
      .change:
      .value
    }
  }

  /// The key spelled by `word`, or nil. The numbers are the letters, the first in the lowest byte.
  @inline(__always)
  init?(_ word: JSONWord) {
    switch word.low {
    case 0x646e_696b: self = .kind
    case 0x6b6e_6172: self = .rank
    case 0x746e_6968: self = .hint
    case 0x746e_7568: self = .hunt
    case 0x7265_6375_646f_7270: self = .producer
    case 0x6563_6e65_7571_6573: self = .sequence
    case 0x7265_7961_6c70: self = .player
    case 0x656d_6974: self = .time
    case 0x78: self = .x
    case 0x79: self = .y
    case 0x7a: self = .z
    case 0x6572_7573_6165_7274: self = .treasure
    case 0x65_756c_6176: self = .value
    default:
      guard let rare = Self.rare(word) else { return nil }
      self = rare
      return
    }
    // A NUL at the end is a letter too.
    guard word.high == 0, word.count == size else { return nil }
  }

  /// The keys that moves and claims do without, so that these find theirs sooner.
  @inline(never)
  private static func rare(_ word: JSONWord) -> EventKey? {
    let key: EventKey
    switch word.low {
    case 0x7374_6e69_6f70: key = .points
    case 0x6b_636f_7473: key = .stock
    case 0x696c_7069_746c_756d where word.high == 0x7265: key = .multiplier
    case 0x6f69_7463_6572_6964 where word.high == 0x6e: key = .direction
    case 0x6b_636f_6c62: key = .block
    case 0x7473_6f63: key = .cost
    case 0x68_7464_6977: key = .width
    case 0x7468_6769_6568: key = .height
    case 0x68_7470_6564: key = .depth
    case 0x6567_6e61_6863: key = .change
    case 0x6567_6465: key = .edge
    case 0x6f74: key = .to
    default: return nil
    }
    // Only these two keys reach the second word.
    let isLong = key == .multiplier || key == .direction
    return (isLong || word.high == 0) && word.count == key.size ? key : nil
  }

  /// Bytes of the key.
  @inline(__always)
  private var size: Int {
    switch self {
    case .x, .y, .z: 1
    case .to: 2
    case .kind, .rank, .hint, .hunt, .time, .cost, .edge: 4
    case .value, .stock, .block, .width, .depth: 5
    case .player, .points, .height, .change: 6
    case .producer, .sequence, .treasure: 8
    case .direction: 9
    case .multiplier: 10
    }
  }

  /// The key as it is written.
  var word: String { String(describing: self) }

  /// Whether an event of `kind` may carry the key.
  @inline(__always)
  func belongs(to kind: EventKind) -> Bool {
    switch self {
    case .points: kind == .spawn || kind == .score
    case .stock: kind == .spawn
    case .multiplier, .direction, .block, .cost, .width, .height, .depth, .change, .edge, .to:
      kind == .edge
    default: true
    }
  }
}

extension EventKind {
  /// The kind a sender may name by `word`, or nil.
  @inline(__always)
  init?(_ word: JSONWord) {
    switch word.low {
    case 0x6e69_6f6a: self = .join
    case 0x65_7661_656c: self = .leave
    case 0x6576_6f6d: self = .move
    case 0x7472_6f70_656c_6574: self = .teleport
    case 0x6d_6961_6c63: self = .claim
    case 0x65_7672_6573_6572: self = .reserve
    case 0x6d_7269_666e_6f63: self = .confirm
    case 0x65_7361_656c_6572: self = .release
    case 0x7265_7773_6e61: self = .answer
    case 0x6e61_6373: self = .scan
    case 0x6573_6168_6372_7570: self = .purchase
    case 0x6e_7761_7073: self = .spawn
    case 0x6e_7761_7073_6564: self = .despawn
    case 0x6567_6465: self = .edge
    case 0x65_726f_6373: self = .score
    case 0x6b63_6974: self = .tick
    case 0x6761_6c66: self = .flag
    case 0x656c_7572: self = .rule
    case 0x6e6f_7361_6573: self = .season
    case 0x7473_756a_6461: self = .adjust
    case 0x7765_6976_6572: self = .review
    case 0x65_7361_7265: self = .erase
    default: return nil
    }
    guard word.count == (64 - word.low.leadingZeroBitCount + 7) / 8 else { return nil }
  }
}

/// What `change` says of an `edge` event.
enum EdgeChange: UInt8, BitwiseCopyable, CaseIterable {
  case reweight, open, close, add, remove, place, `break`

  /// The change spelled by `word`, or nil.
  init?(_ word: JSONWord) {
    switch (word.low, word.count) {
    case (0x7468_6769_6577_6572, 8): self = .reweight
    case (0x6e65_706f, 4): self = .open
    case (0x65_736f_6c63, 5): self = .close
    case (0x64_6461, 3): self = .add
    case (0x6576_6f6d_6572, 6): self = .remove
    case (0x65_6361_6c70, 5): self = .place
    case (0x6b_6165_7262, 5): self = .`break`
    default: return nil
    }
  }

  /// Whether a change of this kind may carry the key, which belongs to edges; `isById` for the edge
  /// that `edge` says.
  func takes(_ key: EventKey, isById: Bool) -> Bool {
    switch key {
    case .change: true
    case .edge: self != .add && self != .place && self != .break
    case .to: self == .add
    case .cost: self == .add || self == .reweight && isById
    case .multiplier, .block: self == .reweight && !isById
    case .direction: (self == .reweight || self == .open || self == .close) && !isById
    case .width, .height, .depth: self == .place || self == .break
    default: false
    }
  }
}
