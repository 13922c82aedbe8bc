import Glibc

/// Why the machine could not give us an endpoint.
public enum NetFault: Error, Equatable, Sendable, CustomStringConvertible {
  /// Veltrix speaks on 127.0.0.0/8, localhost and ::1 only.
  case notLoopback(host: String)
  /// The system call `call` failed for `endpoint` with `errno`.
  case system(call: String, endpoint: String, errno: Int32)
  /// The process may open `allowed` descriptors; the limits ask for `needed`.
  case tooFewDescriptors(needed: Int, allowed: Int)
  /// The loop already has as many connections as its limits allow.
  case tooManyConnections(Int)

  public var description: String {
    switch self {
    case .notLoopback(let host): "\(host): not a loopback address"
    case .system(let call, let endpoint, let errno):
      "\(call) \(endpoint): \(unsafe String(cString: strerror(errno)))"
    case .tooFewDescriptors(let needed, let allowed):
      "\(needed) file descriptors needed, \(allowed) allowed"
    case .tooManyConnections(let count): "\(count) connections are open already"
    }
  }
}

/// What a loop has done since it was made. Totals only grow.
public struct NetCounts: Sendable, Equatable {
  /// Connections accepted or made.
  public var opened = 0
  /// Connections gone again; `opened - gone` are open or saying goodbye.
  public var gone = 0
  /// Connections turned away at the connection limit.
  public var refused = 0
  /// Times the process had no descriptor left for `accept`.
  public var descriptorShortages = 0
  /// HTTP requests handed to an application.
  public var requests = 0
  /// HTTP requests the loop itself answered with an error.
  public var rejected = 0
  /// WebSocket messages handed to an application.
  public var messages = 0
  /// Connections closed because a time limit passed.
  public var timedOut = 0
  /// Sends refused because an out-buffer or the memory limit was full.
  public var sendsRefused = 0
  /// Stream connections closed because one frame filled the whole receive block.
  public var framesTooLong = 0
  /// Bytes from and to the kernel.
  public var receivedBytes = 0
  public var sentBytes = 0

  public init() {}
}
