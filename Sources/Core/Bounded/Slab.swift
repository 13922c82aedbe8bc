public import CIntrinsics

/// One block of memory taken at boot, addressed by byte offset, freed with its last owner.
///
/// Every access is bounds-checked and nothing is ever reallocated, so a `Slab` is safe to share by
/// reference. It does not order accesses: two threads may read it at once, and a writer must be the
/// only thread at the bytes it writes (the owner's contract, as with any plain memory), except for
/// words that are only ever used through `Slab+Atomics.swift`.
@safe public final class Slab: @unchecked Sendable {
  /// First byte; aligned to `alignment`.
  @usableFromInline let base: UnsafeMutableRawPointer
  /// Length in bytes.
  public let byteCount: Int
  /// Gives memory back that somebody else took; nil for the slab's own.
  private let release: (@Sendable () -> Void)?

  /// Takes `byteCount` bytes of zeroed memory, `1...`, aligned to `alignment` (a power of two).
  public init(byteCount: Int, alignment: Int = 4096, zeroed: Bool = true) {
    precondition(byteCount > 0, "slab of \(byteCount) bytes")
    self.byteCount = byteCount
    release = nil
    unsafe base = .allocate(byteCount: byteCount, alignment: alignment)
    if zeroed {
      unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }
  }

  /// A copy of the first `byteCount` bytes of `other`.
  public init(copying other: Slab, byteCount: Int) {
    precondition(byteCount > 0 && byteCount <= other.byteCount)
    self.byteCount = byteCount
    release = nil
    unsafe base = .allocate(byteCount: byteCount, alignment: 4096)
    unsafe base.copyMemory(from: other.base, byteCount: byteCount)
  }

  /// Adopts memory that somebody else took, a mapped file say.
  ///
  /// - Parameters:
  ///   - memory: Stays where it is, and unchanged by others, until `release` has run. Where it is
  ///     read-only, a store into the slab ends the program.
  ///   - release: Gives it back; runs when the slab's last owner is gone, on the owner's thread.
  @unsafe public init(
    adopting memory: UnsafeMutableRawBufferPointer, release: @escaping @Sendable () -> Void
  ) {
    precondition(memory.count > 0, "slab of \(memory.count) bytes")
    unsafe base = memory.baseAddress!
    byteCount = memory.count
    self.release = release
  }

  deinit {
    if let release { release() } else { unsafe base.deallocate() }
  }

  /// The value stored at byte `offset`, which must be aligned for `Value`.
  @inlinable @inline(__always)
  public func load<Value: BitwiseCopyable>(_ offset: Int, as: Value.Type) -> Value {
    precondition(offset >= 0 && offset &+ MemoryLayout<Value>.size <= byteCount)
    return unsafe base.load(fromByteOffset: offset, as: Value.self)
  }

  /// Stores `value` at byte `offset`, which must be aligned for `Value`.
  @inlinable @inline(__always)
  public func store<Value: BitwiseCopyable>(_ value: Value, _ offset: Int) {
    precondition(offset >= 0 && offset &+ MemoryLayout<Value>.size <= byteCount)
    // Not `storeBytes`, which calls memmove for a value of a cache line.
    unsafe base.advanced(by: offset).assumingMemoryBound(to: Value.self).initialize(to: value)
  }

  /// Runs `body` on the value at `offset` in place.
  @inlinable @inline(__always)
  public func update<Value: BitwiseCopyable, Result>(
    _ offset: Int, as: Value.Type, _ body: (inout Value) -> Result
  ) -> Result {
    precondition(offset >= 0 && offset &+ MemoryLayout<Value>.size <= byteCount)
    return unsafe body(&base.advanced(by: offset).assumingMemoryBound(to: Value.self).pointee)
  }

  /// Moves `count` bytes inside the slab; the ranges may overlap.
  @inlinable @inline(__always)
  public func move(from source: Int, to target: Int, count: Int) {
    precondition(source >= 0 && target >= 0 && count >= 0)
    precondition(source &+ count <= byteCount && target &+ count <= byteCount)
    unsafe base.advanced(by: target).copyMemory(from: base.advanced(by: source), byteCount: count)
  }

