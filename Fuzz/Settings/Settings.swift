import Authoring

@testable import Gateway

/// Settings files, flags of the command line, listen addresses and `Host` headers.
///
/// The first byte chooses: 0 a file, 1 a flag and its value with a newline between, 2 an address, 3
/// a `Host` header.
let settings = Parser(
  name: "Settings", bytesMax: 1_024,
  seeds: {
    let file = """
      data: veltrix-data
      http: 127.0.0.1:7400
      stream: 127.0.0.1:7401
      hosts: localhost
      threads: 0
      durability: batch
      flush_interval: 50ms
      segment_size: 64 MiB
      retention: compress
      log_level: info

      """
    return [
      Seed("defaults", mode: 0, Array(file.utf8)),
      Seed("comment", mode: 0, Array("# nothing\n".utf8)),
      Seed("conflict", mode: 0, Array("http: 127.0.0.1:1\nstream: 127.0.0.1:1\n".utf8)),
      Seed("bad-values", mode: 0, Array("threads: 65\nsegment_size: 3 GiB\nhosts: [a, b]\n".utf8)),
      Seed("flag", mode: 1, Array("--flush-interval\n50ms".utf8)),
      Seed("flag-unknown", mode: 1, Array("--flush-intervall\n9".utf8)),
      Seed("flag-bytes", mode: 1, Array("--segment-size\n1.5 MiB".utf8)),
      Seed("address", mode: 2, Array("127.0.0.1:7400".utf8)),
      Seed("address-6", mode: 2, Array("[::1]:65535".utf8)),
      Seed("address-odd", mode: 2, Array("127.00.+1.\u{0661}:99999999999999999999".utf8)),
      Seed("host", mode: 3, Array("LOCALHOST:8080".utf8)),
      Seed("host-6", mode: 3, Array("[::1]".utf8)),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    let bytes = Array(input.dropFirst())
    let text = String(decoding: bytes, as: UTF8.self)
    switch mode & 3 {
    case 0:
      let read = Settings.parse(bytes)
      try checkFindings(read.findings, isRefused: read.value == nil, of: bytes)
    case 1: try checkFlag(text)
    case 2:
      guard let address = ListenAddress(text) else { return }
      try require(ListenAddress("\(address)") == address, "\(address)")
      try require(
        address.host == "::1" || address.host.hasPrefix("127."), "\(address) is not loopback")
    default: _ = HostName.isOurs(text, Settings())
    }
  })

private func checkFlag(_ text: String) throws {
  let words = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
  var changed = Settings()
  do throws(FlagFault) {
    try changed.apply(
      flag: String(words.first ?? ""), value: words.count > 1 ? String(words[1]) : "")
  } catch {
    try require(changed == Settings(), "a refused flag changed something")
    let line = "\(error)"
    try require(
      line.utf8.count < 2_000 && line.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "\(line)")
  }
}
