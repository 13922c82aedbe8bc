import CSystem
import Foundation
import Net
import Testing
import Testkit

/// Out of descriptors, a loop says 503 with the spare one, waits without spinning, and serves again
/// once there are descriptors. In a process of its own, whose limit it may lower.
@Test func descriptorShortagesPass() async {
  await #expect(processExitsWith: .success) {
    var limits = Running.smallLimits
    limits.acceptPauseMs = 50
    let (running, port) = runEcho(limits: limits)
    let inside = Client(port)
    inside.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
    precondition(inside.readAnswer()?.status == 200)
    // Clients take their descriptors first; the server then has one left for two of them.
    let outside = (0..<2).map { _ in UnconnectedClient() }
    let next = vx_open("/dev/null", O_RDONLY, 0)
    close(next)
    var limit = rlimit(rlim_cur: rlim_t(next + 1), rlim_max: 4_096)
    precondition(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    let cpuBefore = vx_process_cpu_ns()
    for client in outside { client.connect(port) }
    usleep(400_000)
    let cpuNs = vx_process_cpu_ns() - cpuBefore
    precondition(cpuNs < 100_000_000, "spun for \(cpuNs) ns")
    inside.send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n")
    precondition(inside.readAnswer()?.status == 200, "those inside stay served")
    let first = outside[0].status()
    let second = outside[1].status()
    precondition(first == 200 && second == 503, "\(first) \(second)")
    limit.rlim_cur = 4_096
    precondition(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    precondition(ask(port, "GET /c HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 200)
    let counts = running.stop()
    precondition(counts.descriptorShortages >= 1 && counts.refused >= 1)
  }
}

/// A socket made before its connection is.
private final class UnconnectedClient {
  private let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)

  func connect(_ port: UInt16) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let made = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    precondition(made == 0)
    let request = Array("GET /a HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
    _ = send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
  }

  func status() -> Int {
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    guard count > 12 else { return -1 }
    return Int(String(decoding: bytes[9..<12], as: UTF8.self)) ?? -1
  }
}
