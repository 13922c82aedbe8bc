public import Bounded
import Bus
import Synchronization

/// What became durable last, for one reader that keeps up with the journal; one that does not reads
/// the files until it does again.
///
/// Reading what was just written costs the writer: the kernel must drop the pages read ahead before
/// each write past its cache. At 500,000 events/s that alone doubled p99.
public final class JournalFeed: Sendable {
  private enum State {
    /// Nothing is fed: the reader fell behind, or there is none.
    static let closed: UInt8 = 0
    /// The reader has read all there was, and waits for the next frame.
    static let wanted: UInt8 = 1
    static let open: UInt8 = 2
  }

  private let ring: LineRing
  private let state = Atomic<UInt8>(State.closed)
  /// Journal offset of the ring's line 0, as if it had always been open.
  private let base = Atomic<UInt64>(0)

  init(lines: Int) { ring = LineRing(capacity: lines) }

  // MARK: The journal's thread

  /// Whether the next `count` events are to be fed: stored in `store`, then published.
  func accepts(_ count: Int) -> Bool {
    let now = state.load(ordering: .acquiring)
    if now == State.closed { return false }
    if ring.hasRoom(count) { return true }
    if now == State.open { state.store(State.closed, ordering: .releasing) }
    return false
  }

  func store<Line: BitwiseCopyable>(_ line: Line, _ at: Int) {
    ring.store(line, ring.writeIndex + at)
  }

  /// The events stored are durable.
  ///
  /// - Parameter first: Journal offset of the first.
  func publish(_ count: Int, first: UInt64) {
    if state.load(ordering: .acquiring) == State.wanted {
      base.store(first &- UInt64(ring.writeIndex), ordering: .relaxed)
      state.store(State.open, ordering: .releasing)
    }
    ring.publish(count)
  }

  // MARK: The reader

  /// Whether the event at `offset` can be read here.
  public func holds(_ offset: UInt64) -> Bool {
    ring.availableNow > 0 && base.load(ordering: .relaxed) &+ UInt64(ring.readIndex) <= offset
  }

  /// Calls `body` with durable events from `offset` on, at most `limit`; false, and nothing
  /// called, when they must be read from the files.
  public func read<Failure: Error>(
    from offset: UInt64, limit: Int, _ body: (LineRun) throws(Failure) -> Void
  ) throws(Failure) -> Bool {
    guard ring.availableNow > 0 else {
      _ = state.compareExchange(
        expected: State.closed, desired: State.wanted, ordering: .acquiringAndReleasing)
      return false
    }
    let first = base.load(ordering: .relaxed) &+ UInt64(ring.readIndex)
    if offset < first { return false }
    // What was read from the files meanwhile.
    let known = min(ring.available, Int(clamping: offset - first))
    ring.release(known)
    let count = min(limit, ring.available)
    if count == 0 { return false }
    defer { ring.release(count) }
    try body(LineRun(ring.lines, first: ring.readIndex, count: count))
    return true
  }
}
