import Bounded
import Synchronization

/// How long batches took from their arrival to their acknowledgement: of all time, and of the
/// second before last.
final class Latencies: Sendable {
  private struct State {
    var all = Histogram()
    var current = Histogram()
    var last = Histogram()
    var turnsAtNs: Int64 = 0
  }
  private let state = Mutex(State())

  func record(ns: Int64, nowNs: Int64) {
    state.withLock { state in
      if nowNs >= state.turnsAtNs {
        state.last = state.current
        state.current = Histogram()
        state.turnsAtNs = nowNs + 1_000_000_000
      }
      state.all.record(ns)
      state.current.record(ns)
    }
  }

  var all: Histogram { state.withLock { $0.all } }
  /// Of the last whole second in which something was recorded.
  var recent: Histogram { state.withLock { $0.last } }
}
