import Foundation
import Testing
import Testkit

@testable import veltrix

/// The exit status of `veltrix world` with these words.
private func run(_ words: String...) -> Int32 { WorldCommand.command.run(words) }

/// Worlds are built, described and checked; what is wrong ends with the status that the help tells.
@Test func worldCommandsEndWithTheirStatus() throws {
  let folder = NSTemporaryDirectory() + "world-command-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }  // nothing is left to tell it to
  func write(_ name: String, _ text: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
    return folder + "/" + name
  }
  func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
  let output = folder + "/a.vxw"
  let map = try write("a.map", "type octile\nheight 1\nwidth 3\nmap\n.S.\n")
  let layers = try write("a.layers", "layers 2 1 2\n#.\n..\n")
  let graph = try write("a.gr", "p sp 2 1\na 1 2 9\n")
  let places = try write("a.co", "p aux sp co 2\nv 1 0 0\nv 2 5 5\n")

  #expect(run("build", map, "--output", output, "--terrain", "S=3,T=1", "--neighbours", "4") == 0)
  let first = try bytes(output)
  #expect(run("build", map, "--output", output) == 0)
  #expect(try bytes(output) != first)
  #expect(run("build", map, "--output", output, "--terrain", "S=3,T=1", "--neighbours=4") == 0)
  #expect(try bytes(output) == first)
  #expect(run("build", layers, "--output", output, "--headroom", "1", "--unit", "4") == 0)
  #expect(run("build", graph, "--output", output, "--coordinates", places) == 0)
  for name in ["grid", "maze", "caves", "roads"] {
    let size = ["--width", "9", "--height", "9", "--output", output]
    #expect(WorldCommand.command.run(["build", "--generate", name] + size) == 0)
    #expect(run("info", output) == 0 && run("info", output, "--json") == 0)
    #expect(run("check", output) == 0)
  }

  // The source is refused, and what was there stays.
  let whole = try bytes(output)
  let broken = try write("b.gr", "p sp 2 1\na 1 2 0\n")
  #expect(run("build", broken, "--output", output) == 1)
  #expect(run("build", try write("c.gr", "\u{1f}"), "--output", output) == 1)
  #expect(run("build", graph, "--coordinates", broken, "--output", output) == 1)
  #expect(try bytes(output) == whole)

  // Bad usage.
  #expect(run() == 2 && run("mend", output) == 2 && run("info") == 2 && run("build", map) == 2)
  #expect(run("build", map, "--output", map) == 2)
  #expect(run("build", map, "--output", output, "--neighbours", "6") == 2)
  #expect(run("build", map, "--output", output, "--terrain", "S=300") == 2)
  #expect(run("build", map, "--output", output, "--climb", "1") == 2)
  #expect(run("build", "--generate", "grid", "--output", output, "--weights", "0...4") == 2)
  #expect(run("build", "--generate", "grid", "--output", output, "--width", "16777216") == 2)
  #expect(run("build", folder + "/none.map", "--output", output) == 2)
  #expect(run("build", map, "--output", folder + "/none/a.vxw") == 2)
  #expect(run("check", folder + "/none.vxw") == 2)
  #expect(run("build", map, "--output", try write("d", "mine"), "--force") == 0)

  // Damage.
  var damaged = whole
  damaged[5000] ^= 1
  try damaged.write(to: URL(fileURLWithPath: output))
  #expect(run("check", output) == 3 && run("info", output) == 3)
  #expect(run("check", map) == 3)
}
