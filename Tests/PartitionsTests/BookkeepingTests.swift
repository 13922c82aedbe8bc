import Bounded
import Events
import Pages
import Testing
import Testkit

@testable import Partitions

// What a partition keeps beside its state, each against the plain collection that it stands for.

/// Counts of any events of any producers come out summed by producer, whatever order they were
/// taken in; the one producer too many is refused, and nothing is counted for it.
@Test func talliesEqualADictionary() {
  var refused = 0
  #expect(
    forAll(cases: 1_200) { random in
      var tallies = Tallies()
      var model: [UInt64: Tally] = [:]
      for _ in 0..<random.below(60) {
        if random.chance(15) {
          let taken = tallies.take()
          guard taken == taken.flatMap({ model.removeValue(forKey: $0.producer) }) else {
            return false
          }
          if taken == nil, !model.isEmpty { return false }
          continue
        }
        let producer = UInt64(random.below(20))
        let times = UInt64(random.below(1_000))
        let disposition = Disposition.allCases[random.below(5)]
        let fits = model[producer] != nil || model.count < Tallies.capacity
        guard tallies.add(producer: producer, disposition, times) == fits else { return false }
        if !fits {
          refused += 1
          continue
        }
        var tally =
          model[producer] ?? Tally(producer: producer, duplicate: 0, rejected: 0, shed: 0)
        switch disposition {
        case .duplicate: tally.duplicate += times
        case .rejected: tally.rejected += times
        case .shed: tally.shed += times
        case .applied, .late: break
        }
        model[producer] = tally
      }
      while let taken = tallies.take() {
        if model.removeValue(forKey: taken.producer) != taken { return false }
      }
      return model.isEmpty
    })
  #expect(refused > 50, "no table ran full")
}

/// Replies leave in the order in which they were kept, header and lines, around the ring's end and
/// until it is full; each gateway's lines are counted; a downgrade marks every one that is held.
@Test func heldRepliesEqualAQueue() {
  struct Kept {
    var header: Reply
    var lines: [Outcome]
  }
  var wasFull = 0
  #expect(
    forAll(cases: 200) { random in
      let capacity = 1 << (2 + random.below(4))
      var held = HeldReplies(capacity: capacity - random.below(2))
      var model: [Kept] = []
      for number in 0..<80 {
        let isFull = held.free < 2
        if isFull { wasFull += 1 }
        if isFull || random.chance(35) {
          guard let reply = held.first else {
            if model.isEmpty { continue }
            return false
          }
          let run = held.firstRun(reply)
          let kept = model.removeFirst()
          guard reply.batch == kept.header.batch, reply.ack == kept.header.ack,
            run.count == 1 + kept.lines.count,
            (0..<kept.lines.count).allSatisfy({
              run.load($0 + 1, as: Outcome.self) == kept.lines[$0]
            })
          else { return false }
          held.dropFirst(reply)
        } else if random.chance(5) {
          held.downgrade()
          for at in model.indices {
            model[at].header.ack = .applied
            for line in model[at].lines.indices {
              model[at].lines[line].flags.formUnion(.provisional)
            }
          }
        } else {
          let count = random.below(min(6, held.free))
          var batch = Batch(.submit)
          batch.gateway = UInt8(random.below(8))
          batch.batch = UInt64(number)
          var header = Reply(.outcomes, to: batch)
          header.lineCount = UInt32(count)
          let lines = (0..<count).map { line in
            Outcome(of: Event(kind: .move, sequence: random.next(), player: UInt64(line)))
          }
          var target = held.target(held.free)
          target.append(header)
          for line in lines { target.append(line) }
          held.keep(target, gateway: batch.gateway)
          model.append(Kept(header: header, lines: lines))
        }
        let lineCount = model.reduce(0) { $0 + 1 + $1.lines.count }
        guard held.free == capacity - lineCount, held.isEmpty == model.isEmpty else {
          return false
        }
        for gateway in 0..<8 {
          let own = model.filter { $0.header.gateway == gateway }
          let count = own.reduce(0) { $0 + 1 + $1.lines.count }
          if held.linesByGateway[gateway] != count { return false }
        }
      }
      return true
    })
  #expect(wasFull > 100, "no ring ran full")
}

/// Whatever is entered for whom, one by one or as tallies, each producer's row is the sum of it and
/// balances; producers beyond the limit share row 0.
@Test func booksEqualADictionary() {
  #expect(
    forAll(cases: 60) { random in
      let limit = 1 + random.below(6)
      let pages = Books.layout(producers: limit).pageCount
      var books = Books(producers: limit, pool: PagePool(pageCount: 2 * pages + 2))
      var model: [UInt64: BooksRow] = [:]
      for _ in 0..<200 {
        let producer = UInt64(random.below(12))
        // Row 0 is there from the start; a producer gets a row of its own while there are any.
        let others = model.keys.count { $0 != 0 }
        let owner = producer == 0 || model[producer] != nil || others < limit ? producer : 0
        var row = model[owner] ?? BooksRow()
        row.producer = owner
        let times = UInt64(random.below(100))
        if random.chance(50) {
          let disposition = Disposition.allCases[random.below(5)]
          books.enter(books.row(producer), disposition, times)
          row.received += times
          row.count(disposition, times)
        } else {
          books.enter(
            Tally(producer: producer, duplicate: times, rejected: times / 2, shed: times / 3))
          row.received += times + times / 2 + times / 3
          row.duplicate += times
          row.rejected += times / 2
          row.shed += times / 3
        }
        model[owner] = row
      }
      let rows = (0..<books.count).map { books[$0] }
      var sum = BooksRow()
      for row in model.values { sum.add(row) }
      return books.isBalanced && books.sum == sum
        && rows.allSatisfy { $0 == model[$0.producer] ?? BooksRow() }
        && Set(rows.map(\.producer)) == Set(model.keys).union([0])
    })
}
