import CLlhttp

/// The rules of RFC 9110 and 9112 that decide where a request ends and what it asks for, checked
/// once its head is whole. Whatever two servers could read differently is refused: that is how
/// requests are smuggled past a proxy.
extension RequestParser {
  func checkHead(machine: UnsafeMutablePointer<llhttp_t>) throws(RequestRejection) {
    try checkLines()
    let version = unsafe (machine.pointee.http_major, machine.pointee.http_minor)
    guard version == (1, 0) || version == (1, 1) else { throw .versionUnsupported }
    request.minorVersion = Int(version.1)
    let method = unsafe llhttp_method(rawValue: UInt32(machine.pointee.method))
    guard method != HTTP_CONNECT else { throw .methodUnsupported }
    request.method = Self.method(method)
    request.methodName = unsafe String(cString: llhttp_method_name(method)!)
    try checkRequestLine()
    request.keepsAlive = unsafe llhttp_should_keep_alive(machine) != 0
    try checkHost()
    try checkLength()
    try checkExpectation()
    try splitTarget()
    request.wantsUpgrade = request.isWebSocketHandshake
  }

  /// Lines end in CR LF and in nothing else, none continues the one before, and the first is
  /// method, target and version with one space between.
  private func checkLines() throws(RequestRejection) {
    if request.bytes.count - request.target.upperBound > limits.headerBytesMax {
      throw .headersTooLarge(bytesMax: limits.headerBytesMax)
    }
    let head = unsafe request.bytes.bytes
    var previous: UInt8 = 0
    for at in 0..<head.count {
      let byte = unsafe head[at]
      if (byte == 0x0A) != (previous == 0x0D) { throw .malformed("a line must end in CR LF") }
      if previous == 0x0A, isBlank(byte) { throw .malformed("folded header lines are obsolete") }
      if previous == 0x0A, byte == UInt8(ascii: ":") { throw .malformed("a header has no name") }
      if byte == 0 { throw .malformed("a NUL byte in the head") }
      previous = byte
    }
  }

  private func checkRequestLine() throws(RequestRejection) {
    var from = 0
    while isLineEnd(request[byte: from]) { from += 1 }  // RFC 9112, 2.2: blank lines before it
    let head = from..<request.target.lowerBound
    let version = request.target.upperBound..<(request.target.upperBound + 11)
    guard head.count == request.methodName.utf8.count + 1,
      version.upperBound <= request.bytes.count,
      request.equals(version, request.minorVersion == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n")
    else { throw .malformed("the request line is not method, target and version") }
  }

  private func checkHost() throws(RequestRejection) {
    var count = 0
    for field in request.fields where request.isNamed(field, "host") {
      count += 1
      guard count == 1, request.value(of: field).allSatisfy({ isHostByte(request[byte: $0]) })
      else { throw .hostInvalid }
    }
    if count == 0, request.minorVersion == 1 { throw .hostMissing }
  }

  private func checkLength() throws(RequestRejection) {
    var lengths = 0
    var codings = 0
    for field in request.fields {
      let value = request.value(of: field)
      if request.isNamed(field, "content-length") {
        lengths += 1
        guard lengths == 1, (1...18).contains(value.count),
          value.allSatisfy({ isDigit(request[byte: $0]) })
        else { throw .lengthInvalid }
        let length = value.reduce(0) { $0 * 10 + Int(request[byte: $1] & 15) }
        if length > limits.bodyBytesMax { throw .bodyTooLarge(bytesMax: limits.bodyBytesMax) }
      } else if request.isNamed(field, "transfer-encoding") {
        codings += 1
        guard codings == 1, request.equals(value, "chunked") else { throw .encodingUnknown }
      }
    }
    if codings > 0, lengths > 0 { throw .lengthAndEncoding }
    if codings > 0, request.minorVersion == 0 {
      throw .malformed("HTTP/1.0 has no Transfer-Encoding")
    }
  }

  private func checkExpectation() throws(RequestRejection) {
    for field in request.fields where request.isNamed(field, "expect") {
      guard request.equals(request.value(of: field), "100-continue") else {
        throw .expectationUnknown
      }
      request.wantsContinue = request.minorVersion == 1
    }
  }

  /// Finds path and query in the target, which is "/path?query", "*" or "scheme://authority/...".
  private func splitTarget() throws(RequestRejection) {
    var (from, to) = (request.target.lowerBound, request.target.upperBound)
    guard from < to else { throw .malformed("the request target is empty") }
    if let fragment = (from..<to).first(where: { request[byte: $0] == UInt8(ascii: "#") }) {
      to = fragment
    }
    if request[byte: from] == UInt8(ascii: "*") {
      guard to - from == 1, request.method == .options else {
        throw .malformed("the target * belongs to OPTIONS")
      }
    } else if request[byte: from] != UInt8(ascii: "/") {
      guard let authority = authorityStart(from..<to) else {
        throw .malformed("the request target is neither a path nor an http URL")
      }
      let ends = (authority..<to).first { "/?".utf8.contains(request[byte: $0]) }
      guard let ends, ends > authority else {
        // An authority alone stands for its root.
        guard authority < to else { throw .malformed("the request target has no host") }
        (request.pathRange, request.queryRange) = (to..<to, to..<to)
        return
      }
      from = ends
    }
    let mark = (from..<to).first { request[byte: $0] == UInt8(ascii: "?") }
    request.pathRange = from..<(mark ?? to)
    request.queryRange = (mark.map { $0 + 1 } ?? to)..<to
    try checkEscapes(request.pathRange)
  }

  private func authorityStart(_ range: Range<Int>) -> Int? {
    for scheme in ["http://", "https://"] as [StaticString] {
      let count = scheme.utf8CodeUnitCount
      if range.count >= count,
        request.equals(range.lowerBound..<(range.lowerBound + count), scheme)
      {
        return range.lowerBound + count
      }
    }
    return nil
  }

  private func checkEscapes(_ range: Range<Int>) throws(RequestRejection) {
    for at in range where request[byte: at] == UInt8(ascii: "%") {
      guard at + 2 < range.upperBound, hexValue(request[byte: at + 1]) != nil,
        hexValue(request[byte: at + 2]) != nil
      else { throw .malformed("a % in the path is not followed by two hexadecimal digits") }
    }
  }

  private static func method(_ method: llhttp_method) -> HTTPMethod {
    switch method {
    case HTTP_GET: .get
    case HTTP_HEAD: .head
    case HTTP_POST: .post
    case HTTP_PUT: .put
    case HTTP_PATCH: .patch
    case HTTP_DELETE: .delete
    case HTTP_OPTIONS: .options
    default: .other
    }
  }
}

func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0D || byte == 0x0A }

func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

/// The bytes of a Host value: names, addresses in brackets, a port, escapes.
func isHostByte(_ byte: UInt8) -> Bool {
  isDigit(byte) || lowered(byte) &- UInt8(ascii: "a") < 26
    || "-._~:[]%!$&'()*+,;=".utf8.contains(byte)
}
