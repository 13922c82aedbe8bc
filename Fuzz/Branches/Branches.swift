import Bounded
import Disk
import Events
import Hunt
import Journal
import Partitions

@testable import Engine

/// Promoted lines of history: `1.vb`, and `1.at`, which says where its mark stands.
///
/// The first byte chooses: 0 a branch, 1 one whose hash is set right, 2 the place beside a good
/// branch, 3 one whose sum is set right.
let branches = Parser(
  name: "Branches", bytesMax: 1_024,
  seeds: {
    var lineage = Lineage()
    lineage.omissions = [
      Omission(from: 3, players: [1, 9], producers: [101], kinds: 1 << 5, offsets: [4, 5]),
      Omission(from: 0, to: 7),
    ]
    lineage.ruleChanges = [.init(from: 5, rules: HuntRules())]
    lineage.additions = [
      .init(at: 6, events: [Event(kind: .score, player: 4, value: 9)]), .init(at: 7, events: []),
    ]
    let place = goodPlace
    return [
      Seed("full", mode: 1, lineage.encoded()), Seed("full-as-is", mode: 0, lineage.encoded()),
      Seed("empty", mode: 1, Lineage().encoded()),
      Seed("cut", mode: 1, Array(lineage.encoded().dropLast(40))),
      Seed("place", mode: 2, place), Seed("place-sum", mode: 3, place),
      Seed("place-lines", mode: 3, Array("veltrix promotion 2\noffset  7\n\nlineage x\n".utf8)),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    let bytes = Array(input.dropFirst())
    _ = goodPlace
    try mode & 2 == 0
      ? checkBranch(mode & 1 == 0 ? bytes : withHash(bytes))
      : checkPlace(mode & 1 == 0 ? bytes : withSum(bytes))
  })

private func checkBranch(_ bytes: [UInt8]) throws {
  let lineage: Lineage
  do throws(LineageFault) { lineage = try Lineage(decoding: bytes) } catch {
    switch error {
    case .truncated(let at), .outOfRange(_, let at):
      return try require((0...bytes.count).contains(at), "\(error) of \(bytes.count) bytes")
    case .unsupportedVersion, .checksum: return
    }
  }
  let copy: Lineage
  do throws(LineageFault) { copy = try Lineage(decoding: lineage.encoded()) } catch {
    throw Broken("written again it is refused: \(error)")
  }
  try require(copy == lineage, "written again: \(copy), read: \(lineage)")
  try require(lineage.encoded() == bytes, "another encoding of \(lineage)")
  try require(lineage.firstDifference(from: copy) == .max, "it differs from itself")
  for offset: UInt64 in [0, 4, 6, .max] {
    _ = lineage.promoted(at: offset).rolledBack(to: offset / 2)
    _ = lineage.rules(at: offset)
    _ = lineage.omits(Event(kind: .claim, producer: 101, player: 9), at: offset)
  }
}

private func checkPlace(_ bytes: [UInt8]) throws {
  try FuzzFolder.write(bytes, goodBranch.folder + "/1.at")
  do throws(HuntFolderFault) {
    let history = try goodBranch.history(1, noSegments)
    insist(history.count == 1, "\(history.count) promotions of one")
  } catch {
    guard case .damaged(let path, let reason) = error else { throw error }
    try require(path.hasPrefix(goodBranch.folder) && !reason.isEmpty, "\(error)")
  }
}

/// With the hash behind it that belongs to the words before.
private func withHash(_ bytes: [UInt8]) -> [UInt8] {
  guard bytes.count >= 16 else { return bytes }
  let words = Array(bytes[..<((bytes.count - 16) & ~7)])
  let hash = Hash128(of: words.span.bytes)
  return words + [UInt8](of: hash.high) + [UInt8](of: hash.low)
}

private func withSum(_ bytes: [UInt8]) -> [UInt8] {
  let lines = Array(bytes.split(separator: 0x0a, omittingEmptySubsequences: false).prefix(3))
  let said = Array(lines.joined(separator: [0x0a])) + [0x0a]
  return said + Array("sum \(Hash128(of: said.span.bytes).hex)\n".utf8)
}

/// A folder with an empty promoted line, so that only its place is at stake.
private let goodBranch: BranchFiles = {
  let files = BranchFiles(folder: FuzzFolder.path + "/branches")
  do {
    let hash = try files.write(Lineage(), 1)
    try files.write(offset: 33, 1, hash: hash)
  } catch { preconditionFailure("\(error)") }
  return files
}()

/// What the engine wrote there as `1.at`.
private let goodPlace: [UInt8] = {
  do { return try Files.read(goodBranch.folder + "/1.at") } catch { fatalError("\(error)") }
}()

private let noSegments = Segments(
  folder: FuzzFolder.path + "/branches", identity: 1, segmentBytes: 1 << 20)
