import Disk
import Events
import Hunt
import Journal
import Partitions
import Testing
import Testkit

@testable import Engine

// `veltrix replay --verify`: a snapshot that is not what the journal gives is found, and named by its
// first differing table and row; so is a journalled digest that the replay does not come to.

/// Every snapshot met on the way agrees, and none is left out.
@Test func honestSnapshotsAgree() {
  #expect(
    forAll(cases: 4) { random in
      let (definition, map) = smallHunt(&random)
      let hunt = try HuntOnDisk(definition, map)
      var maker = BatchMaker(producers: 4)
      let headers = try playWithSnapshots(hunt, &maker, &random)
      let ending = try Replay(hunt.folder).run(isVerifying: true)
      let (snapshots, complaints) = (ending.findings.snapshots, ending.findings.complaints)
      let partition = ending.takePartition()
      return snapshots == headers.count && complaints == []
        && partition.nextOffset == hunt.stand.partition.nextOffset
    })
}

/// A whole snapshot of a state that the journal does not give is named with table and row.
@Test func aForgedSnapshotIsNamed() throws {
  var random = TestRandom(seed: runSeed)
  let (definition, map) = smallHunt(&random)
  let hunt = try HuntOnDisk(definition, map)
  let other = Stand(definition, map)
  var maker = BatchMaker(producers: 4)
  _ = run(other, &maker, &random, batches: 10)
  while hunt.stand.partition.nextOffset < other.partition.nextOffset {
    _ = run(hunt.stand, &maker, &random, batches: 10)
  }
  hunt.write()
  var image = try other.partition.image()
  let forged = try hunt.snapshot(&image)
  hunt.close()
  let ending = try Replay(hunt.folder).run(isVerifying: true)
  let complaints = ending.findings.complaints
  _ = ending.takePartition()
  #expect(complaints.count == 1)
  let said = complaints.first ?? ""
  #expect(said.contains(hunt.files.path(forged.offset)) && said.contains(", row "), "\(said)")
}

/// A digest that differs names the tables of its slice, and what the next snapshot says of them.
@Test func aDigestThatDiffersNamesItsTables() throws {
  var random = TestRandom(seed: runSeed)
  var (definition, map) = smallHunt(&random)
  definition.rules.latenessMs = 0
  let hunt = try HuntOnDisk(definition, map)
  var maker = BatchMaker(producers: 4)
  _ = run(hunt.stand, &maker, &random, batches: 40)
  let spoilt = try #require(hunt.stand.journal.firstIndex { $0.kind == .digest })
  hunt.write { at, event in
    var event = event
    if at == spoilt { event.sequence ^= 1 }
    return event
  }
  _ = try hunt.snapshotNow()
  hunt.close()
  let fault = #expect(throws: HuntFolderFault.self) {
    _ = try Replay(hunt.folder).run(isVerifying: true).takePartition()
  }
  let slice = DigestMark(hunt.stand.journal[spoilt]).slice
  let said = "\(fault as Any)"
  #expect(said.contains("differs: ") && said.contains(".vs the replay"), "\(said)")
  for table in hunt.stand.partition.tables(ofSlice: slice) { #expect(said.contains(table)) }
}
