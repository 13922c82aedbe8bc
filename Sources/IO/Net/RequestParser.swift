import CLlhttp
import CSystem

/// Turns one connection's bytes into requests, one at a time, with llhttp in its strict mode.
///
/// The head is gathered into one block, so that its parts are plain offsets however the bytes were
/// split; llhttp sees each byte once, as it arrives, so that nonsense is refused at its first byte.
/// `RequestParser+Rules.swift` then checks what a grammar cannot. A fresh machine parses each
/// request: nothing of one request can change the meaning of the next.
@safe final class RequestParser {
  enum Outcome: Equatable {
    /// Everything was consumed and the request is not whole yet.
    case needsMore
    /// `request` and `body` are whole; call `startNext()` before parsing on.
    case complete
    /// The connection can not be read any further.
    case rejected(RequestRejection)
  }

  /// How far the current request is.
  enum Progress { case idle, head, body }

  private(set) var progress = Progress.idle
  var request: HTTPRequest
  private(set) var body: ByteBuffer
  let limits: NetLimits

  private let machine: UnsafeMutablePointer<llhttp_t>
  /// Where the head's bytes lie while llhttp reads them; offsets are relative to it.
  private var headBase: UnsafeRawPointer?
  private var isInFieldName = false
  /// What a callback found; llhttp stops when it returns an error.
  private var found: RequestRejection?
  private var isComplete = false
  /// Bytes after the head that were not body: chunk sizes, extensions, trailer.
  private var framingBytes = 0
  /// Where the bytes begin that are not body and not checked yet, and the last byte checked.
  private var framingStart: UnsafeRawPointer?
  private var framingPrevious: UInt8 = 0

  init(limits: NetLimits, budget: MemoryBudget) {
    self.limits = limits
    request = HTTPRequest(
      bytes: ByteBuffer(byteCountMax: limits.headByteCountMax, budget: budget))
    body = ByteBuffer(byteCountMax: limits.bodyBytesMax, budget: budget)
    unsafe machine = .allocate(capacity: 1)
    unsafe machine.initialize(to: llhttp_t())
    unsafe llhttp_init(machine, HTTP_REQUEST, Self.settings)
  }

  deinit { unsafe machine.deallocate() }

  /// Forgets the request and waits for the next. Memory beyond a small request's goes back.
  func startNext() {
    request.bytes.clear(keeping: 2_048)
    request.fields.removeAll(keepingCapacity: true)
    request.target = 0..<0
    request.wantsContinue = false
    request.wantsUpgrade = false
    body.clear(keeping: 4_096)
    progress = .idle
    isInFieldName = false
    isComplete = false
    found = nil
    framingBytes = 0
    framingPrevious = 0
    unsafe llhttp_init(machine, HTTP_REQUEST, Self.settings)
  }

  /// Parses from `input` until the current request is whole, `input` is used up, or a line end may
  /// have ended the head and has not: what was not consumed is to be given again. Some is consumed.
  func parse(_ input: UnsafeRawBufferPointer) -> (consumedBytes: Int, outcome: Outcome) {
    var consumed = 0
    if progress != .body {
      guard unsafe !input.isEmpty else { return (0, .needsMore) }
      progress = .head
      let (headBytes, outcome) = unsafe parseHead(input)
      consumed = headBytes
      if outcome != .complete { return (consumed, outcome) }
      progress = .body
    }
    let rest = unsafe UnsafeRawBufferPointer(rebasing: input[consumed...])
    let (bodyBytes, outcome) = unsafe parseBody(rest)
    return (consumed + bodyBytes, outcome)
  }

  // MARK: head

