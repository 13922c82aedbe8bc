extension ValueForm {
  /// The value that `text` writes.
  ///
  /// Quotes in the file make no difference here: `"30s"` in JSON is `30s` in YAML.
  func value(of text: String) throws(ValueFault) -> Value {
    switch self {
    case .whole(let range, _), .span(let range, _):
      return .number(try number(text, range, "a whole number", grouped))
    case .powerOfTwo(let range, _):
      let value = try number(text, range, "a whole number", grouped)
      guard value > 0 && value & (value - 1) == 0 else {
        throw .malformed(expected: "a power of two")
      }
      return .number(value)
    case .decimal(let range, _):
      if text == "any" { return .number(0) }
      guard let value = parseDecimal(text) else {
        throw .malformed(expected: "a number with at most three decimal places, or any")
      }
      return .number(try inside(range, value, decimalText))
    case .duration(let range): return .number(try duration(text, range))
    case .window(let range):
      if text == "none" { return .number(0) }
      return .number(try duration(text == "minute" ? "1m" : text, range))
    case .bytes(let range, let multiple):
      guard let value = parseQuantity(text, byteUnits) else {
        throw .malformed(expected: "a number of bytes such as 64MiB")
      }
      _ = try inside(range, value, byteText)
      guard value % multiple == 0 else {
        throw .malformed(expected: "a multiple of \(byteText(multiple))")
      }
      return .number(value)
    case .choice(let words):
      guard words.contains(text) else {
        let hint = nearestName(to: text, among: words).map { "; did you mean \"\($0)\"?" } ?? ""
        throw .malformed(expected: "one of \(words.joined(separator: ", "))" + hint)
      }
      return .text(text)
    case .toggle:
      guard text == "true" || text == "false" else { throw .malformed(expected: "true or false") }
      return .toggle(text == "true")
    case .name(let most):
      guard isName(text, byteCountMax: most) else { throw .malformed(expected: range) }
      return .text(text)
    case .path:
      guard (1...4096).contains(text.utf8.count) && !text.utf8.contains(0) else {
        throw .malformed(expected: "a path, 1...4,096 bytes without NUL")
      }
      return .text(text)
    case .text: return .text(text)
    case .loopback:
      guard let address = ListenAddress(text) else { throw .malformed(expected: range) }
      return .address(address)
    case .hosts:
      let names = text.split(separator: ",", omittingEmptySubsequences: false)
      guard names.count <= 16 && names.allSatisfy(isHostName) else {
        throw .malformed(expected: range)
      }
      return .text(text)
    }
  }

  private func duration(_ text: String, _ range: ClosedRange<Int64>) throws(ValueFault) -> Int64 {
    guard let value = parseQuantity(text, durationUnits) else {
      throw .malformed(expected: "a duration such as 250ms, 30s, 5m, 2h or 1d")
    }
    return try inside(range, value, durationText)
  }

  private func number(
    _ text: String, _ range: ClosedRange<Int64>, _ expected: String, _ write: (Int64) -> String
  ) throws(ValueFault) -> Int64 {
    guard let value = parseWhole(text) else { throw .malformed(expected: expected) }
    return try inside(range, value, write)
  }

  private func inside(
    _ range: ClosedRange<Int64>, _ value: Int64, _ write: (Int64) -> String
  ) throws(ValueFault) -> Int64 {
    if value < range.lowerBound { throw .below(write(range.lowerBound) + " (\(self.range))") }
    if value > range.upperBound { throw .above(write(range.upperBound) + " (\(self.range))") }
    return value
  }
}

/// Whether `text` is a host's name in small letters, or an address in its place: no port, no `*`.
private func isHostName(_ text: Substring) -> Bool {
  (1...253).contains(text.utf8.count)
    && text.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }
}

/// Whether `text` is 1...`byteCountMax` bytes of `a-z 0-9 -`.
func isName(_ text: String, byteCountMax: Int) -> Bool {
  (1...byteCountMax).contains(text.utf8.count)
    && text.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
    }
}
