import Hunt
import Testing
import Testkit

@testable import Authoring

@Suite struct HuntFileTests {
  /// The example hunts are read without a finding, and say what their comments say.
  @Test func exampleTown() throws {
    let read = HuntFile.read(path: "\(repositoryFolder)/Examples/town.yaml")
    #expect(read.findings == [])
    let file = try #require(read.value)
    #expect(file.definition.name == "town")
    #expect(file.world.map == .file("\(repositoryFolder)/Examples/town.map"))
    #expect(file.generation?.count == 300)
    #expect(file.definition.limits.players == 100_000)
  }
}
