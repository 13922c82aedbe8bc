public import Authoring
import CSystem
public import Net

/// Why a question about forks has no answer.
public enum ForkSessionFault: Error, Sendable, CustomStringConvertible {
  case net(NetFault)
  case http(HTTPFault)
  /// The engine said no.
  case refused(status: Int, code: String, field: String?, message: String)
  /// Somebody interrupted the wait.
  case interrupted
  /// An answer without what it should have.
  case unexpected(String)

  public var description: String {
    switch self {
    case .net(let fault): "\(fault)"
    case .http(let fault): "\(fault)"
    case .refused(let status, let code, let field, let message):
      // The engine names the field in most messages itself.
      if let field, !message.contains(field) {
        "\(field): \(printable(message, 400)) (\(code), HTTP \(status))"
      } else {
        "\(printable(message, 400)) (\(code), HTTP \(status))"
      }
    case .interrupted: "interrupted"
    case .unexpected(let what): "the engine's answer has no \(what)"
    }
  }
}

/// What an engine says of a fork.
public struct ForkSummary: Sendable {
  public var id: UInt64
  public var kind: String
  /// `building`, `ready`, `failed`, `promoting` or `promoted`.
  public var state: String
  /// 0...100.
  public var percent: Int
  public var head: UInt64
  public var base: UInt64
  public var offset: UInt64
  public var digest: String?
  public var buildMicros: UInt64
  public var promotedAt: UInt64?
  public var reason: String?
  /// All of it, as the engine wrote it.
  public var node: YamlNode

  public init?(_ node: YamlNode) {
    guard let id = node["id"]?.number, let kind = node["kind"]?.text,
      let state = node["state"]?.text, let progress = node["progress"]?.text,
      let head = node["head"]?.number, let base = node["base"]?.number,
      let offset = node["offset"]?.number, let micros = node["build_micros"]?.number
    else { return nil }
    (self.id, self.kind, self.state) = (id, kind, state)
    (self.head, self.base, self.offset, buildMicros) = (head, base, offset, micros)
    percent = Int((Double(progress) ?? 0) * 100)
    digest = node["digest"].flatMap { $0.isAbsent ? nil : $0.text }
    promotedAt = node["promoted_at"]?.number
    reason = node["reason"].flatMap { $0.isAbsent ? nil : $0.text }
    self.node = node
  }

  /// How far it is, for a person: a fork waits for its turn, for the hunt's shadow, and for what it
  /// begins with to be read before it replays anything.
  public var stage: String { percent == 0 ? "about to replay" : "replaying, \(percent) %" }

  public var isBuilding: Bool { state == "building" || state == "promoting" }
}

/// Asks one engine for the forks of one hunt.
public final class ForkSession {
  /// Longest wait for one answer; a promotion replays what came since its fork was made.
  private static let secondsMax = 3_600

  public let target: ListenAddress
  public let hunt: String
  private let loop: Loop
  private let http: HTTPClient
  private let isInterrupted: () -> Bool

  /// - Parameter isInterrupted: Asked during every wait; true ends it.
  public init(
    target: ListenAddress, hunt: String, isInterrupted: @escaping () -> Bool = { false }
  ) throws(ForkSessionFault) {
    self.target = target
    self.hunt = hunt
    self.isInterrupted = isInterrupted
    var limits = NetLimits()
    limits.connectionCountMax = 4
    limits.streamCountMax = 4
    limits.outBytesMax = 32 << 20
    do throws(NetFault) { loop = try Loop(limits: limits) } catch { throw .net(error) }
    http = HTTPClient(loop: loop, host: target.host, port: target.port)
  }

