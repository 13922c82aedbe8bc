public import Authoring
public import Events

/// What `veltrix load` was asked to do.
public struct LoadOptions: Equatable, Sendable {
  public var target = ListenAddress(loopbackPort: 7401)
  public var http = ListenAddress(loopbackPort: 7400)
  public var hunt = "load"
  public var creates = false
  /// Lines a second; of a mixed stream, those that are neither edge changes nor claims.
  public var rate = 100_000
  /// Beside `rate`; the stream is a mixed one as soon as one of them is given.
  public var edges: Int?
  public var claims: Int?
  public var seconds = 10
  public var ack = AckLevel.durable
  /// The engine sends counts only, no outcome of each event.
  public var acksOnly = false
  public var plan = LoadPlan()
  /// A world file, whose name without its ending the engine knows the world by; nil for the world
  /// that the program draws.
  public var worldPath: String?
  public var jsonPath: String?

  public init() {}

  public static let help = """
    veltrix load - send events at a stated rate, and check what became of every one
    usage: veltrix load [--target tcp://<host:port>] [--hunt <name>] [--create] [options]
      --target tcp://<host:port>  the engine's stream port, loopback        default tcp://127.0.0.1:7401
      --http <host:port>          its HTTP port, for books and metrics   default the target's host, 7400
      --hunt <name>               a hunt made by --create                                   default load
      --create                    make the hunt first; its name must be free
      --world <file.vxw>          the hunt's world, a grid; with --create it has to lie in the engine's
                                  worlds folder, and gets 100,000 treasures, a block in 64 at most
      --rate <n>                  events/s, 1...10,000,000                               default 100,000
      --edges-per-second <n>      a mixed stream: moves at --rate, edge changes beside, 0...1,000,000
      --claims-per-second <n>     and claims, 3 of 4 by players on a treasure, 0...1,000,000
      --seconds <n>               1...86,400                                                  default 10
      --events <n>                end after exactly n valid events instead, 1...100,000,000,000
      --players <n>               1...10,000,000                                          default 10,000
      --connections <n>           1...200, at most one a player                                default 1
      --batch <n>                 events in a frame, 1...2,048                               default 256
      --ack applied|durable       what an acknowledgement has to mean                    default durable
      --outcomes yes|no           what became of each event, or counts only                  default yes
      --malformed-percent <n>     share of lines that is broken, 0...100                       default 0
      --duplicate-percent <n>     share of repetitions; 100 with the above                     default 0
      --seed <n>                  same seed, same valid events; 0...2^64-1                     default 1
      --json <file>               writes the result there
    The rate counts all lines. Valid events are a prefix of one stream for a seed, players and
    connections, whatever is between them; with --connections 1 and --events they give one digest.
    An event's latency counts from when it was due, whether or not it left then.
    exit: 0 all answered and the books balance, 1 not so or no engine, 2 bad usage
    """

