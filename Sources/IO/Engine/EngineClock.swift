import Machine

/// Wall-clock time that never goes back: read once from the system, then carried by the monotonic
/// clock, so that a step of the system's clock moves no hunt.
public struct EngineClock: Sendable {
  private let wallMs: Int64
  private let monotonicNs: Int64

  public init() {
    wallMs = ThisMachine.wallMs
    monotonicNs = ThisMachine.monotonicNs
  }

  /// ms since 1970.
  public var nowMs: Int64 { wallMs + (ThisMachine.monotonicNs - monotonicNs) / 1_000_000 }
}
