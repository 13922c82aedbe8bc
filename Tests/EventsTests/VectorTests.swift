import Bounded
import Events
import Foundation
import Testing
import Testkit

/// Layouts are as published: the fields of a vector give its bytes, and its bytes the fields.
@Test func eventVectorsBothWays() {
  for vector in Vectors.shared.events {
    let fields = vector.fields
    var event = Event(
      kind: .join, flags: EventFlags(rawValue: fields.flags), hunt: fields.hunt,
      producer: fields.producer, sequence: fields.sequence, player: fields.player,
      time: fields.time, x: fields.x, y: fields.y, z: fields.z, treasure: fields.treasure,
      value: fields.value)
    (event.version, event.kindByte) = (fields.version, fields.kind)
    #expect(bytes(of: event) == vector.hex.bytes, "\(vector.name)")
    #expect(vector.hex.bytes.span.bytes.load(0, as: Event.self) == event, "\(vector.name)")
    #expect(throws: Never.self, "\(vector.name)") { try event.validate() }
    #expect(items(vector.json) == [.event(event)], "\(vector.name)")
    var writer = JSONWriter(capacity: 256)
    writer.event(event)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == vector.json, "\(vector.name)")
  }
}

/// Each invalid event is rejected for its first fault, with field and position.
@Test func invalidEventVectors() {
  for vector in Vectors.shared.invalidEvents {
    let event = vector.hex!.bytes.span.bytes.load(0, as: Event.self)
    #expect(throws: vector.rejection!, "\(vector.name!)") { try event.validate() }
  }
}

/// Each body gives exactly the events, names and rejections written down for it.
@Test func bodyVectors() {
  for vector in Vectors.shared.bodies {
    let (items, names) = items(vector.hex.bytes, form: vector.bodyForm)
    #expect(items.count == vector.items.count, "\(vector.name): \(items)")
    for (item, expected) in zip(items, vector.items) {
      #expect(item.rejection == expected.rejection, "\(vector.name)")
      #expect(item.event.map { bytes(of: $0) } == expected.hex?.bytes, "\(vector.name)")
      if let event = item.event, event.flags.contains(.playerIsName) {
        #expect(names[Int(event.player)] == expected.playerName, "\(vector.name)")
      }
    }
    #expect(names == vector.items.compactMap(\.playerName), "\(vector.name)")
  }
}

/// The layout and the JSON of outcomes are as published.
@Test func outcomeVectors() throws {
  for (vector, form) in zip(Vectors.shared.outcomes, Vectors.outcomeForms()) {
    let fields = vector.fields
    var outcome = Outcome(of: Event(kind: .move))
    outcome.version = fields.version
    outcome.kindByte = fields.kind
    outcome.resultRaw = fields.result
    outcome.dispositionRaw = fields.disposition
    outcome.flags = OutcomeFlags(rawValue: fields.flags)
    outcome.direction = fields.direction
    outcome.field = fields.field
    outcome.offset = fields.offset
    outcome.sequence = fields.sequence
    outcome.player = fields.player
    outcome.total = fields.total
    outcome.points = fields.points
    outcome.rank = fields.rank
    outcome.treasure = fields.treasure
    outcome.distance = fields.distance
    outcome.stockLeft = fields.stockLeft
    outcome.position = fields.position
    #expect(bytes(of: outcome) == vector.hex.bytes, "\(vector.name)")

    var writer = JSONWriter(capacity: OutcomeWriter.byteCountMax)
    OutcomeWriter.append(outcome, to: &writer)
    #expect(throws: Never.self) { try JSONReader.check(writer.bytes.span.bytes) }
    let written = try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? NSDictionary
    #expect(written == form, "\(vector.name): \(String(decoding: writer.bytes, as: UTF8.self))")
  }
}

@Test func checksumVectors() {
  for vector in Vectors.shared.crc32c { #expect(crc32c(vector.hex.bytes.span.bytes) == vector.crc) }
}

@Test func helloVectors() {
  for vector in Vectors.shared.hellos {
    let hello = vector.hex!.bytes.span.bytes.load(0, as: Hello.self)
    var found: Rejection?
    do throws(Rejection) { try hello.validate() } catch { found = error }
    #expect(found == vector.rejection, "\(vector.name!)")
  }
}

/// Sizes on the wire; a change of one breaks every client.
@Test func layoutsKeepTheirSizes() {
  #expect(MemoryLayout<Event>.size == 64 && MemoryLayout<Event>.stride == 64)
  #expect(MemoryLayout<Outcome>.size == 64 && MemoryLayout<Outcome>.stride == 64)
  #expect(MemoryLayout<FrameHeader>.size == FrameHeader.byteCount)
  #expect(MemoryLayout<Hello>.size == 64 && MemoryLayout<Welcome>.size == 64)
  #expect(MemoryLayout<Acknowledgement>.size == 64 && MemoryLayout<Refusal>.size == 64)
}
