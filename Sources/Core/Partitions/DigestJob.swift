import Bounded
import Pages

/// A digest in progress: a fork of the state at its place, hashed a few pages at a time so that no
/// step waits for the whole.
struct DigestJob: ~Copyable {
  let events: UInt64
  private var fork: PageSpace
  private var nextPage = 0

  init(events: UInt64, fork: consuming PageSpace) {
    self.events = events
    self.fork = fork
  }

  /// Hashes up to `count` pages more; true when none is left.
  mutating func advance(_ count: Int) -> Bool {
    nextPage = fork.hashPages(from: nextPage, count: count)
    return nextPage == fork.pageCount
  }

  /// The digest; hashes what is left.
  mutating func finish() -> Hash128 { fork.digest() }
}
