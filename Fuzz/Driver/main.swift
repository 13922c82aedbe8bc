import CFuzzer
import Glibc

// fuzz seeds FOLDER             writes every parser's seeds to FOLDER/<name>/corpus
// fuzz names                    the parsers and the longest input of each
// fuzz PARSER [libFuzzer's...]  runs one parser under libFuzzer

/// The parser that runs, for libFuzzer's callback, which carries nothing.
nonisolated(unsafe) private var chosen: Parser?

private func say(_ text: String) {
  let line = Array((text + "\n").utf8)
  _ = write(2, line, line.count)
}

private func fail(_ text: String) -> Never {
  say(text)
  exit(2)
}

private func writeSeeds(to folder: String) throws {
  for parser in parsers {
    for seed in try parser.seeds() {
      let path = "\(folder)/\(parser.name)/corpus/seed-\(seed.name)"
      guard let file = fopen(path, "w") else { fail("\(path): cannot be written") }
      fwrite(seed.bytes, 1, seed.bytes.count, file)
      fclose(file)
    }
  }
}

private func run(_ parser: Parser) -> Int32 {
  chosen = parser
  var count = CommandLine.argc - 1
  var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
  return withUnsafeMutablePointer(to: &arguments) { arguments in
    // Swift's argument list ends with nil as C's does; its elements are never nil before that.
    arguments.withMemoryRebound(
      to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self, capacity: 1
    ) { list in
      LLVMFuzzerRunDriver(&count, list) { start, count in
        let bytes = Array(UnsafeBufferPointer(start: start, count: count))
        do {
          try chosen?.check(bytes)
        } catch {
          say("\(chosen?.name ?? ""): \(error)")
          abort()
        }
        return 0
      }
    }
  }
}

private func main() throws -> Int32 {
  let words = CommandLine.arguments
  switch (words.count > 1 ? words[1] : "", words.count) {
  case ("names", 2):
    for parser in parsers { print(parser.name, parser.bytesMax) }
    return 0
  case ("seeds", 3):
    try writeSeeds(to: words[2])
    return 0
  default:
    guard words.count > 1, let parser = parsers.first(where: { $0.name == words[1] }) else {
      fail("fuzz: one of \(parsers.map(\.name).joined(separator: " ")), names, or seeds FOLDER")
    }
    return run(parser)
  }
}

exit(try main())
