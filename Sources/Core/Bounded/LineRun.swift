/// A run of 64-byte lines in somebody else's ring or buffer, for reading.
@frozen public struct LineRun {
  @usableFromInline let slab: Slab
  @usableFromInline let mask: Int
  /// Index of the first line; wraps with the ring.
  public let first: Int
  public let count: Int

  /// - Parameters:
  ///   - slab: Holds a power of two of lines.
  ///   - first: Any index; taken modulo the number of lines.
  @inlinable public init(_ slab: Slab, first: Int, count: Int) {
    self.slab = slab
    mask = slab.byteCount / 64 - 1
    self.first = first
    self.count = count
  }

  /// The value of at most 64 bytes in line `index`.
  @inlinable @inline(__always)
  public func load<Line: BitwiseCopyable>(_ index: Int, as: Line.Type) -> Line {
    precondition(index >= 0 && index < count)
    return slab.load(((first &+ index) & mask) &* 64, as: Line.self)
  }

  /// The value at byte `offset` (a multiple of its alignment) of line `index`.
  @inlinable @inline(__always)
  public func load<Field: BitwiseCopyable>(_ index: Int, byte offset: Int, as: Field.Type) -> Field
  {
    precondition(index >= 0 && index < count && offset >= 0 && offset < 64)
    return slab.load(((first &+ index) & mask) &* 64 &+ offset, as: Field.self)
  }

  /// Copies all lines into a ring of a power of two of lines, from index `first` on.
  public func copy(to ring: Slab, first target: Int) {
    let ringMask = ring.byteCount / 64 - 1
    var done = 0
    while done < count {
      // As far as neither ring wraps.
      let from = (first &+ done) & mask
      let to = (target &+ done) & ringMask
      let run = min(count - done, mask + 1 - from, ringMask + 1 - to)
      ring.copy(from: slab, at: from &* 64, to: to &* 64, count: run &* 64)
      done += run
    }
  }

  /// Copies all lines to byte `offset` of a slab, one behind the other.
  public func copy(to target: Slab, at offset: Int) {
    let start = first & mask
    let head = min(count, mask + 1 - start)
    target.copy(from: slab, at: start &* 64, to: offset, count: head &* 64)
    if head < count {
      target.copy(from: slab, at: 0, to: offset + head * 64, count: (count - head) * 64)
    }
  }

  /// The value of 128 bytes in lines `index` and `index + 1`.
  @inlinable public func loadPair<Half: BitwiseCopyable>(
    _ index: Int, as: Half.Type
  ) -> (Half, Half) {
    (load(index, as: Half.self), load(index + 1, as: Half.self))
  }
}

/// Where lines are appended in somebody else's ring or buffer; the owner publishes them.
@frozen public struct LineTarget {
  @usableFromInline let slab: Slab
  @usableFromInline let mask: Int
  @usableFromInline let first: Int
  /// Lines that may be appended in all.
  public let capacity: Int
  @usableFromInline var appended = 0
  /// Lines appended so far.
  @inlinable public var count: Int { appended }

  /// - Parameters:
  ///   - slab: Holds a power of two of lines.
  ///   - first: Index of the first line to write, taken modulo the number of lines.
  @inlinable public init(_ slab: Slab, first: Int, capacity: Int) {
    self.slab = slab
    mask = slab.byteCount / 64 - 1
    self.first = first
    self.capacity = capacity
  }

  /// Lines that may still be appended.
  @inlinable public var free: Int { capacity - count }

  /// Appends a value of at most 64 bytes; returns its index among the appended.
  @inlinable @inline(__always)
  public mutating func append<Line: BitwiseCopyable>(_ line: Line) {
    precondition(count < capacity, "no room for a line")
    slab.store(line, ((first &+ count) & mask) &* 64)
    appended &+= 1
  }

  /// Line `index` of those appended.
  @inlinable public func load<Line: BitwiseCopyable>(_ index: Int, as: Line.Type) -> Line {
    precondition(index >= 0 && index < count)
    return slab.load(((first &+ index) & mask) &* 64, as: Line.self)
  }

  /// Replaces line `index` of those appended.
  @inlinable public mutating func replace<Line: BitwiseCopyable>(_ index: Int, _ line: Line) {
    precondition(index >= 0 && index < count)
    slab.store(line, ((first &+ index) & mask) &* 64)
  }

  /// Takes back every line from `index` on.
  @inlinable public mutating func truncate(_ index: Int) {
    precondition(index >= 0 && index <= count)
    appended = index
  }
}
