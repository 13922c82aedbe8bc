public import Bounded
import Synchronization

/// A ring of 64-byte lines from one thread to one other: the only way bytes travel between threads.
///
/// Indices count lines since creation and wrap at 2^64; a message of several lines is published
/// with one store. Producer and consumer each keep a copy of the other's index and look again only
/// when it says full or empty.
///
/// Layout: the four index lines stand 128 bytes apart so that the two threads share none of them
/// except when one looks at the other's progress.
@safe public final class LineRing: @unchecked Sendable {
  public static let lineBytes = 64

  public let lines: Slab
  /// Lines; a power of two.
  public let capacity: Int
  @usableFromInline let mask: Int
  private let block: UnsafeMutableRawPointer

  private var head: UnsafeMutablePointer<Atomic<Int>> {  // consumer's
    unsafe block.assumingMemoryBound(to: Atomic<Int>.self)
  }
  private var tail: UnsafeMutablePointer<Atomic<Int>> {  // producer's
    unsafe block.advanced(by: 128).assumingMemoryBound(to: Atomic<Int>.self)
  }
  private var producer: UnsafeMutablePointer<Side> {
    unsafe block.advanced(by: 256).assumingMemoryBound(to: Side.self)
  }
  private var consumer: UnsafeMutablePointer<Side> {
    unsafe block.advanced(by: 384).assumingMemoryBound(to: Side.self)
  }

  /// One thread's own index and what it last saw of the other's.
  private struct Side {
    var own = 0
    var seen = 0
  }

  /// - Parameter capacity: Lines, rounded up to a power of two, 2...2^28.
  public init(capacity: Int) {
    precondition(capacity >= 2 && capacity <= 1 << 28)
    var lines = 2
    while lines < capacity { lines *= 2 }
    self.capacity = lines
    mask = lines - 1
    self.lines = Slab(byteCount: lines * Self.lineBytes, zeroed: false)
    unsafe block = .allocate(byteCount: 512, alignment: 128)
    unsafe block.assumingMemoryBound(to: Atomic<Int>.self).initialize(to: Atomic(0))
    unsafe block.advanced(by: 128).assumingMemoryBound(to: Atomic<Int>.self)
      .initialize(to: Atomic(0))
    unsafe block.advanced(by: 256).assumingMemoryBound(to: Side.self).initialize(to: Side())
    unsafe block.advanced(by: 384).assumingMemoryBound(to: Side.self).initialize(to: Side())
  }

  deinit { unsafe block.deallocate() }

  // MARK: Producer

  /// Lines that can be written now.
  public var free: Int {
    unsafe producer.pointee.seen = head.pointee.load(ordering: .acquiring)
    return unsafe capacity - (producer.pointee.own - producer.pointee.seen)
  }

  /// Whether `count` lines can be written; looks at the consumer's progress only if need be.
  public func hasRoom(_ count: Int) -> Bool {
    if unsafe producer.pointee.own + count - producer.pointee.seen <= capacity { return true }
    return free >= count
  }

  /// Index of the first line not yet published.
  public var writeIndex: Int { unsafe producer.pointee.own }

  /// Byte offset in `lines` of the line with index `index`.
  @inlinable @inline(__always) public func offset(_ index: Int) -> Int {
    (index & mask) * Self.lineBytes
  }

  /// Stores a value of at most 64 bytes in the line at `index`.
  @inlinable @inline(__always)
  public func store<Line: BitwiseCopyable>(_ line: Line, _ index: Int) {
    lines.store(line, offset(index))
  }

  /// Copies bytes into lines from `index` on, across the ring's end; the last line may stay
  /// partial.
  public func copy(from bytes: RawSpan, to index: Int) {
    let start = offset(index)
    let first = min(bytes.byteCount, lines.byteCount - start)
    lines.copy(from: bytes.extracting(0..<first), to: start)
    if first < bytes.byteCount {
      lines.copy(from: bytes.extracting(first..<bytes.byteCount), to: 0)
    }
  }

  /// Makes the next `count` lines visible to the consumer.
  public func publish(_ count: Int) {
    unsafe producer.pointee.own += count
    unsafe tail.pointee.store(producer.pointee.own, ordering: .releasing)
  }

  // MARK: Consumer

  /// Lines that can be read now.
  public var available: Int {
    let held = unsafe consumer.pointee.seen - consumer.pointee.own
    if held > 0 { return held }
    unsafe consumer.pointee.seen = tail.pointee.load(ordering: .acquiring)
    return unsafe consumer.pointee.seen - consumer.pointee.own
  }

  /// Lines that can be read now, looking at the producer's progress.
  public var availableNow: Int {
    unsafe consumer.pointee.seen = tail.pointee.load(ordering: .acquiring)
    return unsafe consumer.pointee.seen - consumer.pointee.own
  }

  /// Index of the first line not yet released.
  public var readIndex: Int { unsafe consumer.pointee.own }

  @inlinable @inline(__always)
  public func load<Line: BitwiseCopyable>(_ index: Int, as: Line.Type) -> Line {
    lines.load(offset(index), as: Line.self)
  }

  /// Lends `byteCount` bytes from line `index` on, in one or two runs.
  public func withBytes(_ index: Int, byteCount: Int, _ body: (RawSpan) -> Void) {
    let start = offset(index)
    let first = min(byteCount, lines.byteCount - start)
    lines.withBytes(start, count: first) { body($0) }
    if first < byteCount { lines.withBytes(0, count: byteCount - first) { body($0) } }
  }

  /// Gives `count` lines back to the producer.
  public func release(_ count: Int) {
    unsafe consumer.pointee.own += count
    unsafe head.pointee.store(consumer.pointee.own, ordering: .releasing)
  }
}
