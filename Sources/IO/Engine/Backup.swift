import Bounded
public import Disk
import Events
import Hunt
import Journal
import Machine
import World

/// Why a backup was not made, or not restored.
public enum BackupFault: Error, Sendable, CustomStringConvertible {
  case disk(DiskFault)
  case hunt(name: String, HuntFolderFault)
  /// What was read back of a copy is not whole; nor, most likely, is the folder `of` that it is of.
  case copy(name: String, of: String, HuntFolderFault)
  /// What must be empty or missing is not.
  case notEmpty(path: String)
  /// A file is not what the backup's index says: path and reason.
  case damaged(path: String, reason: String)

  public var description: String {
    switch self {
    case .disk(let fault): "\(fault)"
    case .hunt(let name, let fault): "hunt \(name): \(fault)"
    case .copy(let name, let source, let fault): "hunt \(name): \(fault); a copy of \(source)"
    case .notEmpty(let path): "\(path): not empty; what is in it is left alone"
    case .damaged(let path, let reason): "\(path): \(reason)"
    }
  }
}

/// What came of one hunt.
public struct BackupEntry: Equatable, Sendable {
  public var hunt = ""
  /// The journal holds everything from `first` up to `offset`.
  public var first: UInt64 = 0
  public var offset: UInt64 = 0
  public var snapshots = 0
  public var bytes = 0
  public var seconds = 0.0

  public init() {}
}

/// Copies of a data folder that belong together, made while an engine runs or not.
///
/// Files are held open before the first is copied, so that retention cannot take one away; closed
/// segments and snapshots never change; of the open segment the whole frames are taken. Hence the
/// copy is what a crash at that moment would have left, and every file of it is read back.
public enum Backup {
  /// Copies the hunts of `data` (or the one called `only`) into `target`, which must be empty or
  /// missing.
  ///
  /// - Parameter bytesPerSecond: 0 for as fast as it goes.
  public static func make(
    data: String, to target: String, only: String?, bytesPerSecond: Int
  ) throws(BackupFault) -> [BackupEntry] {
    try requireEmpty(target)
    let names = try disk { () throws(DiskFault) in
      try Files.list(data + "/hunts").filter { only == nil || $0 == only }
    }
    var index = BackupIndex()
    var entries: [BackupEntry] = []
    for name in names {
      let folder = HuntFolder(data: data, name: name)
      guard folder.exists else { continue }
      let start = ThisMachine.monotonicNs
      let copied = HuntFolder(data: target, name: name)
      var copy = HuntCopy(folder, copied, bytesPerSecond)
      do throws(HuntFolderFault) { try copy.run() } catch { throw .hunt(name: name, error) }
      var entry: BackupEntry
      do throws(HuntFolderFault) { entry = try BackupCheck.hunt(copied) } catch {
        throw .copy(name: name, of: folder.path, error)
      }
      entry.hunt = name
      entry.bytes = copy.files.reduce(0) { $0 + $1.sum.byteCount }
      entry.seconds = Double(ThisMachine.monotonicNs - start) / 1e9
      entries.append(entry)
      index.hunts.append((name, entry.first, entry.offset))
      index.files += copy.files.map { ("hunts/\(name)/\($0.name)", $0.sum) }
    }
    // The index last: without it there is no backup.
    try disk { () throws(DiskFault) in
      try Files.createFolder(target)
      try Files.replace(target + "/" + BackupIndex.name, index.text)
    }
    return entries
  }

