import Bounded
import CSystem
import Disk
import Events
import Foundation
import Journal
import Testkit

/// A folder of its own for one test, removed with its owner.
final class Folder {
  let path: String

  /// In memory where the machine has such a file system: torn writes are simulated, so a real disk
  /// would only make the tests slow. `onDisk` asks for the real one.
  init(onDisk: Bool = false) {
    let memory = "/dev/shm"
    let base =
      !onDisk && FileManager.default.isWritableFile(atPath: memory)
      ? memory : NSTemporaryDirectory()
    path = base + "/veltrix-test-\(getpid())-\(UInt64.random(in: 0..<1 << 60))"
    do { try Files.createFolder(path) } catch { preconditionFailure("\(error)") }
  }

  deinit { try? Files.removeTree(path) }  // what is left is in a folder for temporary files
}

let segmentBytesMin = 1 << 20

/// Events of a journal, distinguishable by their number.
func numbered(_ number: UInt64) -> Event {
  Event(
    kind: .move, producer: mixed(number), sequence: number, player: number &+ 1,
    time: Int64(number), x: 1, y: 2, value: Int64(bitPattern: mixed(number &* 3)))
}

func isNumbered(_ event: Event, _ number: UInt64) -> Bool {
  let expected = numbered(number)
  return withUnsafeBytes(of: event) { left in
    withUnsafeBytes(of: expected) { left.elementsEqual($0) }
  }
}

/// Reads a journal back; the numbers of its events must run from 0.
struct ReadBack {
  var count: UInt64 = 0
  var isInOrder = true
  var frames = 0
  var journal: RecoveredJournal

  init(_ segments: Segments, repairTail: Bool = true) throws(JournalFault) {
    var count: UInt64 = 0
    var isInOrder = true
    var frames = 0
    journal = try segments.recover(repairTail: repairTail) {
      frame throws(InconsistentJournal) in
      if frame.header.firstOffset != count { isInOrder = false }
      for at in 0..<Int(frame.header.count) {
        let event = frame.bytes.load(frame.eventsAt + at * 64, as: Event.self)
        if !isNumbered(event, count) { isInOrder = false }
        count += 1
      }
      frames += 1
    }
    self.count = count
    self.isInOrder = isInOrder && journal.position.offset == count
    self.frames = frames
  }
}

/// The fault that reading a journal back ends in; nil when it is read.
func faultOfReading(_ segments: Segments) -> JournalFault? {
  do throws(JournalFault) {
    _ = try ReadBack(segments)
    return nil
  } catch { return error }
}
