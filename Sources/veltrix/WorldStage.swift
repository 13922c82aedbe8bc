import Bus
import Disk
import Machine
import Synchronization

/// Says on stderr what the command is doing, when that takes longer than a second.
final class Stage: Sendable {
  private let isOver = Mutex(false)

  /// Runs `body` and returns what it returns.
  static func run<Result, Failure: Error>(
    _ name: String, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let stage = Stage()
    let thread = OSThread(name: "vx-progress") { stage.watch(name) }
    defer {
      stage.isOver.withLock { $0 = true }
      thread.join()
    }
    return try body()
  }

  private func watch(_ name: String) {
    let start = ThisMachine.monotonicNs
    var said = 0
    while !isOver.withLock({ $0 }) {
      ThisMachine.sleep(ns: 10_000_000)
      let seconds = Int((ThisMachine.monotonicNs - start) / 1_000_000_000)
      if seconds == said { continue }
      said = seconds
      if Terminal.isErrorOnScreen {
        Terminal.progress("\(name), \(seconds) s")
      } else if seconds == 1 || seconds % 5 == 0 {
        Terminal.error("\(name), \(seconds) s")
      }
    }
    if said > 0 && Terminal.isErrorOnScreen { Terminal.progress("") }
  }
}
