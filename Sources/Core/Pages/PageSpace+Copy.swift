public import Bounded

extension PageSpace {
  /// Copies `count` bytes from a logical address, over as many pages as they lie on.
  ///
  /// - Complexity: O(count); no allocation.
  public func copy(_ address: Int, count: Int, to target: SlabView, at place: Int) {
    precondition(address >= 0 && count >= 0 && address + count <= pageCount << 12)
    var done = 0
    while done < count {
      let from = address + done
      let run = min(count - done, pageBytes - from & 4095)
      target.copy(from: memory, at: offset(from), to: place + done, count: run)
      done += run
    }
  }
}
