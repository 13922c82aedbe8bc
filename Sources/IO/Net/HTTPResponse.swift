/// The bytes of answers.
extension Loop {
  /// Appends status line, headers and body; on false something may have been appended.
  func appendAnswer(
    status: Int, headers: [(String, String)], body: RawSpan, _ http: HTTPState,
    to out: inout ByteBuffer
  ) -> Bool {
    precondition((200...599).contains(status), "status \(status)")
    guard appendHead(status: status, headers: headers, to: &out) else { return false }
    if status != 204, status != 304 {
      guard out.append("Content-Length: " as StaticString), out.append(decimal: body.byteCount),
        out.append("\r\n" as StaticString)
      else { return false }
    }
    if !http.keepsAlive {
      guard out.append("Connection: close\r\n" as StaticString) else { return false }
    } else if http.minorVersion == 0 {
      guard out.append("Connection: keep-alive\r\n" as StaticString) else { return false }
    }
    guard out.append("\r\n" as StaticString) else { return false }
    let hasBody = !http.isHead && status != 204 && status != 304
    return hasBody ? out.append(body) : true
  }

  /// Appends the status line and `headers`, without those that are the loop's to write and without
  /// the blank line that ends a head.
  func appendHead(
    status: Int, headers: [(String, String)], to out: inout ByteBuffer
  ) -> Bool {
    guard out.append("HTTP/1.1 " as StaticString), out.append(decimal: status),
      out.append(" " as StaticString), out.append(reason(of: status)),
      out.append("\r\n" as StaticString)
    else { return false }
    for (name, value) in headers where !isFraming(name) {
      guard out.append(printable(name)), out.append(": " as StaticString),
        out.append(printable(value)), out.append("\r\n" as StaticString)
      else { return false }
    }
    return true
  }

  /// Appends a whole answer that says why a request was refused, and that the connection closes.
  func appendError(
    _ rejection: RequestRejection, to out: inout ByteBuffer
  ) -> Bool {
    let body = errorJSON(code: rejection.code, message: rejection.message)
    var headers = [("Content-Type", "application/json")]
    if rejection.status == 503 { headers.append(("Retry-After", "1")) }
    return appendHead(status: rejection.status, headers: headers, to: &out)
      && out.append("Content-Length: " as StaticString) && out.append(decimal: body.utf8.count)
      && out.append("\r\nConnection: close\r\n\r\n" as StaticString) && out.append(body)
  }
}

/// `{"error":{"code":"...","message":"..."}}`, escaped as JSON asks.
func errorJSON(code: String, message: String) -> String {
  "{\"error\":{\"code\":\"\(escaped(code))\",\"message\":\"\(escaped(message))\"}}"
}

private func escaped(_ text: String) -> String {
  var plain = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": plain += "\\\""
    case "\\": plain += "\\\\"
    case "\u{0}"..<"\u{20}":
      let digits = String(scalar.value, radix: 16)
      plain += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: plain.unicodeScalars.append(scalar)
    }
  }
  return plain
}

/// Headers by which the peer finds the end of an answer.
private func isFraming(_ name: String) -> Bool {
  isSameToken(name, "content-length") || isSameToken(name, "connection")
    || isSameToken(name, "transfer-encoding") || isSameToken(name, "keep-alive")
}

/// Whether two ASCII names are the same in any case.
func isSameToken(_ left: String, _ right: String) -> Bool {
  left.utf8.count == right.utf8.count
    && zip(left.utf8, right.utf8).allSatisfy { lowered($0) == lowered($1) }
}

/// `text` without control characters; usually `text` itself.
private func printable(_ text: String) -> String {
  func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x09 || byte == 0x7F }
  guard text.utf8.contains(where: isControl) else { return text }
  return String(decoding: text.utf8.filter { !isControl($0) }, as: UTF8.self)
}

private func reason(of status: Int) -> StaticString {
  switch status {
  case 200: "OK"
  case 201: "Created"
  case 202: "Accepted"
  case 204: "No Content"
  case 206: "Partial Content"
  case 301: "Moved Permanently"
  case 302: "Found"
  case 303: "See Other"
  case 304: "Not Modified"
  case 307: "Temporary Redirect"
  case 308: "Permanent Redirect"
  case 400: "Bad Request"
  case 401: "Unauthorized"
  case 403: "Forbidden"
  case 404: "Not Found"
  case 405: "Method Not Allowed"
  case 406: "Not Acceptable"
  case 408: "Request Timeout"
  case 409: "Conflict"
  case 410: "Gone"
  case 411: "Length Required"
  case 412: "Precondition Failed"
  case 413: "Content Too Large"
  case 414: "URI Too Long"
  case 415: "Unsupported Media Type"
  case 416: "Range Not Satisfiable"
  case 417: "Expectation Failed"
  case 421: "Misdirected Request"
  case 422: "Unprocessable Content"
  case 426: "Upgrade Required"
  case 428: "Precondition Required"
  case 429: "Too Many Requests"
  case 431: "Request Header Fields Too Large"
  case 500: "Internal Server Error"
  case 501: "Not Implemented"
  case 502: "Bad Gateway"
  case 503: "Service Unavailable"
  case 504: "Gateway Timeout"
  case 505: "HTTP Version Not Supported"
  case 507: "Insufficient Storage"
  default: "Status"
  }
}
