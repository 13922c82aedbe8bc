import Events
import Foundation
import Testkit

/// docs/protocol-vectors.json, which every implementation of the protocol reads.
struct Vectors: Decodable {
  struct Checksum: Decodable {
    var hex: Hex
    var crc: UInt32
  }

  struct GoodEvent: Decodable {
    var name: String
    var hex: Hex
    var fields: Fields
    var json: String
    struct Fields: Decodable {
      var version: UInt8
      var kind: UInt8
      var flags: UInt16
      var hunt: UInt32
      var producer: UInt64
      var sequence: UInt64
      var player: UInt64
      var time: Int64
      var x: Int32
      var y: Int32
      var z: Int32
      var treasure: UInt32
      var value: Int64
    }
  }

  /// What is expected of an event, an element of a body, a hello: nothing, or a rejection.
  struct Expected: Decodable {
    var name: String?
    var hex: Hex?
    var code: UInt16?
    var field: String?
    var position: Int?
    /// The player's name, where the event's `player` is an index.
    var playerName: String?

    var rejection: Rejection? {
      guard let code, let position else { return nil }
      let field = EventField.allCases.first { "\($0.word)" == self.field }
      return Rejection(ResultCode(rawValue: code)!, field!, position: position)
    }
  }

  struct Body: Decodable {
    var name: String
    var form: String
    var hex: Hex
    var items: [Expected]
    var bodyForm: BodyForm {
      ["detect": .detect, "object": .object, "array": .array, "lines": .lines][form]!
    }
  }

  struct OutcomeCase: Decodable {
    var name: String
    var hex: Hex
    var fields: Fields
    struct Fields: Decodable {
      var version: UInt8
      var kind: UInt8
      var result: UInt16
      var disposition: UInt8
      var flags: UInt8
      var direction: UInt8
      var field: UInt8
      var offset: UInt64
      var sequence: UInt64
      var player: UInt64
      var total: Int64
      var points: Int32
      var rank: UInt32
      var treasure: UInt32
      var distance: UInt32
      var stockLeft: UInt32
      var position: UInt32
    }
  }

  struct Frame: Decodable {
    var name: String
    var type: UInt8
    var batch: UInt64
    var count: UInt32
    var length: UInt32
    var hex: Hex
    var repeatHex: Hex?
    var repeatCount: Int?
    var bytes: [UInt8] {
      guard let repeatHex, let repeatCount else { return hex.bytes }
      return hex.bytes + Array(repeatElement(repeatHex.bytes, count: repeatCount).joined())
    }
  }

  struct InvalidFrame: Decodable {
    var name: String
    var hex: Hex
    var reading: String
    var bytes: Int?
    var count: UInt32?
    var end: Int?
    var code: UInt16?
    var field: String?
    var position: Int?
    var rejection: Rejection? {
      Expected(name: nil, hex: nil, code: code, field: field, position: position).rejection
    }
  }

  var crc32c: [Checksum]
  var events: [GoodEvent]
  var invalidEvents: [Expected]
  var bodies: [Body]
  var outcomes: [OutcomeCase]
  var frames: [Frame]
  var invalidFrames: [InvalidFrame]
  var hellos: [Expected]

  static let shared: Vectors = {
    let path = repositoryFolder + "/docs/protocol-vectors.json"
    do {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(Vectors.self, from: Data(contentsOf: URL(filePath: path)))
    } catch {
      fatalError("\(path): \(error)")
    }
  }()

  /// The `json` of each outcome, which has no fixed shape.
  static func outcomeForms() -> [NSDictionary] {
    let path = repositoryFolder + "/docs/protocol-vectors.json"
    guard let data = FileManager.default.contents(atPath: path),
      let all = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
      let outcomes = all["outcomes"] as? [[String: Any]]
    else { fatalError("\(path): no outcomes") }
    return outcomes.compactMap { $0["json"] as? NSDictionary }
  }
}

/// Bytes written as hexadecimal digits.
struct Hex: Decodable {
  var bytes: [UInt8]
  init(from decoder: any Decoder) throws {
    let digits = Array(try decoder.singleValueContainer().decode(String.self).utf8)
    bytes = stride(from: 0, to: digits.count, by: 2).map { at in
      UInt8(String(decoding: digits[at..<at + 2], as: UTF8.self), radix: 16)!
    }
  }
}
