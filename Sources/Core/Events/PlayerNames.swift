import Bounded

/// The names of the players of one batch, in memory taken once and used again for every batch.
///
/// An event with `playerIsName` carries an index into these names instead of a player's number,
/// until the partition has given the name its number. One owner, one thread.
///
/// A name is 1...64 bytes of valid UTF-8, compared byte by byte: no case is folded and no
/// characters are unified, so two spellings are two players.
public struct PlayerNames: ~Copyable, Sendable {
  /// Most bytes in a name.
  public static let sizeMax = 64

  /// Most names held.
  public let capacity: Int
  /// Names held.
  public private(set) var count = 0

  // Name `index` in bytes 64 * index..., the rest of its 64 zero; the sizes follow the last name.
  private let slab: Slab
  /// Bytes of the name being taken; above `sizeMax` when it is too long.
  private(set) var pendingSize = 0

  /// Takes memory for `capacity` names, `1...`; `FrameHeader.eventCountMax` fits every batch.
  public init(capacity: Int = FrameHeader.eventCountMax) {
    precondition(capacity >= 1, "names for \(capacity) players")
    self.capacity = capacity
    slab = Slab(byteCount: capacity * (Self.sizeMax + 1))
  }

  /// Forgets all names; indices start at 0 again.
  public mutating func removeAll() { count = 0 }

  /// Bytes of name `index`, which must be in `0..<count`.
  public func size(_ index: Int) -> Int {
    precondition(index >= 0 && index < count)
    return Int(slab.load(capacity * Self.sizeMax + index, as: UInt8.self))
  }

  /// Lends the bytes of name `index`.
  public func withName<Result, Failure: Error>(
    _ index: Int, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try slab.withBytes(index * Self.sizeMax, count: size(index), body)
  }

  /// Half `part` (0 or 1) of name `index` as the event that journals it under `number`.
  public func part(_ part: Int, of index: Int, number: UInt64) -> NamePart {
    precondition(part == 0 || part == 1)
    let at = index * Self.sizeMax + part * 32
    return NamePart(
      number: number, part: part, size: size(index),
      words: [
        slab.load(at, as: UInt64.self), slab.load(at + 8, as: UInt64.self),
        slab.load(at + 16, as: UInt64.self), slab.load(at + 24, as: UInt64.self),
      ])
  }

  /// Name `index` as the words that journal and partition hold: 64 bytes, the rest zero.
  public func words(_ index: Int) -> InlineArray<8, UInt64> {
    precondition(index >= 0 && index < count)
    return slab.load(index * Self.sizeMax, as: InlineArray<8, UInt64>.self)
  }

  /// Name `index` as text; allocates.
  public func string(_ index: Int) -> String {
    let start = index * Self.sizeMax
    let bytes = (0..<size(index)).map { slab.load(start + $0, as: UInt8.self) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Adds the name `bytes` and returns its index; nil when it is not 1...64 bytes of UTF-8 or when
  /// all places are taken.
  public mutating func append(_ bytes: RawSpan) -> Int? {
    guard count < capacity else { return nil }
    begin()
    var at = 0
    while at < bytes.byteCount {
      let size = bytes.byte(at) < 0x80 ? 1 : JSONReader.scalarSize(bytes, at)
      guard size > 0 else { return nil }
      for offset in 0..<size { append(bytes.byte(at + offset)) }
      at += size
    }
    guard pendingSize >= 1, pendingSize <= Self.sizeMax else { return nil }
    return commit()
  }
}

// A name is taken byte by byte into the place after the last, and counts once committed.
extension PlayerNames: ByteSink {
  var isFull: Bool { count == capacity }

  /// Starts a name; there must be room.
  mutating func begin() {
    precondition(count < capacity)
    pendingSize = 0
    slab.zero(count * Self.sizeMax, count: Self.sizeMax)
  }

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    if pendingSize < Self.sizeMax { slab.store(byte, count &* Self.sizeMax &+ pendingSize) }
    pendingSize &+= 1
  }

  /// Keeps the name just taken, of 1...64 bytes, and returns its index.
  mutating func commit() -> Int {
    precondition(pendingSize >= 1 && pendingSize <= Self.sizeMax)
    slab.store(UInt8(pendingSize), capacity * Self.sizeMax + count)
    count += 1
    return count - 1
  }
}
