import Foundation
import Testing
import Testkit

// Reads the source tree as text and holds it to the map: which room may import which, where unsafe
// code may stand, how long a file may be. It verifies words, not meanings: a clock hidden behind an
// allowed import would pass.

/// The rooms of Core, each importing only rooms above it.
private let coreRooms = [
  "CIntrinsics", "Bounded", "Pages", "Events", "Journal", "World", "Scoring", "Hunt", "Partitions",
]

/// The rooms of IO and the command, in the same order. `Console` is bytes alone and stands first.
private let ioRooms = [
  "CSystem", "CLlhttp", "CWslay", "CYaml", "CZstd", "CConsole", "CMallocCount", "Console",
  "Machine",
  "Bus",
  "Disk", "Net", "Authoring", "Client", "Engine", "Gateway", "Simulation", "veltrix",
]

/// What IO may import from outside the project.
private let systemModules = ["Glibc", "Synchronization"]

/// Rooms and files outside them in which `unsafe` may be written.
private let unsafeRooms = ["Bounded", "Machine", "Bus", "Disk", "Net"]
private let unsafeFiles = [
  // libyaml's parser is a C structure filled by C.
  "Sources/IO/Authoring/YamlReader.swift",
  // The compiled-in files of the web page are C arrays.
  "Sources/IO/Console/ConsoleBytes.swift",
]

private func expectNone(_ found: [String], _ rule: String) {
  #expect(found.isEmpty, "\(rule):\n\(found.joined(separator: "\n"))")
}

/// Reading found the tree at all, or every rule would hold.
@Test func theTreeIsRead() {
  #expect(swiftSources.count > 100)
  #expect(
    Set(swiftSources.map(\.room)).isSuperset(of: ["Bounded", "Partitions", "Disk", "veltrix"]))
}

/// Core imports nothing but Core.
@Test func coreImportsNothingOutsideCore() {
  expectNone(
    swiftSources.filter(\.isCore).flatMap { file in
      file.imports.filter { !coreRooms.contains($0) }.map { "\(file.path): imports \($0)" }
    }, "Core may import Core only")
}

