import Foundation

/// The seed of this run: `SEED=n` repeats one, otherwise it is new every time.
public let runSeed: UInt64 = {
  if let text = ProcessInfo.processInfo.environment["SEED"], let seed = UInt64(text) { return seed }
  return UInt64.random(in: 1...UInt64(UInt32.max))
}()

/// SplitMix64, so that a seed repeats a case on every machine.
public struct TestRandom: RandomNumberGenerator {
  private var state: UInt64
  public init(seed: UInt64) { state = seed }
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
  /// A value in `0..<bound`.
  public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  public mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

/// Runs `property` on `cases` random cases; prints the seed of the first that fails and stops.
public func forAll(
  cases: Int, seed: UInt64 = runSeed, file: StaticString = #fileID,
  _ property: (inout TestRandom) throws -> Bool
) -> Bool {
  for at in 0..<cases {
    let caseSeed = seed &+ UInt64(at)
    var random = TestRandom(seed: caseSeed)
    var held = false
    do { held = try property(&random) } catch { print("\(file): threw \(error)") }
    if !held {
      print("\(file): case \(at) failed; repeat with SEED=\(caseSeed)")
      return false
    }
  }
  return true
}

/// The folder of real inputs beside the checkout, or nil where it is absent (tests then say so).
public let sharedFolder: String? = {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  let folder = root.deletingLastPathComponent().appendingPathComponent("shared/data").path
  return FileManager.default.fileExists(atPath: folder) ? folder : nil
}()

/// The checkout's own folder.
public let repositoryFolder: String = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path
