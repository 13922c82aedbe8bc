import Authoring
import Engine
import Hunt
import Net

/// Named words that ask for something: the query of a request, or the members of a message.
protocol Parameters: ~Copyable {
  /// The value of a parameter; nil when it is missing.
  func query(_ name: String) -> String?
}

extension HTTPRequest: Parameters {}

/// A parameter of a request that breaks its rule.
struct ParameterFault: Error {
  let field: String
  let message: String
}

extension Parameters where Self: ~Copyable {
  /// An integer parameter within `range`.
  func integer(
    _ name: String, _ range: ClosedRange<Int>, default value: Int
  ) throws(ParameterFault) -> Int {
    guard let text = query(name) else { return value }
    guard let number = Int(text), range.contains(number) else {
      throw ParameterFault(
        field: name,
        message: "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A parameter that is one of a few words.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, default value: Choice
  ) throws(ParameterFault) -> Choice where Choice.RawValue == String {
    guard let text = query(name) else { return value }
    guard let choice = Choice(rawValue: text) else {
      let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw ParameterFault(field: name, message: "\(name) is one of: \(words)")
    }
    return choice
  }

  /// A parameter that is `true` or `false`.
  func flag(_ name: String) throws(ParameterFault) -> Bool {
    switch query(name) {
    case nil, "false": return false
    case "true", "": return true
    default: throw ParameterFault(field: name, message: "\(name) is true or false")
    }
  }

  /// Where a search begins: the place `from`, or the `player`.
  var start: SearchEnd {
    borrowing get throws(ParameterFault) {
      guard let name = query("player") else {
        let (x, y, z) = try place("from")
        return .place(x, y, z)
      }
      if query("from") != nil {
        throw ParameterFault(field: "player", message: "give from or player, not both")
      }
      return .player(PlayerName(name))
    }
  }

  /// Where a way leads: the place `to`, or the `treasure`.
  var goal: SearchEnd {
    borrowing get throws(ParameterFault) {
      guard let text = query("treasure") else {
        let (x, y, z) = try place("to")
        return .place(x, y, z)
      }
      if query("to") != nil {
        throw ParameterFault(field: "treasure", message: "give to or treasure, not both")
      }
      guard let id = UInt32(text), id > 0 else {
        throw ParameterFault(
          field: "treasure", message: "treasure is a whole number from 1 to 4294967295")
      }
      return .treasure(id)
    }
  }

  /// A place `x,y` or `x,y,z`.
  func place(_ name: String) throws(ParameterFault) -> (Int, Int, Int) {
    let parts = (query(name) ?? "").split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int32($0).map(Int.init) }
    guard numbers.count == parts.count, numbers.count == 2 || numbers.count == 3 else {
      throw ParameterFault(field: name, message: "\(name) is a place: x,y or x,y,z")
    }
    return (numbers[0], numbers[1], numbers.count == 3 ? numbers[2] : 0)
  }

  /// Which state a read asks for: `fork=` or `as_of=`, or the hunt now.
  var view: ReadView {
    borrowing get throws(ParameterFault) {
      switch (query("fork"), query("as_of")) {
      case (nil, nil): return .now
      case (let fork?, nil):
        if fork == "main" { return .now }
        guard let id = UInt32(fork) else {
          throw ParameterFault(field: "fork", message: "fork is a fork's number, or main")
        }
        return .fork(id)
      case (nil, let text?):
        guard let place = HistoryPlace(text) else {
          throw ParameterFault(field: "as_of", message: "as_of is \(HistoryPlace.form)")
        }
        return .past(place)
      case (_?, _?):
        throw ParameterFault(field: "as_of", message: "give fork or as_of, not both")
      }
    }
  }
}

/// Searches that are asked for over HTTP and in messages of a WebSocket, in the same words.
enum GroundWord: String, CaseIterable {
  case hint, path, nearest, reachable

  /// The parameters that it knows beside `fork` and `as_of`.
  var parameters: [String] {
    switch self {
    case .hint: ["player"]
    case .path: ["from", "player", "to", "treasure"]
    case .nearest: ["from", "player", "k"]
    case .reachable: ["from", "player", "cost", "limit"]
    }
  }

  /// What is asked of the hunt.
  func query(
    _ request: borrowing some Parameters & ~Copyable
  ) throws(ParameterFault) -> Query {
    switch self {
    case .hint:
      guard let name = request.query("player") else {
        throw ParameterFault(field: "player", message: "player is a player's name or number")
      }
      return .hint(PlayerName(name))
    case .path: return .path(from: try request.start, to: try request.goal)
    case .nearest:
      return .near(
        try request.start, limit: try request.integer("k", 1...100, default: 1), costMax: nil)
    case .reachable:
      let most = Int(UInt32.max) - 1
      guard request.query("cost") != nil else {
        throw ParameterFault(
          field: "cost", message: "cost is a whole number from 0 to \(most)")
      }
      return .near(
        try request.start, limit: try request.integer("limit", 1...1_000, default: 100),
        costMax: UInt32(try request.integer("cost", 0...most, default: most)))
    }
  }
}