/// A room imports only rooms above it, and the package file lists them in the same order.
@Test func importsFollowTheMap() throws {
  let rooms = coreRooms + ioRooms
  expectNone(
    swiftSources.flatMap { file in
      let place = rooms.firstIndex(of: file.room) ?? -1
      return file.imports.filter { module in
        if systemModules.contains(module) && !file.isCore { return false }
        guard let above = rooms.firstIndex(of: module) else { return true }
        return above >= place
      }.map { "\(file.path): \(file.room) imports \($0)" }
    }, "a room may import only those above it in the list")

  let manifest = try String(contentsOfFile: repositoryFolder + "/Package.swift", encoding: .utf8)
  let declaration = try NSRegularExpression(pattern: #"\b(?:core|io)\(\s*"(\w+)""#)
  let range = NSRange(manifest.startIndex..., in: manifest)
  let declared = declaration.matches(in: manifest, range: range).compactMap { match in
    Range(match.range(at: 1), in: manifest).map { String(manifest[$0]) }
  }
  #expect(declared == rooms.filter { declared.contains($0) }, "the order in Package.swift")
  #expect(declared.count > 15)
  let unknown = Set(swiftSources.map(\.room)).subtracting(rooms)
  #expect(unknown.isEmpty, "rooms that the map does not have: \(unknown)")
}

/// No file imports Foundation, under any of its names.
@Test func foundationStaysOutside() {
  expectNone(
    swiftSources.flatMap { file in
      file.imports.filter { $0.hasPrefix("Foundation") || $0 == "Dispatch" }
        .map { "\(file.path): imports \($0)" }
    }, "no Foundation under Sources")
}

/// `unsafe` is written where memory, threads, descriptors and C are, and nowhere else.
@Test func unsafeStaysInItsRooms() {
  expectNone(
    swiftSources.filter { !unsafeRooms.contains($0.room) && !unsafeFiles.contains($0.path) }
      .flatMap { file in
        ["unsafe", "@unsafe"].flatMap { file.lines(with: $0) }.map { "\(file.path):\($0)" }
      }, "unsafe outside \(unsafeRooms)")
  for path in unsafeFiles {
    let file = swiftSources.first { $0.path == path }
    #expect(file?.lines(with: "unsafe").isEmpty == false, "\(path) needs no exception any more")
  }
}

/// Core has no collection whose order differs from run to run, and no floating point.
@Test func coreHasNoHashesNorFloats() throws {
  let dictionary = try NSRegularExpression(pattern: #"\[\s*[A-Z][\w.]*\s*:\s*[\[A-Z(]"#)
  expectNone(
    swiftSources.filter(\.isCore).flatMap { file in
      let words = ["Dictionary", "Set", "Float", "Float32", "Double", "Float16", "Hasher"]
        .flatMap { word in file.lines(with: word).map { "\(file.path):\($0): \(word)" } }
      let literals = file.codeLines.enumerated().compactMap { at, line -> String? in
        let range = NSRange(line.startIndex..., in: line)
        return dictionary.firstMatch(in: line, range: range) == nil
          ? nil : "\(file.path):\(at + 1): a dictionary"
      }
      return words + literals
    }, "Core is the same on every machine and every run")
}

/// Files of code are at most 800 lines long and their lines at most 100 columns wide; a string of
/// several lines, a string alone on its line and a table in a comment may be wider.
@Test func filesAndLinesFit() {
  let code = swiftSources + files(under: "Sources", endings: [".c", ".h"])
  expectNone(
    code.filter { $0.lines.count > 801 }.map { "\($0.path): \($0.lines.count - 1) lines" },
    "at most 800 lines")
  expectNone(
    code.flatMap { file in
      zip(file.lines, file.longStringLines).enumerated().compactMap { at, line in
        let text = line.0.drop { $0 == " " }
        let isWhole = text.hasPrefix("/// |") || text.hasPrefix("\"")
        return line.0.count > 100 && !isWhole && !line.1
          ? "\(file.path):\(at + 1): \(line.0.count) columns" : nil
      }
    }, "at most 100 columns")
}

/// Nothing under Sources is left for later, and nothing gives up without saying what was wrong.
@Test func nothingIsLeftForLater() {
  // Spelled in parts, so that this file does not find itself.
  let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "fatal" + "Error"]
  expectNone(
    swiftSources.flatMap { file in
      file.lines.enumerated().compactMap { at, line in
        let found = line.split(whereSeparator: { !$0.isLetter })
          .first { words.contains(String($0)) }
        return found.map { "\(file.path):\(at + 1): \($0)" }
      }
    }, "left for later")
}

/// Every room with Swift in it has a door plate of at most ten lines that begins with its name.
@Test func everyRoomHasADoorPlate() throws {
  for room in Set(swiftSources.map(\.room)).sorted() {
    guard let file = swiftSources.first(where: { $0.room == room }) else { continue }
    let folder = file.path.split(separator: "/").prefix(room == "veltrix" ? 2 : 3)
      .joined(separator: "/")
    let path = "\(folder)/\(room).docc/\(room).md"
    guard let text = try? String(contentsOfFile: repositoryFolder + "/" + path, encoding: .utf8)
    else {
      Issue.record("\(path) is missing")
      continue
    }
    #expect(text.hasPrefix("# ``\(room)``\n"), "\(path)")
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
    #expect(lines <= 10, "\(path): \(lines) lines")
  }
}

/// No tracked file names a place of the machine it was made on.
@Test func noFileNamesTheMachineItWasMadeOn() throws {
  guard let tracked = trackedFiles() else {
    print("noFileNamesTheMachineItWasMadeOn: skipped, no git here")
    return
  }
  #expect(tracked.count > 100)
  // Spelled in parts, so that this file does not find itself.
  let places = ["/ho" + "me/", "/ro" + "ot/", "/Us" + "ers/", "/wo" + "rk/", "C:" + "\\Users"]
  var found: [String] = []
  for path in tracked {
    guard let text = try? String(contentsOfFile: repositoryFolder + "/" + path, encoding: .utf8)
    else { continue }  // not text, or removed and not yet committed
    for place in places where text.contains(place) { found.append("\(path): \(place)") }
  }
  expectNone(found, "a path of somebody's machine")
}

private func trackedFiles() -> [String]? {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = ["git", "-C", repositoryFolder, "ls-files", "-z"]
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  do { try process.run() } catch { return nil }
  let bytes = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else { return nil }
  return String(decoding: bytes, as: UTF8.self).split(separator: "\0").map(String.init)
}
