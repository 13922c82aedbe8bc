import Bounded
import Engine
import Events
import Hunt
import Journal
import Pages
import Partitions

// Bugs that are planted in what the engine has in memory or on its disk, and no checker is told of.
extension SimulationRun {
  /// `skipped-dedupe`: each sender's last sequence is forgotten, so that a resend of it is new.
  func forgetSequences(_ engine: Engine) {
    for hunt in hunts {
      guard let entry = engine.hunt(named: hunt.definition.name), let hosted = engine.hosted(entry)
      else { continue }
      let layout = HuntState.layout(hunt.definition, hunt.map)
      guard let rows = layout.regions.first(where: { $0.name == "producers" }) else {
        preconditionFailure("a hunt without producers")
      }
      let page = Slab(byteCount: 4_096)
      for word in 0..<512 {
        let held = hosted.partition.state.space.load(
          rows.firstPage << 12 + word * 8, as: UInt64.self)
        // Odd words are the highest sequences; see `ProducerRow`.
        page.store(word & 1 == 1 && held > 1 ? held - 1 : held, word * 8)
      }
      page.withBytes(0, count: 4_096) { bytes in
        hosted.partition.state.restore(page: rows.firstPage, from: bytes)
      }
    }
  }

  /// `torn-check-lost`: the checksum of what a power cut left of a frame is made right, so that
  /// recovery takes it for whole.
  func hideTears() {
    for checker in checkers {
      for frame in checker.journal.frames where !frame.isWhole {
        let bytes = frame.node.bytes
        guard frame.at + frame.bytes <= frame.node.size else { continue }
        var header = bytes.load(frame.at, as: JournalFrame.self)
        guard header.magic == JournalFrame.magicValue, header.firstOffset == frame.first,
          header.frameBytes == frame.bytes
        else { continue }
        header.crc = 0
        header.crc = bytes.crc32c(
          frame.at + 64, count: frame.bytes - 64,
          continuing: crc32c(of: header, byteCount: 64))
        bytes.store(header, frame.at)
      }
    }
  }
}
