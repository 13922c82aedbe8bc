/// Rules as words, for files: one for each rule, in the order of the definition.
extension HuntRules {
  public static let wordCount = 8

  public var words: [Int64] {
    [
      Int64(speedMax), Int64(stepsFree), Int64(stepsMax), walls ? 1 : 0, latenessMs, aheadMs,
      Int64(claimsPerPlayer), joinImplicitly ? 1 : 0,
    ]
  }

  /// Nil where there are not `wordCount` words or one is outside its rule's range.
  public init?(words: [Int64]) {
    let ranges: [ClosedRange<Int64>] = [
      0...1_000_000_000, 0...64, 1...64, 0...1, 0...(1 << 53), 0...(1 << 53), 0...(1 << 20), 0...1,
    ]
    guard words.count == ranges.count, zip(words, ranges).allSatisfy({ $1.contains($0) }) else {
      return nil
    }
    self.init()
    speedMax = UInt32(words[0])
    stepsFree = UInt32(words[1])
    stepsMax = UInt32(words[2])
    walls = words[3] == 1
    latenessMs = words[4]
    aheadMs = words[5]
    claimsPerPlayer = UInt32(words[6])
    joinImplicitly = words[7] == 1
  }
}
