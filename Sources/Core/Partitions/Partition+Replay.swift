public import Bounded
import Events
public import Hunt

// A replay answers nobody, so between its begin and its end the boards are not kept in order.
extension Partition {
  /// The events to come are a journal's: boards have no order until `endReplay`, and reading one
  /// traps.
  public mutating func beginReplay() { state.beginReplay() }

  /// The journal is at its end: every board is put in order, and steps may follow.
  ///
  /// - Complexity: O(players); takes memory for a moment.
  public mutating func endReplay() { state.endReplay() }

  /// Applies a run of the journal's events again, in order.
  ///
  /// - Throws: As `replay` of one event, at the first that fails; those before it are applied.
  public mutating func replay(
    _ lines: LineRun, _ effects: inout EffectBuffer
  ) throws(ReplayFault) {
    let count = lines.count
    state.holdBoards()
    defer { state.releaseBoards() }
    // Rows are fetched ahead as in a step.
    for at in 0..<min(16, count) { state.prefetchIndex(lines, at) }
    for at in 0..<count {
      if at + 16 < count { state.prefetchIndex(lines, at + 16) }
      if at + 8 < count { state.prefetchRow(lines, at + 8) }
      if state.asksForSteps && at + 4 < count { state.prefetchStep(lines, at + 4) }
      _ = try replay(lines.load(at, as: Event.self), &effects)
    }
  }
}
