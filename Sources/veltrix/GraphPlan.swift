/// What `veltrix bench graph --plan` does, a step a line: what another program does on the same
/// world, to be compared with.
struct GraphPlan {
  enum Step: Equatable {
    /// A treasure lies on the node; their ids are 1, 2, ....
    case treasure(UInt32)
    /// The field of all treasures, from nothing.
    case field
    /// The step from a node in a direction gets a multiplier.
    case edge(UInt32, direction: UInt8, multiplier: UInt8)
    /// The field holds all changes.
    case check
    /// The cheapest way, near or across the world.
    case path(from: UInt32, to: UInt32, isWhole: Bool)
    /// So many treasures that are nearest by walking.
    case near(UInt32, count: Int)
  }

  /// A line that is none of these; from 1.
  struct Fault: Error, Equatable {
    let line: Int
  }

  private(set) var steps: [Step] = []

  /// Reads a plan for a world of `nodeCount` nodes with `degree` directions.
  init(_ text: [UInt8], nodeCount: Int, degree: Int) throws(Fault) {
    var line = 0
    for bytes in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
      line += 1
      let words = bytes.split(separator: UInt8(ascii: " "))
      let numbers = words.dropFirst().compactMap { UInt32(String(decoding: $0, as: UTF8.self)) }
      guard numbers.count == words.count - 1,
        let step = Self.step(words.first.map(Array.init) ?? [], numbers, nodeCount, degree)
      else { throw Fault(line: line) }
      steps.append(step)
    }
  }

  private static func step(
    _ word: [UInt8], _ numbers: [UInt32], _ nodeCount: Int, _ degree: Int
  ) -> Step? {
    func isNode(_ at: Int) -> Bool { numbers[at] < nodeCount }
    switch (word.count == 1 ? word[0] : 0, numbers.count) {
    case (UInt8(ascii: "t"), 1) where isNode(0): return .treasure(numbers[0])
    case (UInt8(ascii: "f"), 0): return .field
    case (UInt8(ascii: "c"), 0): return .check
    case (UInt8(ascii: "e"), 3)
    where isNode(0) && numbers[1] < degree && (1...255).contains(numbers[2]):
      return .edge(numbers[0], direction: UInt8(numbers[1]), multiplier: UInt8(numbers[2]))
    case (UInt8(ascii: "p"), 2) where isNode(0) && isNode(1):
      return .path(from: numbers[0], to: numbers[1], isWhole: false)
    case (UInt8(ascii: "w"), 2) where isNode(0) && isNode(1):
      return .path(from: numbers[0], to: numbers[1], isWhole: true)
    case (UInt8(ascii: "n"), 2) where isNode(0) && (1...1_000).contains(numbers[1]):
      return .near(numbers[0], count: Int(numbers[1]))
    default: return nil
    }
  }
}
