import Bounded

/// How a body of JSON holds its events.
public enum BodyForm: BitwiseCopyable, Sendable {
  /// An array when the first character is `[`; lines when the second line starts with `{`;
  /// otherwise one object.
  case detect
  /// One object, nothing else.
  case object
  /// One array of objects.
  case array
  /// One object a line (NDJSON); empty lines are passed over.
  case lines
}

/// What stands at one event position of a body.
@frozen public enum EventItem: BitwiseCopyable, Equatable, Sendable {
  /// A valid event. With `playerIsName`, `player` is an index into the names.
  case event(Event)
  /// Not a valid event: why, and the fields that were read before the fault (`kindByte` 0 when the
  /// kind was not), for the sequence and the player of its outcome.
  case rejected(Rejection, partial: Event)
}

/// Reads the events of a JSON body one by one; what is bad costs its own place, not its
/// neighbours'.
///
///     var reader = EventReader(body)
///     while let item = reader.next(body, names: &names) { ... reader.position ... }
///
/// An element that is valid JSON but no valid event is passed over exactly. A fault of syntax ends
/// an object or an array with one rejection, because nothing after it has a certain meaning; in
/// lines it costs the line. After `eventCountMax` events one `tooLong` ends the body, and the rest
/// of it is neither read nor counted.
///
/// A rejection's position is the byte at fault for `malformed`, the byte of the object for
/// `missingField`, and otherwise the byte where the key at fault starts.
///
/// Numbers are plain integers: `1.0` and `1e3` are `wrongType`, because a reader that rounds one
/// sender's numbers has to explain to the next why its fraction was lost.
///
/// - Complexity: O(bytes), one pass; no allocation. A rejected event costs no more than a valid
///   one.
public struct EventReader: BitwiseCopyable, Sendable {
  private enum State: BitwiseCopyable {
    case start, element, line
    /// The last event was good, and what follows it is not: one rejection, then the end.
    case broken
    case ended
  }

  /// The form in use; never `detect`.
  public let form: BodyForm
  /// Most events read from the body.
  public let eventCountMax: Int
  /// Items returned so far; the position of the latest is one less.
  public private(set) var count = 0

  private var json: JSONReader
  private var state = State.start

  /// A reader of `bytes`, the same that are passed to every `next`; at most 4 GiB.
  public init(
    _ bytes: RawSpan, form: BodyForm = .detect, eventCountMax: Int = FrameHeader.eventCountMax
  ) {
    precondition(bytes.byteCount <= Int(UInt32.max))
    self.form = form == .detect ? Self.form(of: bytes) : form
    self.eventCountMax = eventCountMax
    json = JSONReader(newlineEnds: self.form == .lines)
  }

  /// Position in the body, from 0, of the item that `next` returned last.
  public var position: Int { count - 1 }

  /// The next event or rejection, or nil at the end of the body.
  ///
  /// - Parameter names: takes the names of players; a rejected event leaves none behind.
  public mutating func next(_ bytes: RawSpan, names: inout PlayerNames) -> EventItem? {
    if state == .start { begin(bytes) }
    if state == .line { skipEmptyLines(bytes) }
    guard state != .ended else { return nil }
    count += 1
    if state == .broken { return end(json.malformed) }
    guard count <= eventCountMax else { return end(Rejection(.tooLong, position: json.at)) }

    let start = json.at
    var draft = EventDraft()
    do throws(Rejection) {
      let fault = try read(&draft, bytes, names: &names)
      try after(bytes)
      if let fault { return .rejected(fault, partial: draft.event) }
    } catch {
      if form == .lines { skipLine(bytes) } else { state = .ended }
      return .rejected(error, partial: draft.event)
    }
    do throws(Rejection) {
      return .event(try draft.finish(objectAt: start, names: &names))
    } catch {
      return .rejected(error, partial: draft.event)
    }
  }

  // MARK: One event

