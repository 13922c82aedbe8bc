import Foundation
import Net
import Testing
import Testkit

/// Runs a replay client of the shared data against an echo server and returns its exit status and
/// output; nil, after saying so, where the data or python3 are missing.
///
/// What it verifies: every recorded case is accepted or rejected as the peers it was recorded from
/// agree. What it does not: cases on which those peers differ, beyond not failing with a 500.
private func replay(
  _ script: String, cases: String, _ arguments: (UInt16) -> [String]
) throws -> (status: Int32, output: String)? {
  guard let shared = sharedFolder else {
    print("conformance: skipped, the shared data is not here")
    return nil
  }
  let python = "/usr/bin/env"
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("veltrix-\(UUID().uuidString)")
  defer { try? FileManager.default.removeItem(at: folder) }  // a leftover folder harms nobody
  let inner = folder.appendingPathComponent("dev")
  try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
  // The scripts look for their cases in a folder "dev" beside them.
  try FileManager.default.copyItem(
    atPath: "\(shared)/clients/\(script)", toPath: folder.appendingPathComponent(script).path)
  try FileManager.default.copyItem(
    atPath: "\(shared)/\(cases)",
    toPath: inner.appendingPathComponent((cases as NSString).lastPathComponent).path)

  let (running, port) = runEcho(limits: NetLimits())
  defer { running.stop() }
  let process = Process()
  process.executableURL = URL(fileURLWithPath: python)
  process.arguments =
    ["python3", folder.appendingPathComponent(script).path, "127.0.0.1", "\(port)"]
    + arguments(port)
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = pipe
  try process.run()
  let output = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  let text = String(decoding: output, as: UTF8.self)
  if process.terminationStatus == 127 {
    print("conformance: skipped, python3 is not here")
    return nil
  }
  print("\(script): \(text.split(separator: "\n").last ?? "")")
  return (process.terminationStatus, text)
}

/// Every HTTP/1.1 case of the shared data, sent whole and in small pieces.
@Test(arguments: [[], ["--split", "7"]])
func httpCasesOfThePeers(options: [String]) throws {
  guard
    let (status, output) = try replay(
      "http1_replay.py", cases: "http/http1_cases.ndjson", { _ in ["--set", "dev"] + options })
  else { return }
  #expect(status == 0, "\(output)")
  #expect(output.contains("'accept:ok'") && output.contains("'reject:ok'"), "\(output)")
}

/// Every WebSocket case of the shared data.
@Test func webSocketCasesOfThePeers() throws {
  guard
    let (status, output) = try replay(
      "ws_replay.py", cases: "websocket/ws_cases.ndjson", { _ in ["/ws", "--set", "dev"] })
  else { return }
  #expect(status == 0, "\(output)")
  #expect(!output.contains("NON-STRICT"), "\(output)")
}
