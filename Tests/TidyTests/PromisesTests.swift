import Foundation
import Testing
import Testkit

// Holds the pages that say how promises are checked to the checks that exist: names of tests,
// scripts, inputs and commands. It verifies that each is there, not that it checks what the page says.

private let pages = ["docs/operating/promises.md", "docs/results/proof.md"]

private let tests = files(under: "Tests", endings: [".swift"])
private let fuzzTests = files(under: "Fuzz", endings: [".swift"])

private func text(_ path: String) -> String? {
  try? String(contentsOfFile: repositoryFolder + "/" + path, encoding: .utf8)  // nil: not there
}

private func exists(_ path: String) -> Bool {
  FileManager.default.fileExists(atPath: repositoryFolder + "/" + path)
}

/// What stands in backticks in a text, in order.
private func quoted(_ text: some StringProtocol) -> [String] {
  text.split(separator: "\n").flatMap { line in
    line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .compactMap { at, part in at % 2 == 1 ? String(part) : nil }
  }
}

/// The path of a script or a folder of tests by the name that a page calls it; nil when there is
/// none.
private func script(_ name: String) -> String? {
  [name, "scripts/\(name)", "Tests/\(name)", "scripts/crashing/\(name)"].first(where: exists)
}

/// Words of a command that are options.
private func options(_ words: [String]) -> [String] {
  words.dropFirst().filter { $0.hasPrefix("--") }
}

/// What is wrong with a name of a check; nil when it is there.
private func fault(ofCheck name: String) -> String? {
  let words = name.split(separator: " ").map(String.init)
  guard let first = words.first else { return "empty" }
  if first == "veltrix" || first == "$veltrix" {
    guard words.count > 1, let help = text("docs/operating/help/\(words[1]).txt") else {
      return "no such command"
    }
    return options(words).first { !help.contains($0) }.map { "no option \($0)" }
  }
  if first == "make" {
    let rules = text("Makefile") ?? ""
    return words.dropFirst().first { !rules.contains("\n\($0):") }.map { "no target \($0)" }
  }
  if let path = script(first) {
    let isFolder = text(path) == nil
    let program = isFolder ? "" : text(path) ?? ""
    return isFolder ? nil : options(words).first { !program.contains($0) }.map { "no option \($0)" }
  }
  if first.hasSuffix("Tests") {
    return tests.contains { $0.name == first + ".swift" } ? nil : "no such tests"
  }
  let declaration = "func \(first)("
  return (tests + fuzzTests).contains { $0.text.contains(declaration) } ? nil : "no such test"
}

/// The parts of the promises' page that name checks: the last column of a table whose head says so,
/// what follows *Held by*, and the commands at the end.
private func checksNamed(in page: String) -> [String] {
  var names: [String] = []
  var isTable = false
  for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
    if line.hasPrefix("|") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      if cells.last == "held by" { isTable = true }
      if isTable, let last = cells.last { names += quoted(last) }
      continue
    }
    isTable = false
    if line.hasPrefix("    ") {
      let command = line.trimmingCharacters(in: .whitespaces).split(separator: "#")[0]
      names.append(command.trimmingCharacters(in: .whitespaces))
    }
  }
  // A sentence of checks may go over its line's end, and ends where its paragraph or entry does.
  for part in page.components(separatedBy: "*Held by*").dropFirst() {
    let end = part.range(of: "\n\n") ?? part.range(of: "\n- ")
    let paragraph = part[..<(end?.lowerBound ?? part.endIndex)]
    let entry = paragraph.components(separatedBy: "\n- ")[0]
    names += entry.components(separatedBy: "`").enumerated()
      .compactMap { at, name in at % 2 == 1 ? name : nil }
  }
  return names
}

/// Every check that a promise is said to be held by exists.
@Test func promisesAreHeldByChecksThatExist() throws {
  let page = try #require(text(pages[0]))
  let names = checksNamed(in: page)
  #expect(names.count > 60, "the page is no longer read")
  let faults = Set(names).compactMap { name in
    // An invariant or a value, not a check.
    name.contains("=") && !name.contains("==") && !name.hasPrefix("scripts")
      ? nil : fault(ofCheck: name).map { "\(name): \($0)" }
  }
  #expect(faults.isEmpty, "\(pages[0]):\n\(faults.sorted().joined(separator: "\n"))")
}

/// Whatever either page has in backticks and looks like a file, a test, an input of a fuzzer or a
/// command is one.
@Test(arguments: pages) func whatPagesOfChecksNameExists(_ path: String) throws {
  let page = try #require(text(path))
  let names = Set(quoted(page))
  var found = (tests: 0, inputs: 0, scripts: 0)
  var faults: [String] = []
  for name in names {
    let first = String(name.split(separator: " ").first ?? "")
    let last = first.split(separator: "/").last.map(String.init) ?? ""
    if name.contains("<") || name.contains("*") || name.contains("{") || name.contains("?") {
      continue
    }
    if last.hasPrefix("seed-") || last.hasPrefix("found-") {
      found.inputs += 1
      let parsers = first.contains("/") ? [first.components(separatedBy: "/")[0]] : parserNames
      if !parsers.contains(where: { exists("Fuzz/\($0)/corpus/\(last)") }) {
        faults.append("\(name): no such input")
      }
    } else if first.hasPrefix("veltrix") || first == "make" || first.hasPrefix("scripts/")
      || first.hasSuffix(".py")
    {
      found.scripts += 1
      if let fault = fault(ofCheck: name) { faults.append("\(name): \(fault)") }
    } else if first.contains("/") {
      if !exists(first) { faults.append("\(name): no such file") }
    } else if isName(first) {
      found.tests += 1
      if let fault = faultOfName(first) { faults.append("\(name): \(fault)") }
    }
  }
  #expect(found.tests > 20 && found.scripts >= 4, "the page is no longer read: \(found)")
  #expect(faults.isEmpty, "\(path):\n\(faults.sorted().joined(separator: "\n"))")
}

private var parserNames: [String] {
  (try? FileManager.default.contentsOfDirectory(atPath: repositoryFolder + "/Fuzz")) ?? []
}

/// Whether a word is spelled as a test, a suite or another name of the code is.
private func isName(_ word: String) -> Bool {
  word.contains(where: \.isUppercase) && word.contains(where: \.isLowercase)
    && word.first?.isLetter == true && !word.contains("/")
}

/// A name of the code: a test, a file or a target of tests, a member of either, or something that
/// is declared under Sources.
private func faultOfName(_ name: String) -> String? {
  let parts = name.prefix { $0 != "(" }.split(separator: ".").map(String.init)
  for part in parts {
    if part.hasSuffix("Tests") {
      if !tests.contains(where: { $0.name == part + ".swift" }) && !exists("Tests/\(part)") {
        return "no such tests"
      }
      continue
    }
    if exists("Tests/\(part)") { continue }
    let declarations = ["func", "case", "struct", "enum", "class"].flatMap { word in
      ["(", " ", ":", "<", "\n"].map { "\(word) \(part)\($0)" }
    }
    let isThere = (tests + fuzzTests + swiftSources).contains { file in
      declarations.contains { file.text.contains($0) }
    }
    if !isThere { return "declared nowhere" }
  }
  return nil
}
