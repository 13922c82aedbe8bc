extension YamlNode {
  /// The value as JSON; plain scalars that read as JSON numbers or words stay so, every other is a
  /// string. What was parsed from JSON comes out as the same values.
  ///
  /// - Complexity: O(bytes); arrays are copied once a level, of which there are at most
  ///   ``YamlLimits/depthMax``.
  public var json: [UInt8] {
    switch content {
    case .scalar(let text, let plain):
      if plain && (isJSONNumber(text) || ["true", "false", "null"].contains(text)) {
        return Array(text.utf8)
      }
      return jsonString(text)
    case .sequence(let items):
      return Array("[".utf8) + items.map(\.json).joined(separator: Array(",".utf8))
        + Array("]".utf8)
    case .mapping(let pairs):
      let members = pairs.map { pair in jsonString(pair.key) + Array(":".utf8) + pair.value.json }
      return Array("{".utf8) + members.joined(separator: Array(",".utf8)) + Array("}".utf8)
    }
  }
}

/// `text` as a JSON string, in its quotes.
public func jsonString(_ text: String) -> [UInt8] {
  var out: [UInt8] = [UInt8(ascii: "\"")]
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
    case 0..<32: out += Array("\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
    default: out.append(byte)
    }
  }
  return out + [UInt8(ascii: "\"")]
}

/// Whether `text` is a number as JSON writes one.
private func isJSONNumber(_ text: String) -> Bool {
  var rest = text.utf8[...]
  func digits(_ rest: inout Substring.UTF8View.SubSequence) -> Int {
    let count = rest.prefix { (48...57).contains($0) }.count
    rest = rest.dropFirst(count)
    return count
  }
  if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
  let isZero = rest.first == UInt8(ascii: "0")
  let whole = digits(&rest)
  guard whole > 0, !isZero || whole == 1 else { return false }
  if rest.first == UInt8(ascii: ".") {
    rest = rest.dropFirst()
    guard digits(&rest) > 0 else { return false }
  }
  if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
    rest = rest.dropFirst()
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
      rest = rest.dropFirst()
    }
    guard digits(&rest) > 0 else { return false }
  }
  return rest.isEmpty
}