  /// Why a command line was refused.
  public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
  }

  /// Reads the arguments behind `load`.
  public init(_ arguments: [String]) throws(Fault) {
    var at = 0
    var isHTTPGiven = false
    while at < arguments.count {
      let flag = arguments[at]
      at += 1
      if flag == "--create" {
        creates = true
        continue
      }
      guard Self.flags.contains(flag) else { throw Fault("\(flag): unknown option") }
      guard at < arguments.count else { throw Fault("\(flag): a value must follow") }
      let value = arguments[at]
      at += 1
      if flag == "--http" { isHTTPGiven = true }
      try set(flag, value)
    }
    if !isHTTPGiven, let address = ListenAddress("\(Self.bracketed(target.host)):7400") {
      http = address
    }
    guard plan.malformedPercent + plan.duplicatePercent <= 100 else {
      throw Fault("--malformed-percent and --duplicate-percent: more than 100 together")
    }
    guard plan.events == nil || plan.malformedPercent + plan.duplicatePercent < 100 else {
      throw Fault("--events: no valid event comes when 100 percent of the lines are others")
    }
    guard plan.connections <= plan.players else {
      throw Fault("--connections \(plan.connections): more than --players \(plan.players)")
    }
    if edges != nil || claims != nil {
      plan.mix = LoadMix(
        moves: UInt64(rate), edges: UInt64(edges ?? 0), claims: UInt64(claims ?? 0))
    }
  }

  /// Lines a second, of all kinds.
  public var offered: Int { rate + (edges ?? 0) + (claims ?? 0) }

  /// Lines that the run sends; nil when it ends after a number of valid events.
  var slots: UInt64? { plan.events == nil ? UInt64(offered) * UInt64(seconds) : nil }

  /// What the engine knows the world of `worldPath` by.
  var worldName: String? {
    worldPath.map { path in
      let file = path.split(separator: "/").last.map(String.init) ?? path
      return file.hasSuffix(".vxw") ? String(file.dropLast(4)) : file
    }
  }

  private static let flags = [
    "--target", "--http", "--hunt", "--rate", "--seconds", "--events", "--players", "--connections",
    "--batch", "--ack", "--outcomes", "--malformed-percent", "--duplicate-percent", "--seed",
    "--json", "--world", "--edges-per-second", "--claims-per-second",
  ]

  private static func bracketed(_ host: String) -> String { host == "::1" ? "[::1]" : host }

  private mutating func set(_ flag: String, _ value: String) throws(Fault) {
    switch flag {
    case "--target":
      let text = value.hasPrefix("tcp://") ? String(value.dropFirst(6)) : value
      target = try address(flag, text)
    case "--http":
      http = try address(flag, value.hasPrefix("http://") ? String(value.dropFirst(7)) : value)
    case "--hunt":
      guard (1...48).contains(value.utf8.count), value.utf8.allSatisfy(Self.isNameByte) else {
        throw Fault("--hunt \(value): expected 1...48 bytes of a-z 0-9 -")
      }
      hunt = value
    case "--rate": rate = try whole(flag, value, 1...10_000_000)
    case "--edges-per-second": edges = try whole(flag, value, 0...1_000_000)
    case "--claims-per-second": claims = try whole(flag, value, 0...1_000_000)
    case "--world": worldPath = value
    case "--seconds": seconds = try whole(flag, value, 1...86_400)
    case "--events": plan.events = UInt64(try whole(flag, value, 1...100_000_000_000))
    case "--players": plan.players = try whole(flag, value, 1...10_000_000)
    case "--connections": plan.connections = try whole(flag, value, 1...200)
    case "--batch": plan.batch = try whole(flag, value, 1...FrameHeader.eventCountMax)
    case "--ack":
      guard let level = ["applied": AckLevel.applied, "durable": .durable][value] else {
        throw Fault("--ack \(value): expected applied or durable")
      }
      ack = level
    case "--outcomes":
      guard value == "yes" || value == "no" else {
        throw Fault("--outcomes \(value): expected yes or no")
      }
      acksOnly = value == "no"
    case "--malformed-percent": plan.malformedPercent = try whole(flag, value, 0...100)
    case "--duplicate-percent": plan.duplicatePercent = try whole(flag, value, 0...100)
    case "--seed":
      guard let seed = UInt64(value) else {
        throw Fault("--seed \(value): expected 0...18,446,744,073,709,551,615")
      }
      plan.seed = seed
    default: jsonPath = value
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
  }

  private func address(_ flag: String, _ text: String) throws(Fault) -> ListenAddress {
    guard let address = ListenAddress(text), address.port > 0 else {
      throw Fault("\(flag) \(text): expected host:port on loopback: 127.x.y.z, [::1] or localhost")
    }
    return address
  }

  private func whole(
    _ flag: String, _ text: String, _ range: ClosedRange<Int>
  ) throws(Fault) -> Int {
    let digits = text.filter { $0 != "_" && $0 != "," }
    guard let value = Int(digits) else { throw Fault("\(flag) \(text): expected a whole number") }
    if value < range.lowerBound { throw Fault("\(flag) \(text): below \(range.lowerBound)") }
    if value > range.upperBound {
      throw Fault("\(flag) \(text): above \(grouped(UInt64(range.upperBound)))")
    }
    return value
  }
}

/// `1234567` as `1,234,567`.
public func grouped(_ value: UInt64) -> String {
  var text = ""
  for (at, digit) in String(value).reversed().enumerated() {
    if at > 0 && at % 3 == 0 { text.append(",") }
    text.append(digit)
  }
  return String(text.reversed())
}

/// `value` with `places` decimal places.
func decimal(_ value: Double, _ places: Int) -> String {
  var scale: UInt64 = 1
  for _ in 0..<places { scale *= 10 }
  let scaled = UInt64((max(0, value) * Double(scale)).rounded())
  if places == 0 { return "\(scaled)" }
  let rest = String(scaled % scale)
  return "\(scaled / scale).\(String(repeating: "0", count: places - rest.utf8.count))\(rest)"
}
