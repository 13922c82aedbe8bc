import Bounded
import Bus
import Glibc
import Testing
import Testkit

// Checks order, wholeness and loss between two real threads. It does not prove the absence of data
// races: the thread sanitizer does that for the runs it sees.

/// 64 bytes that tell whether they arrived together: eight words, each mixed from the line's number.
private struct Line: BitwiseCopyable, Equatable {
  var words: InlineArray<8, UInt64>

  init(_ number: Int) {
    words = InlineArray { word in mixed(UInt64(number) &* 8 &+ UInt64(word)) }
  }

  static func == (left: Line, right: Line) -> Bool {
    for at in 0..<8 where left.words[at] != right.words[at] { return false }
    return true
  }
}

/// Sends `lineCount` lines through a ring of `capacity` in random messages; what the consumer saw.
///
/// - Returns: Lines that were out of order or torn, messages of which only a part was visible.
private func pass(
  _ lineCount: Int, capacity: Int, messageMax: Int, seed: UInt64
) -> (wrong: Int, parts: Int) {
  let ring = LineRing(capacity: capacity)
  let producer = OSThread(name: "producer") {
    var random = TestRandom(seed: seed)
    var sent = 0
    while sent < lineCount {
      // The first word of a message's first line tells its length, so that a part is noticed.
      let count = min(1 + random.below(messageMax), lineCount - sent)
      while !ring.hasRoom(count) { sched_yield() }
      for at in 0..<count {
        var line = Line(sent + at)
        if at == 0 { line.words[0] = UInt64(count) }
        if (sent + at) % 8 == 0 {
          let start = ring.offset(ring.writeIndex + at)
          for word in 0..<8 { ring.lines.store(line.words[word], start + word * 8) }
        } else {
          ring.store(line, ring.writeIndex + at)
        }
      }
      ring.publish(count)
      sent += count
    }
  }
  var random = TestRandom(seed: seed &+ 1)
  var wrong = 0
  var parts = 0
  var received = 0
  while received < lineCount {
    var seen = random.chance(50) ? ring.available : ring.availableNow
    if seen == 0 { sched_yield() }
    while seen > 0 {
      let count = Int(truncatingIfNeeded: ring.load(ring.readIndex, as: UInt64.self))
      guard count >= 1, count <= seen else {
        parts += 1
        producer.join()
        return (wrong, parts)
      }
      for at in 0..<count {
        var expected = Line(received + at)
        if at == 0 { expected.words[0] = UInt64(count) }
        if ring.load(ring.readIndex + at, as: Line.self) != expected { wrong += 1 }
        // Some lines word by word: what the thread sanitizer sees, in a release build.
        if (received + at) % 8 == 0 {
          let start = ring.offset(ring.readIndex + at)
          for word in 0..<8
          where ring.lines.load(start + word * 8, as: UInt64.self) != expected.words[word] {
            wrong += 1
          }
        }
      }
      ring.release(count)
      received += count
      seen -= count
    }
  }
  producer.join()
  if ring.availableNow != 0 { wrong += 1 }
  return (wrong, parts)
}

/// Two threads, two million lines, messages of random length: every line arrives once, whole and in
/// order, and a message is visible as a whole or not at all.
@Test func linesArriveInOrderAndWhole() {
  let seen = pass(1_900_000, capacity: 1_024, messageMax: 200, seed: runSeed)
  #expect(seen == (0, 0), "repeat with SEED=\(runSeed)")
}

/// The same when the ring is as small as it can be, so that it is full or empty nearly always.
@Test func aTinyRingLosesNothing() {
  for (capacity, messageMax) in [(2, 1), (2, 2), (4, 3), (8, 8)] {
    let seen = pass(25_000, capacity: capacity, messageMax: messageMax, seed: runSeed)
    #expect(seen == (0, 0), "capacity \(capacity); repeat with SEED=\(runSeed)")
  }
}

/// On one thread the ring is a queue: random publishes and releases equal those of an array, `free`
/// and `available` always add up to the capacity, and bytes copied across the ring's end are read
/// back across it.
@Test func ringEqualsAQueue() {
  #expect(
    forAll(cases: 50) { random in
      let ring = LineRing(capacity: 2 + random.below(60))
      var queue: [UInt64] = []
      for _ in 0..<400 {
        if random.chance(50) {
          let count = random.below(ring.capacity + 2)
          if ring.hasRoom(count) != (queue.count + count <= ring.capacity) { return false }
          guard count > 0, ring.hasRoom(count) else { continue }
          let bytes = (0..<(count * 64)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
          ring.copy(from: bytes.span.bytes, to: ring.writeIndex)
          ring.publish(count)
          for line in 0..<count {
            queue.append((0..<8).reduce(0) { $0 | UInt64(bytes[line * 64 + $1]) << UInt64(8 * $1) })
          }
        } else {
          let seen = ring.availableNow
          if seen != queue.count { return false }
          let count = random.below(seen + 1)
          for at in 0..<count {
            if ring.load(ring.readIndex + at, as: UInt64.self) != queue[at] { return false }
          }
          var first: [UInt8] = []
          ring.withBytes(ring.readIndex, byteCount: count * 64) { run in
            for at in 0..<run.byteCount { first.append(run.byte(at)) }
          }
          if first.count != count * 64 { return false }
          for at in 0..<count where first[at * 64] != UInt8(truncatingIfNeeded: queue[at]) {
            return false
          }
          ring.release(count)
          queue.removeFirst(count)
        }
        if ring.free + queue.count != ring.capacity { return false }
      }
      return true
    })
}