  /// Reads one value as an event; returns its first fault of content, throws its first of syntax.
  @inline(__always)
  private mutating func read(
    _ draft: inout EventDraft, _ bytes: RawSpan, names: inout PlayerNames
  ) throws(Rejection) -> Rejection? {
    let depth = form == .array ? 1 : 0
    guard bytes.byteOrZero(json.at) == UInt8(ascii: "{") else {
      let start = json.at
      try json.skip(bytes, depth: depth)
      return Rejection(.wrongType, position: start)
    }
    var fault: Rejection?
    var more = json.open(bytes, close: UInt8(ascii: "}"))
    while more {
      let keyAt = json.at
      guard bytes.byteOrZero(keyAt) == UInt8(ascii: "\"") else { throw json.malformed }
      let word = try json.word(bytes)
      try json.colon(bytes)
      if fault == nil {
        fault = try readMember(word, keyAt, depth, &draft, bytes, names: &names)
      } else {
        try json.skip(bytes, depth: depth + 1)
      }
      more = try json.another(bytes, close: UInt8(ascii: "}"))
    }
    return fault
  }

  @inline(__always)
  private mutating func readMember(
    _ word: JSONWord, _ keyAt: Int, _ depth: Int, _ draft: inout EventDraft, _ bytes: RawSpan,
    names: inout PlayerNames
  ) throws(Rejection) -> Rejection? {
    guard let key = EventKey(word) else {
      try json.skip(bytes, depth: depth + 1)
      return Rejection(.unknownField, position: keyAt)
    }
    let valueAt = json.at
    do throws(Rejection) {
      try draft.read(key, keyAt: keyAt, &json, bytes, names: &names)
      return nil
    } catch {
      if error.code == .malformed { throw error }
      json.at = valueAt
      try json.skip(bytes, depth: depth + 1)
      return error
    }
  }

  // MARK: The body around the events

  /// Finds the first event.
  private mutating func begin(_ bytes: RawSpan) {
    if form == .lines {
      state = .line
      return
    }
    json.skipSpace(bytes)
    state = .element
    guard form == .array else { return }
    guard bytes.byteOrZero(json.at) == UInt8(ascii: "[") else {
      state = .broken
      return
    }
    if !json.open(bytes, close: UInt8(ascii: "]")) { finishBody(bytes) }
  }

  /// Finds the event after the one just read. Throws when what follows makes that one malformed;
  /// in an array its end is certain, so the fault becomes the next item.
  @inline(__always)
  private mutating func after(_ bytes: RawSpan) throws(Rejection) {
    switch form {
    case .array:
      do throws(Rejection) {
        if try !json.another(bytes, close: UInt8(ascii: "]")) { finishBody(bytes) }
      } catch {
        state = .broken
      }
    case .lines:
      json.skipSpace(bytes)
      guard json.at < bytes.byteCount else {
        state = .ended
        return
      }
      guard bytes.byte(json.at) == UInt8(ascii: "\n") else { throw json.malformed }
      json.at += 1
    case .object, .detect:
      json.skipSpace(bytes)
      guard json.at == bytes.byteCount else { throw json.malformed }
      state = .ended
    }
  }

  /// After the closing bracket: nothing may follow.
  private mutating func finishBody(_ bytes: RawSpan) {
    json.skipSpace(bytes)
    state = json.at == bytes.byteCount ? .ended : .broken
  }

  private mutating func end(_ rejection: Rejection) -> EventItem {
    state = .ended
    var nothing = Event(kind: .join)
    nothing.kindByte = 0
    return .rejected(rejection, partial: nothing)
  }

  private mutating func skipEmptyLines(_ bytes: RawSpan) {
    json.skipSpace(bytes)
    while bytes.byteOrZero(json.at) == UInt8(ascii: "\n") {
      json.at += 1
      json.skipSpace(bytes)
    }
    if json.at >= bytes.byteCount { state = .ended }
  }

  /// Moves behind the end of the line; no part of an event reaches beyond it.
  private mutating func skipLine(_ bytes: RawSpan) {
    while json.at < bytes.byteCount, bytes.byte(json.at) != UInt8(ascii: "\n") { json.at += 1 }
    json.at += 1
  }

  /// See `BodyForm.detect`.
  private static func form(of bytes: RawSpan) -> BodyForm {
    var json = JSONReader()
    json.skipSpace(bytes)
    if bytes.byteOrZero(json.at) == UInt8(ascii: "[") { return .array }
    while json.at < bytes.byteCount, bytes.byte(json.at) != UInt8(ascii: "\n") { json.at += 1 }
    json.skipSpace(bytes)
    return bytes.byteOrZero(json.at) == UInt8(ascii: "{") ? .lines : .object
  }
}
