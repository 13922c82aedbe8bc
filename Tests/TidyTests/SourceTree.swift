import Foundation
import Testkit

/// A file of the checkout: its path from the root, and its text.
struct SourceFile {
  let path: String
  let text: String

  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
  var name: String { String(path.split(separator: "/").last ?? "") }

  /// The room it stands in: `Bounded` for `Sources/Core/Bounded/Slab.swift`.
  var room: String {
    let parts = path.split(separator: "/").map(String.init)
    return parts.count > 3 && (parts[1] == "Core" || parts[1] == "IO") ? parts[2] : parts[1]
  }

  var isCore: Bool { path.hasPrefix("Sources/Core/") }

  /// Its lines without comments and without what stands in quotes, so that a word found is code.
  var codeLines: [String] { scanned.map(\.code) }

  /// Whether each line is one of a string of several lines.
  var longStringLines: [Bool] { scanned.map(\.isLongString) }

  private var scanned: [(code: String, isLongString: Bool)] {
    var isInLongString = false
    return lines.map { line in
      var code = ""
      var rest = line[...]
      if isInLongString {
        guard let end = rest.range(of: "\"\"\"") else { return ("", true) }
        isInLongString = false
        rest = rest[end.upperBound...]
      }
      while let character = rest.first {
        if rest.hasPrefix("//") { break }
        if rest.hasPrefix("\"\"\"") {
          isInLongString = true
          break
        }
        rest = rest.dropFirst()
        guard character == "\"" else {
          code.append(character)
          continue
        }
        while let inside = rest.first, inside != "\"" {
          rest = rest.dropFirst(inside == "\\" ? 2 : 1)
        }
        rest = rest.dropFirst()
      }
      return (code, false)
    }
  }

  /// Modules it imports.
  var imports: [String] {
    codeLines.compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
        words[..<at].allSatisfy({ modifiers.contains($0) })
      else { return nil }
      return words.last
    }
  }

  /// Lines of its code in which a word stands, from 1.
  func lines(with word: String) -> [Int] {
    codeLines.enumerated().compactMap { at, line in
      line.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "@" })
        .contains { $0 == word } ? at + 1 : nil
    }
  }
}

private let modifiers = ["public", "internal", "package", "private", "fileprivate"]

/// Files below a folder of the checkout whose names end in one of `endings`.
func files(under folder: String, endings: [String]) -> [SourceFile] {
  let root = URL(fileURLWithPath: repositoryFolder).standardizedFileURL
  let start = root.appendingPathComponent(folder)
  guard let found = FileManager.default.enumerator(atPath: start.path) else { return [] }
  var files: [SourceFile] = []
  for case let name as String in found where endings.contains(where: { name.hasSuffix($0) }) {
    guard let text = try? String(contentsOf: start.appendingPathComponent(name), encoding: .utf8)
    else { continue }  // a file that vanished meanwhile
    files.append(SourceFile(path: folder + "/" + name, text: text))
  }
  return files.sorted { $0.path < $1.path }
}

/// Swift under `Sources`, read once.
let swiftSources = files(under: "Sources", endings: [".swift"])
