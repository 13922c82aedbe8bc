import Bounded
import Events
import Journal

/// Reads along at the disk what journals are told, with a parser of its own: what was written, and
/// how much of that the disk has made durable.
///
/// It knows the layout of a frame's header and nothing else of the engine.
final class JournalWatch {
  struct Frame {
    let first: UInt64
    /// 0 where it ends its segment.
    let count: Int
    let node: SimulatedDisk.Node
    let at: Int
    /// Whether the write was made as a whole; otherwise the next recovery says what became of it.
    var isWhole = true
    var end: UInt64 { first + UInt64(count) }
    var bytes: Int { 64 + count * 64 }
    /// Whether a failed flush was to write a part of it that was not written again since. What it
    /// was to write elsewhere in the file (zeros behind the journal's end) is of no account.
    var isForgotten: Bool {
      (at / 4_096...(at + bytes - 1) / 4_096).contains { node.forgotten[$0] != nil }
    }
  }

  /// One journal.
  final class Journal {
    fileprivate(set) var events: [Event] = []
    fileprivate(set) var frames: [Frame] = []
    /// Everything below is durable, as the disk says.
    fileprivate(set) var durable: UInt64 = 0
    fileprivate var durableFrames = 0
    /// Segments in which a frame was written.
    fileprivate(set) var segments: Set<Int> = []
    /// Segments that were ended before they were full.
    fileprivate(set) var endings = 0

    /// Everything below was written at least once.
    var written: UInt64 { UInt64(events.count) }

    /// What keeps the next frame from being durable, for a report.
    var pending: String? {
      guard durableFrames < frames.count else { return nil }
      let frame = frames[durableFrames]
      return "the frame at byte \(frame.at) is \(frame.isWhole ? "whole" : "in parts"), "
        + "\(frame.node.changes.count) writes of its file are not flushed, "
        + "\(frame.isForgotten ? "some" : "none") of it was forgotten by a failed flush"
    }

    /// The first offset whose frame the disk holds otherwise than it was told.
    func firstLie(_ disk: SimulatedDisk) -> UInt64? {
      frames.first { disk.isLying($0.node, from: $0.at, to: $0.at + $0.bytes) }?.first
    }

    /// The writer is gone: what was not durable may be there or not, as the next recovery says.
    func end() {
      for at in durableFrames..<frames.count { frames[at].isWhole = false }
    }

    /// The journal goes on at `offset`; what stood behind it is no more.
    func cut(at offset: UInt64) {
      events.removeLast(max(0, events.count - Int(offset)))
      while let last = frames.last, last.end > offset {
        frames.removeLast()
        // Recovery cuts whole frames only.
        precondition(last.first >= offset, "cut inside a frame")
      }
      for at in frames.indices { frames[at].isWhole = true }
      durableFrames = min(durableFrames, frames.count)
      durable = min(durable, offset)
    }
  }

  private(set) var journals: [String: Journal] = [:]

  /// The journal in `folder`, empty when nothing was written to it.
  func journal(_ folder: String) -> Journal {
    if let known = journals[folder] { return known }
    let made = Journal()
    journals[folder] = made
    return made
  }

  /// A write to a segment, of which the disk makes what it likes.
  func written(
    _ path: String, _ node: SimulatedDisk.Node, _ slab: Slab, from: Int, count: Int, at: Int
  ) {
    let journal = journal(parentFolder(path))
    for slot in stride(from: 0, to: count - 63, by: 64) {
      guard slab.load(from + slot, as: UInt32.self) == 0x3146_4a56,
        slab.load(from + slot + 8, as: UInt64.self) == journal.written
      else { continue }
      let events = Int(slab.load(from + slot + 24, as: UInt32.self))
      guard slot + 64 + events * 64 <= count else { continue }
      journal.frames.append(
        Frame(first: journal.written, count: events, node: node, at: at + slot))
      journal.segments.insert(node.id)
      if events == 0 { journal.endings += 1 }
      for at in 0..<events {
        journal.events.append(slab.load(from + slot + 64 + at * 64, as: Event.self))
      }
      return
    }
  }

  /// The last frame of one of the journals.
  func lastFrame(_ at: Int) -> Frame? {
    let paths = journals.keys.sorted()
    return paths.isEmpty ? nil : journals[paths[at % paths.count]]?.frames.last
  }

  /// The write told last was not made, or not as a whole.
  func wasBroken(_ node: SimulatedDisk.Node) {
    for journal in journals.values {
      guard let last = journal.frames.last, last.node === node else { continue }
      journal.frames[journal.frames.count - 1].isWhole = false
    }
  }

  /// Bytes of a segment became durable.
  func flushed(_ node: SimulatedDisk.Node, _ disk: SimulatedDisk) {
    for journal in journals.values {
      while journal.durableFrames < journal.frames.count {
        let frame = journal.frames[journal.durableFrames]
        guard frame.isWhole, frame.node.changes.isEmpty, !frame.isForgotten else { break }
        journal.durableFrames += 1
        journal.durable = frame.end
      }
    }
  }
}
