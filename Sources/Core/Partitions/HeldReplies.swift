import Bounded
import Events

/// Replies that wait until the journal is durable through their offset, first in, first out.
struct HeldReplies: ~Copyable {
  private let lines: Slab
  private let mask: Int
  private var head = 0
  private var tail = 0
  /// Lines held for each gateway, so that its reply ring is never promised twice.
  private(set) var linesByGateway = InlineArray<8, Int>(repeating: 0)

  init(capacity: Int) {
    var count = 2
    while count < capacity { count *= 2 }
    lines = Slab(byteCount: count * 64, zeroed: false)
    mask = count - 1
  }

  var free: Int { mask + 1 - (tail - head) }
  var isEmpty: Bool { head == tail }

  /// Where a reply of at most `capacity` lines is written before it is `keep`t.
  func target(_ capacity: Int) -> LineTarget { LineTarget(lines, first: tail, capacity: capacity) }

  mutating func keep(_ written: LineTarget, gateway: UInt8) {
    tail += written.count
    linesByGateway[Int(gateway)] += written.count
  }

  /// The oldest reply's header.
  var first: Reply? { isEmpty ? nil : lines.load((head & mask) * 64, as: Reply.self) }

  /// Header and lines of the oldest reply.
  func firstRun(_ reply: Reply) -> LineRun {
    LineRun(lines, first: head, count: 1 + Int(reply.lineCount))
  }

  /// Marks every held reply as applied only, and its outcomes as provisional.
  mutating func downgrade() {
    var at = head
    while at < tail {
      let count = lines.update((at & mask) * 64, as: Reply.self) { reply in
        reply.ack = .applied
        return Int(reply.lineCount)
      }
      for line in 0..<count {
        lines.update(((at + 1 + line) & mask) * 64, as: Outcome.self) { outcome in
          outcome.flags.formUnion(.provisional)
        }
      }
      at += 1 + count
    }
  }

  mutating func dropFirst(_ reply: Reply) {
    let count = 1 + Int(reply.lineCount)
    head += count
    linesByGateway[Int(reply.gateway)] -= count
  }
}
