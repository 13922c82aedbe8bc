/// A decoder of outside bytes, and what must hold for it whatever the bytes are.
///
/// `check` runs on bytes that libFuzzer makes up and on every file of `Fuzz/<name>/corpus`. What it
/// throws is a finding, and so is a trap, a leak, an access outside memory, and a run of seconds.
/// It must not depend on anything but the bytes, nor leave anything behind.
struct Parser: Sendable {
  /// Its folder under `Fuzz`.
  let name: String
  /// Longest input tried; what a decoder does with more of the same is known.
  let bytesMax: Int
  /// Inputs to begin with, made by the real encoders and by hand.
  let seeds: @Sendable () throws -> [Seed]
  let check: @Sendable (_ bytes: [UInt8]) throws -> Void
}

/// An input with a name for its file.
struct Seed {
  let name: String
  let bytes: [UInt8]

  init(_ name: String, _ bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  init(_ name: String, _ text: String) { self.init(name, Array(text.utf8)) }

  /// An input whose first byte chooses how the rest is read.
  init(_ name: String, mode: UInt8, _ bytes: [UInt8]) { self.init(name, [mode] + bytes) }
}

/// Why an input is a finding.
struct Broken: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Throws unless the property holds.
func require(_ holds: Bool, _ property: @autoclosure () -> String) throws {
  if !holds { throw Broken(property()) }
}

/// As `require`, where only a fault of another type may be thrown.
func insist(_ holds: Bool, _ property: @autoclosure () -> String) {
  if !holds { fatalError(property()) }
}

/// Every parser that reads what others wrote.
let parsers: [Parser] = [
  frames, events, bodies, hunts, settings, paths, requests, sockets, journals, snapshots, branches,
  maps, definitions, forks, backups, python, replays, worlds, sources,
]

/// Takes choices and pieces from the front of an input.
struct Choices {
  private(set) var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  mutating func word() -> UInt16 { UInt16(byte()) | UInt16(byte()) << 8 }
}

extension [UInt8] {
  /// The bytes of a value as they lie in memory.
  init<Value: BitwiseCopyable>(of value: Value) {
    self = Swift.withUnsafeBytes(of: value) { Array($0) }
  }

  /// Puts the bytes of a value at `offset`.
  mutating func put<Value: BitwiseCopyable>(_ value: Value, _ offset: Int) {
    replaceSubrange(offset..<(offset + MemoryLayout<Value>.size), with: [UInt8](of: value))
  }

  /// The value whose bytes begin at `offset`.
  func get<Value: BitwiseCopyable>(_ offset: Int, as: Value.Type) -> Value {
    precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count)
    return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
  }
}
