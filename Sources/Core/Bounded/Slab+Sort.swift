extension Slab {
  /// Sorts `count` rows of 16 bytes at `offset` by their high word, then by their low one.
  ///
  ///     offset  bytes  field
  ///          0      8  high word, compared first
  ///          8      8  low word
  ///
  /// A stable distribution by digits, lowest first (Knuth 5.2.5), that leaves out the digits in
  /// which no two rows differ.
  ///
  /// - Parameters:
  ///   - spare: Offset of room for as many rows.
  ///   - ascendingBits: Lowest bits of the low words by which the rows ascend already, `0...63`.
  /// - Returns: Where the sorted rows lie: `offset` or `spare`.
  /// - Complexity: O(count) a byte that differs; no allocation.
  public func sortRows(at offset: Int, count: Int, spare: Int, ascendingBits: Int = 0) -> Int {
    precondition(offset >= 0 && spare >= 0 && count >= 0 && count <= byteCount)
    precondition(max(offset, spare) &+ count &* 16 <= byteCount)
    if count < 2 { return offset }
    var high: UInt64 = 0
    var low: UInt64 = 0
    let firstHigh = load(offset, as: UInt64.self)
    let firstLow = load(offset &+ 8, as: UInt64.self)
    for row in 0..<count {
      high |= load(offset &+ row &* 16, as: UInt64.self) ^ firstHigh
      low |= load(offset &+ row &* 16 &+ 8, as: UInt64.self) ^ firstLow
    }
    low &= ~((1 &<< UInt64(ascendingBits)) &- 1)
    var from = offset
    var to = spare
    for pass in 0..<2 {
      var left = pass == 0 ? low : high
      while left != 0 {
        let shift = UInt64(min(left.trailingZeroBitCount, 56))
        distribute(from, to, count, word: pass == 0 ? 8 : 0, shift: shift)
        swap(&from, &to)
        left &= shift == 56 ? 0 : ~UInt64(0) &<< (shift &+ 8)
      }
    }
    return from
  }

  /// Copies rows to `to`, in the order of one byte of a word of theirs.
  private func distribute(_ from: Int, _ to: Int, _ count: Int, word: Int, shift: UInt64) {
    var places = InlineArray<256, Int>(repeating: 0)
    for row in 0..<count {
      let bits = load(from &+ row &* 16 &+ word, as: UInt64.self)
      places[Int(truncatingIfNeeded: bits &>> shift & 255)] &+= 1
    }
    var next = to
    for digit in 0..<256 {
      let held = places[digit]
      places[digit] = next
      next &+= held &* 16
    }
    for row in 0..<count {
      let high = load(from &+ row &* 16, as: UInt64.self)
      let low = load(from &+ row &* 16 &+ 8, as: UInt64.self)
      let digit = Int(truncatingIfNeeded: (word == 0 ? high : low) &>> shift & 255)
      let place = places[digit]
      store(high, place)
      store(low, place &+ 8)
      places[digit] = place &+ 16
    }
  }
}
