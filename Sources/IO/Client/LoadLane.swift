import Bounded
import CSystem
import Events

/// When each slot of a run is due: slot `j` of connection `c` is number `j * connections + c` of
/// all, and these follow one another evenly.
struct SendSchedule {
  let startNs: Int64
  let rate: UInt64
  let connections: UInt64

  /// When slot `slot` of `connection` is due, ns of the monotonic clock.
  func dueNs(_ slot: UInt64, _ connection: Int) -> Int64 {
    let number = slot &* connections &+ UInt64(connection)
    let (high, low) = number.multipliedFullWidth(by: 1_000_000_000)
    return startNs &+ Int64(rate.dividingFullWidth((high, low)).quotient)
  }

  /// Slots of `connection` among the first `total` of all.
  func slotCount(_ connection: Int, of total: UInt64) -> UInt64 {
    total <= UInt64(connection) ? 0 : (total - UInt64(connection) - 1) / connections + 1
  }
}

/// What became of events, as their sender was told.
public struct LoadCounts: Equatable, Sendable {
  public var sent: UInt64 = 0
  public var applied: UInt64 = 0
  public var duplicate: UInt64 = 0
  public var rejected: UInt64 = 0
  public var late: UInt64 = 0
  public var shed: UInt64 = 0

  public var answered: UInt64 { applied + duplicate + rejected + late + shed }
  public var unanswered: UInt64 { sent > answered ? sent - answered : 0 }

  mutating func add(_ other: LoadCounts) {
    sent += other.sent
    applied += other.applied
    duplicate += other.duplicate
    rejected += other.rejected
    late += other.late
    shed += other.shed
  }
}

/// One connection's share of a run: its events, its frame in waiting, and what is unanswered.
final class LoadLane {
  /// Most frames sent and unanswered; beyond it the sender waits, and its events grow late.
  static let openFramesMax = 1 << 15

  let number: Int
  let session: StreamSession
  let source: EventSource
  let slotCount: UInt64
  let batch: UInt64
  /// Slots in frames made so far.
  private(set) var slotsMade: UInt64 = 0
  /// A frame is made and not yet sent; due when its last slot is.
  private(set) var hasFrame = false
  private(set) var frameDueNs: Int64 = 0
  /// Frames before this one are answered.
  private var firstOpen: UInt64 = 0
  /// What each open frame holds and has been answered, `OpenFrame` each.
  private let open = Slab(byteCount: openFramesMax * 8)
  var counts = LoadCounts()
  /// Outcomes received, by disposition and by result.
  var outcomes = LoadCounts()
  let results = Slab(byteCount: 128 * 8)
  /// Those that were not rejected, by kind and result.
  let kinds = Slab(byteCount: kindCount * 128 * 8)
  static let kindCount = 32
  /// Frames whose answer contradicts what was in them.
  var surprises: UInt64 = 0
  var malformed: UInt64 = 0
  var duplicates: UInt64 = 0

  struct OpenFrame: BitwiseCopyable {
    var count: UInt16 = 0
    var malformed: UInt16 = 0
    var duplicates: UInt16 = 0
    /// Bit 0: sent and the acknowledgement is missing; bit 1: outcomes came.
    var state: UInt16 = 0
  }

  init(
    number: Int, session: StreamSession, source: EventSource, slotCount: UInt64, batch: Int
  ) {
    self.number = number
    self.session = session
    self.source = source
    self.slotCount = slotCount
    self.batch = UInt64(batch)
  }

  /// Whether every slot has been sent.
  var isDone: Bool { !hasFrame && isMade }

  private var isMade: Bool { slotsMade == slotCount || source.isDone }

  /// Makes the next frame when there is one to make.
  func prepare(_ schedule: SendSchedule) {
    guard !hasFrame, !isMade else { return }
    source.makeFrame(Int(min(batch, slotCount - slotsMade)))
    slotsMade += UInt64(source.count)
    frameDueNs = schedule.dueNs(slotsMade - 1, number)
    hasFrame = true
  }

  /// Sends the frame in waiting; false when the connection takes nothing now.
  func send() -> Bool {
    let frame = source.frames - 1
    guard frame - firstOpen < UInt64(Self.openFramesMax),
      session.send(
        source.frame, count: source.count, batch: frame + 1, corrupting: source.isCorrupt)
    else { return false }
    hasFrame = false
    counts.sent += UInt64(source.count)
    malformed += UInt64(source.malformed)
    duplicates += UInt64(source.duplicates)
    open.store(
      OpenFrame(
        count: UInt16(source.count), malformed: UInt16(source.malformed),
        duplicates: UInt16(source.duplicates), state: 1), place(frame))
    return true
  }

