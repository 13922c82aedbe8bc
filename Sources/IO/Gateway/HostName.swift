import Authoring

/// Whose name a request came under.
enum HostName {
  /// Whether a `Host` header names this server: loopback, the address bound, or a name of the
  /// setting `hosts`; with any port, as a tunnel may change it.
  static func isOurs(_ header: String, _ settings: Settings) -> Bool {
    let text = header.lowercased()
    let name = withoutPort(text)
    if ListenAddress("\(name):0") != nil { return true }
    let bound = settings.http.host
    return name == bound || name == "[\(bound)]" || settings.hosts.contains(name)
  }

  /// `host` of `host:port`, `[address]` of `[address]:port`; `text` where no port is.
  private static func withoutPort(_ text: String) -> String {
    guard let colon = text.lastIndex(of: ":"),
      text[text.index(after: colon)...].allSatisfy({ $0.isASCII && $0.isNumber })
    else { return text }
    return String(text[..<colon])
  }
}
