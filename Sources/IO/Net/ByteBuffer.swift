import Glibc

/// How many bytes a loop's growing buffers may hold together.
final class MemoryBudget {
  let byteCountMax: Int
  private(set) var byteCount = 0

  init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

  func take(_ bytes: Int) -> Bool {
    guard byteCount + bytes <= byteCountMax else { return false }
    byteCount += bytes
    return true
  }

  func giveBack(_ bytes: Int) { byteCount -= bytes }
}

/// Bytes added at the back and taken from the front.
///
/// Grows by doubling, never past `byteCountMax` nor its budget; a refusal changes nothing. Adding
/// is O(bytes) amortised, taking is O(1).
@safe struct ByteBuffer: ~Copyable {
  private var memory: UnsafeMutableRawPointer?
  private(set) var capacity = 0
  private var start = 0
  private var end = 0
  private let byteCountMax: Int
  private let budget: MemoryBudget

  init(byteCountMax: Int, budget: MemoryBudget) {
    self.byteCountMax = byteCountMax
    self.budget = budget
  }

  deinit {
    budget.giveBack(capacity)
    unsafe free(memory)
  }

  var count: Int { end - start }
  var isEmpty: Bool { end == start }

  /// The bytes held; valid until the next mutation.
  var bytes: UnsafeRawBufferPointer {
    guard let memory = unsafe memory else {
      return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    }
    return unsafe UnsafeRawBufferPointer(start: memory + start, count: count)
  }

  /// Makes room for `byteCount` more bytes and returns where they go, or nil when there is none.
  /// Nothing is added until `commit`.
  mutating func reserve(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    if capacity - end < byteCount || capacity == 0 {
      guard makeRoom(byteCount) else { return nil }
    }
    return unsafe memory! + end
  }

  /// Adds the first `byteCount` bytes of the last reservation.
  mutating func commit(_ byteCount: Int) {
    precondition(byteCount >= 0 && end + byteCount <= capacity, "commit of \(byteCount) bytes")
    end += byteCount
  }

  mutating func append(_ source: UnsafeRawBufferPointer) -> Bool {
    guard let target = unsafe reserve(source.count) else { return false }
    if let from = source.baseAddress {
      unsafe target.copyMemory(from: from, byteCount: source.count)
    }
    end += source.count
    return true
  }

  mutating func append(_ source: RawSpan) -> Bool {
    unsafe source.withUnsafeBytes { unsafe append($0) }
  }

  mutating func append(_ text: StaticString) -> Bool {
    unsafe append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Adds the UTF-8 of `text`.
  mutating func append(_ text: String) -> Bool {
    unsafe append(text.utf8Span.span.bytes)
  }

  mutating func append(decimal value: Int) -> Bool {
    append(String(value))
  }

  /// Takes `byteCount` bytes from the front.
  mutating func removeFirst(_ byteCount: Int) {
    precondition(byteCount >= 0 && byteCount <= count, "\(byteCount) of \(count) bytes")
    start += byteCount
    if start == end { (start, end) = (0, 0) }
  }

  /// Forgets the bytes from offset `byteCount` on.
  mutating func truncate(to byteCount: Int) {
    precondition(byteCount >= 0 && byteCount <= count, "\(byteCount) of \(count) bytes")
    end = start + byteCount
  }

  /// Forgets everything; memory beyond `keptBytes` goes back.
  mutating func clear(keeping keptBytes: Int) {
    (start, end) = (0, 0)
    guard capacity > keptBytes else { return }
    unsafe free(memory)
    unsafe memory = nil
    budget.giveBack(capacity)
    capacity = 0
  }

  private mutating func makeRoom(_ byteCount: Int) -> Bool {
    let needed = count + byteCount
    guard needed <= byteCountMax else { return false }
    // Moving down is worth it once at least half the block lies before the first byte: each byte
    // then moves at most once on its way through.
    if start > 0, needed <= capacity, start >= capacity / 2 {
      unsafe memory!.copyMemory(from: memory! + start, byteCount: count)
      (start, end) = (0, count)
      return true
    }
    var larger = max(capacity * 2, 1_024)
    while larger < needed { larger *= 2 }
    guard budget.take(larger - capacity) else { return false }
    guard let fresh = unsafe malloc(larger) else {
      budget.giveBack(larger - capacity)
      return false
    }
    if let memory = unsafe memory {
      unsafe fresh.copyMemory(from: memory + start, byteCount: count)
    }
    unsafe free(memory)
    unsafe memory = fresh
    capacity = larger
    (start, end) = (0, count)
    return true
  }
}