  /// Makes the data folder `data`, which must be empty or missing, of a backup.
  public static func restore(
    from source: String, to data: String
  ) throws(BackupFault) -> [BackupEntry] {
    try requireEmpty(data)
    let index = try BackupIndex(source)
    try disk { () throws(DiskFault) in try Files.createFolder(data + "/hunts") }
    var entries: [BackupEntry] = []
    for hunt in index.hunts {
      let start = ThisMachine.monotonicNs
      let prefix = "hunts/\(hunt.name)/"
      var bytes = 0
      // The manifest last: without it the hunt is not there.
      let files = index.files.filter { $0.name.hasPrefix(prefix) }
      let isManifest = { (name: String) in name == prefix + "manifest" }
      for file in files.filter({ !isManifest($0.name) }) + files.filter({ isManifest($0.name) }) {
        try copy(source + "/" + file.name, to: data + "/" + file.name, file.sum)
        bytes += file.sum.byteCount
      }
      do throws(HuntFolderFault) {
        var entry = try BackupCheck.hunt(HuntFolder(data: data, name: hunt.name))
        guard entry.offset == hunt.offset, entry.first == hunt.first else {
          throw .damaged(
            path: data + "/" + prefix,
            reason: "entries \(entry.first)..<\(entry.offset), not \(hunt.first)..<\(hunt.offset)")
        }
        entry.hunt = hunt.name
        entry.bytes = bytes
        entry.seconds = Double(ThisMachine.monotonicNs - start) / 1e9
        entries.append(entry)
      } catch { throw .hunt(name: hunt.name, error) }
    }
    return entries
  }

  private static func copy(
    _ from: String, to path: String, _ sum: FileSum
  ) throws(BackupFault) {
    let copied = try disk { () throws(DiskFault) in
      try Files.createFolder(Files.parent(path))
      guard let shared = try SharedFile.reading(from) else {
        throw DiskFault("open", from, errno: 2)  // ENOENT
      }
      return try shared.file.copy(to: path, bytesPerSecond: 0)
    }
    guard copied == sum else {
      throw .damaged(path: from, reason: "not the bytes that were backed up")
    }
  }

  private static func requireEmpty(_ path: String) throws(BackupFault) {
    let isEmpty = try disk { () throws(DiskFault) in
      if !Files.exists(path) { return true }
      return try Files.list(path).isEmpty
    }
    if !isEmpty { throw .notEmpty(path: path) }
  }

  static func disk<Result>(
    _ body: () throws(DiskFault) -> Result
  ) throws(BackupFault) -> Result {
    do throws(DiskFault) { return try body() } catch { throw .disk(error) }
  }
}

/// Copies one hunt.
private struct HuntCopy {
  let source: HuntFolder
  let target: HuntFolder
  let bytesPerSecond: Int
  var files: [(name: String, sum: FileSum)] = []

  init(_ source: HuntFolder, _ target: HuntFolder, _ bytesPerSecond: Int) {
    self.source = source
    self.target = target
    self.bytesPerSecond = bytesPerSecond
  }

  mutating func run() throws(HuntFolderFault) {
    let (_, _, manifest) = try source.open()
    let segments = source.segments(manifest)
    let (snapshots, pinned) = try pin(segments)
    do throws(DiskFault) {
      try Files.createFolder(target.journalPath)
      for (name, file) in snapshots { try copy(file, "snapshots/" + name) }
    } catch { throw .disk(error) }
    do throws(JournalFault) {
      var taken: [(name: String, sum: FileSum)] = []
      try segments.copy(pinned, to: target.journalPath, bytesPerSecond: bytesPerSecond) {
        taken.append(("journal/" + $0, $1))
      }
      files += taken
    } catch { throw .journal(error) }
    do throws(DiskFault) {
      // Behind the journal: an event there may name a branch, never the other way round.
      if Files.exists(source.branchesPath) {
        for name in try Files.list(source.branchesPath) where name.hasSuffix(".vb") {
          try copy("branches/" + name)
        }
      }
      for name in ["definition", "world.vxw", "manifest"] { try copy(name) }
    } catch { throw .disk(error) }
    // Where the marks of promotions stand that the snapshots contain: the journal that held them
    // may have been removed. A later place could be of a mark behind the copy's end.
    let count = try promotionCount()
    do throws(DiskFault) {
      for number in 0..<count {
        let name = "branches/\(number + 1).at"
        if Files.exists(source.path + "/" + name) { try copy(name) }
      }
    } catch { throw .disk(error) }
  }

