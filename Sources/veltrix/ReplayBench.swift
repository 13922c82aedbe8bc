import Bounded
import CMallocCount
import CSystem
import Disk
import Hunt
import Pages
import Partitions
import Scoring

/// `veltrix bench replay`: a journal is made once, by stepping a partition, and then applied again
/// to fresh ones through what recovery calls.
///
/// Timed: from the first line to every board in order. Not timed: reading files, checking frames,
/// making the empty state. The pool's memory was touched before, as an engine touches a large one.
enum ReplayBench {
  /// Lines that are replayed at once, as a frame's are.
  private static let frameLines = 4_096

  static func measure(_ plan: ApplyBench.Plan, _ path: String?) -> Int32 {
    var plan = plan
    plan.digestEvery = 1_000_000
    plan.warms = false
    var capacity = 1
    while capacity < plan.events { capacity *= 2 }
    let lines = Slab(byteCount: capacity * 64, zeroed: false)
    var live = ApplyBench(plan, record: lines)
    if plan.events > plan.players { _ = live.run(events: plan.events - plan.players) }
    let count = live.recordedLines
    let pool = PagePool(pageCount: Partition.pagesNeeded(live.definition, live.map))
    adviseHugePages(pool.memory)
    var rates: [Int] = []
    var allocations: UInt64 = 0
    var agrees = true
    for run in 0...plan.runs {
      var replica = Partition(
        live.definition, map: live.map, number: 1, digestEvery: plan.digestEvery,
        heldLines: 4_096, pool: pool)
      let ending = replay(LineRun(lines, first: 0, count: count), lines, &replica)
      // The first run writes the pool's memory for the first time.
      if run == 0 { continue }
      agrees =
        agrees && ending.isSound && replica.books.sum == live.books
        && replica.state.digest() == live.digest
        && boards(replica) == boards(live.partition)
      allocations += ending.allocations
      let rate = Int(Int64(count) * 1_000_000_000 / ending.wall)
      rates.append(rate)
      Terminal.out(
        "run \(run): \(rate) events/s, \(ending.wall / 1_000_000) ms of which boards "
          + "\(ending.boards / 1_000_000) ms, \(ending.processor / Int64(count)) ns of processor "
          + "an event")
    }
    rates.sort()
    return report(plan, path, rates, count, allocations, agrees, live.digest)
  }

  private struct Ending {
    var wall: Int64 = 0
    var processor: Int64 = 0
    /// Part of `wall`.
    var boards: Int64 = 0
    var allocations: UInt64 = 0
    var isSound = false
  }

  private static func replay(
    _ run: LineRun, _ lines: Slab, _ replica: inout Partition
  ) -> Ending {
    var ending = Ending()
    var effects = EffectBuffer(capacity: 1)
    let allocations = vx_malloc_count()
    let start = vx_monotonic_ns()
    let processorStart = vx_thread_cpu_ns()
    replica.beginReplay()
    do throws(ReplayFault) {
      var first = 0
      while first < run.count {
        let count = min(frameLines, run.count - first)
        try replica.replay(LineRun(lines, first: first, count: count), &effects)
        first += count
      }
      ending.isSound = replica.books.isBalanced
    } catch { Terminal.error("veltrix bench: offset \(error.offset): \(error.reason)") }
    let sortStart = vx_monotonic_ns()
    replica.endReplay()
    let end = vx_monotonic_ns()
    ending.wall = end - start
    ending.boards = end - sortStart
    ending.processor = vx_thread_cpu_ns() - processorStart
    ending.allocations = UInt64(vx_malloc_count() - allocations)
    return ending
  }

  /// A number that tells every rank of every board.
  private static func boards(_ partition: borrowing Partition) -> UInt64 {
    var hash: UInt64 = 0
    for index in 0..<partition.state.boards.count {
      for window in [BoardWindow.current, .previous] {
        partition.state.boards[index].top(limit: .max, in: window, partition.state.space) { row in
          hash = mixed(hash ^ UInt64(row.member) ^ UInt64(bitPattern: row.score) &<< 24)
        }
        hash = mixed(hash ^ 1)
      }
    }
    return hash
  }

  private static func report(
    _ plan: ApplyBench.Plan, _ path: String?, _ rates: [Int], _ count: Int, _ allocations: UInt64,
    _ agrees: Bool, _ digest: Hash128
  ) -> Int32 {
    let median = rates[rates.count / 2]
    Terminal.out(
      """
      median \(median) events/s  \(rates[0]) ... \(rates[rates.count - 1])  \
      \(plan.runs) runs x \(count), digests and boards included
      allocations \(allocations) in \(count * plan.runs) events
      \(agrees ? "digest, books and every rank agree with the live state" : "DISAGREES with the live state")
      digest \(digest.hex)
      """)
    if let path {
      let json = """
        {"events_per_second":\(median),"events_per_second_min":\(rates[0]),\
        "events_per_second_max":\(rates[rates.count - 1]),"runs":\(plan.runs),\
        "events":\(count),"players":\(plan.players),"treasures":\(plan.treasures),\
        "allocations":\(allocations),"agrees":\(agrees)}

        """
      do throws(DiskFault) { try Files.replace(path, Array(json.utf8)) } catch {
        Terminal.error("veltrix bench: \(error)")
        return ExitCode.usage
      }
    }
    return agrees ? ExitCode.fine : ExitCode.failedCheck
  }
}
