import Bounded
import Foundation
import Testing
import Testkit

@testable import Pages

// Spaces of one pool on several threads at once. Right answers are checked here; that there is no
// race is what the thread sanitizer checks, for the runs it sees, and in a release build only: in a
// debug build what slabs load and store is copied by the runtime, where it sees nothing.
//
//     swift test -c release -Xswiftc -enable-testing --sanitize=thread --filter PagesTests

/// Runs `body` on so many threads and waits for all; whether every one returned true.
private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Bool) -> Bool {
  let failures = ReferenceCounts(count: 1_000)  // any shared counter will do
  let threads = (0..<count).map { number in
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      if !body(number) { _ = failures.take() }
      done.signal()
    }
    thread.stackSize = 1 << 20
    thread.start()
    return done
  }
  for done in threads { done.wait() }
  return failures.freeCount == 999
}

/// Hands spaces from thread to thread.
private final class Tray: @unchecked Sendable {
  private let lock = NSLock()
  private var twins: [Twin] = []
  var isClosed = false

  func put(_ twin: Twin) -> Bool {
    lock.lock()
    defer { lock.unlock() }
    if twins.count >= 8 { return false }
    twins.append(twin)
    return true
  }

  func take() -> Twin? {
    lock.lock()
    defer { lock.unlock() }
    return twins.isEmpty ? nil : twins.removeFirst()
  }

  func close() {
    lock.lock()
    defer { lock.unlock() }
    isClosed = true
  }

  var isDone: Bool {
    lock.lock()
    defer { lock.unlock() }
    return isClosed && twins.isEmpty
  }
}

/// The live space writes and forks on its thread while others read, hash, compare, write, fork and
/// drop its forks; everything reads right and every page comes back.
@Test func forksMayLiveOnAnyThread() {
  let layout = makeLayout(130)
  let pool = PagePool(pageCount: layout.pageCount * 3 + 1)
  let tray = Tray()
  let isRight = onThreads(4) { number in
    var random = TestRandom(seed: runSeed &+ UInt64(number))
    if number == 0 {
      let live = Twin(
        PageSpace(layout, pool: pool), [UInt8](repeating: 0, count: 130 * pageBytes))
      var refused = 0
      for round in 0..<400 {
        for _ in 0..<40 { live.write(random.next(), random.below(130 * 512)) }
        do throws(ForkRefusal) {
          let fork = Twin(try live.space.fork(writable: random.chance(60)), live.bytes)
          if round % 16 == 0 { _ = live.space.digest() }
          _ = tray.put(fork)  // a full tray drops it here
        } catch { refused += 1 }
      }
      tray.close()
      return live.readsRight && refused < 400
    }
    while !tray.isDone {
      guard let twin = tray.take() else {
        Thread.sleep(forTimeInterval: 0.0001)
        continue
      }
      var sibling: Twin?
      for _ in 0..<4 {
        if twin.space.kind == .branch && twin.space.hasRoom(pages: 10) {
          for _ in 0..<10 { twin.write(random.next(), random.below(130 * 512)) }
        }
        if random.chance(30) {
          guard let fork = try? twin.space.fork(writable: true) else { return false }
          sibling = Twin(fork, twin.bytes)
        }
        _ = twin.space.digest()
        if let sibling {
          if sibling.space.hasRoom(pages: 5) {
            for _ in 0..<5 { sibling.write(random.next(), random.below(130 * 512)) }
          }
          if sibling.spaceDifferences(from: twin) != sibling.differences(from: twin) {
            return false
          }
        }
      }
      if !twin.readsRight { return false }
      if let sibling {
        if !sibling.readsRight { return false }
        _ = tray.put(sibling)
      }
    }
    return true
  }
  #expect(isRight)
  #expect(pool.isAccounted([]) && pool.freeCount == pool.pageCount - 1)
}

/// Two threads that hash what they share agree, each time.
@Test func sharedPagesAreHashedAlike() throws {
  let layout = makeLayout(200)
  let pool = PagePool(pageCount: layout.pageCount * 2 + 1)
  var live = PageSpace(layout, pool: pool)
  var random = TestRandom(seed: runSeed)
  for _ in 0..<30 {
    for page in 0..<200 { live.store(random.next(), page * pageBytes) }
    let twins = Pair(Twin(try live.fork(), []), Twin(try live.fork(), []))
    let digests = Slab(byteCount: 64)
    let isRight = onThreads(2) { number in
      let twin = number == 0 ? twins.left : twins.right
      digests.store(twin?.space.digest() ?? .zero, number * 32)
      return true
    }
    // Now, and not when the threads let go of their closures.
    (twins.left, twins.right) = (nil, nil)
    #expect(isRight)
    let digest = digests.load(0, as: Hash128.self)
    #expect(digest == digests.load(32, as: Hash128.self))
    #expect(digest == live.digest())
  }
}

private final class Pair: @unchecked Sendable {
  var left: Twin?
  var right: Twin?
  init(_ left: Twin, _ right: Twin) {
    self.left = left
    self.right = right
  }
}

/// Numbers taken and given back by several threads at once are never held twice nor lost.
@Test func numbersAreHeldOnce() {
  let counts = ReferenceCounts(count: 64)
  let held = Slab(byteCount: 64 * 4)
  let isRight = onThreads(4) { number in
    var random = TestRandom(seed: runSeed &+ UInt64(number))
    var mine: [Int] = []
    for _ in 0..<20_000 {
      if random.chance(55), let taken = counts.take() {
        if held.sharedAdd32(1, taken * 4) != 0 { return false }
        mine.append(taken)
      } else if !mine.isEmpty {
        var chain = ReferenceCounts.Chain()
        for _ in 0..<min(1 + random.below(3), mine.count) {
          let taken = mine.remove(at: random.below(mine.count))
          if held.sharedAdd32(UInt32.max, taken * 4) != 1 { return false }
          guard counts.release(taken) else { return false }
          counts.add(taken, to: &chain)
        }
        counts.give(chain)
      }
    }
    var chain = ReferenceCounts.Chain()
    for taken in mine {
      _ = held.sharedAdd32(UInt32.max, taken * 4)
      guard counts.release(taken) else { return false }
      counts.add(taken, to: &chain)
    }
    counts.give(chain)
    return true
  }
  #expect(isRight && counts.freeCount == 63)
  var seen: Set<Int> = []
  while let number = counts.take() { seen.insert(number) }
  #expect(seen == Set(1..<64))
}