  private func parseHead(_ input: UnsafeRawBufferPointer) -> (Int, Outcome) {
    let before = request.bytes.count
    let room = limits.headByteCountMax - before
    // Copying only up to the head's end keeps a long run of pipelined requests linear; an end that
    // straddles two inputs is merely copied with what follows it, and found by llhttp.
    var taken = min(input.count, room)
    let headEnd = unsafe vx_find_head_end(input.baseAddress!, taken)
    if headEnd >= 0 { taken = Int(headEnd) + 4 }
    guard unsafe request.bytes.append(UnsafeRawBufferPointer(rebasing: input[..<taken])) else {
      return (0, .rejected(.memoryFull))
    }
    let base = unsafe request.bytes.bytes.baseAddress!
    unsafe headBase = base
    let (used, code) = unsafe run(UnsafeRawBufferPointer(start: base + before, count: taken))
    unsafe headBase = nil
    request.bytes.truncate(to: before + used)

    if let found { return (used, .rejected(found)) }
    if code == HPE_PAUSED {
      unsafe llhttp_resume(machine)
      do throws(RequestRejection) { try unsafe checkHead(machine: machine) } catch {
        return (used, .rejected(error))
      }
      return (used, .complete)
    }
    if code != HPE_OK { return (used, .rejected(rejection(for: code))) }
    if let excess = headExcess() { return (used, .rejected(excess)) }
    return (used, .needsMore)
  }

  /// Why the unfinished head can not become a good one any more: it outgrew a limit.
  private func headExcess() -> RequestRejection? {
    if request.target.count > limits.urlBytesMax {
      return .urlTooLong(bytesMax: limits.urlBytesMax)
    }
    // Before the target came, only blank lines and a method can have been seen.
    if request.bytes.count - request.target.upperBound > limits.headerBytesMax
      || request.bytes.count == limits.headByteCountMax
    {
      return .headersTooLarge(bytesMax: limits.headerBytesMax)
    }
    return nil
  }

  // MARK: body

  private func parseBody(_ input: UnsafeRawBufferPointer) -> (Int, Outcome) {
    let before = body.count
    unsafe framingStart = input.baseAddress
    let (used, code) = unsafe run(input)
    if found == nil, let base = input.baseAddress { unsafe checkFraming(to: base + used) }
    if let found { return (used, .rejected(found)) }
    framingBytes += used - (body.count - before)
    // A byte of body in a chunk of its own costs five bytes of framing.
    if framingBytes > limits.headerBytesMax + 8 * body.count {
      return (used, .rejected(.headersTooLarge(bytesMax: limits.headerBytesMax)))
    }
    if isComplete { return (used, .complete) }
    if code != HPE_OK { return (used, .rejected(rejection(for: code))) }
    return (used, .needsMore)
  }

  /// Lines around chunks end in CR LF and in nothing else: a chunk size that two servers read
  /// differently hides a request from one of them.
  private func checkFraming(to end: UnsafeRawPointer) {
    guard let start = unsafe framingStart else { return }
    let count = unsafe end - start
    for offset in 0..<count {
      let byte = unsafe start.load(fromByteOffset: offset, as: UInt8.self)
      if (byte == 0x0A) != (framingPrevious == 0x0D) {
        found = .malformed("a line around chunks must end in CR LF")
        return
      }
      framingPrevious = byte
    }
    unsafe framingStart = end
  }

  /// Feeds llhttp and says how many bytes it took.
  private func run(_ input: UnsafeRawBufferPointer) -> (Int, llhttp_errno) {
    unsafe machine.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    // Without a body the message ends with no further byte, and llhttp wants a pointer all the
    // same.
    var nothing: CChar = 0
    return unsafe withUnsafePointer(to: &nothing) { nothing in
      let start = unsafe input.baseAddress?.assumingMemoryBound(to: CChar.self) ?? nothing
      let code = unsafe llhttp_execute(machine, start, input.count)
      if code == HPE_OK { return (input.count, code) }
      guard let stop = unsafe llhttp_get_error_pos(machine) else { return (0, code) }
      return unsafe (min(max(stop - start, 0), input.count), code)
    }
  }

  private func rejection(for code: llhttp_errno) -> RequestRejection {
    switch code {
    case HPE_INVALID_VERSION, HPE_PAUSED_H2_UPGRADE: return .versionUnsupported
    case HPE_INVALID_TRANSFER_ENCODING: return .encodingUnknown
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      return request.fields.contains { request.isNamed($0, "transfer-encoding") }
        ? .lengthAndEncoding : .lengthInvalid
    case HPE_INVALID_CONTENT_LENGTH: return .lengthInvalid
    default:
      guard let reason = unsafe llhttp_get_error_reason(machine) else {
        return .malformed("the request is malformed")
      }
      return .malformed(unsafe String(cString: reason))
    }
  }
}

