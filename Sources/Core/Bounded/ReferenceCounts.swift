/// How often each of a fixed number of things is referred to, and which things are free.
///
/// Things are numbers from 1 on. Any thread may do anything here at any time: every change is a
/// step of its own, nothing locks, and no thread ever waits for one that sleeps. A free number that
/// was given back last is taken first; numbers never taken follow in ascending order, so memory is
/// reached for only as it is needed.
///
/// A word a number: bits 0...29 how often it is referred to or, while it is free, the next free
/// number, 0 for none; bit 31 its mark, a note that whoever shares the thing may leave on it.
@safe public final class ReferenceCounts: @unchecked Sendable {
  /// Numbers, 0 included, which is never counted or free.
  public let count: Int
  @usableFromInline let words: Slab
  // Line 0: the first free number in bits 0...29, above it a number that every change moves on, so
  // that a thread which slept through changes notices. Line 1: the lowest number never taken. Line
  // 2: how many are free.
  @usableFromInline let heads: Slab

  @usableFromInline static var numberMask: UInt32 { 1 << 30 - 1 }
  @usableFromInline static var mark: UInt32 { 1 << 31 }
  @usableFromInline static var firstFreeAt: Int { 0 }
  @usableFromInline static var untouchedAt: Int { 128 }
  @usableFromInline static var freeCountAt: Int { 256 }

  /// Numbers `1..<count`, all free; `count` is `2...2^30`.
  public init(count: Int) {
    precondition(count >= 2 && count <= 1 << 30, "\(count) reference counts")
    self.count = count
    words = Slab(byteCount: count * 4, zeroed: false)
    heads = Slab(byteCount: 384, alignment: 128)
    words.sharedStore32(1, 0)
    heads.sharedStore64(1, Self.untouchedAt)
    heads.sharedStore64(UInt64(count - 1), Self.freeCountAt)
  }

  /// Numbers that are free.
  public var freeCount: Int { Int(heads.sharedLoad64(Self.freeCountAt)) }

  /// Takes a free number, referred to once and unmarked; nil when none is free.
  @inlinable public func take() -> Int? {
    // The last look sees all that is free: once no number is untouched, none ever is again.
    guard let number = takeGivenBack() ?? takeUntouched() ?? takeGivenBack() else { return nil }
    words.sharedStore32(1, number &* 4)
    _ = heads.sharedAdd64(UInt64.max, Self.freeCountAt)
    return number
  }

  @inlinable func takeGivenBack() -> Int? {
    while true {
      let head = heads.sharedLoad64(Self.firstFreeAt)
      let number = Int(head & UInt64(Self.numberMask))
      if number == 0 { return nil }
      // Another thread may have taken the number meanwhile, and then this is no next number; but
      // then the head has moved on too.
      let next = words.sharedLoad32(number &* 4) & Self.numberMask
      let moved = ((head &>> 30) &+ 1) &<< 30 | UInt64(next)
      if heads.sharedReplace64(head, by: moved, Self.firstFreeAt) { return number }
    }
  }

  @inlinable func takeUntouched() -> Int? {
    while true {
      let next = heads.sharedLoad64(Self.untouchedAt)
      if next >= UInt64(count) { return nil }
      if heads.sharedReplace64(next, by: next &+ 1, Self.untouchedAt) { return Int(next) }
    }
  }

  /// Refers to `number` once more; the caller refers to it already.
  @inlinable @inline(__always)
  public func retain(_ number: Int) { _ = words.sharedAdd32(1, number &* 4) }

  /// Refers to `number` once less; true when that was the last time, and the number is the caller's
  /// to give back.
  @inlinable @inline(__always)
  public func release(_ number: Int) -> Bool {
    words.sharedAdd32(UInt32.max, number &* 4) & Self.numberMask == 1
  }

  /// Whether the caller, who refers to `number`, is the only one.
  @inlinable @inline(__always)
  public func isSole(_ number: Int) -> Bool {
    words.sharedLoad32(number &* 4) & Self.numberMask == 1
  }

  // MARK: Marks

  @inlinable @inline(__always)
  public func isMarked(_ number: Int) -> Bool {
    words.sharedLoad32(number &* 4) & Self.mark != 0
  }

  /// Marks `number`, behind everything the caller did before.
  @inlinable @inline(__always)
  public func mark(_ number: Int) { words.sharedSetBits32(Self.mark, number &* 4) }

  /// Takes the mark from `number`, to which only the caller refers.
  @inlinable @inline(__always)
  public func unmarkSole(_ number: Int) { words.sharedStore32(1, number &* 4) }

  // MARK: Giving back

  /// Numbers of one's own on their way back, linked.
  @frozen public struct Chain: ~Copyable {
    @usableFromInline var first: UInt32 = 0
    @usableFromInline var last: UInt32 = 0
    public internal(set) var count = 0
    @inlinable public init() {}
  }

  /// Puts a released number into a chain.
  public func add(_ number: Int, to chain: inout Chain) {
    words.sharedStore32(chain.first, number * 4)
    if chain.count == 0 { chain.last = UInt32(number) }
    chain.first = UInt32(number)
    chain.count += 1
  }

  /// Frees all numbers of a chain in one step.
  public func give(_ chain: consuming Chain) {
    if chain.count == 0 { return }
    while true {
      let head = heads.sharedLoad64(Self.firstFreeAt)
      words.sharedStore32(UInt32(head & UInt64(Self.numberMask)), Int(chain.last) * 4)
      let moved = ((head &>> 30) &+ 1) &<< 30 | UInt64(chain.first)
      if heads.sharedReplace64(head, by: moved, Self.firstFreeAt) { break }
    }
    _ = heads.sharedAdd64(UInt64(chain.count), Self.freeCountAt)
  }
}
