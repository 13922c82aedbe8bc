import Bus
import Glibc
import Synchronization
import Testing
import Testkit

// Under which of the kernel's policies threads run. Not verified here: what the kernel makes of it.

private var niceness: Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) }

/// What the kernel says of a thread's place among others.
private struct Standing: Equatable {
  var policy: Int32
  /// Whether threads that it starts are ordinary ones.
  var isForItselfAlone: Bool
  var rank: Int32
  var nice: Int32

  static var ofThisThread: Standing {
    let resetOnFork: Int32 = 0x4000_0000
    let word = sched_getscheduler(0)
    var parameters = sched_param()
    sched_getparam(0, &parameters)
    return Standing(
      policy: word & ~resetOnFork, isForItselfAlone: word & resetOnFork != 0,
      rank: parameters.sched_priority, nice: niceness)
  }

  static let ordinary = Standing(
    policy: SCHED_OTHER, isForItselfAlone: false, rank: 0, nice: niceness)
}

private final class Pair: Sendable {
  let own = Mutex<Standing?>(nil)
  let child = Mutex<Standing?>(nil)
  let isPermitted = Mutex(false)
}

/// Starts a thread of that priority, which starts one of none.
private func standings(_ priority: ThreadPriority) -> (own: Standing?, child: Standing?) {
  let pair = Pair()
  OSThread(name: "parent", priority: priority) {
    pair.own.withLock { $0 = .ofThisThread }
    OSThread(name: "child") { pair.child.withLock { $0 = .ofThisThread } }.join()
  }.join()
  return (pair.own.withLock { $0 }, pair.child.withLock { $0 })
}

/// Whether this process may have realtime threads.
private var mayBeRealtime: Bool {
  let pair = Pair()
  OSThread(name: "asks") {
    var parameters = sched_param()
    parameters.sched_priority = 1
    let isGiven = sched_setscheduler(0, SCHED_FIFO, &parameters) == 0
    pair.isPermitted.withLock { $0 = isGiven }
  }.join()
  return pair.isPermitted.withLock { $0 }
}

/// A realtime thread has its rank where the process may ask for it, and is an ordinary one
/// elsewhere; threads that it starts are ordinary ones.
@Test(arguments: [1, 3])
func realtimeThreadsHaveTheirRank(_ rank: Int) {
  let (own, child) = standings(.realtime(rank: rank))
  #expect(child == .ordinary)
  if mayBeRealtime {
    #expect(own?.policy == SCHED_FIFO && own?.rank == Int32(rank))
    #expect(own?.isForItselfAlone == true)
  } else {
    print("realtimeThreadsHaveTheirRank: SCHED_FIFO is not permitted here; that part is skipped")
    #expect(own?.policy == SCHED_OTHER && own?.rank == 0)
  }
}

/// A prompt thread is an ordinary one for the kernel, and what it is given it does not hand on.
@Test func promptThreadsHandNothingOn() {
  let (own, child) = standings(.prompt)
  #expect(own?.policy == SCHED_OTHER)
  #expect(child == .ordinary)
  #expect(standings(.normal).own == .ordinary)
}
