import Events
import Hunt

extension Event {
  /// Checks what the engine makes sure of before it journals an event, so that a journal that
  /// somebody changed, checksums and all, ends a replay by a fault and not by a trap.
  ///
  /// What only the state can judge is not checked here: `ReplayFault` has its own reasons for it.
  ///
  /// - Complexity: O(1), no allocation.
  @inline(__always)
  func checkJournalled(_ kind: EventKind) throws(Rejection) {
    switch kind {
    case .tick:
      guard time >= 0, time <= Self.timeMax else {
        throw Rejection(.outOfRange, .time, position: 32)
      }
    case .control:
      guard HuntPhase(rawValue: value) != nil else {
        throw Rejection(.outOfRange, .value, position: 56)
      }
    case .tally:
      let tally = Tally(self)
      guard max(tally.duplicate, tally.rejected, tally.shed) <= Tally.countMax else {
        throw Rejection(.outOfRange, .value, position: 16)
      }
    case .name, .digest, .promote: break
    default: if kind.isSupported { try checkSent() }
    }
  }

  /// As `validate`, but for what the engine fills in: its own flags, the producer, and the
  /// sequence, which counts on beyond a sender's greatest or is the hash of a key.
  private func checkSent() throws(Rejection) {
    var bare = self
    if flags.contains(.idempotencyKey) {
      bare.flags.subtract([.idempotencyKey, .bodyMask])
    } else {
      guard sequence >= 1, sequence < 1 << 63 else {
        throw Rejection(.outOfRange, .sequence, position: 16)
      }
    }
    guard producer != 0 else { throw Rejection(.missingField, .producer, position: 8) }
    bare.flags.subtract(.operate)
    bare.sequence = 1
    try bare.validate()
  }
}
