import Bus
import Synchronization
import World

/// The thread that answers reads too long for a partition's thread, with the scratch of one search
/// for a path.
final class Readers: Sendable {
  /// Nodes that one search may look at: 32 MB of scratch. A way over a grid of four directions is
  /// searched for in tiles in the same memory, some 12,000,000 nodes.
  static let nodeBudget = 600_000
  private let thread = JobThread(name: "vx-reader", waitingMax: 64, atStop: .dropped)
  /// The thread's alone.
  private let finder = Mutex(PathFinder(nodeBudgetMax: Readers.nodeBudget, wholeGrids: true))

  func submit(_ job: @escaping @Sendable (inout PathFinder) -> Void) throws(JobRefusal) {
    try thread.submit { [self] in finder.withLock { job(&$0) } }
  }

  func stop() { thread.stop() }
}
