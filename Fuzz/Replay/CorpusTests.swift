import Foundation
import Testing
import Testkit

// Every file of every corpus runs through its parser's check, without sanitizers. That the check
// itself can fail is seen under libFuzzer only: `Fuzz/run` on a build with a planted bug.

/// The files of a parser's corpus.
private func corpus(_ name: String) throws -> [(name: String, bytes: [UInt8])] {
  let folder = "\(repositoryFolder)/Fuzz/\(name)/corpus"
  return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { file in
    (file, Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"))))
  }
}

/// One after the other: parsers keep folders and processes of their own.
@Suite(.serialized) struct CorpusTests {
  /// No input that was ever of interest breaks a parser's properties.
  @Test(arguments: parsers.map(\.name)) func corpusHolds(name: String) throws {
    let parser = try #require(parsers.first { $0.name == name })
    let files = try corpus(name)
    #expect(!files.isEmpty, "Fuzz/\(name)/corpus is empty")
    for file in files {
      do { try parser.check(file.bytes) } catch {
        Issue.record("Fuzz/\(name)/corpus/\(file.name): \(error)")
      }
    }
  }

  /// The seeds in git are those that the encoders make today.
  @Test(arguments: parsers.map(\.name)) func seedsAreThoseOfTheEncoders(name: String) throws {
    let parser = try #require(parsers.first { $0.name == name })
    let files = Dictionary(uniqueKeysWithValues: try corpus(name))
    for seed in try parser.seeds() {
      #expect(
        files["seed-\(seed.name)"] == seed.bytes,
        "Fuzz/\(name)/corpus/seed-\(seed.name) differs; `Fuzz/run --seeds` renews it")
    }
  }

  /// All corpora together stay small enough to be looked at.
  @Test func corporaAreSmall() throws {
    let bytes = try parsers.map { try corpus($0.name).reduce(0) { $0 + $1.bytes.count } }
    #expect(bytes.reduce(0, +) < 1 << 20)
  }
}
