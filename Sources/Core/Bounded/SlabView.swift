public import CIntrinsics

/// A slab with its address and length beside the reference, for a path that cannot afford to look
/// them up in the slab at every access. As checked as the slab, and keeps it.
@safe @frozen public struct SlabView: @unchecked Sendable {
  @usableFromInline let base: UnsafeMutableRawPointer
  /// Length in bytes.
  public let byteCount: Int
  @usableFromInline let slab: Slab

  public init(_ slab: Slab) {
    unsafe base = slab.base
    byteCount = slab.byteCount
    self.slab = slab
  }

  /// The `byteCount` bytes from `offset` of `slab`, addressed from 0; none may be.
  public init(_ slab: Slab, at offset: Int, byteCount: Int) {
    precondition(offset >= 0 && byteCount >= 0 && offset <= slab.byteCount - byteCount)
    unsafe base = slab.base + offset
    self.byteCount = byteCount
    self.slab = slab
  }

  /// The `byteCount` bytes from `offset` of another view, addressed from 0.
  public init(_ view: SlabView, at offset: Int, byteCount: Int) {
    precondition(offset >= 0 && byteCount >= 0 && offset <= view.byteCount - byteCount)
    unsafe base = view.base + offset
    self.byteCount = byteCount
    slab = view.slab
  }

  /// Asks the processor to fetch the line at `offset`; out of range is ignored.
  @inlinable @inline(__always)
  public func prefetch(_ offset: Int) {
    if offset >= 0 && offset < byteCount { unsafe vx_prefetch(base.advanced(by: offset)) }
  }

  /// The value stored at byte `offset`, which must be aligned for `Value`.
  @inlinable @inline(__always)
  public func load<Value: BitwiseCopyable>(_ offset: Int, as: Value.Type) -> Value {
    precondition(offset >= 0 && offset <= byteCount &- MemoryLayout<Value>.size)
    return unsafe base.load(fromByteOffset: offset, as: Value.self)
  }

  /// Stores `value` at byte `offset`, which must be aligned for `Value`.
  @inlinable @inline(__always)
  public func store<Value: BitwiseCopyable>(_ value: Value, _ offset: Int) {
    precondition(offset >= 0 && offset <= byteCount &- MemoryLayout<Value>.size)
    // Not `storeBytes`, which calls memmove for a value of a cache line.
    unsafe base.advanced(by: offset).assumingMemoryBound(to: Value.self).initialize(to: value)
  }

  /// Runs `body` on the value at `offset` in place.
  @inlinable @inline(__always)
  public func update<Value: BitwiseCopyable, Result>(
    _ offset: Int, as: Value.Type, _ body: (inout Value) -> Result
  ) -> Result {
    precondition(offset >= 0 && offset <= byteCount &- MemoryLayout<Value>.size)
    return unsafe body(&base.advanced(by: offset).assumingMemoryBound(to: Value.self).pointee)
  }
}