  /// Promotions that the snapshots copied contain.
  private func promotionCount() throws(HuntFolderFault) -> UInt32 {
    let (definition, map, manifest) = try target.open()
    let snapshots = SnapshotFiles(target, definition, map, manifest)
    let offsets: [UInt64]
    do throws(DiskFault) { offsets = try snapshots.offsets() } catch { throw .disk(error) }
    // One that cannot be read is named when the whole copy is checked.
    return offsets.reduce(0) { max($0, (try? snapshots.header($1).branches) ?? 0) }
  }

  /// Opens snapshots and segments that belong together.
  private func pin(
    _ segments: Segments
  ) throws(HuntFolderFault) -> ([(String, SharedFile)], PinnedSegments) {
    for _ in 0..<100 {
      var snapshots: [(String, SharedFile)] = []
      var isWhole = true
      do throws(DiskFault) {
        if Files.exists(source.snapshotsPath) {
          for name in try Files.list(source.snapshotsPath) where name.hasSuffix(".vs") {
            let path = source.snapshotsPath + "/" + name
            if let file = try SharedFile.reading(path) {
              snapshots.append((name, file))
            } else {
              isWhole = false
            }
          }
        }
      } catch { throw .disk(error) }
      do throws(JournalFault) {
        // Segments that the oldest snapshot needs are there for as long as it is.
        if isWhole, let pinned = try segments.pin() {
          let isStill = snapshots.allSatisfy { Files.exists(source.snapshotsPath + "/" + $0.0) }
          if isStill { return (snapshots, pinned) }
        }
      } catch { throw .journal(error) }
      ThisMachine.sleep(ns: 10_000_000)
    }
    throw .damaged(path: source.path, reason: "its files keep changing")
  }

  private mutating func copy(_ name: String) throws(DiskFault) {
    let path = source.path + "/" + name
    guard let file = try SharedFile.reading(path) else {
      throw DiskFault("open", path, errno: 2)  // ENOENT
    }
    try copy(file, name)
  }

  private mutating func copy(_ shared: SharedFile, _ name: String) throws(DiskFault) {
    let path = target.path + "/" + name
    try Files.createFolder(Files.parent(path))
    files.append((name, try shared.file.copy(to: path, bytesPerSecond: bytesPerSecond)))
  }
}

/// Reads a hunt's folder as a restart would, and more: every frame, every snapshot, every promoted
/// line.
public enum BackupCheck {
  /// - Complexity: O(bytes); nothing is replayed.
  public static func hunt(_ folder: HuntFolder) throws(HuntFolderFault) -> BackupEntry {
    let (definition, map, manifest) = try folder.open()
    let segments = folder.segments(manifest)
    var entry = BackupEntry()
    var marks: [PromotionMark] = []
    do throws(JournalFault) {
      if let number = try segments.firstNumber() {
        entry.first = try segments.firstOffset(number) ?? 0
        var reader = try JournalReader(segments, from: entry.first)
        while let frame = try reader.next() {
          for at in 0..<Int(frame.header.count)
          where frame.kindByte(at) == EventKind.promote.rawValue {
            marks.append(PromotionMark(frame.event(at)))
          }
        }
        entry.offset = reader.position.offset
      }
    } catch { throw .journal(error) }
    for mark in marks {
      _ = try folder.branches.read(
        mark.number, hash: Hash128(high: mark.high, low: mark.low))
    }
    let files = SnapshotFiles(folder, definition, map, manifest)
    var promotions: UInt32 = 0
    do throws(SnapshotFault) {
      let offsets: [UInt64]
      do throws(DiskFault) { offsets = try files.offsets() } catch {
        throw SnapshotFault.disk(error)
      }
      for offset in offsets {
        for header in try files.chain(offset) {
          try files.verify(header)
          promotions = max(promotions, header.branches)
        }
        guard offset <= entry.offset else {
          throw .damaged(
            path: files.path(offset), byte: 48,
            reason: "of offset \(offset), and the journal ends at \(entry.offset)")
        }
        entry.snapshots += 1
      }
    } catch { throw HuntFolderFault(error) }
    _ = try folder.branches.history(promotions, segments)
    return entry
  }
}