  /// The answer to one request, whatever its status.
  public func ask(
    _ method: String, _ path: String, body: [UInt8] = [],
    headers: [(name: String, value: String)] = []
  ) throws(ForkSessionFault) -> HTTPAnswer {
    var result: Result<HTTPAnswer, HTTPFault>?
    http.ask(
      method, "/v1/hunts/\(hunt)" + path, body: body, type: "application/json", headers: headers
    ) { result = $0 }
    let endNs = vx_monotonic_ns() + Int64(Self.secondsMax) * 1_000_000_000
    while true {
      switch result {
      case .success(let answer): return answer
      case .failure(let fault): throw .http(fault)
      case nil: break
      }
      if isInterrupted() { throw .interrupted }
      if vx_monotonic_ns() >= endNs { throw .http(.timedOut(seconds: Self.secondsMax)) }
      loop.runOnce(timeoutNs: 20_000_000)
    }
  }

  /// The body of an answer of success.
  public func get(
    _ method: String, _ path: String, body: [UInt8] = [],
    headers: [(name: String, value: String)] = []
  ) throws(ForkSessionFault) -> YamlNode {
    let answer = try ask(method, path, body: body, headers: headers)
    guard (200...299).contains(answer.status), let node = answer.json else {
      throw Self.refusal(answer)
    }
    return node
  }

  private static func refusal(_ answer: HTTPAnswer) -> ForkSessionFault {
    let error = answer.json?["error"]
    return .refused(
      status: answer.status, code: error?["code"]?.text ?? "no code",
      field: error?["field"]?.text, message: answer.reason)
  }

  // MARK: Forks

  /// Asks for a fork; it may still have to be built.
  ///
  /// - Parameter path: `/forks`, `/unplay` or `/rollback`.
  public func create(_ path: String, body: [UInt8]) throws(ForkSessionFault) -> ForkSummary {
    try summary(try get("POST", path, body: body))
  }

  public func show(_ id: UInt64) throws(ForkSessionFault) -> ForkSummary {
    try summary(try get("GET", "/forks/\(id)"))
  }

  /// Asks again and again until a fork is built or has failed.
  public func built(
    _ fork: ForkSummary, progress: (ForkSummary) -> Void
  ) throws(ForkSessionFault) -> ForkSummary {
    var fork = fork
    var pauseMs: Int64 = 5
    while fork.isBuilding {
      progress(fork)
      let endNs = vx_monotonic_ns() + pauseMs * 1_000_000
      while vx_monotonic_ns() < endNs {
        if isInterrupted() { throw .interrupted }
        loop.runOnce(timeoutNs: min(20, pauseMs) * 1_000_000)
      }
      pauseMs = min(pauseMs * 2, 250)
      fork = try show(fork.id)
    }
    return fork
  }

  public func delete(_ id: UInt64) throws(ForkSessionFault) {
    let answer = try ask("DELETE", "/forks/\(id)")
    guard answer.status == 204 else { throw Self.refusal(answer) }
  }

  /// Makes a fork the hunt, if it still has the digest that the operator saw.
  public func promote(_ id: UInt64, digest: String) throws(ForkSessionFault) -> ForkSummary {
    try summary(
      try get("POST", "/forks/\(id)/promote", headers: [("If-Match", "\"\(digest)\"")]))
  }

  private func summary(_ root: YamlNode) throws(ForkSessionFault) -> ForkSummary {
    guard let node = root["fork"], let fork = ForkSummary(node) else {
      throw .unexpected("fork")
    }
    return fork
  }

  /// What a fork changes.
  ///
  /// - Parameters:
  ///   - against: Another fork; nil for the hunt as it was when the fork was asked for.
  ///   - rowCountMax: Rows of each part that are read; the engine sends them a page at a time.
  public func difference(
    _ id: UInt64, against: UInt64?, parts: [ForkDifference.Part], rowCountMax: Int
  ) throws(ForkSessionFault) -> ForkDifference {
    let path = "/forks/\(id)/diff?against=\(against.map { "\($0)" } ?? "main")"
    func page(
      _ part: ForkDifference.Part?, _ limit: Int, _ after: Int
    ) throws(ForkSessionFault) -> YamlNode {
      let rows = part.map { "&parts=\($0.rawValue)" } ?? ""
      return try get("GET", path + rows + "&limit=\(limit)&cursor=\(after)")
    }
    return try ForkDifference.read(id, parts: parts, rowCountMax: rowCountMax, page: page) {
      ForkSessionFault.unexpected($0)
    }
  }
}
