public import CIntrinsics

// Words that several threads use at once. Each load sees what the store it reads from came after;
// each change is one step. A word used so is used in no other way while it is shared.
extension Slab {
  /// The word at `offset`, a multiple of its size, traps otherwise.
  @inlinable @inline(__always)
  func word<Word: BitwiseCopyable>(_ offset: Int, as: Word.Type) -> UnsafeMutablePointer<Word> {
    precondition(offset >= 0 && offset &+ MemoryLayout<Word>.size <= byteCount)
    precondition(offset & (MemoryLayout<Word>.size &- 1) == 0)
    return unsafe (base + offset).assumingMemoryBound(to: Word.self)
  }

  @inlinable @inline(__always)
  public func sharedLoad32(_ offset: Int) -> UInt32 {
    unsafe vx_load32(word(offset, as: UInt32.self))
  }

  @inlinable @inline(__always)
  public func sharedStore32(_ value: UInt32, _ offset: Int) {
    unsafe vx_store32(word(offset, as: UInt32.self), value)
  }

  /// Adds `value`, wrapping; what was there before.
  @inlinable @inline(__always)
  public func sharedAdd32(_ value: UInt32, _ offset: Int) -> UInt32 {
    unsafe vx_add32(word(offset, as: UInt32.self), value)
  }

  @inlinable @inline(__always)
  public func sharedSetBits32(_ bits: UInt32, _ offset: Int) {
    _ = unsafe vx_or32(word(offset, as: UInt32.self), bits)
  }

  @inlinable @inline(__always)
  public func sharedLoad64(_ offset: Int) -> UInt64 {
    unsafe vx_load64(word(offset, as: UInt64.self))
  }

  @inlinable @inline(__always)
  public func sharedStore64(_ value: UInt64, _ offset: Int) {
    unsafe vx_store64(word(offset, as: UInt64.self), value)
  }

  /// Adds `value`, wrapping; what was there before.
  @inlinable @inline(__always)
  public func sharedAdd64(_ value: UInt64, _ offset: Int) -> UInt64 {
    unsafe vx_add64(word(offset, as: UInt64.self), value)
  }

  /// Sets the word to `value` if it is `expected`; whether it was.
  @inlinable @inline(__always)
  public func sharedReplace64(_ expected: UInt64, by value: UInt64, _ offset: Int) -> Bool {
    unsafe vx_replace64(word(offset, as: UInt64.self), expected, value) != 0
  }
}
