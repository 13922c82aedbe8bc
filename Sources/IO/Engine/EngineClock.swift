import CSystem

/// Wall-clock time that never goes back: read once from the system, then carried by the monotonic
/// clock, so that a step of the system's clock moves no hunt.
public struct EngineClock: Sendable {
  private let wallMs: Int64
  private let monotonicNs: Int64

  public init() {
    wallMs = vx_wall_ms()
    monotonicNs = vx_monotonic_ns()
  }

  /// ms since 1970.
  public var nowMs: Int64 { wallMs + (vx_monotonic_ns() - monotonicNs) / 1_000_000 }
}
