import Bounded
import Disk
import Hunt
import Journal
import Machine
import Pages
public import Partitions
import World

/// A hunt's journal applied again, without an engine; nothing on disk is changed.
public struct Replay {
  let folder: HuntFolder
  let definition: HuntDefinition
  let map: Topology
  let manifest: HuntFolder.Manifest
  let digestEvery: UInt64

  /// - Parameter digestEvery: Of the partition; what was journalled is compared whatever it says.
  public init(_ folder: HuntFolder, digestEvery: UInt64 = 1 << 40) throws(HuntFolderFault) {
    self.folder = folder
    (definition, map, manifest) = try folder.open()
    self.digestEvery = digestEvery
  }

  /// What a replay ended with.
  public struct Ending: ~Copyable {
    public var partition: Partition
    /// Offset that it began with: 0, or that of the oldest snapshot where the journal before it was
    /// removed.
    public let from: UInt64
    public let seconds: Double
    public let tornBytes: Int
    public let findings: HuntRecovery.Findings

    public consuming func takePartition() -> Partition { partition }
  }

  /// Applies everything there is.
  ///
  /// - Parameters:
  ///   - isVerifying: Whether to compare each snapshot on the way with the state there.
  ///   - warn: Gets a line about each snapshot that cannot be begun with.
  /// - Throws: As `HuntRecovery.run`.
  public func run(
    isVerifying: Bool, warn: (String) -> Void = { _ in }
  ) throws(HuntFolderFault) -> Ending {
    let start = ThisMachine.monotonicNs
    var wish = HuntRecovery.Wish(digestEvery: digestEvery)
    wish.start = .beginning
    wish.mendsFiles = false
    wish.comparesSnapshots = isVerifying
    let found = try HuntRecovery.run(
      folder, definition, map, manifest,
      pool: PagePool(pageCount: Partition.pagesNeeded(definition, map)), wish, warn: warn)
    let seconds = Double(ThisMachine.monotonicNs - start) / 1e9
    let (from, torn) = (found.snapshot?.offset ?? 0, found.journal.tornBytes)
    let findings = found.findings
    return Ending(
      partition: found.takePartition(), from: from, seconds: seconds, tornBytes: torn,
      findings: findings)
  }
}
