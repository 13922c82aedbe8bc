import Bounded
import Testing
import Testkit

@testable import Simulation

// The simulated disk keeps account of where it holds something else than it was told: the checkers excuse
// what follows from that, and nothing else. Not verified here: names, and which lies a run tells.

/// Two disks that are told the same, of which one turns bits over.
private struct DiskPair {
  let honest = SimulatedDisk()
  let lying = SimulatedDisk()
  let paths = ["/a", "/b"]

  init() {
    for path in paths { both { disk in _ = disk.make(path) } }
    both { $0.flushNames(of: "") }
  }

  func both(_ body: (SimulatedDisk) -> Void) {
    body(honest)
    body(lying)
  }

  func both(_ path: String, _ body: (SimulatedDisk, SimulatedDisk.Node) -> Void) {
    both { disk in if let node = disk.node(path) { body(disk, node) } }
  }

  /// Whether both hold the same bytes.
  var isSame: Bool {
    paths.allSatisfy { path in
      guard let one = honest.node(path), let two = lying.node(path) else { return false }
      let size = one.size
      return size == two.size
        && (size == 0 || one.bytes.hash(0, count: size) == two.bytes.hash(0, count: size))
    }
  }

  /// Turns a bit over.
  func rot(_ path: String, _ random: inout TestRandom) {
    guard let node = lying.node(path), node.size > 0 else { return }
    let at = random.below(node.size)
    lying.meant(node, at: at, count: 1)
    node.bytes.store(node.bytes.load(at, as: UInt8.self) ^ 1 << UInt8(random.below(8)), at)
  }

  func write(_ path: String, _ random: inout TestRandom) {
    let unit = [1, 64, 512, 4_096][random.below(4)]
    let at = random.below(12_000) / unit * unit
    let count = max(1, random.below(6_000) / unit) * unit
    let bytes = Slab(byteCount: count)
    let fill = random.next()
    for at in 0..<count { bytes.store(UInt8(truncatingIfNeeded: fill &* UInt64(at + 1) >> 32), at) }
    let isDurable = random.chance(30)
    both(path) { disk, node in
      disk.write(node, bytes, from: 0, count: count, at: at, isDurable: isDurable)
    }
  }

  func cutPower(_ random: inout TestRandom) {
    let cut = SimulatedDisk.Cut(
      tears: random.chance(50), loses: random.chance(50), reorders: random.chance(50))
    let seed = random.next() >> 1
    both { disk in
      var draws = SimulationRandom(seed: seed, stream: 1)
      disk.cutPower(cut, &draws) { _ in }
    }
  }
}

/// A disk that lied and was put right is the disk that never did; and so it is wherever it says that it
/// does not lie: whatever was written over its lies in whole sectors or in part, and whatever of that a
/// failed flush forgot or a power cut took.
@Test func aDiskThatWasPutRightNeverLied() {
  var lies = (kept: 0, gone: 0)
  #expect(
    forAll(cases: 200) { random in
      let disks = DiskPair()
      for _ in 0..<60 {
        let path = disks.paths[random.below(2)]
        let wasLying = disks.lying.isLying
        switch random.below(12) {
        case 0...5: disks.write(path, &random)
        case 6: disks.both(path) { $0.flush($1) }
        case 7: disks.both(path) { $0.failFlush($1) }
        case 8...9: disks.rot(path, &random)
        case 10: disks.cutPower(&random)
        default:
          _ = disks.lying.repair()
          if disks.lying.isLying { return false }
        }
        if wasLying && disks.lying.isLying { lies.kept += 1 }
        if wasLying && !disks.lying.isLying { lies.gone += 1 }
        if !disks.lying.isLying, !disks.isSame { return false }
      }
      _ = disks.lying.repair()
      return disks.isSame
    })
  #expect(lies.kept > 100 && lies.gone > 100, "\(lies)")
}