// MARK: - What llhttp calls

extension RequestParser {
  nonisolated(unsafe) private static let settings: UnsafeMutablePointer<llhttp_settings_t> = {
    let settings = UnsafeMutablePointer<llhttp_settings_t>.allocate(capacity: 1)
    unsafe llhttp_settings_init(settings)
    unsafe settings.pointee.on_url = { unsafe parser($0).sawTarget($1!, $2) }
    unsafe settings.pointee.on_header_field = { unsafe parser($0).sawFieldName($1!, $2) }
    unsafe settings.pointee.on_header_value = { unsafe parser($0).sawFieldValue($1!, $2) }
    unsafe settings.pointee.on_header_value_complete = { unsafe parser($0).endedField() }
    unsafe settings.pointee.on_headers_complete = { _ in Int32(HPE_PAUSED.rawValue) }
    unsafe settings.pointee.on_body = { unsafe parser($0).sawBody($1!, $2) }
    unsafe settings.pointee.on_message_complete = { unsafe parser($0).ended() }
    return unsafe settings
  }()

  fileprivate func sawTarget(_ at: UnsafePointer<CChar>, _ count: Int) -> Int32 {
    let offset = unsafe UnsafeRawPointer(at) - headBase!
    let start = request.target.isEmpty ? offset : request.target.lowerBound
    request.target = start..<(offset + count)
    return request.target.count > limits.urlBytesMax
      ? stop(.urlTooLong(bytesMax: limits.urlBytesMax)) : 0
  }

  fileprivate func sawFieldName(_ at: UnsafePointer<CChar>, _ count: Int) -> Int32 {
    guard let headBase = unsafe headBase else { return 0 }  // a trailer's field; nobody reads those
    if !isInFieldName {
      if request.fields.count == limits.headerCountMax {
        return stop(.headersTooMany(countMax: limits.headerCountMax))
      }
      isInFieldName = true
      let start = unsafe UnsafeRawPointer(at) - headBase
      request.fields.append(HTTPRequest.Field(nameStart: start))
    }
    request.fields[request.fields.count - 1].nameCount += count
    return 0
  }

  fileprivate func sawFieldValue(_ at: UnsafePointer<CChar>, _ count: Int) -> Int32 {
    guard let headBase = unsafe headBase else { return 0 }
    isInFieldName = false
    guard let last = request.fields.indices.last else {
      return stop(.malformed("a header has no name"))
    }
    let offset = unsafe UnsafeRawPointer(at) - headBase
    if request.fields[last].valueCount == 0 { request.fields[last].valueStart = offset }
    // A folded value comes in pieces; the head's rules refuse it later, its bytes stay in order.
    request.fields[last].valueCount = offset + count - request.fields[last].valueStart
    return 0
  }

  fileprivate func endedField() -> Int32 {
    isInFieldName = false
    return 0
  }

  fileprivate func sawBody(_ at: UnsafePointer<CChar>, _ count: Int) -> Int32 {
    unsafe checkFraming(to: UnsafeRawPointer(at))
    if found != nil { return -1 }
    unsafe framingStart = UnsafeRawPointer(at) + count
    framingPrevious = 0
    if body.count + count > limits.bodyBytesMax {
      return stop(.bodyTooLarge(bytesMax: limits.bodyBytesMax))
    }
    let bytes = unsafe UnsafeRawBufferPointer(start: at, count: count)
    return unsafe body.append(bytes) ? 0 : stop(.memoryFull)
  }

  fileprivate func ended() -> Int32 {
    isComplete = true
    return Int32(HPE_PAUSED.rawValue)
  }

  private func stop(_ rejection: RequestRejection) -> Int32 {
    found = rejection
    return -1
  }
}

/// The parser behind llhttp's user pointer.
private func parser(_ machine: UnsafeMutablePointer<llhttp_t>?) -> RequestParser {
  unsafe Unmanaged<RequestParser>.fromOpaque(machine!.pointee.data).takeUnretainedValue()
}
