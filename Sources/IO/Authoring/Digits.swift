extension UInt64 {
  /// A number of decimal digits alone: no sign, no space; nil for anything else and above 2^64-1.
  public init?(digits text: some StringProtocol) {
    guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    self.init(text)
  }
}