  /// Copies `count` bytes from `other`.
  @inlinable @inline(__always)
  public func copy(from other: Slab, at source: Int, to target: Int, count: Int) {
    precondition(source >= 0 && target >= 0 && count >= 0)
    precondition(source &+ count <= other.byteCount && target &+ count <= byteCount)
    unsafe base.advanced(by: target).copyMemory(
      from: other.base.advanced(by: source), byteCount: count)
  }

  /// Copies `bytes` to `offset`.
  @inlinable @inline(__always)
  public func copy(from bytes: RawSpan, to offset: Int) {
    precondition(offset >= 0 && offset &+ bytes.byteCount <= byteCount)
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress {
        unsafe base.advanced(by: offset).copyMemory(from: start, byteCount: source.count)
      }
    }
  }

  /// Copies `bytes` to `offset`.
  @inlinable
  public func copy(from bytes: Span<UInt8>, to offset: Int) {
    unsafe copy(from: bytes.bytes, to: offset)
  }

  /// Sets `count` bytes from `offset` to zero.
  @inlinable @inline(__always)
  public func zero(_ offset: Int, count: Int) {
    precondition(offset >= 0 && count >= 0 && offset &+ count <= byteCount)
    unsafe base.advanced(by: offset).initializeMemory(
      as: UInt8.self, repeating: 0, count: count)
  }

  /// Whether `count` bytes here equal those of `other`.
  public func equals(_ offset: Int, _ other: Slab, _ otherOffset: Int, count: Int) -> Bool {
    precondition(offset >= 0 && otherOffset >= 0 && count >= 0)
    precondition(offset &+ count <= byteCount && otherOffset &+ count <= other.byteCount)
    return unsafe vx_equal(base + offset, other.base + otherOffset, count) != 0
  }

  /// Which of the 64 bytes from `offset` differ from those of `other`, bit k for byte k.
  @inlinable @inline(__always)
  public func differing64(_ offset: Int, _ other: Slab, _ otherOffset: Int) -> UInt64 {
    precondition(offset >= 0 && offset <= byteCount &- 64)
    precondition(otherOffset >= 0 && otherOffset <= other.byteCount &- 64)
    return unsafe vx_differing64(base + offset, other.base + otherOffset)
  }

  /// Lends a read-only view of `count` bytes from `offset`.
  @inlinable
  public func withBytes<Result, Failure: Error>(
    _ offset: Int, count: Int, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(offset >= 0 && count >= 0 && offset &+ count <= byteCount)
    let bytes = unsafe UnsafeRawBufferPointer(start: base.advanced(by: offset), count: count)
    return try unsafe body(RawSpan(_unsafeBytes: bytes))
  }

  /// Lends the first `count` bytes as text.
  @inlinable
  public func withText<Result: ~Copyable, Failure: Error>(
    count: Int, _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(count >= 0 && count <= byteCount)
    let bytes = unsafe UnsafeRawBufferPointer(start: base, count: count)
    return try unsafe body(Span(_unsafeBytes: bytes))
  }

  /// Asks the processor to fetch the line at `offset`; out of range is ignored.
  @inlinable @inline(__always)
  public func prefetch(_ offset: Int) {
    if offset >= 0 && offset < byteCount { unsafe vx_prefetch(base.advanced(by: offset)) }
  }

  /// XXH3-128 of `count` bytes from `offset`.
  public func hash(_ offset: Int, count: Int, seed: UInt64 = 0) -> Hash128 {
    precondition(offset >= 0 && count >= 0 && offset &+ count <= byteCount)
    let hash = unsafe vx_xxh3_128(base.advanced(by: offset), count, seed)
    return Hash128(high: hash.high, low: hash.low)
  }

  /// CRC-32C of `count` bytes from `offset`, continuing from `crc`.
  public func crc32c(_ offset: Int, count: Int, continuing crc: UInt32 = 0) -> UInt32 {
    precondition(offset >= 0 && count >= 0 && offset &+ count <= byteCount)
    return unsafe vx_crc32c(crc, base.advanced(by: offset), count)
  }

  /// Lends the memory to code that speaks to the kernel or to C.
  @unsafe public func withMemory<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: byteCount))
  }
}
