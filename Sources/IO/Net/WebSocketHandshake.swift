/// The opening handshake of RFC 6455: who may upgrade, and the proof that we understood.
extension HTTPRequest {
  var isWebSocketHandshake: Bool {
    method == .get && minorVersion == 1 && header("upgrade", lists: "websocket")
      && header("connection", lists: "upgrade") && header("sec-websocket-version") == "13"
      && webSocketKey != nil
  }

  /// The key as sent: the base64 of sixteen bytes, 24 characters long.
  private var webSocketKey: Range<Int>? {
    var keys: [Range<Int>] = []
    for field in fields where isNamed(field, "sec-websocket-key") { keys.append(value(of: field)) }
    guard keys.count == 1, let key = keys.first, key.count == 24 else { return nil }
    for (at, offset) in key.enumerated() {
      let byte = self[byte: offset]
      let isCharacter =
        isDigit(byte) || lowered(byte) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "+")
        || byte == UInt8(ascii: "/")
      guard at < 22 ? isCharacter : byte == UInt8(ascii: "=") else { return nil }
    }
    return key
  }

  /// The value of `Sec-WebSocket-Accept`, or nil when this is no handshake.
  var webSocketAccept: String? {
    guard wantsUpgrade, let key = webSocketKey else { return nil }
    let proof = string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64(sha1(Array(proof.utf8)))
  }
}

/// SHA-1 (FIPS 180-4), 20 bytes. RFC 6455 asks for it; it protects nothing.
func sha1(_ message: [UInt8]) -> [UInt8] {
  var padded = message + [0x80]
  while padded.count % 64 != 56 { padded.append(0) }
  let bitCount = UInt64(message.count) * 8
  for shift in stride(from: 56, through: 0, by: -8) {
    padded.append(UInt8(truncatingIfNeeded: bitCount >> UInt64(shift)))
  }
  var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
  for block in stride(from: 0, to: padded.count, by: 64) {
    var words = [UInt32](repeating: 0, count: 80)
    for at in 0..<16 {
      for byte in padded[(block + at * 4)..<(block + at * 4 + 4)] {
        words[at] = words[at] << 8 | UInt32(byte)
      }
    }
    for at in 16..<80 {
      words[at] = rotated(words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16], by: 1)
    }
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for at in 0..<80 {
      let (mix, constant): (UInt32, UInt32) =
        switch at {
        case 0..<20: ((b & c) | (~b & d), 0x5A82_7999)
        case 20..<40: (b ^ c ^ d, 0x6ED9_EBA1)
        case 40..<60: ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC)
        default: (b ^ c ^ d, 0xCA62_C1D6)
        }
      let next = rotated(a, by: 5) &+ mix &+ e &+ constant &+ words[at]
      (a, b, c, d, e) = (next, a, rotated(b, by: 30), c, d)
    }
    for (at, value) in [a, b, c, d, e].enumerated() { state[at] &+= value }
  }
  return state.flatMap { word in
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
  }
}

private func rotated(_ word: UInt32, by count: UInt32) -> UInt32 {
  word << count | word >> (32 - count)
}

/// The base64 of `bytes` with padding (RFC 4648, section 4).
func base64(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var text: [UInt8] = []
  for at in stride(from: 0, to: bytes.count, by: 3) {
    let count = min(3, bytes.count - at)
    var group = 0
    for offset in 0..<3 { group = group << 8 | (offset < count ? Int(bytes[at + offset]) : 0) }
    for place in 0..<4 {
      text.append(place <= count ? alphabet[group >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
    }
  }
  return String(decoding: text, as: UTF8.self)
}
