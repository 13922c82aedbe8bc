import CSystem
import Glibc

/// A loopback address and port.
struct Endpoint: CustomStringConvertible {
  /// Host byte order; nil for ::1.
  let v4: UInt32?
  let port: UInt16

  /// Reads "localhost", "::1", "[::1]" or a dotted address in 127.0.0.0/8.
  init(host: String, port: UInt16) throws(NetFault) {
    self.port = port
    switch host {
    case "localhost": v4 = 0x7F00_0001
    case "::1", "[::1]": v4 = nil
    default:
      let parts = host.split(separator: ".", omittingEmptySubsequences: false)
      var address: UInt32 = 0
      for part in parts {
        // Leading zeros mean octal to some readers, so they mean nothing here.
        guard let byte = UInt8(part), String(byte) == part else { throw .notLoopback(host: host) }
        address = address << 8 | UInt32(byte)
      }
      guard parts.count == 4, address >> 24 == 127 else { throw .notLoopback(host: host) }
      v4 = address
    }
  }

  /// A listening socket, and the port it got (`port` 0 lets the kernel pick one).
  func listen(backlogCount: Int) throws(NetFault) -> (descriptor: Int32, port: UInt16) {
    var bound: UInt16 = 0
    let descriptor = unsafe vx_tcp_listen(
      v4 == nil ? 1 : 0, v4 ?? 0, port, Int32(clamping: backlogCount), &bound)
    if descriptor < 0 { throw .system(call: "listen", endpoint: description, errno: errno) }
    return (descriptor, bound)
  }

  /// A socket on its way to this endpoint.
  func connect() throws(NetFault) -> Int32 {
    let descriptor = vx_tcp_connect(v4 == nil ? 1 : 0, v4 ?? 0, port)
    if descriptor < 0 { throw .system(call: "connect", endpoint: description, errno: errno) }
    return descriptor
  }

  var description: String {
    guard let v4 else { return "[::1]:\(port)" }
    return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255):\(port)"
  }
}

/// A listening socket and whom it serves.
struct Listener {
  enum Serves {
    case http(any HTTPApplication)
    case stream(any StreamApplication)
  }
  let descriptor: Int32
  let serves: Serves
}
