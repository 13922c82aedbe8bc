// Safe reads of untrusted bytes: each checks its bounds and none needs alignment.

extension RawSpan {
  /// The byte at `offset`, `0..<byteCount`; traps otherwise.
  @inlinable @inline(__always)
  public func byte(_ offset: Int) -> UInt8 {
    precondition(UInt(bitPattern: offset) < UInt(bitPattern: byteCount))
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// The byte at `offset`, or 0 past either end: a parser's end mark that no branch can forget.
  @inlinable @inline(__always)
  public func byteOrZero(_ offset: Int) -> UInt8 {
    guard UInt(bitPattern: offset) < UInt(bitPattern: byteCount) else { return 0 }
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// The value whose bytes start at `offset`; traps when they do not all lie inside.
  ///
  /// `Value` is a type for which every pattern of bits is a value: integers, and `@frozen` structs
  /// made of them such as a wire layout. An `enum` or a `Bool` is not.
  @inlinable @inline(__always)
  public func load<Value: BitwiseCopyable>(_ offset: Int, as: Value.Type) -> Value {
    precondition(offset >= 0 && offset <= byteCount &- MemoryLayout<Value>.size)
    return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Value.self)
  }
}

extension [UInt8] {
  /// Adds the bytes of `text` at the back; no allocation while the capacity lasts.
  @inlinable
  public mutating func append(_ text: StaticString) {
    precondition(text.hasPointerRepresentation)
    unsafe append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Adds `more` at the back; no allocation while the capacity lasts.
  @inlinable
  public mutating func append(_ more: RawSpan) {
    unsafe more.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}

extension StaticString {
  /// Byte `index` of the text's UTF-8; traps out of range.
  @inlinable @inline(__always)
  public func byte(_ index: Int) -> UInt8 {
    precondition(index >= 0 && index < utf8CodeUnitCount)
    return unsafe utf8Start[index]
  }
}
