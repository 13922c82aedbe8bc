import Bus
import CSystem
import Synchronization
import Testing
import Testkit

// The queue of a job thread: order, its bound, and what a stop leaves. Not verified here: how long a
// job waits.

/// What jobs have done, in order, and a gate that holds the first of them.
private final class Record: Sendable {
  let done = Mutex<[Int]>([])
  let isOpen = Atomic<Bool>(false)
  let hasBegun = Atomic<Bool>(false)

  func wait() {
    hasBegun.store(true, ordering: .releasing)
    while !isOpen.load(ordering: .acquiring) { vx_sleep_ns(100_000) }
  }

  func begun() { while !hasBegun.load(ordering: .acquiring) { vx_sleep_ns(100_000) } }
  var all: [Int] { done.withLock { $0 } }
}

/// Submits a job that notes its number; what refused it.
private func note(_ thread: JobThread, _ record: Record, _ number: Int) -> JobRefusal? {
  do throws(JobRefusal) {
    try thread.submit { record.done.withLock { $0.append(number) } }
    return nil
  } catch { return error }
}

/// Jobs from several threads are each done once, those of one thread in its order.
@Test func jobsAreDoneOnceAndInOrder() {
  let (thread, record) = (JobThread(name: "jobs", waitingMax: 8, atStop: .done), Record())
  let givers = (0..<4).map { giver in
    OSThread(name: "giver-\(giver)") {
      for at in 0..<500 {
        while let refusal = note(thread, record, giver * 500 + at) {
          if refusal == .stopping { return }
          vx_sleep_ns(10_000)
        }
      }
    }
  }
  for giver in givers { giver.join() }
  thread.stop()
  let done = record.all
  #expect(done.sorted() == Array(0..<2_000))
  for giver in 0..<4 {
    let own = done.filter { $0 / 500 == giver }
    #expect(own == own.sorted())
  }
}

/// While a job is under way exactly `waitingMax` more are taken; a stop does them all, or none of
/// them, as was chosen, and what comes later is refused.
@Test(arguments: [JobThread.Ending.done, .dropped])
func aFullQueueRefusesAndAStopEndsIt(_ ending: JobThread.Ending) throws {
  let (thread, record) = (JobThread(name: "jobs", waitingMax: 5, atStop: ending), Record())
  try thread.submit { record.wait() }
  record.begun()
  for number in 0..<5 { #expect(note(thread, record, number) == nil) }
  #expect(note(thread, record, 5) == .full(waitingMax: 5))
  let opener = OSThread(name: "opener") {
    while !thread.isStopping { vx_sleep_ns(100_000) }
    record.isOpen.store(true, ordering: .releasing)
  }
  thread.stop()
  opener.join()
  #expect(record.all == (ending == .done ? [0, 1, 2, 3, 4] : []))
  #expect(note(thread, record, 6) == .stopping)
  thread.stop()
  #expect(record.all.count <= 5)
}