  private func place(_ frame: UInt64) -> Int {
    Int(frame % UInt64(Self.openFramesMax)) * 8
  }

  // MARK: answers

  /// The number of the frame that an answer to `batch` is about; nil when no such frame is open.
  private func openFrame(_ batch: UInt64) -> UInt64? {
    guard batch > firstOpen, batch <= source.frames else { return nil }
    let frame = batch - 1
    return open.load(place(frame), as: OpenFrame.self).state & 1 == 1 ? frame : nil
  }

  /// Takes the outcomes of a batch; the first slot of its frame and its events, or nil for an
  /// answer that makes no sense.
  func judged(_ batch: UInt64, _ bytes: RawSpan) -> (slot: UInt64, count: Int)? {
    guard let frame = openFrame(batch) else { return nil }
    var held = open.load(place(frame), as: OpenFrame.self)
    guard held.state & 2 == 0, bytes.byteCount == Int(held.count) * Outcome.byteCount else {
      return nil
    }
    held.state |= 2
    open.store(held, place(frame))
    countOutcomes(bytes, Int(held.count))
    return (frame * self.batch, Int(held.count))
  }

  private func countOutcomes(_ bytes: RawSpan, _ count: Int) {
    var tally = InlineArray<8, UInt64>(repeating: 0)
    for at in 0..<count {
      let result = Int(bytes.load(at &* Outcome.byteCount &+ 2, as: UInt16.self)) & 127
      results.update(result &* 8, as: UInt64.self) { $0 &+= 1 }
      let disposition = bytes.byte(at &* Outcome.byteCount &+ 4)
      tally[Int(disposition) & 7] &+= 1
      if disposition == Disposition.rejected.rawValue { continue }
      let kind = Int(bytes.byte(at &* Outcome.byteCount &+ 1)) & (Self.kindCount - 1)
      kinds.update((kind &* 128 &+ result) &* 8, as: UInt64.self) { $0 &+= 1 }
    }
    outcomes.applied += tally[0]
    outcomes.duplicate += tally[1]
    outcomes.rejected += tally[2]
    outcomes.late += tally[3]
    outcomes.shed += tally[4]
  }

  /// Takes the counts of a batch, as `judged`.
  func acknowledged(
    _ batch: UInt64, _ answer: Acknowledgement, level: AckLevel
  ) -> (slot: UInt64, count: Int)? {
    guard let frame = openFrame(batch) else { return nil }
    let held = open.load(place(frame), as: OpenFrame.self)
    let sum =
      UInt64(answer.applied) + UInt64(answer.duplicate) + UInt64(answer.rejected)
      + UInt64(answer.late) + UInt64(answer.shed)
    guard sum == UInt64(held.count) else { return nil }
    counts.applied += UInt64(answer.applied)
    counts.duplicate += UInt64(answer.duplicate)
    counts.rejected += UInt64(answer.rejected)
    counts.late += UInt64(answer.late)
    counts.shed += UInt64(answer.shed)
    // What was shed once may come in later as a repetition, so then no count is foreseen.
    if counts.shed == 0,
      answer.rejected != UInt32(held.malformed) || answer.duplicate != UInt32(held.duplicates)
        || answer.level < level.rawValue
    {
      surprises += 1
    }
    close(frame)
    return (frame * self.batch, Int(held.count))
  }

  /// Takes the refusal of a whole batch, as `judged`.
  func refused(_ batch: UInt64, isBusy: Bool) -> (slot: UInt64, count: Int)? {
    guard let frame = openFrame(batch) else { return nil }
    let held = open.load(place(frame), as: OpenFrame.self)
    if isBusy {
      counts.shed += UInt64(held.count)
    } else {
      counts.rejected += UInt64(held.count)
      if held.malformed != held.count { surprises += 1 }
    }
    close(frame)
    return (frame * self.batch, Int(held.count))
  }

  private func close(_ frame: UInt64) {
    open.store(OpenFrame(), place(frame))
    let made = source.frames - (hasFrame ? 1 : 0)
    while firstOpen < made, open.load(place(firstOpen), as: OpenFrame.self).state & 1 == 0 {
      firstOpen += 1
    }
  }
}
