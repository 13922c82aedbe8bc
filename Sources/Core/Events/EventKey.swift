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
/// | multiplier, direction, block  | edge: 0...255; 0...7; true or false         | value, EdgeOrder |
enum EventKey: UInt8, CaseIterable {
  case kind, rank, hint, hunt, producer, sequence, player, time, x, y, z, treasure, value
  case points, stock, multiplier, direction, block

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
    case .treasure: .treasure
    case .value, .points, .stock, .multiplier, .direction, .block: .value
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
    case 0x7374_6e69_6f70: self = .points
    case 0x6b_636f_7473: self = .stock
    case 0x696c_7069_746c_756d where word.high == 0x7265: self = .multiplier
    case 0x6f69_7463_6572_6964 where word.high == 0x6e: self = .direction
    case 0x6b_636f_6c62: self = .block
    default: return nil
    }
    // A NUL at the end is a letter too, and only these two keys reach the second word.
    let isLong = self == .multiplier || self == .direction
    guard isLong || word.high == 0, word.count == size else { return nil }
  }

  /// Bytes of the key.
  @inline(__always)
  private var size: Int {
    switch self {
    case .x, .y, .z: 1
    case .kind, .rank, .hint, .hunt, .time: 4
    case .value, .stock, .block: 5
    case .player, .points: 6
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
    case .multiplier, .direction, .block: kind == .edge
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
