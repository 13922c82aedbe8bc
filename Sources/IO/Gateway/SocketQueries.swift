import Authoring
import Engine
import Events
import Net

/// Searches asked for in messages of a WebSocket:
/// `{"ask":{"id":7,"hunt":"town","query":"path","player":"Zoë","treasure":4}}`.
///
/// Parameters, answers and codes are those of the HTTP path with the same word. Answers carry the
/// id and come as they are found, in any order. A connection may have `waitingMax` without an
/// answer, and none of its messages is read while it leaves too many bytes unread (`Net`), so what
/// a slow reader can have waiting is bounded by that many answers.
final class SocketQueries {
  /// Most queries of a connection that are not answered yet; a further one is answered 429.
  static let waitingMax = 8
  private static let idMax: UInt64 = 1 << 53

  private struct Members: Parameters {
    let values: [String: String]
    func query(_ name: String) -> String? { values[name] }
  }

  private let loop: Loop
  private let engine: Engine
  /// Asks a hunt, or a state of it; set by the gateway.
  var ask: (HuntEntry, Query, ReadView, @escaping (Answer) -> Void) -> Void = { _, _, _, _ in }
  private var waiting: [ConnectionID: Int] = [:]

  init(loop: Loop, engine: Engine) {
    self.loop = loop
    self.engine = engine
  }

  /// Takes what stands under `ask`; false when it has no id to answer to.
  func take(_ connection: ConnectionID, _ asked: YamlNode) -> Bool {
    guard case .mapping(let pairs) = asked.content,
      case .scalar(let text, plain: true)? = pairs.first(where: { $0.key == "id" })?.value.content,
      let id = UInt64(text), id <= Self.idMax
    else { return false }
    guard waiting[connection, default: 0] < Self.waitingMax else {
      let message = "\(Self.waitingMax) queries of this connection wait for their answers"
      refuse(connection, id, 429, "busy", message)
      return true
    }
    do throws(ParameterFault) {
      try search(connection, id, try members(pairs))
    } catch {
      refuse(connection, id, 400, "bad_parameter", error.message, field: error.field)
    }
    return true
  }

  func closed(_ connection: ConnectionID) { waiting[connection] = nil }

  private func members(_ pairs: [YamlPair]) throws(ParameterFault) -> Members {
    var values: [String: String] = [:]
    for pair in pairs where pair.key != "id" {
      guard case .scalar(let text, _) = pair.value.content, !pair.value.isAbsent else {
        throw ParameterFault(field: pair.key, message: "\(pair.key) is a text or a number")
      }
      values[pair.key] = text
    }
    return Members(values: values)
  }

  private func search(
    _ connection: ConnectionID, _ id: UInt64, _ members: Members
  ) throws(ParameterFault) {
    guard let word = members.query("query").flatMap({ GroundWord(rawValue: $0) }) else {
      let words = GroundWord.allCases.map(\.rawValue).joined(separator: ", ")
      throw ParameterFault(field: "query", message: "query is one of: \(words)")
    }
    let known = ["hunt", "query", "fork", "as_of"] + word.parameters
    // A misspelt word must not change what is asked.
    if let other = members.values.keys.filter({ !known.contains($0) }).min() {
      throw ParameterFault(field: other, message: "\(word.rawValue) has no parameter \(other)")
    }
    let name = members.query("hunt") ?? ""
    guard let entry = engine.hunt(named: name) else {
      return refuse(connection, id, 404, "unknown_hunt", "there is no hunt \"\(name)\"")
    }
    let query = try word.query(members)
    let view = try members.view
    waiting[connection, default: 0] += 1
    ask(entry, query, view) { [unowned self] answer in
      // Nobody is left to be told on a connection that is gone.
      guard let count = waiting[connection] else { return }
      waiting[connection] = count > 1 ? count - 1 : nil
      send(connection, id, answer.status, answer.body)
    }
  }

  private func refuse(
    _ connection: ConnectionID, _ id: UInt64, _ status: Int, _ code: String, _ message: String,
    field: String? = nil
  ) {
    send(connection, id, status, errorBody(code, message, field: field))
  }

  /// `{"type":"answer","id":7,"status":200,"body":{...}}`, the body as over HTTP.
  private func send(_ connection: ConnectionID, _ id: UInt64, _ status: Int, _ body: [UInt8]) {
    var message = Array("{\"type\":\"answer\",\"id\":\(id),\"status\":\(status),\"body\":".utf8)
    message += body
    message.append(UInt8(ascii: "}"))
    if !loop.sendText(connection, message) {
      loop.closeWebSocket(connection, code: 1013, reason: "answers wait unread")
    }
  }
}
